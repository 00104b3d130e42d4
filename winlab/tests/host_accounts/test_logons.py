"""Lockout, logons without credentials, cloned logons, profiles of accounts that were made again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from winlab.errors import Win32Error
from winlab.execution.become import become_wrapper
from winlab.execution.profiles import ensure_profile
from winlab.execution.steps import CommandResult, Run
from winlab.host import acl, sids
from winlab.host.model import Host
from winlab.host.passwords import PasswordPolicy
from winlab.host.services import Service
from winlab.host.sessions import Session
from winlab.manifest import Action
from winlab.products import sql_server

PASSWORD = "Corr3ct-horse"
MINUTE = 60


@pytest.fixture
def now():
    return [1_700_000_000.0]


@pytest.fixture
def host(tmp_path, now) -> Host:
    host = Host("win01", {"shares": ["\\\\fs\\data"]}, tmp_path, clock_source=lambda: now[0])
    host.accounts.create_user("ada", PASSWORD)
    host.accounts.policy = PasswordPolicy(lockout_threshold=3)
    return host


def code(call) -> int:
    with pytest.raises(Win32Error) as caught:
        call()
    return caught.value.code


def fail(host: Host, times: int, user: str = "ada") -> list[int]:
    return [code(lambda: host.accounts.logon(user, "wrong", "network")) for _ in range(times)]


class TestLockout:
    def test_counting_begins_anew_when_a_lockout_is_over(self, host, now):
        fail(host, 3)
        now[0] += 30 * MINUTE
        assert fail(host, 2) == [1326, 1326]
        assert host.accounts.logon("ada", PASSWORD, "network")

    def test_wrong_passwords_do_not_make_a_lockout_longer(self, host, now):
        fail(host, 3)
        now[0] += 20 * MINUTE
        host.accounts.refused("ada")
        now[0] += 10 * MINUTE
        assert host.accounts.logon("ada", PASSWORD, "network")

    def test_wrong_passwords_are_forgotten_after_the_observation_window(self, host, now):
        fail(host, 2)
        now[0] += 30 * MINUTE
        fail(host, 1)
        assert host.accounts.logon("ada", PASSWORD, "network")
        fail(host, 2)
        now[0] += 29 * MINUTE
        assert fail(host, 2) == [1326, 1909]

    def test_the_built_in_administrator_is_locked_out_by_a_fault_alone(self, host, now):
        host.accounts.set_password("Administrator", PASSWORD)
        host.accounts.update_user("Administrator", disabled=False)
        assert fail(host, 4, "Administrator") == [1326] * 4
        assert host.accounts.logon("Administrator", PASSWORD, "network")
        host.accounts.update_user("Administrator", locked_since=now[0])
        assert code(lambda: host.accounts.logon("Administrator", PASSWORD, "network")) == 1909

    def test_what_was_counted_is_saved(self, host, now):
        fail(host, 2)
        host.save()
        again = Host("win01", host.definition, host.state_dir, clock_source=lambda: now[0])
        assert again.load()
        assert fail(again, 2) == [1326, 1909]


def test_the_built_in_administrator_stays_an_administrator(host):
    administrator = f"{host.accounts.machine_sid}-500"
    assert code(lambda: host.accounts.remove_member("Administrators", administrator)) == 1371
    host.accounts.add_member("Users", administrator)
    host.accounts.remove_member("Users", administrator)
    ada = host.accounts.user("ada").sid
    host.accounts.add_member("Administrators", ada)
    host.accounts.remove_member("Administrators", ada)
    assert host.accounts.members("Administrators") == [administrator]


def become(host: Host, session: Session, user: str, kind: str, password: str | None) -> Session | str:
    """Return the logon that a become wrapper makes, or its failure."""
    run: Any = Run(host, session, None, None, None)  # type: ignore[arg-type]
    action = Action(
        "become_wrapper", {"BecomeUser": user, "LogonType": kind}, {"BecomePassword": password} if password else {}
    )  # fmt: skip
    seen: list[Session] = []

    def perform(inner: Run, _rest: Any) -> CommandResult:
        seen.append(inner.session)
        return CommandResult(0)

    result = become_wrapper(run, action, (), perform)
    return seen[0] if seen else result.stdout


@pytest.fixture
def admin(host) -> Session:
    return host.accounts.token(f"{host.accounts.machine_sid}-500", "network")


class TestCredentials:
    def test_become_without_a_password_reaches_no_other_machine(self, host, admin):
        host.accounts.add_member("Administrators", host.accounts.user("ada").sid)
        session = become(host, admin, "ada", "Batch", None)
        assert session.logon_type == "batch"
        assert code(lambda: host.files.listdir("\\\\fs\\data", session)) == 5
        session = become(host, admin, "ada", "Batch", PASSWORD)
        assert host.files.listdir("\\\\fs\\data", session) == []

    @pytest.mark.parametrize("sid", sorted(sids.SERVICE_ACCOUNTS))
    def test_a_service_account_is_the_machine_which_nobody_knows(self, host, sid):
        session = host.accounts.token(sid, "service")
        assert session.can_delegate
        assert not session.reaches_machines

    def test_so_is_a_virtual_account(self, host):
        host.services.create(Service("lab", image_path="C:\\lab.exe"))
        assert not host.accounts.token(sids.service_sid("lab"), "service").reaches_machines


class TestNewCredentials:
    @pytest.mark.parametrize("name", ["Administrator", "ada"])
    def test_the_token_is_the_callers_but_for_the_network(self, host, name):
        caller = host.accounts.token(host.accounts.user(name).sid, "network")
        session = become(host, caller, "FS\\somebody", "NewCredentials", "anything")
        assert session == replace(
            caller,
            logon_type="new_credentials",
            can_delegate=True,
            logon_id=session.logon_id,
            logon_time=session.logon_time,
        )
        assert session.is_admin is caller.is_admin
        assert session.logon_id != caller.logon_id
        assert host.files.listdir("\\\\fs\\data", session) == []

    def test_a_filtered_caller_stays_filtered(self, host):
        host.accounts.add_member("Administrators", host.accounts.user("ada").sid)
        caller = host.accounts.token(host.accounts.user("ada").sid, "network")
        session = become(host, caller, "FS\\somebody", "NewCredentials", "anything")
        assert not session.is_admin
        assert session.deny_only

    def test_they_need_a_password(self, host, admin):
        assert "without a password" in become(host, admin, "FS\\somebody", "NewCredentials", None)


class TestProfiles:
    def logon(self, host: Host) -> Session:
        session = host.accounts.token(host.accounts.user("ada").sid, "interactive")
        ensure_profile(host, session)
        return session

    def test_an_account_that_was_made_again_gets_another_folder(self, host):
        assert self.logon(host).profile == "C:\\Users\\ada"
        folders = ["C:\\Users\\ada"]
        for expected in ("ada.WIN01", "ada.WIN01.000", "ada.WIN01.001"):
            host.accounts.delete_user("ada")
            host.accounts.create_user("ada", PASSWORD)
            session = self.logon(host)
            assert session.profile == f"C:\\Users\\{expected}"
            assert session.profile == self.logon(host).profile
            host.files.write_bytes(f"{session.profile}\\AppData\\Local\\Temp\\x", b"", session)
            folders.append(session.profile)
            assert code(lambda other=folders[-2], who=session: host.files.listdir(other, who)) == 5

    def test_a_folder_that_a_template_made_for_another_account_is_in_the_way_too(self, host):

        host.files.mkdir("C:\\Users\\ada")
        other = acl.profile(f"{host.accounts.machine_sid}-4711")
        host.files.set_acl("C:\\Users\\ada", acl.Acl(other, protected=True))
        assert self.logon(host).profile == "C:\\Users\\ada.WIN01"


@pytest.mark.parametrize(("sysadmins", "is_sysadmin"), [((sids.ADMINISTRATORS,), True), (("ada",), False)])
def test_system_logs_on_to_sql_server_and_is_sysadmin_where_administrators_are(host, sysadmins, is_sysadmin):
    sql_server.install(host, [host.accounts.resolve(name).sid for name in sysadmins])
    login = sql_server.connect(host, host.accounts.token(sids.SYSTEM), "localhost")
    assert login.sysadmin is is_sysadmin
