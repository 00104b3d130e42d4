"""The portable executable around an assembly: headers, sections, signature, version resource, import table.

Read without loading and without trust: every offset is checked against the length of the file before it is
used, and of a file that is larger than `WHOLE_FILE_BYTES` only the pieces that are asked for are read.
Paragraph numbers are those of ECMA-335, 6th edition, partition II; the layout of the rest is the Microsoft PE
and COFF specification.
"""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

WHOLE_FILE_BYTES = 8 * 1024 * 1024
"""Up to this length one read is quicker than several; above it memory stays bounded by reading pieces."""
PIECE_BYTES = 16 * 1024 * 1024
"""The largest piece read at once. The metadata of the largest assembly of .NET itself is under 10 MiB."""
HASH_BYTES = 128 * 1024 * 1024
"""No library that a connector brings is larger: single-file builds stay below 64 MiB."""
HASH_STEP = 1024 * 1024
SECTIONS_LIMIT = 96
"""The Windows loader takes no more (PE and COFF specification, `NumberOfSections`)."""
IMPORTS_LIMIT = 4096
VERSION_RESOURCE_TYPE = 16
VERSION_SIGNATURE = 0xFEEF04BD
RESOURCE_ENTRIES_LIMIT = 4096

_DIRECTORY_IMPORT, _DIRECTORY_RESOURCE, _DIRECTORY_SECURITY = 1, 2, 4
_DIRECTORY_DELAY_IMPORT, _DIRECTORY_CLI = 13, 14
_DOS_HEADER = struct.Struct("<2s58xI")
_COFF_HEADER = struct.Struct("<HHIIIHH")
_SECTION = struct.Struct("<8sIIII12xI")
_CLI_HEADER = struct.Struct("<IHHIIIIIIII")


class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes | None: ...
    def seek(self, offset: int, whence: int = ..., /) -> int: ...
    def close(self) -> None: ...


class DamagedImageError(Exception):
    """The bytes contradict the format; `where` names the structure, the message says what was found."""

    def __init__(self, where: str, found: str, expected: str) -> None:
        super().__init__(f"{where}: {found}; expected {expected}")
        self.where = where
        self.found = found
        self.expected = expected


class NotAnImageError(DamagedImageError):
    """The file is no portable executable at all."""


@dataclass(frozen=True, slots=True)
class Section:
    """A row of the section table (II.25.3)."""

    name: str
    virtual_size: int
    virtual_address: int
    raw_size: int
    raw_offset: int


@dataclass(frozen=True, slots=True)
class CliHeader:
    """The runtime header (II.25.3.3)."""

    metadata_address: int
    metadata_size: int
    flags: int
    resources_address: int
    resources_size: int
    strong_name_address: int
    strong_name_size: int


