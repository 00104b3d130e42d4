"""Twin of community.windows.win_zip 3.1.0 (plugins/modules/win_zip.ps1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from winlab.errors import ModuleFailure
from winlab.host.files import Entry
from winlab.modules import Call, twin
from winlab.modules._archives import create_archive, fill_archive
from winlab.modules._dotnet import Disk, leaf, method_errors
from winlab.modules._patterns import like


@twin("community.windows.win_zip")
def win_zip(call: Call) -> dict[str, Any]:
    r"""Pack a file, a folder or (``\*``) its content; an existing archive is left alone (lines 19-78).

    One that could not be finished is such an archive, too: it stays, with what was packed before the failure.
    """
    disk = Disk(call)
    src = call.expand(str(call.params["src"]))
    dest = str(call.params["dest"])
    name = leaf(src) if src[-1:] not in "\\/" else ""
    wildcard = src.endswith("\\*")
    if wildcard:
        src = src[:-2]
    if not disk.test(src):
        raise ModuleFailure(f"The source file or directory '{src}' does not exist.", changed=False)
    if not like(dest, "*.zip"):
        raise ModuleFailure(
            f"The destination zip file path '{dest}' need to be zip file path.", changed=False
        )
    if disk.test(dest):
        return {"changed": False, "msg": f"The destination zip file '{dest}' already exists."}
    if not call.check_mode:
        if disk.is_container(src):
            with method_errors("CreateFromDirectory", 5):
                create_archive(disk, dest)
                fill_archive(disk, dest, _members(disk, src, with_base=not wildcard))
        else:
            with method_errors("Open", 2):
                create_archive(disk, dest)
            with method_errors("CreateEntryFromFile", 4):
                fill_archive(disk, dest, [(name, disk.entry(src))])
    return {"changed": True}


def _members(disk: Disk, folder: str, with_base: bool) -> Iterator[tuple[str, Entry]]:
    """Yield what `CreateFromDirectory` stores: files, and folders that hold nothing; a level before the next.

    Names have ``/`` between them, see the switch in lines 54-57.
    """
    top = disk.entry(folder)
    base = f"{top.name}/" if with_base else ""
    waiting = [(base, top)]
    for prefix, current in waiting:
        children = disk.entries(current.path)
        if not children and prefix:
            yield prefix, current
        for child in children:
            if child.is_dir:
                waiting.append((f"{prefix}{child.name}/", child))
            else:
                yield f"{prefix}{child.name}", child
