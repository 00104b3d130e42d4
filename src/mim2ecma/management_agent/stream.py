"""Read the bytes of an export once: hash and scan them, then parse them whole or, if many, in pieces."""

from __future__ import annotations

import codecs
import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lxml import etree

from mim2ecma.documents import limits
from mim2ecma.documents.errors import InputError
from mim2ecma.documents.findings import Finding
from mim2ecma.management_agent import encodings
from mim2ecma.management_agent.crowding import looks_crowded
from mim2ecma.management_agent.problems import EXPORT_AGAIN, UnreadableError
from mim2ecma.management_agent.pruning import Pruner, tree_cost
from mim2ecma.management_agent.raw import FLOW, RawExport, not_well_formed
from mim2ecma.management_agent.scan import Scanner

_PARSED_WHOLE: Final = 4 * limits.MIB  # up to here a document is parsed at once, twice the largest real one
_HIGHEST_COST: Final = 70  # in memory, a byte of a document: `x<a>` costs 69, ` a=""` 48, a text 8
_READ_AT_ONCE: Final = _PARSED_WHOLE  # so that what is parsed at once is in one piece and need not be joined
_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
)
_END: Final = 64  # bytes at the end that tell whether a document was cut off


def read_raw(source: bytes | Path) -> RawExport:
    """Read an export.

    Args:
        source: Its bytes, or the path of the file.

    Returns:
        What was read; a problem inside the bytes is in `problem`.

    Raises:
        InputError: When the file cannot be opened or read, or is no regular file.
    """
    raw = RawExport()
    digest = hashlib.sha256()
    follower: _Follower | None = None
    for piece in _pieces(source):
        digest.update(piece)
        raw.size += len(piece)
        if raw.size > limits.MAX_FILE_BYTES:
            raw.problem = raw.problem or _endless()
            return raw
        if raw.problem is not None:
            continue
        rest = piece
        try:
            if follower is None:
                encoding = encodings.detect(piece[: encodings.DETECTION_BYTES])
                raw.encoding = encoding.name
                follower = _Follower(raw, encoding.codec)
                rest = piece[encoding.mark_length :]
            follower.feed(rest)
        except UnreadableError as problem:
            raw.problem = problem.finding
    if raw.problem is None:
        try:
            if follower is None:
                encodings.detect(b"")
            else:
                follower.close()
        except UnreadableError as problem:
            raw.problem = problem.finding
    raw.sha256 = digest.hexdigest()
    return raw


def _pieces(source: bytes | Path) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield from _cut(source, _READ_AT_ONCE)
        return
    try:
        mode = source.stat().st_mode
        if stat.S_ISREG(mode):
            with source.open("rb") as stream:
                while piece := stream.read(_READ_AT_ONCE):
                    yield piece
            return
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        raise InputError(
            source=str(source),
            where="file",
            found=getattr(error, "strerror", None) or "a name that no file can have",
            expected="a readable file",
            next_step="Check the path and the permissions.",
        ) from None
    # Not opened: a pipe would wait for its writer for ever.
    raise InputError(
        source=str(source),
        where="file",
        found=next((name for matches, name in _KINDS if matches(mode)), "a device"),
        expected="a regular file",
        next_step="Save the export as a file and name that.",
    )


def _endless() -> Finding:
    found = f"more than {limits.MAX_FILE_BYTES // limits.MIB} MiB"
    return UnreadableError("file", found, "an export of a few MiB").finding


def _cut(data: bytes, length: int) -> Iterator[bytes]:
    for start in range(0, len(data), length):
        yield data[start : start + length]


class _Follower:
    """Follows one document: decodes and scans its pieces, keeps them or passes them on to be pruned."""

    def __init__(self, raw: RawExport, codec: str | None) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(codec)("strict") if codec else None
        self._scanner = Scanner()
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._end = b""
        self._pruner: Pruner | None = None

    def feed(self, piece: bytes) -> None:
        data = self._to_utf8(piece, final=False)
        self._end = data[-_END:] or self._end
        if not self._raw.crowded:
            self._raw.crowded = looks_crowded(data)
        for chunk in _cut(data, limits.CHUNK_BYTES):
            self._scanner.feed(chunk)
            if self._pruner is not None:
                self._pruner.feed(chunk)
        if self._pruner is None:
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        """Keep a piece for a parse of the whole, or begin to prune when that would be too much."""
        self._kept.append(data)
        self._kept_bytes += len(data)
        if self._is_too_much() and self._scanner.root_name is not None:
            self._pruner = Pruner(self._raw, self._scanner.root_name)
            for kept in self._kept:
                for chunk in _cut(kept, limits.CHUNK_BYTES):
                    self._pruner.feed(chunk)
            self._kept = []

    def _is_too_much(self) -> bool:
        if self._kept_bytes > _PARSED_WHOLE:
            return True
        if self._kept_bytes * _HIGHEST_COST <= limits.MAX_TREE_BYTES:
            return False
        chunks = [chunk for kept in self._kept for chunk in _cut(kept, limits.CHUNK_BYTES)]
        if sum(tree_cost(chunk, closely=False) for chunk in chunks) <= limits.MAX_TREE_BYTES:
            return False
        return sum(map(tree_cost, chunks)) > limits.MAX_TREE_BYTES

    def close(self) -> None:
        rest = self._to_utf8(b"", final=True)
        if self._pruner is not None:
            self._pruner.feed(rest)
            self._pruner.close(self._end)
        else:
            self._parse_whole(b"".join(self._kept) + rest)

    def _to_utf8(self, chunk: bytes, *, final: bool) -> bytes:
        if self._decoder is None:
            return chunk
        try:
            return self._decoder.decode(chunk, final).encode("utf-8")
        except UnicodeError:
            raise UnreadableError(
                "text",
                f"bytes that are not {self._raw.encoding}",
                f"{self._raw.encoding} throughout",
                EXPORT_AGAIN,
            ) from None

    def _parse_whole(self, data: bytes) -> None:
        # The scan refused every DTD: nothing is there to resolve, and an undefined entity is an error.
        # What is parsed is UTF-8, whatever a declaration says. huge_tree lifts libxml2's limits in favour of
        # limits.py. Without comments and processing
        # instructions, which may stand in the middle of a text, each text is in one piece.
        parser = etree.XMLParser(
            resolve_entities="internal",  # type: ignore[arg-type]
            encoding="utf-8",
            huge_tree=True,
            load_dtd=False,
            no_network=True,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            root = etree.fromstring(data, parser)
        except etree.XMLSyntaxError as error:
            raise not_well_formed(error, data[-_END:]) from None
        self._raw.see_root(root)
        for child in root.iterchildren("ma-data", "Connectors"):
            self._raw.see_child(child)
        for flow in root.iter(FLOW):
            self._raw.see_flow(flow)
