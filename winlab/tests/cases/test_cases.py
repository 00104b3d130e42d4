"""Every table of cases through the real connection: ansible-playbook, pywinrm, the wire, the twin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from winlab.host.model import Host
from winlab.host.registry import Value

from . import tables
from .running import changes, differences, fill, run_tables, state_of
from .tables import Case

TABLES = tables.load()


# An ansible-playbook takes longer to start than many a table to run, so that some share one.
TOGETHER = 12
Told = Callable[[str], list[str]]


def _told(request: pytest.FixtureRequest, folder: pytest.TempPathFactory, test: str, transport: str) -> Told:
    """Runs a table when it is asked for, together with some of the others that this session is to run."""
    chosen = [
        item.callspec.params["module"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == test
    ]
    groups = [chosen[place : place + TOGETHER] for place in range(0, len(chosen), TOGETHER)]
    lines: dict[str, list[str]] = {}

    def told(module: str) -> list[str]:
        if module not in lines:
            group = next(group for group in groups if module in group)
            lines.update(run_tables([TABLES[name] for name in group], folder.mktemp("tables"), transport))
        return lines[module]

    return told


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return _told(request, tmp_path_factory, "test_the_cases_of", "https_ntlm")


@pytest.fixture(scope="module")
def told_over_psrp(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return _told(request, tmp_path_factory, "test_the_cases_over_powershell_remoting_of", "psrp_http_ntlm")


@pytest.mark.lab
@pytest.mark.parametrize("module", sorted(TABLES))
def test_the_cases_of(module: str, told: Told) -> None:
    assert told(module) == []


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize("module", sorted(TABLES))
def test_the_cases_over_powershell_remoting_of(module: str, told_over_psrp: Told) -> None:
    assert told_over_psrp(module) == []


def case(changed: bool | None, msg: str = "", **result: object) -> Case:
    return Case("fresh", {}, False, {}, changed, msg, result, True)


@pytest.mark.parametrize(
    ("wanted", "result", "lines"),
    [
        (case(True), {"changed": True}, []),
        (case(True), {"changed": False}, ["changed is False: "]),
        (case(True), {"failed": True, "msg": "no"}, ["failed is True: "]),
        (case(None, "no"), {"failed": True, "msg": "no"}, []),
        (case(None, "no"), {"failed": True, "msg": "no way"}, ["msg 'no way'; expected 'no'"]),
        (case(None, "no..."), {"failed": True, "msg": "no way"}, []),
        (case(None, "no"), {"changed": False}, ["failed is False: "]),
        (case(None, "no"), {"unreachable": True, "msg": "no"}, ["unreachable: no"]),
        (case(True, a={"b": [1]}), {"changed": True, "a": {"b": [1], "c": 2}}, []),
        (case(True, a={"b": [1]}), {"changed": True, "a": {"b": [2]}}, ["a.b.0: 2; expected 1"]),
        (case(True, a={"b": [1]}), {"changed": True, "a": {}}, ["a.b: not in the result; expected [1]"]),
        (case(True, a=[]), {"changed": True, "a": [1]}, ["a: [1]; expected []"]),
    ],
)
def test_a_result_that_is_not_as_a_case_says_is_named(
    wanted: Case, result: dict[str, object], lines: list[str]
) -> None:
    found = differences(wanted, result)
    assert len(found) == len(lines)
    assert all(line.startswith(begin) for line, begin in zip(found, lines, strict=True)), found


def test_a_host_that_a_case_has_changed_is_named(tmp_path: Path) -> None:
    host = Host("win01", {}, tmp_path)
    fill(host)
    before = state_of(host)
    host.files.write_bytes("C:\\left.txt", b"x")
    host.registry.set(r"HKLM\SOFTWARE\Left", "v", Value("string", "x"))
    host.accounts.grant("SeBatchLogonRight", host.accounts.resolve("Users").sid)
    host.services.stop("Spooler")
    found = " ".join(changes(before, state_of(host)))
    for word in ("C:\\left.txt", "Left", "SeBatchLogonRight", "Spooler/state"):
        assert word in found
