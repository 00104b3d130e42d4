"""The older modules: what each `Get-AnsibleParam` of their source asks for is what their twin asks for, in that order."""

from __future__ import annotations

import contextlib
import inspect
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from winlab.arguments import legacy, psdata
from winlab.arguments.psdata import Expression
from winlab.arguments.specs import is_basic
from winlab.errors import ModuleFailure, NotModelled, Win32Error, WinlabError
from winlab.modules import Call

from winlab import modules, pins

from .. import called
from ..called import Windows

pytest.importorskip("ansible_collections", reason="the PyPI package ansible is not installed")
CASES = 500
_STATEMENT = re.compile(
    r"^(?P<indent>[ \t]*)\$\w+\s*=\s*Get-AnsibleParam\b[ \t]*(?P<rest>[^\n|]*)", re.MULTILINE
)
_ITEM = re.compile(r"""'[^']*'|"[^"]*"|\$[\w:]+|\d+|\((?:[^()]|\([^()]*\))*\)""")
_ARGUMENT = re.compile(
    rf"[ \t]*(?:-(?P<switch>\w+)[ \t]+)?(?P<value>(?:{_ITEM.pattern})(?:, *(?:{_ITEM.pattern}))*)"
)
_POSITIONS = ("obj", "name")
Values = dict[str, Any]

# Expressions in those statements, by module and text, as a function of the values read before them.
EXPRESSIONS: dict[tuple[str, str], Callable[[Values], Any]] = {
    ("ansible.windows.win_copy", '($copy_mode -in @("explode", "process", "single"))'): lambda values: (
        values["_copy_mode"].lower() in ("explode", "process", "single")
    ),
    ("community.windows.win_xml", '($type -eq "attribute")'): lambda values: (
        values["type"].lower() == "attribute"
    ),
}
# Statements inside of a block are reached only so: win_share.ps1 line 68.
INSIDE: dict[str, Callable[[Values], bool]] = {
    "ansible.windows.win_share": lambda values: values["state"].lower() == "present"
}
# What else the source refuses before its last Get-AnsibleParam, by the line: no case may be about that.
ALWAYS: dict[str, Values] = {
    # win_share.ps1 lines 77-80: accounts are looked up before the options behind them are read.
    "ansible.windows.win_share": {"read": "", "change": "", "full": "Users", "deny": ""},
    # Made by the action plugin: lists of dictionaries, never what a user has typed.
    "ansible.windows.win_copy": {"files": [], "directories": []},
    # Nothing of these waits for anything.
    "ansible.windows.win_wait_for": {"timeout": 0, "delay": 0, "sleep": 0, "connect_timeout": 0},
}
NAMES = sorted(
    name
    for name in set(modules.names()) & set(pins.pinned())
    if not is_basic(pins.module_path(name).read_text(encoding="utf-8"))
)


@dataclass(frozen=True)
class Statement:
    """One Get-AnsibleParam of a module's source."""

    name: str
    inside: bool
    switches: Values = field(default_factory=dict)


def statements(module: str) -> list[Statement]:
    """All of a module's source, but those of Ansible's own values."""
    text = pins.module_path(module).read_text(encoding="utf-8")
    found = []
    for match in _STATEMENT.finditer(text):
        switches = _switches(match["rest"], text)
        name = switches.pop("name")
        if not name.startswith("_ansible_"):
            found.append(Statement(name, bool(match["indent"]), switches))
    return found


def _switches(rest: str, source: str) -> Values:
    """The arguments of one call; an argument is a text, a constant, a variable or something in brackets, or a list of them."""
    found: Values = {}
    at, position = 0, 0
    while match := _ARGUMENT.match(rest, at):
        at = match.end()
        name = (match["switch"] or "").lower()
        if not name:
            name, position = _POSITIONS[position], position + 1
        items = [_item(item, source) for item in _ITEM.findall(match["value"])]
        found[name] = items if len(items) > 1 else items[0]
    assert not rest[at:].strip(), rest[at:]
    found.pop("obj", None)
    return found


def _item(text: str, source: str) -> Any:
    if text[0] in "'\"" or text.lower() in ("$true", "$false", "$null") or text.isdigit():
        return psdata.read(text)[0]
    # A variable that holds a literal: win_share.ps1 line 82.
    if literal := re.search(rf"^\s*{re.escape(text)}\s*=\s*(?=[\"'@])", source, re.MULTILINE):
        value = psdata.read(source, literal.end())[0]
        return {} if isinstance(value, Expression) else value
    return Expression(text)


