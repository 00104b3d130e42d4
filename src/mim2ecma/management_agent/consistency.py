"""What of a management agent stands twice or leads nowhere (rules R13 and R36)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from lxml import etree

from mim2ecma.documents.findings import Finding, Severity
from mim2ecma.management_agent.dsml import listed
from mim2ecma.management_agent.elements import path
from mim2ecma.management_agent.model import PASSWORD_ATTRIBUTE, ManagementAgent
from mim2ecma.management_agent.problems import EXPORT_AGAIN

_LISTED: Final = 10
# Each of these has every child once (domain/ma_xml.md 4, 7 and 7.1).
_SINGLE: Final = (
    (),
    ("private-configuration",),
    ("private-configuration", "MAConfig"),
    ("private-configuration", "MAConfig", "extension-config"),
)
_SETTINGS: Final = _SINGLE[-1]


def repeated_elements(agent: etree._Element) -> Iterator[Finding]:
    """R36: elements that stand more than once where the reader takes the first, or hold more than a text.

    Args:
        agent: The element `ma-data` of an ECMA2 management agent.

    Yields:
        At most one finding of each kind.
    """
    twice: list[str] = []
    for tags in _SINGLE:
        place = path(agent, *tags)
        counts = Counter(str(child.tag) for child in place) if place is not None else Counter()
        holder = tags[-1] if tags else "ma-data"
        twice += [f"{holder}/{tag}" for tag, count in counts.items() if count > 1]
    if twice:
        yield _doubtful(f"more than one {listed(twice, _LISTED)}", "one of each; the first one was read")
    settings = path(agent, *_SETTINGS)
    mixed = [str(child.tag) for child in settings if len(child)] if settings is not None else []
    if mixed:
        yield _doubtful(f"elements inside {listed(mixed, _LISTED)}", "a text; what is before them was read")


def _doubtful(found: str, expected: str) -> Finding:
    return Finding("R36", Severity.WARNING, "ma-data", found, expected, EXPORT_AGAIN)


def dangling_selections(agent: ManagementAgent) -> Iterator[Finding]:
    """R13: attributes and object types that are selected and not in the schema.

    Args:
        agent: An ECMA2 management agent with a schema.

    Yields:
        At most one finding of each kind.
    """
    types = agent.schema.object_types
    if not types:
        return
    attributes = {attribute.name.lower() for item in types for attribute in item.attributes}
    attributes.add(PASSWORD_ATTRIBUTE.lower())
    classes = {item.name.lower() for item in types}
    chosen = (name for item in agent.partitions if item.selected for name in item.object_types)
    cases = (
        ("attribute-inclusion", "attributes", _missing(agent.selected_attributes, attributes)),
        ("ma-partition-data", "object types", _missing(chosen, classes)),
    )
    for where, what, names in cases:
        if names:
            yield Finding(
                "R13",
                Severity.WARNING,
                where,
                f"selected {what} that the schema does not have: {listed(names, _LISTED)}",
                f"{what} of the schema",
                "Refresh the schema of the management agent in MIM, check the selection and export it again.",
            )


def _missing(names: Iterable[str], known: set[str]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name.lower() not in known))
