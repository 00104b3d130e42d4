r"""The Security log: what Windows writes of logons, accounts, rights and processes, and by which policy.

Policy and the events of each subcategory are those of Microsoft's page "Advanced Audit Policy Configuration
settings" with its defaults for servers; those of process creation and of the policy changes, which it leaves
out, are those of "System Audit Policy recommendations". A definition's `audit_policy` changes it. Names of
the fields are those of the pages "4624(S)", "4625(F)", "4634(S)", "4688(S)", "4704(S)", "4705(S)",
"4717(S)", "4718(S)", "4720(S)", "4732(S)", "4733(S)", "4740(S)". Granting a *logon right* is 4717, not 4704.

No field takes a password, a text of a request or a command line: 4688's `CommandLine` stays empty, as it does
on Windows unless the policy "Include command line in process creation events" is on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from winlab.host import sids

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.processes import Process
    from winlab.host.sam import Group, User
    from winlab.host.sessions import Session

SUCCESS, FAILURE = "success", "failure"
BOTH, NONE = f"{SUCCESS} and {FAILURE}", "no auditing"
SETTINGS: Mapping[str, frozenset[str]] = {
    SUCCESS: frozenset({SUCCESS}),
    FAILURE: frozenset({FAILURE}),
    BOTH: frozenset({SUCCESS, FAILURE}),
    NONE: frozenset(),
}
# Subcategory -> setting of a Windows Server that nobody has configured.
DEFAULTS: Mapping[str, str] = {
    "account_lockout": SUCCESS,
    "authentication_policy_change": SUCCESS,
    "authorization_policy_change": NONE,
    "logoff": SUCCESS,
    "logon": BOTH,
    "process_creation": NONE,
    "security_group_management": SUCCESS,
    "user_account_management": SUCCESS,
}
_LOGON_TYPES = {
    "interactive": 2,
    "network": 3,
    "batch": 4,
    "service": 5,
    "network_cleartext": 8,
    "new_credentials": 9,
}
# Win32 error of a refused logon -> Status, SubStatus and FailureReason (text of msobjs.dll) of 4625.
_REFUSALS = {
    1326: ("0xC000006D", "0xC000006A", "%%2313"),
    1327: ("0xC000006E", "0xC000006E", "%%2304"),
    1330: ("0xC000006E", "0xC0000071", "%%2309"),
    1331: ("0xC000006E", "0xC0000072", "%%2310"),
    1385: ("0xC000015B", "0x0", "%%2308"),
    1793: ("0xC000006E", "0xC0000193", "%%2305"),
    1907: ("0xC000006E", "0xC0000224", "%%2309"),
    1909: ("0xC0000234", "0x0", "%%2307"),
}
_LOCKED_OUT, _NO_SUCH_USER = 1909, "0xC0000064"
_NOBODY = {
    "SubjectUserSid": "S-1-0-0",
    "SubjectUserName": "-",
    "SubjectDomainName": "-",
    "SubjectLogonId": "0x0",
}
_SYSTEM_LOGON_ID = 0x3E7
_acting: ContextVar[Session | None] = ContextVar("winlab_acting", default=None)


@contextmanager
def acting(session: Session) -> Iterator[None]:
    """Say in whose name the block changes a host; without it a change is the host's own, not audited."""
    token = _acting.set(session)
    try:
        yield
    finally:
        _acting.reset(token)


