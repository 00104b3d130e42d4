"""Twin of ansible.windows.win_file 3.3.0 (plugins/modules/win_file.ps1, a legacy module)."""

from __future__ import annotations

from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure, Win32Error
from winlab.host.files import Entry
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk, DotNetError, dotnet_errors, join_path, leaf, text_of, where_of

_STATES = ("absent", "directory", "file", "touch")
_NO_PROPERTY = (
    "The property 'LastWriteTime' cannot be found on this object. "
    "Verify that the property exists and can be set."
)


@twin("ansible.windows.win_file")
def win_file(call: Call) -> dict[str, Any]:
    """Make a folder or an empty file, or remove what is there (lines 93-160)."""
    disk = Disk(call)
    path: str = param(call, "path", type="path", failifempty=True, aliases=("dest", "name"))
    state = param(call, "state", type="str", validateset=_STATES)
    state = state.lower() if state is not None else None
    basename = param(call, "_original_basename", type="str")
    if disk.is_container(path) and basename is not None:
        path = join_path(path, basename)
    result: dict[str, Any] = {"changed": False}
    if state == "touch":
        _touch(disk, path, call.check_mode)
        result["changed"] = True
    if disk.test(path):
        _existing(disk, path, state, call.check_mode, result)
    else:
        _missing(disk, path, state, call.check_mode, result)
    return result


def _touch(disk: Disk, path: str, check_mode: bool) -> None:
    """Lines 93-104. For a folder the times of what is *in* it are set, which works for exactly one entry."""
    if check_mode:
        return
    if not disk.test(path):
        full = disk.full(path)
        with dotnet_errors(full):
            disk.files.write_bytes(full, b"", disk.session)
        return
    targets = [disk.entry(path)] if disk.is_leaf(path) else disk.entries(path, hidden=False)
    if len(targets) != 1:
        raise DotNetError(87, path, _NO_PROPERTY)
    with dotnet_errors():
        now = disk.call.host.clock.now()
        disk.files.set_times(targets[0].path, modified=now, session=disk.session)


def _existing(disk: Disk, path: str, state: str | None, check_mode: bool, result: dict[str, Any]) -> None:
    """Lines 106-120."""
    entry = disk.entry(path)
    if state == "absent":
        if not check_mode:
            _remove(disk, entry, result)
        result["changed"] = True
    elif state == "directory" and not entry.is_dir:
        raise ModuleFailure(f"path {path} is not a directory", **result)
    elif state == "file" and entry.is_dir:
        raise ModuleFailure(f"path {path} is not a file", **result)


def _remove(disk: Disk, entry: Entry, result: dict[str, Any]) -> None:
    """Lines 57-90: what is inside goes first, and the innermost failure is the one that is reported."""
    try:
        disk.remove(entry.path)
    except Win32Error as error:
        where = where_of(error) or entry.path
        raise ModuleFailure(f"Failed to delete {where}: {text_of(error)}", **result) from error


def _missing(disk: Disk, path: str, state: str | None, check_mode: bool, result: dict[str, Any]) -> None:
    """Lines 121-158: without a state a path that has a last name is taken for a file."""
    if state is None:
        state = "file" if leaf(path) else "directory"
    if state == "directory":
        if not check_mode:
            _make_folder(disk, path, result)
        result["changed"] = True
    elif state == "file":
        raise ModuleFailure(f"path {path} will not be created", **result)


def _make_folder(disk: Disk, path: str, result: dict[str, Any]) -> None:
    try:
        disk.make_folder(path)
    except Win32Error as error:
        raise ModuleFailure(text_of(error), **result) from error
