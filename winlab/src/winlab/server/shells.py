"""WinRS shells of one host: who owns them, their commands, and how requests act on them (MS-WSMV 3.1.4)."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from winlab.execution import CommandRequest, Streams
from winlab.execution.streams import Output, Stdin
from winlab.server import psrp, wsman
from winlab.server.wsman import Fault, Message

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

log = logging.getLogger(__name__)

MAX_SHELLS_PER_USER = 30  # `winrm get winrm/config/winrs`, Windows Server 2012 and later
MAX_OPERATIONS_PER_USER = 1500  # MaxConcurrentOperationsPerUser; WinRS counts commands of a shell, never down
IDLE_SECONDS = 7200.0  # winrs IdleTimeout, Windows Server 2012 and later

# A shell of an earlier boot that was not used for so long is one that a real reboot has ended.
REBOOT_SECONDS = 30.0

Runner = Callable[["Host", "Session", CommandRequest, Streams], int]


@dataclass
class Command:
    """One command of a shell."""

    id: str
    stdin: Stdin = field(default_factory=Stdin)
    output: Output = field(default_factory=Output)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """End it: its reader wakes up, its output is nobody's any more."""
        self.cancelled.set()
        self.stdin.cancel()


@dataclass
class Shell:
    """One shell, open from Create to Delete."""

    id: str
    session: Session
    idle_seconds: float = IDLE_SECONDS
    boot: int = 0
    used: float = field(default_factory=time.monotonic)
    commands: dict[str, Command | psrp.Pipeline] = field(default_factory=dict)
    operations: int = 0
    pool: psrp.RunspacePool | None = None

    def close(self) -> None:
        """End every command that still runs."""
        for command in list(self.commands.values()):
            command.cancel()
        self.commands.clear()


@dataclass(frozen=True)
class Quotas:
    """Limits of the WinRM service; a definition or a fault may set others."""

    shells_per_user: int = MAX_SHELLS_PER_USER
    operations_per_user: int = MAX_OPERATIONS_PER_USER


