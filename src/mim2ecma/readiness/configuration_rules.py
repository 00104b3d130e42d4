"""R14 to R16, R18, R20, R22 to R26, R28, R29 and R35: settings, values and what stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mim2ecma.documents.findings import Finding
from mim2ecma.management_agent.capabilities import DnStyle
from mim2ecma.management_agent.model import PASSWORD_ATTRIBUTE
from mim2ecma.management_agent.needs import NeedKind
from mim2ecma.management_agent.secrets import holds_secret, is_password_attribute, reveals_secret
from mim2ecma.readiness.subject import Subject, information, listing, warning

_NOT_USED: Final = (  # ecma_host.md 2.4 and 4
    "full-export",
    "normalise-upper-case",
    "normalise-accents",
    "concurrent-operation",
    "delete-add-as-replace",
    "password-in-first-export-pass",
    "object-rename",
)
_REFERENCE_EXPORT: Final = "5"  # MultivaluedReferenceAttributeUpdate, domain/ma_xml.md 4
_FULL_IMPORT: Final = "full-import"


def secret_rules(subject: Subject) -> Iterator[Finding]:
    """R14 and R15; names and places only, never values."""
    if subject.secrets_to_reenter:
        yield information(
            "R14",
            "parameter-definitions",
            f"encrypted parameters: {listing(subject.secrets_to_reenter)}",
            "someone who knows the values, since exports leave them out",
            "Have them at hand when the wizard asks for them.",
        )
    places = [
        f"{place}, parameter '{parameter.name}' ({subject.suspicious[parameter]})"
        for place, parameter in subject.parameters
        if parameter in subject.suspicious
    ]
    for definition in subject.agent.configuration.definitions:
        reason = reveals_secret(definition.name, definition.type, definition.default)
        if reason is None and definition.type == "encrypted-string" and definition.default:
            reason = "a default of an encrypted parameter"
        if reason:
            places.append(f"parameter-definitions, default of '{definition.name}' ({reason})")
    for constant in subject.agent.rules.constants:
        if constant.text and (is_password_attribute(constant.attribute) or holds_secret(constant.text)):
            places.append(f"export-attribute-flow, constant for '{constant.attribute}'")
    if subject.agent.description and holds_secret(subject.agent.description):
        places.append("description")
    for place in places:
        yield warning(
            "R15",
            place,
            "what looks like a secret in clear text",
            "none: everyone who can read the file can read it",
            "Treat the file as confidential, change the secret after the migration, and keep it in an "
            "encrypted parameter.",
        )


def reference_rules(subject: Subject) -> Iterator[Finding]:
    """R16 and R20: other DLLs, files and whatever values and scripts need."""
    configuration, rules = subject.agent.configuration, subject.agent.rules
    others = []
    if configuration.password_extension_dll:
        state = "on" if configuration.password_extension_enabled else "off"
        others.append(f"password extension {configuration.password_extension_dll} (switched {state})")
    if rules.extension_dll:
        others.append(f"rules extension {rules.extension_dll} (not used by the host)")
    others += [f"file {name}" for name in subject.referenced_files]
    if others:
        yield information(
            "R16",
            "private-configuration",
            listing(others),
            "each to be carried along or known to be unnecessary; the list may be incomplete",
            "Take the files along that the connector reads itself, and adapt paths that name MIM's folders.",
        )
    needs = [
        f"{need.kind.value} {need.text}"
        for need in subject.needs
        if need.kind is not NeedKind.FILE or "\\" in need.text
    ]
    if needs:
        yield information(
            "R20",
            "parameter-values",
            listing(dict.fromkeys(needs)),
            "each to be there, or to be reached, on the ECMA host under its service account; the list may "
            "be incomplete",
            "Check paths, PowerShell modules, drivers, data source names and network connections on the "
            "ECMA host.",
        )


def capability_rules(subject: Subject) -> Iterator[Finding]:
    """R22 to R25: what the connector can do and the host does differently (ecma_host.md 4)."""
    agent, extension = subject.agent, subject.agent.configuration.extension
    best = agent.capabilities.best
    special = []
    if best is not None and best.dn_style is DnStyle.LDAP:
        special.append("LDAP style names")
    if extension.discovers_hierarchy:
        special.append("a hierarchy")
    if extension.discovers_partitions:
        special.append("partitions")
    if special:
        yield warning(
            "R22",
            "extension-config",
            f"the connector has {', '.join(special)}",
            "a flat connector; the host uses one partition and no hierarchy, and how names are made is "
            "chosen in its wizard",
            "Decide on DN, anchor and autogenerated names before the wizard asks (LDAP: DN '-dn-', not "
            "autogenerated).",
        )
    if extension.manages_passwords or agent.capabilities.has("password-operations"):
        yield warning(
            "R23",
            "extension-config/password-management-enabled",
            "the connector manages passwords",
            "no use of it: the host synchronizes no passwords and can set an initial one only",
            "Plan for passwords outside of this connector.",
        )
    if _REFERENCE_EXPORT in {agent.export_type, extension.export_type}:
        yield warning(
            "R24",
            "export-type",
            "MultivaluedReferenceAttributeUpdate",
            "an export type without references, since the host carries none",
            "Check with the connector's maker whether it works without references.",
        )
    unused = [name for name in _NOT_USED if agent.capabilities.has(name)]
    if unused:
        yield information(
            "R25",
            "capability-bits",
            f"capabilities that the host does not use: {', '.join(unused)}",
            "nothing to rely on them",
            "Nothing to do, unless the migration counts on one of them.",
        )


def contradiction_rules(subject: Subject) -> Iterator[Finding]:
    """R18 and R35: fields that disagree. Absence of a negative bit proves nothing (domain/ma_xml.md 8)."""
    disagreements = list(_contradictions(subject))
    if disagreements:
        yield information(
            "R18",
            "capabilities",
            "; ".join(disagreements),
            "fields that agree",
            "Refresh the management agent in MIM; extension-config is what counts here.",
        )
    wizard = subject.agent.configuration.selected_in_wizard
    selected = set(subject.agent.selected_attributes)
    if wizard is not None and (wizard ^ selected) - {PASSWORD_ATTRIBUTE}:
        yield information(
            "R35",
            "ui-data",
            f"another selection than attribute-inclusion: "
            f"{listing(sorted((wizard ^ selected) - {PASSWORD_ATTRIBUTE}))}",
            "the same attributes; the file may have been edited",
            "attribute-inclusion is what counts here; check the attributes in the host's wizard.",
        )


def _contradictions(subject: Subject) -> Iterator[str]:
    agent, extension = subject.agent, subject.agent.configuration.extension
    capabilities, file_type = agent.capabilities, agent.configuration.file_type
    for field, text, value in (
        ("capabilities-mask", capabilities.mask_text, capabilities.mask),
        ("capability-bits", capabilities.bits_text, capabilities.bits),
    ):
        if text is not None and value is None:
            yield f"{field} is no number"
        elif value is not None and value.dn_style is None:
            yield f"{field} has an unknown DN style"
    cases = (
        ("no-export", extension.export_enabled is True, "export-enabled is 1"),
        ("no-import", extension.import_enabled is True, "import-enabled is 1"),
        ("no-partitions", extension.discovers_partitions, "discovery-partition is set"),
        ("no-hierarchy", extension.discovers_hierarchy, "discovery-hierarchy is set"),
    )
    for name, contradicted, setting in cases:
        if contradicted and capabilities.has(name):
            yield f"capability {name} although {setting}"
    if (
        extension.manages_passwords
        and capabilities.best is not None
        and not capabilities.has("password-operations")
    ):
        yield "password-management-enabled is 1 without the capability password-operations"
    if capabilities.mask is not None and capabilities.bits is not None:
        lost = sorted(set(capabilities.bits.names) - set(capabilities.mask.names))
        if lost:
            yield f"capability-bits has {', '.join(lost)}, capabilities-mask has not"
    if agent.export_type and extension.export_type and agent.export_type != extension.export_type:
        yield f"export-type is {agent.export_type} and {extension.export_type} in extension-config"
    if extension.export_enabled is True and extension.export_mode is None:
        yield "export-enabled is 1 without export-mode"
    if file_type and agent.category and file_type.lower() != agent.category.lower():
        yield f"file-type is {file_type}"


def rest_rules(subject: Subject) -> Iterator[Finding]:
    """R26, R28 and R29: run profiles, synchronization rules and other management agents in the file."""
    agent, rules = subject.agent, subject.agent.rules
    full = any(step.type.startswith(_FULL_IMPORT) for profile in agent.run_profiles for step in profile.steps)
    if agent.configuration.extension.import_enabled and not full:
        yield information(
            "R26",
            "ma-run-data",
            "no run profile with a full import",
            "one, since the host finds existing accounts only by a full import",
            "Tick Full import on the wizard's page of run profiles.",
        )
    left = [
        f"{count} {what}"
        for count, what in (
            (rules.export_flows, "export flows"),
            (rules.scripted_flows, "of them scripted"),
            (rules.joins, "join profiles"),
            (rules.projections, "projections"),
            (rules.filters, "connector filters"),
            (rules.import_flows, "import flows"),
        )
        if count
    ]
    if left:
        yield information(
            "R28",
            "ma-data",
            f"synchronization rules: {', '.join(left)}",
            "their work to be done by attribute mappings in Microsoft Entra, as the host has no use for them",
            "Go through them and write down which transformations people rely on.",
        )
    if rules.foreign_import_flows:
        yield information(
            "R29",
            "mv-data",
            f"{rules.foreign_import_flows} import flows of {rules.foreign_agents} other management agents",
            "only this management agent, but every single export carries the flows of the whole server",
            "Treat the file as confidential: it names attributes of unrelated systems.",
        )
