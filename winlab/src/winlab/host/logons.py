"""Logging on: what is checked, and what the token then holds.

Sources: Microsoft's pages "LogonUserW", "Logon rights", "UAC and remote restrictions" (KB 951016, the local
account token filter), "Access tokens"; MS-NLMP 3.3 for what a network logon proves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from winlab.errors import Win32Error
from winlab.host import sids
from winlab.host.profile_list import profile_folder
from winlab.host.rights import LOGON_RIGHTS
from winlab.host.sessions import LOGON_TYPES, STANDARD_PRIVILEGES, Session

if TYPE_CHECKING:
    from winlab.host.accounts import User
    from winlab.host.model import Host

ERROR_LOGON_FAILURE = 1326
ERROR_ACCOUNT_RESTRICTION = 1327
ERROR_PASSWORD_EXPIRED = 1330
ERROR_ACCOUNT_DISABLED = 1331
ERROR_LOGON_TYPE_NOT_GRANTED = 1385
ERROR_ACCOUNT_EXPIRED = 1793
ERROR_PASSWORD_MUST_CHANGE = 1907
ERROR_ACCOUNT_LOCKED_OUT = 1909
ERROR_NONE_MAPPED = 1332

# ntlsa: the three logon sessions that always exist have these LUIDs (SYSTEM, LOCAL SERVICE, NETWORK SERVICE).
WELL_KNOWN_LOGON_IDS = {sids.SYSTEM: 0x3E7, sids.LOCAL_SERVICE: 0x3E5, sids.NETWORK_SERVICE: 0x3E4}
FIRST_LOGON_ID = 0x10000

POLICIES_KEY = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
LSA_KEY = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
SECONDS_PER_DAY = 86_400

_SERVICE_PROFILES = {
    sids.SYSTEM: r"C:\Windows\system32\config\systemprofile",
    sids.LOCAL_SERVICE: r"C:\Windows\ServiceProfiles\LocalService",
    sids.NETWORK_SERVICE: r"C:\Windows\ServiceProfiles\NetworkService",
}
_LOGON_TYPE_SIDS = {
    "network": (sids.NETWORK,),
    "network_cleartext": (sids.NETWORK,),
    "batch": (sids.BATCH, sids.CONSOLE_LOGON),
    "interactive": (sids.INTERACTIVE, sids.CONSOLE_LOGON),
    "service": (sids.SERVICE, sids.CONSOLE_LOGON),
}
# A network logon has no password to show elsewhere; cleartext, batch, service and interactive ones keep it
# when they were given one (`authenticated` is not).
_DELEGATING = frozenset({"network_cleartext", "batch", "interactive", "service", "new_credentials"})


def logon(host: Host, user: str, password: str, logon_type: str) -> Session:
    r"""Log on with name and password.

    Args:
        host: the host.
        user: `name`, `.\name` or `HOST\name`; for network logons also `OTHER\name`, which a machine without a
            domain takes for its own account of that name.
        password: in clear.
        logon_type: one of `network`, `network_cleartext`, `batch`, `interactive`, `service`.

    Raises:
        Win32Error: 1326, 1327, 1330, 1331, 1385, 1793, 1907, 1909.
    """
    with _audited(host, user, logon_type):
        account = _known(host, user, logon_type)
        if account.password != password:
            count_bad_password(host, account.name)
            raise Win32Error(ERROR_LOGON_FAILURE, user)
        return _admit(host, account, logon_type)


def authenticated(host: Host, user: str, logon_type: str) -> Session:
    """Log on somebody whose password was proven by other means (NTLM) or is not asked for (S4U).

    All other checks apply as in `logon`; the session has no credentials for other machines.
    """
    with _audited(host, user, logon_type):
        session = _admit(host, _known(host, user, logon_type), logon_type)
    return replace(session, can_delegate=False)


def with_new_credentials(host: Host, session: Session) -> Session:
    """Clone a logon for `LOGON32_LOGON_NEW_CREDENTIALS`: only towards other machines it is somebody else."""
    return replace(
        session,
        logon_type="new_credentials",
        logon_id=host.accounts.next_logon_id(),
        can_delegate=True,
        logon_time=host.clock.now(),
    )


def refused(host: Host, user: str) -> None:
    """Note a network logon whose password was found wrong elsewhere (NTLM)."""
    count_bad_password(host, user)
    host.audit.logon_failed(user, "network", ERROR_LOGON_FAILURE)


@contextmanager
def _audited(host: Host, user: str, logon_type: str) -> Iterator[None]:
    """Write a refusal into the Security log."""
    try:
        yield
    except Win32Error as error:
        host.audit.logon_failed(user, logon_type, error.code)
        raise


def _known(host: Host, user: str, logon_type: str) -> User:
    account = _find(host, user, logon_type)
    if account is None:
        raise Win32Error(ERROR_LOGON_FAILURE, user)
    if host.accounts.is_locked(account):
        raise Win32Error(ERROR_ACCOUNT_LOCKED_OUT, user)
    return account


def count_bad_password(host: Host, user: str) -> None:
    """Count one wrong password; at the threshold the account locks. Unknown users are ignored.

    Source: Microsoft's page "Account lockout policy" and [MS-SAMR] 3.1.1.8 (lockout time, observation
    window); the built-in administrator is not locked out unless a policy of KB5020282 says so, which Windows
    Server 2016 does not by itself.
    """
    account = host.accounts.user(user.rpartition("\\")[2])
    if account is None or host.accounts.is_locked(account):
        return
    policy, now = host.accounts.policy, host.clock.now()
    is_over = account.locked_since or now >= account.last_bad_password + policy.observation_minutes * 60
    count = 1 if is_over else account.bad_password_count + 1
    locks = 0 < policy.lockout_threshold <= count and account.rid != sids.ADMINISTRATOR_RID
    host.accounts.update_user(
        account.name,
        bad_password_count=count,
        last_bad_password=now,
        locked_since=now if locks else 0.0,
    )
    if locks:
        host.audit.locked_out(account)


def token(host: Host, sid: str, logon_type: str) -> Session:
    """The token that `sid` gets by this logon type, without password and without checks.

    Raises:
        Win32Error: 1332 when nobody has the SID.
    """
    if logon_type not in LOGON_TYPES:
        raise ValueError(f"logon type {logon_type!r}; expected one of {', '.join(LOGON_TYPES)}")
    principal = host.accounts.resolve(sid)
    groups = _group_sids(host, principal.sid, logon_type)
    filtered = _is_filtered(host, principal.sid, groups, logon_type)
    deny_only = (
        frozenset({sids.ADMINISTRATORS, sids.LOCAL_ACCOUNT_ADMINISTRATOR}) & groups
        if filtered
        else frozenset()
    )
    rights = host.accounts.rights_of(groups | {principal.sid})
    if filtered:
        rights = frozenset(
            right for right in rights if right.endswith("Right") or right in STANDARD_PRIVILEGES
        )
    if principal.sid == sids.SYSTEM:
        rights = frozenset(host.accounts.rights) - {r for r in host.accounts.rights if r.startswith("SeDeny")}
    enabled = frozenset(groups - deny_only)
    elevated = principal.sid in sids.SERVICE_ACCOUNTS or sids.ADMINISTRATORS in enabled
    return Session(
        host_name=host.name,
        user=principal.name,
        domain=principal.domain,
        sid=principal.sid,
        groups=enabled,
        rights=rights,
        logon_type=logon_type,
        elevated=elevated,
        profile=_SERVICE_PROFILES.get(principal.sid) or profile_folder(host, principal.sid, principal.name),
        logon_id=WELL_KNOWN_LOGON_IDS.get(principal.sid) or host.accounts.next_logon_id(),
        can_delegate=logon_type in _DELEGATING,
        deny_only=deny_only,
        logon_time=host.clock.now(),
        authentication_package="Negotiate" if logon_type == "service" else "NTLM",
    )


def unfiltered(host: Host, session: Session) -> Session:
    """The full token of a filtered one, as its linked token holds it (what `become` on Windows takes)."""
    if not session.deny_only:
        return session
    groups = session.groups | session.deny_only
    rights = host.accounts.rights_of(groups | {session.sid})
    return replace(session, groups=groups, rights=rights, deny_only=frozenset(), elevated=True)


def _find(host: Host, user: str, logon_type: str) -> User | None:
    account = host.accounts.user(user)
    if account is None and logon_type.startswith("network") and "\\" in user:
        account = host.accounts.user(user.rpartition("\\")[2])
    if account is None and "@" in user:
        name, _, suffix = user.rpartition("@")
        if suffix.upper() == host.computer_name:
            account = host.accounts.user(name)
    return account


def _admit(host: Host, account: User, logon_type: str) -> Session:
    now = host.clock.now()
    if account.disabled:
        raise Win32Error(ERROR_ACCOUNT_DISABLED, account.name)
    if account.account_expires and account.account_expires <= now:
        raise Win32Error(ERROR_ACCOUNT_EXPIRED, account.name)
    if account.password_expired:
        raise Win32Error(ERROR_PASSWORD_MUST_CHANGE, account.name)
    if password_is_too_old(host, account):
        raise Win32Error(ERROR_PASSWORD_EXPIRED, account.name)
    if not account.password and logon_type != "interactive" and _blank_passwords_limited(host):
        raise Win32Error(ERROR_ACCOUNT_RESTRICTION, account.name)
    session = token(host, account.sid, logon_type)
    _check_logon_right(session, account.name)
    host.accounts.update_user(account.name, last_logon=now, bad_password_count=0, locked_since=0.0)
    host.audit.logged_on(session)
    return session


def password_is_too_old(host: Host, account: User) -> bool:
    """Whether the policy's maximum age has passed for this password."""
    days = host.accounts.policy.maximum_age_days
    if account.password_never_expires or not days or not account.password_last_set:
        return False
    return host.clock.now() > account.password_last_set + days * SECONDS_PER_DAY


