"""Runs tables on served hosts with the real Ansible, and holds hosts and results against them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from winlab.execution import CommandRequest, Streams
from winlab.host import neighbours
from winlab.host.model import Host
from winlab.host.sessions import Session
from winlab.products import media, templates

from winlab import execution, scripts

from ..served import PASSWORD, Outcome, Served, run_plays, serve, write_yaml
from .tables import Case, Table

LIMITED = "limited"
# A script of the tests, known by its text; what it does stands in `_note`.
SCRIPT = """\
[CmdletBinding(SupportsShouldProcess)]
param([String]$Text)
if ($PSCmdlet.ShouldProcess('note')) { Set-Content -LiteralPath C:\\Windows\\note.txt -Value $Text }
$Ansible.Diff.after = $Text
"""
# Who may connect (RootSDDL) and is nobody else.
_GROUPS = ("Users", "Remote Management Users")
# What running anything at all leaves: temporary files, and the profile of who logs on for the first time.
_PASSING = ("\\appdata\\local\\temp\\", "c:\\windows\\temp\\", f"c:\\users\\{LIMITED}", "\\.ansible_async\\")
_PASSING_KEYS = ("profilelist", "hkey_users", "hku")
_PASSING_ACCOUNT_KEYS = frozenset({"last_logon", "bad_password_count", "next_logon_id"})


@dataclass
class Watch:
    """The state of a host after each command that it has run."""

    host: Host | None = None
    seen: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, host: Host, session: Session, request: CommandRequest, streams: Streams) -> int:
        """Run a command and look at the host."""
        try:
            return execution.run(host, session, request, streams)
        finally:
            self.look(host)

    def look(self, host: Host) -> None:
        """Note the state as of now."""
        with host.lock:
            state = state_of(host)
        with self._lock:
            self.seen.append((time.time(), state))

    def at(self, moment: float) -> dict[str, Any]:
        """The state at a time."""
        return next(state for when, state in reversed(self.seen) if when <= moment)


def state_of(host: Host) -> dict[str, Any]:
    """What a module may change, flat, without what passes."""
    state: dict[str, Any] = {}
    storage = host.files.to_state()
    for drive in storage["drives"]:
        for entry in host.files.walk(f"{drive['letter']}:\\"):
            if not any(part in f"{entry.path.lower()}\\" for part in _PASSING):
                facts = (
                    entry.is_dir,
                    0 if entry.is_dir else entry.size,
                    entry.sha256,
                    sorted(entry.attributes),
                )
                state[entry.path] = (*facts, entry.owner, str(host.files.acl(entry.path)))
    for name, component in (
        ("account", host.accounts),
        ("package", host.packages),
        ("registry", host.registry),
        ("service", host.services),
    ):
        state |= _flat(name, component.to_state())
    state |= _flat("feature", host.features)
    state["shares"] = str(storage["shares"])
    state["computer"] = (host.computer_name, host.shutdown_due > 0, host.boot_count)
    return {key: value for key, value in state.items() if not _passes(key)}


def _flat(prefix: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        pairs = value.items()
    elif isinstance(value, list | tuple):
        pairs = [
            (str(item.get("name", item.get("n", place))) if isinstance(item, Mapping) else place, item)
            for place, item in enumerate(value)
        ]
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in pairs:
        flat |= _flat(f"{prefix}/{key}", item)
    return flat


def _passes(key: str) -> bool:
    words = key.casefold().split("/")
    if words[0] == "account":
        return words[-1] in _PASSING_ACCOUNT_KEYS
    return words[0] == "registry" and any(word in _PASSING_KEYS for word in words)


@scripts.script(SCRIPT)
def _note(call: scripts.ScriptCall) -> scripts.ScriptResult:
    text, path = str(call.parameter("Text")), "C:\\Windows\\note.txt"
    known = call.host.files.exists(path) and call.host.files.read_bytes(path).decode()
    if not call.check_mode and known != text:
        call.host.files.write_bytes(path, text.encode(), call.session)
    return scripts.ScriptResult(changed=known != text, diff={"after": text})


def fill(host: Host) -> None:
    """A server that looks lived in, and a user without rights who may connect."""
    templates.build(host, {**host.definition, **_ADMINISTRATOR}, {"administrator": PASSWORD}, Path())
    sid = host.accounts.create_user(LIMITED, PASSWORD).sid
    for group in _GROUPS:
        host.accounts.add_member(group, sid)


_ADMINISTRATOR = {"administrator": {"name": "Administrator", "password": "administrator"}}


def run_tables(tables: Sequence[Table], folder: Path, transport: str) -> dict[str, list[str]]:
    """Run all cases of some tables in their order, each table on a host of its own, with one ansible-playbook.

    Returns:
        By module a line for each case that is not as its table says.
    """
    watches = {table.module: Watch() for table in tables}
    hosts: dict[str, dict[str, Any]] = {}
    with contextlib.ExitStack() as stack:
        for table in tables:
            watch, place = watches[table.module], folder / table.module
            served = stack.enter_context(_served(table, place, watch))
            watch.look(served.host)
            given = {"media": str(media.folder()), "script": SCRIPT, "authority": str(served.ca)}
            hosts[table.module] = served.reached_by(transport, **given)
            write_yaml(place / "table.yml", [_play(table)])
        outcome = run_plays(
            folder,
            hosts,
            [{"ansible.builtin.import_playbook": f"{table.module}/table.yml"} for table in tables],
        )
    return {table.module: _judged(table, outcome, watches[table.module]) for table in tables}


def _served(table: Table, folder: Path, watch: Watch) -> contextlib.AbstractContextManager[Served]:
    for name, text in table.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    definition = dict(table.definition)
    if neighbours.KEY in definition:
        web = definition[neighbours.KEY]
        definition[neighbours.KEY] = neighbours.checked(folder / "winlab.yml", neighbours.KEY, web)
    return serve(folder, fill, runner=watch.run, **definition)


def _play(table: Table) -> dict[str, Any]:
    tasks = [
        {"name": f"before {number}", "ignore_errors": True, **task}
        for number, task in enumerate(table.before, 1)
    ]
    for number, case in enumerate(table.cases, 1):
        task: dict[str, Any] = {"name": f"case {number} ({case.kind})", table.action: dict(case.args) or None}
        diff = case.kind == "diff" or _shows_that_there_is_no_diff(table, case)
        task |= {"ignore_errors": True, "check_mode": case.check, "diff": diff, **case.task}
        if case.kind == "right":
            task["vars"] = {"ansible_user": LIMITED, **task.get("vars", {})}
        tasks.append(task)
    # A host that cannot be reached must not end the plays of the other tables.
    return {"hosts": table.module, "gather_facts": False, "ignore_unreachable": True, "tasks": tasks}


def _judged(table: Table, outcome: Outcome, watch: Watch) -> list[str]:
    found = [
        (name, results[table.module], times)
        for (name, results), times in zip(outcome.tasks, outcome.times, strict=True)
        if table.module in results
    ]
    count = len(table.before)
    if len(found) != count + len(table.cases):
        return [f"{table.module}: {len(found)} results of {count + len(table.cases)}: {outcome.text}"]
    lines = []
    for place, (name, result, times) in enumerate(found):
        if place < count:
            if result.get("failed") or result.get("unreachable"):
                lines.append(f"{table.module}: {name}: {result}")
            continue
        start, end = (datetime.fromisoformat(text).timestamp() for text in times)
        case = table.cases[place - count]
        if _shows_that_there_is_no_diff(table, case) and "diff" in result:
            lines.append(f"{table.module}: {name}: a diff; expected none: {table.cannot['diff']}")
        lines += [f"{table.module}: {name}: {line}" for line in differences(case, result)]
        if case.keep:
            lines += [f"{table.module}: {name}: {line}" for line in changes(watch.at(start), watch.at(end))]
    return lines


def _shows_that_there_is_no_diff(table: Table, case: Case) -> bool:
    """A module without a diff is asked for one all the same, with what it has done before."""
    return "diff" in table.cannot and case.kind == "again"


def differences(case: Case, result: Mapping[str, Any]) -> list[str]:
    """A line for each thing in a result that is not as a case says."""
    if result.get("unreachable"):
        return [f"unreachable: {result.get('msg')}"]
    lines = []
    failed = bool(result.get("failed"))
    if failed != bool(case.msg):
        lines.append(f"failed is {failed}: {result}")
    elif failed:
        found = str(result.get("msg"))
        fits = found.startswith(case.msg[:-3]) if case.msg.endswith("...") else found == case.msg
        if not fits:
            lines.append(f"msg {found!r}; expected {case.msg!r}")
    elif bool(result.get("changed")) != case.changed:
        lines.append(f"changed is {result.get('changed')}: {result}")
    return lines + _lacking("", case.result, result)


def _lacking(where: str, wanted: Any, found: Any) -> list[str]:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        lines = []
        for key, value in wanted.items():
            if key not in found:
                lines.append(f"{where}{key}: not in the result; expected {value!r}")
            else:
                lines += _lacking(f"{where}{key}.", value, found[key])
        return lines
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [line for place, (want, have) in pairs for line in _lacking(f"{where}{place}.", want, have)]
    return [] if wanted == found else [f"{where[:-1]}: {found!r}; expected {wanted!r}"]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A line for each part of a host that is not as it was."""
    keys = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    return [f"host changed: {key}: {before.get(key)!r} became {after.get(key)!r}" for key in keys]
