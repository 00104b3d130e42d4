"""win_command.ps1 of ansible.windows 3.3.0. Which programs there are is said in `winlab.programs`."""

from __future__ import annotations

from typing import Any

from winlab import command_lines
from winlab.errors import ModuleFailure, NotModelled
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk
from winlab.modules._processes import StartError, moment, resolve_executable, stamps, start_process

# Line 118: the exit code when no system error code is at hand.
DEFAULT_RC = 2


@twin("ansible.windows.win_command")
def win_command(call: Call) -> dict[str, Any]:
    """Start one process and wait for it.

    `cmd` is taken as it is, `_raw_params` is trimmed, `argv` is resolved and quoted (lines 60-79). Every run
    reports a change, also one that fails.
    """
    params = call.params
    executable = ""
    if params["cmd"]:
        line = params["cmd"]
    elif params["_raw_params"]:
        line = params["_raw_params"].strip()
    else:
        argv = params["argv"]
        if not argv:
            raise NotModelled("win_command without a text", "Name a program in cmd, argv or as free text.")
        executable = resolve_executable(call, argv[0], params["chdir"])
        line = command_lines.join([executable, *argv[1:]])
    skipped = _skipped(call)
    if skipped:
        return {"cmd": line, "rc": 0, "msg": skipped, "skipped": True, "changed": False}
    start = moment()
    try:
        ended = start_process(
            call,
            line,
            executable=executable,
            chdir=params["chdir"],
            stdin=params["stdin"],
            encoding=params["output_encoding_override"],
        )
    except StartError as error:
        raise ModuleFailure(
            f"Failed to run: '{line}': {error.message}",
            cmd=line,
            rc=DEFAULT_RC if error.code is None else error.code,
        ) from error
    result = {
        "changed": True,
        "cmd": line,
        "stdout": ended.stdout,
        "stderr": ended.stderr,
        "rc": ended.rc,
        **stamps(start, moment()),
    }
    if ended.rc:
        raise ModuleFailure("non-zero return code", **result)
    return result


def _skipped(call: Call) -> str:
    """Why nothing is run, or nothing (lines 84-94)."""
    disk = Disk(call)
    creates, removes = call.params["creates"], call.params["removes"]
    if creates and disk.test(creates):
        return f"skipped, since {creates} exists"
    if removes and not disk.test(removes):
        return f"skipped, since {removes} does not exist"
    return ""
