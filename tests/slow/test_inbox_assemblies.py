"""The list of .NET Framework's assemblies is what its script makes of the Debian package it names."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "mono-devel"


@pytest.fixture(scope="module")
def reference_assemblies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """23 MB from the distribution's own package source."""
    if not shutil.which("apt-get"):
        pytest.skip("no apt-get here")
    folder = tmp_path_factory.mktemp("mono")
    done = subprocess.run(
        ["apt-get", "download", PACKAGE],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    found = list(folder.glob("*.deb"))
    if not found:
        pytest.skip(f"{PACKAGE} cannot be downloaded here: {done.stderr.strip().splitlines()[-1:]}")
    if not found[0].name.startswith(f"{PACKAGE}_6.8.0.105"):
        pytest.skip(f"{found[0].name} is another version than the list was made from")
    subprocess.run(["dpkg", "-x", str(found[0]), str(folder / "extracted")], check=True)
    return folder / "extracted" / "usr" / "lib" / "mono"


def build(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", str(ROOT / "tools/build_inbox_assemblies.py"), *arguments, "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_list_is_what_the_script_makes_of_the_package(reference_assemblies: Path) -> None:
    done = build(str(reference_assemblies))
    assert (done.returncode, done.stdout) == (0, "inbox_assemblies.json: as it was\n"), done.stderr


def test_another_folder_is_refused(tmp_path: Path) -> None:
    done = build(str(tmp_path))
    assert done.returncode == 1
    assert "expected the reference assemblies of package mono-devel." in done.stderr
