"""`private-configuration/MAConfig` of an ECMA2 management agent (domain/ma_xml.md 7)."""

from __future__ import annotations

from typing import Final

from lxml import etree

from mim2ecma.management_agent.elements import bounded, children, is_true, path, text_of, whole_number
from mim2ecma.management_agent.model import Configuration, ExtensionConfig, Parameter, ParameterDefinition

ENCRYPTED_TYPE: Final = "encrypted-string"
"""Type of parameters whose values exports leave out (domain/ma_xml.md 7.3)."""

_SWITCHES: Final = ("import-enabled", "export-enabled", "password-management-enabled")
_PAGE_SIZES: Final = (
    "import-default-page-size",
    "import-max-page-size",
    "export-default-page-size",
    "export-max-page-size",
)


def read_configuration(element: etree._Element | None) -> Configuration:
    """Read `MAConfig`; its children may come in any order and any may be missing.

    Args:
        element: The element `MAConfig`, or `None`.

    Returns:
        Its model.

    Raises:
        UnreadableError: When it is too large to become a model.
    """
    parts = children(element)
    password = children(parts.get("password-extension-config"))
    return Configuration(
        extension=_read_extension(parts.get("extension-config")),
        file_type=text_of(parts.get("file-type")),
        definitions=_read_definitions(parts.get("parameter-definitions")),
        parameters=read_parameters(parts.get("parameter-values")),
        password_extension_dll=text_of(password.get("dll")),
        password_extension_enabled=bool(is_true(text_of(password.get("password-extension-enabled")))),
        anchors=_read_anchors(parts.get("importing")),
        selected_in_wizard=_read_wizard(parts.get("ui-data")),
    )


def read_parameters(values: etree._Element | None) -> tuple[Parameter, ...]:
    """Read `parameter-values`, which has the same shape in the configuration, partitions and run steps (7.3).

    Args:
        values: The element, or `None`.

    Returns:
        The values in the file's order.
    """
    if values is None:
        return ()
    found = []
    for item in bounded(list(values.iterchildren("parameter")), "parameter values"):
        kind = str(item.get("type") or item.get("dataType") or "").strip()
        found.append(
            Parameter(
                name=str(item.get("name") or "").strip(),
                use=str(item.get("use") or "").strip(),
                page=whole_number(item.get("page-number")),
                type=kind,
                encrypted=kind.lower() == ENCRYPTED_TYPE or bool(is_true(item.get("encrypted"))),
                text=text_of(item) or "",
            )
        )
    return tuple(found)


def _read_extension(element: etree._Element | None) -> ExtensionConfig:
    values = {tag: text_of(child) for tag, child in children(element).items()}
    return ExtensionConfig(
        filename=values.get("filename"),
        assembly_version=values.get("assembly-version"),
        import_mode=values.get("import-mode"),
        export_mode=values.get("export-mode"),
        import_enabled=is_true(values.get("import-enabled")),
        export_enabled=is_true(values.get("export-enabled")),
        discovers_schema=bool(values.get("discovery-schema")),
        discovers_partitions=bool(values.get("discovery-partition")),
        discovers_hierarchy=bool(values.get("discovery-hierarchy")),
        manages_passwords=is_true(values.get("password-management-enabled")) is True,
        export_type=values.get("export-type"),
        capability_bits=values.get("capability-bits"),
        page_sizes={tag: size for tag in _PAGE_SIZES if (size := values.get(tag))},
        unclear=frozenset(tag for tag in _SWITCHES if values.get(tag) and is_true(values[tag]) is None),
    )


def _read_definitions(element: etree._Element | None) -> tuple[ParameterDefinition, ...]:
    if element is None:
        return ()
    found = []
    for item in bounded(list(element.iterchildren("parameter")), "parameter definitions"):
        parts = children(item)
        found.append(
            ParameterDefinition(
                name=text_of(parts.get("name")) or "",
                use=text_of(parts.get("use")) or "",
                page=whole_number(text_of(parts.get("page-number"))),
                type=text_of(parts.get("type")) or "",
                validation=text_of(parts.get("validation")) or "",
                default=text_of(parts.get("default-value")) or "",
            )
        )
    return tuple(found)


def _read_anchors(importing: etree._Element | None) -> dict[str, tuple[str, ...]]:
    """Anchors by object type: `per-class-settings/class`, otherwise `anchor/attribute`."""
    found: dict[str, list[str]] = {}
    settings = path(importing, "per-class-settings")
    if settings is not None:
        for item in settings.iterchildren("class"):
            name = text_of(path(item, "name")) or ""
            anchor = path(item, "anchor")
            if anchor is not None:
                found[name] = [text for child in anchor.iterchildren("attribute") if (text := text_of(child))]
    anchor = path(importing, "anchor")
    if anchor is not None and not any(found.values()):
        for child in anchor.iterchildren("attribute"):
            text = text_of(child)
            if text:
                found.setdefault(str(child.get("object_class") or ""), []).append(text)
    return {name: tuple(names) for name, names in found.items()}


def _read_wizard(ui_data: etree._Element | None) -> frozenset[str] | None:
    attributes = path(ui_data, "xmlwizard", "attributes")
    if attributes is None or len(attributes) == 0:
        return None
    return frozenset(
        str(item.get("cd_name") or "")
        for item in attributes.iterchildren("attribute")
        if item.get("selected") == "-1"
    )
