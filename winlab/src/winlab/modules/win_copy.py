"""Twin of ansible.windows.win_copy 3.3.0 (plugins/modules/win_copy.ps1, a legacy module).

The action plugin decides on the controller and calls the module in one of four modes (lines 17-21).
"""

from __future__ import annotations

import base64
import binascii
import zipfile
from collections.abc import Mapping
from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure, Win32Error
from winlab.host.timezones import local_time
from winlab.modules import Call, twin
from winlab.modules._archives import extract_member, open_archive
from winlab.modules._dotnet import (
    Disk,
    DotNetError,
    combine,
    directory_name,
    join_path,
    leaf,
    parent_text,
)

_MODES = ("explode", "query", "remote", "single")


@twin("ansible.windows.win_copy")
def win_copy(call: Call) -> dict[str, Any]:
    """Say what differs (query), unpack (explode), copy what was sent (single), copy on the host (remote)."""
    mode = str(param(call, "_copy_mode", type="str", default="single", validateset=_MODES)).lower()
    return _Copy(call, mode).run()


class _Copy:
    """One run of the module; `result` is what Fail-Json reports, too."""

    def __init__(self, call: Call, mode: str) -> None:
        self.call = call
        self.disk = Disk(call)
        self.mode = mode
        # Lines 23-40, in this order: the first one that is missing is reported.
        self.src = param(call, "src", type="path", failifempty=mode in ("explode", "single"))
        self.dest: str = param(call, "dest", type="path", failifempty=True)
        self.backup = bool(param(call, "backup", type="bool", default=False))
        self.original_basename = param(call, "_original_basename", type="str")
        self.force = bool(param(call, "force", type="bool", default=True))
        self.files = param(call, "files", type="list")
        self.directories = param(call, "directories", type="list")
        self.check = call.check_mode
        self.result: dict[str, Any] = {"changed": False}
        if call.diff_mode:
            self.result["diff"] = {}

    def run(self) -> dict[str, Any]:
        steps = {
            "query": self._query,
            "explode": self._explode,
            "remote": self._remote,
            "single": self._single,
        }
        steps[self.mode]()
        return self.result

    def _fail(self, message: str) -> ModuleFailure:
        return ModuleFailure(message, **self.result)

    def _query(self) -> None:
        """Lines 269-323: return the files and folders that are missing or (with force) differ."""
        self.result["files"] = [item for item in self.files or () if self._file_differs(item)]
        self.result["directories"] = [item for item in self.directories or () if self._folder_missing(item)]
        self.result["symlinks"] = []

    def _file_differs(self, item: Mapping[str, Any]) -> bool:
        path = join_path(self.dest, str(item["dest"]))
        if self.disk.is_container(path):
            path = join_path(path, leaf(str(item["src"])))
        if self.disk.is_leaf(path):
            return self.force and self.disk.file_hash(path) != str(item.get("checksum")).lower()
        if self.disk.is_container(path):
            raise self._fail(f"cannot copy file to dest '{path}': object at path is already a directory")
        return True

    def _folder_missing(self, item: Mapping[str, Any]) -> bool:
        path = join_path(self.dest, str(item["dest"]))
        if self.disk.is_leaf(directory_name(path)):
            raise self._fail(
                f"cannot copy folder to dest '{path}': object at parent directory path is already a file"
            )
        if self.disk.is_leaf(path):
            raise self._fail(f"cannot copy folder to dest '{path}': object at path is already a file")
        return not self.disk.is_container(path)

    def _explode(self) -> None:
        """Lines 184-228 and 325-350: unpack the archive whose names are base64; always a change."""
        if not self.disk.is_leaf(self.src):
            raise self._fail(f"Cannot expand src zip file: '{self.src}' as it does not exist")
        with open_archive(self.disk, self.src) as archive:
            for member in archive.infolist():
                self._explode_member(archive, member)
        self.result["changed"] = True

    def _explode_member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        name, is_dir = _decode_name(member.filename)
        target = combine(self.dest, f"{name}/" if is_dir else name)
        folder = directory_name(target)
        if not self.disk.test(folder) and not self.check:
            self.disk.make_folder(folder)
        if not is_dir and not self.check:
            extract_member(self.disk, archive, member, target)

    def _single(self) -> None:
        """Lines 427-461: copy the file that was sent; runs never in check mode."""
        if not self.disk.is_leaf(self.src):
            raise self._fail(f"Cannot copy src file: '{self.src}' as it does not exist")
        target = self.dest
        if _ends_in_separator(self.dest) or self.disk.is_container(self.dest):
            target = join_path(self.dest, str(self.original_basename or ""))
        self._prepare_parent(target)
        if self.backup:
            self.result["backup_file"] = self._back_up(target)
        self.disk.copy_file(self.src, target)
        self.result["changed"] = True

    def _prepare_parent(self, target: str) -> None:
        """Refuse a parent that is a file or, for a plain file path, missing; make it otherwise.

        Line 407 makes the folder in check mode, too: it lacks ``-WhatIf``.
        """
        parent = parent_text(target)
        if self.disk.is_leaf(parent):
            raise self._fail(f"object at destination parent dir '{parent}' is currently a file")
        if not self.disk.is_container(parent):
            if self.dest.casefold() == target.casefold():
                raise self._fail(f"Destination directory '{parent}' does not exist")
            self.disk.make_folder(parent)

    def _remote(self) -> None:
        """Lines 351-426: copy a file, a folder or, where the source ends in a separator, what is in it."""
        self.result["src"] = self.src
        self.result["dest"] = self.dest
        if not self.disk.test(self.src):
            raise self._fail(f"Cannot copy src file: '{self.src}' as it does not exist")
        target = self.dest
        if self.disk.is_container(self.src):
            self.result["operation"] = "folder_copy"
            if _ends_in_separator(self.src):
                diff = self._copy_children(self.src, self.dest)
            else:
                target = join_path(self.dest, self.disk.entry(self.src).name)
                self.result["dest"] = target
                diff = self._copy_folder(self.src, target)
        else:
            self.result["operation"] = "file_copy"
            name = self.disk.entry(self.src).name
            self.result["original_basename"] = name
            if _ends_in_separator(self.dest) or self.disk.is_container(self.dest):
                target = join_path(self.dest, name)
            self.result["dest"] = target
            self._prepare_parent(target)
            diff, self.result["checksum"] = self._copy_file(self.src, target)
        is_there = not self.check or self.disk.is_leaf(target)
        self.result["size"] = self._size(target) if is_there else None
        if self.call.diff_mode:
            self.result["diff"]["prepared"] = diff

    def _copy_children(self, source: str, dest: str) -> str:
        diff = ""
        for child in self.disk.entries(source):
            target = join_path(dest, child.name)
            if child.is_dir:
                diff += self._copy_folder(child.path, target)
            else:
                diff += self._copy_file(child.path, target)[0]
        return diff

    def _copy_folder(self, source: str, dest: str) -> str:
        """Lines 105-134."""
        diff = ""
        if not self.disk.is_container(dest):
            if self.disk.is_leaf(directory_name(dest)):
                raise self._fail(
                    f"cannot copy file from '{source}' to '{dest}': object at dest parent dir is not a folder"
                )
            if self.disk.is_leaf(dest):
                raise self._fail(f"cannot copy folder from '{source}' to '{dest}': dest is already a file")
            if not self.check:
                self.disk.make_folder(dest)
            diff += f"+{dest}\\\n"
            self.result["changed"] = True
        return diff + self._copy_children(source, dest)

    def _copy_file(self, source: str, dest: str) -> tuple[str, str | None]:
        """Lines 46-103: return the diff and, with force, the SHA-1 of the source."""
        checksum = self.disk.file_hash(source) if self.force else None
        if self.disk.is_container(dest):
            raise self._fail(f"cannot copy file from '{source}' to '{dest}': dest is already a folder")
        if self.disk.is_leaf(dest) and not (self.force and self.disk.file_hash(dest) != checksum):
            return "", checksum
        diff = ""
        folder = directory_name(dest)
        if self.disk.is_leaf(folder):
            raise self._fail(
                f"cannot copy file from '{source}' to '{dest}': object at dest parent dir is not a folder"
            )
        if not self.disk.test(folder):
            if not self.check:
                self.disk.make_folder(folder)
            diff += f"+{folder}\\\n"
        if self.backup:
            self.result["backup_file"] = self._back_up(dest)
        if self.disk.is_leaf(dest):
            if not self.check:
                self.disk.remove(dest)
            diff += f"-{dest}\n"
        if not self.check:
            self.disk.copy_file(source, dest)
        self.result["changed"] = True
        return f"{diff}+{dest}\n", checksum

    def _back_up(self, path: str) -> str | None:
        """`Backup-File` of Ansible.ModuleUtils.Backup.psm1; the name is given in check mode, too."""
        return back_up(self.disk, path, self.check)

    def _size(self, path: str) -> int:
        """Lines 136-182."""
        entry = self.disk.entry(path)
        return self.disk.tree_size(path) if entry.is_dir else entry.size


