"""Twin of community.windows.win_unzip 3.1.0 (plugins/modules/win_unzip.ps1, a legacy module)."""

from __future__ import annotations

import zipfile
from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure, Win32Error
from winlab.host import paths
from winlab.modules import Call, twin
from winlab.modules._archives import extract_member, open_archive
from winlab.modules._dotnet import Disk, combine, directory_name, text_of

_NO_PSCX = (
    "PowerShellCommunityExtensions PowerShell Module (PSCX) is required for "
    "non-'.zip' compressed archive types."
)


@twin("community.windows.win_unzip")
def win_unzip(call: Call) -> dict[str, Any]:
    """Unpack a .zip; always a change (lines 18-197). All else needs PSCX, which no simulated host has."""
    disk = Disk(call)
    src: str = param(call, "src", type="path", failifempty=True)
    dest: str = param(call, "dest", type="path", failifempty=True)
    creates = param(call, "creates", type="path")
    recurse = bool(param(call, "recurse", type="bool", default=False))
    delete_archive = bool(param(call, "delete_archive", type="bool", default=False, aliases=("rm",)))
    password = param(call, "password", type="str")
    # Lines 29-34 want to drop a trailing backslash; the expression drops dollar signs.
    result: dict[str, Any] = {
        "changed": False,
        "dest": dest.replace("$", ""),
        "removed": False,
        "src": src.replace("$", ""),
    }
    if creates and disk.test(creates):
        return {**result, "skipped": True, "msg": f"The file or directory '{creates}' already exists."}
    if not disk.test(src):
        raise ModuleFailure(f"File '{src}' does not exist.", **result)
    if not disk.is_container(dest) and not call.check_mode:
        try:
            disk.make_folder(dest)
        except Win32Error as error:
            raise ModuleFailure(
                f"Error creating '{dest}' directory! Msg: {text_of(error)}", **result
            ) from error
    if paths.suffix(src).lower() != ".zip" or recurse or password:
        raise ModuleFailure(_NO_PSCX, **result)
    try:
        _expand(disk, src, dest, call.check_mode, result)
    except Win32Error as error:
        raise ModuleFailure(
            f"Error unzipping '{src}' to '{dest}'!. Method: System.IO.Compression.ZipFile, "
            f"Exception: {text_of(error)}",
            **result,
        ) from error
    if delete_archive:
        _delete(disk, src, call.check_mode, result)
    return result


def _expand(disk: Disk, src: str, dest: str, check_mode: bool, result: dict[str, Any]) -> None:
    """Lines 36-65; `result` is filled as it goes, a failure reports what had happened until then."""
    root = paths.join(disk.full(dest), "")
    with open_archive(disk, src) as archive:
        for member in archive.infolist():
            target = combine(dest, member.filename)
            full = disk.full(target)
            inside = paths.join(full, "") if target[-1:] in "/\\" else full
            if not inside.startswith(root):
                raise ModuleFailure(
                    f"Error unzipping '{src}' to '{dest}'! Filename contains relative paths which would "
                    f"extract outside the destination: {target}",
                    **result,
                )
            _expand_member(disk, archive, member, target, check_mode)
            result["changed"] = True


def _expand_member(
    disk: Disk, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: str, check_mode: bool
) -> None:
    if check_mode:
        return
    folder = directory_name(target)
    if not disk.test(folder):
        disk.make_folder(folder)
    if target[-1:] not in "/\\":
        extract_member(disk, archive, member, target)


def _delete(disk: Disk, src: str, check_mode: bool, result: dict[str, Any]) -> None:
    """Lines 188-196."""
    if not check_mode:
        try:
            disk.remove(src)
        except Win32Error as error:
            raise ModuleFailure(f"failed to delete archive at '{src}': {text_of(error)}", **result) from error
    result["removed"] = True
