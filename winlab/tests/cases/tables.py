"""Tables of cases: one file a twin in `tables/`, and what each of them must hold. The README beside tells how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).with_name("tables")
# Issue 3, "must show": fresh, again, check, diff, wrong arguments, missing right.
KINDS = ("fresh", "again", "check", "diff", "wrong", "right")
_CASE_KEYS = {"kind", "args", "check", "task", "why", "changed", "msg", "result", "keep"}
_TABLE_KEYS = {"action", "definition", "files", "before", "cases", "cannot"}
_LONG_ENOUGH = 20
# Actions of the controller that have no twin of their own: what they do is the work of several commands.
ACTIONS = (
    "ansible.builtin.fetch",
    "ansible.builtin.raw",
    "ansible.windows.win_reboot",
    "ansible.windows.win_template",
)


class BadTable(Exception):  # noqa: N818  (named after what it says)
    """A table that cannot be run, or that shows less than it says."""


@dataclass(frozen=True)
class Case:
    """One call of a module.

    Attributes:
        kind: one of `KINDS`.
        args: the module's arguments; left out: those of the last fresh case.
        check: whether it runs in check mode (a case of the kind check always does).
        task: further keys of the task, such as `environment`.
        changed: what it must report; None for a failure.
        msg: the failure's whole message, or its beginning when it ends in `...`.
        result: keys that the result must hold, compared in depth.
        keep: whether the host must be as before; by default after check, failures, and what reports no change.
    """

    kind: str
    args: Mapping[str, Any]
    check: bool
    task: Mapping[str, Any]
    changed: bool | None
    msg: str
    result: Mapping[str, Any]
    keep: bool


@dataclass(frozen=True)
class Table:
    """All cases of one module, in the order in which they run on one host.

    Attributes:
        module: the twin's name, which is the file's.
        cases: the cases.
        before: tasks that make what the cases need.
        files: files on the controller, beside the play.
        definition: the host's entry in a lab definition.
        cannot: by kind, why there is no case.
        action: what a task calls, where Ansible sends another name than the twin's.
    """

    module: str
    cases: tuple[Case, ...]
    before: tuple[Mapping[str, Any], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    definition: Mapping[str, Any] = field(default_factory=dict)
    cannot: Mapping[str, str] = field(default_factory=dict)
    action: str = ""


def read(path: Path) -> Table:
    """Read a table.

    Raises:
        BadTable: it means nothing, with what is wrong.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    _refuse(f"{path.name}", content, _TABLE_KEYS)
    cases: list[Case] = []
    last: Mapping[str, Any] = {}
    for number, entry in enumerate(content.get("cases") or (), 1):
        where = f"{path.name}: case {number}"
        _refuse(where, entry, _CASE_KEYS)
        case = _case(where, entry, last)
        if case.kind == "fresh":
            last = case.args
        cases.append(case)
    return Table(
        path.stem,
        tuple(cases),
        tuple(content.get("before") or ()),
        dict(content.get("files") or {}),
        dict(content.get("definition") or {}),
        dict(content.get("cannot") or {}),
        str(content.get("action") or path.stem),
    )


def _refuse(where: str, entry: Any, known: set[str]) -> None:
    if not isinstance(entry, dict):
        raise BadTable(f"{where}: {type(entry).__name__}; expected a mapping.")
    if unknown := sorted(set(entry) - known):
        raise BadTable(f"{where}: unknown key {', '.join(unknown)}; expected {', '.join(sorted(known))}.")


def _case(where: str, entry: Mapping[str, Any], last: Mapping[str, Any]) -> Case:
    kind = entry.get("kind")
    if kind not in KINDS:
        raise BadTable(f"{where}: kind {kind!r}; expected one of {', '.join(KINDS)}.")
    changed, msg = entry.get("changed"), str(entry.get("msg") or "")
    if (changed is None) == (not msg):
        raise BadTable(f"{where}: expected either `changed` or, for a failure, `msg`.")
    result = entry.get("result") or {}
    if kind == "wrong" and not msg:
        raise BadTable(f"{where}: wrong arguments that pass; expected a `msg`.")
    if kind == "diff" and "diff" not in result:
        raise BadTable(f"{where}: expected `result: {{diff: ...}}`.")
    args = entry.get("args", last)
    if kind == "again" and args != last:
        raise BadTable(f"{where}: other arguments than the last fresh case; expected the same again.")
    check = kind == "check" or bool(entry.get("check"))
    keep = bool(entry.get("keep", check or not changed))
    return Case(kind, args or {}, check, entry.get("task") or {}, changed, msg, result, keep)


def lacks(table: Table, module_source: str) -> list[str]:
    """What a table lacks: a line for each kind without a case, and for each reason that does not hold.

    Args:
        table: the table.
        module_source: the text of the module's own source.
    """
    shown = {case.kind for case in table.cases}
    lines = []
    for kind in KINDS:
        reason = table.cannot.get(kind, "")
        if kind in shown and reason:
            lines.append(f"{table.module}: {kind}: a case and a reason why there is none")
        elif kind not in shown and len(reason) < _LONG_ENOUGH:
            lines.append(f"{table.module}: {kind}: neither a case nor a reason under `cannot`")
    # The only kind that a module may lack; and its source must agree.
    for kind in sorted(set(table.cannot) - {"diff"}):
        lines.append(f"{table.module}: {kind}: every module can show it; expected a case")
    if "diff" in table.cannot and sets_diff(module_source):
        lines.append(f"{table.module}: diff: its source sets one; expected a case")
    return lines


def sets_diff(module_source: str) -> bool:
    """Whether a module's source builds a diff of its own (`$module.Diff.`, `$result.diff`, `prepared`)."""
    text = module_source.casefold()
    return any(
        word in text
        for word in ("module.diff", "result.diff", "diff = @", "diffmode", "diff_mode", "prepared")
    )


def missing(modules: list[str], tables: Mapping[str, Table]) -> list[str]:
    """A line for each twin without a table, and for each table without a twin."""
    lines = [f"{name}: no table; expected {FOLDER.name}/{name}.yml" for name in modules if name not in tables]
    return lines + [f"{name}: a table of no twin" for name in sorted(set(tables) - set(modules))]


def load(folder: Path = FOLDER) -> dict[str, Table]:
    """All tables by module."""
    return {path.stem: read(path) for path in sorted(folder.glob("*.yml"))}
