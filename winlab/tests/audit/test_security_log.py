"""The Security log, as the audit policy of a Windows Server lets it be written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from winlab.errors import Win32Error, WinlabError
from winlab.host import audit
from winlab.host.model import Host
from winlab.host.passwords import PasswordPolicy
from winlab.lab import StateFolder, load_definition

from winlab import programs, system_programs, views

from ..served import PASSWORD, Served, serve

WORD = "C4nary-word.of:nobody"
EVERYTHING = dict.fromkeys(audit.DEFAULTS, audit.BOTH)


def host_of(folder: Path, **definition: Any) -> Host:
    host = Host("win01", definition, folder / "host", clock_source=lambda: 1_700_000_000.0)
    host.accounts.create_user("ada", "Corr3ct-horse")
    return host


def numbers(host: Host) -> list[int]:
    return [event.event_id for event in host.events.read("Security")]


def last(host: Host, event_id: int) -> dict[str, str]:
    return dict(host.events.read("Security", event_id=event_id)[-1].data)


def test_a_host_that_is_being_made_writes_nothing(tmp_path: Path) -> None:
    host = host_of(tmp_path, audit_policy=EVERYTHING)
    host.accounts.add_member("Users", host.accounts.resolve("ada").sid)
    host.accounts.grant("SeBatchLogonRight", host.accounts.resolve("ada").sid)
    assert numbers(host) == []


@pytest.mark.parametrize(
    ("kind", "number", "package", "subject"),
    [
        ("network", "3", "NTLM", "S-1-0-0"),
        ("network_cleartext", "8", "NTLM", "S-1-5-18"),
        ("batch", "4", "NTLM", "S-1-5-18"),
        ("service", "5", "Negotiate", "S-1-5-18"),
    ],
)
def test_a_logon_and_its_end(tmp_path: Path, kind: str, number: str, package: str, subject: str) -> None:
    host = host_of(tmp_path)
    sid = host.accounts.resolve("ada").sid
    for right in (
        "SeNetworkLogonRight",
        "SeBatchLogonRight",
        "SeServiceLogonRight",
        "SeInteractiveLogonRight",
    ):
        host.accounts.grant(right, sid)
    session = host.accounts.logon("ada", "Corr3ct-horse", kind)
    begun = last(host, 4624)
    assert (begun["TargetUserName"], begun["TargetUserSid"], begun["LogonType"]) == ("ada", sid, number)
    assert (begun["AuthenticationPackageName"], begun["SubjectUserSid"]) == (package, subject)
    host.audit.logged_off(session)
    host.audit.logged_off(session)
    assert numbers(host) == [4624, 4634]
    assert last(host, 4634)["TargetLogonId"] == begun["TargetLogonId"] == hex(session.logon_id)


@pytest.mark.parametrize(
    ("changes", "user", "password", "status", "sub_status"),
    [
        ({}, "ada", "wrong", "0xC000006D", "0xC000006A"),
        ({}, r"WIN01\nobody", "wrong", "0xC000006D", "0xC0000064"),
        ({"disabled": True}, "ada", "Corr3ct-horse", "0xC000006E", "0xC0000072"),
        ({"password_expired": True}, "ada", "Corr3ct-horse", "0xC000006E", "0xC0000224"),
        ({}, "ada", "Corr3ct-horse", "0xC000015B", "0x0"),
    ],
)
def test_a_refusal_says_why(
    tmp_path: Path, changes: dict[str, Any], user: str, password: str, status: str, sub_status: str
) -> None:
    host = host_of(tmp_path)
    if changes:
        host.accounts.update_user("ada", **changes)
    with pytest.raises(Win32Error):
        host.accounts.logon(user, password, "batch")
    assert numbers(host) == [4625]
    (event,) = host.events.read("Security")
    assert (event.level, event.source) == ("failure_audit", "Microsoft-Windows-Security-Auditing")
    data = event.data
    assert (data["Status"], data["SubStatus"], data["TargetUserName"]) == (
        status,
        sub_status,
        user.rpartition("\\")[2],
    )


def test_an_account_is_locked_once_and_what_follows_belongs_to_another_subcategory(tmp_path: Path) -> None:
    policies = ({}, {"account_lockout": audit.BOTH})
    found = []
    for number, policy in enumerate(policies):
        host = host_of(tmp_path / str(number), audit_policy=policy)
        host.accounts.policy = PasswordPolicy(lockout_threshold=2)
        for _ in range(3):
            with pytest.raises(Win32Error):
                host.accounts.logon("ada", "wrong", "network")
        assert last(host, 4740)["TargetSid"] == host.accounts.resolve("ada").sid
        found.append(numbers(host))
    assert found == [[4625, 4740, 4625], [4625, 4740, 4625, 4625]]


def change_accounts(host: Host) -> None:
    accounts = host.accounts
    ada = accounts.resolve("ada").sid
    with audit.acting(accounts.token(accounts.resolve("Administrator").sid, "network")):
        accounts.create_user("eve", "Corr3ct-horse")
        accounts.add_member("Backup Operators", ada)
        accounts.remove_member("Backup Operators", ada)
        for right in ("SeServiceLogonRight", "SeBackupPrivilege"):
            accounts.grant(right, ada)
            accounts.grant(right, ada)
            accounts.revoke(right, ada)
            accounts.revoke(right, ada)


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ({}, [4720, 4732, 4733, 4717, 4718]),
        (EVERYTHING, [4720, 4732, 4733, 4717, 4718, 4704, 4705]),
        ({"user_account_management": audit.NONE, "security_group_management": audit.FAILURE}, [4717, 4718]),
    ],
)
def test_changes_of_accounts_are_written_as_the_policy_says(
    tmp_path: Path, policy: dict[str, str], wanted: list[int]
) -> None:
    host = host_of(tmp_path, audit_policy=policy)
    change_accounts(host)
    assert numbers(host) == wanted


def test_who_did_what_to_whom(tmp_path: Path) -> None:
    host = host_of(tmp_path, audit_policy=EVERYTHING)
    change_accounts(host)
    ada = host.accounts.resolve("ada").sid
    for event in host.events.read("Security"):
        assert (event.data["SubjectUserName"], event.data["SubjectDomainName"]) == ("Administrator", "WIN01")
    assert last(host, 4720)["TargetUserName"] == "eve"
    assert last(host, 4732) | {"MemberSid": ada, "TargetUserName": "Backup Operators"} == last(host, 4732)
    assert last(host, 4732)["TargetDomainName"] == "Builtin"
    assert last(host, 4717)["AccessGranted"] == "SeServiceLogonRight"
    assert last(host, 4705)["PrivilegeList"] == "SeBackupPrivilege"


def test_processes_are_written_when_that_is_asked_for_and_never_their_command_line(tmp_path: Path) -> None:
    for policy, count in (({}, 0), ({"process_creation": audit.SUCCESS}, 1)):
        host = host_of(tmp_path / str(count), audit_policy=policy)
        system_programs.install(host)
        session = host.accounts.token(host.accounts.resolve("Administrator").sid, "network")
        programs.run(host, session, f"cmd.exe /c echo {WORD}")
        events = host.events.read("Security", event_id=4688)
        assert len(events) == count
        for event in events:
            assert event.data["NewProcessName"].lower().endswith("cmd.exe")
            assert event.data["SubjectLogonId"] == hex(session.logon_id)
            assert (event.data["CommandLine"], WORD in str(event)) == ("", False)
        assert WORD in host.processes.history()[-1].command_line


def test_the_log_outlives_a_restart_of_the_process_and_a_reboot_ends_logons_silently(tmp_path: Path) -> None:
    host = host_of(tmp_path)
    host.accounts.grant("SeBatchLogonRight", host.accounts.resolve("ada").sid)
    session = host.accounts.logon("ada", "Corr3ct-horse", "batch")
    host.save()
    again = Host("win01", {}, tmp_path / "host")
    again.load()
    assert again.events.read("Security") == host.events.read("Security")
    host.reboot()
    host.audit.logged_off(session)
    assert 4634 not in numbers(host)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"logins": "success"}, "hosts.a.audit_policy: unknown key logins; expected account_lockout,"),
        (
            {"logon": "yes"},
            "hosts.a.audit_policy.logon: 'yes'; expected one of success, failure, success and failure",
        ),
    ],
)
def test_a_policy_that_means_nothing_is_refused(tmp_path: Path, policy: dict[str, str], message: str) -> None:
    path = tmp_path / "lab.yml"
    path.write_text(yaml.safe_dump({"hosts": {"a": {"audit_policy": policy}}}))
    with pytest.raises(WinlabError, match=message.replace("(", r"\(")):
        load_definition(path)


def secret_tasks() -> list[dict[str, Any]]:
    become = {"ansible_become_method": "runas", "ansible_become_user": "eve", "ansible_become_password": WORD}
    return [
        {"name": "create", "ansible.windows.win_user": {"name": "eve", "password": WORD, "groups": ["Administrators"]}},
        {"name": "right", "ansible.windows.win_user_right": {"name": "SeServiceLogonRight", "users": ["eve"], "action": "add"}},
        {"name": "group", "ansible.windows.win_group_membership": {"name": "Users", "members": ["eve"]}},
        {"name": "become", "ansible.windows.win_whoami": None, "become": True, "vars": become},
        {"name": "command", "ansible.windows.win_command": f"cmd.exe /c echo {WORD}"},
        {"name": "wrong", "ansible.windows.win_ping": None, "vars": {"ansible_password": f"{WORD}x"}, "ignore_unreachable": True},
    ]  # fmt: skip


@pytest.mark.lab
@pytest.mark.parametrize(
    ("transport", "kind"), [("https_basic", "8"), ("http_ntlm", "3"), ("psrp_https_ntlm", "3")]
)
def test_what_a_play_leaves_in_the_log_and_no_secret_among_it(
    tmp_path: Path, transport: str, kind: str
) -> None:
    def fill(host: Host) -> None:
        system_programs.install(host)
        host.accounts.update_user("Administrator", disabled=False)
        host.accounts.set_password("Administrator", PASSWORD)

    with serve(tmp_path, fill, audit_policy=EVERYTHING) as served:
        outcome = served.play(
            [{**task, "ignore_errors": True} for task in secret_tasks()], transports=(transport,)
        )
        log = served.host.events.read("Security")
        assert outcome.by_name["become"][transport]["account"]["account_name"] == "eve", outcome.text
        check_log(served, log, kind)
        served.host.save()
        shown = views.public_state(StateFolder(tmp_path), "win01", {})
    assert [
        event["event_id"]
        for item in shown["events"]["logs"]
        if item["name"] == "Security"
        for event in item["entries"]
    ]
    for text in (str(log), json.dumps(served.host.events.to_state()), json.dumps(shown)):
        assert WORD not in text
        assert PASSWORD not in text


def check_log(served: Served, log: list[Any], kind: str) -> None:
    by_number: dict[int, list[Any]] = {}
    for event in log:
        by_number.setdefault(event.event_id, []).append(event.data)
    assert {4624, 4625, 4634, 4688, 4717, 4720, 4732} <= set(by_number)
    (created,) = by_number[4720]
    assert (created["TargetUserName"], created["SubjectUserName"]) == ("eve", "Administrator")
    groups = [data["TargetUserName"] for data in by_number[4732]]
    assert groups == ["Administrators", "Users"]
    kinds = {data["LogonType"] for data in by_number[4624] if data["TargetUserName"] == "Administrator"}
    assert kinds == {kind}
    # win_user tries the new password with a logon of its own (Test-LocalCredential of win_user.ps1).
    eve = [data for data in by_number[4624] if data["TargetUserName"] == "eve"]
    assert [(data["LogonType"], data["SubjectUserName"]) for data in eve] == [
        ("3", "Administrator"),
        ("2", "WIN01$"),
    ]
    assert {data["LogonType"] for data in by_number[4625]} == {kind}
    assert {data["SubStatus"] for data in by_number[4625]} == {"0xC000006A"}
    begun, ended = ({data["TargetLogonId"] for data in by_number[number]} for number in (4624, 4634))
    assert ended <= begun
    # Every shell of the play is closed; the connection of the last task may still be open.
    assert len(begun) - len(ended) <= 1
