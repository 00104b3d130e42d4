"""The volumes under the file system: finding nodes, judging access, counting locks and space, the state.

Contents lie as blobs by SHA-256 under ``state_dir/blobs``; the tree is kept in memory and saved as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from winlab.errors import Win32Error
from winlab.host import acl, paths, shares, sids
from winlab.host.blobs import BlobStore
from winlab.host.drives import Drive, Share, default_shares, drives_of
from winlab.host.open_files import OpenFiles
from winlab.host.registry import HIVE_MAGIC
from winlab.host.shares import Caller, ThroughShare, Way
from winlab.host.tree import Node

__all__ = ["Caller", "FileHost", "Volumes"]

ERROR_FILE_NOT_FOUND = 2
ERROR_PATH_NOT_FOUND = 3
ERROR_ACCESS_DENIED = 5
ERROR_SHARING_VIOLATION = 32
ERROR_BAD_NETPATH = 53
ERROR_BAD_NET_NAME = 67
ERROR_DISK_FULL = 112
ERROR_DIRECTORY = 267
ERROR_CANT_RESOLVE_FILENAME = 1921

# The hive of a user, in his profile (Microsoft, "Registry Hives").
USER_HIVE_FILE = "NTUSER.DAT"
# NTFS follows at most this many links in one path ([MS-FSCC] 2.1.5: 63 reparse points).
MAX_LINKS = 63
# CreateFile, CREATE_ALWAYS: an existing file with one of these is refused (Microsoft Learn, "CreateFileW").
_PRECIOUS = frozenset({"ReadOnly", "Hidden", "System"})


class Clock(Protocol):
    """The host's clock."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""


class FileHost(Protocol):
    """The part of a `Host` that the file system needs."""

    @property
    def computer_name(self) -> str:
        """Its name in the network."""

    @property
    def definition(self) -> Mapping[str, Any]:
        """The host's entry in the lab definition."""

    @property
    def state_dir(self) -> Path:
        """Where state and blobs lie."""

    @property
    def clock(self) -> Clock:
        """The host's clock."""

    def touch(self, component: str) -> None:
        """Say that the state of `component` changed."""


