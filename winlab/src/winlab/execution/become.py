"""become_wrapper.ps1: the same work in another logon (Ansible.Become.cs of ansible-core 2.19)."""

from __future__ import annotations

from collections.abc import Callable

from winlab.errors import Win32Error
from winlab.execution import modules
from winlab.execution.profiles import ensure_profile
from winlab.execution.steps import CommandResult, Run
from winlab.host import sids
from winlab.host.logons import unfiltered, with_new_credentials
from winlab.host.sessions import Session
from winlab.manifest import Action

Perform = Callable[[Run, tuple[Action, ...]], CommandResult]

# LogonType of Ansible.AccessToken.cs -> logon types of the host model; Unlock needs a locked console.
_LOGON_TYPES = {
    "interactive": "interactive",
    "network": "network",
    "batch": "batch",
    "service": "service",
    "networkcleartext": "network_cleartext",
    "newcredentials": "new_credentials",
}

_NO_SYSTEM = (
    "Failed to get token for NT AUTHORITY\\SYSTEM required for become as a service account or an account "
    "without a password"
)


def become_wrapper(run: Run, action: Action, rest: tuple[Action, ...], perform: Perform) -> CommandResult:
    """Log on as the become user, then do the wrapped actions in that logon."""
    user = str(action.params.get("BecomeUser") or "")
    password = action.secure_params.get("BecomePassword") or None
    wanted = str(action.params.get("LogonType") or "Interactive")
    kind = _LOGON_TYPES.get(wanted.lower())
    if kind is None:
        return modules.failure(
            f"winlab: become with logon type {wanted} is not modelled. Use Interactive or Batch."
        )
    try:
        with run.host.lock:
            session = _logon(run, user, password, kind)
    except _BecomeError as error:
        text = f'Exception calling "CreateProcessAsUser" with "9" argument(s): "{error}"'
        return CommandResult.wrapper_failure(text)
    if str(action.params.get("LogonFlags") or "WithProfile") == "WithProfile":
        ensure_profile(run.host, session)
    try:
        return perform(run.within(session), rest)
    finally:
        with run.host.lock:
            run.host.audit.logged_off(session)


class _BecomeError(Exception):
    """What BecomeUtil throws."""


def _logon(run: Run, user: str, password: str | None, kind: str) -> Session:
    accounts = run.host.accounts
    if kind == "new_credentials":
        if not password:
            raise _BecomeError(_NO_SYSTEM)  # Ansible.Become.cs does not even look for SYSTEM's token here
        return with_new_credentials(run.host, run.session)
    name = user.removeprefix(".\\")
    try:
        principal = accounts.resolve(name)
    except Win32Error:
        raise _BecomeError(
            'Exception calling "Translate" with "1" argument(s): '
            '"Some or all identity references could not be translated."'
        ) from None
    # Without SeDebugPrivilege no process of SYSTEM can be opened, and with it no token without a password.
    can_impersonate = run.session.holds("SeDebugPrivilege")
    if not can_impersonate and (principal.sid in sids.SERVICE_ACCOUNTS or not password):
        raise _BecomeError(_NO_SYSTEM)
    if principal.sid in sids.SERVICE_ACCOUNTS:
        return accounts.token(principal.sid, "service")
    try:
        if password is None:
            # S4U: a batch logon (or network, when asked for) without credentials for other machines.
            return accounts.authenticated(principal.name, "network" if kind == "network" else "batch")
        session = accounts.logon(principal.name, password, kind)
    except Win32Error as error:
        what = (
            "LsaLogonUser() failed with substatus 0"
            if password is None
            else f"Failed to logon {principal.name}"
        )
        code = f"Win32ErrorCode {error.code} - 0x{error.code:08X}"
        raise _BecomeError(f"{what} ({error.message}, {code})") from None
    # The linked, elevated token is taken where there is one and SYSTEM could be impersonated.
    return unfiltered(run.host, session) if can_impersonate else session
