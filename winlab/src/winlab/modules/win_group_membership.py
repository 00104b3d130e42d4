"""win_group_membership.ps1 of ansible.windows 3.3.0, a legacy module: unknown options are ignored."""

from __future__ import annotations

from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure, Win32Error
from winlab.host.accounts import Accounts, Group
from winlab.host.sids import is_sid
from winlab.modules import Call, twin
from winlab.modules._sam import (
    adsi,
    convert_from_sid,
    convert_to_sid,
    require_administrator,
)


@twin("ansible.windows.win_group_membership")
def win_group_membership(call: Call) -> dict[str, Any]:
    """Add members to a local group, remove them, or make the list exact.

    The group is found by its bare name alone (line 119). Members are compared by SID, each once (lines
    23-33). In check mode the members are predicted from the names (lines 195-202), so that a member which is
    there already is not listed twice, but a removed name that is no member removes nothing. Where names are
    removed the prediction comes out of a pipeline (line 205): one that is left is a text, none is null.
    """
    name = param(call, "name", type="str", failifempty=True)
    members = param(call, "members", type="list", failifempty=True)
    state = param(
        call, "state", type="str", default="present", validateset=("present", "absent", "pure")
    ).lower()
    result: dict[str, Any] = {"changed": False, "name": name}
    if state in ("present", "pure"):
        result["added"] = []
    if state in ("absent", "pure"):
        result["removed"] = []
    accounts = call.host.accounts
    group = next((found for found in accounts.groups() if found.name.lower() == name.lower()), None)
    if group is None:
        raise ModuleFailure(f"Could not find local group {name}", **result)
    wanted = _wanted(call, members)
    current = _members(accounts, group)
    for sid, account in wanted.items():
        if state in ("present", "pure") and sid not in current:
            _change(call, result, "added", group, (sid, account))
        elif state == "absent" and sid in current:
            _change(call, result, "removed", group, (sid, account))
    if state == "pure":
        for sid, account in _members(accounts, _again(accounts, group)).items():
            if sid not in wanted:
                _change(call, result, "removed", group, (sid, account))
    result["members"] = list(_members(accounts, _again(accounts, group)).values())
    if call.check_mode:
        result["members"] = _predicted(result)
    return result


def _predicted(result: dict[str, Any]) -> list[str] | str | None:
    """Lines 200-206."""
    gone = {name.casefold() for name in result.get("removed", [])}
    members = [*result["members"], *result.get("added", [])]
    if not gone:
        return members
    left = [name for name in members if name.casefold() not in gone]
    return left if len(left) > 1 else left[0] if left else None


def _wanted(call: Call, members: list[Any]) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for member in members:
        sid = convert_to_sid(call, str(member))
        if sid not in wanted:
            wanted[sid] = convert_from_sid(call.host.accounts, sid)
    return wanted


def _members(accounts: Accounts, group: Group) -> dict[str, str]:
    """Members with their names; an orphaned SID stands for itself (lines 73-79)."""
    return {sid: accounts.display(sid) for sid in group.members if is_sid(sid)}


def _again(accounts: Accounts, group: Group) -> Group:
    return accounts.group(group.sid) or group


def _change(call: Call, result: dict[str, Any], key: str, group: Group, member: tuple[str, str]) -> None:
    sid, account = member
    if not call.check_mode:
        change = call.host.accounts.add_member if key == "added" else call.host.accounts.remove_member
        try:
            with adsi("Add" if key == "added" else "Remove", 1):
                require_administrator(call)
                change(group.sid, sid)
        except Win32Error as error:
            raise ModuleFailure(error.message, **result) from error
    result[key].append(account)
    result["changed"] = True
