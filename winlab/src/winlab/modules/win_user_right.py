"""win_user_right.ps1 of ansible.windows 3.3.0."""

from __future__ import annotations

from typing import Any

from winlab.errors import ModuleFailure, Win32Error
from winlab.modules import Call, twin
from winlab.modules._dotnet import DotNetError, invocation_text
from winlab.modules._sam import (
    except_from,
    intersect,
    require_administrator,
    translate_account_or_group,
)

ERROR_ACCESS_DENIED = 5


@twin("ansible.windows.win_user_right")
def win_user_right(call: Call) -> dict[str, Any]:
    """Give a user right to accounts, take it, or make the list exact.

    The default action `set` takes the right from everybody else (lines 341-344). The policy is opened before
    anything is looked up (line 316), so a caller who is no administrator gets an unhandled error.
    """
    try:
        require_administrator(call)
    except Win32Error as error:
        # LsaOpenPolicy in the constructor, line 137.
        text = invocation_text(".ctor", 0, error.message)
        raise DotNetError(error.code, "", text) from error
    accounts, name, action = call.host.accounts, call.params["name"], call.params["action"]
    wanted = [_sid(call, user) for user in call.params["users"]]
    try:
        existing = accounts.holders(name)
    except Win32Error as error:
        raise ModuleFailure(
            f"the specified right {name} is not a valid right",
            added=[],
            removed=[],
            diff={"before": "", "after": ""},
        ) from error
    to_add = except_from(wanted, existing) if action in ("add", "set") else []
    to_remove = intersect(wanted, existing) if action == "remove" else []
    if action == "set":
        to_remove = except_from(existing, wanted)
    before = [accounts.display(sid) for sid in existing]
    added = [accounts.display(sid) for sid in to_add]
    removed = [accounts.display(sid) for sid in to_remove]
    if not call.check_mode:
        for sid in to_add:
            accounts.grant(name, sid)
        for sid in to_remove:
            accounts.revoke(name, sid)
    after = [account for account in [*before, *added] if account not in removed]
    return {
        "changed": bool(added or removed),
        "added": added,
        "removed": removed,
        "diff": {"before": {name: before}, "after": {name: after}},
    }


def _sid(call: Call, user: str) -> str:
    try:
        return translate_account_or_group(call, user)
    except Win32Error as error:
        raise ModuleFailure(
            f"Failed to translate the account '{user}' to a SID",
            added=[],
            removed=[],
            diff={"before": "", "after": ""},
        ) from error
