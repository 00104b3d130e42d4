"""The files of a host, as programs and modules use them.

Where Windows has several manners, the one that the .NET Framework and PowerShell 5.1 show to modules is
taken.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from winlab.errors import Win32Error
from winlab.host import acl, paths
from winlab.host.acl import Acl
from winlab.host.blobs import CHUNK, Upload
from winlab.host.links import Links
from winlab.host.tree import Entry, Node
from winlab.host.volumes import Caller, FileHost

__all__ = ["Caller", "Entry", "FileHost", "FileSystem", "Upload"]

ERROR_FILE_NOT_FOUND = 2
ERROR_ACCESS_DENIED = 5
ERROR_SHARING_VIOLATION = 32
ERROR_DIR_NOT_EMPTY = 145
ERROR_ALREADY_EXISTS = 183

KNOWN_ATTRIBUTES = frozenset({"ReadOnly", "Hidden", "System", "Archive", "Compressed", "NotContentIndexed"})


class FileSystem(Links):
    """All volumes of one host.

    Every method takes a path as text in any Windows form and raises `Win32Error` as the system would. With
    `session` an operation is judged by the access rules, without it is the host's own doing.
    """

    # questions

    def exists(self, path: str, session: Caller | None = None) -> bool:
        """Tell whether a file or folder is there and, with `session`, may be seen; no path is no error."""
        return self._peek(path, session) is not None

    def is_file(self, path: str, session: Caller | None = None) -> bool:
        """Tell whether a file is there (``Test-Path -PathType Leaf``)."""
        node = self._peek(path, session)
        return node is not None and not node.is_dir

    def is_dir(self, path: str, session: Caller | None = None) -> bool:
        """Tell whether a folder is there (``Test-Path -PathType Container``)."""
        node = self._peek(path, session)
        return node is not None and node.is_dir

    def entry(self, path: str, session: Caller | None = None) -> Entry:
        """Return what a listing says of `path`; links are described, not followed."""
        return self._node(path, self._through(path, session, follow=False), follow=False).entry()

    def listdir(self, path: str, session: Caller | None = None) -> list[str]:
        """Return the names in a folder in NTFS order."""
        return [child.name for child in self._folder(path, session).sorted_children()]

    def entries(self, path: str, session: Caller | None = None) -> list[Entry]:
        """Return the entries of a folder in NTFS order."""
        return [child.entry() for child in self._folder(path, session).sorted_children()]

    def walk(self, path: str) -> Iterator[Entry]:
        """Yield what lies below a folder, depth first, folders before their content; no link is followed."""
        for node in self._folder(path, None).below():
            yield node.entry()

    def final_path(self, path: str) -> str:
        """Return `path` with links followed, in the case the names were made with."""
        return self._node(path).path()

    # contents

    def open(self, path: str, session: Caller | None = None) -> BinaryIO:
        r"""Open a file, or an alternate stream (``C:\a.txt:stream``), for reading."""
        _, stream = paths.split_stream(paths.normalise(path))
        session = self._through(path, session)
        node = self._node(path, session)
        self._require(node, session, acl.READ_DATA)
        if stream is not None:
            found = node.streams.get(paths.fold(stream))
            if found is None:
                raise Win32Error(ERROR_FILE_NOT_FOUND, path)
            return self.blobs.open(found[1])
        if node.blob is None:
            raise Win32Error(ERROR_ACCESS_DENIED, path)
        self._check_share(node, session)
        return self.blobs.open(node.blob)

    def read_bytes(self, path: str, session: Caller | None = None) -> bytes:
        """Return a whole content; for files that are known to be small."""
        with self.open(path, session) as stream:
            return stream.read()

    def new_upload(self) -> Upload:
        """Start to receive a content that `adopt_blob` will make a file of."""
        return self.blobs.upload()

    def write_bytes(
        self, path: str, data: bytes, session: Caller | None = None, *, force: bool = False
    ) -> Entry:
        """Create or replace a file in an existing folder; `force` replaces read-only and hidden ones too."""
        return self.write_stream(path, io.BytesIO(data), session, force=force)

    def write_stream(
        self, path: str, stream: BinaryIO, session: Caller | None = None, *, force: bool = False
    ) -> Entry:
        """Create or replace a file with what `stream` yields, in pieces."""
        with self.new_upload() as upload:
            while piece := stream.read(CHUNK):
                upload.write(piece)
            sha256, size = upload.finish()
        return self.adopt_blob(path, sha256, size, session, force=force)

    def adopt_blob(
        self, path: str, sha256: str, size: int, session: Caller | None = None, *, force: bool = False
    ) -> Entry:
        """Create or replace a file whose content an `Upload` has stored.

        Raises:
            Win32Error: 3 no such folder, 5 refused, 32 locked, 112 disk full; the old content stays then.
        """
        clean, stream = paths.split_stream(paths.normalise(path))
        try:
            session = self._through(path, session)
        except Win32Error:
            self._give_up(sha256)
            raise
        if stream is not None:
            return self._adopt_stream(clean, stream, sha256, size, session).entry()
        try:
            parent, node = self._place(clean, session, force)
            held = sum(old for _, old in node.contents()) if node else 0
            self._charge(parent, size - held, clean)
        except Win32Error:
            self._give_up(sha256)
            raise
        now = self._host.clock.now()
        if node is None:
            node = self._attach(parent, paths.name(clean), session, now)
        else:
            self._drop_contents(node)
        node.blob, node.size, node.modified = sha256, size, now
        node.attributes = (node.attributes - {"ReadOnly"} if force else node.attributes) | {"Archive"}
        node.share()
        self.blobs.unpin(sha256)
        self._host.touch("files")
        return node.entry()

    def digest(self, path: str, algorithm: str = "sha256", session: Caller | None = None) -> str:
        """Return a digest of a file's content in lower-case hexadecimal."""
        session = self._through(path, session)
        node = self._node(path, session)
        self._require(node, session, acl.READ_DATA)
        if node.blob is None:
            raise Win32Error(ERROR_ACCESS_DENIED, path)
        self._check_share(node, session)
        return self.blobs.digest(node.blob, algorithm)

    # alternate streams

    def streams(self, path: str) -> dict[str, bytes]:
        """Return the alternate streams of a file or folder; ``Zone.Identifier`` is the mark of the web."""
        node = self._node(path)
        result = {}
        for name, blob, _ in (node.streams[key] for key in sorted(node.streams)):
            with self.blobs.open(blob) as stream:
                result[name] = stream.read()
        return result

    def write_stream_named(self, path: str, name: str, data: bytes, session: Caller | None = None) -> None:
        """Create or replace one alternate stream."""
        clean, session = paths.normalise(path), self._through(path, session)
        sha256, size = self.blobs.put(data)
        self._adopt_stream(clean, name, sha256, size, session)

    def delete_stream(self, path: str, name: str, session: Caller | None = None) -> None:
        """Remove one alternate stream."""
        session = self._through(path, session)
        node = self._node(path, session)
        self._require(node, session, acl.WRITE_DATA)
        found = node.streams.pop(paths.fold(name), None)
        if found is None:
            raise Win32Error(ERROR_FILE_NOT_FOUND, f"{path}:{name}")
        self._release(node, found[1], found[2])
        node.share()
        self._host.touch("files")

    # making, moving, removing

    def mkdir(
        self, path: str, parents: bool = True, exist_ok: bool = True, session: Caller | None = None
    ) -> list[str]:
        """Create a folder and, with `parents`, those above it.

        Returns:
            The folders that were made, outermost first.

        Raises:
            Win32Error: 3 the folder above is missing, 5 refused, 183 there already, 206 too long.
        """
        clean, session = paths.normalise(path), self._through(path, session)
        node = self._find(clean)
        if node is not None:
            if node.is_dir and exist_ok:
                return []
            raise Win32Error(ERROR_ALREADY_EXISTS, path)
        if len(clean) > paths.MAX_DIRECTORY_PATH and not paths.is_extended(path):
            raise Win32Error(paths.ERROR_FILENAME_TOO_LONG, path)
        missing = [clean]
        above = paths.parent(clean)
        while parents and above != missing[-1] and self._find(above) is None:
            missing.append(above)
            above = paths.parent(above)
        missing.reverse()
        for folder in missing:
            parent = self._parent(folder)
            self._require(parent, session, acl.APPEND_DATA)
            self._attach(parent, paths.name(folder), session, self._host.clock.now(), folder=True)
            self._host.touch("files")
        return missing

    def delete(
        self, path: str, recursive: bool = False, session: Caller | None = None, *, force: bool = False
    ) -> None:
        """Remove a file, a folder or a link (never what it names).

        With `recursive` the content goes first; what stops half way leaves the rest, as in Windows.

        Raises:
            Win32Error: 2 or 3 not there, 5 refused or read-only (unless `force`), 32 locked, 145 not empty.
        """
        session = self._through(path, session, follow=False)
        node = self._node(path, session, follow=False)
        if node.parent is None:
            raise Win32Error(ERROR_ACCESS_DENIED, path)
        if node.children and node.link is None and not recursive:
            raise Win32Error(ERROR_DIR_NOT_EMPTY, path)
        self._remove(node, session, force)
        self._host.touch("files")

    def move(self, source: str, target: str, session: Caller | None = None, *, replace: bool = False) -> None:
        """Rename or move a file or folder; `target` is the new path, not the folder to move into.

        Raises:
            Win32Error: 32 the file is open, 5 something in the folder is ([MS-FSA] 2.1.5.15.11), 183 `target`
                exists (and `replace` is False).
        """
        reader = self._through(source, session, follow=False)
        writer = self._through(target, session, follow=False)
        node = self._node(source, reader, follow=False)
        clean = paths.normalise(target)
        old = self._find(clean, follow=False)
        if node.parent is None or self._is_inside(clean, node):
            raise Win32Error(ERROR_ACCESS_DENIED, source)
        if old is not None and old is not node:
            if not replace or old.is_dir or node.is_dir:
                raise Win32Error(ERROR_ALREADY_EXISTS, target)
            self._check_removal(old, writer, force=False)
        parent = self._parent(clean)
        loaded = self._is_only_loaded(node, session)
        if loaded and self._volume_of(parent) is not self._volume_of(node):
            raise Win32Error(ERROR_ACCESS_DENIED, source)
        if not loaded:
            self._check_lock(node, session)
        for below in node.below():
            if self._is_open(below, session):
                raise Win32Error(ERROR_ACCESS_DENIED, source)
        self._require_removal(node, reader)
        self._require(parent, writer, acl.APPEND_DATA if node.is_dir else acl.WRITE_DATA)
        if self._volume_of(parent) is not self._volume_of(node):
            self.copy(source, target, session, force=True)
            self._remove(node, reader, force=True)
            return
        if old is not None and old is not node:
            self._detach(old)
        before = node.path()
        self._reattach(node, parent, paths.name(clean))
        if loaded:
            self._open.renamed(before, node.path())
        self._host.touch("files")

    def copy(self, source: str, target: str, session: Caller | None = None, *, force: bool = False) -> Entry:
        r"""Copy a file or a whole folder; `target` is the new path. Last write time and streams go along.

        Below a folder the limit of 259 characters holds too, unless source or target lifts it by ``\\?\``.
        """
        waiting = [(source, target)]
        while waiting:
            one, other = waiting.pop()
            node = self._node(one, self._through(one, session))
            if not node.is_dir:
                self._copy_file(node, one, other, session, force)
                continue
            if self._is_inside(paths.normalise(other), node):
                raise Win32Error(ERROR_SHARING_VIOLATION, other)
            self.mkdir(other, session=session)
            waiting.extend(
                (paths.join(one, child.name), paths.join(other, child.name))
                for child in reversed(node.sorted_children())
            )
        return self._node(target, follow=False).entry()

    def _copy_file(
        self,
        node: Node,
        source: str,
        target: str,
        session: Caller | None,
        force: bool,
    ) -> None:
        reader = self._through(source, session)
        self._require(node, reader, acl.READ_DATA)
        if node.blob is None:
            raise Win32Error(ERROR_ACCESS_DENIED, source)
        self._check_share(node, reader)
        if self._find(paths.normalise(target)) is node:
            raise Win32Error(ERROR_SHARING_VIOLATION, target)
        extra = [(name, blob, size) for name, blob, size in node.streams.values()]
        self.blobs.pin(node.blob)
        self.adopt_blob(target, node.blob, node.size, session, force=force)
        for name, blob, size in extra:
            self.blobs.pin(blob)
            self._adopt_stream(paths.normalise(target), name, blob, size, None)
        copied = self._node(target)
        copied.modified = node.modified
        copied.attributes = node.attributes | {"Archive"}

    # Attributes and times are those of a link itself (Microsoft's page "Symbolic Link Effects on File Systems
    # Functions", GetFileAttributes). That rules and owner are, too, only upstream's target win_acl shows.

    def set_attributes(self, path: str, attributes: Iterable[str], session: Caller | None = None) -> None:
        """Replace the attributes; names as in `System.IO.FileAttributes`."""
        wanted = frozenset(attributes)
        if wanted - KNOWN_ATTRIBUTES:
            raise ValueError(
                f"attributes {sorted(wanted - KNOWN_ATTRIBUTES)}; expected {sorted(KNOWN_ATTRIBUTES)}"
            )
        session = self._through(path, session, follow=False)
        node = self._node(path, session, follow=False)
        self._require(node, session, acl.WRITE_ATTRIBUTES)
        node.attributes = wanted
        node.share()
        self._host.touch("files")

    def set_times(
        self,
        path: str,
        created: float | None = None,
        modified: float | None = None,
        accessed: float | None = None,
        session: Caller | None = None,
    ) -> None:
        """Set the given times (seconds since 1970, UTC)."""
        session = self._through(path, session, follow=False)
        node = self._node(path, session, follow=False)
        self._require(node, session, acl.WRITE_ATTRIBUTES)
        node.created = node.created if created is None else created
        node.modified = node.modified if modified is None else modified
        node.accessed = node.accessed if accessed is None else accessed
        node.share()
        self._host.touch("files")

    def acl(self, path: str, session: Caller | None = None) -> Acl:
        """Return the access rules, inherited ones included."""
        session = self._through(path, session, follow=False)
        node = self._node(path, session, follow=False)
        self._require(node, session, acl.READ_PERMISSIONS)
        return Acl(node.effective(), node.protected)

    def set_acl(self, path: str, rules: Acl, session: Caller | None = None) -> None:
        """Replace the object's own rules; inherited ones in `rules` are ignored: the parent has them."""
        session = self._through(path, session, follow=False)
        node = self._node(path, session, follow=False)
        self._require(node, session, acl.CHANGE_PERMISSIONS)
        node.aces, node.protected = acl.canonical(rules.explicit), rules.protected
        node.share()
        node.pass_rules_on()
        self._host.touch("files")

    def owner(self, path: str, session: Caller | None = None) -> str:
        """Return the owner's SID."""
        session = self._through(path, session, follow=False)
        node = self._node(path, session, follow=False)
        self._require(node, session, acl.READ_PERMISSIONS)
        return node.owner

    def set_owner(self, path: str, sid: str, session: Caller | None = None) -> None:
        """Give the object to `sid`."""
        session = self._through(path, session, follow=False)
        node = self._node(path, session, follow=False)
        self._require(node, session, acl.TAKE_OWNERSHIP)
        node.owner = sid
        node.share()
        self._host.touch("files")

    def allowed(self, path: str, session: Caller, mask: int) -> bool:
        """Tell whether a logon has all rights of `mask` (see `winlab.host.acl`) on what is at `path`."""
        judged = self._through(path, session)
        assert judged is not None  # noqa: S101  a logon stays one
        return self._may(self._node(path), judged, mask)

    # locks and space

    def lock(self, path: str, holder: str, *, exclusive: bool = False, image: bool = False) -> None:
        """Keep a file from being replaced, moved or removed, as a process that has it open does.

        Args:
            path: the file.
            holder: who has it open.
            exclusive: whether it was opened without sharing it for reading (`CreateFile`, dwShareMode): its
                content is refused to others then, its attributes and rules are not.
            image: whether it is loaded as a program or library rather than open: it may be renamed then.
        """
        if self._open.add(self._node(path).path(), holder, exclusive=exclusive, image=image):
            self._host.touch("files")

    def unlock_all(self, holder: str) -> None:
        """Release everything that `holder` has locked."""
        if self._open.release(holder):
            self._host.touch("files")

    def holder_of(self, path: str) -> str | None:
        """Return who has locked a file first, or None."""
        return next(iter(self._open.holders(self._node(path))), None)

    def free_bytes(self, drive: str = "C") -> int:
        """Return the bytes that can still be written to a drive.

        Raises:
            Win32Error: 3 when there is no such drive.
        """
        return self._drive(drive).free

    def set_free_bytes(self, drive: str, free: int) -> None:
        """Fill a drive with files of others so far that `free` bytes are left."""
        self._drive(drive).set_free(free)
        self._host.touch("files")
