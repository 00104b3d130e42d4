"""From a command line to its behaviour: the one door between the wire and the simulated host."""

from __future__ import annotations

import base64
import binascii
import logging
import re
import traceback
from typing import TYPE_CHECKING

from winlab.errors import NotModelled, Win32Error, WinlabError
from winlab.execution import asyncjobs, become, helpers, modules, raw
from winlab.execution.profiles import ensure_profile
from winlab.execution.steps import CommandResult, Run, Step, clixml
from winlab.execution.streams import Cancelled, CommandRequest, Reader, Stdin, Streams
from winlab.manifest import DELIMITER, MAX_PART_BYTES, Action, NotAManifest, UnknownLayout, decode

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.processes import Process
    from winlab.host.sessions import Session

log = logging.getLogger(__name__)

POWERSHELL = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
# bootstrap_wrapper.ps1: this line reads the manifest; the whole text changes with every release of
# ansible-core.
BOOTSTRAP_MARK = "$codeJson = foreach"
_ENCODED = re.compile(
    r"\A(?:[A-Za-z]:[\\/\w .()]*[\\/])?powershell(?:\.exe)?\s(?:.*\s)?"
    r"-(?:e|ec|enc\w*)\s+(?P<text>[A-Za-z0-9+/=]+)\Z",
    re.IGNORECASE | re.DOTALL,
)
# connection/psrp.py: what follows a command that is no PowerShell text of Ansible's own; how a file is run.
_EXIT_SUFFIX = "\nexit $LASTEXITCODE"
_FILE_SCRIPT = (
    "param([string]$Path, [Parameter(ValueFromRemainingArguments)][string[]]$ScriptArgs) & $Path @ScriptArgs"
)
# ANSIBLE_KEEP_REMOTE_FILES=1: the manifest lies in a file (winrm_wire.md 1.6).
_PIPED = re.compile(
    r"\Atype\s+(?P<path>'[^']*'|\"[^\"]*\"|\S+)\s+\|\s+(?P<rest>.*)\Z", re.IGNORECASE | re.DOTALL
)


def run(host: Host, session: Session, request: CommandRequest, streams: Streams) -> int:
    """Run one command line of a shell; nothing but `Cancelled` leaves this function.

    Returns:
        The exit code; output has gone to `streams`.
    """
    process = None
    try:
        ensure_profile(host, session)
        with host.lock:
            process = host.processes.start(POWERSHELL, _shown(request), session.account, session.logon_id)
        result = _dispatch(host, session, request, streams, process.pid)
    except Cancelled:
        result = CommandResult(1)
    except (WinlabError, Win32Error) as error:
        result = CommandResult.error(str(error))
    except Exception as error:
        log.error("%s: command: %s\n%s", host.name, type(error).__name__, _stack(error))
        result = CommandResult.error(
            f"winlab: {host.name}: {type(error).__name__}; expected a result. "
            "This is an error in winlab itself: see winlab.log."
        )
    result = _keep(host, process, result)
    streams.output.write("stdout", result.stdout.encode("utf-8", "surrogatepass"))
    streams.output.write("stderr", result.stderr.encode("utf-8", "surrogatepass"))
    return result.rc


def _keep(host: Host, process: Process | None, result: CommandResult) -> CommandResult:
    """Save the host before the answer: what a client was told has been done is on disk."""
    try:
        with host.lock:
            if process is not None:
                host.processes.end(process.pid, result.rc)
            host.save()
    except WinlabError as error:
        return CommandResult.error(str(error))
    except Exception as error:
        # The next save writes everything: what this one has written nobody knows.
        host.touch()
        log.error("%s: save: %s\n%s", host.name, type(error).__name__, _stack(error))
        return CommandResult.error(
            f"{host.name}: state: {type(error).__name__}: {error}; expected it saved. "
            "What was done is kept in memory only; see winlab.log."
        )
    return result


