"""What runs and what has run on the host, as process auditing (event 4688) would have noted it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from winlab.host.clock import Clock

# Windows hands out process ids in steps of four; 0 is the idle process and 4 the system.
PID_STEP = 4
FIRST_PID = 1000
# Enough for a whole migration with room; older entries fall out, for all are written after each command.
HISTORY_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Process:
    """One process. `ended` is 0 while it runs; times are UTC seconds since 1970."""

    pid: int
    parent: int
    image: str
    command_line: str
    user: str
    logon_id: int
    started: float
    ended: float = 0.0
    exit_code: int | None = None

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.exit_code is None


class Processes:
    """The process list with its history.

    Args:
        touch: called when something changed.
        clock: the host's clock.
        started: told of each new process and its parent, if that is known.
    """

    def __init__(
        self,
        touch: Callable[[], None],
        clock: Clock,
        started: Callable[[Process, Process | None], None] | None = None,
    ) -> None:
        self._touch = touch
        self._started = started
        self._clock = clock
        self._all: dict[int, Process] = {}
        # JSON forms by id: an ended process never changes, and the history is saved with every command.
        self._forms: dict[int, tuple[Process, dict[str, Any]]] = {}
        self._next = FIRST_PID

    def start(self, image: str, command_line: str, user: str, logon_id: int = 0, parent: int = 0) -> Process:
        """Note a new process and return it."""
        process = Process(self._next, parent, image, command_line, user, logon_id, self._clock.now())
        self._next += PID_STEP
        self._all[process.pid] = process
        self._trim()
        self._touch()
        if self._started is not None:
            self._started(process, self._all.get(parent))
        return process

    def end(self, pid: int, exit_code: int) -> None:
        """Note that a process has ended; an unknown or ended one is left alone."""
        process = self._all.get(pid)
        if process is not None and process.running:
            self._all[pid] = replace(process, ended=self._clock.now(), exit_code=exit_code)
            self._touch()

    def end_all(self, exit_code: int) -> None:
        """End whatever runs, as a reboot does."""
        for pid in list(self._all):
            self.end(pid, exit_code)

    def get(self, pid: int) -> Process | None:
        """A process by id, running or not."""
        return self._all.get(pid)

    def running(self) -> list[Process]:
        """What runs now, oldest first."""
        return [process for process in self._all.values() if process.running]

    def history(self) -> list[Process]:
        """What runs and ran, oldest first."""
        return list(self._all.values())

    def _trim(self) -> None:
        surplus = len(self._all) - HISTORY_LIMIT
        if surplus > 0:
            ended = [pid for pid, process in self._all.items() if not process.running]
            for pid in ended[:surplus]:
                del self._all[pid]
                self._forms.pop(pid, None)

    def to_state(self) -> dict[str, Any]:
        """JSON-able state."""
        return {"next": self._next, "processes": [self._form(process) for process in self._all.values()]}

    def _form(self, process: Process) -> dict[str, Any]:
        known = self._forms.get(process.pid)
        if known is None or known[0] is not process:
            known = self._forms[process.pid] = process, asdict(process)
        return known[1]

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `to_state` gave."""
        self._next = state["next"]
        self._all = {item["pid"]: Process(**item) for item in state["processes"]}
        self._forms = {}
