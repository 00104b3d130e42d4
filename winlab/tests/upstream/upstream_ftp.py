"""SlimFTPd, which win_get_url downloads and runs as a service: an FTP server with a configuration beside it.

Its file slimftpd.conf is the one that the target makes from a template (templates/slimftpd.conf.tmpl); users with or
without password, what is mounted for them, and what is allowed or denied below, the longest path first. It is lent to the
host (`upstream_lent`).
"""

from __future__ import annotations

import ntpath
import re
from dataclasses import dataclass, field

from upstream_forms import form, set_content
from upstream_programs import program
from winlab.host import ftp_servers
from winlab.host.ftp_servers import FILE_UNAVAILABLE, NOT_LOGGED_IN, FtpRefusal, FtpRequest
from winlab.host.model import Host
from winlab.host.service_types import ServiceRun, register_service_behaviour
from winlab.programs import ProcessCall, ProcessResult
from winlab.scripts import ScriptCall, ScriptResult

NAME = "upstream-slim-ftpd"
_USER = re.compile(r'<User "(?P<name>[^"]*)">(?P<body>.*?)</User>', re.DOTALL | re.IGNORECASE)
_MOUNT = re.compile(r'Mount\s+(?P<at>\S+)\s+"(?P<folder>(?:[^"\\]|\\.)*)"', re.IGNORECASE)
_RULE = re.compile(r"(?P<verb>Allow|Deny)\s+(?P<path>\S+)\s+All", re.IGNORECASE)
_PASSWORD = re.compile(r'Password\s+"(?P<word>[^"]*)"', re.IGNORECASE)


@dataclass(frozen=True)
class _Account:
    """A user of the configuration; without a password any will do."""

    folder: str
    password: str = ""
    rules: dict[str, bool] = field(default_factory=dict)

    def allows(self, path: str) -> bool:
        """Whether the rule of the longest path allows it; without a rule nothing is allowed."""
        fitting = [rule for rule in self.rules if f"{path}/".startswith(rule.rstrip("/") + "/")]
        return bool(fitting) and self.rules[max(fitting, key=len)]


def _accounts(text: str) -> dict[str, _Account]:
    found = {}
    for user in _USER.finditer(text):
        body = user["body"]
        mount, password = _MOUNT.search(body), _PASSWORD.search(body)
        rules = {rule["path"]: rule["verb"].lower() == "allow" for rule in _RULE.finditer(body)}
        folder = mount["folder"].replace("\\\\", "\\") if mount else ""
        found[user["name"]] = _Account(folder, password["word"] if password else "", rules)
    return found


def answer(host: Host, request: FtpRequest) -> str:
    """The file that is asked for, below what is mounted for the user."""
    configuration = ntpath.join(ntpath.dirname(request.image), "slimftpd.conf")
    account = _accounts(host.files.read_bytes(configuration).decode()).get(request.user)
    if account is None or account.password not in ("", request.password):
        raise FtpRefusal(NOT_LOGGED_IN)
    if not account.allows(request.path):
        raise FtpRefusal(FILE_UNAVAILABLE)
    return account.folder + request.path.replace("/", "\\")


@program(NAME)
def slim_ftpd(call: ProcessCall) -> ProcessResult:
    """SlimFTPd.exe: an FTP server that only runs as a service here."""
    return ProcessResult(1)


def _listen(run: ServiceRun) -> None:
    run.host.ports.listen(ftp_servers.PORT, run.holder)


register_service_behaviour(NAME, start=_listen)
ftp_servers.register(NAME, answer)


@form("a2605c35db5dde1712e2e3c2a45cd91b948c7af4dc1f8a3ee08de328318b1dcd", free=(0,))
def tomorrow(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_get_url: a file that will be written in a day."""
    call.host.files.set_times(literals[0], modified=call.host.clock.now() + 86_400.0, session=call.session)
    return ScriptResult()


@form("dff0b057a42127ce6a18c0752ce777aa198701d87de90801770b54d1b21f1671", free=(0,))
def another_and_old(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_get_url: another content, written in 1970."""
    set_content(call, literals[0], "abc")
    call.host.files.set_times(literals[0], modified=0.0, session=call.session)
    return ScriptResult()
