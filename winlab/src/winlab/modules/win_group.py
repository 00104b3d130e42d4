"""win_group.ps1 of ansible.windows 3.3.0."""

from __future__ import annotations

from typing import Any

from winlab.errors import Win32Error
from winlab.host.accounts import Group
from winlab.modules import Call, twin
from winlab.modules._dotnet import DotNetError, culture_key
from winlab.modules._sam import (
    TRANSLATE_FAILED,
    adsi,
    except_from,
    intersect,
    require_administrator,
    translate,
    unique,
)

# Line 172: what check mode answers for a group that is not there yet.
UNKNOWN_SID = "S-1-5-0000"


@twin("ansible.windows.win_group")
def win_group(call: Call) -> dict[str, Any]:
    """Create, describe, fill or delete a local group.

    A group that check mode would create has no member prediction (line 180). Every name is translated before
    anything is added; the first that cannot be ends the module (line 122).
    """
    accounts, name = call.host.accounts, call.params["name"]
    group = next((found for found in accounts.groups() if found.name.lower() == name.lower()), None)
    before = None if group is None else _shown(call, name, group.description, list(group.members))
    if call.params["state"] == "absent":
        return {**_absent(call, group), "sid": None, "diff": {"before": before, "after": None}}
    changed = group is None
    if group is None:
        if call.check_mode:
            after = _shown(call, name, call.params["description"], [])
            return {"changed": True, "sid": UNKNOWN_SID, "diff": {"before": None, "after": after}}
        with adsi("SetInfo", 0):
            require_administrator(call)
            group = accounts.create_group(name)
    description = call.params["description"]
    if description is not None and description.lower() != group.description.lower():
        changed = True
        if not call.check_mode:
            with adsi("SetInfo", 0):
                require_administrator(call)
                accounts.update_group(group.sid, description=description)
    members, members_changed = _members(call, group)
    after = _shown(call, name, group.description if description is None else description, members)
    return {
        "changed": changed or members_changed,
        "sid": group.sid,
        "diff": {"before": before, "after": after},
    }


def _absent(call: Call, group: Group | None) -> dict[str, Any]:
    if group is None:
        return {"changed": False}
    if not call.check_mode:
        with adsi("Delete", 2):
            require_administrator(call)
            call.host.accounts.delete_group(group.sid)
    return {"changed": True}


def _members(call: Call, group: Group) -> tuple[list[str], bool]:
    """Bring the membership about; gives the SIDs afterwards and whether something changed (200-236)."""
    current = list(group.members)
    options = call.params["members"] or {}
    to_add: list[str] = []
    to_remove: list[str] = []
    if options.get("set") is not None:
        wanted = _translated(call, options["set"])
        to_add, to_remove = except_from(wanted, current), except_from(current, wanted)
    else:
        if options.get("add"):
            to_add = except_from(_translated(call, options["add"]), current)
        if options.get("remove"):
            to_remove = intersect(_translated(call, options["remove"]), current)
    if not call.check_mode:
        for sid in to_add:
            with adsi("Add", 1):
                require_administrator(call)
                call.host.accounts.add_member(group.sid, sid)
        for sid in to_remove:
            with adsi("Remove", 1):
                require_administrator(call)
                call.host.accounts.remove_member(group.sid, sid)
    after = [sid for sid in unique([*current, *to_add]) if sid not in to_remove]
    return after, bool(to_add or to_remove)


def _translated(call: Call, names: list[str]) -> list[str]:
    found = []
    for name in names:
        try:
            found.append(translate(call, name))
        except Win32Error as error:
            text = f"Failed to translate '{name}' to a SecurityIdentifier: {TRANSLATE_FAILED}"
            raise DotNetError(error.code, "", text) from error
    return found


def _shown(call: Call, name: str, description: str | None, members: list[str]) -> dict[str, Any]:
    names = unique(call.host.accounts.display(sid) for sid in members)
    return {"name": name, "description": description, "members": sorted(names, key=culture_key)}
