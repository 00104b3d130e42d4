"""Scripts that look at the host of an ECMA Connector Host: free space, .NET Framework, marks of the web.

The scripts themselves belong to the roles; a lab definition names these functions as their behaviours. What
they imitate is Windows: `System.IO.DriveInfo`, the registry value `Release` (Microsoft Learn, "Determine
which .NET Framework versions are installed"), the stream `Zone.Identifier` and `Unblock-File`.
"""

from __future__ import annotations

import ntpath

from winlab.errors import Win32Error
from winlab.products.ecma_host import DOTNET_KEY
from winlab.scripts import ErrorRecord, ScriptCall, ScriptError, ScriptResult

_MARK = "Zone.Identifier"


def describe_host(call: ScriptCall) -> ScriptResult:
    """`Free` (root of a drive to bytes, -1 when it is not there), `Release`, `Marked`, for `Folder`."""
    files = call.host.files
    free: dict[str, int] = {}
    marked: set[str] = set()
    for folder in call.parameter("Folder", []):
        root = ntpath.splitdrive(str(folder))[0] + "\\"
        try:
            free[root] = files.free_bytes(root[0])
        except Win32Error:
            free[root] = -1
            continue
        if files.is_dir(str(folder), call.session):
            marked |= {
                entry.path
                for entry in files.walk(str(folder))
                if not entry.is_dir and _MARK in files.streams(entry.path)
            }
    release = call.host.registry.get(DOTNET_KEY, "Release")
    output = {
        "Free": free,
        "Release": release.data if release else None,
        "Marked": sorted(marked, key=str.casefold),
    }
    return ScriptResult(output=[output], changed=False)


def unblock_files(call: ScriptCall) -> ScriptResult:
    """`Unblock-File` for each of `Path` that is marked.

    Raises:
        ScriptError: a file that the caller may not write.
    """
    files, changed = call.host.files, False
    for path in map(str, call.parameter("Path", [])):
        if not files.is_file(path, call.session) or _MARK not in files.streams(path):
            continue
        changed = True
        if call.check_mode:
            continue
        try:
            files.delete_stream(path, _MARK, call.session)
        except Win32Error as error:
            raise ScriptError(
                ErrorRecord(
                    error.message,
                    exception_type="System.UnauthorizedAccessException",
                    category="PermissionDenied",
                    activity="Unblock-File",
                    target=path,
                )
            ) from error
    return ScriptResult(changed=changed)
