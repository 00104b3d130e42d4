"""Twin of community.windows.win_file_version 3.1.0 (plugins/modules/win_file_version.ps1, legacy)."""

from __future__ import annotations

from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure
from winlab.host import paths
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk, dotnet_errors
from winlab.modules._versions import file_version


@twin("community.windows.win_file_version")
def win_file_version(call: Call) -> dict[str, Any]:
    """Return the version resource of a .dll or .exe, everything as text (lines 13-68)."""
    disk = Disk(call)
    result: dict[str, Any] = {"win_file_version": {}, "changed": False}
    path: str = param(call, "path", type="path", failifempty=True, result=result)
    if not disk.is_leaf(path):
        raise ModuleFailure(f"Specified path {path} does not exist or is not a file.", **result)
    if paths.suffix(path).lower() not in (".exe", ".dll"):
        raise ModuleFailure(f"Specified path {path} is not a valid file type; must be DLL or EXE.", **result)
    with dotnet_errors(path):
        disk.files.open(disk.full(path), disk.session).close()
        entry = disk.entry(path)
    found = file_version(disk.files.blobs.path(str(entry.sha256)))
    result["win_file_version"] = {
        "path": path,
        "file_version": found.file_version or "",
        "product_version": found.product_version or "",
        "file_major_part": str(found.parts[0]),
        "file_minor_part": str(found.parts[1]),
        "file_build_part": str(found.parts[2]),
        "file_private_part": str(found.parts[3]),
        # FileVersionRaw is a script property of PowerShell 5.1 (types.ps1xml): the four parts as a Version.
        "file_version_raw": ".".join(map(str, found.parts)),
    }
    return result
