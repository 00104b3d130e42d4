"""Twin of ansible.windows.win_find 3.3.0 (plugins/modules/win_find.ps1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from winlab.errors import ModuleFailure, Win32Error
from winlab.host import paths, timezones
from winlab.host.files import Entry
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk, attribute_names, culture_key, total_seconds
from winlab.modules._links import link_info
from winlab.modules._patterns import like, regex

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
# What `GetAccessControl` throws when the rules may not be read.
_UNAUTHORIZED = "Attempted to perform an unauthorized operation."

Test = Callable[[Entry], bool]


@twin("ansible.windows.win_find")
def win_find(call: Call) -> dict[str, Any]:
    """Find files or folders by name, age, size and kind; results are sorted by path (lines 454-463)."""
    search = _Search(call)
    for path in call.params["paths"]:
        disk = search.disk
        try:
            top = disk.full(str(path))
        except Win32Error:
            search.skip(str(path))
            continue
        search.visit(top, int(call.params["depth"] or 0))
    files = sorted(search.found, key=lambda item: culture_key(item["path"]))
    result: dict[str, Any] = {
        "changed": False,
        "examined": search.examined,
        "matched": len(files),
        "files": files,
    }
    if search.warnings:
        result["warnings"] = search.warnings
    return result


@dataclass
class _Search:
    call: Call
    disk: Disk = field(init=False)
    tests: list[Test] = field(init=False)
    examined: int = 0
    found: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Turn the options into tests; age is looked at before size (lines 399-452)."""
        self.disk = Disk(self.call)
        params = self.call.params
        age = self._age_test(params["age"], params["age_stamp"]) if params["age"] is not None else None
        size = self._size_test(params["size"]) if params["size"] is not None else None
        wanted = (age, self._kind_test(), self._hidden_test(), self._name_test(), size)
        self.tests = [test for test in wanted if test is not None]

    def skip(self, path: str) -> None:
        self.warnings.append(f"Argument path '{path}' does not exist or is not accessible, skipping")

    def visit(self, folder: str, depth: int) -> None:
        """Look through one folder, its subfolders first (lines 177-386)."""
        try:
            entry = self.disk.entry(folder)
        except Win32Error:
            self.skip(folder)
            return
        if not entry.is_dir:
            self.warnings.append(f"Argument path '{folder}' is a file not a directory, skipping")
            return
        below = depth
        for child in self._children(folder):
            enters = child.link_type is None or self.call.params["follow"]
            if child.is_dir and enters and self.call.params["recurse"] and depth != 1:
                # Line 252 counts down once for each subfolder, not for each level: the second one of a folder
                # is searched less deep than the first, and one that gets 0 is searched to the bottom.
                below -= 1
                self.visit(child.path, below)
            mark = child.path.lower()
            if mark in self._seen:
                continue
            self._seen.add(mark)
            self.examined += 1
            if all(test(child) for test in self.tests):
                self.found.append(self._describe(child))

    def _children(self, folder: str) -> list[Entry]:
        """Return the entries below `folder` as `folder` is spelt; nothing where it may not be listed."""
        try:
            entries = self.disk.entries(folder)
        except Win32Error:
            return []
        return [_moved(entry, paths.join(folder, entry.name)) for entry in entries]

    def _age_test(self, text: str, stamp: str) -> Test:
        """Lines 399-427: not negative means at least that old, negative at most that old."""
        amount = _amount(text, r"^(-?\d+)(s|m|h|d|w)?$", _SECONDS, "s")
        if amount is None:
            raise self._fail("Invalid age pattern specified")
        moment = self.call.host.clock.now() - abs(amount)
        attribute = {"mtime": "modified", "ctime": "created", "atime": "accessed"}[stamp.lower()]
        if amount >= 0:
            return lambda entry: moment >= getattr(entry, attribute)
        return lambda entry: moment <= getattr(entry, attribute)

    def _size_test(self, text: str) -> Test:
        """Lines 434-452: not negative means at least, negative at most; a folder's `Length` is 1."""
        limit = _amount(text, r"^(-?\d+)(b|k|m|g|t)?$", _BYTES, "b")
        if limit is None:
            raise self._fail("Invalid size pattern specified")
        if limit >= 0:
            return lambda entry: (1 if entry.is_dir else entry.size) >= limit
        return lambda entry: (1 if entry.is_dir else entry.size) <= -limit

    def _fail(self, message: str) -> ModuleFailure:
        return ModuleFailure(message, changed=False, examined=0, files=[], matched=0)

    def _kind_test(self) -> Test | None:
        kind = str(self.call.params["file_type"]).lower()
        return None if kind == "any" else lambda entry: entry.is_dir == (kind == "directory")

    def _hidden_test(self) -> Test | None:
        return None if self.call.params["hidden"] else lambda entry: "Hidden" not in entry.attributes

    def _name_test(self) -> Test | None:
        """Lines 103-134: ``-like`` never looks at case, a regular expression does with case_sensitive."""
        patterns = self.call.params["patterns"]
        if patterns is None:
            return None
        if not self.call.params["use_regex"]:
            return lambda entry: any(like(entry.name, pattern) for pattern in patterns)
        compiled = [regex(pattern, not self.call.params["case_sensitive"]) for pattern in patterns]
        return lambda entry: any(pattern.search(entry.name) for pattern in compiled)

    def _describe(self, entry: Entry) -> dict[str, Any]:
        """Lines 290-382."""
        link = link_info(self.disk, entry)
        share = self.disk.share_names(entry.path) if entry.is_dir else None
        return {
            "attributes": ", ".join(attribute_names(entry)),
            "checksum": self._checksum(entry),
            "creationtime": self._wall(entry.created),
            "exists": True,
            "extension": None if entry.is_dir else paths.suffix(entry.name),
            "filename": entry.name,
            "isarchive": "Archive" in entry.attributes,
            "isdir": entry.is_dir,
            "ishidden": "Hidden" in entry.attributes,
            "isreadonly": "ReadOnly" in entry.attributes,
            "isreg": not entry.is_dir and link is None,
            "isshared": share is not None,
            "lastaccesstime": self._wall(entry.accessed),
            "lastwritetime": self._wall(entry.modified),
            "owner": self._owner(entry),
            "path": entry.path,
            "sharename": share,
            "size": None if entry.is_dir else entry.size,
            "isjunction": link is not None and link.type == "JunctionPoint",
            "islnk": link is not None and link.type == "SymbolicLink",
            "nlink": len(entry.hard_links) + 1,
            "lnk_source": link.absolute_path if link else None,
            "lnk_target": link.target_path if link else None,
            # Line 373 reads the targets from the wrong variable: a file with several names gets one null.
            "hlnk_targets": [None] if entry.hard_links else [],
        }

    def _wall(self, moment: float) -> float:
        """Lines 296-311 count from 1970 in the host's own zone, other than win_stat."""
        return total_seconds(moment + timezones.offset(self.call.host, moment))

    def _checksum(self, entry: Entry) -> str | None:
        if entry.is_dir or not self.call.params["get_checksum"]:
            return None
        try:
            return self.disk.digest(entry.path, self.call.params["checksum_algorithm"])
        except Win32Error:
            return None

    def _owner(self, entry: Entry) -> str | None:
        try:
            return self.disk.owner_name(self.disk.files.owner(entry.path, self.disk.session))
        except Win32Error:
            self.warnings.append(f"Failed to get the owner for '{entry.path}': {_UNAUTHORIZED}")
            return None


def _moved(entry: Entry, path: str) -> Entry:
    """Return the entry with the path that the caller walked, which differs below links."""
    if entry.path == path:
        return entry
    values = {name: getattr(entry, name) for name in Entry.__slots__}
    return Entry(**{**values, "path": path})


def _amount(text: str, pattern: str, units: dict[str, int], default: str) -> int | None:
    match = re.search(pattern, text, re.IGNORECASE)
    return int(match[1]) * units[(match[2] or default).lower()] if match else None
