r"""Where a declared file may lie on an ECMA host.

A relative target lies below the ECMA folder. Any other must be the whole path on a local drive, as the
person wrote it, and never where Windows or a product of Microsoft's keeps its own files: what lies there is
serviced by its setup, and a file of ours would be lost or would break it.
"""

from __future__ import annotations

import ntpath
import re

from mim2ecma.assemblies.host import COPY_FOLDERS, path_key, windows_path_problem

_LOCAL = re.compile(r"[A-Za-z]:\\[^\\]")
_SHORT_NAME = re.compile(r"~[0-9]")
"""`PROGRA~1` is another name for a folder whose long one would be refused (8.3 names of NTFS)."""

_WINDOWS_FOLDERS = frozenset(
    {
        "$recycle.bin",
        "boot",
        "config.msi",
        "efi",
        "perflogs",
        "recovery",
        "system volume information",
        "windows",
        "windows.old",
    }
)
_PROGRAM_FOLDERS = frozenset({"program files", "program files (x86)"})
_DATA_FOLDER = "programdata"
_OWNED = re.compile(
    r"(?:microsoft|windows|azure ad|common files\Z|dotnet\Z|iis\Z|internet explorer\Z|modifiablewindowsapps\Z"
    r"|msbuild\Z|package cache\Z|reference assemblies\Z|uninstall information\Z|mim2ecma\Z)",
    re.IGNORECASE,
)
"""Folders of Microsoft's below `Program Files` and `ProgramData`, and our own."""


def declared_target_problem(target: str, ecma_folder: str) -> str | None:
    r"""Say why a declared target must not be used, None when it may.

    Args:
        target: Path below the ECMA folder with `\`, or a whole path on a local drive.
        ecma_folder: The ECMA folder.

    Returns:
        A phrase such as `lies in a folder of Windows`.
    """
    problem = windows_path_problem(target)
    if problem is not None:
        return problem
    drive, rest = ntpath.splitdrive(target)
    if drive or rest.startswith(("\\", "/")):
        if not _LOCAL.match(target) or "/" in target:
            return "is neither below the ECMA folder nor a whole path on a local drive"
        inside = path_key(target).startswith(path_key(ecma_folder) + "\\")
        if not inside:
            return _elsewhere_problem(target)
        rest = ntpath.normpath(target)[len(ntpath.normpath(ecma_folder)) + 1 :]
    if COPY_FOLDERS & set(path_key(rest).split("\\")[:-1]):
        return "lies where the service keeps its own copies"
    return None


def _elsewhere_problem(target: str) -> str | None:
    parts = path_key(target).split("\\")[1:]
    if any(_SHORT_NAME.search(part) for part in parts):
        return "holds a short name (8.3), which hides the folder it means"
    if len(parts) == 1:
        return "lies in the root of a drive"
    if parts[0] in _WINDOWS_FOLDERS:
        return "lies in a folder of Windows"
    if parts[0] in {*_PROGRAM_FOLDERS, _DATA_FOLDER} and (len(parts) == 2 or _OWNED.match(parts[1])):
        return "lies in a folder that belongs to Microsoft's products or to this program"
    return None
