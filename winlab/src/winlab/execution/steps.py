"""The pieces that every step of an execution shares: its context and its result."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from winlab.execution.streams import Reader, Streams
from winlab.manifest import Action, Manifest

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session


@dataclass(frozen=True)
class CommandResult:
    """What a command leaves: exit code, standard output and error as text."""

    rc: int
    stdout: str = ""
    stderr: str = ""

    @classmethod
    def error(cls, text: str, rc: int = 1) -> CommandResult:
        """A PowerShell error: nothing on standard output, the text as CLIXML on standard error."""
        return cls(rc, "", clixml(text))

    @classmethod
    def wrapper_failure(cls, text: str) -> CommandResult:
        """An exception in an executor script: exec_wrapper.ps1 catches it and prints it as JSON."""
        result = {"failed": True, "msg": f"failure during exec_wrapper: {text}", "exception": text}
        return cls(1, json.dumps(result) + "\r\n")


@dataclass(frozen=True)
class Run:
    """One command in execution.

    Attributes:
        host: where it runs.
        session: the logon it runs in; a become wrapper replaces it.
        manifest: what Ansible sent.
        reader: what follows the manifest on standard input.
        streams: the command's input and output.
        pid: id of the PowerShell process on the host.
    """

    host: Host
    session: Session
    manifest: Manifest
    reader: Reader
    streams: Streams
    pid: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    def within(self, session: Session) -> Run:
        """The same in another logon."""
        return replace(self, session=session)

    def variables(self) -> dict[str, str]:
        """The environment variables that the process sees."""
        with self.host.lock:
            return self.host.environment.block(self.session, self.environment)

    def expand(self, text: str) -> str:
        """Replace `%NAME%` by the process's environment."""
        with self.host.lock:
            return self.host.environment.expand(text, self.session, self.environment)


# A step gets the run, its own action and the actions that it wraps.
Step = Callable[[Run, Action, tuple[Action, ...]], CommandResult]


def clixml(text: str) -> str:
    """Text as PowerShell writes its error stream to a redirected standard error."""
    lines = text.splitlines() or [""]
    items = "".join(f'<S S="Error">{escape(line)}_x000D__x000A_</S>' for line in lines)
    return (
        '#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
        f"{items}</Objs>"
    )
