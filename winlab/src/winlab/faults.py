"""Faults of a simulated host: what is to go wrong, where, and how often.

A fault is set by `winlab fault HOST set KIND KEY=VALUE...` or by `host.faults.set(KIND, ...)`, and lives in
memory: a reset or the end of the process ends it. The places that can fail ask `host.faults`; without a fault
that is the look at an empty tuple. What Ansible reports for each is in winrm_wire.md 6.1 and tests/faults/.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from winlab.errors import WinlabError

_NEXT = "See `winlab fault --help`."
_WORDS: Mapping[type, str] = {int: "a whole number", float: "a number"}
OPERATIONS = ("Create", "Command", "Send", "Receive", "Signal", "Delete")
WIRE = frozenset({"drop", "half", "delay", "hang", "wsman"})
ALWAYS = 0

Value = str | int | float
Undo = Callable[[], None]
Effect = Callable[["Fault"], Undo]


@dataclass(frozen=True)
class Kind:
    """One kind of fault: what it does, and its keys with defaults (a type where one must be given)."""

    text: str
    keys: Mapping[str, Value | type]


_WHEN: dict[str, Value | type] = {"operation": "", "nth": 1, "times": 1}

KINDS: Mapping[str, Kind] = {
    "drop": Kind("the connection is reset before the operation is acted on", _WHEN),
    "half": Kind("the operation is done and half of its answer is sent", _WHEN),
    "delay": Kind("the operation waits", {**_WHEN, "seconds": float}),
    "hang": Kind("the operation is neither done nor answered", _WHEN),
    "wsman": Kind(
        "the operation is answered with a WS-Man fault",
        {**_WHEN, "code": int, "text": "A fault was injected."},
    ),
    "sha1": Kind("the check sum that a file transfer reports is wrong", {"nth": 1, "times": 1}),
    "junk": Kind(
        "text stands before the output of a command that got a manifest",
        {"text": "Profile loaded.", "nth": 1, "times": 1},
    ),
    "disk-full": Kind("a drive has this many bytes left", {"drive": "C", "bytes": 0}),
    "locked": Kind("a process keeps a file open", {"path": str}),
    "denied": Kind("every logon is refused at a path and below", {"path": str}),
    "reboot": Kind("the host restarts now and refuses connections for so long", {"seconds": 5.0}),
    "outage": Kind("every restart that is asked for takes so long", {"seconds": float}),
    "service": Kind("a service does not stop", {"name": str}),
    "account": Kind("an account is locked out", {"name": str}),
    "certificate": Kind(
        "HTTPS shows a certificate with another name, or of another issuer", {"wrong": "name"}
    ),
    "envelope": Kind("requests above this size are refused (MaxEnvelopeSizekb)", {"kb": 150}),
    "quota": Kind("a user has so many shells, a shell so many operations", {"shells": -1, "operations": -1}),
    "program": Kind(
        "a program ends with this code and text instead of running",
        {"name": str, "rc": int, "text": "", "nth": 1, "times": ALWAYS},
    ),
}
_CHOICES = {"operation": ("", *OPERATIONS), "wrong": ("name", "issuer")}
_NOT_NEGATIVE = frozenset({"seconds", "times", "bytes", "kb"})


@dataclass
class Fault:
    """One fault that is set.

    Attributes:
        number: what `clear` takes.
        kind: one of `KINDS`.
        values: its keys with their values.
        seen: how often its place was reached since it was set.
        hits: how often it struck.
    """

    number: int
    kind: str
    values: dict[str, Value]
    seen: int = 0
    hits: int = 0
    ended: threading.Event = field(default_factory=threading.Event, repr=False)
    undo: Undo | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """For the control endpoint."""
        return {"number": self.number, "kind": self.kind, **self.values, "hits": self.hits}

    def strikes(self) -> bool:
        """Count one time that its place is reached; whether it is the turn of the fault."""
        self.seen += 1
        nth, times = int(self.values.get("nth", 1)), int(self.values.get("times", ALWAYS))
        if self.seen < nth or (times != ALWAYS and self.seen >= nth + times):
            return False
        self.hits += 1
        return True


class Faults:
    """The faults of one host; safe to use from any thread."""

    def __init__(self) -> None:
        self._faults: tuple[Fault, ...] = ()
        self._lock = threading.Lock()
        self._next = 1
        self._effects: dict[str, Effect] = {}

    def __bool__(self) -> bool:
        return bool(self._faults)

    def on(self, kind: str, effect: Effect) -> None:
        """Have something done when a fault of that kind is set; what it returns undoes it."""
        self._effects[kind] = effect

    def off(self, kind: str) -> None:
        """Forget what `on` has said."""
        self._effects.pop(kind, None)

    def set(self, kind: str, **values: Any) -> Fault:
        """Set a fault.

        Raises:
            WinlabError: no such kind or key, or a value that means nothing.
            Win32Error: the file, service or account is not there.
        """
        checked = _checked(kind, values)
        with self._lock:
            fault = Fault(self._next, kind, checked)
            self._next += 1
        effect = self._effects.get(kind)
        if effect is not None:
            fault.undo = effect(fault)
        with self._lock:
            self._faults = (*self._faults, fault)
        return fault

    def list(self) -> tuple[Fault, ...]:
        """All faults in the order in which they were set."""
        return self._faults

    def clear(self, which: str | int | None = None) -> int:
        """End the fault of that number, all of a kind, or all. Returns how many there were.

        Raises:
            WinlabError: neither a number nor a kind that is set.
        """
        with self._lock:
            gone = [fault for fault in self._faults if which is None or str(which) in _names(fault)]
            self._faults = tuple(fault for fault in self._faults if fault not in gone)
        if which is not None and not gone:
            raise WinlabError(
                f"fault {which}: not set; expected a number or kind that is. "
                "`winlab fault HOST list` shows them."
            )
        for fault in reversed(gone):
            fault.ended.set()
            if fault.undo is not None:
                fault.undo()
        return len(gone)

    def wire(self, operation: str) -> tuple[Fault, ...]:
        """The faults that strike this operation of the wire."""
        if not self._faults:
            return ()
        with self._lock:
            return tuple(
                fault
                for fault in self._faults
                if fault.kind in WIRE and fault.values["operation"] in ("", operation) and fault.strikes()
            )

    def take(self, kind: str, name: str = "") -> Fault | None:
        """The fault of a kind that strikes now; `name` is compared without case where it has one."""
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                wanted = str(fault.values.get("name", name))
                if fault.kind == kind and wanted.lower() == name.lower() and fault.strikes():
                    return fault
        return None

    def number(self, kind: str, key: str) -> float | None:
        """A setting that a fault replaces, None without one."""
        for fault in reversed(self._faults):
            if fault.kind == kind and float(fault.values[key]) >= 0:
                return float(fault.values[key])
        return None


def _names(fault: Fault) -> tuple[str, str]:
    return str(fault.number), fault.kind


def _checked(kind: str, values: Mapping[str, Any]) -> dict[str, Value]:
    known = KINDS.get(kind)
    if known is None:
        raise WinlabError(f"fault {kind}: no such kind; expected one of {', '.join(sorted(KINDS))}. {_NEXT}")
    for key in sorted(set(values) - set(known.keys)):
        raise WinlabError(
            f"fault {kind}: unknown key {key}; expected {', '.join(known.keys) or 'none'}. {_NEXT}"
        )
    checked: dict[str, Value] = {}
    for key, default in known.keys.items():
        if key not in values:
            if isinstance(default, type):
                raise WinlabError(f"fault {kind}: no {key}; expected {key}=VALUE. {_NEXT}")
            checked[key] = default
            continue
        checked[key] = _value(kind, key, values[key], default if isinstance(default, type) else type(default))
    return checked


def _value(kind: str, key: str, given: Any, wanted: type) -> Value:
    try:
        # Codes are written as people find them: decimal or 0x hexadecimal.
        value: Value = int(str(given), 0) if wanted is int else wanted(given)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(given)
    except ValueError:
        raise WinlabError(
            f"fault {kind}: {key}={given!r}; expected {_WORDS.get(wanted, 'a text')}. {_NEXT}"
        ) from None
    choices = _CHOICES.get(key)
    if choices is not None and value not in choices:
        raise WinlabError(
            f"fault {kind}: {key}={given}; expected one of {', '.join(filter(None, choices))}. {_NEXT}"
        )
    if (key == "nth" and float(value) < 1) or (key in _NOT_NEGATIVE and float(value) < 0):
        least = 1 if key == "nth" else 0
        raise WinlabError(f"fault {kind}: {key}={given}; expected {least} or more. {_NEXT}")
    return value
