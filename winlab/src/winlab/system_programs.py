r"""Windows' own executables, as far as roles use them.

Sources: the programs' help pages on Microsoft Learn ("whoami", "hostname", "shutdown", "net user", "net
localgroup", "net start", "sc.exe query", "cmd", "powershell.exe Command-Line Help"). Layout of the output is
that of English Windows Server 2016, approximated where the page shows none.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import TYPE_CHECKING

from winlab import programs, scripts, service_programs, shell_text
from winlab.errors import NotModelled, Win32Error
from winlab.host import proxies, sids, timezones
from winlab.host.service_types import Service
from winlab.programs import ProcessCall, ProcessResult, program
from winlab.scripts import ScriptCall

if TYPE_CHECKING:
    from winlab.host.model import Host

ERROR_SHUTDOWN_IS_SCHEDULED = 1190
ERROR_NO_SHUTDOWN_IN_PROGRESS = 1116
ERROR_ACCESS_DENIED = 5
# shutdown.exe without /t waits this long.
DEFAULT_SHUTDOWN_DELAY_SECONDS = 30.0
LONGEST_SHUTDOWN_DELAY_SECONDS = 315_360_000  # ten years, as its help says
POWERSHELL = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
# The statement that win_shell puts before its text (win_shell.ps1 line 81).
INPUT_ENCODING_PREFIX = "[Console]::InputEncoding = New-Object Text.UTF8Encoding $false; "

_SYSTEM32 = (
    "cmd",
    "hostname",
    "net",
    "netsh",
    "reg",
    "sc",
    "shutdown",
    "sort",
    "svchost",
    "tzutil",
    "whoami",
)


def install(host: Host) -> None:
    """Put Windows' own executables on a host where they are missing."""
    for name in _SYSTEM32:
        path = rf"{programs.SYSTEM32}\{name}.exe"
        if not host.files.is_file(path):
            programs.install(host, path, name)
    if not host.files.is_file(POWERSHELL):
        programs.install(host, POWERSHELL, "powershell")


@program("hostname")
def hostname(call: ProcessCall) -> ProcessResult:
    """`hostname.exe`: the machine's name."""
    if call.arguments:
        raise NotModelled(
            f"{call.host.name}: {call.command_line}", "hostname.exe is imitated without options."
        )
    return ProcessResult(0, f"{call.host.computer_name}\r\n")


@program("tzutil")
def tzutil(call: ProcessCall) -> ProcessResult:
    """`tzutil.exe /g`, `/l` (two lines and an empty one for each zone) and `/s NAME`."""
    words = [word.lower() for word in call.arguments]
    if words == ["/g"]:
        return ProcessResult(0, timezones.current_zone(call.host).name)
    if words == ["/l"]:
        lines = (f"{timezones.ZONES[name]}\r\n{name}\r\n\r\n" for name in sorted(timezones.ZONES))
        return ProcessResult(0, "".join(lines))
    if len(words) != 2 or words[0] != "/s":
        raise NotModelled(f"{call.host.name}: {call.command_line}", "Use ansible.windows.win_timezone.")
    if timezones.zone(words[1]) is None:
        return ProcessResult(1, "", f"The time zone ID '{call.arguments[1]}' was not found.\r\n")
    if not call.session.holds("SeTimeZonePrivilege"):
        return ProcessResult(1, "", "A required privilege is not held by the client.\r\n")
    timezones.set_zone(call.host, call.arguments[1])
    return ProcessResult()


@program("netsh")
def netsh(call: ProcessCall) -> ProcessResult:
    """`netsh winhttp show proxy`; its lines are those that upstream's tests of win_http_proxy read."""
    if [word.lower() for word in call.arguments] != ["winhttp", "show", "proxy"]:
        raise NotModelled(f"{call.host.name}: {call.command_line}", "Use ansible.windows.win_http_proxy.")
    found = proxies.winhttp(call.host)
    lines = ["    Direct access (no proxy server)."]
    if found.proxy:
        lines = [
            f"    Proxy Server(s) :  {found.proxy}",
            f"    Bypass List     :  {found.bypass or '(none)'}",
        ]
    return ProcessResult(0, "\r\n".join(["", "Current WinHTTP proxy settings:", "", *lines, "", ""]))