def back_up(disk: Disk, path: str, check_mode: bool) -> str | None:
    """Copy a file beside itself (`Backup-File`) and return the copy's name; None when there is no file."""
    if not disk.is_leaf(path):
        return None
    now = local_time(disk.call.host, disk.call.host.clock.now())
    target = f"{path}.{process_id(disk.call)}.{now:%Y%m%d-%H%M%S}.bak"
    if not check_mode:
        try:
            disk.copy_file(path, target, force=False)
        except DotNetError as error:
            text = f"Failed to create backup file '{target}' from '{path}'. ({error.message})"
            raise DotNetError(error.code, error.where, text) from error
    return target


def process_id(call: Call) -> int:
    """Return the id of the process the module runs in: the youngest, or one as Windows would give."""
    running = call.host.processes.running()
    return max((process.pid for process in running), default=4 * (call.session.logon_id % 4096 + 256))


def _decode_name(encoded: str) -> tuple[str, bool]:
    """Lines 188-207: a name is base64; a folder's has a separator more, which the length gives away."""
    padding = len(encoded) % 4
    if padding == 1 and not _ends_in_separator(encoded):
        raise DotNetError(13, encoded, f"invalid base64 archive name '{encoded}'")
    if padding > 1:
        raise DotNetError(13, encoded, f"invalid base64 length '{encoded}'")
    try:
        name = base64.b64decode(encoded[:-1] if padding else encoded, validate=True)
    except binascii.Error as error:
        raise Win32Error(13, encoded) from error
    return name.decode("utf-8", "replace"), bool(padding)


def _ends_in_separator(path: str) -> bool:
    return path[-1:] in ("/", "\\")