def _check_logon_right(session: Session, name: str) -> None:
    if session.logon_type not in LOGON_RIGHTS:
        return
    allow, deny = LOGON_RIGHTS[session.logon_type]
    if not session.holds(allow) or session.holds(deny):
        raise Win32Error(ERROR_LOGON_TYPE_NOT_GRANTED, name)


def _group_sids(host: Host, sid: str, logon_type: str) -> frozenset[str]:
    groups = {sids.EVERYONE, *_LOGON_TYPE_SIDS.get(logon_type, ()), sids.LOCAL}
    if sid == sids.SYSTEM:
        return frozenset({sids.EVERYONE, sids.AUTHENTICATED_USERS, sids.ADMINISTRATORS})
    groups |= {sids.AUTHENTICATED_USERS, sids.THIS_ORGANIZATION}
    if sid.startswith("S-1-5-80-") and sid != sids.ALL_SERVICES:
        groups.add(sids.ALL_SERVICES)
    if sid.startswith(host.accounts.machine_sid):
        groups |= {sids.LOCAL_ACCOUNT, sids.NTLM_AUTHENTICATION}
    members = groups | {sid}
    groups |= {group.sid for group in host.accounts.groups() if members & set(group.members)}
    if sids.LOCAL_ACCOUNT in groups and sids.ADMINISTRATORS in groups:
        groups.add(sids.LOCAL_ACCOUNT_ADMINISTRATOR)
    return frozenset(groups)


def _is_filtered(host: Host, sid: str, groups: frozenset[str], logon_type: str) -> bool:
    """Whether UAC filters the token: a remote logon of a local administrator other than number 500."""
    if not logon_type.startswith("network") or sids.ADMINISTRATORS not in groups:
        return False
    if not sid.startswith(host.accounts.machine_sid) or sid.endswith(f"-{sids.ADMINISTRATOR_RID}"):
        return False
    return _dword(host, "EnableLUA", 1) != 0 and _dword(host, "LocalAccountTokenFilterPolicy", 0) == 0


def _dword(host: Host, name: str, default: int, key: str = POLICIES_KEY) -> int:
    value = host.registry.get(key, name)
    return value.data if value is not None and isinstance(value.data, int) else default


def _blank_passwords_limited(host: Host) -> bool:
    return _dword(host, "LimitBlankPasswordUse", 1, LSA_KEY) != 0
