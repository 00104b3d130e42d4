"""R7 to R12, R19, R31, R32 and R34: object types, attributes and partitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mim2ecma.documents.findings import Finding
from mim2ecma.management_agent.model import ObjectType, ValueType
from mim2ecma.readiness.options import DEFAULT_OBJECT_TYPES
from mim2ecma.readiness.subject import Subject, error, information, listing, warning

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .\-]{0,99}")
_UNSUPPORTED_NAME = re.compile(r"[.\[]")  # ecma_host.md 4: names with '.' or '['
_NOT_CARRIED: Final = frozenset({ValueType.REFERENCE, ValueType.BINARY})
_NEWER: Final = frozenset({ValueType.NUMBER, ValueType.BOOLEAN, ValueType.DATETIME})
_ANCHOR_TYPES: Final = frozenset({ValueType.STRING, ValueType.NUMBER, ValueType.BINARY})
# Binary ones count: the host's LDAP page advises objectGUID (ecma_host.md 2.5).


def object_type_rules(subject: Subject) -> Iterator[Finding]:
    """R7, R7b and R19."""
    if not subject.named:
        yield _no_object_type(subject)
    if not subject.candidates:
        return
    known = {item.name.lower() for item in subject.agent.schema.object_types}
    strange = [name for name in subject.options.object_types if name.strip().lower() not in known]
    if strange and subject.named:
        yield information(
            "R7",
            "options/object types",
            f"{listing(strange)}, not in this schema",
            f"one of {listing(item.name for item in subject.agent.schema.object_types)}",
            f"Judged was {listing(item.name for item in subject.targets)}; correct the name if that is "
            "wrong.",
        )
    selected = {name.lower() for name in subject.selected_object_types}
    if not any(item.name.lower() in selected for item in subject.candidates):
        yield warning(
            "R7b",
            "ma-partition-data",
            f"object type {listing(item.name for item in subject.candidates)} is not selected in a "
            f"selected partition",
            "the object type that the host will use to be selected",
            "Select it in the management agent (Select Object Types), or check that the host's wizard "
            "offers it.",
        )
    if len(subject.selected_object_types) > 1:
        yield warning(
            "R19",
            "ma-partition-data",
            f"{len(subject.selected_object_types)} object types selected: "
            f"{listing(subject.selected_object_types)}",
            "one, as the host's wizard takes one",
            "Choose one target object in the wizard; each further one needs a connector of its own.",
        )


def _no_object_type(subject: Subject) -> Finding:
    names = [item.name for item in subject.agent.schema.object_types]
    expected = f"one of {listing((*subject.options.object_types, *DEFAULT_OBJECT_TYPES))}"
    if not names:
        return error(
            "R7",
            "schema",
            "no object types",
            expected,
            "Refresh the schema of the management agent in MIM and export it again.",
        ).not_acceptable()
    chosen = {name.lower() for name in subject.selected_object_types}
    example = next((name for name in names if name.lower() in chosen), names[0])
    if _PLAIN_NAME.fullmatch(example):
        step = (
            f"If '{example}' stands for people, say so: --object-type '{example}', or "
            f"object_types: ['{example}'] with ma_inspect."
        )
    else:  # such a text never becomes part of a line that somebody might copy into a shell or a playbook
        step = (
            "If one of them stands for people, name it with --object-type (object_types with ma_inspect), "
            "quoted for your shell: its name holds unusual characters."
        )
    return error("R7", "schema", f"object types {listing(names)}", expected, step)


def attribute_rules(subject: Subject) -> Iterator[Finding]:
    """R8, R8b, R9, R10 and R31 for the object types that may be the target."""
    targets = subject.targets
    if not targets:
        return
    names = listing(item.name for item in targets)
    usable = [attribute for item in targets for attribute in item.attributes if attribute.usable]
    if not usable:
        yield error(
            "R8",
            f"schema/{names}",
            "no single-valued string attribute that can be imported and exported, apart from anchor and "
            "export_password",
            "at least one",
            "Configure the connector so that it offers such an attribute, refresh the schema and export it "
            "again.",
        )
    else:
        for item in targets:
            if not any(attribute.usable for attribute in item.attributes):
                yield warning(
                    "R8",
                    f"schema/{item.name}",
                    "no single-valued string attribute that can be imported and exported, apart from anchor "
                    "and export_password",
                    "at least one, if this is to be the target object",
                    "Choose another target object in the wizard.",
                )
    if usable and not any(attribute.selected for attribute in usable):
        finding = error if subject.options.strict else warning
        yield finding(
            "R8b",
            "attribute-inclusion",
            f"none of the {len(usable)} usable attributes of {names} is selected",
            "at least one to be selected",
            "Select attributes in the management agent (Select Attributes), or select them in the host's "
            "wizard.",
        )
    for item in targets:
        yield from _anchor_rules(item)
        bad = sorted(
            attribute.name for attribute in item.attributes if _UNSUPPORTED_NAME.search(attribute.name)
        )
        if bad:
            yield warning(
                "R10",
                f"schema/{item.name}",
                f"attribute names with '.' or '[': {listing(bad)}",
                "names without them, since the host does not support them",
                "Leave these attributes out in the wizard, or give them other names in the connector.",
            )


def _anchor_rules(item: ObjectType) -> Iterator[Finding]:
    if len(item.anchor) != 1:
        yield warning(
            "R9",
            f"schema/{item.name}",
            f"{len(item.anchor)} anchor attributes: {listing(item.anchor)}"
            if item.anchor
            else "no anchor attribute",
            "exactly one, since the host supports no composite anchors",
            "Choose one attribute that is unique and never changes as the anchor.",
        )
    for attribute in item.attributes:
        if attribute.anchor and not (attribute.single_valued and attribute.type in _ANCHOR_TYPES):
            kind = "of an unknown syntax" if attribute.type is ValueType.UNKNOWN else attribute.type.value
            kind = kind if attribute.single_valued else f"multi-valued {kind}"
            yield warning(
                "R31",
                f"schema/{item.name}/{attribute.name}",
                f"an anchor that is {kind}",
                "a single-valued string, number or binary value, since it becomes the id on the host",
                "Choose another anchor in the wizard.",
            )


def kind_rules(subject: Subject) -> Iterator[Finding]:
    """R12, R32 and R34: selected attributes by kind."""
    chosen = [
        (item, attribute) for item in subject.targets for attribute in item.attributes if attribute.selected
    ]
    lost = [
        f"{attribute.name} ({'multi-valued ' if not attribute.single_valued else ''}{attribute.type.value})"
        for _, attribute in chosen
        if not attribute.anchor and (not attribute.single_valued or attribute.type in _NOT_CARRIED)
    ]
    if lost:
        yield information(
            "R12",
            "attribute-inclusion",
            f"selected attributes that the host does not carry: {listing(sorted(set(lost)))}",
            "single-valued attributes that are neither binary nor references",
            "Leave them out in the wizard; a multi-valued one can be treated as single value there.",
        )
    unknown = sorted({attribute.name for _, attribute in chosen if attribute.type is ValueType.UNKNOWN})
    if unknown:
        yield information(
            "R32",
            "schema",
            f"selected attributes of an unknown syntax: {listing(unknown)}",
            "a syntax that connectors use",
            "Look at these attributes in the wizard.",
        )
    newer = sorted(
        {attribute.name for _, attribute in chosen if attribute.single_valued and attribute.type in _NEWER}
    )
    if newer:
        yield information(
            "R34",
            "attribute-inclusion",
            f"selected numbers, booleans or dates: {listing(newer)}",
            "strings, which are the safe core; numbers need agent 1.1.892.0 or later",
            "Try these attributes with one user first.",
        )


def partition_rules(subject: Subject) -> Iterator[Finding]:
    """R11: the host takes one partition (ecma_host.md 4)."""
    selected = [partition.name for partition in subject.agent.partitions if partition.selected]
    if len(selected) == 1:
        return
    finding = error if subject.options.strict else warning
    yield finding(
        "R11",
        "ma-partition-data",
        f"{len(selected)} selected partitions: {listing(selected)}" if selected else "no selected partition",
        "exactly one, as the host takes one",
        "Select the one partition that holds the users; each further one needs a connector of its own.",
    )
