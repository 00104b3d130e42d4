"""`schema` of a management agent: DSML with Microsoft's additions (domain/ma_xml.md 6)."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Final, cast

from lxml import etree

from mim2ecma.documents.findings import Finding, Severity
from mim2ecma.management_agent.elements import DSML, MS_DSML, bounded, is_true, text_of
from mim2ecma.management_agent.model import Attribute, ObjectType, Operations, Schema, ValueType

_CLASS: Final = f"{{{DSML}}}class"
_ATTRIBUTE_TYPE: Final = f"{{{DSML}}}attribute-type"
_ATTRIBUTE: Final = f"{{{DSML}}}attribute"
_NAME: Final = f"{{{DSML}}}name"
_SYNTAX: Final = f"{{{DSML}}}syntax"
_IS_ANCHOR: Final = f"{{{MS_DSML}}}isAnchor"
_OPERATION: Final = f"{{{MS_DSML}}}allowedOperation"
_LOCKED: Final = f"{{{MS_DSML}}}locked"
_ENCRYPTED: Final = f"{{{MS_DSML}}}encrypted"

# Constant, without any text from a file; counting without them makes an object of each element.
_COUNT_CLASSES: Final = etree.XPath("count(*/*/d:class)", namespaces={"d": DSML})
_COUNT_ATTRIBUTE_TYPES: Final = etree.XPath("count(*/*/d:attribute-type)", namespaces={"d": DSML})

_LDAP: Final = "1.3.6.1.4.1.1466.115.121.1."
# domain/ma_xml.md 6.3, "OIDs seen"
_TYPES: Final[Mapping[str, ValueType]] = {
    **dict.fromkeys((f"{_LDAP}15", f"{_LDAP}44", f"{_LDAP}26"), ValueType.STRING),
    **dict.fromkeys(
        ("1.2.840.113556.1.4.1221", "1.2.840.113556.1.4.905", "1.2.840.113556.1.4.1362"), ValueType.STRING
    ),
    **dict.fromkeys((f"{_LDAP}5", f"{_LDAP}40"), ValueType.BINARY),
    f"{_LDAP}7": ValueType.BOOLEAN,
    **dict.fromkeys((f"{_LDAP}27", "1.2.840.113556.1.4.906"), ValueType.NUMBER),
    f"{_LDAP}12": ValueType.REFERENCE,
    **dict.fromkeys((f"{_LDAP}24", f"{_LDAP}53"), ValueType.DATETIME),
}
_OPERATIONS: Final[Mapping[str, Operations]] = {
    "": Operations.IMPORT_EXPORT,
    "importexport": Operations.IMPORT_EXPORT,
    "importonly": Operations.IMPORT_ONLY,
    "exportonly": Operations.EXPORT_ONLY,
}
_AGAIN: Final = (
    "Refresh the schema of the management agent in MIM and export it again; the file may have been edited."
)
_LISTED: Final = 10


@dataclass(frozen=True, slots=True)
class _AttributeType:
    name: str
    type: ValueType
    single_valued: bool
    encrypted: bool


def count_schema(element: etree._Element | None) -> Schema:
    """Count classes and attribute types without reading them, for management agents that are not ECMA2."""
    if element is None:
        return Schema()
    return Schema(
        object_type_count=int(cast("float", _COUNT_CLASSES(element))),
        attribute_type_count=int(cast("float", _COUNT_ATTRIBUTE_TYPES(element))),
    )


def read_schema(
    element: etree._Element | None, selected: Container[str], anchors: Mapping[str, tuple[str, ...]]
) -> Schema:
    """Read a schema.

    Args:
        element: The element `schema`, or `None`.
        selected: Names of the attributes the administrator ticked.
        anchors: Anchors by object type as the wizard stored them; they count where no reference of the class
        says
            `isAnchor`, as in the exports of Entra Connect.

    Returns:
        Its model, with findings for what does not fit together.

    Raises:
        UnreadableError: When it is too large to become a model.
    """
    if element is None:
        return Schema()
    reader = _Reader(selected, anchors)
    types = reader.attribute_types(bounded(list(element.iter(_ATTRIBUTE_TYPE)), "attribute types"))
    bounded(list(element.iter(_ATTRIBUTE)), "attribute references")
    object_types = tuple(
        reader.object_type(item, types) for item in bounded(list(element.iter(_CLASS)), "classes")
    )
    reader.check_names(object_types)
    return Schema(object_types, len(object_types), len(types), reader.findings())


class _Reader:
    def __init__(self, selected: Container[str], anchors: Mapping[str, tuple[str, ...]]) -> None:
        self._selected = selected
        self._anchors = anchors
        self._dangling: list[str] = []
        self._duplicates: list[str] = []
        self._classes: list[str] = []
        self._operations: list[str] = []

    def attribute_types(self, elements: list[etree._Element]) -> dict[str, _AttributeType]:
        types: dict[str, _AttributeType] = {}
        for element in elements:
            name = syntax = None
            for child in element:
                if child.tag == _NAME:
                    name = text_of(child)
                elif child.tag == _SYNTAX:
                    syntax = text_of(child)
            key = str(element.get("id") or name or "")
            if key in types:
                self._duplicates.append(f"attribute type {key}")
                continue
            types[key] = _AttributeType(
                name or key,
                _TYPES.get(syntax or "", ValueType.UNKNOWN),
                _says(element, "single-value"),
                _says(element, _ENCRYPTED),
            )
        return types

    def object_type(self, element: etree._Element, types: Mapping[str, _AttributeType]) -> ObjectType:
        name = next((text for child in element.iterchildren(_NAME) if (text := text_of(child))), None)
        name = name or str(element.get("id") or "")
        stored = self._anchors.get(name, ())
        references = list(element.iterchildren(_ATTRIBUTE))
        says_anchor = any(_says(reference, _IS_ANCHOR) for reference in references)
        attributes: dict[str, Attribute] = {}
        for reference in references:
            target = str(reference.get("ref") or "").removeprefix("#")
            kind = types.get(target)
            if kind is None:
                self._dangling.append(f"{name}/{target}")
                continue
            if kind.name in attributes:
                self._duplicates.append(f"reference {name}/{kind.name}")
                continue
            operation = str(reference.get(_OPERATION) or "").strip()
            operations = _OPERATIONS.get(operation.lower(), Operations.UNKNOWN)
            if operations is Operations.UNKNOWN:
                self._operations.append(f"{name}/{kind.name}")
            attributes[kind.name] = Attribute(
                kind.name,
                kind.type,
                kind.single_valued,
                operations,
                _says(reference, _IS_ANCHOR) if says_anchor else kind.name in stored,
                _says(reference, "required"),
                kind.name in self._selected,
                kind.encrypted,
            )
        anchor = tuple(attribute.name for attribute in attributes.values() if attribute.anchor)
        return ObjectType(name, anchor, tuple(attributes.values()), _says(element, _LOCKED))

    def check_names(self, object_types: tuple[ObjectType, ...]) -> None:
        seen: set[str] = set()
        for item in object_types:
            if item.name.lower() in seen:
                self._classes.append(item.name)
            seen.add(item.name.lower())

    def findings(self) -> tuple[Finding, ...]:
        cases = (
            (
                self._dangling,
                "references to attribute types that do not exist",
                "each to lead to an attribute type",
            ),
            (self._duplicates, "the same name or id more than once", "each once; the first one is used"),
            (self._classes, "object types of the same name", "each once; the wizard may show either"),
            (self._operations, "an unknown allowedOperation", "ImportOnly, ExportOnly or none"),
        )
        return tuple(
            Finding("R13", Severity.WARNING, "schema", f"{found}: {listed(names, _LISTED)}", expected, _AGAIN)
            for names, found, expected in cases
            if names
        )


def _says(element: etree._Element, attribute: str) -> bool:
    """Whether an attribute is one of the product's spellings of true; blanks around it do not count (3)."""
    text = element.get(attribute)
    return text is not None and (text == "true" or is_true(text.strip()) is True)


def listed(names: list[str], most: int) -> str:
    """Names for a sentence: the first ones, and how many more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
