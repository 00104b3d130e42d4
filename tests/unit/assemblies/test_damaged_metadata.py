"""Each contradiction that metadata can hold is refused in words (ECMA-335 II.24), and damage anywhere is survived."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from mim2ecma.assemblies.assembly import AssemblyError
from mim2ecma.assemblies.image import DamagedImageError
from mim2ecma.assemblies.metadata import Metadata, compressed_number
from mim2ecma.assemblies.reader import read_embedded, read_resource

SEED, MUTATIONS = 20_261_126, 3_000


def root(*streams: tuple[bytes, bytes], version: bytes = b"v4.0.30319\0\0") -> bytes:
    """A metadata root (II.24.2.1) with these streams behind its headers."""
    head = struct.pack("<IHHII", 0x424A5342, 1, 1, 0, len(version)) + version
    head += struct.pack("<HH", 0, len(streams))
    names = [name + b"\0" * (4 - len(name) % 4) for name, _ in streams]
    offset = len(head) + sum(8 + len(name) for name in names)
    body = b""
    for name, (_, content) in zip(names, streams, strict=True):
        head += struct.pack("<II", offset + len(body), len(content)) + name
        body += content
    return head + body


def tables(counts: dict[int, int], rows: bytes = b"", sizes: int = 0) -> bytes:
    """A stream `#~` (II.24.2.6)."""
    valid = sum(1 << number for number in counts)
    numbers = struct.pack(f"<{len(counts)}I", *(counts[number] for number in sorted(counts)))
    return struct.pack("<IBBBBQQ", 0, 2, 0, sizes, 1, valid, 0) + numbers + rows


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"BSJX" + bytes(40), "signature"),
        (b"", "signature"),
        (root(version=b"v" * 300), "a version string of 300 bytes"),
        (root()[:-2] + struct.pack("<H", 999), "999 streams"),
        (root()[:-2] + struct.pack("<H", 1) + bytes(8) + b"x" * 40, "no end of the name"),
        (root(version=b"\0\0\0\0"), "no table stream"),
        (root((b"#~", b"short")), "5 bytes; expected at least 24"),
        (root((b"#~", struct.pack("<IBBBBQQ", 0, 2, 0, 0, 1, 2**40 - 1, 0))), "tables"),
        (root((b"#~", tables({0: 3}))), "3 rows of 10 bytes"),
        (root((b"#~", tables({})))[:-20], "an end within"),
    ],
)
def test_a_contradiction_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(DamagedImageError, match=message) as caught:
        Metadata(data)
    assert "; expected " in str(caught.value)


def test_an_edited_image_has_four_bytes_more_and_tables_that_nobody_asks_for() -> None:
    module = struct.pack("<HHHHH", 0, 1, 0, 0, 0)
    stream = tables({0: 1, 0x2C: 5}, bytes(4) + module, sizes=0x40)
    found = Metadata(root((b"#-", stream), (b"#Strings", b"\0Name\0")))
    assert found.runtime_version == "v4.0.30319"
    assert found.string(found.row(0, 1, "Module table")[1]) == "Name"
    assert found.count(0x2C) == 0


def test_indexes_that_lead_nowhere_are_refused() -> None:
    found = Metadata(root((b"#~", tables({})), (b"#Strings", b"\0Name"), (b"#Blob", b"\0\x06ab\xe0\xc0\0")))
    for ask, message in (
        (lambda: found.row(0, 1, "Module table"), "row 1 of table 0x00; expected 1 to 0"),
        (lambda: found.string(9), "index 9; expected below 5"),
        (lambda: found.string(1), "no end of the name at 1"),
        (lambda: found.blob(99, 16), "index 99; expected below"),
        (lambda: found.blob(1, 4), "6 bytes at 1; expected at most 4"),
        (lambda: found.blob(1, 16), "6 bytes at 1; expected an end within 7 bytes"),
        (lambda: found.blob(4, 16), "length byte 0xe0"),
        (lambda: found.blob(5, 16), "length byte 0xc0"),
    ):
        with pytest.raises(DamagedImageError, match=message):
            ask()
    assert (found.string(0), found.blob(0, 16)) == ("", b"")


@pytest.mark.parametrize(
    ("data", "number"), [(b"\x03", (3, 1)), (b"\x80\x80", (128, 2)), (b"\xc0\x00\x40\x00", (0x4000, 4))]
)
def test_compressed_numbers_are_those_of_the_standard(data: bytes, number: tuple[int, int]) -> None:
    """The examples of II.23.2."""
    assert compressed_number(data) == number


def test_what_is_no_embedded_resource_has_no_content(fixtures: Path) -> None:
    path = fixtures / "embedded/Embedded.Connector.dll"
    resource = next(item for item in read_embedded(path.read_bytes(), "x.dll").resources if item.embedded)
    assert read_resource(path, resource)
    for other in (path.read_bytes()[:200], (fixtures / "plain/Plain.Connector.dll").read_bytes()):
        with pytest.raises(DamagedImageError):
            read_resource(other, resource)


@pytest.mark.parametrize("file", ["plain/Plain.Connector.dll", "embedded/Embedded.Connector.dll"])
def test_bytes_that_are_flipped_anywhere_are_a_result_or_one_error(fixtures: Path, file: str) -> None:
    data = (fixtures / file).read_bytes()
    source = random.Random(SEED)
    # Half of the damage where structures lie: the headers, and the metadata from its root on.
    start = data.index(b"BSJB")
    places = [range(0x200), range(start, min(start + 0x600, len(data))), range(len(data))]
    results = errors = 0
    for number in range(MUTATIONS):
        damaged = bytearray(data)
        for _ in range(source.randint(1, 3)):
            damaged[source.choice(places[number % 3])] = source.choice((0, 0xFF, source.randrange(256)))
        try:
            read_embedded(bytes(damaged), "flipped.dll")
            results += 1
        except AssemblyError as error:
            errors += 1
            assert str(error).startswith("flipped.dll: ")
    assert results > 100
    assert errors > 100
