"""Twin of ansible.windows.win_tempfile 3.3.0 (plugins/modules/win_tempfile.ps1)."""

from __future__ import annotations

import secrets
import string
from typing import Any

from winlab.errors import ModuleFailure, Win32Error
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk, DotNetError, dotnet_errors, join_path, text_of

# `Path.GetRandomFileName`: eight and three characters of a-z and 0-5.
_ALPHABET = string.ascii_lowercase + "012345"
# Line 35.
_ATTEMPTS = 5


@twin("ansible.windows.win_tempfile")
def win_tempfile(call: Call) -> dict[str, Any]:
    """Make a file or folder with a random name; in check mode only the name is given (lines 8-42, 54-74)."""
    disk = Disk(call)
    prefix = call.expand(call.params["prefix"] or "")
    suffix = call.expand(call.params["suffix"] or "")
    state = str(call.params["state"])
    text = ""
    for _ in range(_ATTEMPTS):
        path = join_path(str(call.params["path"]), f"{prefix}{_random_name()}{suffix}")
        try:
            full = disk.full(path)
            if not call.check_mode:
                _create(disk, full, state)
            full = _with_long_names(disk, full)
        except Win32Error as error:
            text = text_of(error)
            continue
        return {"changed": True, "state": state, "path": full}
    raise ModuleFailure(
        f"No random temporary file worked in {_ATTEMPTS} attempts. Error: {text}", changed=True, state=state
    )


def _with_long_names(disk: Disk, full: str) -> str:
    """Lines 26-34: `FullName` and `GetFullPath` write short names out; a folder's link stays as it is."""
    folder, _, name = full.rpartition("\\")
    return rf"{disk.entry(folder).path}\{name}" if "~" in folder else full


def _create(disk: Disk, full: str, state: str) -> None:
    if state.lower() == "directory":
        disk.make_folder(full)
        return
    if disk.test(full):
        raise DotNetError(80, full, f"The file '{full}' already exists.")
    with dotnet_errors(full):
        disk.files.write_bytes(full, b"", disk.session)


def _random_name() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(11))
    return f"{letters[:8]}.{letters[8:]}"
