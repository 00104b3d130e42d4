"""Every twin has a table with every kind of case, or a reason that its source bears out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from winlab import modules, pins

from . import tables
from .tables import BadTable, Case, Table

TABLES = tables.load()


def test_every_twin_has_a_table_and_every_table_a_twin() -> None:
    assert tables.missing([*modules.names(), *tables.ACTIONS], TABLES) == []


@pytest.mark.parametrize("module", sorted(TABLES))
def test_a_table_shows_every_kind_of_case(module: str) -> None:
    source = "" if module in tables.ACTIONS else pins.module_path(module).read_text(encoding="utf-8")
    assert tables.lacks(TABLES[module], source) == []


def case(kind: str) -> Case:
    return Case(kind, {}, False, {}, True, "", {}, False)


def table(*kinds: str, **cannot: str) -> Table:
    return Table("a.b.c", tuple(case(kind) for kind in kinds), cannot=cannot)


ALL = tables.KINDS
REASON = "The module's source has no diff."


@pytest.mark.parametrize(
    ("given", "source", "lines"),
    [
        (table(*ALL), "", []),
        (table(*ALL[:3], *ALL[4:], diff=REASON), "", []),
        (table(*ALL[:5]), "", ["a.b.c: right: neither a case nor a reason under `cannot`"]),
        (table(*ALL, diff=REASON), "", ["a.b.c: diff: a case and a reason why there is none"]),
        (
            table(*ALL[:3], *ALL[4:], diff="no"),
            "",
            ["a.b.c: diff: neither a case nor a reason under `cannot`"],
        ),
        (
            table(*ALL[:3], *ALL[4:], diff=REASON),
            "$module.Diff.before = ''",
            ["a.b.c: diff: its source sets one; expected a case"],
        ),
        (table(*ALL[:5], right=REASON), "", ["a.b.c: right: every module can show it; expected a case"]),
    ],
)
def test_what_a_table_lacks_is_named(given: Table, source: str, lines: list[str]) -> None:
    assert tables.lacks(given, source) == lines


def test_a_twin_without_a_table_and_a_table_without_a_twin_are_named() -> None:
    assert tables.missing(["a.b.new"], {"a.b.old": table()}) == [
        "a.b.new: no table; expected tables/a.b.new.yml",
        "a.b.old: a table of no twin",
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"kind": "frash", "changed": True}, "kind 'frash'; expected one of fresh, again"),
        ({"kind": "fresh", "changed": True, "cahnged": 1}, "unknown key cahnged"),
        ({"kind": "fresh"}, "expected either `changed` or, for a failure, `msg`"),
        (
            {"kind": "fresh", "changed": True, "msg": "x"},
            "expected either `changed` or, for a failure, `msg`",
        ),
        ({"kind": "wrong", "changed": False}, "wrong arguments that pass"),
        ({"kind": "diff", "changed": True}, "expected `result: {diff: ...}`"),
        ({"kind": "again", "changed": False, "args": {"a": 1}}, "expected the same again"),
    ],
)
def test_a_case_that_shows_nothing_is_refused(tmp_path: Path, entry: dict[str, Any], message: str) -> None:
    path = tmp_path / "a.b.c.yml"
    path.write_text(yaml.safe_dump({"cases": [entry]}))
    with pytest.raises(BadTable, match="case 1") as caught:
        tables.read(path)
    assert message in str(caught.value)
