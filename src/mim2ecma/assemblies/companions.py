"""Files that belong beside a staged library although no reference names them (domain/ma_xml.md 13.3)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from mim2ecma.documents.errors import InputError
from mim2ecma.documents.findings import Finding, Severity
from mim2ecma.documents.safe_names import bare_file_name_problem

from .assembly import Assembly
from .search import Folder, Place, Search

WEB_SERVICES_CONNECTOR = "microsoft.identitymanagement.ma.webservices"
"""Reads `.wsconfig` projects that lie beside it (domain/ecma_host.md 2.5)."""
CULTURE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*\Z", re.IGNORECASE)
"""Shape of a culture's folder, BCP 47 as .NET Framework writes it."""
LOG_FILES = {
    "log4net": re.compile(r"(.+[._-])?log4net.*\.(config|xml)\Z", re.IGNORECASE),
    "nlog": re.compile(r"(.+[._-])?nlog.*\.(config|xml)\Z", re.IGNORECASE),
    "lithnet.logging": re.compile(r"(.+[._-])?(nlog|log4net).*\.(config|xml)\Z", re.IGNORECASE),
}
_STEP = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Companion:
    r"""A file to bring that is no managed library.

    Attributes:
        target: Place relative to the ECMA folder, with `\`.
        kind: `config`, `satellite`, `logging`, `wsconfig`, `native`, `module` or `declared`.
        of: File it belongs to.
    """

    path: Path
    target: str
    kind: str
    of: str
    sha256: str
    bytes: int

    @classmethod
    def read(cls, path: Path, target: str, kind: str, owner: str) -> Companion:
        """Hash a file and make it a companion."""
        digest = hashlib.sha256()
        size = 0
        try:
            with path.open("rb") as file:
                while step := file.read(_STEP):
                    digest.update(step)
                    size += len(step)
        except OSError as error:
            raise InputError(
                source=path.name,
                where="file",
                found=error.strerror or "an input error",
                expected="a readable file",
                next_step="Fetch the folder again.",
            ) from error
        return cls(path, target, kind, owner, digest.hexdigest(), size)

    @property
    def key(self) -> str:
        """Target as Windows compares it."""
        return self.target.casefold()

    def to_dict(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "file": self.target,
            "kind": self.kind,
            "of": self.of,
            "sha256": self.sha256,
            "bytes": self.bytes,
        }


def companions_of(assembly: Assembly, search: Search, libraries: Collection[str]) -> Iterator[Companion]:
    """Find the companions of a staged library.

    Its configuration, satellites, and logging configuration where it uses that library.

    Args:
        assembly: The staged library, or one that lies on the host already.
        search: Folders fetched from MIM.
        libraries: Names, in lower case, of all libraries that are staged, embedded or on the host.
    """
    path = assembly.path
    folder = next(
        (folder for folder in search.folders if folder.path == path.parent),
        Folder(path.parent, Place.EXTENSIONS),
    )
    for suffix in (".config", ".manifest"):
        found = folder.file(path.name + suffix)
        if found is not None:
            yield Companion.read(found, found.name, "config", path.name)
    yield from _satellites(assembly, folder)
    name = assembly.identity.key if assembly.identity else path.stem.casefold()
    for file in folder.files():
        if WEB_SERVICES_CONNECTOR in {name, path.stem.casefold()} and file.casefold().endswith(".wsconfig"):
            yield Companion.read(folder.path / file, file, "wsconfig", path.name)
        for library, pattern in LOG_FILES.items():
            if (
                library in libraries
                and (library == name or _references(assembly, library))
                and pattern.match(file)
            ):
                yield Companion.read(folder.path / file, file, "logging", path.name)


def declared_companion(name: str, search: Search) -> tuple[Companion | None, Finding | None]:
    """Find a file that the user or the inspection names; the finding says why there is none."""
    problem = bare_file_name_problem(name)
    if problem is None:
        found = search.file(name)
        if found is not None:
            return Companion.read(found.path, found.path.name, "declared", ""), None
        text = "a file that was not fetched from MIM"
    else:
        text = f"a name that {problem}"
    finding = Finding(
        id="C24",
        severity=Severity.WARNING,
        where=f"declared file '{name}'",
        found=text,
        expected="the name of a file in the fetched Extensions folder",
        next_step="Put the file into the fetched folder or correct the name.",
    )
    return None, finding


def _satellites(assembly: Assembly, folder: Folder) -> Iterator[Companion]:
    stem = assembly.identity.name if assembly.identity else assembly.path.stem
    for culture in folder.folders():
        if not CULTURE.match(culture):
            continue
        inner = folder.folder(culture)
        found = inner.file(f"{stem}.resources.dll") if inner else None
        if found is not None:
            yield Companion.read(found, f"{culture}\\{found.name}", "satellite", assembly.path.name)


def _references(assembly: Assembly, library: str) -> bool:
    return any(reference.key == library for reference in assembly.references)