def verdict(module: str, asked: list[Statement], call: Call) -> str:
    """The refusal that the source gives to arguments, or nothing."""
    values: Values = {}

    def of(value: Any) -> Any:
        return EXPRESSIONS[module, value.text](values) if isinstance(value, Expression) else value

    for statement in asked:
        if statement.inside and not INSIDE[module](values):
            continue
        switches = {key: of(value) for key, value in statement.switches.items() if key != "resultobj"}
        aliases = switches.get("aliases", [])
        switches["aliases"] = aliases if isinstance(aliases, list) else [aliases]
        try:
            values[statement.name] = legacy.param(call, statement.name, **switches)
        except ModuleFailure as failure:
            return failure.msg
        except NotModelled as error:
            return str(error)
    return ""


def _arguments(asked: list[Statement], module: str, source: random.Random) -> Values:
    given: Values = {}
    fixed = ALWAYS.get(module, {})
    for statement in asked:
        switches = statement.switches
        if source.random() > (0.9 if switches.get("failifempty") else 0.4):
            continue
        aliases = switches.get("aliases", [])
        names = [statement.name, *(aliases if isinstance(aliases, list) else [aliases])]
        key = names[0] if source.random() < 0.7 else source.choice(names)
        given[key.upper() if source.random() < 0.05 else key] = _value(switches, source)
    for key, value in fixed.items():
        given = {name: old for name, old in given.items() if name.lower() != key} | {key: value}
    return given


def _value(switches: Values, source: random.Random) -> Any:
    allowed = switches.get("validateset")
    if isinstance(allowed, list) and source.random() < 0.85:
        return source.choice(allowed) if source.random() < 0.7 else source.choice(allowed).upper()
    pools: Values = {
        "path": [r"C:\Data", r"%TEMP%\x", r"relative\x", "a|b", "", r"C:\a:b:c", 5],
        "bool": [True, False, "yes", "no", "nonsense", 1],
        "int": [0, "0", "x", None],
        "list": [["a"], "a,b", 3, {"a": 1}, []],
    }
    return source.choice(pools.get(switches.get("type", ""), ["text", "a b", 5, True, None, ["a"], ""]))


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Windows:
    windows = Windows(*called.bare_host(tmp_path_factory.mktemp("legacy")))
    windows.host.files.mkdir(r"C:\Data")
    return windows


def test_the_older_modules_are_found() -> None:
    assert len(NAMES) == 16
    assert all(statements(name) for name in NAMES)


@pytest.mark.parametrize("module", NAMES)
def test_generated_arguments_get_the_verdict_of_the_source(module: str, windows: Windows) -> None:
    asked, source = statements(module), random.Random(module)
    variables = windows.host.environment.block(windows.session, None)
    refused = 0
    for _ in range(CASES):
        given = _arguments(asked, module, source)
        call = Call(windows.host, windows.session, module, given, given, variables=variables)
        wanted = verdict(module, asked, call)
        refused += bool(wanted)
        try:
            msg = str(modules.lookup(module).function(call).get("msg", ""))
        except ModuleFailure as failure:
            msg = failure.msg
        except Win32Error:
            msg = ""  # something that goes wrong later
        except WinlabError as error:
            msg = str(error)
        if wanted:
            assert msg == wanted, json.dumps(given)
        else:
            assert not msg.startswith("Get-AnsibleParam") and ": null is not" not in msg, json.dumps(given)
    assert refused > CASES / 20


@pytest.mark.parametrize("module", NAMES)
def test_a_twin_asks_as_the_source_does(
    module: str, windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Type, default, aliases and allowed values of what a twin reads: none of it shows in a refusal alone."""
    wanted = {statement.name: statement for statement in statements(module)}
    wrong: set[str] = set()
    unread = set(wanted)
    real = legacy.param

    def noted(call: Call, name: str, **switches: Any) -> Any:
        unread.discard(name)
        for key in ("type", "default", "aliases", "validateset"):
            have, source = switches.get(key), wanted[name].switches.get(key)
            if key in ("aliases", "validateset"):
                have, source = (
                    list(have or []),
                    source if isinstance(source, list) else [source] if source else [],
                )
            if have != source:
                wrong.add(f"{name}: {key} {have!r}; the source has {source!r}")
        return real(call, name, **switches)

    function = modules.lookup(module).function
    for place in {inspect.getmodule(inspect.unwrap(function)), legacy}:
        if getattr(place, "param", None) is real:
            monkeypatch.setattr(place, "param", noted)
    source = random.Random(module)
    variables = windows.host.environment.block(windows.session, None)
    for _ in range(CASES // 5):
        given = _arguments(statements(module), module, source)
        with contextlib.suppress(ModuleFailure, Win32Error, WinlabError):
            function(Call(windows.host, windows.session, module, given, given, variables=variables))
    assert (wrong, unread) == (set(), set())
