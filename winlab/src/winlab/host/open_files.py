"""Who has files open, and how: with or without sharing them for reading, or loaded as an image."""

from __future__ import annotations

from typing import Any

from winlab.host import paths
from winlab.host.tree import Node

_Table = dict[str, list[str]]
"""Holders by path, compared without case."""


class OpenFiles:
    """The open files of a host. Holders are named; one holds a file once, however often it opens it."""

    def __init__(self) -> None:
        self._open: _Table = {}
        # Those among the holders that opened the file without FILE_SHARE_READ.
        self._exclusive: _Table = {}
        # Those that have it loaded as an image (`LoadLibrary`), which keeps no handle open.
        self._images: _Table = {}

    def to_state(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {"locks": self._open, "exclusive": self._exclusive, "images": self._images}

    def load_state(self, state: dict[str, Any]) -> None:
        """Replace everything by what `to_state` returned; a state of before may lack a kind."""
        self._open = _copy(state["locks"])
        self._exclusive = _copy(state.get("exclusive", {}))
        self._images = _copy(state.get("images", {}))

    def add(self, path: str, holder: str, *, exclusive: bool, image: bool) -> bool:
        """Note that `holder` has a file open; say whether that is new."""
        new = False
        for table in (self._open, *[self._exclusive] * exclusive, *[self._images] * image):
            holders = table.setdefault(paths.fold(path), [])
            if holder not in holders:
                holders.append(holder)
                new = True
        return new

    def release(self, holder: str) -> bool:
        """Close everything that `holder` has open; say whether there was something."""
        found = False
        for table in (self._open, self._exclusive, self._images):
            for where in [where for where, holders in table.items() if holder in holders]:
                table[where].remove(holder)
                if not table[where]:
                    del table[where]
                found = True
        return found

    def renamed(self, before: str, after: str) -> None:
        """Let what has a file loaded follow it to its new name."""
        for table in (self._open, self._images):
            if holders := table.pop(paths.fold(before), None):
                table[paths.fold(after)] = holders

    def holders(self, node: Node) -> list[str]:
        """Return who has a file open under any of its names: sharing belongs to the file."""
        return _holders(self._open, node)

    def is_closed_to_readers(self, node: Node) -> bool:
        """Whether somebody opened a file without sharing it for reading."""
        return bool(_holders(self._exclusive, node))

    def is_only_loaded(self, node: Node) -> bool:
        """Whether nobody has a file open, but somebody has it loaded.

        Then it may be renamed, but neither removed nor replaced by a rename: STATUS_CANNOT_DELETE and
        STATUS_ACCESS_DENIED, 5 both (Microsoft's sample file system fastfat, fileinfo.c, MmFlushForDelete).
        """
        images = _holders(self._images, node)
        return bool(images) and len(images) == len(_holders(self._open, node))


def _copy(table: _Table) -> _Table:
    return {where: list(holders) for where, holders in table.items()}


def _holders(table: _Table, node: Node) -> list[str]:
    return [holder for name in node.names or (node,) for holder in table.get(paths.fold(name.path()), ())]
