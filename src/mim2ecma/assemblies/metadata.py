"""The metadata of an assembly: streams, heaps and the tables that tell what it is and what it needs.

Only what the closure asks for is decoded; the size of each table's row is still needed for all tables before
the wanted ones (ECMA-335 II.24.2.6). Nothing is believed: counts, offsets and indexes are checked against the
stream they point into.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from .image import DamagedImageError

MODULE, TYPE_REF, TYPE_DEF, METHOD_DEF = 0x00, 0x01, 0x02, 0x06
INTERFACE_IMPL, MEMBER_REF, CUSTOM_ATTRIBUTE = 0x09, 0x0A, 0x0C
MODULE_REF, IMPL_MAP, ASSEMBLY, ASSEMBLY_REF = 0x1A, 0x1C, 0x20, 0x23
FILE, EXPORTED_TYPE, MANIFEST_RESOURCE = 0x26, 0x27, 0x28

STREAMS_LIMIT = 32
"""Five streams are defined (II.24.2.2); obfuscators add a few of their own."""
SMALL_TABLE_ROWS = 10_000
"""Rows read of tables that have some dozens in practice: references, modules, files, resources."""
LARGE_TABLE_ROWS = 200_000
"""Rows read of tables that grow with the code. The largest assembly of .NET has some ten thousand."""
NAME_LIMIT = 1024
"""Names of types and files are shorter: the limit of the runtime is 1023 bytes (`MAX_CLASSNAME_LENGTH`)."""
VERSION_LIMIT = 255
"""Longest version string of the metadata root (II.24.2.1)."""
METADATA_SIGNATURE = 0x424A5342

# Coded indexes, II.24.2.6: (bits of the tag, tables). A missing tag has no table.
_CODED: dict[str, tuple[int, tuple[int, ...]]] = {
    "TypeDefOrRef": (2, (0x02, 0x01, 0x1B)),
    "HasConstant": (2, (0x04, 0x08, 0x17)),
    "HasCustomAttribute": (
        5,
        (
            *(
                0x06,
                0x04,
                0x01,
                0x02,
                0x08,
                0x09,
                0x0A,
                0x00,
                0x0E,
                0x17,
                0x14,
                0x11,
                0x1A,
                0x1B,
                0x20,
                0x23,
                0x26,
            ),
            *(0x27, 0x28, 0x2A, 0x2C, 0x2B),
        ),
    ),
    "HasFieldMarshal": (1, (0x04, 0x08)),
    "HasDeclSecurity": (2, (0x02, 0x06, 0x20)),
    "MemberRefParent": (3, (0x02, 0x01, 0x1A, 0x06, 0x1B)),
    "HasSemantics": (1, (0x14, 0x17)),
    "MethodDefOrRef": (1, (0x06, 0x0A)),
    "MemberForwarded": (1, (0x04, 0x06)),
    "Implementation": (2, (0x26, 0x23, 0x27)),
    "CustomAttributeType": (3, (0x06, 0x0A)),
    "ResolutionScope": (2, (0x00, 0x1A, 0x23, 0x01)),
    "TypeOrMethodDef": (1, (0x02, 0x06)),
}
# Columns of each table, II.22.2 to II.22.39 in order of the table number: 1, 2, 4 bytes; S, G, B heaps; a
# table number; a coded index. 0x03, 0x05, 0x07, 0x13, 0x16 (pointer tables) and 0x1E, 0x1F (edit and
# continue) belong to the uncompressed stream `#-` and are not in the standard; their layout is that of the
# runtime's own `metamodelcolumndefs`.
_COLUMNS: dict[int, str] = {
    0x00: "2 S G G G",
    0x01: "ResolutionScope S S",
    0x02: "4 S S TypeDefOrRef t04 t06",
    0x03: "t04",
    0x04: "2 S B",
    0x05: "t06",
    0x06: "4 2 2 S B t08",
    0x07: "t08",
    0x08: "2 2 S",
    0x09: "t02 TypeDefOrRef",
    0x0A: "MemberRefParent S B",
    0x0B: "2 HasConstant B",
    0x0C: "HasCustomAttribute CustomAttributeType B",
    0x0D: "HasFieldMarshal B",
    0x0E: "2 HasDeclSecurity B",
    0x0F: "2 4 t02",
    0x10: "4 t04",
    0x11: "B",
    0x12: "t02 t14",
    0x13: "t14",
    0x14: "2 S TypeDefOrRef",
    0x15: "t02 t17",
    0x16: "t17",
    0x17: "2 S B",
    0x18: "2 t06 HasSemantics",
    0x19: "t02 MethodDefOrRef MethodDefOrRef",
    0x1A: "S",
    0x1B: "B",
    0x1C: "2 MemberForwarded S t1A",
    0x1D: "4 t04",
    0x1E: "4 4",
    0x1F: "4",
    0x20: "4 2 2 2 2 4 B S S",
    0x21: "4",
    0x22: "4 4 4",
    0x23: "2 2 2 2 4 B S S B",
    0x24: "4 t23",
    0x25: "4 4 4 t23",
    0x26: "4 S B",
    0x27: "4 4 S S Implementation",
    0x28: "4 4 S Implementation",
    0x29: "t02 t02",
    0x2A: "2 2 TypeOrMethodDef S",
    0x2B: "MethodDefOrRef B",
    0x2C: "t2A TypeDefOrRef",
}
_STREAMS = frozenset({"#~", "#-", "#Strings", "#Blob"})
_SMALL_TABLES = frozenset({MODULE_REF, ASSEMBLY_REF, FILE, MANIFEST_RESOURCE})
_LARGE_STRINGS, _LARGE_GUIDS, _LARGE_BLOBS, _EXTRA_DATA = 0x01, 0x02, 0x04, 0x40


@dataclass(frozen=True, slots=True)
class Table:
    """Where a table lies in the table stream and how its rows are packed."""

    rows: int
    offset: int
    row: struct.Struct


class Metadata:
    """Decoded table stream of one assembly.

    Rows and heap indexes are numbers as they stand in the file (rows from 1).

    Attributes:
        runtime_version: Version string of the metadata root, such as `v4.0.30319`.
    """

    def __init__(self, data: bytes) -> None:
        """Read root, stream headers and the sizes of all tables.

        Raises:
            DamagedImageError: the metadata contradicts ECMA-335.
        """
        self._data = data
        streams = self._read_root()
        self.strings = streams.get("#Strings", b"")
        self._blobs = streams.get("#Blob", b"")
        tables = streams.get("#~") or streams.get("#-")
        if not tables:
            raise DamagedImageError("metadata", "no table stream", "a stream '#~' or '#-'")
        self._tables = tables
        self.table = self._read_tables()

    def rows(self, number: int) -> Iterator[tuple[int, ...]]:
        """Iterate over the rows of a table, columns in the order of ECMA-335 II.22.

        Raises:
            DamagedImageError: there are more rows than any real assembly has.
        """
        table = self.table.get(number)
        if table is None:
            return iter(())
        limit = SMALL_TABLE_ROWS if number in _SMALL_TABLES else LARGE_TABLE_ROWS
        if table.rows > limit:
            raise DamagedImageError(f"table 0x{number:02x}", f"{table.rows} rows", f"at most {limit}")
        return table.row.iter_unpack(self._tables[table.offset : table.offset + table.rows * table.row.size])

    def row(self, number: int, index: int, where: str) -> tuple[int, ...]:
        """Return one row; `index` counts from 1 as in a token."""
        table = self.table.get(number)
        if table is None or not 1 <= index <= table.rows:
            count = table.rows if table else 0
            raise DamagedImageError(where, f"row {index} of table 0x{number:02x}", f"1 to {count}")
        return table.row.unpack_from(self._tables, table.offset + (index - 1) * table.row.size)

    def count(self, number: int) -> int:
        """Return the number of rows of a table."""
        table = self.table.get(number)
        return table.rows if table else 0

    def string(self, index: int) -> str:
        """Return a name of the `#Strings` heap (II.24.2.3).

        Bytes that are no UTF-8 are replaced by U+FFFD.
        """
        if not index:
            return ""
        if index >= len(self.strings):
            raise DamagedImageError("#Strings", f"index {index}", f"below {len(self.strings)}")
        end = self.strings.find(b"\0", index, index + NAME_LIMIT + 1)
        if end < 0:
            raise DamagedImageError(
                "#Strings", f"no end of the name at {index}", f"one within {NAME_LIMIT} bytes"
            )
        return self.strings[index:end].decode("utf-8", "replace")

    def blob(self, index: int, limit: int) -> bytes:
        """Return an item of the `#Blob` heap (II.24.2.4).

        Many rows may name one item, so that the longest that makes sense has to be said.
        """
        if not index:
            return b""
        head = self._blobs[index : index + 4]
        if not head:
            raise DamagedImageError("#Blob", f"index {index}", f"below {len(self._blobs)}")
        size, used = compressed_number(head)
        start = index + used
        if size > limit:
            raise DamagedImageError("#Blob", f"{size} bytes at {index}", f"at most {limit}")
        if start + size > len(self._blobs):
            raise DamagedImageError(
                "#Blob", f"{size} bytes at {index}", f"an end within {len(self._blobs)} bytes"
            )
        return self._blobs[start : start + size]

    def rows_of_parent(self, number: int, parent: int) -> Iterator[tuple[int, ...]]:
        """Iterate over the rows whose first column is `parent`.

        In a table that the standard wants sorted (II.22).

        Raises:
            DamagedImageError: one parent has more rows than any real one has.
        """
        table = self.table.get(number)
        if table is None:
            return
        low, high = 0, table.rows
        while low < high:
            middle = (low + high) // 2
            if table.row.unpack_from(self._tables, table.offset + middle * table.row.size)[0] < parent:
                low = middle + 1
            else:
                high = middle
        for index in range(low, table.rows):
            if index - low >= SMALL_TABLE_ROWS:
                where = f"table 0x{number:02x}"
                raise DamagedImageError(where, f"more than {SMALL_TABLE_ROWS} rows of one parent", "fewer")
            row = table.row.unpack_from(self._tables, table.offset + index * table.row.size)
            if row[0] != parent:
                return
            yield row

    def _read_root(self) -> dict[str, bytes]:
        data = self._data
        if len(data) < 20 or int.from_bytes(data[:4], "little") != METADATA_SIGNATURE:
            raise DamagedImageError("metadata root", f"signature {data[:4]!r}", "'BSJB'")
        length = int.from_bytes(data[12:16], "little")
        if length > VERSION_LIMIT + 1 or 20 + length > len(data):
            raise DamagedImageError(
                "metadata root", f"a version string of {length} bytes", f"at most {VERSION_LIMIT + 1}"
            )
        self.runtime_version = data[16 : 16 + length].partition(b"\0")[0].decode("ascii", "replace")
        position = 16 + length
        count = int.from_bytes(data[position + 2 : position + 4], "little")
        if count > STREAMS_LIMIT:
            raise DamagedImageError("metadata root", f"{count} streams", f"at most {STREAMS_LIMIT}")
        position += 4
        streams: dict[str, bytes] = {}
        total = 0
        for _ in range(count):
            end = data.find(b"\0", position + 8, position + 8 + 32)
            if end < 0:
                raise DamagedImageError("stream header", "no end of the name", "one within 32 bytes")
            offset, size = struct.unpack_from("<II", data, position)
            name = data[position + 8 : end].decode("ascii", "replace")
            if offset + size > len(data):
                raise DamagedImageError(
                    f"stream {name}", f"{size} bytes at {offset}", f"an end within {len(data)} bytes"
                )
            total += size
            if total > len(data):
                # Each stream is copied, so that overlapping ones would multiply the memory.
                raise DamagedImageError(
                    "stream headers", f"{total} bytes in all", f"at most {len(data)}: no overlap"
                )
            if name in _STREAMS:
                streams.setdefault(name, data[offset : offset + size])
            position += 8 + (end - position - 8) // 4 * 4 + 4
        return streams

    def _read_tables(self) -> dict[int, Table]:
        stream = self._tables
        if len(stream) < 24:
            raise DamagedImageError("table stream", f"{len(stream)} bytes", "at least 24")
        sizes, valid = stream[6], int.from_bytes(stream[8:16], "little")
        numbers = [number for number in range(64) if valid >> number & 1]
        position = 24 + 4 * len(numbers)
        if position > len(stream):
            raise DamagedImageError(
                "table stream", f"{len(numbers)} tables", f"row counts within {len(stream)} bytes"
            )
        counts = dict(zip(numbers, struct.unpack_from(f"<{len(numbers)}I", stream, 24), strict=True))
        if sizes & _EXTRA_DATA:
            position += 4  # four bytes the runtime skips in an edited image (not in the standard)
        tables: dict[int, Table] = {}
        for number in numbers:
            if number > MANIFEST_RESOURCE:
                break  # nothing after this table is asked for
            row = _row(number, sizes, _wide(number, counts))
            end = position + counts[number] * row.size
            if end > len(stream):
                found = f"{counts[number]} rows of {row.size} bytes at {position}"
                raise DamagedImageError(f"table 0x{number:02x}", found, f"an end within {len(stream)} bytes")
            if counts[number]:
                tables[number] = Table(counts[number], position, row)
            position = end
        return tables


def compressed_number(data: bytes) -> tuple[int, int]:
    """Decode a compressed unsigned number (II.23.2); return the number and the bytes it takes."""
    first = data[0]
    if first < 0x80:
        return first, 1
    if first < 0xC0 and len(data) >= 2:
        return (first & 0x3F) << 8 | data[1], 2
    if first < 0xE0 and len(data) >= 4:
        return (first & 0x1F) << 24 | data[1] << 16 | data[2] << 8 | data[3], 4
    raise DamagedImageError("#Blob", f"length byte 0x{first:02x}", "a compressed number")


@cache
def _row(number: int, heap_sizes: int, wide: int) -> struct.Struct:
    """Pack format of a row; `wide` has a bit for each column that needs a 4-byte index."""
    code = ""
    for position, column in enumerate(_columns(number)):
        if column in "124":
            code += {"1": "B", "2": "H", "4": "I"}[column]
        elif column in "SGB":
            flag = {"S": _LARGE_STRINGS, "G": _LARGE_GUIDS, "B": _LARGE_BLOBS}[column]
            code += "I" if heap_sizes & flag else "H"
        else:
            code += "I" if wide >> position & 1 else "H"
    return struct.Struct("<" + code)


def _wide(number: int, counts: dict[int, int]) -> int:
    wide = 0
    for position, limit, tables in _index_columns(number):
        for table in tables:
            if counts.get(table, 0) >= limit:
                wide |= 1 << position
                break
    return wide


@cache
def _columns(number: int) -> tuple[str, ...]:
    return tuple(_COLUMNS[number].split())


@cache
def _index_columns(number: int) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
    """Columns that are indexes.

    Position, the row count from which four bytes are needed, the tables (II.24.2.6).
    """
    found = []
    for position, column in enumerate(_columns(number)):
        if column in _CODED:
            bits, tables = _CODED[column]
            found.append((position, 1 << (16 - bits), tables))
        elif column.startswith("t"):
            found.append((position, 1 << 16, (int(column[1:], 16),)))
    return tuple(found)
