"""The committed media are what their sources make of them, and say honestly what they are."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import dnfile
import pefile
import pytest
from winlab.products import media
from winlab.products.windows_installer import read_package

REPOSITORY = Path(__file__).resolve().parents[3]
MEDIA = media.folder()
PACKAGES = ("mim-sync/Synchronization Service.msi", "connectors/ContosoHrConnector.msi")
MICROSOFT_TOKEN = bytes.fromhex("31bf3856ad364e35")
ASSEMBLIES = sorted(path.relative_to(MEDIA).as_posix() for path in (MEDIA / "assemblies").rglob("*.*"))


def load_tool(name: str) -> ModuleType:
    path = REPOSITORY / "tools" / f"{name}.py"
    if not path.is_file():
        pytest.skip("tools/ is not beside winlab here")
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    missing = [tool for tool in ("mcs", "wixl", "msiinfo") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed (mono-mcs, wixl, msitools)")
    tool = load_tool("build_media")
    found = tool.compiler_version()
    if found != media.compiler():
        pytest.skip(f"{found} writes other bytes than {media.compiler()}, which made the committed files")
    folder = tmp_path_factory.mktemp("media")
    tool.build(folder)
    return folder


@pytest.mark.parametrize(
    "name", [*ASSEMBLIES, "agent/AADConnectProvisioningAgentSetup.exe", "catalogue.json"]
)
def test_committed_binary_is_byte_for_byte_what_its_source_makes(rebuilt: Path, name: str) -> None:
    assert (rebuilt / name).read_bytes() == (MEDIA / name).read_bytes()


def test_nothing_is_committed_that_the_build_does_not_make(rebuilt: Path) -> None:
    def names(folder: Path) -> set[str]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix() for path in files if "sources" not in path.parts}

    assert names(MEDIA) - {".gitattributes", "README.md"} == names(rebuilt)


def exported_tables(package: Path) -> dict[str, list[str]]:
    """All tables by msitools, not by the reader that winlab uses."""
    program = shutil.which("msiinfo")
    assert program is not None

    def run(*arguments: str) -> list[str]:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    tables = [name for name in run("tables", str(package)) if not name.startswith("_")]
    return {name: sorted(run("export", str(package), name)) for name in tables}


@pytest.mark.parametrize("name", PACKAGES)
def test_committed_package_has_the_tables_that_its_source_makes(rebuilt: Path, name: str) -> None:
    assert exported_tables(rebuilt / name) == exported_tables(MEDIA / name)


def files_of(package: Path) -> dict[str, bytes]:
    def beside(name: str) -> bytes | None:
        path = package.parent / name
        return path.read_bytes() if path.is_file() else None

    return read_package(package.read_bytes()).files(beside)


@pytest.mark.parametrize("name", PACKAGES)
def test_committed_package_holds_the_files_that_its_source_makes(rebuilt: Path, name: str) -> None:
    assert files_of(rebuilt / name) == files_of(MEDIA / name)


def test_committed_management_agents_are_what_their_description_makes(tmp_path: Path) -> None:
    tool = load_tool("build_management_agents")
    for name, text in tool.files().items():
        assert (REPOSITORY / name).read_bytes() == text.replace("\n", "\r\n").encode(), name


@pytest.mark.parametrize("name", ASSEMBLIES)
def test_no_assembly_claims_to_be_microsofts(name: str) -> None:
    pe = pefile.PE(str(MEDIA / name), fast_load=False)
    strings = {
        key.decode(): value.decode()
        for info in pe.FileInfo[0]
        for table in getattr(info, "StringTable", [])
        for key, value in table.entries.items()
    }
    assert "winlab" in strings["CompanyName"] or "invented" in strings["CompanyName"]
    assembly = dnfile.dnPE(str(MEDIA / name))
    assert assembly.net is not None
    row = assembly.net.mdtables.Assembly.rows[0]
    assert MICROSOFT_TOKEN not in bytes(row.PublicKey.value)
    for reference in assembly.net.mdtables.AssemblyRef.rows if assembly.net.mdtables.AssemblyRef else ():
        assert bytes(reference.PublicKey.value) != MICROSOFT_TOKEN, str(reference.Name)


@pytest.mark.parametrize("name", PACKAGES)
def test_package_says_that_it_is_invented_or_a_stand_in(name: str) -> None:
    package = read_package((MEDIA / name).read_bytes())
    assert "winlab (stand-in" in package.manufacturer or "(invented)" in package.manufacturer
    assert "stand-in" in package.comments.lower() or "invented" in package.comments.lower()


def references(name: str) -> set[str]:
    assembly = dnfile.dnPE(str(MEDIA / "assemblies" / name))
    assert assembly.net is not None
    return {str(row.Name) for row in assembly.net.mdtables.AssemblyRef.rows}


def test_contoso_connector_needs_dependencies_two_levels_deep() -> None:
    first = references("connectors/Contoso.Hr.Connector.dll")
    assert {"Contoso.Hr.Protocol", "Microsoft.MetadirectoryServicesEx"} <= first
    assert "Contoso.Json" not in first
    assert "Contoso.Json" in references("connectors/Contoso.Hr.Protocol.dll")


def test_catalogue_knows_each_program_by_the_digest_of_its_committed_file() -> None:
    import hashlib

    catalogue = json.loads((MEDIA / "catalogue.json").read_text(encoding="utf-8"))
    for entry in catalogue["programs"].values():
        path = next(MEDIA.rglob(entry["file"]))
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