class Volumes:
    """The trees of one host's volumes and of the network shares it reaches.

    Args:
        host: its definition may hold `drives` (letter -> `label`, `size_gib`, `free_gib`) and `shares` (a
            list or the keys of a mapping: UNC shares of other machines that can be reached).
    """

    def __init__(self, host: FileHost) -> None:
        self._host = host
        self.blobs = BlobStore(host.state_dir / "blobs")
        self.drives: dict[str, Drive] = drives_of(host.definition)
        self.shares: dict[str, Share] = default_shares()
        self._volumes: dict[str, Node] = {}
        self._open = OpenFiles()
        self._dropped: set[str] = set()
        for letter in self.drives:
            self._add_volume(f"{letter}:\\")
        for share in host.definition.get("shares") or ():
            self._add_volume(paths.normalise(share))
        self._lay_out()

    def to_state(self) -> dict[str, Any]:
        """Return everything but the contents, ready for JSON."""
        return {
            "drives": [drive.to_state() for drive in self.drives.values()],
            "shares": [
                [
                    share.name,
                    share.path,
                    share.description,
                    share.special,
                    [list(pair) for pair in share.settings],
                    list(share.access),
                ]
                for share in self.shares.values()
            ],
            "volumes": [volume.to_state() for volume in self._volumes.values()],
            **self._open.to_state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Replace everything by what `to_state` returned."""
        self.drives = {item["letter"]: Drive(**item) for item in state["drives"]}
        self.shares = {}
        for name, path, description, special, settings, access in state["shares"]:
            pairs = tuple((key, value) for key, value in settings)
            self.shares[paths.fold(name)] = Share(name, path, description, special, pairs, tuple(access))
        self._volumes = {}
        for item in state["volumes"]:
            volume = Node.from_state(item)
            self._volumes[paths.fold(volume.name)] = volume
            drive = self.drives.get(paths.drive(volume.name))
            if drive is not None:
                drive.used = sum(size for node in volume.below() for _, size in node.contents())
        self._open.load_state(state)
        self._dropped.clear()

    def collect_garbage(self) -> None:
        """Remove contents that no file has any more. To be called after the state was saved, never before."""
        if not self._dropped:
            return
        self.blobs.discard(self._dropped - self._alive())
        self._dropped.clear()

    def sweep(self) -> None:
        """Remove every content that no file has: what a process left that ended before it could."""
        self.blobs.sweep(self._alive())

    def _alive(self) -> set[str]:
        return {
            blob
            for volume in self._volumes.values()
            for node in volume.below()
            for blob, _ in node.contents()
        }

    def _add_volume(self, name: str) -> None:
        now = self._host.clock.now()
        volume = Node(name, sids.TRUSTED_INSTALLER, children={}, created=now, modified=now, accessed=now)
        volume.aces, volume.protected = acl.canonical(acl.VOLUME_ROOT), True
        self._volumes[paths.fold(name)] = volume

    def _lay_out(self) -> None:
        """Make the folders that every Windows Server has, with their rules."""
        system = acl.SYSTEM_FOLDER
        layout = (
            ("C:\\Windows", sids.TRUSTED_INSTALLER, system),
            ("C:\\Windows\\System32", sids.TRUSTED_INSTALLER, system),
            ("C:\\Windows\\Temp", sids.SYSTEM, acl.WINDOWS_TEMP),
            ("C:\\Program Files", sids.TRUSTED_INSTALLER, system),
            ("C:\\Program Files (x86)", sids.TRUSTED_INSTALLER, system),
            ("C:\\ProgramData", sids.SYSTEM, acl.PROGRAM_DATA),
            ("C:\\Users", sids.SYSTEM, acl.USERS_FOLDER),
            ("C:\\Users\\Default", sids.SYSTEM, acl.USERS_FOLDER),
        )
        for path, owner, rules in layout:
            now = self._host.clock.now()
            node = self._attach(self._parent(path), paths.name(path), None, now, folder=True)
            node.owner, node.aces, node.protected = owner, acl.canonical(rules), True
        hive = self._attach(self._parent("C:\\Users\\Default\\NTUSER.DAT"), "NTUSER.DAT", None, now)
        hive.blob, hive.size = self.blobs.put(HIVE_MAGIC)
        self.blobs.unpin(hive.blob)
        self._charge(hive, hive.size, hive.name)
        hive.attributes = frozenset({"Hidden", "System", "Archive"})
        self._node("C:\\Users\\Default").attributes = frozenset({"Hidden", "ReadOnly"})
        self._node("C:\\ProgramData").attributes = frozenset({"Hidden"})
        self._node("C:\\Users").attributes = frozenset({"ReadOnly"})

    def _through(self, path: str, session: Caller | None, follow: bool = True) -> Caller | None:
        """Return the logon as it may act at `path`: through a share, no more than that grants.

        Raises:
            Win32Error: 5 a share refuses it, or another machine does (the "second hop").
        """
        if session is None:
            return None
        way = Way(session.caller if isinstance(session, ThroughShare) else session)
        self._find(_file_of(path), follow, way)
        return way.arrived()

    def _peek(self, path: str, session: Caller | None) -> Node | None:
        try:
            clean, stream = paths.split_stream(paths.normalise(path))
            session = self._through(path, session)
            node = self._find(clean)
            if node is None or (stream is not None and paths.fold(stream) not in node.streams):
                return None
            self._check_list(node, session)
        except Win32Error:
            return None
        return node

    def _find(self, clean: str, follow: bool = True, way: Way | None = None, depth: int = 0) -> Node | None:
        """Return the node at a normalised path without a stream, or None; `way` judges what it enters."""
        clean = self._local(clean, way)
        node = self._volumes.get(paths.fold(paths.root(clean)))
        if node is None:
            return None
        names = paths.parts(clean)
        for position, name in enumerate(names):
            found = node.child(name)
            if found is None:
                return None
            node = found
            if node.link is not None and (follow or position < len(names) - 1):
                if depth >= MAX_LINKS:
                    raise Win32Error(ERROR_CANT_RESOLVE_FILENAME, clean)
                target = paths.join(self._target(node), *names[position + 1 :])
                return self._find(target, follow, way, depth + 1)
        return node

    def _local(self, clean: str, way: Way | None = None) -> str:
        r"""Return what a UNC path to one of the host's own shares stands for; other paths as they are.

        Raises:
            Win32Error: 53 for a server that is not there, 67 for a share that it does not have, 5 for one
                that `way` may not take.
        """
        if not paths.is_unc(clean):
            return clean
        server, share, *names = clean[2:].split("\\")
        if paths.fold(server) in {"LOCALHOST", "127.0.0.1", paths.fold(self._host.computer_name)}:
            local = self.shares.get(paths.fold(share))
            if local is None or not local.path:
                raise Win32Error(ERROR_BAD_NET_NAME, clean)
            if way is not None:
                way.enter(local, clean)
            return paths.join(local.path, *names)
        if paths.fold(paths.root(clean)) not in self._volumes:
            raise Win32Error(ERROR_BAD_NETPATH, clean)
        if way is not None:
            way.leave(clean)
        return clean

    def _target(self, link: Node) -> str:
        """Return where a link leads, absolute."""
        assert link.link is not None and link.parent is not None  # noqa: S101  only called for links
        return paths.normalise(link.link[1], link.parent.path())

    def _node(self, path: str, session: Caller | None = None, follow: bool = True) -> Node:
        """Return the node at `path`.

        Raises:
            Win32Error: 2 when its folder exists, 3 when not, 5 when the logon may not look there.
        """
        clean = _file_of(path)
        node = self._find(clean, follow)
        if node is None:
            above = self._find(paths.parent(clean))
            missing_file = above is not None and above.is_dir and paths.parent(clean) != clean
            raise Win32Error(ERROR_FILE_NOT_FOUND if missing_file else ERROR_PATH_NOT_FOUND, path)
        self._check_list(node, session)
        return node

    def _folder(self, path: str, session: Caller | None) -> Node:
        session = self._through(path, session)
        node = self._node(path, session)
        if not node.is_dir:
            raise Win32Error(ERROR_DIRECTORY, path)
        self._require(node, session, acl.READ_DATA)
        return node

    def _parent(self, clean: str) -> Node:
        parent = self._find(paths.parent(clean))
        if parent is None or not parent.is_dir:
            raise Win32Error(ERROR_PATH_NOT_FOUND, clean)
        return parent

    def _check_list(self, node: Node, session: Caller | None) -> None:
        """Let a logon see a node when it may read its attributes or list its folder."""
        if session is None or node.parent is None:
            return
        if not self._may(node, session, acl.READ_ATTRIBUTES) and not self._may(
            node.parent, session, acl.READ_DATA
        ):
            raise Win32Error(ERROR_ACCESS_DENIED, node.path())

    @staticmethod
    def _may(node: Node, session: Caller, mask: int) -> bool:
        return shares.grants(session, mask) and acl.allows(node.effective(), node.owner, session, mask)

    def _require(self, node: Node, session: Caller | None, mask: int) -> None:
        if session is not None and not self._may(node, session, mask):
            raise Win32Error(ERROR_ACCESS_DENIED, node.path())

    def _is_open(self, node: Node, session: Caller | None) -> bool:
        return bool(self._open.holders(node)) or _is_own_hive(node, session)

    def _check_lock(self, node: Node, session: Caller | None = None) -> None:
        """Refuse to write to a file that a process has open or loaded."""
        if self._is_open(node, session):
            raise Win32Error(ERROR_SHARING_VIOLATION, node.path())

    def _is_only_loaded(self, node: Node, session: Caller | None) -> bool:
        return self._open.is_only_loaded(node) and not _is_own_hive(node, session)

    def _check_share(self, node: Node, session: Caller | None) -> None:
        """Refuse a program the content of a file that a process has open without sharing it for reading.

        The holder's own reading is the host's doing and comes without session.
        """
        if session is None:
            return
        if self._open.is_closed_to_readers(node) or _is_own_hive(node, session):
            raise Win32Error(ERROR_SHARING_VIOLATION, node.path())

    def _require_removal(self, node: Node, session: Caller | None) -> None:
        """A thing may be removed by who may delete it, or delete in its folder."""
        if session is None or node.parent is None or self._may(node, session, acl.DELETE):
            return
        if not shares.grants(session, acl.DELETE):
            raise Win32Error(ERROR_ACCESS_DENIED, node.path())
        parent = node.parent
        if not acl.allows(parent.effective(), parent.owner, session, acl.DELETE_CHILD):
            raise Win32Error(ERROR_ACCESS_DENIED, parent.path())

    def _check_removal(self, node: Node, session: Caller | None, force: bool) -> None:
        if self._is_only_loaded(node, session):
            raise Win32Error(ERROR_ACCESS_DENIED, node.path())
        self._check_lock(node, session)
        self._require_removal(node, session)
        if session is not None and not force and not node.is_dir and "ReadOnly" in node.attributes:
            raise Win32Error(ERROR_ACCESS_DENIED, node.path())

    def _place(self, clean: str, session: Caller | None, force: bool) -> tuple[Node, Node | None]:
        """Return folder and existing file for a write to `clean` after all checks but that of space."""
        parent = self._parent(clean)
        node = self._find(clean)
        if node is None:
            self._require(parent, session, acl.WRITE_DATA)
            return parent, None
        if node.is_dir:
            raise Win32Error(ERROR_ACCESS_DENIED, clean)
        self._check_lock(node, session)
        self._require(node, session, acl.WRITE_DATA | acl.APPEND_DATA)
        if session is not None and not force and node.attributes & _PRECIOUS:
            raise Win32Error(ERROR_ACCESS_DENIED, clean)
        return parent, node

    def _attach(
        self, parent: Node, name: str, session: Caller | None, now: float, folder: bool = False
    ) -> Node:
        node = Node(name, acl.default_owner(session), parent, created=now, modified=now, accessed=now)
        if folder:
            node.children = {}
        assert parent.children is not None  # noqa: S101  `_parent` returns folders only
        parent.children[paths.fold(name)] = node
        parent.modified = now
        return node

    def _reattach(self, node: Node, parent: Node, name: str) -> None:
        old = node.parent
        assert old is not None and old.children is not None and parent.children is not None  # noqa: S101
        if parent is not old:
            node.keep_rules()
        del old.children[paths.fold(node.name)]
        node.name, node.parent = name, parent
        parent.children[paths.fold(name)] = node
        old.modified = parent.modified = self._host.clock.now()

    def _detach(self, node: Node) -> None:
        parent = node.parent
        assert parent is not None and parent.children is not None  # noqa: S101  volumes are never removed
        self._forget_contents(node)
        if node.names:
            node.names.remove(node)
            if len(node.names) == 1:
                node.names[0].names = []
            node.names = []
        del parent.children[paths.fold(node.name)]
        parent.modified = self._host.clock.now()

    def _remove(self, node: Node, session: Caller | None, force: bool) -> None:
        """Remove a node after all below it, in the order of their names."""
        waiting = [(node, False)]
        while waiting:
            current, is_empty = waiting.pop()
            if is_empty or current.link is not None or not current.children:
                self._check_removal(current, session, force)
                self._detach(current)
                self._host.touch("files")
            else:
                waiting.append((current, True))
                waiting.extend((child, False) for child in reversed(current.sorted_children()))

    def _adopt_stream(self, clean: str, name: str, sha256: str, size: int, session: Caller | None) -> Node:
        """Make a stored content an alternate stream; a missing file is created, as in Windows."""
        try:
            if not paths.is_valid(f"{paths.extended(clean)}:{name}"):
                raise Win32Error(paths.ERROR_INVALID_NAME, f"{clean}:{name}")
            node = self._find(clean)
            if node is None:
                parent, _ = self._place(clean, session, force=False)
            else:
                self._require(node, session, acl.WRITE_DATA)
            old = node.streams.get(paths.fold(name)) if node else None
            self._charge(node or parent, size - (old[2] if old else 0), clean)
        except Win32Error:
            self._give_up(sha256)
            raise
        if node is None:
            node = self._attach(parent, paths.name(clean), session, self._host.clock.now())
            node.blob, node.size = self.blobs.put(b"")
            self.blobs.unpin(node.blob)
            node.attributes = frozenset({"Archive"})
        if old is not None:
            self._dropped.add(old[1])
        node.streams[paths.fold(name)] = (name, sha256, size)
        node.share()
        self.blobs.unpin(sha256)
        self._host.touch("files")
        return node

    def _give_up(self, sha256: str) -> None:
        """Forget a stored content that no file could be made of."""
        self.blobs.unpin(sha256)
        self._dropped.add(sha256)

    def _drop_contents(self, node: Node) -> None:
        """Let a file forget what it held; the space is counted by the caller."""
        self._dropped.update(blob for blob, _ in node.contents())
        node.blob, node.size = None, 0
        node.streams = {}

    def _forget_contents(self, node: Node) -> None:
        for blob, size in list(node.contents()):
            self._release(node, blob, size)
        self._drop_contents(node)

    def _release(self, node: Node, blob: str, size: int) -> None:
        self._dropped.add(blob)
        drive = self._drive_of(node)
        if drive is not None:
            drive.used -= size

    def _charge(self, node: Node, growth: int, path: str) -> None:
        """Count `growth` bytes onto the volume of `node`, or refuse."""
        drive = self._drive_of(node)
        if drive is None:
            return
        if growth > drive.free:
            raise Win32Error(ERROR_DISK_FULL, path)
        drive.used += growth

    @staticmethod
    def _volume_of(node: Node) -> Node:
        while node.parent is not None:
            node = node.parent
        return node

    def _drive_of(self, node: Node) -> Drive | None:
        return self.drives.get(paths.drive(self._volume_of(node).name))

    def _drive(self, letter: str) -> Drive:
        drive = self.drives.get(letter[:1].upper())
        if drive is None:
            raise Win32Error(ERROR_PATH_NOT_FOUND, letter)
        return drive

    def _is_inside(self, clean: str, node: Node) -> bool:
        """Tell whether `clean` lies below the folder `node`."""
        return node.is_dir and paths.fold(self._local(clean)).startswith(
            paths.fold(paths.join(node.path(), ""))
        )


def _file_of(path: str) -> str:
    """Return the normalised path of the file that `path` names, or one of whose streams it names."""
    return paths.split_stream(paths.normalise(path))[0]


def _is_own_hive(node: Node, session: Caller | None) -> bool:
    """Tell whether this is the registry file of the logon's own user: it is loaded while he is logged on."""
    if session is None:
        return False
    named = [name for name in node.names or (node,) if paths.fold(name.name) == USER_HIVE_FILE]
    hive = paths.fold(paths.join(session.profile, USER_HIVE_FILE))
    return any(paths.fold(name.path()) == hive for name in named)
