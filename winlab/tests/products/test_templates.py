"""Hosts as a lab definition builds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from winlab.errors import NotModelled, WinlabError
from winlab.host.model import Host
from winlab.products import existing_sync, mim_sync, templates
from winlab.products.mim_configuration import STATE, SyncConfiguration

REPOSITORY = Path(__file__).resolve().parents[3]
LAB = REPOSITORY / "inventories/lab"
EXPORT = "files/management-agents/fabrikam-badges.export-ma.xml"
PASSWORD = "Corr3ct-horse 1"  # of conftest.py


def existing(make: Callable[..., Any], **definition: Any) -> Any:
    return make("mim02", roles=["sql-server-2016", "mim-sync"], management_agents=[EXPORT], **definition)


def test_bare_server_has_no_trace_of_the_products(box: Any) -> None:
    assert box.host.services.get(mim_sync.SERVICE) is None
    assert not [p for p in box.host.packages.all() if "Identity Manager" in p.name or "Entra" in p.name]
    assert not box.host.files.exists(r"C:\Program Files\Microsoft ECMA2Host")
    assert box.host.pending_reboot() == []


def test_fresh_host_looks_lived_in(box: Any) -> None:
    host = box.host
    assert {user.name for user in host.accounts.users()} >= {"svc-backup", "svc-deploy", "k.berg"}
    assert host.accounts.holders("SeServiceLogonRight")
    assert host.services.get("TailspinBackup").state == "running"
    assert host.registry.get(r"HKLM\SOFTWARE\Tailspin\Backup", "Server").data == "backup.test.example"
    running = [service for service in host.services.all() if service.start_mode == "auto"]
    assert len(running) > 10 and all(service.state == "running" for service in running)


@pytest.mark.parametrize(
    ("line", "name"),
    [("ipconfig", "ipconfig"), ("icacls /grant x", "icacls"), (r"C:\Windows\regedit.exe /s x", "regedit")],
)
def test_a_program_of_windows_that_nobody_has_modelled_is_there_and_says_so(
    box: Any, line: str, name: str
) -> None:
    with pytest.raises(NotModelled, match=rf"the program '{name}'.*Register a function with"):
        box.run(line)


def test_every_automatic_service_runs_again_after_a_reboot(make: Callable[..., Any]) -> None:
    box = existing(make)
    box.host.reboot()
    stopped = [
        s.name
        for s in box.host.services.all()
        if s.start_mode in ("auto", "delayed") and s.state != "running"
    ]
    assert stopped == []


def test_existing_server_holds_the_management_agent_of_the_file_byte_for_byte(
    make: Callable[..., Any],
) -> None:
    box = existing(make).again()
    value = box.host.registry.get(mim_sync.PARAMETERS_KEY, "Path").data
    assert value == existing_sync.FOLDER + "\\" != mim_sync.DEFAULT_FOLDER + "\\"
    done = box.run([value + r"Bin\maexport.exe", "Fabrikam Badges (plant & campus)", r"C:\out.xml"])
    assert done.rc == 0, done.stdout
    written, source = box.host.files.read_bytes(r"C:\out.xml"), (LAB / EXPORT).read_bytes()
    assert written.split(b"\n", 1)[1] == source.split(b"\n", 1)[1]
    assert written.split(b"\n", 1)[0] != source.split(b"\n", 1)[0]


def test_existing_server_has_other_vendors_files_and_a_mark_of_the_web(make: Callable[..., Any]) -> None:
    host = existing(make).host
    folder = existing_sync.FOLDER + r"\Extensions"
    found = set(host.files.listdir(folder))
    assert {
        "Adatum.Sync.Rules.dll",
        "Northwind.Erp.Connector.dll",
        "Fabrikam.Badge.Connector.dll",
        "old",
    } <= found
    marked = [
        name
        for name in found
        if host.files.is_file(rf"{folder}\{name}")
        and "Zone.Identifier" in host.files.streams(rf"{folder}\{name}")
    ]
    assert marked == ["Fabrikam.Badge.Client.dll"]
    assert host.products[STATE]["run_history"]


def test_existing_server_needs_no_default_group_membership_but_the_administrators(
    make: Callable[..., Any],
) -> None:
    host = existing(make).host
    assert host.accounts.members("FIMSyncAdmins") == [host.accounts.resolve("Administrator").sid]


def test_management_agent_whose_connector_nobody_has_gets_a_stand_in(make: Callable[..., Any]) -> None:
    path = REPOSITORY.parent / "shared/samples/ecma2/powershell-psma.export-ma.xml"
    if not path.is_file():
        pytest.skip(f"{path} is not there: real exports are no part of the project")
    box = make("mim02", roles=["mim-sync"], management_agents=[str(path)])
    dll = existing_sync.FOLDER + r"\Extensions\Granfeldt.PowerShell.ManagementAgent.dll"
    assert box.host.files.read_bytes(dll).startswith(b"MZ")
    assert [agent.name for agent in SyncConfiguration(box.host).agents()] == ["PSMA7"]


def test_ecma_host_role_has_the_host_running(make: Callable[..., Any]) -> None:
    box = make("ecma01", roles=["ecma-host"])
    assert box.host.services.get("ECMA2Host").state == "running"


def test_administrator_of_another_name_can_log_on(make: Callable[..., Any]) -> None:
    box = make(administrator={"name": "labadmin", "password": "admin"})
    session = box.host.accounts.logon("labadmin", PASSWORD, "network")
    assert session.is_admin


def test_extra_file_is_put_on_the_host(make: Callable[..., Any]) -> None:
    box = make(files={r"C:\extra\ma.xml": EXPORT})
    assert box.host.files.read_bytes(r"C:\extra\ma.xml") == (LAB / EXPORT).read_bytes()


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"template": "windows-3.11"}, "template: 'windows-3.11'; expected one of windows-server-2016"),
        ({"roles": ["web"]}, "roles: web; expected some of"),
        ({"administrator": {"name": "Administrator", "password": "none"}}, "administrator.password: none"),
        ({"files": {r"C:\x": "no/such/file"}}, "files: .*no/such/file: No such file"),
        (
            {"roles": ["mim-sync"], "management_agents": ["winlab.yml"]},
            "management_agents: winlab.yml: not well-formed",
        ),
    ],
)
def test_definition_that_cannot_be_built_is_refused_in_words(
    tmp_path: Path, definition: dict[str, Any], said: str
) -> None:
    entry = {"administrator": {"name": "Administrator", "password": "admin"}, **definition}
    with pytest.raises(WinlabError, match=said):
        templates.build(Host("h", entry, tmp_path), entry, {"admin": PASSWORD}, LAB)


def test_committed_lab_can_be_built(tmp_path: Path) -> None:
    definition = yaml.safe_load((LAB / "winlab.yml").read_text(encoding="utf-8"))
    secrets = dict.fromkeys(definition["secrets"], PASSWORD)
    for name, entry in definition["hosts"].items():
        host = Host(name, entry, tmp_path / name)
        templates.build(host, entry, secrets, LAB)
        host.save()
        again = Host(name, entry, tmp_path / name)
        assert again.load()
        assert [s.state for s in again.services.all()] == [s.state for s in host.services.all()]
