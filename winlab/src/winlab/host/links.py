"""Links of a volume: how they are made, and by whom.

Sources: Microsoft's pages "CreateSymbolicLinkW", "CreateHardLinkW", "Hard Links and Junctions", "Create
symbolic links" (the privilege).
"""

from __future__ import annotations

from winlab.errors import Win32Error
from winlab.host import acl, paths
from winlab.host.tree import Node
from winlab.host.volumes import Caller, Volumes

ERROR_ACCESS_DENIED = 5
ERROR_NOT_SAME_DEVICE = 17
ERROR_ALREADY_EXISTS = 183
ERROR_PRIVILEGE_NOT_HELD = 1314
ERROR_INVALID_REPARSE_DATA = 4392

SYMBOLIC_LINKS = "SeCreateSymbolicLinkPrivilege"


class Links(Volumes):
    """The volumes of a host, with their links."""

    def make_link(
        self, path: str, target: str, kind: str, is_dir: bool = False, session: Caller | None = None
    ) -> None:
        """Create a link.

        Args:
            path: the new name.
            target: what it names, relative to its folder or absolute; it need not exist.
            kind: `SymbolicLink`, `JunctionPoint` or `HardLink` (of a file on the same volume).
            is_dir: True for a link to a folder (junctions always are).
            session: who makes it.

        Raises:
            Win32Error: 5 refused, 183 the name is taken, 1314 a symbolic link without its privilege, 4392 a
                junction to another machine (Microsoft Learn, "Hard Links and Junctions": local volumes only).
        """
        if kind == "HardLink":
            self._make_hard_link(path, target, session)
            return
        folder = is_dir or kind == "JunctionPoint"
        clean, parent = self._place_of_link(path, session, acl.APPEND_DATA if folder else acl.WRITE_DATA)
        if kind == "SymbolicLink" and session is not None and not session.holds(SYMBOLIC_LINKS):
            raise Win32Error(ERROR_PRIVILEGE_NOT_HELD, path)
        starts = target.replace("/", "\\")
        if kind == "JunctionPoint" and paths.is_unc(starts) and paths.is_unc(paths.normalise(target)):
            raise Win32Error(ERROR_INVALID_REPARSE_DATA, target)
        node = self._attach(parent, paths.name(clean), session, self._host.clock.now(), folder=folder)
        node.link = (kind, target)
        # Only upstream's target win_stat shows it: a link to a file is made with Archive, as a file is.
        node.attributes = frozenset() if folder else frozenset({"Archive"})
        self._host.touch("files")

    def _place_of_link(self, path: str, session: Caller | None, mask: int) -> tuple[str, Node]:
        """Return the normalised path of a new link and its folder, in which `mask` is needed."""
        clean, session = paths.normalise(path), self._through(path, session, follow=False)
        parent = self._parent(clean)
        if self._find(clean, follow=False) is not None:
            raise Win32Error(ERROR_ALREADY_EXISTS, path)
        self._require(parent, session, mask)
        return clean, parent

    def _make_hard_link(self, path: str, target: str, session: Caller | None) -> None:
        """`CreateHardLink`: one more name for a file, whose attributes must be open to the caller."""
        clean, parent = self._place_of_link(path, session, acl.WRITE_DATA)
        reader = self._through(target, session)
        file = self._node(target, reader)
        if file.is_dir:
            raise Win32Error(ERROR_ACCESS_DENIED, target)
        if self._volume_of(file) is not self._volume_of(parent):
            raise Win32Error(ERROR_NOT_SAME_DEVICE, path)
        self._require(file, reader, acl.WRITE_ATTRIBUTES)
        self._charge(parent, sum(size for _, size in file.contents()), path)
        node = self._attach(parent, paths.name(clean), None, self._host.clock.now())
        names = file.names or [file]
        names.append(node)
        file.names = node.names = names
        file.share()
        self._host.touch("files")
