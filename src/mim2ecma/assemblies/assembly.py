"""What the metadata of one file says; `reader.read_assembly` makes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mim2ecma.documents.errors import Mim2EcmaError

from .names import AssemblyName

RULES_EXTENSION_INTERFACES = frozenset({"IMASynchronization", "IMVSynchronization"})
"""domain/ma_xml.md 13.1: same reference, but nothing that the ECMA host could use."""

COSTURA_PREFIXES = ("costura.", "costura64.", "costura_win_x64.")
COSTURA_32_BIT_PREFIXES = ("costura32.", "costura_win_x86.")
"""Costura's loader takes one of 32 and 64 by the size of a pointer; the ECMA host is a 64-bit program."""
PACKED_SUFFIXES = (".dll", ".dll.compressed", ".dll.zip", ".dll.gz", ".exe", ".exe.compressed")


class AssemblyError(Mim2EcmaError):
    """The file cannot be read as an executable of any kind."""


@dataclass(frozen=True, slots=True)
class ModuleReference:
    """A module that is called by platform invoke, or another file of a multi-file assembly."""

    name: str
    functions: int
    kind: str  # "invoke", "import" (a native image's import table), "file" (a module of this assembly)


@dataclass(frozen=True, slots=True)
class Resource:
    """A manifest resource (ECMA-335 II.22.24); `offset` counts from the resources of the runtime header."""

    name: str
    offset: int
    embedded: bool

    @property
    def library(self) -> str | None:
        """Simple name of the library that is packed into the resource.

        In lower case as Costura writes it; None if it is none, or one for 32-bit programs alone.
        """
        name = self.name.casefold()
        suffix = next((suffix for suffix in PACKED_SUFFIXES if name.endswith(suffix)), None)
        if suffix is None:
            return None
        stem = name[: -len(suffix)]
        if stem.startswith(COSTURA_32_BIT_PREFIXES):
            return None
        prefix = next((prefix for prefix in COSTURA_PREFIXES if stem.startswith(prefix)), "")
        return stem[len(prefix) :] or None


@dataclass(frozen=True, slots=True)
class Assembly:
    """What the metadata of one file says.

    Attributes:
        kind: `managed`, `mixed` (native code and metadata in one file), `module` (a part of another assembly)
            or `native`.
        identity: None for `module` and `native`.
        architecture: `anycpu`, `anycpu-32bit-preferred`, `x86`, `x64`, `arm64` ... or `machine-0x....`.
        strong_name: `signed`, `delay-signed` (key without signature) or `none`. The signature is not
            verified.
        interfaces: Interfaces of `Microsoft.MetadirectoryServices` that a class of this file implements,
            itself or by a base class of this file, sorted.
        connector_types: Full names of those classes, sorted.
        inherits: One of them has a base class that is generic or lies in another file, and may implement
            more.
        signs: Signs of what no reference shows: `late-binding`, `registry`, `process`, `named-pipe`,
            `compiler`.
        warnings: Parts of the file that could not be read.
    """

    path: Path
    length: int
    kind: str
    architecture: str
    identity: AssemblyName | None = None
    references: tuple[AssemblyName, ...] = ()
    modules: tuple[ModuleReference, ...] = ()
    resources: tuple[Resource, ...] = ()
    target_framework: str | None = None
    runtime_version: str | None = None
    strong_name: str = "none"
    authenticode: bool = False
    file_version: str | None = None
    interfaces: tuple[str, ...] = ()
    connector_types: tuple[str, ...] = ()
    inherits: bool = False
    signs: tuple[str, ...] = ()
    sha256: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def is_connector(self) -> bool:
        """True when a class of the file implements an interface of ECMA 2."""
        return any(name.startswith("IMAExtensible2") for name in self.interfaces)

    @property
    def is_rules_extension(self) -> bool:
        """True when the file serves the synchronization engine and no connector."""
        return not self.is_connector and bool(RULES_EXTENSION_INTERFACES & set(self.interfaces))
