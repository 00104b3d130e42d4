"""Read the bytes of an export once: hash, scan and parse them together, and keep only what may be needed.

The element tree of `ma-data` is kept, everything else is dropped while it arrives, so that a whole server's
import flows (domain/ma_xml.md 2: `mv-data`) cost no memory. When `ma-data` itself outgrows
`limits.MAX_TREE_BYTES`, a management agent that is not ECMA2 is followed on without its tree; any other file
is refused.
"""

from __future__ import annotations

import codecs
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lxml import etree

from mim2ecma.documents import limits
from mim2ecma.documents.errors import InputError
from mim2ecma.documents.findings import Finding
from mim2ecma.management_agent import encodings
from mim2ecma.management_agent.problems import EXPORT_AGAIN, UnreadableError
from mim2ecma.management_agent.scan import Scanner

ECMA2_CATEGORY: Final = "extensible2"
"""`category` of ECMA2 management agents, compared without case (domain/ma_xml.md 5)."""

_WATCHED: Final = ("ma-data", "mv-data", "import-flow", "Connectors")
_MAX_SOURCES: Final = (
    10_000  # management agents of one server that are told apart; the rest is counted as one
)
_SOURCE_LENGTH: Final = 64  # a GUID in braces has 38 characters

# Estimated memory of libxml2's nodes: xmlNode 120 bytes, xmlAttr 96 and its text node 120, each with malloc's
# header. Every '<' stands for one element or the text before an end tag, every '=' for an attribute at the
# most.
_BYTES_PER_MARKUP: Final = 136
_BYTES_PER_ASSIGNMENT: Final = 240
_ALWAYS_SMALL: Final = limits.MAX_TREE_BYTES // (_BYTES_PER_MARKUP // 2)  # bytes that fit, whatever they hold


