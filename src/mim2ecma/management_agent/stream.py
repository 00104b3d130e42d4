"""Read the bytes of an export once: hash and scan them, then parse them whole or, if many, in pieces."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lxml import etree

from mim2ecma.documents import limits
from mim2ecma.documents.errors import InputError
from mim2ecma.management_agent import encodings
from mim2ecma.management_agent.problems import EXPORT_AGAIN, UnreadableError
from mim2ecma.management_agent.pruning import Pruner, tree_cost
from mim2ecma.management_agent.raw import FLOW, RawExport, not_well_formed
from mim2ecma.management_agent.scan import Scanner

_PARSED_WHOLE: Final = 4 * limits.MIB  # up to here a document is parsed at once, twice the largest real one
_END: Final = 64  # bytes at the end that tell whether a document was cut off


def read_raw(source: bytes | Path) -> RawExport:
    """Read an export.

    Args:
        source: Its bytes, or the path of the file.

    Returns:
        What was read; a problem inside the bytes is in `problem`.

    Raises:
        InputError: When the file cannot be opened or read.
    """
    raw = RawExport()
    digest = hashlib.sha256()
    follower: _Follower | None = None
    for piece in _chunks(source):
        digest.update(piece)
        raw.size += len(piece)
        if raw.problem is not None:
            continue
        chunk = piece
        try:
            if follower is None:
                encoding = encodings.detect(chunk[: encodings.DETECTION_BYTES])
                raw.encoding = encoding.name
                follower = _Follower(raw, encoding.codec)
                chunk = chunk[encoding.mark_length :]
            if raw.size > limits.MAX_FILE_BYTES:
                raise UnreadableError(
                    "file", f"more than {limits.MAX_FILE_BYTES // limits.MIB} MiB", "an export of a few MiB"
                )
            follower.feed(chunk)
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


def _chunks(source: bytes | Path) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), limits.CHUNK_BYTES):
            yield source[start : start + limits.CHUNK_BYTES]
        return
    try:
        with source.open("rb") as stream:
            while chunk := stream.read(limits.CHUNK_BYTES):
                yield chunk
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        raise InputError(
            source=str(source),
            where="file",
            found=getattr(error, "strerror", None) or "a name that no file can have",
            expected="a readable file",
            next_step="Check the path and the permissions.",
        ) from None


class _Follower:
    """Follows one document: decodes and scans its pieces, keeps them or passes them on to be pruned."""

    def __init__(self, raw: RawExport, codec: str | None) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(codec)("strict") if codec else None
        self._scanner = Scanner()
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._cost = 0
        self._end = b""
        self._pruner: Pruner | None = None

    def feed(self, chunk: bytes) -> None:
        data = self._to_utf8(chunk, final=False)
        self._scanner.feed(data)
        self._end = data[-_END:] or self._end
        if self._pruner is not None:
            self._pruner.feed(data)
            return
        self._kept.append(data)
        self._kept_bytes += len(data)
        self._cost += tree_cost(data)
        too_much = self._kept_bytes > _PARSED_WHOLE or self._cost > limits.MAX_TREE_BYTES
        if too_much and self._scanner.root_name is not None:
            self._pruner = Pruner(self._raw, self._scanner.root_name)
            for piece in self._kept:
                self._pruner.feed(piece)
            self._kept = []

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
        # limits.py. Canonical XML is taken without comments.
        parser = etree.XMLParser(
            resolve_entities="internal",  # type: ignore[arg-type]
            encoding="utf-8",
            huge_tree=True,
            load_dtd=False,
            no_network=True,
            remove_comments=True,
        )
        try:
            root = etree.fromstring(data, parser)
        except etree.XMLSyntaxError as error:
            raise not_well_formed(error, data[-_END:]) from None
        self._raw.see_root(root)
        for child in root.iterchildren("ma-data", "mv-data", "Connectors"):
            self._raw.see_child(child)
        for flow in root.iter(FLOW):
            self._raw.see_flow(flow)
