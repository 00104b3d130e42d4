"""MIM Synchronization Service: what its set-up refuses, what it leaves, who may use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from winlab.host.registry import Value
from winlab.products import mim_sync, sql_server, windows_server

PASSWORD = "Corr3ct-horse 1"  # of conftest.py
SERVICE = mim_sync.SERVICE


def nothing(box: Any) -> None:
    """The host is right; the command line is not."""


def stop_sql(box: Any) -> None:
    box.host.services.stop(sql_server.SERVICE)


def no_sysadmin(box: Any) -> None:
    box.host.products["sql_server"]["sysadmins"] = []
    box.host.products["sql_server"]["logins"] = ["S-1-5-32-544"]


def database_there(box: Any) -> None:
    sql_server.create_database(box.host, "localhost", "FIMSYNCHRONIZATIONSERVICE", "S-1-5-18")


def no_native_client(box: Any) -> None:
    box.host.packages.remove(sql_server.NATIVE_CLIENT_CODE)


def no_logon_right(box: Any) -> None:
    box.host.accounts.revoke("SeServiceLogonRight", box.host.accounts.resolve("mimsync").sid)


def old_dotnet(box: Any) -> None:
    windows_server.dotnet(box.host, (379893, "4.5.51209"))


def server_core(box: Any) -> None:
    box.host.registry.set(windows_server.VERSION_KEY, "InstallationType", Value("string", "Server Core"))


@pytest.mark.parametrize(
    ("spoil", "changes", "said"),
    [
        (nothing, {"ACCEPT_EULA": None}, "license agreement"),
        (nothing, {"ACCEPT_EULA": "0"}, "license agreement"),
        (nothing, {"STORESERVER": "sql99"}, "Error 25009"),
        (nothing, {"STORESERVER": "localhost,1433"}, "cannot hold a port"),
        (nothing, {"SQLINSTANCE": "OTHER"}, "Error 25009"),
        (nothing, {"SERVICEACCOUNT": None}, "SERVICEACCOUNT"),
        (nothing, {"SERVICEACCOUNT": "nobody"}, "was not found"),
        (nothing, {"SERVICEACCOUNT": "Administrators"}, "was not found"),
        (nothing, {"SERVICEDOMAIN": "CONTOSO"}, "was not found"),
        (nothing, {"SERVICEPASSWORD": "wrong"}, "Error 1920"),
        (nothing, {"GROUPADMINS": r"CONTOSO\MIMSyncAdmins"}, "was not found"),
        (stop_sql, {}, "Error 25009"),
        (no_sysadmin, {}, "Error 25009"),
        (database_there, {}, "Error 25009"),
        (no_native_client, {}, "Native Client"),
        (no_logon_right, {}, "Error 1920"),
        (old_dotnet, {}, ".NET Framework 4.6"),
        (server_core, {}, "Desktop Experience"),
    ],
)
def test_set_up_refuses_with_1603_says_why_and_leaves_nothing(
    box: Any, spoil: Callable[[Any], None], changes: dict[str, str | None], said: str
) -> None:
    box.ready_for_sync()
    spoil(box)
    databases = dict(box.host.products["sql_server"]["databases"])
    assert box.msiexec(box.sync_command(**changes)) == 1603
    assert said in box.log_text()
    assert box.host.services.get(SERVICE) is None
    assert box.host.accounts.group("FIMSyncAdmins") is None
    assert not box.host.files.exists(mim_sync.DEFAULT_FOLDER)
    assert box.host.registry.get(mim_sync.PARAMETERS_KEY, "Path") is None
    assert box.host.products["sql_server"]["databases"] == databases
    assert "mim_sync" not in box.host.products


def test_set_up_leaves_service_registry_folders_groups_and_database(box: Any) -> None:
    box.install_sync()
    service = box.host.services.get(SERVICE)
    assert (service.state, service.account, service.start_mode) == ("running", r".\mimsync", "auto")
    values = box.host.registry.values(mim_sync.PARAMETERS_KEY)
    assert {name: value.data for name, value in values.items()} == {
        "Path": mim_sync.DEFAULT_FOLDER + "\\",
        "Server": "localhost",
        "SQLInstance": "",
        "DBName": "FIMSynchronizationService",
    }
    location = box.host.registry.get(
        r"HKLM\SOFTWARE\Microsoft\Forefront Identity Manager\2010\Synchronization Service", "Location"
    )
    assert location.data == r"C:\Program Files\Microsoft Forefront Identity Manager\2010" + "\\"
    assert {"Bin", "Extensions", "ExtensionsCache", "MaData", "UIShell"} <= set(
        box.host.files.listdir(mim_sync.DEFAULT_FOLDER)
    )
    assert all(box.host.accounts.group(default) for _, _, default, _ in mim_sync.GROUPS)
    assert "FIMSynchronizationService" in box.host.products["sql_server"]["databases"]


def test_installing_user_becomes_administrator_of_a_group_that_set_up_makes(box: Any) -> None:
    box.install_sync()
    assert box.host.accounts.members("FIMSyncAdmins") == [box.admin().sid]


def test_installing_user_is_not_added_to_a_group_that_was_there(box: Any) -> None:
    box.host.accounts.create_group("FIMSyncAdmins")
    box.install_sync()
    assert box.host.accounts.members("FIMSyncAdmins") == []


def test_network_logon_cannot_set_up_against_a_remote_sql_server_but_a_batch_logon_can(
    make: Callable[..., Any],
) -> None:
    box = make(sql_servers={"sql01": {"sysadmins": ["Administrator"]}})
    box.ready_for_sync()
    command = box.sync_command(STORESERVER="sql01")
    assert box.msiexec(command, box.admin("network")) == 1603
    assert "ANONYMOUS LOGON" in box.log_text()
    assert box.msiexec(command, box.admin("batch")) == 0, box.log_text()


def test_service_does_not_start_without_its_database_and_does_after_sql_is_back(box: Any) -> None:
    box.install_sync()
    box.host.services.stop(sql_server.SERVICE, force=True)
    assert box.host.services.get(SERVICE).state == "stopped"
    box.host.services.configure(SERVICE, depends_on=())
    with pytest.raises(Exception, match="1053"):
        box.host.services.start(SERVICE)
    box.host.services.start(sql_server.SERVICE)
    assert box.host.services.start(SERVICE).state == "running"


def test_service_runs_again_after_a_reboot(box: Any) -> None:
    box.install_sync()
    box.host.reboot()
    assert box.host.services.get(SERVICE).state == "running"


class TestCheckSqlServer:
    def ask(self, box: Any, session: Any, **changes: str) -> dict[str, Any]:
        call = box.script(session, **{"Server": "localhost", "Instance": "", "Database": "X", **changes})
        result = mim_sync.check_sql_server(call)
        assert result.changed is False and len(result.output) == 1
        return result.output[0]

    def test_administrator_is_sysadmin_as_in_the_azure_image(self, box: Any) -> None:
        sql_server.install(box.host)
        answer = self.ask(box, box.admin())
        assert answer == {
            "reachable": True,
            "sysadmin": True,
            "database_exists": False,
            "version": sql_server.VERSION_2016_SP1,
            "detail": "",
        }

    @pytest.mark.parametrize(
        ("changes", "key", "value"),
        [
            ({"Database": "master"}, "database_exists", True),
            ({"Server": "MIM01"}, "reachable", True),
            ({"Server": "."}, "reachable", True),
            ({"Server": "sql99"}, "reachable", False),
            ({"Server": r"localhost\OTHER"}, "reachable", False),
            ({"Instance": "OTHER"}, "reachable", False),
        ],
    )
    def test_answer(self, box: Any, changes: dict[str, str], key: str, value: bool) -> None:
        sql_server.install(box.host)
        assert self.ask(box, box.admin(), **changes)[key] is value

    def test_logon_that_the_server_does_not_know_is_refused_by_name(self, box: Any) -> None:
        sql_server.install(box.host)
        answer = self.ask(box, box.person("bob", "Users"))
        assert answer["reachable"] is False
        assert answer["detail"] == r"Login failed for user 'MIM01\bob'."

    def test_group_membership_counts_from_the_next_logon(self, box: Any) -> None:
        group = box.host.accounts.create_group("SqlAdmins")
        sql_server.install(box.host, [group.sid])
        before = box.admin()
        box.host.accounts.add_member("SqlAdmins", before.sid)
        assert self.ask(box, before)["reachable"] is False
        assert self.ask(box, box.admin())["sysadmin"] is True
