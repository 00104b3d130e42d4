"""Partitions, run profiles and the summary of synchronization rules (domain/ma_xml.md 4 and 10)."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from mim2ecma.management_agent.configuration import read_parameters
from mim2ecma.management_agent.elements import bounded, children, is_true, path, text_of, texts
from mim2ecma.management_agent.model import Constant, Partition, Rules, RunProfile, RunStep


def read_partitions(element: etree._Element | None) -> tuple[Partition, ...]:
    """Read `ma-partition-data`.

    Args:
        element: The element, or `None`.

    Returns:
        The partitions in the file's order.

    Raises:
        UnreadableError: When there are too many.
    """
    found = []
    for item in bounded(list(element.iterchildren("partition")) if element is not None else [], "partitions"):
        parts = children(item)
        classes = path(parts.get("filter"), "object-classes")
        found.append(
            Partition(
                name=text_of(parts.get("name")) or "",
                id=text_of(parts.get("id")),
                selected=is_true(text_of(parts.get("selected"))) is True,
                object_types=tuple(texts(classes, "object-class")),
                parameters=read_parameters(path(parts.get("custom-data"), "parameter-values")),
            )
        )
    return tuple(found)


def read_run_profiles(element: etree._Element | None) -> tuple[RunProfile, ...]:
    """Read `ma-run-data`.

    Args:
        element: The element, or `None`.

    Returns:
        The run profiles in the file's order.

    Raises:
        UnreadableError: When there are too many.
    """
    found = []
    for item in bounded(
        list(element.iterchildren("run-configuration")) if element is not None else [], "run profiles"
    ):
        configuration = path(item, "configuration")
        steps = list(configuration.iterchildren("step")) if configuration is not None else []
        found.append(
            RunProfile(
                name=text_of(path(item, "name")) or "",
                id=text_of(path(item, "id")),
                steps=tuple(_read_step(step) for step in bounded(steps, "run steps")),
            )
        )
    return tuple(found)


def _read_step(step: etree._Element) -> RunStep:
    kind = path(step, "step-type")
    custom = path(step, "custom-data")
    data = path(custom, "extensible2-step-data")
    subtypes = [text for child in kind if (text := text_of(child))] if kind is not None else []
    return RunStep(
        type=str(kind.get("type") or "") if kind is not None else "",
        subtype=subtypes[0] if subtypes else None,
        partition=text_of(path(step, "partition")),
        batch_size=text_of(path(data, "batch-size")),
        timeout=text_of(path(data, "timeout")),
        parameters=read_parameters(path(custom, "parameter-values")),
    )


def read_rules(
    parts: Mapping[str, etree._Element], own_id: str | None, import_flows: Mapping[str, int]
) -> Rules:
    """Count the synchronization rules.

    Args:
        parts: Children of `ma-data` by tag.
        own_id: Id of the management agent.
        import_flows: Import flows of the whole server by management agent.

    Returns:
        The summary; constants are kept because they may hold secrets (domain/ma_xml.md 9).
    """
    flows = parts.get("export-attribute-flow")
    own = (own_id or "").upper()
    others = {source: count for source, count in import_flows.items() if source != own}
    return Rules(
        export_flows=_count(flows, "export-flow"),
        scripted_flows=_count(flows, "scripted-mapping"),
        joins=_count(parts.get("join"), "join-profile"),
        projections=_count(parts.get("projection"), "class-mapping"),
        filters=_count(parts.get("stay-disconnector"), "filter-alternative"),
        extension_dll=text_of(path(parts.get("extension"), "assembly-name")),
        constants=_read_constants(flows),
        import_flows=import_flows.get(own, 0),
        foreign_import_flows=sum(others.values()),
        foreign_agents=len(others),
    )


def _count(element: etree._Element | None, tag: str) -> int:
    return sum(1 for _ in element.iter(tag)) if element is not None else 0


def _read_constants(flows: etree._Element | None) -> tuple[Constant, ...]:
    """The constants, wherever they stand; the text of one that lies in another is told with that one."""
    found = []
    for mapping in bounded(_outermost(flows, "constant-mapping"), "constants"):
        flow = mapping.getparent()
        owner = flow.getparent() if flow is not None else None
        found.append(
            Constant(
                object_type=str(owner.get("cd-object-type") or "") if owner is not None else "",
                attribute=str(flow.get("cd-attribute") or "") if flow is not None else "",
                text="".join(str(part) for part in mapping.itertext()).strip(),
            )
        )
    return tuple(found)


def _outermost(element: etree._Element | None, tag: str) -> list[etree._Element]:
    """Elements of a tag that lie in no other of that tag, so that no text is read once for each level."""
    found: list[etree._Element] = []
    if element is None:
        return found
    walker = etree.iterwalk(element, events=("start",), tag=tag)
    for _event, inner in walker:
        found.append(inner)
        walker.skip_subtree()
    return found
