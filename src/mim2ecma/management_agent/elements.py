"""Small helpers on elements; names are compared in code, no XPath is built from text (ma_xml.md 14)."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import TypeVar

from lxml import etree

from mim2ecma.documents import limits
from mim2ecma.management_agent.problems import UnreadableError

DSML = "http://www.dsml.org/DSML"
MS_DSML = "http://www.microsoft.com/MMS/DSML"

_MOST_DIGITS = 9  # stays below 2^31, as every number in these files does

_BOOLEANS = {"1": True, "-1": True, "true": True, "0": False, "false": False}

_Items = TypeVar("_Items", bound=Sized)


def text_of(element: etree._Element | None) -> str | None:
    """Trimmed text of an element; `None` when it is absent or blank ("always trim", domain/ma_xml.md 3)."""
    text = None if element is None else element.text
    return (text.strip() or None) if text else None


def children(element: etree._Element | None) -> dict[str, etree._Element]:
    """The children by tag; the first of several with the same tag."""
    found: dict[str, etree._Element] = {}
    if element is not None:
        for child in element:
            tag = child.tag
            if isinstance(tag, str) and tag not in found:
                found[tag] = child
    return found


def path(element: etree._Element | None, *tags: str) -> etree._Element | None:
    """Follow child tags down; `None` where one is missing."""
    for tag in tags:
        if element is None:
            return None
        element = next(element.iterchildren(tag), None)
    return element


def texts(element: etree._Element | None, tag: str) -> Iterator[str]:
    """Trimmed, non-blank texts of the children with a tag."""
    if element is not None:
        for child in element.iterchildren(tag):
            text = text_of(child)
            if text:
                yield text


def is_true(text: str | None) -> bool | None:
    """Read one of the product's booleans: `1`, `-1`, `true` and their opposites; otherwise `None` (3)."""
    return _BOOLEANS.get((text or "").lower())


def whole_number(text: str | None) -> int | None:
    """Read a small non-negative number; `None` for anything else."""
    if not text or len(text) > _MOST_DIGITS or not (text.isascii() and text.isdigit()):
        return None
    return int(text)


def bounded(items: _Items, what: str) -> _Items:
    """Refuse a collection that is too large to become a model.

    Raises:
        UnreadableError: When it has more than `limits.MAX_MODEL_ITEMS` items.
    """
    if len(items) > limits.MAX_MODEL_ITEMS:
        raise UnreadableError(
            "ma-data",
            f"more than {limits.MAX_MODEL_ITEMS} {what}",
            f"at most {limits.MAX_MODEL_ITEMS}",
            "Check whether the file is really an export of one management agent.",
        )
    return items
