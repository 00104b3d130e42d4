"""Accounts, names, rights and logons of a host without network."""

from __future__ import annotations

import json

import pytest
from winlab.errors import Win32Error
from winlab.host import logons, sids
from winlab.host.accounts import Accounts
from winlab.host.model import Host
from winlab.host.passwords import PasswordPolicy, acceptable
from winlab.host.registry import Value

PASSWORD = "Corr3ct-horse"


@pytest.fixture
def now():
    return [1_700_000_000.0]


@pytest.fixture
def host(tmp_path, now) -> Host:
    host = Host("win01", {}, tmp_path, clock_source=lambda: now[0])
    host.accounts.create_user("ada", PASSWORD)
    return host


def code(call) -> int:
    with pytest.raises(Win32Error) as caught:
        call()
    return caught.value.code


def test_a_machine_keeps_its_sid_and_service_sids_are_what_windows_computes(host):
    assert sids.machine_sid("win01") == sids.machine_sid("WIN01") == host.accounts.machine_sid
    # The one service SID that Microsoft's documents print.
    assert sids.service_sid("TrustedInstaller") == sids.TRUSTED_INSTALLER


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("ada", r"WIN01\ada"),
        (r".\ADA", r"WIN01\ada"),
        (r"win01\ada", r"WIN01\ada"),
        ("Administrators", r"BUILTIN\Administrators"),
        (r"BUILTIN\Users", r"BUILTIN\Users"),
        ("S-1-5-32-544", r"BUILTIN\Administrators"),
        ("Everyone", "Everyone"),
        ("SYSTEM", r"NT AUTHORITY\SYSTEM"),
        (r"NT AUTHORITY\NetworkService", r"NT AUTHORITY\NETWORK SERVICE"),
        (r"NT SERVICE\ALL SERVICES", r"NT SERVICE\ALL SERVICES"),
        ("S-1-16-12288", r"Mandatory Label\High Mandatory Level"),
    ],
)
def test_names_and_sids_resolve(host, name, account):
    assert host.accounts.resolve(name).account == account


@pytest.mark.parametrize(
    "name", ["nobody", r"CONTOSO\ada", r"BUILTIN\ada", r"NT SERVICE\none", "S-1-5-21-1-2-3-4", ""]
)
def test_what_nobody_is_called_does_not_resolve(host, name):
    assert code(lambda: host.accounts.resolve(name)) == 1332


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda a: a.create_user("ada", PASSWORD), 1316),
        (lambda a: a.create_user("Users", PASSWORD), 1379),
        (lambda a: a.create_user("a" * 21, PASSWORD), 2202),
        (lambda a: a.create_user("a/b", PASSWORD), 2202),
        (lambda a: a.create_user(" . ", PASSWORD), 2202),
        (lambda a: a.create_user("bob", "weak"), 2245),
        (lambda a: a.set_password("nobody", PASSWORD), 1317),
        (lambda a: a.delete_user("Administrator"), 1371),
        (lambda a: a.create_group("administrators"), 1379),
        (lambda a: a.create_group("ADA"), 1316),
        (lambda a: a.delete_group("Users"), 1371),
        (lambda a: a.add_member("none", "S-1-5-18"), 1376),
        (lambda a: a.add_member("Users", "S-1-5-11"), 1378),
        (lambda a: a.add_member("Users", "S-1-5-32-546"), 1388),
        (lambda a: a.add_member("Users", "S-1-5-21-1-2-3-4"), 1387),
        (lambda a: a.remove_member("Users", "S-1-5-18"), 1377),
        (lambda a: a.grant("SeFlyRight", "S-1-5-18"), 1313),
    ],
)
def test_sam_refuses_with_its_codes(host, change, expected):
    assert code(lambda: change(host.accounts)) == expected


def test_a_deleted_user_leaves_its_groups_but_its_right_stays_with_the_sid(host):
    accounts: Accounts = host.accounts
    sid = accounts.user("ada").sid
    accounts.add_member("Users", sid)
    accounts.grant("SeBatchLogonRight", sid)
    accounts.delete_user("ada")
    assert sid not in accounts.members("Users")
    assert sid in accounts.holders("SeBatchLogonRight")
    assert accounts.create_user("ada", PASSWORD).sid != sid


@pytest.mark.parametrize(
    ("password", "user", "full", "good"),
    [
        ("Corr3ct-horse", "ada", "", True),
        ("alllower1", "ada", "", False),
        ("Abcdefgh", "ada", "", False),
        ("xADA-word1", "ada", "", False),
        ("Lovelace-word1", "al", "Ada Lovelace", False),
        ("al-Word1", "al", "", True),  # names of two characters are not looked for
        ("", "ada", "", False),
    ],
)
def test_complexity_is_three_kinds_and_no_names(password, user, full, good):
    assert acceptable(password, user, full, PasswordPolicy()) is good


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"disabled": True}, 1331),
        ({"password_expired": True}, 1907),
        ({"account_expires": 1.0}, 1793),
        ({"password_last_set": 1.0}, 1330),
        ({"password_last_set": 1.0, "password_never_expires": True}, None),
        ({"locked_since": 1_699_999_999.0}, 1909),
        ({"locked_since": 1.0}, None),  # half an hour has passed
        ({"password": ""}, 1326),
    ],
)
def test_a_logon_is_refused_with_the_codes_of_windows(host, change, expected):
    host.accounts.update_user("ada", **change)
    logon = lambda: host.accounts.logon("ada", PASSWORD, "network")  # noqa: E731
    assert (code(logon) if expected else logon().user) == (expected or "ada")


