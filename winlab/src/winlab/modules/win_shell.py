"""win_shell.ps1 of ansible.windows 3.3.0, a legacy module. `winlab.shell_text` says which texts it knows."""

from __future__ import annotations

import base64
from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk
from winlab.modules._processes import StartError, moment, stamps, start_process
from winlab.system_programs import INPUT_ENCODING_PREFIX

DEFAULT_RC = 2


@twin("ansible.windows.win_shell")
def win_shell(call: Call) -> dict[str, Any]:
    """Hand a text to a shell of its own process and wait for it.

    PowerShell gets it encoded, with a statement for its input encoding before it (lines 77-95); another
    `executable` gets `/c TEXT` (lines 97-104).
    """
    text = param(call, "_raw_params", type="str", failifempty=True).strip()
    chdir = param(call, "chdir", type="path")
    executable = param(call, "executable", type="path")
    creates = param(call, "creates", type="path")
    removes = param(call, "removes", type="path")
    stdin = param(call, "stdin", type="str")
    encoding = param(call, "output_encoding_override", type="str")
    no_profile = param(call, "no_profile", type="bool", default=False)
    disk = Disk(call)
    skipped = ""
    if creates and disk.test(creates):
        skipped = f"skipped, since {creates} exists"
    elif removes and not disk.test(removes):
        skipped = f"skipped, since {removes} does not exist"
    if skipped:
        return {"msg": skipped, "cmd": text, "changed": False, "skipped": True, "rc": 0}
    line = _command_line(text, executable, interactive=bool(stdin), no_profile=no_profile)
    if chdir and not disk.test(chdir):
        # Run-Command of CommandUtil.psm1; the exception has no NativeErrorCode (lines 121-128).
        raise ModuleFailure(
            f"invalid working directory path '{chdir}'", changed=False, cmd=text, rc=DEFAULT_RC
        )
    start = moment()
    try:
        ended = start_process(call, line, chdir=chdir, stdin=stdin, encoding=encoding, legacy=True)
    except StartError as error:
        raise ModuleFailure(error.message, changed=False, cmd=text, rc=error.code or DEFAULT_RC) from error
    result = {
        "changed": True,
        "cmd": text,
        "stdout": ended.stdout,
        "stderr": ended.stderr,
        "rc": ended.rc,
        **stamps(start, moment()),
    }
    if ended.rc:
        raise ModuleFailure("non-zero return code", **result)
    return result


def _command_line(text: str, executable: str | None, *, interactive: bool, no_profile: bool) -> str:
    if executable and executable.lower() != "powershell":
        name = executable if executable.endswith(".exe") else f"{executable}.exe"
        return f'"{name}" /c {text}'
    encoded = base64.b64encode((INPUT_ENCODING_PREFIX + text).encode("utf-16-le")).decode()
    arguments = f"-encodedcommand {encoded}" if interactive else f"-noninteractive -encodedcommand {encoded}"
    return f'"powershell.exe" {"-noprofile " if no_profile else ""}{arguments}'
