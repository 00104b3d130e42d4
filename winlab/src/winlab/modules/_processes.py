r"""What the modules that start processes share.

Sources: `module_utils/Process.psm1` and `Process.cs` of ansible.windows 3.3.0;
    Ansible.ModuleUtils.FileUtil.psm1 and
CommandUtil.psm1 of ansible-core 2.19.
"""

from __future__ import annotations

from datetime import UTC, datetime

from winlab import command_lines, programs
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
    call: Call, command_line: str, *, executable: str = "", chdir: str | None = None, stdin: str | None = None
) -> ProcessResult:
    """`Start-AnsibleWindowsProcess`: run a command line to its end.

    Args:
        call: the invocation.
        command_line: as given to CreateProcess.
        executable: the resolved executable, when it is known already.
        chdir: working folder.
        stdin: text that is piped in.

    Raises:
        StartError: the folder is missing or the process did not start.
    """
    if chdir and not Disk(call).test(chdir):
        raise StartError(f"Could not find specified -WorkingDirectory '{chdir}'", None)
    words = command_lines.split(command_line)
    wanted = executable or resolve_executable(call, words[0] if words else "", chdir)
    try:
        if not call.host.files.is_file(wanted):
            raise Win32Error(ERROR_FILE_NOT_FOUND, wanted)
        return programs.run(
            call.host,
            call.session,
            command_line,
            cwd=working_folder(call, chdir),
            environment=call.variables,
            stdin=(stdin or "").encode(),
            image=wanted,
        )
    except Win32Error as error:
        text = f"CreateProcessW() failed ({error.message}, Win32ErrorCode {error.code} - 0x{error.code:08X})"
        raise StartError(invocation_text("CreateProcess", 7, text), error.code) from error


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
