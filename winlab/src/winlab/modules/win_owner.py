"""Twin of ansible.windows.win_owner 3.3.0 (plugins/modules/win_owner.ps1)."""

from __future__ import annotations

from typing import Any

from winlab.errors import ModuleFailure, Win32Error
from winlab.host import acl
from winlab.host.files import Entry
from winlab.modules import Call, twin
from winlab.modules._accounts import translate
from winlab.modules._dotnet import Disk, DotNetError, text_of
from winlab.modules._rules import ERROR_ACCESS_DENIED, UNAUTHORIZED


@twin("ansible.windows.win_owner")
def win_owner(call: Call) -> dict[str, Any]:
    """Give a file, a folder, or (recurse) all below to an account (lines 33-83)."""
    disk = Disk(call)
    path, user = str(call.params["path"]), str(call.params["user"])
    if not disk.test(path):
        raise ModuleFailure(f"{path} file or directory does not exist on the host", changed=False)
    try:
        sid = translate(call, user)
    except Win32Error as error:
        # ConvertTo-AnsibleWindowsSecurityIdentifier, module_utils/_SecurityIdentifier.psm1.
        raise ModuleFailure(
            f"Failed to translate '{user}' to a SecurityIdentifier: {error.message}", changed=False
        ) from error
    result: dict[str, Any] = {"changed": False}
    try:
        for entry in _targets(disk, path, bool(call.params["recurse"])):
            if entry.owner != sid:
                if not call.check_mode:
                    _take(disk, entry, sid)
                result["changed"] = True
    except Win32Error as error:
        raise ModuleFailure(
            f"an error occurred when attempting to change owner on {path} for {user}: {text_of(error)}",
            **result,
        ) from error
    return result


def _targets(disk: Disk, path: str, recurse: bool) -> list[Entry]:
    """Lines 45-51: the privileges that are switched on let an administrator pass every rule."""
    full = disk.full(path)
    top = disk.files.entry(disk.files.final_path(full))
    if not recurse or not top.is_dir:
        return [top]
    return [top, *disk.files.walk(top.path)]


def _take(disk: Disk, entry: Entry, sid: str) -> None:
    """Set the owner; others than administrators need the right and may name only themselves."""
    if disk.session.is_admin:
        disk.files.set_owner(entry.path, sid)
        return
    # Set-Acl opens what is at the path before it looks at the owner.
    if not disk.files.allowed(entry.path, disk.session, acl.TAKE_OWNERSHIP):
        raise DotNetError(ERROR_ACCESS_DENIED, entry.path, UNAUTHORIZED)
    if sid != disk.session.sid:
        raise Win32Error(1307, entry.path)
    disk.files.set_owner(entry.path, sid, disk.session)
