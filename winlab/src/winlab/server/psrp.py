"""PowerShell remoting over WS-Management (MS-PSRP): a runspace pool in a shell, a pipeline in a command.

`psrpcore` does fragments, CLIXML and states; what a pipeline runs is what a WinRS command runs (winrm_wire.md
3).
"""

from __future__ import annotations

import base64
import binascii
import logging
import struct
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

import psrpcore
from psrpcore.types import ErrorCategoryInfo, HostMethodIdentifier, NETException, PSInvocationState

from winlab.execution import CommandRequest
from winlab.execution.streams import Output, Stdin

log = logging.getLogger(__name__)

RESOURCE = "http://schemas.microsoft.com/powershell/"
CONFIGURATION = "Microsoft.PowerShell"
# With its base64 and the SOAP around it, one fragment fits the default envelope of 153,600 bytes.
FRAGMENT_BYTES = 96_000
# What a pipeline may have waiting for its client before it is made to wait itself.
MAX_WAITING = 4 * 1024 * 1024
SEND_WAIT_SECONDS = 600.0
# Fragments of objects whose end has not come yet: PSMaximumReceivedObjectSizeMB is 10.
MAX_UNFINISHED = 10 * 1024 * 1024
_FRAGMENT_HEADER = struct.Struct(">QQBI")  # object, fragment, start (1) and end (2), length: MS-PSRP 2.2.4
_END = 2
CLIXML_HEADER = "#< CLIXML"
# WSManStackVersion and PSVersion of Windows PowerShell 5.1, as `$PSVersionTable` has them.
_VERSIONS = {"PSVersion": "5.1.14393.0", "PSEdition": "Desktop", "WSManStackVersion": "3.0"}

Start = Callable[["Pipeline", CommandRequest], None]


class BadFragment(Exception):  # noqa: N818  (named after what it says, as in errors.py)
    """What arrived is no PSRP."""


class Pipeline:
    """One pipeline: input lines on their way in, fragments on their way out.

    Args:
        pool: its pool.
        id: the command id, which the client chooses.
    """

    def __init__(self, pool: RunspacePool, id: str) -> None:
        self.id = id
        self.stdin = Stdin()
        self.output = Output()
        self.cancelled = threading.Event()
        self.results = PipelineOutput(pool, self)
        self.core = psrpcore.ServerPipeline(pool.core, uuid.UUID(id))

    def cancel(self) -> None:
        """End it: its reader wakes up, its output is nobody's any more."""
        self.cancelled.set()
        self.stdin.cancel()
        self.output.flush()


class PipelineOutput(Output):
    """Where a running pipeline writes its text; it leaves as objects, a line each."""

    def __init__(self, pool: RunspacePool, pipeline: Pipeline) -> None:
        super().__init__()
        self._pool = pool
        self._pipeline = pipeline
        self._line = b""
        self._errors = b""

    def write(self, stream: str, data: bytes) -> None:
        """Write complete lines of `stdout` as output objects; `stderr` is kept for the end."""
        if stream == "stderr":
            self._errors += data
            return
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            self._emit(line)

    def finish(self, exit_code: int) -> None:
        """Write what is left, the errors, the exit code, and the end."""
        if self._line:
            self._emit(self._line)
        if not self._pipeline.cancelled.is_set():
            self._pool.complete(self._pipeline, self._errors.decode("utf-8", "replace"), exit_code)
        self._pipeline.output.finish(exit_code)

    def _emit(self, line: bytes) -> None:
        text = line.removesuffix(b"\r").decode("utf-8", "surrogatepass")
        self._pool.emit(self._pipeline, text)


