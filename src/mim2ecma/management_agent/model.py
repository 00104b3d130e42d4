"""The typed, immutable model of an exported management agent (domain/ma_xml.md 2 to 10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from mim2ecma.documents.findings import Finding
from mim2ecma.management_agent.capabilities import Capabilities
from mim2ecma.management_agent.raw import ECMA2_CATEGORY

PASSWORD_ATTRIBUTE: Final = "export_password"  # noqa: S105  (the name of an attribute)
"""Pseudo attribute that nearly every ECMA2 management agent has; it looks both ways and is not (6.3)."""


class Wrapper(StrEnum):
    """Root around the management agent (domain/ma_xml.md 2)."""

    EXPORT_MA = "export-ma"
    PACKAGED = "packaged"
    SAVED_MA_CONFIGURATION = "saved-ma-configuration"
    MA_DATA = "ma-data"
    SAVED_MV_CONFIGURATION = "saved-mv-configuration"
    CONFIGURATION = "configuration"
    UNKNOWN = "unknown"


class ValueType(StrEnum):
    """Kind of an attribute's values, from its syntax OID (domain/ma_xml.md 6.3)."""

    STRING = "string"
    BINARY = "binary"
    BOOLEAN = "boolean"
    NUMBER = "number"
    REFERENCE = "reference"
    DATETIME = "datetime"
    UNKNOWN = "unknown"


