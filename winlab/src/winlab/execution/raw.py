"""Command lines without a manifest: Ansible's own texts, and programs by name.

Each text is restated from where Ansible builds it: plugins/shell/powershell.py of ansible-core 2.19 and
plugins/plugin_utils/_reboot.py of ansible.windows 3.3.0. Everything else fails and names itself.
"""

from __future__ import annotations

import json
import ntpath
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from winlab.errors import NotModelled, Win32Error
from winlab.execution.steps import CommandResult, clixml
from winlab.host.clock import to_filetime

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

NEWLINE = "\r\n"
ERROR_SHUTDOWN_IN_PROGRESS = 1115
LONGEST_SHUTDOWN_DELAY_SECONDS = 315_360_000  # ten years, as the program's help says
ERROR_SHUTDOWN_IS_SCHEDULED = 1190
ERROR_NO_SHUTDOWN_IN_PROGRESS = 1116
_STRICT = re.compile(r"\ASet-StrictMode -Version Latest\n")
_KEEP_RC = re.compile(
    r"[;\n]\s*If \(-not \$\?\) \{ If \(Get-Variable LASTEXITCODE -ErrorAction SilentlyContinue\) "
    r"\{ exit \$LASTEXITCODE \} Else \{ exit 1 \} \}\s*\Z"
)
# A PowerShell single-quoted literal; typographic quotes count as quotes and are doubled like them.
_QUOTE = "'\u2018\u2019\u201a\u201b"
_LITERAL = rf"[{_QUOTE}](?P<text>(?:[^{_QUOTE}]|[{_QUOTE}]{{2}})*)[{_QUOTE}]"
_REMOVE = re.compile(rf"\ARemove-Item {_LITERAL} -Force(?P<recurse> -Recurse)?;?\Z")
_EXISTS = re.compile(
    rf"\AIf \(Test-Path {_LITERAL}\)\s*\{{\s*\$res = 0;\s*\}}\s*Else\s*\{{\s*\$res = 1;\s*\}}\s*"
    r"Write-Output '\$res';\s*Exit \$res;?\Z"
)
_BOOT_TIME = (
    "(Get-CimInstance -ClassName Win32_OperatingSystem -Property LastBootUpTime).LastBootUpTime.ToFileTime()"
)
_REBOOT = re.compile(
    rf"shutdown\.exe /r /t (?P<delay>\d+) /c {_LITERAL} \| Set-Variable stdout", re.IGNORECASE
)
_ABORT = re.compile(r"\A(?:C:\\Windows\\System32\\)?shutdown\.exe /a\Z", re.IGNORECASE)
_LOGON_UI = re.compile(
    rf"\AGet-Item -LiteralPath {_LITERAL} -ErrorAction Stop; '(?P<echo>success-[0-9a-f-]{{36}})'\Z"
)
_PROBE = "echo PLATFORM; uname; echo FOUND; command -v"
_EXIT = re.compile(r"\Aexit (?P<code>\d{1,9})\Z", re.IGNORECASE)
Handler = Callable[["Host", "Session", re.Match[str]], CommandResult]


def run_script(host: Host, session: Session, text: str) -> CommandResult:
    """Do what a PowerShell text of Ansible does; an unknown text is an error that says so."""
    script = _KEEP_RC.sub("", _STRICT.sub("", text.strip())).strip()
    for pattern, handler in _HANDLERS:
        if match := pattern.search(script):
            return handler(host, session, match)
    if script == _BOOT_TIME:
        return CommandResult(0, f"{to_filetime(host.boot_time)}{NEWLINE}")
    if script.startswith(_PROBE):
        return CommandResult(
            1,
            f"PLATFORM{NEWLINE}FOUND{NEWLINE}",
            "uname : The term 'uname' is not recognized as the name of a cmdlet, function, script "
            "file, or operable "
            f"program.{NEWLINE}",
        )
    return run_text(host, session, script)


def run_text(
    host: Host, session: Session, text: str, environment: dict[str, str] | None = None
) -> CommandResult:
    """Run PowerShell text that is registered in the definition, or that starts a known program."""
    from winlab import scripts, shell_text  # noqa: PLC0415  (they register behaviours of products at import)

    with host.lock:
        call = scripts.ScriptCall(
            host=host,
            session=session,
            text=text,
            cwd=session.profile,
            environment=host.environment.block(session, environment),
        )
        result = shell_text.run_text(call)
    return CommandResult(result.rc, result.stdout, clixml(result.stderr) if result.stderr else "")