class Audit:
    """Writes the Security log of one host.

    Args:
        host: the host; its definition may hold `audit_policy`, subcategory -> setting.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        wanted: Mapping[str, str] = host.definition.get("audit_policy") or {}
        self.policy = {name: str(wanted.get(name, setting)) for name, setting in DEFAULTS.items()}
        # Logons whose end is still to be written.
        self._open: set[int] = set()

    def logged_on(self, session: Session) -> None:
        """4624."""
        self._open.add(session.logon_id)
        target = {
            "TargetUserSid": session.sid,
            "TargetUserName": session.user,
            "TargetDomainName": session.domain,
            "TargetLogonId": hex(session.logon_id),
            "LogonType": str(_LOGON_TYPES[session.logon_type]),
            "AuthenticationPackageName": session.authentication_package,
            "ElevatedToken": "%%1842" if session.elevated else "%%1843",
        }
        text = "An account was successfully logged on."
        self._write("logon", 4624, text, {**self._requester(session.logon_type), **target})

    def logon_failed(self, user: str, logon_type: str, code: int) -> None:
        """4625; a refusal because the account is locked belongs to another subcategory."""
        status, sub_status, reason = _REFUSALS.get(code, ("0xC000006D", "0x0", "%%2304"))
        authority, _, name = user.rpartition("\\")
        if code == 1326 and self._host.accounts.user(name) is None:
            sub_status = _NO_SUCH_USER
        target = {
            "TargetUserSid": "S-1-0-0",
            "TargetUserName": name,
            "TargetDomainName": authority,
            "Status": status,
            "SubStatus": sub_status,
            "FailureReason": reason,
            "LogonType": str(_LOGON_TYPES[logon_type]),
        }
        subcategory = "account_lockout" if code == _LOCKED_OUT else "logon"
        data = {**self._requester(logon_type), **target}
        self._write(subcategory, 4625, "An account failed to log on.", data, FAILURE)

    def logged_off(self, session: Session) -> None:
        """4634, once for each logon that was written."""
        if session.logon_id not in self._open:
            return
        self._open.discard(session.logon_id)
        data = {
            "TargetUserSid": session.sid,
            "TargetUserName": session.user,
            "TargetDomainName": session.domain,
            "TargetLogonId": hex(session.logon_id),
            "LogonType": str(_LOGON_TYPES[session.logon_type]),
        }
        self._write("logoff", 4634, "An account was logged off.", data)

    def forget_logons(self) -> None:
        """A restart ends every logon and writes nothing of it (the page "Audit Logoff" says so)."""
        self._open.clear()

    def user_created(self, user: User) -> None:
        """4720."""
        data = self._account(user) | {"SamAccountName": user.name, "DisplayName": user.full_name or "%%1793"}
        self._by_somebody("user_account_management", 4720, "A user account was created.", data)

    def locked_out(self, user: User) -> None:
        """4740; the machine itself locks, whoever tried."""
        data = {**self._machine(), "TargetUserName": user.name, "TargetDomainName": "", "TargetSid": user.sid}
        self._write("user_account_management", 4740, "A user account was locked out.", data)

    def member_changed(self, group: Group, sid: str, *, added: bool) -> None:
        """4732 and 4733."""
        change = "added to" if added else "removed from"
        data = {
            "MemberName": "-",
            "MemberSid": sid,
            "TargetUserName": group.name,
            "TargetDomainName": "Builtin" if group.builtin else self._host.computer_name,
            "TargetSid": group.sid,
        }
        text = f"A member was {change} a security-enabled local group."
        self._by_somebody("security_group_management", 4732 if added else 4733, text, data)

    def right_changed(self, right: str, sid: str, *, granted: bool) -> None:
        """4704 and 4705 for a privilege, 4717 and 4718 for a logon right."""
        if right.endswith("Right"):
            text = "granted to" if granted else "removed from"
            self._by_somebody(
                "authentication_policy_change",
                4717 if granted else 4718,
                f"System security access was {text} an account.",
                {"TargetSid": sid, "AccessGranted" if granted else "AccessRemoved": right},
            )
            return
        self._by_somebody(
            "authorization_policy_change",
            4704 if granted else 4705,
            f"A user right was {'assigned' if granted else 'removed'}.",
            {"TargetSid": sid, "PrivilegeList": right},
        )

    def process_created(self, process: Process, parent: Process | None) -> None:
        """4688."""
        domain, _, name = process.user.rpartition("\\")
        data = {
            "SubjectUserName": name,
            "SubjectDomainName": domain,
            "SubjectLogonId": hex(process.logon_id),
            "NewProcessId": hex(process.pid),
            "NewProcessName": process.image,
            "ProcessId": hex(process.parent),
            "ParentProcessName": parent.image if parent else "",
            "CommandLine": "",
        }
        self._write("process_creation", 4688, "A new process has been created.", data)

    def _account(self, user: User) -> dict[str, str]:
        return {
            "TargetUserName": user.name,
            "TargetDomainName": self._host.computer_name,
            "TargetSid": user.sid,
        }

    def _machine(self) -> dict[str, str]:
        """The machine as subject: SYSTEM under the computer's account name."""
        return {
            "SubjectUserSid": sids.SYSTEM,
            "SubjectUserName": f"{self._host.computer_name}$",
            "SubjectDomainName": "WORKGROUP",
            "SubjectLogonId": hex(_SYSTEM_LOGON_ID),
        }

    def _requester(self, logon_type: str) -> dict[str, str]:
        """Who asked for a logon.

        The machine for a service (services.exe); the program that called LogonUser; nobody here for one that
        came over the network; the rest (Basic of WinRM, become with SYSTEM's token) is assumed the machine's.
        """
        session = _acting.get()
        if session is not None and logon_type != "service":
            return _subject(session)
        return dict(_NOBODY) if logon_type == "network" else self._machine()

    def _by_somebody(self, subcategory: str, event_id: int, text: str, data: Mapping[str, str]) -> None:
        session = _acting.get()
        if session is None:
            return
        self._write(subcategory, event_id, text, {**_subject(session), **data})

    def _write(
        self, subcategory: str, event_id: int, text: str, data: Mapping[str, str], outcome: str = SUCCESS
    ) -> None:
        if outcome in SETTINGS[self.policy[subcategory]]:
            self._host.events.audit(event_id, f"{outcome}_audit", text, data)


def _subject(session: Session) -> dict[str, str]:
    return {
        "SubjectUserSid": session.sid,
        "SubjectUserName": session.user,
        "SubjectDomainName": session.domain,
        "SubjectLogonId": hex(session.logon_id),
    }
