"""Parse a large document and drop what is not needed while it arrives.

The element tree of `ma-data` is kept, everything else is dropped, so that a whole server's import flows
(domain/ma_xml.md 2: `mv-data`) cost no memory. When `ma-data` itself outgrows `limits.MAX_TREE_BYTES`, a
management agent that is not ECMA2 is followed on without its tree; any other file is refused.
"""

from __future__ import annotations

import gc
from typing import Final

from lxml import etree

from mim2ecma.documents import limits
from mim2ecma.management_agent.problems import UnreadableError
from mim2ecma.management_agent.raw import ECMA2_CATEGORY, FLOW, RawExport, not_well_formed

_WATCHED: Final = ("ma-data", FLOW, "Connectors")

# Estimated memory of libxml2's nodes: xmlNode 120 bytes, xmlAttr 96 and its text node 120, each with malloc's
# header. A tag that is no end tag is an element, what stands between two tags a text, each '=' an attribute.
_BYTES_PER_NODE: Final = 136
_BYTES_PER_ASSIGNMENT: Final = 240
# Long text lies in the parser, in the tree and, up to four bytes a character, in Python, trimmed and not.
_COPIES_OF_TEXT: Final = 8
_SPARSE_MARKUP: Final = 8  # fewer '<' than this in a piece mean that it is long text


def tree_cost(data: bytes, *, closely: bool = True) -> int:
    """Estimate the memory that a piece of a document takes as elements.

    Args:
        data: A piece of `limits.CHUNK_BYTES` or so.
        closely: Whether to look at what stands between the tags, which takes four times as long; otherwise
            each tag counts as an element and a text.

    Returns:
        Bytes, rather too many than too few.
    """
    markup = data.count(b"<")
    text = len(data) * (_COPIES_OF_TEXT if markup < _SPARSE_MARKUP else 1)
    # White space between tags is a text too.
    none = data.count(b"</") + data.count(b"><") if closely else 0
    return text + _BYTES_PER_NODE * (2 * markup - none) + _BYTES_PER_ASSIGNMENT * data.count(b"=")


class Pruner:
    """Feeds a parser and prunes the growing tree.

    Args:
        raw: Filled with what is found.
        root_name: Qualified name of the root element.
    """

    def __init__(self, raw: RawExport, root_name: str) -> None:
        self._raw = raw
        self._root: etree._Element | None = None
        self._cost = 0
        self._given_up = False
        local_name = root_name.rsplit(":", 1)[-1]
        self._parser = etree.XMLPullParser(
            events=("start",),
            tag=[*_WATCHED, "{*}" + local_name] if local_name else list(_WATCHED),
            # The scan refused every DTD: nothing is there to resolve, and an undefined entity is an error.
            resolve_entities="internal",  # type: ignore[arg-type]
            encoding="utf-8",
            huge_tree=True,
            load_dtd=False,
            no_network=True,
            remove_comments=True,
            remove_pis=True,
        )

    def feed(self, data: bytes) -> None:
        """Parse the next piece.

        Args:
            data: UTF-8 bytes that the scan has passed.

        Raises:
            UnreadableError: When it is not well-formed or too large to keep.
        """
        try:
            self._parser.feed(data)
        except etree.XMLSyntaxError as error:
            raise not_well_formed(error) from None
        self._see_all()
        self._watch_memory(data)
        _prune(self._root, self._raw.agent)

    def close(self, end: bytes) -> None:
        """End the document.

        Args:
            end: Its last bytes, which tell whether it was cut off.

        Raises:
            UnreadableError: When it is not complete.
        """
        try:
            self._parser.close()
        except etree.XMLSyntaxError as error:
            raise not_well_formed(error, end) from None
        finally:
            del self._parser, self._root
            gc.collect()  # lxml's pull parser lies in a cycle, which would keep the tree for a long time

    def _see_all(self) -> None:
        # A method of its own, so that no name holds an element, and with it a subtree, when pruning begins.
        for _event, element in self._parser.read_events():
            self._see(element)  # type: ignore[arg-type]  # start events carry elements

    def _see(self, element: etree._Element) -> None:
        if self._root is None:
            self._root = element
            self._raw.see_root(element)
        elif element.tag == FLOW:
            self._raw.see_flow(element)
        elif element.getparent() is self._root:
            self._raw.see_child(element)

    def _watch_memory(self, data: bytes) -> None:
        """Estimate the tree of `ma-data`; give it up when it gets too large."""
        agent = self._raw.agent
        if agent is None or agent.getnext() is not None:
            return  # not there yet, or complete: what follows it is pruned
        self._cost += tree_cost(data)
        if self._cost <= limits.MAX_TREE_BYTES:
            return
        header = {str(child.tag): (child.text or "").strip() for child in agent if len(child) == 0}
        if header.get("category", ECMA2_CATEGORY).lower() == ECMA2_CATEGORY:
            raise UnreadableError(
                "ma-data",
                f"more than fits in {limits.MAX_TREE_BYTES // limits.MIB} MiB of memory",
                "a management agent of at most a few MiB",
                "Check whether the file is really an export of one management agent.",
            )
        self._raw.header = header
        self._raw.agent = None


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
