r"""What the modules that start processes share.

Sources: `module_utils/Process.psm1` and `Process.cs` of ansible.windows 3.3.0;
    Ansible.ModuleUtils.FileUtil.psm1 and
CommandUtil.psm1 of ansible-core 2.19.
"""

from __future__ import annotations

from datetime import UTC, datetime

from winlab import command_lines, console, programs
from winlab.errors import Win32Error
from winlab.modules import Call
from winlab.modules._dotnet import Disk, invocation_text
from winlab.programs import ProcessResult

ERROR_FILE_NOT_FOUND = 2


class StartError(Exception):
    """A process that could not be started.

    Args:
        message: what PowerShell reports.
        code: the Win32 code, None where there is none.
    """

    def __init__(self, message: str, code: int | None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def working_folder(call: Call, chdir: str | None) -> str:
    """The folder a process starts in: `chdir` or the module's own location."""
    disk = Disk(call)
    if chdir:
        return disk.full(chdir)
    return disk.cwd if call.host.files.is_dir(disk.cwd) else "C:\\"


def resolve_executable(call: Call, name: str, chdir: str | None) -> str:
    """`Resolve-ExecutablePath`: the file that a name stands for, or the name with its extension."""
    found = programs.find_executable(call.host, name, working_folder(call, chdir), call.variables)
    if found is not None:
        return found
    leaf = name.replace("/", "\\").rpartition("\\")[2]
    return name if "." in leaf else f"{name}.exe"


def start_process(
    call: Call,
    command_line: str,
    *,
    executable: str = "",
    chdir: str | None = None,
    stdin: str | None = None,
    encoding: str | None = None,
    legacy: bool = False,
) -> ProcessResult:
    """`Start-AnsibleWindowsProcess`: run a command line to its end.

    Both streams are read in the named encoding or UTF-8 (Process.cs lines 738-784; Ansible.Process.cs lines
    400-409). An unknown name is found only then, when the process has started already.

    Args:
        call: the invocation.
        command_line: as given to CreateProcess.
        executable: the resolved executable, when it is known already.
        chdir: working folder.
        stdin: text that is piped in.
        encoding: `output_encoding_override`.
        legacy: start it as `Run-Command` of CommandUtil.psm1 does, whose method takes one argument less.

    Raises:
        StartError: the folder is missing, the process did not start, or there is no such encoding.
    """
    if chdir and not Disk(call).test(chdir):
        raise StartError(f"Could not find specified -WorkingDirectory '{chdir}'", None)
    count = 6 if legacy else 7
    words = command_lines.split(command_line)
    wanted = executable or resolve_executable(call, words[0] if words else "", chdir)
    try:
        if not call.host.files.is_file(wanted):
            raise Win32Error(ERROR_FILE_NOT_FOUND, wanted)
        ended = programs.run(
            call.host,
            call.session,
            command_line,
            cwd=working_folder(call, chdir),
            environment=call.variables,
            stdin=(stdin or "").encode(),
            image=wanted,
        )
    except Win32Error as error:
        # Ansible.Process.cs line 192; Process.cs line 399 shows the code in hexadecimal, too.
        shown = str(error.code) if legacy else f"{error.code} - 0x{error.code:08X}"
        text = f"CreateProcessW() failed ({error.message}, Win32ErrorCode {shown})"
        raise StartError(invocation_text("CreateProcess", count, text), error.code) from error
    try:
        stdout, stderr = (console.decode(text, encoding or "") for text in (ended.stdout, ended.stderr))
    except console.UnknownEncodingError as error:
        raise StartError(invocation_text("CreateProcess", count, str(error)), None) from error
    return ProcessResult(ended.rc, stdout, stderr)


def moment() -> datetime:
    """Now, as the modules stamp start and end."""
    return datetime.now(UTC)


def stamps(start: datetime, end: datetime) -> dict[str, str]:
    """`start`, `end` and `delta` as win_command and win_shell format them."""
    form = "%Y-%m-%d %H:%M:%S.%f"
    seconds = (end - start).total_seconds()
    whole = int(seconds)
    micro = round((seconds - whole) * 1_000_000)
    delta = f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}.{micro:06d}"
    return {"start": start.strftime(form), "end": end.strftime(form), "delta": delta}
