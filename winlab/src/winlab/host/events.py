"""The event log: logs, their sources, and entries.

Source: Microsoft's pages "Eventlog key" (a log's sources and settings) and "Event types".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from winlab.errors import Win32Error

if TYPE_CHECKING:
    from winlab.host.clock import Clock

ERROR_FILE_NOT_FOUND = 2
ERROR_ALREADY_EXISTS = 183
ENTRY_LIMIT = 1000
# Audits come with every connection, and all of them are saved with every command: enough for a migration.
AUDIT_LIMIT = 300
KIBIBYTE = 1024
# What New-EventLog gives a log of one's own (Microsoft, "EventLog.OverflowAction",
# "EventLog.MaximumKilobytes").
NEW_LOG_BYTES = 512 * KIBIBYTE
NEW_LOG_RETENTION_DAYS = 7

# Size and behaviour of the three classic logs on Windows Server 2016.
_CLASSIC = {
    "Application": ("Application", "Application Error", "MsiInstaller", "Windows Error Reporting"),
    "Security": ("Security", "Microsoft-Windows-Security-Auditing"),
    "System": ("System", "Service Control Manager", "User32", "EventLog", "Microsoft-Windows-Kernel-General"),
}


SECURITY, AUDITING = "Security", "Microsoft-Windows-Security-Auditing"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry. `level` is `information`, `warning`, `error`, `success_audit` or `failure_audit`.

    `data` holds the named fields of an audit; its `message` is the first sentence alone.
    """

    record: int
    log: str
    source: str
    event_id: int
    level: str
    message: str
    time: float
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventLog:
    """One log and its settings, named as `Limit-EventLog` names them."""

    name: str
    sources: tuple[str, ...]
    maximum_bytes: int = 20480 * KIBIBYTE
    overflow_action: str = "OverwriteAsNeeded"
    retention_days: int = 0
    entries: tuple[Event, ...] = field(default=())


class Events:
    """All logs of a host.

    Args:
        touch: called when something changed.
        clock: the host's clock.
    """

    def __init__(self, touch: Callable[[], None], clock: Clock) -> None:
        self._touch = touch
        self._clock = clock
        self._logs = {name.lower(): EventLog(name, sources) for name, sources in _CLASSIC.items()}
        self._next_record = 1
        self._forms: dict[int, dict[str, Any]] = {}

    def logs(self) -> list[EventLog]:
        """All logs, sorted by name."""
        return [self._logs[key] for key in sorted(self._logs)]

    def log(self, name: str) -> EventLog | None:
        """One log, or None."""
        return self._logs.get(name.lower())

    def log_of_source(self, source: str) -> EventLog | None:
        """The log that a source is registered with, or None."""
        wanted = source.lower()
        return next((log for log in self.logs() if wanted in (s.lower() for s in log.sources)), None)

    def create_log(self, name: str, sources: tuple[str, ...]) -> EventLog:
        """Create a log or add sources to it; a log is always a source of itself.

        Raises:
            Win32Error: 183 when a source belongs to another log.
        """
        log = self._logs.get(name.lower()) or EventLog(
            name, (name,), NEW_LOG_BYTES, "OverwriteOlder", NEW_LOG_RETENTION_DAYS
        )
        for source in sources:
            owner = self.log_of_source(source)
            if owner is not None and owner.name != log.name:
                raise Win32Error(ERROR_ALREADY_EXISTS, source)
            if owner is None and source.lower() not in (known.lower() for known in log.sources):
                log = replace(log, sources=(*log.sources, source))
        self._store(log)
        return log

    def configure(self, name: str, **changes: Any) -> EventLog:
        """Change settings of a log.

        Raises:
            Win32Error: 2 no such log.
        """
        log = replace(self._require(name), **changes)
        self._store(log)
        return log

    def clear(self, name: str) -> None:
        """Empty a log.

        Raises:
            Win32Error: 2 no such log.
        """
        self._store(replace(self._require(name), entries=()))

    def remove_log(self, name: str) -> None:
        """Remove a log with its sources.

        Raises:
            Win32Error: 2 no such log.
        """
        del self._logs[self._require(name).name.lower()]
        self._touch()

    def remove_source(self, source: str) -> None:
        """Take a source from its log.

        Raises:
            Win32Error: 2 no such source.
        """
        log = self.log_of_source(source)
        if log is None:
            raise Win32Error(ERROR_FILE_NOT_FOUND, source)
        self._store(replace(log, sources=tuple(s for s in log.sources if s.lower() != source.lower())))

    def write(self, log: str, source: str, event_id: int, level: str, message: str) -> Event:
        """Add an entry; log and source come into being when they are new."""
        target = self.create_log(log, (source,))
        event = Event(self._next_record, target.name, source, event_id, level, message, self._clock.now())
        self._next_record += 1
        self._store(replace(target, entries=(*target.entries, event)[-ENTRY_LIMIT:]))
        return event

    def audit(self, event_id: int, level: str, message: str, data: Mapping[str, str]) -> Event:
        """Add an entry to the Security log, which the system alone writes.

        A removed log gets no entries: the system makes none for it.
        """
        event = Event(
            self._next_record, SECURITY, AUDITING, event_id, level, message, self._clock.now(), data
        )
        target = self.log(SECURITY)
        if target is not None:
            self._next_record += 1
            self._store(replace(target, entries=(*target.entries, event)[-AUDIT_LIMIT:]))
        return event

    def read(self, log: str, source: str | None = None, event_id: int | None = None) -> list[Event]:
        """Entries of a log, oldest first, optionally of one source or id."""
        found = self._logs.get(log.lower())
        return [
            event
            for event in (found.entries if found else ())
            if (source is None or event.source.lower() == source.lower())
            and (event_id is None or event.event_id == event_id)
        ]

    def _require(self, name: str) -> EventLog:
        log = self._logs.get(name.lower())
        if log is None:
            raise Win32Error(ERROR_FILE_NOT_FOUND, name)
        return log

    def _store(self, log: EventLog) -> None:
        self._logs[log.name.lower()] = log
        self._touch()

    def to_state(self) -> dict[str, Any]:
        """JSON-able state."""
        return {"next": self._next_record, "logs": [self._form(log) for log in self.logs()]}

    def _form(self, log: EventLog) -> dict[str, Any]:
        """The JSON form of a log; an entry never changes, and all are saved with every command."""
        forms = self._forms
        known = {event.record: forms.get(event.record) or _entry_form(event) for event in log.entries}
        forms.update(known)
        if len(forms) > len(self._logs) * ENTRY_LIMIT:
            self._forms = {}
        return {**asdict(replace(log, entries=())), "entries": list(known.values())}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `to_state` gave."""
        self._next_record = state["next"]
        self._logs, self._forms = {}, {}
        for item in state["logs"]:
            entries = tuple(Event(**entry) for entry in item["entries"])
            log = EventLog(**{**item, "sources": tuple(item["sources"]), "entries": entries})
            self._logs[log.name.lower()] = log


def _entry_form(event: Event) -> dict[str, Any]:
    form = asdict(event)
    if not form["data"]:
        del form["data"]
    return form
