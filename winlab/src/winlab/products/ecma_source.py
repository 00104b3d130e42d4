"""What the wizard of the ECMA Connector Host takes from the XML that MIM exported.

Sources: domain/ecma_host.md 2.1 (last column), 2.3 and 4. The reading is winlab's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lxml import etree

from winlab.products.mim_configuration import ConfigurationError, decode, parse, read_management_agent

_DSML = "{http://www.dsml.org/DSML}"
_MS = "{http://www.microsoft.com/MMS/DSML}"
_CONFIG = "private-configuration/MAConfig"
# Syntaxes by the last number of their identifier (domain/ecma_host.md 2.3; RFC 4517 3.3.9 for `Reference`).
_TYPES = {"15": "String", "7": "Boolean", "5": "Binary", "27": "Integer", "12": "Reference"}


@dataclass(frozen=True)
class Parameter:
    """One parameter: where it is asked for, its value, and whether MIM kept it back."""

    name: str
    kind: str
    use: str
    page: int
    value: str
    encrypted: bool


@dataclass(frozen=True)
class Attribute:
    """One attribute of the schema."""

    name: str
    data_type: str
    multivalued: bool


@dataclass(frozen=True)
class Source:
    """A management agent as the wizard sees it.

    Attributes:
        name: its name in MIM, the suggestion for the connector's.
        dll: file name of the connector.
        import_enabled: whether the connector can import.
        export_enabled: whether it can export.
        parameters: with their values, in the export's order.
        classes: attributes by object type.
        partition: name and id of the selected partition.
    """

    name: str
    dll: str
    import_enabled: bool
    export_enabled: bool
    parameters: tuple[Parameter, ...]
    classes: dict[str, tuple[Attribute, ...]]
    partition: tuple[str, str]


def read(data: bytes) -> Source:
    """Read an export of one management agent.

    Raises:
        ConfigurationError: another root than `export-ma`, no ECMA 2 connector, no schema, no partition.
    """
    agent = read_management_agent(data, "export-ma")
    if agent.category != "Extensible2":
        raise ConfigurationError(f"category {agent.category}; expected Extensible2")
    node = parse(decode(data)).find("ma-data")
    assert node is not None  # noqa: S101  (read_management_agent refuses exports without one)
    partition = next(
        (item for item in node.iterfind("ma-partition-data/partition") if item.findtext("selected") == "1"),
        None,
    )
    if partition is None:
        raise ConfigurationError("no selected partition")
    return Source(
        name=agent.name,
        dll=agent.dll,
        import_enabled=node.findtext(f"{_CONFIG}/extension-config/import-enabled") == "1",
        export_enabled=node.findtext(f"{_CONFIG}/extension-config/export-enabled") == "1",
        parameters=_parameters(node),
        classes=_classes(node),
        partition=(
            partition.findtext("name") or "default",
            (partition.findtext("id") or "").strip("{}").lower(),
        ),
    )


def _parameters(node: etree._Element) -> tuple[Parameter, ...]:
    """Defined parameters, and values without a definition; labels and dividers have no value."""
    found: dict[tuple[str, str, int], Parameter] = {}
    for item in node.iterfind(f"{_CONFIG}/parameter-definitions/parameter"):
        kind = item.findtext("type") or "string"
        if kind in ("label", "divider"):
            continue
        defined = Parameter(
            name=item.findtext("name") or "",
            kind=kind,
            use=item.findtext("use") or "",
            page=_number(item.findtext("page-number")),
            value=item.findtext("default-value") or "",
            encrypted=kind.startswith("encrypted"),
        )
        found[defined.use, defined.name, defined.page] = defined
    for item in node.iterfind(f"{_CONFIG}/parameter-values/parameter"):
        name, use, page = item.get("name") or "", item.get("use") or "", _number(item.get("page-number"))
        kept_back = item.get("encrypted") == "1"
        known = found.get((use, name, page)) or Parameter(
            name, item.get("type") or "string", use, page, "", kept_back
        )
        found[use, name, page] = replace(
            known, value="" if kept_back else item.text or "", encrypted=known.encrypted or kept_back
        )
    return tuple(found.values())


def _classes(node: etree._Element) -> dict[str, tuple[Attribute, ...]]:
    schema = node.find(f"schema/{_DSML}dsml/{_DSML}directory-schema")
    if schema is None:
        raise ConfigurationError("no schema")
    types = {item.get("id") or "": item for item in schema.iterfind(f"{_DSML}attribute-type")}
    classes: dict[str, tuple[Attribute, ...]] = {}
    for entry in schema.iterfind(f"{_DSML}class"):
        names = [(item.get("ref") or "").removeprefix("#") for item in entry.iterfind(f"{_DSML}attribute")]
        classes[entry.get("id") or ""] = tuple(
            _attribute(name, types.get(name)) for name in names if not _export_only(types.get(name))
        )
    return classes


def _attribute(name: str, kind: etree._Element | None) -> Attribute:
    syntax = "" if kind is None else (kind.findtext(f"{_DSML}syntax") or "")
    return Attribute(
        name=name,
        data_type=_TYPES.get(syntax.rpartition(".")[2], "String"),
        multivalued=kind is not None and kind.get("single-value") == "false",
    )


def _export_only(kind: etree._Element | None) -> bool:
    """`export_password` and its like are no attributes of the target (domain/ecma_host.md 2.3)."""
    return kind is not None and kind.get(f"{_MS}export-only") == "true"


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 1
