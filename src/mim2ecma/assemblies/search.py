r"""Where a reference is looked for.

The folders that were fetched from the MIM host, in the order in which MIM would find a file.

`Extensions`, `Bin`, `Bin\Assemblies`, then the global assembly cache in both its roots (domain/mim_sync.md
5). Folders are listed once, files are opened only when a reference leads to them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mim2ecma.documents.errors import InputError
from mim2ecma.documents.safe_names import bare_file_name_problem

from .names import AssemblyName

GAC_KINDS = ("GAC_64", "GAC_MSIL", "GAC")
"""Folders of the global assembly cache that a 64-bit process looks into; `GAC_32` is not for it."""
LIBRARY_SUFFIXES = (".dll", ".exe")
"""What probing tries, in this order (".NET Framework: How the runtime locates assemblies")."""
FOLDER_LIMIT = 100_000
"""More entries than that in one folder are no `Extensions` folder."""


class Place(StrEnum):
    """What a folder was on the MIM host."""

    EXTENSIONS = "extensions"
    BIN = "bin"
    BIN_ASSEMBLIES = "bin-assemblies"
    GAC = "gac"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that could answer a reference."""

    path: Path
    place: Place


@dataclass(slots=True)
class Folder:
    """One fetched folder, listed when first asked."""

    path: Path
    place: Place
    _files: dict[str, str] | None = field(default=None, repr=False)
    _folders: dict[str, str] = field(default_factory=dict, repr=False)

    def file(self, name: str) -> Path | None:
        """Return the file of that name, without regard to case. A symbolic link is no file here."""
        found = self._listed().get(name.casefold())
        return self.path / found if found is not None else None

    def folder(self, name: str) -> Folder | None:
        """Return the folder of that name below this one."""
        self._listed()
        found = self._folders.get(name.casefold())
        return Folder(self.path / found, self.place) if found is not None else None

    def files(self) -> Iterator[str]:
        """Iterate over the names of files, sorted."""
        yield from sorted(self._listed().values())

    def folders(self) -> Iterator[str]:
        """Iterate over the names of folders, sorted."""
        self._listed()
        yield from sorted(self._folders.values())

    def _listed(self) -> dict[str, str]:
        if self._files is None:
            self._files = {}
            try:
                with os.scandir(self.path) as entries:
                    for count, entry in enumerate(entries):
                        if count >= FOLDER_LIMIT:
                            raise _error(
                                self.path, f"more than {FOLDER_LIMIT} entries", "an Extensions folder"
                            )
                        if bare_file_name_problem(entry.name) is not None:
                            continue  # Windows could not hold such a name; it did not come from there
                        # Two names that differ in case alone cannot both come from Windows: the first by name
                        # wins.
                        target = self._folders if entry.is_dir(follow_symlinks=False) else self._files
                        if target is self._files and not entry.is_file(follow_symlinks=False):
                            continue
                        key = entry.name.casefold()
                        target[key] = min(entry.name, target.get(key, entry.name))
            except OSError as error:
                raise _error(self.path, error.strerror or "an input error", "a readable folder") from error
        return self._files


class Search:
    """The folders in their order."""

    def __init__(self, folders: Iterable[tuple[Path, Place]]) -> None:
        """Take folders as (path, place), best first; a folder that is named twice is searched once."""
        unique = {path.resolve(): Folder(path, place) for path, place in folders}
        order = list(Place)
        self.folders = sorted(unique.values(), key=lambda folder: order.index(folder.place))

    def candidates(self, reference: AssemblyName) -> Iterator[Candidate]:
        """Yield files that carry the reference's name, best place first.

        The name must have been checked before.
        """
        for folder in self.folders:
            if folder.place is Place.GAC:
                yield from self._in_gac(folder, reference)
                continue
            for suffix in LIBRARY_SUFFIXES:
                found = folder.file(reference.name + suffix)
                if found is not None:
                    yield Candidate(found, folder.place)
            inner = folder.folder(reference.name)
            if inner is not None:
                for suffix in LIBRARY_SUFFIXES:
                    found = inner.file(reference.name + suffix)
                    if found is not None:
                        yield Candidate(found, folder.place)

    def file(self, name: str, inside: Iterable[str] = ()) -> Candidate | None:
        """Return a file by its name from the folders that are not the global assembly cache.

        Args:
            name: Name of the file.
            inside: Names of folders below each of them, outermost first.
        """
        for folder in self.folders:
            inner: Folder | None = folder if folder.place is not Place.GAC else None
            for part in inside:
                inner = inner.folder(part) if inner else None
            found = inner.file(name) if inner else None
            if found is not None:
                return Candidate(found, folder.place)
        return None

    def _in_gac(self, root: Folder, reference: AssemblyName) -> Iterator[Candidate]:
        r"""Look into `<root>\GAC_MSIL\<name>\[v4.0_]<version>_<culture>_<token>\<name>.dll`.

        Both roots have this shape.
        """
        for kind in GAC_KINDS:
            holder = root.folder(kind)
            named = holder.folder(reference.name) if holder else None
            if named is None:
                continue
            for version in sorted(named.folders(), reverse=True):
                inner = named.folder(version)
                for suffix in LIBRARY_SUFFIXES:
                    found = inner.file(reference.name + suffix) if inner else None
                    if found is not None:
                        yield Candidate(found, Place.GAC)


def _error(path: Path, found: str, expected: str) -> InputError:
    return InputError(
        source=path.name, where="folder", found=found, expected=expected, next_step="Fetch the folder again."
    )