class RunspacePool:
    """The runspaces of one shell.

    Args:
        creation: what the Create carries, base64 of fragments.
        start: starts a pipeline's command.

    Raises:
        BadFragment: that is no opening of a pool.
    """

    def __init__(self, creation: str, start: Start) -> None:
        self.core = psrpcore.ServerRunspacePool(
            application_private_data={"PSVersionTable": dict(_VERSIONS)},
        )
        self.output = Output()
        self._start = start
        self._lock = threading.RLock()
        self._pipelines: dict[uuid.UUID, Pipeline] = {}
        self._unfinished: dict[int, int] = {}
        self._feed(decode(creation), None)

    def command(self, id: str, fragments: str) -> Pipeline:
        """Make a pipeline of a Command; it starts when its text is whole."""
        with self._lock:
            try:
                known = uuid.UUID(id) in self._pipelines
                pipeline = None if known else Pipeline(self, id)
            except ValueError as error:
                raise BadFragment(f"command id {id!r}") from error
            if pipeline is None:
                raise BadFragment(f"command id {id!r} is in use")
            self._pipelines[pipeline.core.pipeline_id] = pipeline
        self._feed(decode(fragments), pipeline)
        return pipeline

    def receive(self, data: bytes, pipeline: Pipeline | None, timeout: float) -> bool:
        """Take what a Send carries; False when the pipeline has not read what came before."""
        if pipeline is not None and not pipeline.stdin.has_room(timeout):
            return False
        self._feed(data, pipeline)
        return True

    def stop(self, pipeline: Pipeline) -> None:
        """What a Signal does: end the pipeline and forget it."""
        pipeline.cancel()
        with self._lock:
            self._pipelines.pop(pipeline.core.pipeline_id, None)
            self.core.pipeline_table.pop(pipeline.core.pipeline_id, None)
        pipeline.output.finish(1)

    def emit(self, pipeline: Pipeline, text: str) -> None:
        """Write one output object; waits while the client is behind."""
        if not pipeline.output.wait_below(MAX_WAITING, SEND_WAIT_SECONDS) or pipeline.cancelled.is_set():
            return
        with self._lock:
            pipeline.core.write_output(text)
            self._drain()

    def complete(self, pipeline: Pipeline, errors: str, exit_code: int) -> None:
        """Write errors and exit code, and end the pipeline."""
        with self._lock:
            if errors.startswith(CLIXML_HEADER):
                # What powershell.exe would write as CLIXML are error records in a runspace.
                pipeline.core.write_error(
                    NETException(Message=error_text(errors)),
                    ErrorCategoryInfo(Reason="RuntimeException"),
                    fully_qualified_error_id="RuntimeException",
                )
            elif errors:
                pipeline.core.host_call(HostMethodIdentifier.WriteErrorLine, [errors.rstrip("\r\n")])
            if exit_code:
                pipeline.core.host_call(HostMethodIdentifier.SetShouldExit, [_signed(exit_code)])
            pipeline.core.complete()
            self._drain()

    def _feed(self, data: bytes, pipeline: Pipeline | None) -> None:
        target = pipeline.core.pipeline_id if pipeline else None
        with self._lock:
            for fragment in self._fragments(data):
                self._take(psrpcore.PSRPPayload(fragment, psrpcore.StreamType.default, target))
            self._drain()

    def _fragments(self, data: bytes) -> Iterator[bytes]:
        """Cut what a message carries into fragments, which are whole in it (MS-PSRP 3.1.5.3.3).

        One at a time, since psrpcore copies all that is left after each.
        """
        start = 0
        while start < len(data):
            if len(data) - start < _FRAGMENT_HEADER.size:
                raise BadFragment("half a fragment")
            number, _, flags, length = _FRAGMENT_HEADER.unpack_from(data, start)
            end = start + _FRAGMENT_HEADER.size + length
            if end > len(data):
                raise BadFragment("half a fragment")
            self._unfinished[number] = self._unfinished.get(number, 0) + length + _FRAGMENT_HEADER.size
            if flags & _END:
                del self._unfinished[number]
            elif sum(self._unfinished.values()) > MAX_UNFINISHED:
                raise BadFragment(f"more than {MAX_UNFINISHED} bytes without an end")
            yield data[start:end]
            start = end

    def _take(self, payload: psrpcore.PSRPPayload) -> None:
        try:
            self.core.receive_data(payload)
            while (event := self.core.next_event()) is not None:
                self._act(event)
        except Exception as error:  # psrpcore and the XML reader raise a dozen kinds on what is no CLIXML
            raise BadFragment(type(error).__name__) from error

    def _act(self, event: Any) -> None:
        pipeline = self._pipelines.get(event.pipeline_id) if event.pipeline_id else None
        if isinstance(event, psrpcore.GetAvailableRunspacesEvent):
            self.core.runspace_availability_response(event.ci, self.core.max_runspaces)
        elif isinstance(event, psrpcore.SetMaxRunspacesEvent | psrpcore.SetMinRunspacesEvent):
            self.core.runspace_availability_response(event.ci, True)
        elif pipeline is None:
            return
        elif isinstance(event, psrpcore.CreatePipelineEvent):
            self._begin(pipeline, event.pipeline)
        elif isinstance(event, psrpcore.PipelineInputEvent):
            lines = event.data if isinstance(event.data, list) else [event.data]
            for line in lines:
                # There is room: it was waited for before the fragments were taken.
                pipeline.stdin.feed(f"{line}\n".encode("utf-8", "surrogatepass"), False, 0, force=True)
        elif isinstance(event, psrpcore.EndOfPipelineInputEvent):
            pipeline.stdin.close()

    def _begin(self, pipeline: Pipeline, powershell: Any) -> None:
        if powershell.no_input:
            pipeline.stdin.close()
        # Not start(), which would tell the client: Windows reports how a pipeline ends, not that it runs, and
        # psrp's fetch takes a first answer without output for the end of the file.
        pipeline.core.state = PSInvocationState.Running
        commands = powershell.commands
        arguments = tuple(str(value) for _, value in commands[0].parameters) if commands else ()
        text = commands[0].command_text if len(commands) == 1 else ""
        self._start(pipeline, CommandRequest("", "", script=text, script_arguments=arguments))

    def _drain(self) -> None:
        while (payload := self.core.data_to_send(FRAGMENT_BYTES)) is not None:
            if payload.pipeline_id is None:
                target: Output = self.output
            else:
                found = self._pipelines.get(payload.pipeline_id)
                if found is None:
                    continue
                target = found.output
            target.write("stdout", bytes(payload.data))
            target.flush()


def decode(text: str) -> bytes:
    """Fragments of a Create or a Command.

    Raises:
        BadFragment: no base64.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise BadFragment("no base64") from error


def error_text(clixml: str) -> str:
    """The text of an error that powershell.exe has written as CLIXML."""
    root = ElementTree.fromstring(clixml.removeprefix(CLIXML_HEADER).strip())  # noqa: S314  (our own text)
    return "".join(item.text or "" for item in root).replace("_x000D__x000A_", "\r\n").strip()


def _signed(code: int) -> int:
    """An exit code as the Int32 that SetShouldExit takes."""
    return code - (1 << 32) if code >= 1 << 31 else code