class ShellService:
    """All WinRS shells of one host.

    Args:
        host: the host.
        runner: runs a command and returns its exit code.
        address: the host's address, for the answer to Create.
        quotas: the limits.
    """

    def __init__(self, host: Host, runner: Runner, address: str, quotas: Quotas | None = None) -> None:
        self._host = host
        self._runner = runner
        self._address = address
        self.quotas = quotas or Quotas()
        self._shells: dict[str, Shell] = {}
        self._lock = threading.Lock()
        self._operations = {
            wsman.CREATE: self._create,
            wsman.COMMAND: self._command,
            wsman.SEND: self._send,
            wsman.RECEIVE: self._receive,
            wsman.SIGNAL: self._signal,
            wsman.DELETE: self._delete,
        }

    def answer(self, message: Message, session: Session) -> bytes:
        """Act on one request.

        Raises:
            Fault: as the service would.
        """
        operation = self._operations.get(message.action)
        if operation is None:
            reason = f"The WS-Management service cannot process the request: unknown action {message.action}."
            raise Fault(wsman.BAD_ACTION, reason, "a:ActionNotSupported", message_id=message.message_id)
        try:
            return operation(message, session)
        except psrp.BadFragment as error:
            reason = f"The PowerShell remoting data cannot be read ({error})."
            raise Fault(
                wsman.SCHEMA_INVALID, reason, "w:SchemaValidationError", message_id=message.message_id
            ) from error
        except Fault as error:
            error.message_id = error.message_id or message.message_id
            raise

    def count(self) -> int:
        """Open shells."""
        with self._lock:
            return len(self._shells)

    def drop_all(self) -> None:
        """End every shell, as a reboot does."""
        with self._lock:
            shells = list(self._shells.values())
            self._shells.clear()
        for shell in shells:
            self._end(shell)

    def _end(self, shell: Shell) -> None:
        """Close a shell; the logon that made it ends with it."""
        shell.close()
        with self._host.lock:
            self._host.audit.logged_off(shell.session)

    def uses(self, session: Session) -> bool:
        """Whether an open shell was made by this logon."""
        with self._lock:
            return any(shell.session.logon_id == session.logon_id for shell in self._shells.values())

    def _create(self, message: Message, session: Session) -> bytes:
        remoting = message.resource == psrp.RESOURCE + psrp.CONFIGURATION
        if message.resource != wsman.CMD_SHELL and not remoting:
            reason = f"The resource URI {message.resource} is not served by this simulated host."
            raise Fault(wsman.BAD_ACTION, reason, "w:InvalidResourceURI")
        idle = wsman.idle_timeout(message) or IDLE_SECONDS
        self._expire()
        chosen, creation = wsman.runspace_pool(message) if remoting else ("", "")
        shell = Shell(
            chosen or str(uuid.uuid4()).upper(), session, min(idle, IDLE_SECONDS), self._host.boot_count
        )
        if remoting:
            shell.pool = psrp.RunspacePool(creation, partial(self._start, shell))
        with self._lock:
            mine = sum(1 for other in self._shells.values() if other.session.sid == session.sid)
            limit = self._limit("shells", self.quotas.shells_per_user)
            if mine >= limit:
                raise wsman.quota_fault("shells", limit, message.message_id)
            if shell.id in self._shells:
                # The id is the client's choice: it must not take over a shell that somebody has.
                raise Fault(wsman.SHELL_EXISTS, f"A shell with the id {shell.id} exists.", "w:AlreadyExists")
            self._shells[shell.id] = shell
        return wsman.created(message, shell.id, session.account, self._address)

    def _command(self, message: Message, session: Session) -> bytes:
        shell = self._shell(message, session)
        line, arguments, client_id = wsman.command_line(message)
        shell.operations += 1
        limit = self._limit("operations", self.quotas.operations_per_user)
        if shell.operations > limit:
            raise wsman.quota_fault("operations", limit, message.message_id)
        if shell.pool is not None:
            pipeline = shell.pool.command(client_id.upper(), "".join(arguments))
            shell.commands[pipeline.id] = pipeline
            return wsman.command_started(message, pipeline.id)
        command = Command(str(uuid.uuid4()).upper())
        # WINRS_CONSOLEMODE_STDIN=TRUE: the client will send nothing (winrm_wire.md 1.3).
        if message.options.get("WINRS_CONSOLEMODE_STDIN", "").upper() == "TRUE":
            command.stdin.close()
        shell.commands[command.id] = command
        self._start(shell, command, CommandRequest(line, " ".join(arguments)))
        return wsman.command_started(message, command.id)

    def _start(self, shell: Shell, command: Command | psrp.Pipeline, request: CommandRequest) -> None:
        output = command.output if isinstance(command, Command) else command.results
        threading.Thread(
            target=self._run,
            args=(shell.session, request, Streams(command.stdin, output, command.cancelled)),
            name=f"command {command.id}",
            daemon=True,
        ).start()

    def _run(self, session: Session, request: CommandRequest, streams: Streams) -> None:
        code = 1
        try:
            code = self._runner(self._host, session, request, streams)
        finally:
            streams.output.finish(code)

    def _send(self, message: Message, session: Session) -> bytes:
        shell = self._shell(message, session)
        for piece in wsman.sent_streams(message):
            if shell.pool is not None:
                pipeline = self._pipeline(shell, piece.command_id, message)
                if not shell.pool.receive(piece.data, pipeline, message.timeout):
                    raise wsman.timed_out(message)
                continue
            command = self._find(shell, piece.command_id, message)
            if piece.name == "stdin" and not command.stdin.feed(piece.data, piece.end, message.timeout):
                raise wsman.timed_out(message)
        return wsman.acknowledged(message)

    def _receive(self, message: Message, session: Session) -> bytes:
        shell = self._shell(message, session)
        wanted = wsman.wanted_command(message)
        room = wsman.room_for_streams(message)
        if shell.pool is not None:
            pipeline = self._pipeline(shell, wanted, message)
            output = shell.pool.output if pipeline is None else pipeline.output
            taken = output.take(room, message.timeout, whole=True)
            if taken is None:
                raise wsman.timed_out(message)
            return wsman.received(message, wanted, taken[0], None, taken[1])
        command = self._find(shell, wanted, message)
        taken = command.output.take(room, message.timeout)
        if taken is None:
            raise wsman.timed_out(message)
        pieces, done = taken
        return wsman.received(message, command.id, pieces, command.output.exit_code if done else None, done)

    def _signal(self, message: Message, session: Session) -> bytes:
        shell = self._shell(message, session)
        command_id, _ = wsman.signal(message)
        command = shell.commands.pop(command_id.upper(), None)
        if isinstance(command, psrp.Pipeline) and shell.pool is not None:
            shell.pool.stop(command)
        elif command is not None:
            command.cancel()
        return wsman.acknowledged(message)

    def _delete(self, message: Message, session: Session) -> bytes:
        shell = self._shell(message, session)
        with self._lock:
            self._shells.pop(shell.id, None)
        self._end(shell)
        return wsman.acknowledged(message)

    def _limit(self, kind: str, configured: int) -> int:
        fault = self._host.faults.number("quota", kind)
        return configured if fault is None else int(fault)

    def _shell(self, message: Message, session: Session) -> Shell:
        with self._lock:
            shell = self._shells.get(message.shell_id.upper())
        if shell is None or shell.session.sid != session.sid:
            raise wsman.shell_not_found(message)
        shell.used = time.monotonic()
        return shell

    def _pipeline(self, shell: Shell, command_id: str, message: Message) -> psrp.Pipeline | None:
        """The pipeline of an id, None for the pool itself."""
        found = self._find(shell, command_id, message) if command_id else None
        return found if isinstance(found, psrp.Pipeline) else None

    def _find(self, shell: Shell, command_id: str, message: Message) -> Command | psrp.Pipeline:
        command = shell.commands.get(command_id.upper())
        if command is None:
            reason = f"The command with CommandId {command_id} was not found in the shell."
            raise Fault(wsman.SHELL_NOT_FOUND, reason, "w:InvalidSelectors", message_id=message.message_id)
        return command

    def _expire(self) -> None:
        """End shells that nobody has used for their idle time, and what a reboot would have ended.

        A shell outlives the connections of its client: one that was never deleted stays for its idle time,
        and counts. After a fast reboot, which drops nothing, shells in use go on.
        """
        now = time.monotonic()
        with self._lock:
            over = [
                shell
                for shell in self._shells.values()
                if shell.used < now - shell.idle_seconds
                or (shell.boot != self._host.boot_count and shell.used < now - REBOOT_SECONDS)
            ]
            for shell in over:
                del self._shells[shell.id]
        for shell in over:
            self._end(shell)
