"""R14 to R16, R18, R20, R22 to R26, R28, R29 and R35: settings, values and what stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mim2ecma.documents.findings import Finding
from mim2ecma.documents.printable import counted
from mim2ecma.management_agent.capabilities import BitField, Capabilities, DnStyle
from mim2ecma.management_agent.model import PASSWORD_ATTRIBUTE
from mim2ecma.management_agent.needs import NeedKind
from mim2ecma.readiness.subject import DELIVERED, Subject, information, listing, once, warning
from mim2ecma.readiness.versions import is_version

_NOT_USED: Final = (  # ecma_host.md 2.4 and 4
    "full-export",
    "normalise-upper-case",
    "normalise-accents",
    "concurrent-operation",
    "delete-add-as-replace",
    "object-rename",
)
_FIRST_PASS: Final = "password-in-first-export-pass"  # noqa: S105  (a capability)
_MOST_PLACES: Final = 50  # of suspicious values told one by one; more is no list that anyone reads
_REFERENCE_EXPORT: Final = "5"  # MultivaluedReferenceAttributeUpdate, domain/ma_xml.md 4
_FULL_IMPORT: Final = "full-import"
_EXPORT_SUPPORTED: Final = "immediate-export-confirmation"  # domain/ma_xml.md 8: set when export is supported


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
    places = subject.secret_places
    more = len(places) - _MOST_PLACES
    told = [(place, "what looks like a secret in clear text") for place in places[:_MOST_PLACES]]
    if more > 0:
        told.append(("ma-data", f"{more} more places that look like secrets in clear text"))
    for place, found in told:
        yield warning(
            "R15",
            place,
            found,
            "none: everyone who can read the file can read it",
            "Treat the file as confidential, change the secret after the migration, and keep it in an "
            "encrypted parameter.",
        )


def reference_rules(subject: Subject) -> Iterator[Finding]:
    """R16 and R20: other DLLs and files, and whatever else values and scripts need."""
    configuration, rules = subject.agent.configuration, subject.agent.rules
    own = (configuration.extension.filename or "").lower()
    others = []
    if configuration.password_extension_dll and configuration.password_extension_dll.lower() != own:
        state = "on" if configuration.password_extension_enabled else "off"
        others.append(f"password extension {configuration.password_extension_dll} (switched {state})")
    if rules.extension_dll and rules.extension_dll.lower() != own:
        others.append(f"rules extension {rules.extension_dll} (not used by the host)")
    others += [f"file {name}" for name in subject.referenced_files if name.lower() != own]
    if others:
        yield information(
            "R16",
            "private-configuration",
            listing(others),
            "each to be carried along or known to be unnecessary; the list may be incomplete",
            "Take the files along that the connector reads itself, and adapt paths that name MIM's folders "
            "or are not there on the ECMA host.",
        )
    needs = list(
        once(f"{need.kind.value} {need.text}" for need in subject.needs if need.kind is not NeedKind.FILE)
    )
    needs += [f"parameter '{name}', which is not searched because of R15" for name in subject.unsearched]
    if needs:
        yield information(
            "R20",
            "parameter-values",
            listing(needs),
            "each to be there, or to be reached, on the ECMA host under its service account; the list may "
            "be incomplete",
            "Check PowerShell modules, drivers, data source names, registry keys (those of MIM come with MIM "
            "only) and network connections on the ECMA host.",
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
            "extension-config/password-management-enabled"
            if extension.manages_passwords
            else "capabilities/password-operations",
            "the connector manages passwords"
            if extension.manages_passwords
            else "the connector can manage passwords",
            "a migration without them: the host synchronizes no passwords and can set an initial one only",
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
    if agent.capabilities.has(_FIRST_PASS):
        own = (extension.filename or "").lower() not in DELIVERED
        yield (warning if own else information)(
            "R25",
            "capability-bits",
            f"capability {_FIRST_PASS}",
            "passwords in a pass of their own: the host does not support the other for custom connectors",
            "Leave it switched off in the wizard, and try an initial password with one user.",
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
    if wizard is None:
        return
    selected = set(subject.agent.selected_attributes)
    alone = (
        ("attribute-inclusion", selected - wizard - {PASSWORD_ATTRIBUTE}),
        ("ui-data", wizard - selected - {PASSWORD_ATTRIBUTE}),
    )
    told = [f"selected in {place} alone: {listing(sorted(names))}" for place, names in alone if names]
    if told:
        yield information(
            "R35",
            "ui-data",
            "; ".join(told),
            "the same attributes in both; the file may have been edited",
            "attribute-inclusion is what counts here; check the attributes in the host's wizard.",
        )


def _contradictions(subject: Subject) -> Iterator[str]:
    yield from _capabilities_against_settings(subject)
    yield from _capabilities_against_each_other(subject.agent.capabilities)
    yield from _settings_against_the_rest(subject)


def _fields(capabilities: Capabilities) -> tuple[tuple[str, str, str | None, BitField | None], ...]:
    """Each field's name, how its number is written, its text, its meaning."""
    return (
        ("capabilities-mask", "hexadecimal", capabilities.mask_text, capabilities.mask),
        ("capability-bits", "decimal", capabilities.bits_text, capabilities.bits),
    )


