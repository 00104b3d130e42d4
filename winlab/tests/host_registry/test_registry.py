"""The registry: names, types, hives, rules, and what is saved."""

from __future__ import annotations

from pathlib import Path

import pytest
from winlab.errors import Win32Error
from winlab.host.acl import KEY_READ, Ace, Acl
from winlab.host.model import Host
from winlab.host.registry import Registry, Value
from winlab.host.sessions import Session

K = "HKLM:\\SOFTWARE\\Contoso"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host("win01", {}, tmp_path / "host")


@pytest.fixture
def registry(host: Host) -> Registry:
    return host.registry


def logon(host: Host, name: str) -> Session:
    if host.accounts.user(name) is None:
        host.accounts.add_member("Users", host.accounts.create_user(name, "Corr3ct-horse").sid)
    return host.accounts.token(host.accounts.resolve(name).sid, "network")


def code_of(call, *args, **options) -> int:
    with pytest.raises(Win32Error) as caught:
        call(*args, **options)
    return caught.value.code


@pytest.mark.parametrize(
    "spelling",
    ["HKLM:\\SOFTWARE\\Contoso", "HKLM\\software\\CONTOSO", "HKEY_LOCAL_MACHINE\\Software\\Contoso\\"],
)
def test_a_key_is_found_by_every_spelling_and_keeps_its_case(registry, spelling):
    registry.set(K, "Name", Value("string", "x"))
    assert registry.get(spelling, "NAME") == Value("string", "x")
    assert "Contoso" in registry.subkeys("HKLM:\\SOFTWARE")


@pytest.mark.parametrize(
    "value",
    [
        Value("none", b""),
        Value("string", "text ä"),
        Value("expandstring", "%windir%\\x"),
        Value("binary", bytes(range(256))),
        Value("dword", 0xFFFFFFFF),
        Value("qword", 0xFFFFFFFFFFFFFFFF),
        Value("multistring", ["a", "", "b"]),
    ],
)
def test_every_type_survives_saving_and_loading(host, value):
    host.registry.set(K, "v", value)
    host.save()
    again = Host("win01", {}, host.state_dir)
    again.load()
    assert again.registry.values(K) == {"v": value}
    assert again.registry.to_state() == host.registry.to_state()


@pytest.mark.parametrize(
    ("kind", "data", "error"),
    [
        ("dword", 1 << 32, Win32Error),
        ("dword", -1, Win32Error),
        ("qword", 1 << 64, Win32Error),
        ("dword", "1", TypeError),
        ("dword", True, TypeError),
        ("string", 1, TypeError),
        ("binary", "00", TypeError),
        ("link", "x", TypeError),
    ],
)
def test_data_that_a_type_cannot_hold_is_refused(kind, data, error):
    with pytest.raises(error):
        Value(kind, data)


def test_a_value_keeps_the_case_and_the_place_it_was_made_with(registry):
    registry.set(K, "First", Value("dword", 1))
    registry.set(K, "second", Value("dword", 2))
    registry.set(K, "FIRST", Value("string", "new"))
    assert list(registry.values(K).items()) == [
        ("First", Value("string", "new")),
        ("second", Value("dword", 2)),
    ]


def test_subkeys_come_sorted(registry):
    for name in ("b", "C", "a"):
        registry.create_key(f"{K}\\{name}")
    assert registry.subkeys(K) == ["a", "b", "C"]
    assert next(registry.walk("HKLM\\SOFTWARE\\Contoso")) == "HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\a"


def test_creating_and_removing(registry):
    assert registry.create_key(f"{K}\\a\\b") is True
    assert registry.create_key(f"{K}\\A") is False
    assert code_of(registry.delete_key, f"{K}\\a", recursive=False) == 5
    registry.delete_key(f"{K}\\a")
    assert not registry.key_exists(f"{K}\\a\\b")
    assert code_of(registry.delete_key, f"{K}\\a") == 2
    assert code_of(registry.delete_value, K, "none") == 2
    assert code_of(registry.delete_key, "HKLM:\\") == 5
    assert code_of(registry.create_key, f"{K}\\{'x' * 256}") == 87


