"""Which TCP ports of the host are listened on, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# What Windows' own services listen on while they run (WinRM through HTTP.sys), by the service's name.
WINDOWS_PORTS: dict[str, tuple[int, ...]] = {"winrm": (5985, 5986)}
WINRM_HOLDER = "service:winrm"


class Ports:
    """The listening ports of one host.

    Args:
        touch: called when something changed.
    """

    def __init__(self, touch: Callable[[], None]) -> None:
        self._touch = touch
        self._holders: dict[int, str] = dict.fromkeys(WINDOWS_PORTS["winrm"], WINRM_HOLDER)
        # Called after a change; not part of the state.
        self.watchers: list[Callable[[], None]] = []
        # Connections since a port was opened, for a holder that ends after one; not part of the state.
        self._connections: dict[int, int] = {}

    def listen(self, port: int, holder: str) -> None:
        """Note that `holder` listens on a port, such as `service:<name>`."""
        self._holders[port] = holder
        self._connections.pop(port, None)
        self._changed()

    def close_all(self, holder: str) -> None:
        """Note that `holder` listens on nothing any more."""
        left = {port: name for port, name in self._holders.items() if name != holder}
        if left != self._holders:
            self._holders = left
            self._changed()

    def _changed(self) -> None:
        self._touch()
        for watcher in list(self.watchers):
            watcher()

    def is_open(self, port: int) -> bool:
        """Whether somebody listens on a port."""
        return port in self._holders

    def connect(self, port: int) -> bool:
        """Note a connection from the host itself. Returns False where nobody listens."""
        if port not in self._holders:
            return False
        self._connections[port] = self._connections.get(port, 0) + 1
        return True

    def connections(self, port: int) -> int:
        """How many connections a port has had since it was opened."""
        return self._connections.get(port, 0)

    def all(self) -> dict[int, str]:
        """Ports and who listens, sorted by port."""
        return dict(sorted(self._holders.items()))

    def to_state(self) -> dict[str, Any]:
        """JSON-able state."""
        return {"holders": {str(port): holder for port, holder in self.all().items()}}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `to_state` gave."""
        self._holders = {int(port): holder for port, holder in state["holders"].items()}