def _capabilities_against_settings(subject: Subject) -> Iterator[str]:
    extension, capabilities = subject.agent.configuration.extension, subject.agent.capabilities
    cases = (
        ("no-export", extension.export_enabled is True, "export-enabled is 1"),
        ("no-import", extension.import_enabled is True, "import-enabled is 1"),
        ("no-partitions", extension.discovers_partitions, "discovery-partition is set"),
        ("no-hierarchy", extension.discovers_hierarchy, "discovery-hierarchy is set"),
    )
    for name, contradicted, setting in cases:
        holders = [
            field for field, _, _, value in _fields(capabilities) if value is not None and name in value.names
        ]
        if contradicted and holders:
            yield f"capability {name} in {' and '.join(holders)} although {setting}"
    can = capabilities.has("password-operations")
    if extension.manages_passwords and capabilities.best is not None and not can:
        yield "password-management-enabled is 1 without the capability password-operations"
    if can and not extension.manages_passwords:
        yield "capability password-operations although password-management-enabled is not 1"
    mask = capabilities.mask
    if mask is not None and extension.export_enabled is False and _EXPORT_SUPPORTED in mask.names:
        yield f"export-enabled is 0 although capabilities-mask has {_EXPORT_SUPPORTED}"


def _capabilities_against_each_other(capabilities: Capabilities) -> Iterator[str]:
    for field, kind, text, value in _fields(capabilities):
        if text is not None and value is None:
            yield f"{field} is no {kind} number of 32 bits"
        elif value is not None and value.dn_style is None:
            yield f"{field} has an unknown DN style"
    mask, bits = capabilities.mask, capabilities.bits
    if mask is None or bits is None:
        return
    lost = sorted(set(bits.names) - set(mask.names))
    if lost:
        yield f"capability-bits has {', '.join(lost)}, capabilities-mask has not"
    if mask.dn_style is not None and bits.dn_style is not None and mask.dn_style is not bits.dn_style:
        yield f"DN style is {mask.dn_style} in capabilities-mask and {bits.dn_style} in capability-bits"


def _settings_against_the_rest(subject: Subject) -> Iterator[str]:
    agent, extension = subject.agent, subject.agent.configuration.extension
    file_type = agent.configuration.file_type
    if agent.export_type and extension.export_type and agent.export_type != extension.export_type:
        yield f"export-type is {agent.export_type} and {extension.export_type} in extension-config"
    if extension.export_enabled is True and extension.export_mode is None:
        yield "export-enabled is 1 without export-mode"
    if file_type and agent.category and file_type.lower() != agent.category.lower():
        yield f"file-type is {file_type}"
    for item in subject.targets:
        stored = agent.configuration.anchors.get(item.name, ())
        if stored and item.anchor and set(stored) != set(item.anchor):
            here, there = listing(stored), listing(item.anchor)
            yield f"the anchor of {item.name} is {here} in importing and {there} in schema"
    if extension.assembly_version and not is_version(extension.assembly_version):
        yield f"assembly-version is no version ({listing([extension.assembly_version])})"


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
        f"{what} {count}"
        for what, count in (
            ("export flows", rules.export_flows),
            ("scripted export flows", rules.scripted_flows),
            ("join profiles", rules.joins),
            ("projections", rules.projections),
            ("connector filters", rules.filters),
            ("import flows", rules.import_flows),
        )
        if count
    ]
    if left:
        yield information(
            "R28",
            "ma-data",
            f"synchronization rules: {', '.join(left)}",
            "attribute mappings in Microsoft Entra to do their work, as the host has no use for them",
            "Go through them and write down which transformations people rely on.",
        )
    if rules.foreign_import_flows:
        yield information(
            "R29",
            "mv-data",
            f"{counted(rules.foreign_import_flows, 'import flow')} of "
            f"{counted(rules.foreign_agents, 'other management agent')}",
            "only this management agent, but every single export carries the flows of the whole server",
            "Treat the file as confidential: it names attributes of unrelated systems.",
        )
