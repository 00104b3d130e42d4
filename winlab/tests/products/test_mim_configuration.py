"""Management agents: import of a server configuration, listing, maexport.exe, svrexport.exe."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from winlab.products import mim_sync
from winlab.products.mim_configuration import ConfigurationError, SyncConfiguration, read_management_agent
from winlab.scripts import ScriptError

REPOSITORY = Path(__file__).resolve().parents[3]
SERVER_CONFIGURATION = REPOSITORY / "inventories/lab/files/server-configuration"
EXPORTS = REPOSITORY / "inventories/lab/files/management-agents"
SAMPLES = REPOSITORY.parent / "shared/samples"
BIN = mim_sync.DEFAULT_FOLDER + r"\Bin"
EXTENSIONS = mim_sync.DEFAULT_FOLDER + r"\Extensions"
FOLDER, TARGET = r"C:\import", r"C:\export\ma.xml"


@pytest.fixture
def ready(box: Any) -> Any:
    box.with_connector()
    box.put(SERVER_CONFIGURATION, FOLDER)
    box.host.files.mkdir(r"C:\export")
    return box


@pytest.fixture
def configured(ready: Any) -> Any:
    assert mim_sync.import_server_configuration(ready.script(ready.admin(), Path=FOLDER)).changed
    return ready


def names(box: Any) -> list[str]:
    call = box.script(box.admin())
    return [item["Name"] for item in mim_sync.list_management_agents(call).output]


class TestImport:
    def test_imports_and_lists_name_guid_and_type(self, configured: Any) -> None:
        result = mim_sync.list_management_agents(configured.script(configured.admin()))
        assert result.changed is False
        assert result.output == [
            {"Name": "Contoso HR", "Guid": "{73CEE0A2-EF9F-5EAB-8343-FFE1ADBC1F08}", "Type": "Extensible2"}
        ]

    def test_check_mode_reports_the_change_and_makes_none(self, ready: Any) -> None:
        result = mim_sync.import_server_configuration(
            ready.script(ready.admin(), check_mode=True, Path=FOLDER)
        )
        assert result.changed is True
        assert names(ready) == []

    def test_server_with_management_agents_is_refused(self, configured: Any) -> None:
        with pytest.raises(ScriptError, match="the server has 1 management agents; expected none"):
            mim_sync.import_server_configuration(configured.script(configured.admin(), Path=FOLDER))

    def test_allowed_replace_of_the_same_changes_nothing(self, configured: Any) -> None:
        call = configured.script(configured.admin(), Path=FOLDER, AllowReplace=True)
        assert mim_sync.import_server_configuration(call).changed is False

    def test_allowed_replace_is_a_full_replace(self, configured: Any) -> None:
        files = configured.host.files
        path = next(rf"{FOLDER}\{name}" for name in files.listdir(FOLDER) if name.startswith("MA-"))
        files.write_bytes(path, files.read_bytes(path).replace(b"<name>Contoso HR<", b"<name>Staff<"))
        call = configured.script(configured.admin(), Path=FOLDER, AllowReplace=True)
        assert mim_sync.import_server_configuration(call).changed is True
        assert names(configured) == ["Staff"]

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (
                lambda box: box.host.files.write_bytes(rf"{FOLDER}\notes.txt", b"x"),
                "MV.xml and MA-*.XML only",
            ),
            (lambda box: box.host.files.mkdir(rf"{FOLDER}\old"), "MV.xml and MA-*.XML only"),
            (lambda box: box.host.files.delete(rf"{FOLDER}\MV.xml"), "MV.xml and MA-*.XML only"),
            (lambda box: box.host.files.write_bytes(rf"{FOLDER}\MA-X.XML", b"<a>"), "not well-formed"),
            (
                lambda box: box.host.files.write_bytes(rf"{FOLDER}\MA-X.XML", b"<!DOCTYPE a []><a/>"),
                "DTD is prohibited",
            ),
            (
                lambda box: box.host.files.write_bytes(rf"{FOLDER}\MA-X.XML", b"<export-ma/>"),
                "expected saved-ma-configuration",
            ),
            (lambda box: box.host.files.delete(rf"{FOLDER}", recursive=True), "no such folder"),
            (
                lambda box: box.host.files.write_stream_named(
                    rf"{EXTENSIONS}\Contoso.Hr.Connector.dll",
                    "Zone.Identifier",
                    b"[ZoneTransfer]\r\nZoneId=3\r\n",
                ),
                "0x80131515",
            ),
            (
                lambda box: box.host.files.delete(rf"{EXTENSIONS}\Contoso.Hr.Connector.dll"),
                "stopped-extension-dll-file-not-found",
            ),
            (
                lambda box: box.host.files.write_bytes(
                    rf"{EXTENSIONS}\Contoso.Hr.Connector.dll", b"MZ newer"
                ),
                "was not restarted",
            ),
        ],
    )
    def test_import_that_fails_says_why_and_leaves_the_server_empty(
        self, ready: Any, spoil: Any, said: str
    ) -> None:
        spoil(ready)
        with pytest.raises(ScriptError, match=re.escape(said)):
            mim_sync.import_server_configuration(ready.script(ready.admin(), Path=FOLDER))
        assert names(ready) == []

    def test_connector_that_came_after_the_service_started_needs_a_restart(self, box: Any) -> None:
        box.install_sync()
        box.put(SERVER_CONFIGURATION, FOLDER)
        assert box.msiexec(r"/i C:\media\connectors\ContosoHrConnector.msi /qn") == 0
        with pytest.raises(ScriptError, match="was not restarted"):
            mim_sync.import_server_configuration(box.script(box.admin(), Path=FOLDER))
        box.restart_sync()
        assert mim_sync.import_server_configuration(box.script(box.admin(), Path=FOLDER)).changed

    def test_loaded_connector_is_locked_until_the_service_stops(self, configured: Any) -> None:
        path = rf"{EXTENSIONS}\Contoso.Hr.Connector.dll"
        assert configured.host.files.holder_of(path) == "service:fimsynchronizationservice"
        configured.host.services.stop(mim_sync.SERVICE)
        assert configured.host.files.holder_of(path) is None


class TestAccess:
    @pytest.mark.parametrize(
        ("group", "lists", "exports"),
        [("FIMSyncAdmins", True, 0), ("FIMSyncOperators", True, 1), ("FIMSyncBrowse", False, 1)],
    )
    def test_role_decides_and_counts_from_the_next_logon(
        self, configured: Any, group: str, lists: bool, exports: int
    ) -> None:
        stale = configured.person("anna", "Administrators")
        fresh = configured.person("anna", "Administrators", group)
        command = [rf"{BIN}\maexport.exe", "Contoso HR", TARGET]
        refused = configured.run(command, stale)
        assert refused.rc == 1 and "0x80070005" in refused.stdout
        with pytest.raises(ScriptError, match="Access denied"):
            mim_sync.list_management_agents(configured.script(stale))
        if lists:
            assert mim_sync.list_management_agents(configured.script(fresh)).output
        else:
            with pytest.raises(ScriptError, match="Access denied"):
                mim_sync.list_management_agents(configured.script(fresh))
        assert configured.run(command, fresh).rc == exports

    def test_host_without_the_product_has_no_such_namespace(self, box: Any) -> None:
        with pytest.raises(ScriptError, match="Invalid namespace"):
            mim_sync.list_management_agents(box.script(box.admin()))

    def test_stopped_service_answers_nobody(self, configured: Any) -> None:
        configured.host.services.stop(mim_sync.SERVICE)
        with pytest.raises(ScriptError, match="Provider load failure"):
            mim_sync.list_management_agents(configured.script(configured.admin()))
        done = configured.run([rf"{BIN}\maexport.exe", "Contoso HR", TARGET])
        assert done.rc == 1 and "not running" in done.stdout


class TestMaExport:
    def export(self, box: Any, *words: str) -> Any:
        return box.run([rf"{BIN}\maexport.exe", *(words or ("Contoso HR", TARGET))])

    def test_file_has_the_shape_of_a_real_export(self, configured: Any) -> None:
        assert self.export(configured).rc == 0
        data = configured.host.files.read_bytes(TARGET)
        assert re.match(
            rb"<export-ma server='MIM01' export-date='\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}'>\r\n<!--WARNING>\r\n",
            data,
        )
        assert data.endswith(b"</mv-data>\r\n\r\n</export-ma>\r\n")
        assert b"\n" not in data.replace(b"\r\n", b"")
        root = etree.fromstring(data)
        assert [child.tag for child in root if isinstance(child.tag, str)] == ["ma-data", "mv-data"]
        assert root.findtext("ma-data/name") == "Contoso HR"
        assert root.find("mv-data/import-attribute-flow/import-flow-set") is not None

    def test_management_agent_is_the_text_that_was_imported(self, configured: Any) -> None:
        self.export(configured)
        source = next(SERVER_CONFIGURATION.glob("MA-*.XML")).read_bytes()
        whole = source[source.index(b"<ma-data>") : source.index(b"</ma-data>")]
        assert whole in configured.host.files.read_bytes(TARGET)

    def test_each_export_has_another_time_stamp(self, make: Any) -> None:
        box = make()
        now = box.host.clock.now()
        box.host.clock._source = lambda: now
        box.with_connector()
        box.put(SERVER_CONFIGURATION, FOLDER)
        mim_sync.import_server_configuration(box.script(box.admin(), Path=FOLDER))
        stamps = set()
        for number in range(3):
            assert self.export(box, "Contoso HR", rf"C:\media\{number}.xml").rc == 0
            stamps.add(box.host.files.read_bytes(rf"C:\media\{number}.xml").split(b"'")[3])
        assert len(stamps) == 3

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("Nobody", TARGET), '"Nobody" was not found'),
            (("contoso hr", TARGET), '"contoso hr" was not found'),
            (("Contoso HR", r"C:\no\such\ma.xml"), "was not written"),
            (("Contoso HR",), "Usage"),
            (("a", "b", "c"), "Usage"),
        ],
    )
    def test_failure_is_said_and_ends_with_1(
        self, configured: Any, words: tuple[str, ...], said: str
    ) -> None:
        done = self.export(configured, *words)
        assert done.rc == 1 and said in done.stdout
        assert not configured.host.files.exists(TARGET)

    def test_existing_file_is_not_overwritten(self, configured: Any) -> None:
        configured.host.files.write_bytes(TARGET, b"mine")
        done = self.export(configured)
        assert done.rc == 1 and "exists already" in done.stdout
        assert configured.host.files.read_bytes(TARGET) == b"mine"


class TestSvrExport:
    def test_writes_read_only_files_that_another_server_can_import(self, configured: Any) -> None:
        configured.host.files.mkdir(r"C:\server")
        done = configured.run([rf"{BIN}\svrexport.exe", r"C:\server", "/v"])
        assert done.rc == 0
        written = configured.host.files.listdir(r"C:\server")
        assert written == ["MA-{73CEE0A2-EF9F-5EAB-8343-FFE1ADBC1F08}.XML", "MV.xml"]
        for name in written:
            assert "ReadOnly" in configured.host.files.entry(rf"C:\server\{name}").attributes
        call = configured.script(configured.admin(), Path=r"C:\server", AllowReplace=True)
        assert mim_sync.import_server_configuration(call).changed is False

    @pytest.mark.parametrize("folder", [r"C:\media", r"C:\no such folder"])
    def test_wants_an_empty_folder(self, configured: Any, folder: str) -> None:
        done = configured.run([rf"{BIN}\svrexport.exe", folder])
        assert done.rc == 1 and "not an empty folder" in done.stdout


class TestReading:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_reads_what_people_have_saved_again(self, encoding: str) -> None:
        text = (EXPORTS / "fabrikam-badges.export-ma.xml").read_bytes().decode()
        agent = read_management_agent(text.encode(encoding), "export-ma")
        assert agent.name == "Fabrikam Badges (plant & campus)"
        assert agent.ma_data == text[text.index("<ma-data>") : text.index("</ma-data>") + 10]

    @pytest.mark.parametrize("data", [b"", b"<html>", b"<export-ma/>", b"\xff\xfe\x00", b"<a/><b/>"])
    def test_refuses_what_is_no_management_agent(self, data: bytes) -> None:
        with pytest.raises(ConfigurationError):
            read_management_agent(data, "export-ma")

    @pytest.mark.parametrize("name", ["lync-powershell", "powershell-psma"])
    def test_real_export_comes_out_as_it_went_in(self, box: Any, name: str) -> None:
        path = SAMPLES / "ecma2" / f"{name}.export-ma.xml"
        if not path.is_file():
            pytest.skip(f"{path} is not there: real exports are no part of the project")
        box.install_sync()
        data = path.read_bytes()
        configuration = SyncConfiguration(box.host)
        configuration.add(read_management_agent(data, "export-ma"))
        again = box.again()
        configuration = SyncConfiguration(again.host)
        written = configuration.export_agent(configuration.agents()[0])
        for element in (b"ma-data", b"mv-data"):
            start, end = data.index(b"<" + element), data.rindex(b"</" + element)
            assert data[start:end] in written
