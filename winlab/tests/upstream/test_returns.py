"""A result is held against the RETURN section of its module; what the section says is read from the installed module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from winlab import modules, pins, returns

pytest.importorskip("ansible_collections", reason="the PyPI package ansible is not installed")
SECTION = {
    "path": {"returned": "always", "type": "str"},
    "size": {"returned": "success", "type": "int"},
    "backup": {"returned": "if backup=yes", "type": "str"},
    "stat": {
        "returned": "success",
        "type": "complex",
        "contains": {
            "exists": {"returned": "success", "type": "bool"},
            "owner": {"returned": "success, path exists", "type": "str"},
        },
    },
}
GOOD: dict[str, Any] = {"changed": False, "path": "x", "size": 1, "stat": {"exists": True}}


@pytest.fixture(autouse=True)
def section(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "made_up" in request.node.name:
        monkeypatch.setattr(returns, "documented", lambda name: SECTION)
        monkeypatch.setattr(returns, "_sidecar", Path)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (GOOD, []),
        ({**GOOD, "backup": "b", "msg": "m"}, []),
        ({**GOOD, "size": None}, []),
        (
            {key: value for key, value in GOOD.items() if key != "path"},
            ["path: missing; documented as returned: always"],
        ),
        ({**GOOD, "size": "1"}, ["size: str; documented as int"]),
        ({**GOOD, "size": True}, ["size: bool; documented as int"]),
        ({**GOOD, "stat": {}}, ["stat.exists: missing; documented as returned: success"]),
        ({**GOOD, "stat": [{"exists": 1}]}, ["stat.exists: int; documented as bool"]),
        ({**GOOD, "colour": "red"}, ["colour: not in the RETURN section"]),
        ({"failed": True, "msg": "m"}, []),
        ({"skipped": True, "msg": "m", "size": "1"}, ["size: str; documented as int"]),
    ],
)
def test_a_made_up_section_finds(result: dict[str, Any], expected: list[str]) -> None:
    assert returns.problems("a.b.c", result) == expected


def test_a_wrong_result_is_loud_and_names_the_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(returns.SWITCH, "1")
    function = returns.checked("ansible.windows.win_ping", lambda call: {"pong": "pong"})
    with pytest.raises(returns.ReturnError) as caught:
        function(None)  # type: ignore[arg-type]
    assert str(caught.value).startswith("winlab: twin ansible.windows.win_ping: result: ping: missing; ")
    assert "pong: not in the RETURN section" in str(caught.value)


def test_nothing_is_checked_without_the_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(returns.SWITCH)

    def function(call: modules.Call) -> dict[str, Any]:
        return {}

    assert returns.checked("ansible.windows.win_ping", function) is function


@pytest.mark.parametrize("name", sorted(set(modules.names()) & set(pins.pinned())))
def test_every_twin_is_called_through_the_check(name: str) -> None:
    """conftest.py sets the switch, so that every table of cases is a check, too."""
    assert modules.lookup(name).function.__wrapped__  # type: ignore[attr-defined]


def test_every_deviation_is_of_a_key_that_is_documented_or_returned() -> None:
    twins = set(modules.names())
    assert {name for name, _ in returns.DEVIATIONS} <= twins
    for (name, key), line in returns.DEVIATIONS.items():
        assert f"{name.rpartition('.')[2]}.ps1" in line, (name, key)
