"""Generated calls of every twin: none ends in an error of winlab itself, and the case of a choice makes no difference."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from winlab.arguments.specs import Spec, spec_of
from winlab.errors import NotModelled
from winlab.host.model import Host

from winlab import modules

from ..called import Windows
from ..cases.running import LIMITED, fill
from . import test_against_get_ansible_param as older
from . import test_against_the_real_ansible_basic as basic

CASES = 100
# Texts that mean something on a host that looks lived in, and some that mean nothing.
TEXTS = (
    "Administrator", "Users", "BUILTIN\\Users", "NT AUTHORITY\\SYSTEM", "S-1-5-18", "nobody.here", "Spooler", "W32Time",
    "LocalSystem", "SeServiceLogonRight", "Web-Server", "PATH", "UTC", "HKLM:\\SOFTWARE\\Odd", "HKLM:\\SOFTWARE",
    "My", "http://127.0.0.1:1/", "{00000000-0000-0000-0000-000000000000}", "*", "", "a,b", "-1", "5", "1d", "2kb", "é",
)  # fmt: skip
PATHS = (
    "C:\\Data",
    "C:\\Data\\a.txt",
    "C:\\",
    "D:\\",
    "%TEMP%\\f",
    "\\\\server\\share\\f",
    "relative",
    "..\\x",
    "C:\\Windows\\..\\x",
)
# These wait, or are Ansible's own and get what its action plugins make.
LEFT_OUT = {"ansible.windows.async_status", "ansible.windows.win_wait_for"}
NAMES = sorted(set(basic.MODULES).union(older.NAMES).intersection(modules.names()) - LEFT_OUT)


def spec(name: str) -> Spec:
    if name in basic.MODULES:
        return spec_of(name, basic.MODULES[name], basic._utils())
    options = {}
    for statement in older.statements(name):
        kind, allowed = statement.switches.get("type", "str"), statement.switches.get("validateset") or ()
        needed = statement.switches.get("failifempty") is True
        own = statement.name in older.ALWAYS.get(name, {}) and name.endswith("win_copy")
        if not own:
            options[statement.name] = Spec(type=kind, elements="str", required=needed, choices=tuple(allowed))
    return Spec(options=options)


def made(folder: Path) -> Windows:
    host = Host("win01", {}, folder)
    fill(host)
    host.files.mkdir(r"C:\Data")
    host.files.write_bytes(r"C:\Data\a.txt", b"x\r\ny")
    return Windows(host, host.accounts.token(host.accounts.resolve("Administrator").sid, "network"), [0.0])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Windows, Windows]]:
    yield made(tmp_path_factory.mktemp("first")), made(tmp_path_factory.mktemp("second"))


@pytest.fixture(autouse=True)
def texts_that_mean_something(monkeypatch: pytest.MonkeyPatch) -> None:
    real = basic._scalar

    def scalar(option: Spec, kind: str, source: random.Random) -> Any:
        if option.choices or kind not in ("str", "path", "raw", "json"):
            return real(option, kind, source)
        return source.choice(PATHS if kind == "path" else TEXTS + PATHS)

    monkeypatch.setattr(basic, "_scalar", scalar)


def arguments(options: Spec, source: random.Random) -> dict[str, Any]:
    given = basic._level(options, source)
    return {key: value for key, value in given.items() if not key.startswith("_ansible")}


def outcome(windows: Windows, name: str, given: Mapping[str, Any], **how: Any) -> tuple[Any, ...]:
    """What of a result is no random name and no time. Anything but a refusal by name is an error of the twin."""
    try:
        result = windows.run(name, **how, **given)
    except NotModelled as error:
        return "not modelled", str(error)
    return result.get("failed", False), result.get("changed", False), result.get("skipped", False)


@pytest.mark.parametrize("name", NAMES)
def test_no_call_ends_in_an_error_of_winlab(name: str, pair: tuple[Windows, Windows]) -> None:
    options, source, windows = spec(name), random.Random(name), pair[0]
    accounts = windows.host.accounts
    limited = accounts.token(accounts.resolve(LIMITED).sid, "network")
    for _ in range(CASES):
        given = arguments(options, source)
        session = limited if source.random() < 0.2 else windows.session
        how = {"check": source.random() < 0.3, "diff": source.random() < 0.3, "session": session}
        try:
            outcome(windows, name, given, **how)
        except Exception as error:
            raise AssertionError(f"{json.dumps(given)} {how['check']=}") from error


@pytest.mark.parametrize(
    "name", [name for name in NAMES if any(o.choices for o in spec(name).options.values())]
)
def test_a_choice_may_be_written_in_any_case(name: str, tmp_path: Path) -> None:
    options, source = spec(name), random.Random(f"case {name}")
    first, second = made(tmp_path / "first"), made(tmp_path / "second")
    compared = 0
    for _ in range(CASES // 2):
        given = arguments(options, source)
        listed, loud = written(options, given, "listed"), written(options, given, "loud")
        have = outcome(second, name, loud)
        if "Written" in str(have):  # required_if heeds case: refused by name
            continue
        compared += listed != loud
        assert have == outcome(first, name, listed), json.dumps(listed)
    assert compared > CASES / 20


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("win_user", {"name": "x", "state": None}, "win_user with state: null"),
        ("win_group", {"name": None}, "win_group with name: null"),
        ("win_package", {"state": "Absent"}, "win_package with state: Absent and without path, product_id"),
        ("win_command", {"argv": []}, "win_command without a text"),
        ("win_environment", {"name": None, "level": "user", "value": "x"}, "win_environment with name: null"),
        ("win_package", {"path": ""}, "win_package with an empty path"),
    ],
)
def test_what_no_source_settles_is_refused_by_name(
    name: str, given: dict[str, Any], text: str, pair: tuple[Windows, Windows]
) -> None:
    try:
        message = str(pair[0].run(name, **given).get("msg"))
    except NotModelled as error:
        message = str(error)
    assert f"{text} is not modelled." in message


def written(options: Spec, given: Mapping[str, Any], how: str) -> dict[str, Any]:
    """The same arguments with every choice as the specification lists it, or in upper case."""

    def one(option: Spec, value: Any) -> Any:
        if isinstance(value, list):
            return [one(option, item) for item in value]
        if isinstance(value, dict) and option.options:
            return written(option, value, how)
        known = {str(choice).lower(): choice for choice in option.choices}
        if not isinstance(value, str) or value.lower() not in known:
            return value
        return known[value.lower()] if how == "listed" else value.upper()

    return {
        key: one(options.options[key], value) if key in options.options else value
        for key, value in given.items()
    }
