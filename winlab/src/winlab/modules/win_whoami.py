"""win_whoami.ps1 of ansible.windows 3.3.0."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from winlab.errors import Win32Error
from winlab.host import sids
from winlab.host.sessions import Session
from winlab.modules import Call, twin

# `SECURITY_LOGON_TYPE` (lines 101-115) by the session's word.
_LOGON_TYPES = {
    "network": "Network",
    "network_cleartext": "NetworkCleartext",
    "batch": "Batch",
    "interactive": "Interactive",
    "service": "Service",
    "new_credentials": "NewCredentials",
}
_KINDS = {"user": "User", "alias": "Alias", "well_known_group": "WellKnownGroup", "label": "Label"}
# Line 130: the order of `Enum.GetValues`, which is by value; each name as lines 610-614 spell it.
_ATTRIBUTES = ("Mandatory", "Enabled by default", "Enabled", "Owner", "Use for deny only")
# Privileges that are in force in every token without being asked for (SE_PRIVILEGE_ENABLED_BY_DEFAULT).
_BY_DEFAULT = frozenset({"SeChangeNotifyPrivilege", "SeCreateGlobalPrivilege", "SeImpersonatePrivilege"})
TICKS = 10_000_000


@twin("ansible.windows.win_whoami")
def win_whoami(call: Call) -> dict[str, Any]:
    """The token and logon session of the caller.

    Logon rights are listed for administrators alone (line 578). A network logon's token holds all its
    privileges enabled; other tokens hold them disabled but for those that are on by default.
    """
    session = call.session
    is_system = session.is_system
    groups = sorted(session.groups | session.deny_only)
    return {
        "account": _sid(call, session.sid, kind="User"),
        "authentication_package": session.authentication_package,
        "dns_domain_name": "",
        "groups": [_group(call, sid) for sid in [*groups, session.integrity]],
        "impersonation_level": _impersonation(session),
        "label": _sid(call, session.integrity),
        "login_domain": session.domain if not is_system else "WORKGROUP",
        "login_time": _round_trip(session.logon_time),
        "logon_id": session.logon_id,
        "logon_server": call.host.computer_name if _is_local(call) else "",
        "logon_type": "System" if is_system else _LOGON_TYPES[session.logon_type],
        "privileges": _privileges(session),
        "rights": _logon_rights(call),
        "token_type": "TokenPrimary",
        "upn": "",
        "user_flags": [] if is_system else ["Logon optimized", "Logon winlogon"],
    }


def _is_local(call: Call) -> bool:
    return call.session.sid.startswith(call.host.accounts.machine_sid)


def _impersonation(session: Session) -> str:
    # WinRM's own process has the token of an impersonated network logon; processes that were started
    # otherwise (become) have a primary token, whose level is reported as anonymous.
    return "SecurityImpersonation" if session.logon_type.startswith("network") else "SecurityAnonymous"


def _sid(call: Call, sid: str, kind: str = "") -> dict[str, Any]:
    try:
        principal = call.host.accounts.resolve(sid)
    except Win32Error:
        return {"sid": sid, "account_name": None, "domain_name": None, "type": "Unknown"}
    return {
        "sid": principal.sid,
        "account_name": principal.name,
        "domain_name": principal.domain,
        "type": kind or _KINDS[principal.kind],
    }


def _group(call: Call, sid: str) -> dict[str, Any]:
    if sid.startswith("S-1-16-"):
        return {**_sid(call, sid), "attributes": ["Integrity", "Integrity enabled"]}
    if sid in call.session.deny_only:
        return {**_sid(call, sid), "attributes": ["Use for deny only"]}
    owner = ["Owner"] if sid == sids.ADMINISTRATORS else []
    return {**_sid(call, sid), "attributes": [*_ATTRIBUTES[:3], *owner]}


def _privileges(session: Session) -> dict[str, str]:
    held = sorted(right for right in session.rights if right.endswith("Privilege"))
    everything_on = session.logon_type.startswith("network")
    return {
        name: "enabled-by-default" if everything_on or name in _BY_DEFAULT else "disabled" for name in held
    }


def _logon_rights(call: Call) -> list[str]:
    if not call.session.is_admin:
        return []
    rights = call.host.accounts.rights_of(call.session.groups)
    return sorted(right for right in rights if "Logon" in right)


def _round_trip(seconds: float) -> str:
    """`DateTime.ToString("o")` of a local time on a host whose zone is UTC."""
    moment = datetime.fromtimestamp(int(seconds), UTC)
    ticks = int((seconds - int(seconds)) * TICKS)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ticks:07d}+00:00"
