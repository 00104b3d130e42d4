"""`winlab fault HOST set | list | clear`: every kind from the command line, and what is refused."""

from __future__ import annotations

import json

import pytest
from winlab.faults import KINDS

from .conftest import Lab

pytestmark = pytest.mark.lab

# What the keys without a default may be; a kind that is not here takes none.
GIVEN: dict[str, list[str]] = {
    "delay": ["seconds=0.1"],
    "wsman": ["code=0x803381A6"],
    "locked": ["path=C:\\fresh.txt"],
    "denied": ["path=C:\\fresh.txt"],
    "outage": ["seconds=2"],
    "service": ["name=Spooler"],
    "account": ["name=Administrator"],
    "program": ["name=setup.exe", "rc=1603"],
}


def test_every_kind_is_set_listed_and_cleared_from_the_command_line(lab: Lab) -> None:
    lab.up()
    for number, kind in enumerate(KINDS, 1):
        code, out, err = lab.run("fault", "win01", "set", kind, *GIVEN.get(kind, []))
        assert (code, err) == (0, ""), kind
        assert out.split()[:2] == [str(number), kind]
        assert "(0 hits)" in out
    listed = json.loads(lab.run("fault", "win01", "list", "--json")[1])["faults"]
    assert [fault["kind"] for fault in listed] == list(KINDS)
    assert next(fault["code"] for fault in listed if fault["kind"] == "wsman") == 0x803381A6
    assert lab.run("fault", "win02", "list") == (0, "", "")
    assert lab.run("fault", "win01", "clear", "drop") == (0, "1 faults cleared\n", "")
    assert lab.run("fault", "win01", "clear", "2")[0] == 0
    assert lab.run("fault", "win01", "clear") == (0, f"{len(KINDS) - 2} faults cleared\n", "")
    assert lab.run("fault", "win01", "list") == (0, "", "")


REFUSED: list[tuple[list[str], str]] = [
    (["win01", "set"], "win01: fault set: no kind; expected one of account, "),
    (["win01", "set", "flood"], "win01: fault flood: no such kind; expected one of account, "),
    (["win01", "set", "drop", "when=now"], "win01: fault drop: unknown key when; expected operation, nth, times. See `winlab fault --help`."),
    (["win01", "set", "drop", "nth"], "win01: fault drop: 'nth'; expected KEY=VALUE. See `winlab fault --help`."),
    (["win01", "set", "drop", "nth=x"], "win01: fault drop: nth='x'; expected a whole number. See `winlab fault --help`."),
    (["win01", "set", "drop", "nth=0"], "win01: fault drop: nth=0; expected 1 or more. See `winlab fault --help`."),
    (["win01", "set", "drop", "operation=Get"], "win01: fault drop: operation=Get; expected one of Create, "),
    (["win01", "set", "delay"], "win01: fault delay: no seconds; expected seconds=VALUE. See `winlab fault --help`."),
    (["win01", "set", "delay", "seconds=inf"], "win01: fault delay: seconds='inf'; expected a number. See"),
    (["win01", "set", "locked", "path=C:\\no.txt"], "win01: fault locked: The system cannot find the file specified: C:\\no.txt"),
    (["win01", "set", "service", "name=nobody"], "win01: fault service: The specified service does not exist"),
    (["win01", "set", "account", "name=nobody"], "win01: fault account: no user nobody; expected a local account. `winlab show win01` lists them."),
    (["win01", "clear", "7"], "win01: fault 7: not set; expected a number or kind that is. `winlab fault HOST list` shows them."),
    (["win09", "list"], "win09"),
]  # fmt: skip


def test_what_means_nothing_is_refused_with_what_was_expected(lab: Lab) -> None:
    lab.up()
    for arguments, words in REFUSED:
        code, out, err = lab.run("fault", *arguments)
        assert (code, out) == (1, ""), arguments
        assert words in err
        assert "Traceback" not in err
    assert lab.run("fault", "win01", "list") == (0, "", "")


def test_without_a_lab_that_is_up_it_says_so(lab: Lab) -> None:
    code, out, err = lab.run("fault", "win01", "list")
    assert (code, out) == (1, "")
    assert "lab: not running; expected it up. Run `winlab up`." in err
