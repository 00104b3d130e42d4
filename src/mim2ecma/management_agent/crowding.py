"""Elements so crowded that making them canonical would take minutes: many attributes, many namespaces.

Canonical XML puts the attributes of an element, and the namespaces in scope of each element, in order;
libxml2 inserts them one after the other into a list, which costs a square. A start tag of half a MiB, or some
thousand nested namespaces, would be enough to keep it busy for minutes. Documents that may hold such a thing
are told by their bytes, at next to no cost; only these are looked at element by element.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from mim2ecma.documents import limits
from mim2ecma.management_agent.problems import EXPORT_AGAIN, UnreadableError
from mim2ecma.management_agent.scan import TAG

_SHORTEST_ATTRIBUTE: Final = len(' a=""')
# Between the '<' of such a tag and the next one lies at least one of the windows that stand side by side.
_WINDOW: Final = limits.MAX_ATTRIBUTES * _SHORTEST_ATTRIBUTE // 2


def looks_crowded(data: bytes) -> bool:
    """Whether a document may hold a crowded element; wrong only in favour of a closer look.

    Args:
        data: The document or a large piece of it, in UTF-8.

    Returns:
        `True` when it may.
    """
    return data.count(b"xmlns") > limits.MAX_NAMESPACES or _has_crowded_tag(data)


def _has_crowded_tag(data: bytes) -> bool:
    window = 0
    while window < len(data):
        if data.find(b"<", window, window + _WINDOW) >= 0:
            window += _WINDOW
            continue
        begin = max(data.rfind(b"<", 0, window), 0)
        tag = TAG.match(data, begin)
        end = data.find(b"<", window + _WINDOW)
        end = len(data) if end < 0 else end
        start, stop = tag.span() if tag else (begin, end)  # one that is cut off counts to the end
        if data.count(b"=", start, stop) > limits.MAX_ATTRIBUTES:
            return True
        window = end
    return False


def check(agent: etree._Element) -> None:
    """Refuse a management agent that holds a crowded element.

    Args:
        agent: The element `ma-data`, below its root.

    Raises:
        UnreadableError: When one has more than `limits.MAX_ATTRIBUTES` attributes, or stands in the scope of
            more than `limits.MAX_NAMESPACES` namespaces.
    """
    parent = agent.getparent()
    in_scope = len(parent.nsmap) if parent is not None else 0
    for event, element in etree.iterwalk(agent, events=("start", "start-ns", "end-ns")):
        if event == "start-ns":
            in_scope += 1
        elif event == "end-ns":
            in_scope -= 1
        elif len(element.attrib) > limits.MAX_ATTRIBUTES:
            raise _crowded("attributes in one element", limits.MAX_ATTRIBUTES)
        if in_scope > limits.MAX_NAMESPACES:
            raise _crowded("namespaces in one place", limits.MAX_NAMESPACES)


def _crowded(what: str, limit: int) -> UnreadableError:
    return UnreadableError("ma-data", f"more than {limit} {what}", f"at most {limit}", EXPORT_AGAIN)
