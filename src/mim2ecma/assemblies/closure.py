"""The closure of a connector: the files it needs, one answer for every reference. Made by `walk.close`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mim2ecma.documents.findings import Finding
from mim2ecma.documents.schemas import schema_name

from . import known
from .assembly import Assembly
from .bindings import Bindings
from .companions import Companion
from .host import HostFile
from .names import AssemblyName
from .search import Place, Search

JsonObject = dict[str, object]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known about both hosts.

    Attributes:
        search: Folders fetched from the MIM host.
        host: Files of the ECMA folder that we did not put there.
        framework: Version of .NET Framework whose list of assemblies counts.
        installed: Version that the ECMA host has.
        mim: Bindings of `miiserver.exe.config`; None when it was not fetched.
        service: Bindings of the ECMA host's service.
        wizard: Bindings of the ECMA host's configuration wizard.
        declared: Names of further files that the user or the inspection wants beside the connector.
    """

    search: Search
    host: tuple[HostFile, ...] = ()
    framework: str = known.DEFAULT_FRAMEWORK
    installed: str = known.DEFAULT_FRAMEWORK
    mim: Bindings | None = None
    service: Bindings | None = None
    wizard: Bindings | None = None
    declared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sought:
    """A name that `Extensions` does not settle, so that MIM must have it from `Bin` or the assembly cache.

    Attributes:
        name: Identity of the reference as it stands, or as `miiserver.exe.config` redirects it.
        module: Native code; then the name is that of a file and nothing else of the identity counts.
    """

    name: AssemblyName
    module: bool = False


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file to bring, with the place on MIM where it was found."""

    assembly: Assembly
    place: Place

    @property
    def file(self) -> str:
        """Name the file has on MIM, and must have in the ECMA folder."""
        return self.assembly.path.name


@dataclass(frozen=True, slots=True)
class Closure:
    """What a connector needs and where each part comes from.

    `edges` are (file, wanted name, list) for the drawing; `unsettled` is what an export looks for beyond
    `Extensions`; `extensions` are the folders that were searched as such.
    """

    connector: Assembly
    connector_supplied: bool
    stage: tuple[tuple[StagedFile, tuple[str, ...]], ...]
    lists: dict[str, tuple[JsonObject, ...]]
    conflicts: tuple[JsonObject, ...]
    native: tuple[JsonObject, ...]
    companions: tuple[Companion, ...]
    edges: tuple[tuple[str, str, str], ...]
    findings: tuple[Finding, ...]
    unsettled: tuple[Sought, ...] = ()
    extensions: tuple[Path, ...] = ()

    def to_dict(self) -> JsonObject:
        """The JSON form, keys as in docs/architecture.md (`closure`)."""
        connector = self.connector
        identity = connector.identity
        return {
            "schema": schema_name("closure"),
            "connector": {
                "file": connector.path.name,
                "assembly": identity.name if identity else None,
                "version": identity.version_text if identity else None,
                "sha256": connector.sha256,
                "bytes": connector.length,
                "architecture": connector.architecture,
                "target_framework": connector.target_framework,
                "interfaces": list(connector.interfaces),
                "types": list(connector.connector_types),
                "public_key_token": identity.public_key_token if identity else "",
                "strong_name": connector.strong_name,
                "authenticode": connector.authenticode,
                "file_version": connector.file_version,
                "supplied_by_host": self.connector_supplied,
            },
            "stage": [
                {
                    "file": staged.file,
                    "assembly": staged.assembly.identity.name if staged.assembly.identity else staged.file,
                    "version": staged.assembly.identity.version_text if staged.assembly.identity else None,
                    "sha256": staged.assembly.sha256,
                    "bytes": staged.assembly.length,
                    "wanted_by": list(wanted_by),
                    "place": staged.place.value,
                    **self._source(staged.assembly.path),
                    "strong_name": staged.assembly.strong_name,
                    "authenticode": staged.assembly.authenticode,
                    "file_version": staged.assembly.file_version,
                }
                for staged, wanted_by in self.stage
            ],
            **{
                name: list(self.lists[name])
                for name in ("host_supplied", "in_box", "windows", "embedded", "missing")
            },
            "conflicts": list(self.conflicts),
            "native": list(self.native),
            "companions": [
                companion.to_dict() | self._source(companion.path) for companion in self.companions
            ],
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def _source(self, path: Path) -> JsonObject:
        """Where on the controller a file lies that was not found in `Extensions`."""
        inside = any(path.is_relative_to(folder) for folder in self.extensions)
        return {} if inside or not self.extensions else {"source": str(path)}