def test_a_blank_password_is_for_the_console_alone(host):
    host.accounts.update_user("ada", password="")
    host.accounts.add_member("Users", host.accounts.user("ada").sid)
    assert code(lambda: host.accounts.logon("ada", "", "network")) == 1327
    assert host.accounts.logon("ada", "", "interactive").user == "ada"


@pytest.mark.parametrize(
    ("logon_type", "right", "from_users"),
    [
        ("batch", "SeBatchLogonRight", False),
        ("service", "SeServiceLogonRight", False),
        # Users holds Authenticated Users, so that everybody has this one.
        ("interactive", "SeInteractiveLogonRight", True),
        ("network", "SeNetworkLogonRight", True),
    ],
)
def test_each_logon_type_asks_for_its_right_and_deny_wins(host, logon_type, right, from_users):
    sid = host.accounts.user("ada").sid
    logon = lambda: host.accounts.logon("ada", PASSWORD, logon_type)  # noqa: E731
    if from_users:
        assert logon().logon_type == logon_type
        for holder in host.accounts.holders(right):
            host.accounts.revoke(right, holder)
    assert code(logon) == 1385
    host.accounts.grant(right, sid)
    assert logon().logon_type == logon_type
    host.accounts.grant(right.replace("Se", "SeDeny", 1), sid)
    assert code(logon) == 1385


def test_wrong_passwords_lock_the_account_at_the_threshold_and_time_unlocks_it(host, now):
    host.accounts.policy = PasswordPolicy(lockout_threshold=3)
    for _ in range(3):
        assert code(lambda: host.accounts.logon("ada", "wrong", "network")) == 1326
    assert code(lambda: host.accounts.logon("ada", PASSWORD, "network")) == 1909
    now[0] += 30 * 60
    assert host.accounts.logon("ada", PASSWORD, "network").user == "ada"
    assert host.accounts.user("ada").bad_password_count == 0


def test_ntlm_counts_wrong_passwords_and_makes_a_session_without_one(host):
    host.accounts.refused("ada")
    assert host.accounts.user("ada").bad_password_count == 1
    assert host.accounts.authenticated(r"WORKGROUP\ada", "network").user == "ada"
    assert code(lambda: host.accounts.authenticated("nobody", "network")) == 1326


def test_a_token_keeps_the_groups_of_its_logon(host):
    before = host.accounts.logon("ada", PASSWORD, "network")
    host.accounts.create_group("team")
    sid = host.accounts.group("team").sid
    host.accounts.add_member("team", host.accounts.user("ada").sid)
    assert not before.in_group(sid)
    assert host.accounts.logon("ada", PASSWORD, "network").in_group(sid)


@pytest.mark.parametrize(
    ("logon_type", "delegates"), [("network", False), ("network_cleartext", True), ("batch", True)]
)
def test_only_a_network_logon_cannot_be_taken_further(host, logon_type, delegates):
    assert host.accounts.token(host.accounts.user("ada").sid, logon_type).can_delegate is delegates


@pytest.mark.parametrize(
    ("user", "logon_type", "policy", "admin"),
    [
        ("ada", "network", None, False),
        ("ada", "network_cleartext", None, False),
        ("ada", "network", 1, True),
        ("ada", "batch", None, True),
        ("Administrator", "network", None, True),
    ],
)
def test_uac_filters_remote_logons_of_local_administrators(host, user, logon_type, policy, admin):
    sid = host.accounts.user(user).sid
    if user == "ada":
        host.accounts.add_member("Administrators", sid)
    if policy is not None:
        host.registry.set(logons.POLICIES_KEY, "LocalAccountTokenFilterPolicy", Value("dword", policy))
    session = host.accounts.token(sid, logon_type)
    assert session.is_admin is admin
    assert session.holds("SeDebugPrivilege") is admin
    assert logons.unfiltered(host, session).is_admin is True


def test_the_state_comes_back_as_it_was(host, tmp_path):
    host.accounts.create_group("team", "ours")
    host.accounts.add_member("team", host.accounts.user("ada").sid)
    host.accounts.grant("SeServiceLogonRight", host.accounts.user("ada").sid)
    assert host.save() is True
    assert host.save() is False
    file = tmp_path / "state.json"
    assert file.stat().st_mode & 0o777 == 0o600
    again = Host("win01", {}, tmp_path)
    assert again.load() is True
    assert again.accounts.to_state() == host.accounts.to_state()
    assert json.loads(file.read_text())["format"] == 1
