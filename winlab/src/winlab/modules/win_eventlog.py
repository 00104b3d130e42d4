"""win_eventlog.ps1 of ansible.windows 3.3.0, a legacy module: unknown options are ignored."""

from __future__ import annotations

import re
from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure
from winlab.host.registry import Value
from winlab.modules import Call, twin

LOGS_KEY = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog"
KIBIBYTE = 1024
_UNITS = {"KB": KIBIBYTE, "MB": KIBIBYTE**2, "GB": KIBIBYTE**3}
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>KB|MB|GB)", re.IGNORECASE)
_FILES = {
    "category_file": "CategoryMessageFile",
    "message_file": "EventMessageFile",
    "parameter_file": "ParameterMessageFile",
}
_ACTIONS = ("OverwriteOlder", "OverwriteAsNeeded", "DoNotOverwrite")
_NO_RIGHTS = "Requested registry access is not allowed."


@twin("ansible.windows.win_eventlog")
def win_eventlog(call: Call) -> dict[str, Any]:
    """Create, limit, empty or remove a log and its sources.

    `sources_changed` is filled outside check mode only (lines 199, 253, 265). Setting only `retention_days`
    makes the log overwrite older entries, as Limit-EventLog does.
    """
    return _Task(call).run()


class _Task:
    def __init__(self, call: Call) -> None:
        self.call = call
        self.events = call.host.events
        self.name: str = param(call, "name", type="str", failifempty=True)
        states = ("present", "clear", "absent")
        self.state = param(call, "state", type="str", default="present", validateset=states).lower()
        self.sources: list[str] = [str(source) for source in param(call, "sources", type="list") or []]
        self.files = {option: param(call, option, type="path") for option in _FILES}
        self.size = param(call, "maximum_size", type="str")
        self.action = param(call, "overflow_action", type="str", validateset=_ACTIONS)
        self.retention = param(call, "retention_days", type="int")
        self.result: dict[str, Any] = {"changed": False, "name": self.name, "sources_changed": []}

    def run(self) -> dict[str, Any]:
        """The module from line 146 on."""
        self._check()
        {"present": self._present, "clear": self._clear, "absent": self._absent}[self.state]()
        return {**self.result, **self._details()}

    def _check(self) -> None:
        """Lines 155-170."""
        exists = self.events.log(self.name) is not None
        has_default = self.name.lower() in (source.lower() for source in self.sources)
        for wrong, text in (
            (
                self.state == "present" and not exists and not self.sources,
                "You must specify one or more sources when creating a log for the first time",
            ),
            (
                self.state == "present" and exists and has_default and any(self.files.values()),
                f"Cannot modify default source {self.name} of log {self.name} - you must remove the log",
            ),
            (self.state == "clear" and not exists, f"Cannot clear log {self.name} as it does not exist"),
            (
                self.state == "absent" and has_default,
                f"Cannot remove default source {self.name} from log {self.name} - you must remove the log",
            ),
        ):
            if wrong:
                raise ModuleFailure(text, **self.result)

    def _present(self) -> None:
        existed = self.events.log(self.name) is not None
        for source in self.sources:
            there = self._exists(source, must_be_new=not existed)
            if there and not self._files_differ(source):
                continue
            self._change()
            if not self.call.check_mode:
                self.events.create_log(self.name, (source,))
                self._write_files(source)
                self.result["sources_changed"].append(source)
        self._limit()

    def _exists(self, source: str, *, must_be_new: bool = False) -> bool:
        """Test-SourceExistence, lines 52-78."""
        owner = self.events.log_of_source(source)
        if owner is None:
            return False
        if must_be_new:
            raise ModuleFailure(f"Source {source} already exists and cannot be created", **self.result)
        if owner.name.lower() != self.name.lower():
            raise ModuleFailure(
                f"Source {source} does not belong to log {self.name} and cannot be modified", **self.result
            )
        return True

    def _source_key(self, source: str) -> str:
        return rf"{LOGS_KEY}\{self.name}\{source}"

    def _files_differ(self, source: str) -> bool:
        registry, key = self.call.host.registry, self._source_key(source)
        for option, wanted in self.files.items():
            value = registry.get(key, _FILES[option]) if registry.key_exists(key) else None
            current = "" if value is None else str(value.data)
            if wanted and wanted.lower() != current.lower():
                return True
        return False

    def _write_files(self, source: str) -> None:
        # A source whose files change is removed and made again: files that are not named go.
        registry, key = self.call.host.registry, self._source_key(source)
        if registry.key_exists(key):
            registry.delete_key(key)
        registry.create_key(key)
        for option, path in self.files.items():
            if path:
                registry.set(key, _FILES[option], Value("expandstring", path))

    def _limit(self) -> None:
        """Lines 207-233; a log that check mode would create has nothing to compare with."""
        log = self.events.log(self.name)
        wanted_bytes = self._bytes()
        current = (log.maximum_bytes, log.overflow_action, log.retention_days) if log else (None, None, None)
        changes: dict[str, Any] = {}
        if wanted_bytes is not None and wanted_bytes != current[0]:
            changes["maximum_bytes"] = wanted_bytes
        if (self.action and self.action.lower() != str(current[1]).lower()) or (
            self.retention and self.retention != current[2]
        ):
            action = self.action or "OverwriteOlder"
            changes["overflow_action"] = next(a for a in _ACTIONS if a.lower() == action.lower())
            kept = self.retention or current[2] or 0
            changes["retention_days"] = kept if changes["overflow_action"] == "OverwriteOlder" else 0
        if not changes:
            return
        self._change()
        if not self.call.check_mode:
            self.events.configure(self.name, **changes)

    def _bytes(self) -> int | None:
        """ConvertTo-MaximumSize, lines 80-131."""
        if not self.size:
            return None
        match = _SIZE.fullmatch(self.size)
        if match is None:
            raise ModuleFailure(f"Maximum size {self.size} is not properly specified", **self.result)
        size = float(match["number"]) * _UNITS[match["unit"].upper()]
        if size < 64 * KIBIBYTE or size >= 4 * KIBIBYTE**3:
            raise ModuleFailure("Maximum size must be between 64KB and 4GB", **self.result)
        if size % (64 * KIBIBYTE):
            raise ModuleFailure("Maximum size must be divisible by 64KB", **self.result)
        return int(size)

    def _clear(self) -> None:
        log = self.events.log(self.name)
        if log is not None and log.entries:
            self._change()
            if not self.call.check_mode:
                self.events.clear(self.name)

    def _absent(self) -> None:
        log = self.events.log(self.name)
        if log is None:
            return
        if not self.sources:
            self._change()
            if not self.call.check_mode:
                self.result["sources_changed"] = sorted(log.sources, key=str.lower)
                self.events.remove_log(self.name)
                self._forget(rf"{LOGS_KEY}\{self.name}")
            return
        for source in self.sources:
            if self._exists(source):
                self._change()
                if not self.call.check_mode:
                    self.events.remove_source(source)
                    self._forget(self._source_key(source))
                    self.result["sources_changed"].append(source)

    def _forget(self, key: str) -> None:
        if self.call.host.registry.key_exists(key):
            self.call.host.registry.delete_key(key)

    def _change(self) -> None:
        if not self.call.session.is_admin:
            raise ModuleFailure(_NO_RIGHTS, **self.result)
        self.result["changed"] = True

    def _details(self) -> dict[str, Any]:
        """Get-EventLogDetail, lines 10-50."""
        log = self.events.log(self.name)
        if log is None:
            return {"name": self.name, "exists": False}
        return {
            "name": self.name,
            "exists": True,
            "maximum_size_kb": log.maximum_bytes // KIBIBYTE,
            "overflow_action": log.overflow_action,
            "retention_days": log.retention_days,
            "entries": len(log.entries),
            "sources": sorted(log.sources, key=str.lower),
        }
