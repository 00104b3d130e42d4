"""Real assemblies: all DLLs of the package `dotnetcore2`, compared with dnfile, and a sample with monodis."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import pytest

from mim2ecma.assemblies.reader import read_assembly

PACKAGE = "dotnetcore2==3.1.23"
SAMPLE_STEP = 16


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("dotnetcore2")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        str(folder),
        PACKAGE,
    ]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{PACKAGE} could not be downloaded within two minutes")
    if result.returncode:
        pytest.skip(f"{PACKAGE} cannot be downloaded here: {result.stderr.strip().splitlines()[-1:]}")
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".dll")]
        archive.extractall(folder, names)
    return sorted(folder.rglob("*.dll"))


def by_dnfile(path: Path) -> tuple[object, list[object], list[str], list[str]]:
    import dnfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = dnfile.dnPE(str(path), clr_lazy_load=True)
    tables = image.net.mdtables

    def version(row: object) -> tuple[int, ...]:
        return row.MajorVersion, row.MinorVersion, row.BuildNumber, row.RevisionNumber  # type: ignore[attr-defined]

    own = [(str(row.Name), version(row), str(row.Culture or "")) for row in tables.Assembly or []]
    references = [(str(row.Name), version(row)) for row in tables.AssemblyRef or []]
    resources = [str(row.Name) for row in tables.ManifestResource or []]
    calls = {str(row.ImportScope.row.Name) for row in tables.ImplMap or []}
    return own[0] if own else None, references, resources, sorted(calls)


def test_all_read_the_same_as_with_dnfile(libraries: list[Path]) -> None:
    assert len(libraries) == 165
    differing = []
    for path in libraries:
        found = read_assembly(path)
        assert found.warnings == ()
        identity = found.identity
        ours = (
            (identity.name, identity.version, identity.culture) if identity else None,
            [(reference.name, reference.version) for reference in found.references],
            [resource.name for resource in found.resources],
            sorted({module.name for module in found.modules if module.kind == "invoke"}),
        )
        if ours != by_dnfile(path):
            differing.append(path.name)
    assert differing == []


@pytest.mark.skipif(shutil.which("monodis") is None, reason="monodis is not installed")
def test_a_sample_reads_the_same_as_with_monodis(libraries: list[Path]) -> None:
    for path in libraries[::SAMPLE_STEP]:
        output = subprocess.run(
            ["monodis", "--assemblyref", str(path)], capture_output=True, check=True
        ).stdout.decode()
        names = re.findall(r"^\s*Name=(.*)$", output, re.MULTILINE)
        versions = re.findall(r"Version=([0-9.]+)", output)
        tokens = [
            line.replace(" ", "").casefold()
            for line in re.findall(r"Public Key:\n0x0+: ([0-9A-F ]+)", output)
        ]
        found = read_assembly(path)
        assert [reference.name for reference in found.references] == names
        assert [reference.version_text for reference in found.references] == versions
        assert [reference.public_key_token for reference in found.references if reference.is_strong] == tokens
        own = subprocess.run(
            ["monodis", "--assembly", str(path)], capture_output=True, check=True
        ).stdout.decode()
        assert found.identity is not None
        assert re.findall(r"^Name:\s+(.*)$", own, re.MULTILINE) == [found.identity.name]
        assert re.findall(r"^Version:\s+(.*)$", own, re.MULTILINE) == [found.identity.version_text]
