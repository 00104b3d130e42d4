"""Libraries that a packer has put into other files as resources, and what of them may be unpacked.

Kept is the way to a library, not its content: one that lies in another is unpacked again when it is asked
for, so that memory stays that of one, however many resources there are.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from mim2ecma.documents.safe_names import bare_file_name_problem

from .assembly import Assembly, AssemblyError, Resource
from .image import DamagedImageError
from .names import AssemblyName
from .reader import UNPACKED_LIMIT, read_embedded, read_resource

DEPTH_LIMIT = 3
"""Libraries embedded in embedded libraries.

Costura packs one level, an author may nest a packed library once more.
"""
UNPACKED_TOTAL = 128 * 1024 * 1024
"""Embedded libraries of one connector that are read, in all: single-file builds stay below half of it."""


@dataclass(frozen=True, slots=True)
class EmbeddedLibrary:
    """Where a library is embedded.

    Attributes:
        holder: What messages call the file that holds it.
        path: The file on the disk.
        way: Resources to go through from that file on, the library's own last.
    """

    holder: str
    path: Path
    way: tuple[Resource, ...]

    @property
    def resource(self) -> Resource:
        """The library's own resource."""
        return self.way[-1]


@dataclass(slots=True)
class EmbeddedLibraries:
    """All embedded libraries of one closure, by name in lower case; the first of a name counts."""

    found: dict[str, EmbeddedLibrary] = field(default_factory=dict)
    left: int = UNPACKED_TOTAL

    @property
    def names(self) -> AbstractSet[str]:
        """Names in lower case."""
        return self.found.keys()

    def take_up(self, assembly: Assembly, label: str, inside: EmbeddedLibrary | None) -> None:
        """Remember what a file carries; `inside` says where the file itself is embedded, if it is."""
        path, way = (inside.path, inside.way) if inside else (assembly.path, ())
        if len(way) >= DEPTH_LIMIT:
            return
        for resource in assembly.resources:
            library = resource.library
            if library and resource.embedded and bare_file_name_problem(library) is None:
                self.found.setdefault(library, EmbeddedLibrary(label, path, (*way, resource)))

    def by_hand(self, reference: AssemblyName, label: str) -> tuple[EmbeddedLibrary, Assembly] | None:
        """A library under a resource name that ends with the wanted one, as development tools write it.

        `Namespace.Folder.Library.dll` does not say where the library's own name begins: its metadata does.
        """
        for name, library in self.found.items():
            if not name.endswith(f".{reference.key}"):
                continue
            try:
                assembly = self.read(library, label)
            except (DamagedImageError, AssemblyError):
                continue  # its name alone proves nothing: the reference stays missing
            if assembly.identity is not None and assembly.identity.key == reference.key:
                return library, assembly
        return None

    def read(self, library: EmbeddedLibrary, label: str) -> Assembly:
        """Unpack and read a library, while what was unpacked before leaves room.

        Ten thousand resources may name the same packed bytes. One that fails counts like the largest.

        Raises:
            DamagedImageError: it cannot be unpacked, or too much was before it.
            AssemblyError: it is no library.
        """
        content: Path | bytes = library.path
        for resource in library.way:
            if self.left <= 0:
                found = f"{UNPACKED_TOTAL} bytes of embedded libraries unpacked before it"
                raise DamagedImageError(f"resource {resource.name}", found, "fewer")
            self.left -= UNPACKED_LIMIT
            content = read_resource(content, resource)
            self.left += UNPACKED_LIMIT - len(content)
        assert isinstance(content, bytes)  # noqa: S101  (a way has at least one step)
        return read_embedded(content, label)
