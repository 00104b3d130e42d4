"""What somebody else's project gets: the built package, and the two examples as they are copied."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

WINLAB = Path(__file__).resolve().parents[2]
BINARIES = Path(sys.executable).parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution as `pip install` lays it down, before the checkout on Python's path."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    source.mkdir()
    for name in ("src", "connection_plugins", "README.md", "LICENSE", "pyproject.toml"):
        path = WINLAB / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.exists():
            shutil.copy(path, source / name)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps",
               "--no-build-isolation", "--no-index", "--target", str(folder / "site"), str(source)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def environment(installed: Path, home: Path) -> dict[str, str]:
    wanted = {
        name: value for name, value in os.environ.items() if not name.startswith(("WINLAB_", "ANSIBLE_"))
    }
    return {
        **wanted,
        "HOME": str(home),
        "PYTHONPATH": str(installed),
        "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1",
    }


def copy(name: str, target: Path) -> Path:
    return Path(shutil.copytree(WINLAB / "examples" / name, target / name))


def test_package_brings_pins_media_and_the_plugin(installed: Path) -> None:
    assert (installed / "winlab/modules/pins.json").exists()
    assert (installed / "winlab/media/catalogue.json").exists()
    assert zipfile.is_zipfile(installed / "winlab/media/agent/AADConnectProvisioningAgentSetup.exe")
    (entry_points,) = installed.glob("winlab-*.dist-info/entry_points.txt")
    assert "[pytest11]\nwinlab = winlab.pytest_plugin" in entry_points.read_text()


@pytest.mark.lab
def test_pytest_example_passes_as_it_is_copied(installed: Path, tmp_path: Path) -> None:
    folder = copy("pytest", tmp_path)
    text = (folder / "test_site.py").read_text()
    body = [line for line in text.partition("def test")[2].splitlines() if line.strip()]
    assert len(body) <= 10
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--basetemp", str(tmp_path / "t")],
        cwd=folder,
        env=environment(installed, tmp_path),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.lab
def test_a_project_without_a_definition_gets_one_bare_server(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "test_bare.py").write_text(
        "def test_bare(winlab_lab, winlab_inventory):\n"
        "    assert list(winlab_lab.hosts) == ['win01']\n"
        "    assert winlab_inventory.stat().st_mode & 0o777 == 0o600\n"
        "    winlab_lab.snapshot('bare')\n"
        "    winlab_lab.reset('bare')\n"
        "    assert winlab_lab.show('win01')['host']['computer_name'] == 'WIN01'\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--basetemp", str(tmp_path / "t"), "--rootdir", str(tmp_path)],
        cwd=tmp_path,
        env=environment(installed, tmp_path),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.lab
def test_molecule_example_passes_as_it_is_copied(installed: Path, tmp_path: Path) -> None:
    folder = copy("molecule", tmp_path)
    done = subprocess.run(
        [str(BINARIES / "molecule"), "test"],
        cwd=folder,
        env=environment(installed, tmp_path),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 successful" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["pytest", "molecule"])
def test_an_example_says_where_winlab_is_and_which_release_its_pins_hold(name: str) -> None:
    release = version("ansible")  # that the pins fit what is installed is said by `winlab pins --check`
    assert f"ansible=={release}\n" in (WINLAB / "examples" / name / "requirements.txt").read_text()
    said = (WINLAB / "examples" / name / "README.md").read_text()
    assert f"ansible {release} (ansible-core {version('ansible-core')})" in said
    assert "on no public index" in said
    assert "pip install PATH/TO/CHECKOUT/winlab\n" in said