@pytest.mark.parametrize("path", ["HKXX:\\a", "C:\\x", ""])
def test_what_starts_with_no_hive_is_not_found(registry, path):
    assert not registry.key_exists(path)
    assert code_of(registry.create_key, path) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HKCR:\\.txt", "HKLM:\\SOFTWARE\\Classes\\.txt"),
        ("HKLM:\\SYSTEM\\ControlSet001\\x", "HKLM:\\SYSTEM\\CurrentControlSet\\x"),
        ("HKCC:\\Software\\x", "HKLM:\\SYSTEM\\CurrentControlSet\\Hardware Profiles\\Current\\Software\\x"),
        ("HKU:\\S-1-5-18\\x", "HKU:\\.DEFAULT\\x"),
    ],
)
def test_names_that_lead_to_the_same_key(registry, one, other):
    registry.set(one, "v", Value("dword", 1))
    assert registry.get(other, "v") == Value("dword", 1)


def test_hkcu_is_the_hive_of_whoever_asks(host):
    bob, eve = logon(host, "bob"), logon(host, "eve")
    host.registry.set("HKCU:\\Software\\x", "v", Value("string", "bob's"), bob)
    assert host.registry.get("HKCU:\\Software\\x", "v", bob) == Value("string", "bob's")
    assert not host.registry.key_exists("HKCU:\\Software\\x", eve)
    assert host.registry.key_exists(f"HKU:\\{bob.sid}\\Software\\x")
    assert code_of(host.registry.values, f"HKU:\\{bob.sid}\\Software\\x", eve) == 5


@pytest.mark.parametrize(
    ("who", "key", "read", "write"),
    [
        ("bob", "HKLM:\\SOFTWARE", True, False),
        ("bob", "HKLM:\\SYSTEM\\CurrentControlSet\\Services", True, False),
        ("bob", "HKLM:\\SECURITY", False, False),
        ("Administrator", "HKLM:\\SOFTWARE", True, True),
        ("Administrator", "HKLM:\\SAM\\SAM", False, False),
        ("Administrator", "HKLM:\\SECURITY", False, False),
    ],
)
def test_the_rules_of_a_fresh_server(host, who, key, read, write):
    session = logon(host, who)
    if read:
        host.registry.subkeys(key, session)
    else:
        assert code_of(host.registry.subkeys, key, session) == 5
    if write:
        host.registry.set(f"{key}\\new", "v", Value("dword", 1), session)
    else:
        assert code_of(host.registry.set, f"{key}\\new", "v", Value("dword", 1), session) == 5


def test_own_rules_of_a_key_count_and_are_inherited(host):
    bob = logon(host, "bob")
    host.registry.create_key(f"{K}\\below")
    host.registry.set_acl(K, Acl((Ace(bob.sid, KEY_READ, inheritance=1),), protected=True))
    assert host.registry.allowed(f"{K}\\below", bob, KEY_READ)
    assert not host.registry.allowed(f"{K}\\below", logon(host, "Administrator"), KEY_READ)
    host.registry.set_owner(K, bob.sid)
    host.registry.set_acl(K, Acl((), protected=False), bob)
    assert host.registry.allowed(f"{K}\\below", logon(host, "Administrator"), KEY_READ)


class TestDepth:
    def test_the_deepest_key_is_judged_saved_and_loaded(self, host, registry):
        # The hive counts: "Registry Element Size Limits", 512 levels.
        deepest = "\\".join(["HKLM", "SOFTWARE", *["k"] * 510])
        registry.set(deepest, "n", Value("string", "1"), logon(host, "Administrator"))
        host.save()
        again = Host("win01", {}, host.state_dir)
        assert again.load()
        assert again.registry.get(deepest, "n") == Value("string", "1")
        assert len(list(again.registry.walk("HKLM\\SOFTWARE\\k"))) == 509
        assert code_of(registry.create_key, f"{deepest}\\k") == 87
        registry.delete_key("HKLM\\SOFTWARE\\k", session=logon(host, "Administrator"))

    def test_a_key_that_would_lie_too_deep_leaves_nothing(self, host, registry):
        assert code_of(registry.create_key, "HKLM\\SOFTWARE\\" + "\\".join(["k"] * 600)) == 87
        assert not registry.key_exists("HKLM\\SOFTWARE\\k")
        host.save()


@pytest.mark.parametrize("hive", ["HKLM\\SOFTWARE", "HKLM\\SYSTEM", "HKLM\\SAM", "HKU\\.DEFAULT", "HKLM"])
def test_the_root_of_a_hive_stays(host, registry, hive):
    for session in (None, logon(host, "Administrator"), host.accounts.token("S-1-5-18")):
        assert code_of(registry.delete_key, hive, session=session) == 5
    assert registry.key_exists(hive)