def run_file(host: Host, session: Session, words: Sequence[str]) -> CommandResult:
    """Run a script file of the host with its arguments, as `& $Path @ScriptArgs` does."""
    quoted = " ".join("'" + word.replace("'", "''") + "'" for word in words)
    return run_text(host, session, f"& {quoted}")


def run_command_line(host: Host, session: Session, line: str) -> CommandResult:
    """Run what a client starts without PowerShell."""
    from winlab import console, programs  # noqa: PLC0415  (programs register behaviours of products at import)

    with host.lock:
        result = programs.run(host, session, line)
    return CommandResult(result.rc, console.decode(result.stdout), console.decode(result.stderr))


def _remove(host: Host, session: Session, match: re.Match[str]) -> CommandResult:
    path = _unquote(match["text"])
    with host.lock:
        if not host.files.exists(path, session):
            return CommandResult.error(f"Remove-Item : Cannot find path '{path}' because it does not exist.")
        try:
            host.files.delete(path, recursive=bool(match["recurse"]), session=session, force=True)
        except Win32Error as error:
            return CommandResult.error(f"Remove-Item : Cannot remove item {path}: {error.message}.")
    return CommandResult(0)


def _exists(host: Host, session: Session, match: re.Match[str]) -> CommandResult:
    # `Write-Output '$res'` is a literal: the text is not expanded, the answer is in the exit code.
    with host.lock:
        found = host.files.exists(ntpath.normpath(_unquote(match["text"])), session)
    return CommandResult(0 if found else 1, "$res" + NEWLINE)


def _reboot(host: Host, session: Session, match: re.Match[str]) -> CommandResult:
    # Shown by upstream's target win_reboot: a logon from the network needs the right to shut down from there,
    # as the policy "Force shutdown from a remote system" says; [MS-RSP] 3.2.4.1 only asks for a privilege.
    remote = session.logon_type.startswith("network")
    if not session.holds("SeRemoteShutdownPrivilege" if remote else "SeShutdownPrivilege"):
        return _shutdown_result(5, "Access is denied.(5)")
    if int(match["delay"]) > LONGEST_SHUTDOWN_DELAY_SECONDS:
        raise NotModelled(
            f"{host.name}: shutdown.exe /t {match['delay']}",
            f"Give it a number of seconds from 0 to {LONGEST_SHUTDOWN_DELAY_SECONDS}.",
        )
    with host.lock:
        if host.shutdown_due:
            return _shutdown_result(
                ERROR_SHUTDOWN_IS_SCHEDULED, "A system shutdown has already been scheduled.(1190)"
            )
        host.processes.start("shutdown.exe", f"shutdown.exe /r /t {match['delay']}", session.account)
        fast = (host.definition.get("reboot") or {}).get("fast", True)
        fast = fast and host.faults.number("outage", "seconds") is None
        host.schedule_reboot(0 if fast else float(match["delay"]))
        if fast:
            host.tick()
    return _shutdown_result(0, "")


def _abort(host: Host, session: Session, match: re.Match[str]) -> CommandResult:
    with host.lock:
        if host.abort_reboot():
            return CommandResult(0)
    text = "Unable to abort the system shutdown because no shutdown was in progress.(1116)"
    return CommandResult(ERROR_NO_SHUTDOWN_IN_PROGRESS, "", text + NEWLINE)


def _shutdown_result(rc: int, stderr: str) -> CommandResult:
    return CommandResult(0, json.dumps({"stdout": "", "stderr": stderr, "rc": rc}) + NEWLINE)


def _logon_ui(host: Host, session: Session, match: re.Match[str]) -> CommandResult:
    # LogonUI makes the key when the host is ready; this one is ready as soon as it answers.
    return CommandResult(0, f"{match['echo']}{NEWLINE}")


def _exit(host: Host, session: Session, match: re.Match[str]) -> CommandResult:
    return CommandResult(int(match["code"]))


def _unquote(text: str) -> str:
    return re.sub(rf"([{_QUOTE}])[{_QUOTE}]", r"\1", text)


_HANDLERS: tuple[tuple[re.Pattern[str], Handler], ...] = (
    (_REMOVE, _remove),
    (_EXISTS, _exists),
    (_ABORT, _abort),
    (_REBOOT, _reboot),
    (_LOGON_UI, _logon_ui),
    (_EXIT, _exit),
)