class Image:
    """An open portable executable. Use it as a context manager: the file is closed at the end.

    Attributes:
        machine: COFF machine number.
        cli: The runtime header, or None for a native module.
        length: Bytes of the file.
    """

    def __init__(self, source: Path | bytes) -> None:
        """Open a file, or content that lies in memory, and read its headers.

        Raises:
            NotAnImageError: no `MZ` or no `PE` signature.
            DamagedImageError: headers point outside the file.
            OSError: the file cannot be read.
        """
        self._file: _Readable = (
            io.BytesIO(source) if isinstance(source, bytes) else source.open("rb", buffering=0)
        )
        try:
            self._head = _read_up_to(self._file, WHOLE_FILE_BYTES)
            self.length = len(self._head) if len(self._head) < WHOLE_FILE_BYTES else self._file.seek(0, 2)
            self._read_headers()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def at(self, offset: int, size: int, where: str) -> bytes:
        """Return `size` bytes at a file offset; `where` names the structure in the error."""
        if offset < 0 or size < 0 or offset + size > self.length:
            raise DamagedImageError(where, f"{size} bytes at {offset}", f"an end within {self.length} bytes")
        if offset + size <= len(self._head):
            return self._head[offset : offset + size]
        if size > PIECE_BYTES:
            raise DamagedImageError(where, f"{size} bytes", f"at most {PIECE_BYTES}")
        self._file.seek(offset)
        piece = _read_up_to(self._file, size)
        if len(piece) < size:
            raise DamagedImageError(where, f"{len(piece)} bytes at {offset}", f"{size}")
        return piece

    def offset_of(self, address: int, size: int, where: str) -> int:
        """Translate a relative virtual address to a file offset (II.25.2.1).

        The whole range lies in one section.
        """
        for section in self.sections:
            start = section.virtual_address
            if start <= address and address + size <= start + section.raw_size:
                return section.raw_offset + (address - start)
        raise DamagedImageError(
            where, f"address 0x{address:x} with {size} bytes", "a range inside one section"
        )

    def sha256(self) -> str:
        """Hash the file's bytes without keeping them."""
        if self.length == len(self._head):
            return hashlib.sha256(self._head).hexdigest()
        if self.length > HASH_BYTES:
            raise DamagedImageError("file", f"{self.length} bytes", f"at most {HASH_BYTES}")
        digest = hashlib.sha256()
        self._file.seek(0)
        while step := self._file.read(HASH_STEP):
            digest.update(step)
        return digest.hexdigest()

    @property
    def has_authenticode(self) -> bool:
        """True when a certificate table lies in the file. The signature itself is not verified here."""
        # The directory of the certificate table holds a file offset, not an address (PE and COFF
        # specification).
        offset, size = self._directory(_DIRECTORY_SECURITY)
        return 0 < size <= self.length and 0 < offset <= self.length - size

    def imported_modules(self) -> tuple[str, ...]:
        """Return the modules that the loader maps before (and, delayed, after) the first call.

        As they are written.
        """
        names = [
            *self._import_names(_DIRECTORY_IMPORT, 20, 12),
            *self._import_names(_DIRECTORY_DELAY_IMPORT, 32, 4),
        ]
        return tuple(dict.fromkeys(names))

    def file_version(self) -> str | None:
        """Return the four numbers of the fixed version resource, None when there is none."""
        address, size = self._directory(_DIRECTORY_RESOURCE)
        if not address or not size:
            return None
        root = self.offset_of(address, 16, "resource directory")
        entry = root
        for wanted in (VERSION_RESOURCE_TYPE, None, None):
            found = self._resource_entry(entry, wanted)
            if found is None:
                return None
            entry = root + (found & 0x7FFFFFFF)
            if not found & 0x80000000:
                break
        data_address, data_size = struct.unpack("<II", self.at(entry, 8, "version resource"))
        data_size = min(data_size, 4096)  # the fixed part lies within the first bytes, strings follow
        data = self.at(
            self.offset_of(data_address, data_size, "version resource"), data_size, "version resource"
        )
        start = data.find(struct.pack("<I", VERSION_SIGNATURE))
        if start < 0 or start + 16 > len(data):
            return None
        high, low = struct.unpack_from("<II", data, start + 8)
        return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"

    def _read_headers(self) -> None:
        head = self._head
        if len(head) < _DOS_HEADER.size or head[:2] != b"MZ":
            raise NotAnImageError(
                "file", f"first bytes {head[:2]!r}", "'MZ', the start of a Windows executable"
            )
        start = _DOS_HEADER.unpack_from(head)[1]
        signature = self.at(start, 24, "PE header")
        if signature[:4] != b"PE\0\0":
            raise NotAnImageError("PE header", f"signature {signature[:4]!r}", "'PE' and two zero bytes")
        self.machine, count, _, _, _, optional_size, self.characteristics = _COFF_HEADER.unpack_from(
            signature, 4
        )
        if count > SECTIONS_LIMIT:
            raise DamagedImageError("section table", f"{count} sections", f"at most {SECTIONS_LIMIT}")
        optional = self.at(start + 24, optional_size, "optional header")
        magic = int.from_bytes(optional[:2], "little")
        fixed = {0x10B: 96, 0x20B: 112}.get(magic)
        if fixed is None or len(optional) < fixed:
            raise DamagedImageError("optional header", f"magic 0x{magic:x}", "0x10b or 0x20b with its fields")
        directories = min(
            int.from_bytes(optional[fixed - 4 : fixed], "little"), (len(optional) - fixed) // 8, 16
        )
        self._directories = tuple(struct.iter_unpack("<II", optional[fixed : fixed + 8 * directories]))
        self._sections_at = (start + 24 + optional_size, count)
        table = self.at(start + 24 + optional_size, _SECTION.size * count, "section table")
        self.sections = tuple(
            Section(name.rstrip(b"\0").decode("ascii", "replace"), size, address, raw_size, raw)
            for name, size, address, raw_size, raw, _ in _SECTION.iter_unpack(table)
        )
        self.cli = self._read_cli_header()

    def _read_cli_header(self) -> CliHeader | None:
        address, size = self._directory(_DIRECTORY_CLI)
        if not address or not size:
            return None
        offset = self.offset_of(address, _CLI_HEADER.size, "CLI header")
        fields = _CLI_HEADER.unpack(self.at(offset, _CLI_HEADER.size, "CLI header"))
        return CliHeader(
            metadata_address=fields[3],
            metadata_size=fields[4],
            flags=fields[5],
            resources_address=fields[7],
            resources_size=fields[8],
            strong_name_address=fields[9],
            strong_name_size=fields[10],
        )

    def _directory(self, index: int) -> tuple[int, int]:
        return self._directories[index] if index < len(self._directories) else (0, 0)

    def _import_names(self, directory: int, row_size: int, name_at: int) -> list[str]:
        address, size = self._directory(directory)
        if not address or not size:
            return []
        names = []
        for index in range(IMPORTS_LIMIT):
            row = self.at(
                self.offset_of(address + index * row_size, row_size, "import table"), row_size, "import table"
            )
            name_address = int.from_bytes(row[name_at : name_at + 4], "little")
            if not name_address:
                break
            offset = self.offset_of(name_address, 1, "import name")
            raw = self.at(offset, min(256, self.length - offset), "import name")
            names.append(raw.partition(b"\0")[0].decode("ascii", "replace"))
        return names

    def _resource_entry(self, directory: int, wanted: int | None) -> int | None:
        header = self.at(directory, 16, "resource directory")
        named, numbered = struct.unpack_from("<HH", header, 12)
        count = named + numbered
        if count > RESOURCE_ENTRIES_LIMIT:
            raise DamagedImageError(
                "resource directory", f"{count} entries", f"at most {RESOURCE_ENTRIES_LIMIT}"
            )
        entries = self.at(directory + 16, 8 * count, "resource directory")
        for identity, target in struct.iter_unpack("<II", entries):
            if wanted is None or identity == wanted:
                return int(target)
        return None


def _read_up_to(file: _Readable, size: int) -> bytes:
    """Read until `size` bytes or the end; an unbuffered read may return less than was asked for."""
    first = file.read(size) or b""
    if len(first) == size or not first:
        return first
    pieces = [first]
    missing = size - len(first)
    while missing and (piece := file.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces) if len(pieces) > 1 else first
