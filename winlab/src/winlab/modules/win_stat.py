"""Twin of ansible.windows.win_stat 3.3.0 (plugins/modules/win_stat.ps1)."""

from __future__ import annotations

from typing import Any

from winlab.errors import ModuleFailure, Win32Error
from winlab.host import paths
from winlab.host.files import Entry
from winlab.modules import Call, twin
from winlab.modules._dotnet import (
    Disk,
    attribute_names,
    full_name,
    invocation_text,
    name_of,
    text_of,
    total_seconds,
)
from winlab.modules._links import LinkInfo, link_info


@twin("ansible.windows.win_stat")
def win_stat(call: Call) -> dict[str, Any]:
    """Tell what is at a path; what cannot be seen does not exist (lines 37-55, 86-202).

    `path` and `filename` are the caller's spelling, not the stored one: `FileInfo` only completes the path.
    """
    disk = Disk(call)
    path = str(call.params["path"])
    found = _item(disk, path, bool(call.params["follow"]))
    result: dict[str, Any] = {"changed": False, "stat": {"exists": False}}
    if found is not None:
        shown, entry, link = found
        result["stat"] = _describe(disk, call, shown, entry, link)
    return result


def _item(disk: Disk, path: str, follow: bool) -> tuple[str, Entry, LinkInfo | None] | None:
    """Return the spelling of the path, its entry and what it links to (`Get-FileInfo`, lines 37-55)."""
    try:
        shown = full_name(path, disk.full(path))
        entry = disk.entry(path)
    except Win32Error:
        return None
    link = link_info(disk, entry)
    if follow and link is not None:
        return _item(disk, link.absolute_path, follow)
    return shown, entry, link


def _describe(disk: Disk, call: Call, shown: str, entry: Entry, link: LinkInfo | None) -> dict[str, Any]:
    attributes = attribute_names(entry)
    stat: dict[str, Any] = {
        "exists": True,
        "attributes": ", ".join(attributes),
        "isarchive": "Archive" in attributes,
        "isdir": entry.is_dir,
        "ishidden": "Hidden" in attributes,
        "isjunction": False,
        "islnk": False,
        "isreadonly": "ReadOnly" in attributes,
        "isreg": not entry.is_dir,
        "isshared": False,
        "nlink": 1,
        "hlnk_targets": [],
        "creationtime": total_seconds(entry.created),
        "lastaccesstime": total_seconds(entry.accessed),
        "lastwritetime": total_seconds(entry.modified),
        "path": shown,
        "filename": name_of(shown),
        "owner": _owner(disk, entry),
    }
    if entry.is_dir:
        _add_folder(disk, call, shown, stat)
    else:
        _add_file(disk, call, entry, stat)
    if entry.hard_links:
        # Lines 188-196.
        stat["lnk_type"] = "hard"
        stat["nlink"] = len(entry.hard_links) + 1
        stat["hlnk_targets"] = list(entry.hard_links)
    if link is not None:
        stat["islnk"] = link.type == "SymbolicLink"
        stat["isjunction"] = link.type == "JunctionPoint"
        stat["isreg"] = False
        stat["lnk_target"] = link.target_path
        stat["lnk_source"] = link.absolute_path
    return stat


def _owner(disk: Disk, entry: Entry) -> str | None:
    """Lines 122-129: the owner is null where the rules may not be read."""
    try:
        return disk.owner_name(disk.files.owner(entry.path, disk.session))
    except Win32Error:
        return None


def _add_folder(disk: Disk, call: Call, shown: str, stat: dict[str, Any]) -> None:
    share = disk.share_names(shown)
    if share is not None:
        stat["isshared"] = True
        stat["sharename"] = share
    if call.params["get_size"]:
        try:
            stat["size"] = disk.tree_size(shown)
        except Win32Error:
            # Lines 143-149: EnumerateFiles gives up at the first folder that may not be listed.
            stat["size"] = 0


def _add_file(disk: Disk, call: Call, entry: Entry, stat: dict[str, Any]) -> None:
    stat["extension"] = paths.suffix(stat["filename"])
    if call.params["get_checksum"]:
        try:
            stat["checksum"] = disk.digest(call.params["path"], call.params["checksum_algorithm"])
        except Win32Error as error:
            reason = invocation_text("Open", 4, text_of(error))
            raise ModuleFailure(
                f"Failed to get hash of file, set get_checksum to False to ignore this error: {reason}",
                changed=False,
                stat={"exists": False},
            ) from error
    if call.params["get_size"]:
        stat["size"] = entry.size
