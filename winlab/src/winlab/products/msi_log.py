"""The log of Windows Installer.

Sources: Microsoft's pages "Windows Installer Logging" and "MsiHiddenProperties Property"; the letters of
`/L`. The file is UTF-16LE with a byte order mark. Lines are those that people look for ("Return value 3",
"Property(S): ", "Product: ... -- ..."); a real verbose log has many more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

HIDDEN = "**********"
# `*` stands for all letters but these two.
_NOT_IN_STAR = frozenset("vx")


class MsiLog:
    """Collects what `/L` asks for.

    Args:
        flags: letters of `/L`; empty for no log at all.
        hidden: names of properties whose values are masked (MsiHiddenProperties).
        now: the host's time.
    """

    def __init__(self, flags: str, hidden: frozenset[str], now: datetime) -> None:
        self._flags = set(flags)
        self._hidden = hidden
        self._now = now
        self._lines: list[str] = []
        stamp = self._stamp()
        if "v" in self._flags:
            self._lines.append(
                f"=== Verbose logging started: {stamp}  Build type: SHIP UNICODE 5.00.14393.00  "
                r"Calling process: C:\Windows\System32\msiexec.exe ==="
            )
        else:
            self._lines.append(f"=== Logging started: {stamp} ===")

    def _stamp(self) -> str:
        now = self._now
        return f"{now.month}/{now.day}/{now.year}  {now:%H:%M:%S}"

    def wants(self, letter: str) -> bool:
        """Whether lines of this kind are asked for."""
        return letter in self._flags or ("*" in self._flags and letter not in _NOT_IN_STAR)

    def write(self, letter: str, line: str) -> None:
        """Add a line of one kind; verbose lines carry process and time in front."""
        if self.wants(letter):
            if letter == "v":
                line = f"MSI (s) (5C:88) [{self._now:%H:%M:%S}:000]: {line}"
            self._lines.append(line)

    def shown(self, name: str, value: str) -> str:
        """A property's value as the log may show it."""
        return HIDDEN if name in self._hidden else value

    def command_line(self, properties: Mapping[str, str]) -> None:
        """Note what came on the command line."""
        words = " ".join(f"{name}={self.shown(name, value)}" for name, value in properties.items())
        self.write("v", f"Command Line: {words}")

    def property_changes(self, properties: Mapping[str, str]) -> None:
        """Note each property that the command line adds."""
        for name, value in properties.items():
            self.write(
                "v", f"PROPERTY CHANGE: Adding {name} property. Its value is '{self.shown(name, value)}'."
            )

    def action(self, name: str, result: int) -> None:
        """Note an action's end: 1 success, 3 fatal error."""
        self.write("a", f"Action start {self._now:%H:%M:%S}: {name}.")
        self.write("a", f"Action ended {self._now:%H:%M:%S}: {name}. Return value {result}.")

    def properties(self, properties: Mapping[str, str]) -> None:
        """Dump all properties at the end."""
        for name in sorted(properties):
            self.write("p", f"Property(S): {name} = {self.shown(name, properties[name])}")

    def content(self) -> bytes:
        """The file's bytes."""
        title = "Verbose logging" if "v" in self._flags else "Logging"
        lines = [*self._lines, f"=== {title} stopped: {self._stamp()} ==="]
        return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode("utf-16-le")