def _dispatch(
    host: Host, session: Session, request: CommandRequest, streams: Streams, pid: int
) -> CommandResult:
    line = request.line
    reader = Reader(streams.stdin)
    if request.script is not None:
        if request.script == _FILE_SCRIPT:
            return raw.run_file(host, session, request.script_arguments)
        text = request.script.removesuffix(_EXIT_SUFFIX)
        if _PIPED.match(text) is None and _ENCODED.match(text) is None:
            return _run_text(host, session, text, reader, streams=streams, pid=pid)
        line = text
    if piped := _PIPED.match(line):
        line = piped["rest"]
        stdin = Stdin()
        path = piped["path"].strip("'\"")
        with host.lock:
            stream = host.files.open(path, session)
        with stream:
            stdin.feed(stream.read(), True, 0)
        reader = Reader(stdin)
    encoded = _ENCODED.match(line)
    if encoded is None:
        return raw.run_command_line(host, session, line)
    try:
        text = base64.b64decode(encoded["text"], validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        return CommandResult(
            1,
            "",
            "Cannot process the command because the value specified with -EncodedCommand is not "
            "properly encoded.",
        )
    return _run_text(host, session, text, reader, streams=streams, pid=pid)


def _run_text(
    host: Host, session: Session, text: str, reader: Reader, *, streams: Streams, pid: int
) -> CommandResult:
    if BOOTSTRAP_MARK in text:
        return _run_manifest(host, session, reader, streams, pid)
    return raw.run_script(host, session, text)


def _run_manifest(host: Host, session: Session, reader: Reader, streams: Streams, pid: int) -> CommandResult:
    wrapper, _ = reader.until(DELIMITER, MAX_PART_BYTES)
    body, _ = reader.until(DELIMITER, MAX_PART_BYTES)
    try:
        manifest = decode(wrapper, body)
    except NotAManifest:
        # What ConvertFrom-Json of bootstrap_wrapper.ps1 says to a Python payload; there is no JSON on stdout.
        first = wrapper[:1].decode("ascii", "replace") or " "
        return CommandResult.error(f"ConvertFrom-Json : Invalid JSON primitive: {first}.")
    except UnknownLayout as error:
        return modules.failure(str(error))
    junk = host.faults.take("junk")
    if junk is not None:
        streams.output.write("stdout", f"{junk.values['text']}\r\n".encode())
    return perform(Run(host, session, manifest, reader, streams, pid), manifest.actions)


def perform(run: Run, actions: tuple[Action, ...]) -> CommandResult:
    """Do the first action, which takes care of those it wraps."""
    action, rest = actions[0], actions[1:]
    step = _STEPS.get(action.name)
    if step is None:
        error = NotModelled(
            f"executor script {action.name}", "Only those of ansible-core 2.19 are; see winlab/execution/."
        )
        return modules.failure(str(error))
    return step(run, action, rest)


_STEPS: dict[str, Step] = {
    "module_wrapper.ps1": modules.module_wrapper,
    "become_wrapper.ps1": lambda run, action, rest: become.become_wrapper(run, action, rest, perform),
    "async_wrapper.ps1": lambda run, action, rest: asyncjobs.async_wrapper(run, action, rest, perform),
    "powershell_mkdtemp.ps1": helpers.mkdtemp,
    "powershell_expand_user.ps1": helpers.expand_user,
    "winrm_put_file.ps1": helpers.put_file,
    "winrm_fetch_file.ps1": helpers.fetch_file,
    "psrp_put_file.ps1": helpers.put_file,
    "psrp_fetch_file.ps1": helpers.stream_file,
}


def _shown(request: CommandRequest) -> str:
    # Process auditing sees the whole line; the encoded text is kept short, it may hold a raw task's secrets.
    if request.script is not None:
        return "wsmprovhost.exe -Embedding"
    return re.sub(r"(-EncodedCommand\s+\S{16})\S+", r"\1...", request.line, flags=re.IGNORECASE)


def _stack(error: BaseException) -> str:
    """Where it happened, without the message: arguments may hold secrets."""
    return "".join(traceback.format_tb(error.__traceback__))


__all__ = ["clixml", "perform", "run"]
