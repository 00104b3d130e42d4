"""Which files of a MIM host are fetched beyond `Extensions`."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path

import pytest

from mim2ecma.documents.errors import InputError
from mim2ecma.rollout import beyond_extensions as beyond
from mim2ecma.rollout.run_folder import export_name

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "assemblies"
BIN = r"C:\Sync\Bin"
CACHES = [r"C:\Windows\Microsoft.NET\assembly", r"C:\Windows\assembly"]
TOKEN = "48fcdbbf177042f4"
IN_CACHE = rf"GAC_MSIL\Gac.Library\v4.0_1.0.0.0__{TOKEN}\Gac.Library.dll"


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def listed(path: str, digest: str = "a" * 64) -> dict[str, str]:
    return {"path": path, "checksum": digest}


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A MIM host's folder with one export, whose connector needs a library from the assembly cache."""
    folder = tmp_path / "mim01"
    (folder / "Extensions").mkdir(parents=True)
    shutil.copy(FIXTURES / "gac/Extensions/Gac.Connector.dll", folder / "Extensions")
    name_connector(monkeypatch, folder, "Gac.Connector.dll")
    return folder


def name_connector(monkeypatch, folder, dll):
    """An export is an XML file that other tests read; here only the connector's name matters."""
    from types import SimpleNamespace as Space

    agent = Space(configuration=Space(extension=Space(filename=dll)))
    monkeypatch.setattr(beyond, "inspect", lambda path: Space(management_agent=agent))
    export = folder / "hr-1" / "export" / export_name("HR")
    export.parent.mkdir(parents=True, exist_ok=True)
    export.write_text("<export-ma/>")


def ask(folder, *files):
    exports = [{"management_agent": "HR", "folder": str(folder / "hr-1")}]
    return beyond.need(folder, exports, files, BIN, CACHES)


def pack(path: Path, *files: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number, file in enumerate(files):
            archive.write(file, f"{number}/{file.name}")
    return path


def test_a_connector_that_has_all_it_needs_leads_nowhere(host, monkeypatch):
    shutil.copy(FIXTURES / "chain/Chain.Connector.dll", host / "Extensions")
    shutil.copy(FIXTURES / "chain/Chain.Middle.dll", host / "Extensions")
    shutil.copy(FIXTURES / "chain/Chain.Leaf.dll", host / "Extensions")
    name_connector(monkeypatch, host, "Chain.Connector.dll")
    found = ask(host, listed(rf"{BIN}\Chain.Leaf.dll"), listed(rf"{BIN}\miiserver.exe"))
    assert found == beyond.Need(())


def test_the_configuration_of_the_service_is_always_wanted(host):
    found = ask(host, listed(rf"{BIN}\MIIServer.exe.config"), listed(rf"{BIN}\maexport.exe.config"))
    assert found.fetch == ((rf"{BIN}\MIIServer.exe.config", "Bin/MIIServer.exe.config"),)


def test_a_missing_library_is_looked_for_by_name_and_fetched_by_identity(host):
    found = ask(host)
    assert found.patterns == (r"^Gac\.Library\.(dll|exe)$",)
    assert found.fetch == ()
    right = rf"{CACHES[0]}\{IN_CACHE}"
    found = ask(
        host,
        listed(right),
        listed(rf"{CACHES[0]}\GAC_32\Gac.Library\v4.0_1.0.0.0__{TOKEN}\Gac.Library.dll"),
        listed(rf"{CACHES[0]}\GAC_MSIL\Gac.Library\v4.0_2.0.0.0__{TOKEN}\Gac.Library.dll"),
        listed(rf"{CACHES[0]}\GAC_MSIL\Gac.Library\v4.0_1.0.0.0__0000000000000000\Gac.Library.dll"),
        listed(rf"{CACHES[1]}\GAC\Gac.Library\1.0.0.0__{TOKEN}\Gac.Library.dll"),
        listed(rf"{BIN}\Deep\Gac.Library.dll"),
    )
    assert [path for path, _ in found.fetch] == [
        rf"{CACHES[1]}\GAC\Gac.Library\1.0.0.0__{TOKEN}\Gac.Library.dll",
        right,
    ]


@pytest.mark.parametrize("place", ["", "Assemblies\\", "Gac.Library\\", "Assemblies\\gac.library\\"])
def test_bin_is_searched_as_the_runtime_probes(host, place):
    found = ask(host, listed(rf"{BIN}\{place}GAC.Library.dll"))
    assert [path for path, _ in found.fetch] == [rf"{BIN}\{place}GAC.Library.dll"]


def test_probing_paths_of_the_configuration_count(host):
    (host / "Bin").mkdir()
    (host / "Bin" / "miiserver.exe.config").write_text(
        '<configuration><runtime><assemblyBinding xmlns="urn:schemas-microsoft-com:asm.v1">'
        '<probing privatePath="Own;Deep"/></assemblyBinding></runtime></configuration>'
    )
    found = ask(host, listed(rf"{BIN}\Deep\Gac.Library.dll"), listed(rf"{BIN}\Other\Gac.Library.dll"))
    assert [path for path, _ in found.fetch] == [rf"{BIN}\Deep\Gac.Library.dll"]


def test_what_is_fetched_is_kept_once_and_removed_when_nothing_leads_there(host, monkeypatch, tmp_path):
    library = FIXTURES / "gac/root" / IN_CACHE.replace("\\", "/")
    file = listed(rf"{CACHES[0]}\{IN_CACHE}", sha(library))
    assert beyond.store(host, ask(host, file), pack(tmp_path / "a.zip", library)) is True
    assert beyond.fetched(host).gac == (str(host / "GAC/v4"),)
    again = ask(host, file)
    assert (again.fetch, again.stale) == ((), False)
    shutil.copy(FIXTURES / "plain/Plain.Connector.dll", host / "Extensions")
    name_connector(monkeypatch, host, "Plain.Connector.dll")
    gone = ask(host, file)
    assert (gone.fetch, gone.stale) == ((), True)
    assert beyond.store(host, gone, None) is True
    assert not list((host / "GAC/v4").rglob("*.dll"))


def test_other_bytes_than_the_host_listed_are_refused_and_nothing_is_kept(host, tmp_path):
    found = ask(host, listed(rf"{CACHES[0]}\{IN_CACHE}", "b" * 64))
    library = FIXTURES / "gac/root" / IN_CACHE.replace("\\", "/")
    with pytest.raises(InputError, match="other bytes than the host listed; expected the SHA-256"):
        beyond.store(host, found, pack(tmp_path / "a.zip", library))
    assert not (host / "GAC").exists()
    assert not list(host.glob(".incoming*"))


def test_a_listing_with_a_name_that_leaves_the_folder_is_refused(host):
    with pytest.raises(InputError, match="plain file names"):
        ask(host, listed(rf"{BIN}\..\Gac.Library.dll"))


def test_a_connector_that_cannot_be_read_is_left_to_the_assessment(host):
    (host / "Extensions" / "Gac.Connector.dll").write_text("<html>")
    assert ask(host).patterns == ()


def test_a_flood_of_names_is_not_looked_for(host, monkeypatch):
    monkeypatch.setattr(beyond, "NAMES_LIMIT", 0)
    with pytest.raises(InputError, match="1 names that Extensions does not have; expected at most 0"):
        ask(host)
