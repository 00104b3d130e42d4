"""What one pass over the bytes of a file yields, and how it is filled from elements."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from mim2ecma.documents.findings import Finding
from mim2ecma.management_agent.problems import UnreadableError

ECMA2_CATEGORY: Final = "extensible2"
"""`category` of ECMA2 management agents, compared without case (domain/ma_xml.md 5)."""

FLOW: Final = "import-flow"
"""Element of `mv-data` that says from which management agent a value comes (domain/ma_xml.md 2)."""

_MAX_SOURCES: Final = (
    10_000  # management agents of one server that are told apart; the rest is counted as one
)
_ABOUT_CHARACTERS: Final = {etree.ErrorTypes.ERR_INVALID_CHAR, etree.ErrorTypes.ERR_INVALID_ENCODING}
_SOURCE_LENGTH: Final = 64  # a GUID in braces has 38 characters


@dataclass(slots=True)
class RawExport:
    """What one pass over the bytes yields.

    Attributes:
        size: Bytes read.
        sha256: Hash of these bytes, empty when there are more than were read.
        encoding: Name of the encoding, `None` when it could not be told.
        root: Tag of the root element in lxml's notation, `None` when there is none.
        server: Its attribute `server`.
        export_date: Its attribute `export-date`.
        agent: The element `ma-data`, complete; `None` when there is none or it was not kept.
        agent_count: How many `ma-data` stand below the root.
        header: Texts of the small children of `ma-data`, filled only when its tree was too large to keep.
        crowded: Whether its elements must be looked at before they are made canonical (`crowding`).
        has_connectors: Whether `Connectors` stands below the root.
        import_flows: Import flows in `mv-data` by the management agent they come from.
        problem: Why reading ended early, if it did.
    """

    size: int = 0
    sha256: str = ""
    encoding: str | None = None
    root: str | None = None
    server: str = ""
    export_date: str = ""
    agent: etree._Element | None = None
    agent_count: int = 0
    header: dict[str, str] = field(default_factory=dict)
    crowded: bool = False
    has_connectors: bool = False
    import_flows: Counter[str] = field(default_factory=Counter)
    problem: Finding | None = None

    def see_root(self, root: etree._Element) -> None:
        """Take what the root element says."""
        self.root = str(root.tag)
        self.server = str(root.get("server") or "").strip()
        self.export_date = str(root.get("export-date") or "").strip()
        if self.root == "ma-data":
            self.see_agent(root)

    def see_child(self, child: etree._Element) -> None:
        """Take what a child of the root element says by being there."""
        if child.tag == "ma-data":
            self.see_agent(child)
        elif child.tag == "Connectors":
            self.has_connectors = True

    def see_agent(self, agent: etree._Element) -> None:
        """Keep the first management agent, count the others."""
        self.agent_count += 1
        if self.agent_count == 1:
            self.agent = agent

    def see_flow(self, flow: etree._Element) -> None:
        """Count an import flow."""
        source = str(flow.get("src-ma") or "").upper()[:_SOURCE_LENGTH]
        if source not in self.import_flows and len(self.import_flows) >= _MAX_SOURCES:
            source = ""
        self.import_flows[source] += 1


def not_well_formed(error: etree.XMLSyntaxError, end: bytes = b">") -> UnreadableError:
    """Say in which way the parser found a document broken.

    Args:
        error: What it raised.
        end: The last bytes of the document when the parser has seen all of it: a complete one ends with `>`.

    Returns:
        The finding to raise.

    Raises:
        MemoryError: The document is not to blame: libxml2 had no memory left, which it tells without a place.
    """
    line, column = error.position if error.position else (0, 0)
    if error.code in {etree.ErrorTypes.ERR_NO_MEMORY, etree.ErrorTypes.ERR_OK}:  # type: ignore[attr-defined]
        raise MemoryError(error.msg) from None
    # What libxml2 adds for programmers is cut off: the place, which stands in `where`, and its options.
    message = re.split(r", line \d|, use XML_PARSE_", error.msg or "not well-formed")[0].strip()
    codes = etree.ErrorTypes
    expected, where = "well-formed XML", f"line {line}, column {column}"
    code = error.code  # type: ignore[attr-defined]
    if code == codes.ERR_DOCUMENT_END:
        message, expected = f"something after the end of the root element ({message})", "one root element"
    elif code in {codes.ERR_TAG_NOT_FINISHED, codes.ERR_DOCUMENT_EMPTY} or (
        code not in _ABOUT_CHARACTERS and not end.rstrip().endswith(b">")
    ):
        message, expected = f"the file ends too early ({message})", "a complete file"
    return UnreadableError(where, message, expected)
