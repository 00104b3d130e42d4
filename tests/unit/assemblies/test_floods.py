"""Small files that claim much: many rows that share one large item, many resources that share packed bytes.

Each is a whole assembly made here, because no compiler writes such tables.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from mim2ecma.assemblies import embedded
from mim2ecma.assemblies.assembly import AssemblyError
from mim2ecma.assemblies.reader import read_assembly, read_embedded
from mim2ecma.assemblies.request import closure_document

from .test_hostile import MEMORY_LIMIT, MIB, PROBE

TYPE_REF, MEMBER_REF, CUSTOM_ATTRIBUTE = 0x01, 0x0A, 0x0C
ASSEMBLY, ASSEMBLY_REF, MANIFEST_RESOURCE = 0x20, 0x23, 0x28
IDENTITY = struct.pack("<IHHHHIIII", 0x8004, 1, 0, 0, 0, 0, 0, 1, 0)
PUBLIC_KEY = 1
NAME = b"\0A\0"
PACKED_LENGTH = 31 * MIB


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def made(
    rows: dict[int, list[bytes]], strings: bytes = NAME, blobs: bytes = b"\0", resources: bytes = b""
) -> bytes:
    """Make an assembly of the given rows; heap indexes take four bytes (ECMA-335 II.24, II.25)."""
    rows = dict(sorted({ASSEMBLY: [IDENTITY], **rows}.items()))
    stream = struct.pack("<IBBBBQQ", 0, 2, 0, 0x01 | 0x04, 1, sum(1 << number for number in rows), 0)
    stream += b"".join(struct.pack("<I", len(table)) for table in rows.values())
    stream += b"".join(row for table in rows.values() for row in table)
    streams = {
        b"#~\0\0": padded(stream),
        b"#Strings\0\0\0\0": padded(strings),
        b"#Blob\0\0\0": padded(blobs),
    }
    version = b"v4.0.30319\0\0"
    root = struct.pack("<IHHII", 0x424A5342, 1, 1, 0, len(version)) + version
    root += struct.pack("<HH", 0, len(streams))
    position = len(root) + sum(8 + len(name) for name in streams)
    for name, content in streams.items():
        root += struct.pack("<II", position, len(content)) + name
        position += len(content)
    metadata = root + b"".join(streams.values())
    address = 0x2000
    behind = address + 72 + len(metadata)
    header = struct.pack("<IHHIIIIII", 72, 2, 5, address + 72, len(metadata), 1, 0, behind, len(resources))
    text = header + b"\0" * 40 + metadata + resources
    directories = [(0, 0)] * 16
    directories[14] = (address, 72)
    optional = struct.pack("<H90xI", 0x10B, 16) + b"".join(struct.pack("<II", *pair) for pair in directories)
    head = b"MZ" + b"\0" * 58 + struct.pack("<I", 64)
    head += b"PE\0\0" + struct.pack("<HHIIIHH", 0x14C, 1, 0, 0, 0, len(optional), 0x2102) + optional
    head += struct.pack("<8sIIII12xI", b".text", len(text), address, len(text), 0x200, 0x60000020)
    return head.ljust(0x200, b"\0") + text


def references(count: int, blob: int = 0, flags: int = 0) -> tuple[list[bytes], bytes]:
    rows = [
        struct.pack("<HHHHIIIII", 1, 0, 0, 0, flags, blob, len(NAME) + 7 * index, 0, 0)
        for index in range(count)
    ]
    return rows, NAME + b"".join(b"R%05d\0" % index for index in range(count))


def shared_blob(flags: int, count: int = 10_000, size: int = 6 * MIB) -> bytes:
    """Many references whose key or token is one large item."""
    rows, strings = references(count, 1, flags)
    blobs = b"\0" + struct.pack(">I", 0xC0000000 | size) + b"x" * size
    return made({ASSEMBLY_REF: rows}, strings, blobs)


def attributes(count: int = 1_500_000) -> bytes:
    """An assembly with that many attributes, none of which says the target framework."""
    return made(
        {
            TYPE_REF: [struct.pack("<HII", 2, 1, 1)],
            MEMBER_REF: [struct.pack("<HII", 1 << 3 | 1, 1, 0)],
            CUSTOM_ATTRIBUTE: [struct.pack("<HHI", 1 << 5 | 14, 1 << 3 | 3, 0)] * count,
        }
    )


def packed(content: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(content) + deflate.flush()


def shared_resource(content: bytes, count: int) -> bytes:
    """Many libraries embedded as Costura does, all of them the same packed bytes."""
    rows, strings = references(count)
    name = b"costura.r%05d.dll.compressed\0"
    resources = [
        struct.pack("<IIIH", 0, 1, len(strings) + len(name % 0) * index, 0) for index in range(count)
    ]
    strings += b"".join(name % index for index in range(count))
    return made(
        {ASSEMBLY_REF: rows, MANIFEST_RESOURCE: resources},
        strings,
        resources=struct.pack("<I", len(content)) + content,
    )


def test_what_is_made_here_is_read_as_an_assembly(tmp_path: Path) -> None:
    """So that a flood is refused for being one."""
    rows, strings = references(3, 1)
    read = read_embedded(made({ASSEMBLY_REF: rows}, strings, b"\0\x08" + bytes(range(8))), "x.dll")
    assert [(name.name, name.public_key_token) for name in read.references] == [
        (f"R{index:05d}", "0001020304050607") for index in range(3)
    ]
    assert read_embedded(attributes(3), "x.dll").warnings == ()
    path = tmp_path / "x.dll"
    path.write_bytes(shared_resource(packed(made({})), 3))
    document = closure_document(str(path))
    assert [entry["assembly"] for entry in document["embedded"]] == ["R00000", "R00001", "R00002"]
    assert [finding["id"] for finding in document["findings"]] == ["C12"]


@pytest.mark.parametrize(("flags", "limit"), [(0, 8), (PUBLIC_KEY, 4096)])
def test_a_key_or_token_longer_than_any_is_refused(flags: int, limit: int) -> None:
    content = shared_blob(flags, count=1, size=limit + 1)
    with pytest.raises(AssemblyError, match=rf"#Blob: {limit + 1} bytes at 1; expected at most {limit}\."):
        read_embedded(content, "x.dll")
    assert read_embedded(shared_blob(flags, count=1, size=limit), "x.dll").references[0].is_strong


def test_more_attributes_than_any_assembly_has_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.dll"
    path.write_bytes(attributes(10_001))
    read = read_assembly(path)
    assert read.target_framework is None
    assert read.warnings == ("table 0x0c: more than 10000 rows of one parent; expected fewer",)


def test_embedded_libraries_are_unpacked_while_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = made({}).ljust(MIB, b"\0")
    path = tmp_path / "x.dll"
    path.write_bytes(shared_resource(packed(library), 3))
    original = embedded.EmbeddedLibraries
    monkeypatch.setattr("mim2ecma.assemblies.walk.EmbeddedLibraries", lambda: original(left=2 * MIB))
    document = closure_document(str(path))
    assert [entry["assembly"] for entry in document["embedded"]] == ["R00000", "R00001", "R00002"]
    told = [finding for finding in document["findings"] if finding["id"] == "C19"]
    assert [finding["where"] for finding in told] == ["x.dll, resource costura.r00002.dll.compressed"]
    assert "bytes of embedded libraries unpacked before it" in told[0]["found"]


def test_each_flood_costs_at_most_a_second_and_64_mib(tmp_path: Path, fixtures: Path) -> None:
    """Processor time and resident memory of a process of its own, so that neighbours do not matter."""
    contents = {
        "tokens.dll": shared_blob(0),
        "keys.dll": shared_blob(PUBLIC_KEY),
        "attributes.dll": attributes(),
        "bomb.dll": shared_resource(packed(b"MZ".ljust(PACKED_LENGTH, b"\0")), 300),
        "libraries.dll": shared_resource(packed(made({}).ljust(PACKED_LENGTH, b"\0")), 300),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    paths = [str(tmp_path / name) for name in contents]
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(fixtures / "plain/Plain.Connector.dll"), *paths],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = [line.split("|") for line in done.stdout.splitlines()]
    assert [(name, outcome) for name, outcome, *_ in told] == [
        ("tokens.dll", "error"),
        ("keys.dll", "error"),
        ("attributes.dll", "document"),
        ("bomb.dll", "document"),
        ("libraries.dll", "document"),
    ]
    for name, _, seconds, memory in told:
        assert float(seconds) < 1.0, name
        assert int(memory) < MEMORY_LIMIT, name