@program("whoami")
def whoami(call: ProcessCall) -> ProcessResult:
    r"""`whoami.exe`: `domain\user` in lower case; with `/groups` a table of the token's groups."""
    if [word.lower() for word in call.arguments] == ["/groups"]:
        return ProcessResult(0, _group_table(call))
    if call.arguments:
        raise NotModelled(
            f"{call.host.name}: whoami.exe {' '.join(call.arguments)}", "Use ansible.windows.win_whoami."
        )
    return ProcessResult(0, f"{call.session.account.lower()}\r\n")


_KINDS = {"alias": "Alias", "label": "Label", "user": "User", "well_known_group": "Well-known group"}


def _group_table(call: ProcessCall) -> str:
    """A heading with a line below it, then columns as wide as what they hold; labels come last."""
    session = call.session
    rows = []
    for sid in [*sorted(session.groups | session.deny_only), session.integrity]:
        found = call.host.accounts.resolve(sid)
        name = f"{found.domain}\\{found.name}" if found.domain else found.name
        attributes = "Mandatory group, Enabled by default, Enabled group"
        if found.kind == "label":
            attributes = ""
        elif sid in session.deny_only:
            attributes = "Group used for deny only"
        elif sid == sids.ADMINISTRATORS:
            attributes += ", Group owner"
        rows.append((name, _KINDS[found.kind], sid, attributes))
    heads = ("Group Name", "Type", "SID", "Attributes")
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = ["", "GROUP INFORMATION", "-----------------", ""]
    for row in (heads, ["=" * width for width in widths], *rows):
        lines.append(" ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    return "".join(f"{line}\r\n" for line in lines)


@program("shutdown")
def shutdown(call: ProcessCall) -> ProcessResult:
    """`shutdown.exe /r [/t n] [/f] [/c text] [/d reason]` and `/a`; needs the right to shut down."""
    options = _shutdown_options(call)
    right = (
        "SeRemoteShutdownPrivilege"
        if call.session.logon_type.startswith("network")
        else "SeShutdownPrivilege"
    )
    if not call.session.holds(right):
        return ProcessResult(ERROR_ACCESS_DENIED, "", "Access is denied.(5)\r\n")
    if "a" in options:
        if call.host.abort_reboot():
            return ProcessResult()
        text = "Unable to abort the system shutdown because no shutdown was in progress."
        return ProcessResult(
            ERROR_NO_SHUTDOWN_IN_PROGRESS, "", f"{text}({ERROR_NO_SHUTDOWN_IN_PROGRESS})\r\n"
        )
    if call.host.shutdown_due:
        text = f"A system shutdown has already been scheduled.({ERROR_SHUTDOWN_IS_SCHEDULED})\r\n"
        return ProcessResult(ERROR_SHUTDOWN_IS_SCHEDULED, "", text)
    call.host.schedule_reboot(float(options.get("t", DEFAULT_SHUTDOWN_DELAY_SECONDS)))
    call.host.events.write(
        "System",
        "User32",
        1074,
        "information",
        f"The process {call.image} ({call.host.computer_name}) has initiated the restart of computer "
        f"{call.host.computer_name} on behalf of user {call.session.account} for the following reason: "
        f"No title for this reason could be found. Comment: {options.get('c', '')}",
    )
    return ProcessResult()


def _shutdown_options(call: ProcessCall) -> dict[str, str]:
    options: dict[str, str] = {}
    words = list(call.arguments)
    known = True
    while words:
        word = words.pop(0)
        name = word[1:].lower()
        known = known and word[0:1] in ("/", "-") and name in ("a", "c", "d", "f", "r", "t")
        # /d takes a reason code, /c a comment, /t a number of seconds.
        options[name] = words.pop(0) if name in ("t", "c", "d") and words else ""
    if not known or ("r" in options) == ("a" in options) or ("a" in options and len(options) > 1):
        raise NotModelled(
            f"{call.host.name}: {call.command_line}", "Only /r with /t, /f, /c and /d, and /a are imitated."
        )
    delay = options.get("t", "0")
    if not delay.isdecimal() or int(delay) > LONGEST_SHUTDOWN_DELAY_SECONDS:
        raise NotModelled(
            f"{call.host.name}: {call.command_line}",
            f"Give /t a number of seconds from 0 to {LONGEST_SHUTDOWN_DELAY_SECONDS}.",
        )
    return options


@program("net")
def net(call: ProcessCall) -> ProcessResult:
    """`net start|stop SERVICE`, `net user`, `net localgroup GROUP`, as far as a role reads with them."""
    words = [word for word in call.arguments if not word.startswith("/")]
    verb = words[0].lower() if words else ""
    switches = {word.lower() for word in call.arguments if word.startswith("/")}
    if verb in ("start", "stop") and len(words) == 2 and switches <= {"/y"}:
        return _net_service(call, verb, words[1])
    if verb == "localgroup" and len(words) == 2 and len(words) == len(call.arguments):
        group = call.host.accounts.group(words[1])
        if group is None:
            return _net_error(2, 1376, "The specified local group does not exist.")
        shown = [call.host.accounts.display(sid) for sid in group.members]
        own = f"{call.host.computer_name}\\"
        members = "".join(f"{name.removeprefix(own)}\r\n" for name in shown)
        return ProcessResult(
            0,
            f"Alias name     {group.name}\r\nComment        {group.description}\r\n\r\nMembers\r\n\r\n"
            f"{'-' * 79}\r\n{members}The command completed successfully.\r\n\r\n",
        )
    raise NotModelled(f"{call.host.name}: {call.command_line}", "Use win_user, win_group or win_service.")


def _net_service(call: ProcessCall, verb: str, name: str) -> ProcessResult:
    service = call.host.services.find(name)
    if service is None:
        return _net_error(2, 2185, "The service name is invalid.")
    if not call.session.is_admin:
        return _net_error(2, ERROR_ACCESS_DENIED, "Access is denied.")
    shown = service.display_name
    try:
        if verb == "start":
            call.host.services.start(service.name)
            text = (
                f"The {shown} service is starting.\r\nThe {shown} service was started successfully.\r\n\r\n"
            )
        else:
            call.host.services.stop(service.name, force="/y" in [word.lower() for word in call.arguments])
            text = (
                f"The {shown} service is stopping.\r\nThe {shown} service was stopped successfully.\r\n\r\n"
            )
    except Win32Error as error:
        return _net_error(2, error.code, f"{error.message}.")
    return ProcessResult(0, text)


def _net_error(rc: int, code: int, text: str) -> ProcessResult:
    kind = "System error" if code < 2100 else "NET HELPMSG"
    if kind == "System error":
        return ProcessResult(rc, "", f"{kind} {code} has occurred.\r\n\r\n{text}\r\n\r\n")
    return ProcessResult(
        rc, "", f"{text}\r\n\r\nMore help is available by typing NET HELPMSG {code}.\r\n\r\n"
    )


# Numbers that `sc query` prints beside the words.
_SC_STATES = {
    "stopped": 1,
    "start_pending": 2,
    "stop_pending": 3,
    "running": 4,
    "continue_pending": 5,
    "pause_pending": 6,
    "paused": 7,
}
_SC_TYPES = {
    "kernel_driver": "1  KERNEL_DRIVER",
    "file_system_driver": "2  FILE_SYSTEM_DRIVER",
    "win32_own_process": "10  WIN32_OWN_PROCESS",
    "win32_share_process": "20  WIN32_SHARE_PROCESS",
}


@program("sc")
def sc(call: ProcessCall) -> ProcessResult:
    """`sc.exe query|start|stop|delete NAME`, `sdset NAME SDDL`, `triggerinfo NAME TRIGGER...|delete`."""
    words = [word.lower() for word in call.arguments]
    if len(words) >= 3 and words[0] in ("sdset", "triggerinfo"):
        return service_programs.configure(call)
    if len(words) != 2 or words[0] not in ("query", "start", "stop", "delete"):
        raise NotModelled(f"{call.host.name}: {call.command_line}", "Use win_service or win_service_info.")
    verb, name = words[0], call.arguments[1]
    function = _SC_OPENS.get(verb, "OpenService")
    services = call.host.services
    try:
        service = services.require(name)
        service_programs.require(call, service, service_programs.NEEDED[verb])
        if verb == "start":
            function = "StartService"
            service = services.start(name)
            return ProcessResult(0, _sc_status(replace(service, state="start_pending"), name, service.pid))
        if verb == "stop":
            function = "ControlService"
            return ProcessResult(0, _sc_status(replace(services.stop(name), state="stop_pending"), name))
        if verb == "delete":
            services.delete(name)
            return ProcessResult(0, "[SC] DeleteService SUCCESS\r\n")
    except Win32Error as error:
        return ProcessResult(
            error.code, f"[SC] {function} FAILED {error.code}:\r\n\r\n{error.message}.\r\n\r\n"
        )
    return ProcessResult(0, _sc_status(service, name))


# What the program says that has failed, before the service is open.
_SC_OPENS = {"query": "EnumQueryServicesStatus:OpenService", "start": "StartService: OpenService"}


def _sc_controls(service: Service) -> str:
    """The second line of STATE, which a stopped service does not have."""
    if service.state == "stopped":
        return ""
    stops = service.can_stop and service.state in ("running", "paused", "stop_pending")
    pauses = service.can_pause and service.state in ("running", "paused")
    words = (
        "STOPPABLE" if stops else "NOT_STOPPABLE",
        "PAUSABLE" if pauses else "NOT_PAUSABLE",
        "ACCEPTS_SHUTDOWN" if stops else "IGNORES_SHUTDOWN",
    )
    return f"{' ' * 32}({', '.join(words)})\r\n"


def _sc_status(service: Service, name: str, pid: int | None = None) -> str:
    started = (
        "" if pid is None else f"        PID                : {pid}\r\n        FLAGS              : \r\n"
    )
    return (
        f"\r\nSERVICE_NAME: {name} \r\n"
        f"        TYPE               : {_SC_TYPES.get(service.service_type, service.service_type)}  \r\n"
        f"        STATE              : {_SC_STATES[service.state]}  {service.state.upper()} \r\n"
        f"{_sc_controls(service)}"
        f"        WIN32_EXIT_CODE    : {service.win32_exit_code}  (0x{service.win32_exit_code:x})\r\n"
        f"        SERVICE_EXIT_CODE  : {service.service_exit_code}  (0x{service.service_exit_code:x})\r\n"
        "        CHECKPOINT         : 0x0\r\n        WAIT_HINT          : 0x0\r\n"
        f"{started}"
    )


# about_PowerShell_exe documents no code; it is what the program ends with (0xFFFD0000).
_NO_FILE = (1 << 32) - 196608


class _NoFileError(Exception):
    """The script that -File names is not there."""


@program("powershell")
def powershell(call: ProcessCall) -> ProcessResult:
    """`powershell.exe -EncodedCommand|-Command|-File`; `scripts` and `shell_text` know the texts."""
    try:
        text, arguments = _powershell_text(call)
    except _NoFileError as error:
        return ProcessResult(_NO_FILE, "", f"{error}\r\n")
    return shell_text.run_text(
        ScriptCall(
            host=call.host,
            session=call.session,
            text=text.removeprefix(INPUT_ENCODING_PREFIX),
            typed=text,
            arguments=arguments,
            cwd=call.cwd,
            environment=call.environment,
            stdin=b"" if _reads_commands(call) else call.stdin,
        )
    )


def _reads_commands(call: ProcessCall) -> bool:
    """Whether the text comes on standard input: `-`, the value of -Command (about_PowerShell_exe)."""
    return call.arguments[-1:] == ("-",)


# Parameters that take a value, and switches, by the shortest form that powershell.exe accepts.
_WITH_VALUE = ("ex", "ep", "in", "of", "w", "v", "ps", "conf")


def _powershell_text(call: ProcessCall) -> tuple[str, tuple[str, ...]]:
    words = list(call.arguments)
    if _reads_commands(call):
        return call.stdin.decode("utf-8-sig", "replace"), ()
    while words:
        word = words.pop(0)
        option = word.lstrip("-/").lower()
        if word[0] not in "-/":
            return " ".join([word, *words]), ()
        if (option.startswith("e") and "encodedcommand".startswith(option)) or option == "ec":
            return _decoded(call, words[0] if words else ""), ()
        if "command".startswith(option):
            return " ".join(words), ()
        if "file".startswith(option) and words:
            return _file_text(call, words[0]), tuple(words[1:])
        if option.startswith(_WITH_VALUE) and words:
            words.pop(0)
    raise NotModelled(f"{call.host.name}: an interactive {call.command_line}", "Give it -Command or -File.")


def _decoded(call: ProcessCall, encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise NotModelled(
            f"{call.host.name}: -EncodedCommand that is no text ({error})", "Encode UTF-16LE as base64."
        ) from error


def _file_text(call: ProcessCall, path: str) -> str:
    full = path if ":" in path else rf"{call.cwd}\{path}"
    if not call.host.files.is_file(full):
        raise _NoFileError(
            f"The argument '{path}' to the -File parameter does not exist. Provide the path to an existing "
            "'.ps1' file as an argument to the -File parameter."
        )
    return scripts.normalise(call.host.files.read_bytes(full, call.session).decode("utf-8-sig", "replace"))
