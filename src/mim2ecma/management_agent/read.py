"""From bytes to the model: tell the wrappers apart, find `ma-data`, read it (domain/ma_xml.md 2 to 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from lxml import etree

from mim2ecma.management_agent import crowding
from mim2ecma.management_agent.canonical import ma_sha256
from mim2ecma.management_agent.capabilities import Capabilities, read_capabilities
from mim2ecma.management_agent.configuration import read_configuration
from mim2ecma.management_agent.consistency import dangling_selections, repeated_elements
from mim2ecma.management_agent.dsml import count_schema, read_schema
from mim2ecma.management_agent.elements import bounded, children, path, text_of, texts
from mim2ecma.management_agent.model import (
    Configuration,
    Export,
    KnownIdentity,
    ManagementAgent,
    Source,
    Wrapper,
)
from mim2ecma.management_agent.partitions import read_partitions, read_rules, read_run_profiles
from mim2ecma.management_agent.problems import UnreadableError
from mim2ecma.management_agent.raw import ECMA2_CATEGORY, RawExport
from mim2ecma.management_agent.stream import read_raw

_PACKAGED_FORMAT = "packaged"
_PLAIN_ROOTS = {
    "export-ma": Wrapper.EXPORT_MA,
    "saved-ma-configuration": Wrapper.SAVED_MA_CONFIGURATION,
    "ma-data": Wrapper.MA_DATA,
    "saved-mv-configuration": Wrapper.SAVED_MV_CONFIGURATION,
}


def read(source: bytes | Path, *, name: str | None = None) -> Export:
    """Read any file that claims to be an exported management agent.

    Args:
        source: The bytes, or the path of the file; a path is read in pieces.
        name: What to call the source; a path calls itself.

    Returns:
        The export. An unreadable file gives one without `agent` and with finding R1.

    Raises:
        InputError: When the file cannot be opened.
    """
    raw = read_raw(source)
    origin = Source(
        path=name if name is not None or isinstance(source, bytes) else str(source),
        sha256=raw.sha256 or None,
        bytes=raw.size,
        encoding=raw.encoding,
        wrapper=_wrapper(raw),
        root=raw.root,
        server=raw.server or None,
        export_date=raw.export_date or None,
        agent_count=raw.agent_count,
    )
    if raw.problem is not None:
        return Export(origin, findings=(raw.problem,))
    if raw.agent is None:
        return Export(origin, agent=_agent_from_header(raw) if raw.header else None)
    identify: Callable[[], str | None] = partial(ma_sha256, raw.agent)
    try:
        if raw.crowded:
            crowding.check(raw.agent)
        agent = _read_agent(raw.agent, raw)
        findings = list(agent.schema.findings)
        if agent.is_ecma2:
            identify = _identity_now(raw.agent)
            findings += [*dangling_selections(agent), *repeated_elements(raw.agent)]
    except UnreadableError as problem:
        return Export(origin, findings=(problem.finding,))
    return Export(replace(origin, identify=identify), agent, tuple(findings))


def _identity_now(agent: etree._Element) -> KnownIdentity:
    """The identity of what may be migrated: computed at once, so that the elements need not be kept."""
    identity = ma_sha256(agent)
    if identity is None:
        raise UnreadableError(
            "ma-data", "a namespace that is not an absolute URI", "the two namespaces of DSML"
        )
    return KnownIdentity(identity)


def _wrapper(raw: RawExport) -> Wrapper:
    if raw.root == "Configuration" and raw.has_connectors:
        return Wrapper.CONFIGURATION
    wrapper = _PLAIN_ROOTS.get(raw.root or "", Wrapper.UNKNOWN)
    if wrapper is Wrapper.EXPORT_MA and raw.agent is not None and _is_packaged(raw.agent):
        return Wrapper.PACKAGED
    return wrapper


def _is_packaged(agent: etree._Element) -> bool:
    return str(agent.get("format") or "").strip().lower() == _PACKAGED_FORMAT


def _read_agent(element: etree._Element, raw: RawExport) -> ManagementAgent:
    parts = children(element)
    category = text_of(parts.get("category"))
    identity = {tag: text_of(child) for tag, child in parts.items() if len(child) == 0}
    ecma2 = (category or "").lower() == ECMA2_CATEGORY
    configuration, capabilities = Configuration(), Capabilities()
    selected: tuple[str, ...] = ()
    if ecma2:
        configuration = read_configuration(path(parts.get("private-configuration"), "MAConfig"))
        selected = bounded(tuple(texts(parts.get("attribute-inclusion"), "attribute")), "selected attributes")
        schema = read_schema(parts.get("schema"), frozenset(selected), configuration.anchors)
        capabilities = read_capabilities(
            identity.get("capabilities-mask"), configuration.extension.capability_bits
        )
    else:
        schema = count_schema(parts.get("schema"))
    return ManagementAgent(
        name=identity.get("name"),
        id=identity.get("id"),
        category=category,
        subtype=identity.get("subtype"),
        list_name=identity.get("ma-listname"),
        company=identity.get("ma-companyname"),
        version=identity.get("version"),
        description=identity.get("description"),
        packaged=_is_packaged(element),
        export_type=identity.get("export-type"),
        schema=schema,
        selected_attributes=selected,
        configuration=configuration,
        capabilities=capabilities,
        partitions=read_partitions(parts.get("ma-partition-data")),
        run_profiles=read_run_profiles(parts.get("ma-run-data")),
        rules=read_rules(parts, identity.get("id"), raw.import_flows),
    )


def _agent_from_header(raw: RawExport) -> ManagementAgent:
    header = {tag: text or None for tag, text in raw.header.items()}
    return ManagementAgent(
        name=header.get("name"),
        id=header.get("id"),
        category=header.get("category"),
        subtype=header.get("subtype"),
        list_name=header.get("ma-listname"),
        company=header.get("ma-companyname"),
        version=header.get("version"),
        complete=False,
    )