@dataclass(slots=True)
class RawExport:
    """What one pass over the bytes yields.

    Attributes:
        size: Bytes read.
        sha256: Hash of these bytes.
        encoding: Name of the encoding, `None` when it could not be told.
        root: Tag of the root element in lxml's notation, `None` when there is none.
        root_attributes: Its attributes.
        agent: The element `ma-data`, complete; `None` when there is none or it was not kept.
        agent_count: How many `ma-data` stand below the root.
        header: Texts of the small children of `ma-data`, filled only when its tree was too large to keep.
        has_metaverse: Whether `mv-data` stands below the root.
        has_connectors: Whether `Connectors` stands below the root.
        import_flows: Import flows in `mv-data` by the management agent they come from.
        problem: Why reading ended early, if it did.
    """

    size: int = 0
    sha256: str = ""
    encoding: str | None = None
    root: str | None = None
    root_attributes: dict[str, str] = field(default_factory=dict)
    agent: etree._Element | None = None
    agent_count: int = 0
    header: dict[str, str] = field(default_factory=dict)
    has_metaverse: bool = False
    has_connectors: bool = False
    import_flows: Counter[str] = field(default_factory=Counter)
    problem: Finding | None = None


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
        chunk = piece
        digest.update(chunk)
        raw.size += len(chunk)
        if raw.problem is not None:
            continue
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
        view = memoryview(source)
        for start in range(0, len(source), limits.CHUNK_BYTES):
            yield bytes(view[start : start + limits.CHUNK_BYTES])
        return
    try:
        with source.open("rb") as stream:
            while chunk := stream.read(limits.CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise InputError(
            source=str(source),
            where="file",
            found=error.strerror or type(error).__name__,
            expected="a readable file",
            next_step="Check the path and the permissions.",
        ) from None


class _Follower:
    """Feeds scanner and parser, and prunes the growing tree."""

    def __init__(self, raw: RawExport, codec: str | None) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(codec)("strict") if codec else None
        self._scanner = Scanner()
        self._pending: list[bytes] = []
        self._parser: etree.XMLPullParser | None = None
        self._root: etree._Element | None = None
        self._agent: etree._Element | None = None
        self._agent_bytes = 0
        self._agent_cost = 0
        self._agent_open = False

    def feed(self, chunk: bytes) -> None:
        data = self._to_utf8(chunk, final=False)
        self._scanner.feed(data)
        if self._parser is None:
            self._pending.append(data)
            if self._scanner.root_name is None:
                return
            self._parser = self._new_parser(self._scanner.root_name)
            data = b"".join(self._pending)
            self._pending = []
        self._parse(data)

    def close(self) -> None:
        data = self._to_utf8(b"", final=True)
        if self._parser is None:
            self._parser = self._new_parser(self._scanner.root_name or "")
            data = b"".join(self._pending) + data
        self._parse(data)
        try:
            self._parser.close()
        except etree.XMLSyntaxError as error:
            raise _not_well_formed(error) from None
        if self._agent_open:
            self._raw.agent = self._agent

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

    @staticmethod
    def _new_parser(root_name: str) -> etree.XMLPullParser:
        local_name = root_name.rsplit(":", 1)[-1]
        tags = [*_WATCHED, "{*}" + local_name] if local_name else list(_WATCHED)
        return etree.XMLPullParser(
            events=("start",),
            tag=tags,
            encoding="utf-8",  # what is fed, whatever the declaration says
            huge_tree=True,  # our own limits are tighter (limits.py) than libxml2's without it
            # The scan refused every DTD: nothing is there to resolve, and an undefined entity is an error.
            resolve_entities="internal",  # type: ignore[arg-type]
            load_dtd=False,
            no_network=True,
            remove_comments=True,  # canonical XML is taken without them
        )

    def _parse(self, data: bytes) -> None:
        assert self._parser is not None  # noqa: S101  (both callers made it)
        try:
            self._parser.feed(data)
        except etree.XMLSyntaxError as error:
            raise _not_well_formed(error) from None
        self._see_all(self._parser)
        self._watch_memory(data)
        _prune(self._root, self._agent)

    def _see_all(self, parser: etree.XMLPullParser) -> None:
        # A method of its own, so that no name holds an element when pruning begins: it would keep its subtree
        # alive.
        for _event, element in parser.read_events():
            self._see(element)  # type: ignore[arg-type]  # start events carry elements

    def _see(self, element: etree._Element) -> None:
        raw = self._raw
        if self._root is None:
            self._root = element
            raw.root = str(element.tag)
            raw.root_attributes = {str(name): str(value) for name, value in element.attrib.items()}
            if raw.root == "ma-data":
                self._open_agent(element)
            return
        if element.tag == "import-flow":
            source = str(element.get("src-ma") or "").upper()[:_SOURCE_LENGTH]
            if source not in raw.import_flows and len(raw.import_flows) >= _MAX_SOURCES:
                source = ""
            raw.import_flows[source] += 1
        elif element.getparent() is self._root:
            if element.tag == "ma-data":
                self._open_agent(element)
            elif element.tag == "mv-data":
                raw.has_metaverse = True
            elif element.tag == "Connectors":
                raw.has_connectors = True

    def _open_agent(self, element: etree._Element) -> None:
        self._raw.agent_count += 1
        if self._agent is None and self._raw.agent_count == 1:
            self._agent = element
            self._agent_open = True

    def _watch_memory(self, data: bytes) -> None:
        """Estimate the tree of `ma-data`; give it up when it gets too large."""
        if self._agent is None or self._raw.has_metaverse:
            return
        self._agent_bytes += len(data)
        self._agent_cost += len(data)
        if self._agent_bytes > _ALWAYS_SMALL:
            self._agent_cost += _BYTES_PER_MARKUP * data.count(b"<") + _BYTES_PER_ASSIGNMENT * data.count(
                b"="
            )
        if self._agent_cost <= limits.MAX_TREE_BYTES:
            return
        header = {str(child.tag): (child.text or "").strip() for child in self._agent if len(child) == 0}
        if header.get("category", ECMA2_CATEGORY).lower() == ECMA2_CATEGORY:
            raise UnreadableError(
                "ma-data",
                f"more than fits in {limits.MAX_TREE_BYTES // limits.MIB} MiB of memory",
                "a management agent of at most a few MiB",
                "Check whether the file is really an export of one management agent.",
            )
        self._raw.header = header
        self._agent = None
        self._agent_open = False


def _prune(node: etree._Element | None, keep: etree._Element | None) -> None:
    """Drop every completed subtree, except `keep` and what lies in it.

    Only the last child of a node can still be open, so the others are complete. libxml2 appends to the last
    node alone, which stays (the same ground on which clearing during `iterparse` stands).
    """
    while node is not None and node is not keep:
        count = len(node)
        if count == 0:
            return
        last = node[-1]
        if count > 1:
            if keep is not None and keep.getparent() is node:
                for child in list(node)[:-1]:
                    if child is not keep:
                        node.remove(child)
            else:
                del node[:-1]
        node = last


def _not_well_formed(error: etree.XMLSyntaxError) -> UnreadableError:
    line, column = error.position if error.position else (0, 0)
    message = (error.msg or "not well-formed").split(", line ")[0]
    codes = etree.ErrorTypes
    expected, where = "well-formed XML", f"line {line}, column {column}"
    code = error.code  # type: ignore[attr-defined]
    if code == codes.ERR_DOCUMENT_END:
        message, expected = f"something after the end of the root element ({message})", "one root element"
    elif code in {codes.ERR_TAG_NOT_FINISHED, codes.ERR_DOCUMENT_EMPTY}:
        message, expected = f"the file ends too early ({message})", "a complete file"
    return UnreadableError(where, message, expected)
