"""The host's own clock: real time plus an offset that a fault or a test may set."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

# Seconds between 1601-01-01 (FILETIME, MS-DTYP 2.3.3) and 1970-01-01.
FILETIME_EPOCH_SECONDS = 11_644_473_600
FILETIME_TICKS_PER_SECOND = 10_000_000


def to_filetime(seconds: float) -> int:
    """Seconds since 1970 (UTC) as a Windows FILETIME (100 ns ticks since 1601)."""
    # Whole microseconds first: a float of today's ticks has no room for the last digits.
    return (round(seconds * 1_000_000) + FILETIME_EPOCH_SECONDS * 1_000_000) * 10


def from_filetime(ticks: int) -> float:
    """A FILETIME as seconds since 1970 (UTC)."""
    return ticks / FILETIME_TICKS_PER_SECOND - FILETIME_EPOCH_SECONDS


class Clock:
    """What the host believes the time to be.

    Args:
        touch: called when the offset changed, so that the state is saved.
        source: real time in seconds since 1970; a test hands in its own.
    """

    def __init__(self, touch: Callable[[], None], source: Callable[[], float] = time.time) -> None:
        self._touch = touch
        self._source = source
        self.offset = 0.0

    def now(self) -> float:
        """UTC seconds since 1970."""
        return self._source() + self.offset

    def utc(self) -> datetime:
        """The same as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)

    def jump(self, seconds: float) -> None:
        """Move the host's clock by `seconds` (either way), as a wrong time source does."""
        self.offset += seconds
        self._touch()

    def to_state(self) -> dict[str, Any]:
        """JSON-able state."""
        return {"offset": self.offset}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `to_state` gave."""
        self.offset = float(state.get("offset", 0.0))