class Operations(StrEnum):
    """Directions of an attribute in one object type (`allowedOperation`, 6.2)."""

    IMPORT_EXPORT = "import-export"
    IMPORT_ONLY = "import-only"
    EXPORT_ONLY = "export-only"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of one object type: the class's reference and the attribute type it leads to.

    Attributes:
        name: Name of the attribute type, not its id.
        type: Kind of its values.
        single_valued: Whether it holds one value at the most.
        operations: Directions in this object type.
        anchor: Whether it is (part of) the anchor.
        required: Whether the object type requires it.
        selected: Whether the administrator ticked it (`attribute-inclusion`).
        encrypted: Whether its type is marked as password-like.
    """

    name: str
    type: ValueType
    single_valued: bool
    operations: Operations
    anchor: bool
    required: bool
    selected: bool
    encrypted: bool = False

    @property
    def usable(self) -> bool:
        """Single-valued string, both directions, not the anchor, not a password (6.3)."""
        return (
            self.single_valued
            and self.type is ValueType.STRING
            and self.operations is Operations.IMPORT_EXPORT
            and not self.anchor
            and not self.encrypted
            and self.name.lower() != PASSWORD_ATTRIBUTE
        )


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A class of the connector's schema.

    Attributes:
        name: Name, in its own spelling: later settings of the host use it.
        anchor: Names of the anchor attributes.
        attributes: Its attributes in the schema's order.
        locked: Whether the connector locked the anchor definition.
    """

    name: str
    anchor: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """What the connector offers.

    Attributes:
        object_types: Its classes; empty when the schema was only counted.
        object_type_count: Number of classes, `None` when unknown.
        attribute_type_count: Number of attribute types, `None` when unknown.
        findings: Dangling references, duplicate ids and the like.
    """

    object_types: tuple[ObjectType, ...] = ()
    object_type_count: int | None = 0
    attribute_type_count: int | None = 0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that an administrator gave to the connector (7.3).

    Attributes:
        name: Free text.
        use: connectivity, capabilities, schema, global, partition or run-step.
        page: Number of the schema page, if any.
        type: string, encrypted-string, text, drop-down, checkbox, file ...
        encrypted: Whether the value is a secret that exports leave empty.
        text: The value as it stands in the file; never shown without `secrets.reveals_secret`.
    """

    name: str
    use: str
    page: int | None
    type: str
    encrypted: bool
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ParameterDefinition:
    """A parameter that the connector asks for (7.2).

    Attributes:
        name: Free text, empty for labels and dividers.
        use: As in `Parameter`.
        page: Number of the schema page, if any.
        type: As in `Parameter`, or label, divider.
        validation: Regular expression, or the choices of a drop-down.
        default: Default value.
    """

    name: str
    use: str
    page: int | None
    type: str
    validation: str
    default: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExtensionConfig:
    """`extension-config`: what the management agent says about its connector (7.1); `None` is absent.

    `unclear` names the switches that are there and neither 0 nor 1.
    """

    filename: str | None = None
    assembly_version: str | None = None
    import_mode: str | None = None
    export_mode: str | None = None
    import_enabled: bool | None = None
    export_enabled: bool | None = None
    discovers_schema: bool = False
    discovers_partitions: bool = False
    discovers_hierarchy: bool = False
    manages_passwords: bool = False
    export_type: str | None = None
    capability_bits: str | None = None
    page_sizes: Mapping[str, str] = field(default_factory=dict)
    unclear: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Configuration:
    """`private-configuration/MAConfig` (7).

    Attributes:
        extension: `extension-config`.
        file_type: `file-type`.
        definitions: Parameters the connector asks for.
        parameters: Values given.
        password_extension_dll: Second DLL, for passwords.
        password_extension_enabled: Whether it is switched on.
        anchors: Anchor attributes by object type, as the wizard stored them.
        selected_in_wizard: Attributes the wizard's own state calls selected, `None` when that state is
        absent.
    """

    extension: ExtensionConfig = field(default_factory=ExtensionConfig)
    file_type: str | None = None
    definitions: tuple[ParameterDefinition, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    password_extension_dll: str | None = None
    password_extension_enabled: bool = False
    anchors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    selected_in_wizard: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition (10)."""

    name: str
    id: str | None
    selected: bool
    object_types: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class RunStep:
    """A step of a run profile (10)."""

    type: str
    subtype: str | None = None
    partition: str | None = None
    batch_size: str | None = None
    timeout: str | None = None
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class RunProfile:
    """A run profile (10)."""

    name: str
    id: str | None
    steps: tuple[RunStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant in an export flow; its text is never shown (9)."""

    object_type: str
    attribute: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rules:
    """Synchronization rules as a summary: the host has no use for them, people lose what they do (4).

    Attributes:
        export_flows: Number of export flows.
        scripted_flows: Export flows that call the rules extension.
        joins: Join profiles.
        projections: Projection rules.
        filters: Connector filters.
        extension_dll: The rules extension.
        constants: Constants in export flows.
        import_flows: Import flows of this management agent in `mv-data`.
        foreign_import_flows: Import flows of others there.
        foreign_agents: How many others.
    """

    export_flows: int = 0
    scripted_flows: int = 0
    joins: int = 0
    projections: int = 0
    filters: int = 0
    extension_dll: str | None = None
    constants: tuple[Constant, ...] = ()
    import_flows: int = 0
    foreign_import_flows: int = 0
    foreign_agents: int = 0


@dataclass(frozen=True, slots=True)
class ManagementAgent:
    """A management agent. Texts are trimmed; `None` stands for absent or empty."""

    name: str | None = None
    id: str | None = None
    category: str | None = None
    subtype: str | None = None
    list_name: str | None = None
    company: str | None = None
    version: str | None = None
    description: str | None = field(default=None, repr=False)
    packaged: bool = False
    export_type: str | None = None
    schema: Schema = field(default_factory=Schema)
    selected_attributes: tuple[str, ...] = ()
    configuration: Configuration = field(default_factory=Configuration)
    capabilities: Capabilities = field(default_factory=Capabilities)
    partitions: tuple[Partition, ...] = ()
    run_profiles: tuple[RunProfile, ...] = ()
    rules: Rules = field(default_factory=Rules)
    complete: bool = True
    """Whether the whole element was kept; a large one that is not ECMA2 is only followed."""

    @property
    def is_ecma2(self) -> bool:
        """Whether the category is ECMA2, in any case of letters (5)."""
        return (self.category or "").lower() == ECMA2_CATEGORY


@dataclass(frozen=True)
class Source:
    """Where an export came from and what identifies it.

    Attributes:
        path: What the source is called.
        sha256: Hash of its bytes.
        bytes: Their number.
        encoding: Name of the encoding.
        wrapper: Kind of the root element.
        root: Its tag.
        server: Server that wrote the export.
        export_date: When, as the server wrote it.
        agent_count: How many management agents the file holds.
        identify: Gives `ma_sha256`; see there.
    """

    path: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    encoding: str | None = None
    wrapper: Wrapper = Wrapper.UNKNOWN
    root: str | None = None
    server: str | None = None
    export_date: str | None = None
    agent_count: int = 0
    identify: Callable[[], str | None] = field(default=lambda: None, repr=False, compare=False)

    @cached_property
    def ma_sha256(self) -> str | None:
        """Identity of the management agent (`canonical.ma_sha256`), `None` without one that was kept.

        Computed when it is first asked for: for a built-in management agent of a few MiB it takes as long as
        reading the file, and the verdict does not need it.
        """
        return self.identify()

    def __getstate__(self) -> dict[str, object]:
        """For other processes: with the identity, without the elements it comes from."""
        identity = self.ma_sha256
        return {**self.__dict__, "identify": KnownIdentity(identity)}


@dataclass(frozen=True, slots=True)
class KnownIdentity:
    """An identity that needs no elements any more."""

    identity: str | None

    def __call__(self) -> str | None:
        """The identity."""
        return self.identity


@dataclass(frozen=True, slots=True)
class Export:
    """Everything read from one file.

    Attributes:
        source: The file.
        agent: The management agent in it, if any.
        findings: What reading itself found: R1 when the file is unreadable, R13 for the schema.
    """

    source: Source
    agent: ManagementAgent | None = None
    findings: tuple[Finding, ...] = ()
