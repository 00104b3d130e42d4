"""Programs that upstream's targets bring along as source, or fetch as an executable whose source they keep.

Each does what that source does; the executable on the host only carries the program's name. They are lent to the host
(`upstream_lent`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import upstream_lent
from upstream_forms import form
from winlab.errors import NotModelled
from winlab.host import images
from winlab.host.service_types import register_service_behaviour
from winlab.programs import ProcessCall, ProcessResult
from winlab.scripts import ScriptCall, ScriptResult

from winlab import console, programs

ProgramFunction = Callable[[ProcessCall], ProcessResult]


def program(name: str) -> Callable[[ProgramFunction], ProgramFunction]:
    """Register a program that is lent."""

    def add(function: ProgramFunction) -> ProgramFunction:
        upstream_lent.declare(upstream_lent.PROGRAM, name, (function.__doc__ or "").partition("\n")[0])

        def run(call: ProcessCall) -> ProcessResult:
            upstream_lent.note(upstream_lent.PROGRAM, name)
            return function(call)

        programs.program(name)(run)
        return function

    return add


# What targets download, by the path of its URL.
FETCHED = {
    "/test/integration/roles/test_win_get_url/SlimFTPd.exe": "upstream-slim-ftpd",
    "/test/integration/targets/win_command/OutputEncodingOverride.exe": "upstream-shift-jis",
    "/test/integration/targets/win_service/SleepService.exe": "upstream-sleep-service",
}
for _path, _program in FETCHED.items():
    upstream_lent.declare(upstream_lent.DOWNLOAD, _path, f"the program {_program}")
# SHA-256 of setup_win_printargv/files/PrintArgv.cs, which `print_argv` follows.
_PRINT_ARGV = "cad2640f06d857f469ad85b4b2122a112079d41b2744350fd49f61b23c92cd7c"
# HttpUtility.JavaScriptStringEncode, which JavaScriptSerializer uses, writes these as \uXXXX beside what JSON asks for.
_ESCAPED = "'<>&\x85\u2028\u2029"


@form("42584b1c051c614555577a47ae87d9995ce0d383717974c030ddc1f2288429cd", free=(1, 3))
def compile_print_argv(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """setup_win_printargv: `Add-Type -OutputType ConsoleApplication` of PrintArgv.cs."""
    source, target = literals
    found = hashlib.sha256(call.host.files.read_bytes(source, call.session)).hexdigest()
    if found != _PRINT_ARGV:
        raise NotModelled(f"{call.host.name}: {source} (SHA-256 {found})", "Only PrintArgv.cs has a program.")
    call.host.files.write_bytes(target, images.content_for("upstream-print-argv"), call.session)
    return ScriptResult()


@program("upstream-print-argv")
def print_argv(call: ProcessCall) -> ProcessResult:
    """PrintArgv.cs: the command line and the arguments of `Main`, as JavaScriptSerializer writes them."""
    text = json.dumps(
        {"command_line": call.command_line, "args": list(call.arguments)},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    for character in _ESCAPED:
        text = text.replace(character, f"\\u{ord(character):04x}")
    return ProcessResult(0, f"{text}\r\n")


@program("upstream-shift-jis")
def shift_jis(call: ProcessCall) -> ProcessResult:
    """win_command/files/crt_setmode.c: some bytes in Shift_JIS, no line end."""
    return ProcessResult(0, console.written(b"\x93\xfa\x96\x7b - Japan"))


@program("upstream-sleep-service")
def sleep_service(call: ProcessCall) -> ProcessResult:
    """SleepService.exe by hand: a service's executable says that it is one and ends."""
    return ProcessResult(1, "Cannot start service from the command line or a debugger.\r\n")


register_service_behaviour("upstream-sleep-service", can_pause=True)
