r"""Executables: found as Windows finds them, known by their content, run as Python.

An executable that nobody has registered is never run: `NotModelled` names it with its digest. See
`host/images.py` for how a content is recognised.
"""

from __future__ import annotations

import importlib
import ntpath
import pkgutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from winlab import command_lines, foreign
from winlab.errors import ModuleFailure, NotModelled, Win32Error, WinlabError
from winlab.host import audit, images
from winlab.host.images import register_content

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

__all__ = [
    "ProcessCall",
    "ProcessResult",
    "find_executable",
    "install",
    "known_programs",
    "program",
    "register_content",
    "run",
]

ERROR_FILE_NOT_FOUND = 2
ERROR_DIRECTORY = 267
# What a process that Windows itself ends for an unhandled error leaves behind.
SYSTEM32 = r"C:\Windows\System32"
WINDOWS = r"C:\Windows"


@dataclass(frozen=True, slots=True)
class ProcessCall:
    """A process at its start.

    Attributes:
        host: the host it runs on.
        session: the logon it runs in.
        image: path of the executable.
        program: the behaviour's name.
        arguments: the command line without the program's name, cut by CommandLineToArgvW.
        command_line: the whole command line as given.
        cwd: its working folder.
        environment: its variables.
        stdin: what is piped into it.
        pid: its process id.
    """

    host: Host
    session: Session
    image: str
    program: str
    arguments: tuple[str, ...]
    command_line: str
    cwd: str
    environment: Mapping[str, str]
    stdin: bytes
    pid: int

    def run(self, command: str | Sequence[str], *, cwd: str = "", stdin: bytes = b"") -> ProcessResult:
        """Start a child and wait for it."""
        return run(
            self.host,
            self.session,
            command,
            cwd=cwd or self.cwd,
            environment=self.environment,
            stdin=stdin,
            parent=self.pid,
        )


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """How a process ended: exit code (unsigned 32 bit) and what it wrote (see `winlab.console`)."""

    rc: int = 0
    stdout: str = ""
    stderr: str = ""


ProgramFunction = Callable[[ProcessCall], ProcessResult]

_programs: dict[str, ProgramFunction] = {}
_loading = threading.Lock()
_loaded = False


def program(name: str) -> Callable[[ProgramFunction], ProgramFunction]:
    """Register a function as the behaviour of the program `name`."""
    images.content_for(name)  # refuses names that no content can carry

    def register(function: ProgramFunction) -> ProgramFunction:
        _programs[name] = function
        return function

    return register


def known_programs() -> list[str]:
    """The names of all programs, sorted."""
    _load()
    return sorted(_programs)


def install(host: Host, path: str, name: str) -> None:
    """Put an executable on the host that behaves as the program `name`; missing folders are made."""
    host.files.mkdir(ntpath.dirname(path))
    host.files.write_bytes(path, images.content_for(name))


def find_executable(host: Host, name: str, cwd: str, environment: Mapping[str, str]) -> str | None:
    r"""The file that CreateProcess would start, or None.

    Args:
        host: the host.
        name: a path, or a bare name that is looked for in the working folder, System32, Windows, and PATH.
        cwd: the working folder.
        environment: variables, of which PATH is read.
    """
    wanted = name if ntpath.splitext(name)[1] else name + ".exe"
    if ntpath.dirname(wanted) or ":" in wanted:
        candidate = ntpath.normpath(ntpath.join(cwd or "C:\\", wanted))
        return candidate if host.files.is_file(candidate) else None
    path = next((value for key, value in environment.items() if key.upper() == "PATH"), "")
    for folder in (cwd, SYSTEM32, WINDOWS, *path.split(";")):
        if folder.strip():
            candidate = ntpath.normpath(ntpath.join(folder.strip().strip('"'), wanted))
            if host.files.is_file(candidate):
                return candidate
    return None


def run(
    host: Host,
    session: Session,
    command: str | Sequence[str],
    *,
    cwd: str = "",
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    parent: int = 0,
    image: str = "",
) -> ProcessResult:
    r"""Run an executable to its end.

    Args:
        host: the host.
        session: the logon it runs in.
        command: a command line, or program and arguments.
        cwd: working folder; the profile without it.
        environment: the whole block; what a process of this logon gets without it.
        stdin: what is piped in.
        parent: process id of the caller.
        image: path of the executable when it is known already.

    Raises:
        Win32Error: 2 not found; 193 no executable; 267 no such working folder; 5 not allowed.
        NotModelled: an executable that nobody has registered.
        WinlabError: a behaviour of somebody else raised, or returned something else than a `ProcessResult`.
    """
    _load()
    command_line = command if isinstance(command, str) else command_lines.join(command)
    words = command_lines.split(command_line)
    block = dict(host.environment.block(session) if environment is None else environment)
    folder = cwd or (session.profile if host.files.is_dir(session.profile) else "C:\\")
    if not host.files.is_dir(folder):
        raise Win32Error(ERROR_DIRECTORY, folder)
    found = image or (find_executable(host, words[0], folder, block) if words else None)
    if found is None:
        raise Win32Error(ERROR_FILE_NOT_FOUND, words[0] if words else "")
    name = images.identify(host, found, session)
    behaviour = _programs.get(name)
    if behaviour is None:
        raise NotModelled(
            f"{host.name}: the program {name!r} ({found})",
            f'Register a function with @winlab.programs.program("{name}").',
        )
    process = host.processes.start(found, command_line, session.account, session.logon_id, parent)
    result = ProcessResult(rc=1)
    fault = host.faults.take("program", ntpath.basename(found))
    if fault is not None:
        text = str(fault.values["text"])
        result = ProcessResult(int(fault.values["rc"]), f"{text}\r\n" if text else "")
        host.processes.end(process.pid, result.rc)
        return result
    call = ProcessCall(
        host=host,
        session=session,
        image=found,
        program=name,
        arguments=tuple(words[1:]),
        command_line=command_line,
        cwd=folder,
        environment=block,
        stdin=stdin,
        pid=process.pid,
    )
    try:
        with audit.acting(session):
            result = _behave(behaviour, call)
    finally:
        host.processes.end(process.pid, result.rc)
    return result


def _behave(behaviour: ProgramFunction, call: ProcessCall) -> ProcessResult:
    where = f"{call.host.name}: program {call.program}"
    try:
        return foreign.checked(where, behaviour, behaviour(call), ProcessResult)
    except Win32Error as error:
        # The process has started: a call that fails inside of it is its own end, not that of CreateProcess.
        return ProcessResult(error.code, "", f"{error.message}.\r\n")
    except (WinlabError, ModuleFailure):
        raise
    except Exception as error:
        if foreign.is_own(behaviour):
            raise
        raise foreign.mistake(where, behaviour, error) from error


def _load() -> None:
    """Import what registers programs: Windows' own and the products'. Once, at first use."""
    global _loaded  # noqa: PLW0603  (one flag guarded by a lock)
    if _loaded:
        return
    with _loading:
        if _loaded:
            return
        for own in ("winlab.system_programs", "winlab.command_shell", "winlab.file_programs"):
            importlib.import_module(own)
        products = importlib.import_module("winlab.products")
        for found in pkgutil.walk_packages(products.__path__, "winlab.products."):
            importlib.import_module(found.name)
        _loaded = True
