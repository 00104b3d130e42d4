"""Damaged and hostile files.

A result, a finding or one documented error, in bounded memory, and never a path out of the folder.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from mim2ecma.assemblies import metadata
from mim2ecma.assemblies.assembly import AssemblyError
from mim2ecma.assemblies.host import read_listing, windows_path_problem
from mim2ecma.assemblies.image import Image
from mim2ecma.assemblies.reader import read_assembly, read_embedded
from mim2ecma.assemblies.request import closure_document
from mim2ecma.documents.errors import UsageError

MIB = 1024 * 1024
MEMORY_LIMIT = 64 * MIB
"""Issue text: within 64 MiB."""


def metadata_offset(data: bytes) -> int:
    return data.index(b"BSJB")


def table_stream(data: bytes) -> int:
    """File offset of the stream `#~`."""
    start = metadata_offset(data)
    header = data.index(b"#~\0\0", start) - 8
    return start + struct.unpack_from("<I", data, header)[0]


@pytest.mark.parametrize(
    "file", ["plain/Plain.Connector.dll", "embedded/Embedded.Connector.dll", "pinvoke/Private.Native.dll"]
)
def test_a_file_cut_anywhere_is_a_result_or_one_error(fixtures: Path, file: str) -> None:
    data = (fixtures / file).read_bytes()
    outcomes = set()
    for length in range(0, len(data), 64):
        try:
            read_embedded(data[:length], "cut.dll")
            outcomes.add("result")
        except AssemblyError as error:
            outcomes.add("error")
            assert str(error).startswith("cut.dll: ")
            assert "; expected " in str(error)
    assert "error" in outcomes


def test_a_table_that_claims_two_billion_rows_is_refused(fixtures: Path) -> None:
    data = bytearray((fixtures / "plain/Plain.Connector.dll").read_bytes())
    start = table_stream(bytes(data))
    valid = struct.unpack_from("<Q", data, start + 8)[0]
    count = valid.bit_count()
    for row in range(count):
        damaged = bytearray(data)
        struct.pack_into("<I", damaged, start + 24 + 4 * row, 2**31)
        with pytest.raises(AssemblyError, match=r"2147483648 rows|an end within"):
            read_embedded(bytes(damaged), "rows.dll")


def test_more_references_than_any_assembly_has_are_refused(
    fixtures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "SMALL_TABLE_ROWS", 1)
    with pytest.raises(AssemblyError, match=r"table 0x23: 2 rows; expected at most 1\."):
        read_assembly(fixtures / "plain/Plain.Connector.dll")


def test_a_flood_of_types_costs_the_interfaces_and_is_said(
    fixtures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "LARGE_TABLE_ROWS", 1)
    found = read_assembly(fixtures / "plain/Plain.Connector.dll")
    assert found.interfaces == ()
    assert any("rows; expected at most 1" in warning for warning in found.warnings)


def test_overlapping_streams_are_refused(fixtures: Path) -> None:
    data = bytearray((fixtures / "plain/Plain.Connector.dll").read_bytes())
    start = metadata_offset(bytes(data))
    for name in (b"#~\0\0", b"#Strings\0"):
        header = data.index(name, start) - 8
        with Image(fixtures / "plain/Plain.Connector.dll") as image:
            assert image.cli is not None
            size = image.cli.metadata_size
        struct.pack_into("<II", data, header, 0, size)
    with pytest.raises(AssemblyError, match="no overlap"):
        read_embedded(bytes(data), "overlap.dll")


@pytest.mark.parametrize(
    "content", [b"", b"M", b"MZ", b"MZ" + b"\0" * 62, b"PK\x03\x04" + b"\0" * 200, b"\0" * 4096]
)
def test_what_is_no_executable_is_refused(content: bytes) -> None:
    with pytest.raises(AssemblyError):
        read_embedded(content, "x.dll")


@pytest.mark.parametrize("head", ["nothing", "fixture"])
def test_two_gibibytes_of_nothing_cost_little_memory(tmp_path: Path, fixtures: Path, head: str) -> None:
    path = tmp_path / "big.dll"
    if head == "fixture":
        shutil.copy(fixtures / "plain/Plain.Connector.dll", path)
    with path.open("ab") as file:
        file.truncate(2 * 1024 * MIB)
    tracemalloc.start()
    try:
        read_assembly(path)
    except AssemblyError as error:
        assert head == "nothing", error
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < MEMORY_LIMIT


def test_a_closure_over_two_gibibytes_is_refused_before_they_are_hashed(
    tmp_path: Path, fixtures: Path
) -> None:
    path = tmp_path / "big.dll"
    shutil.copy(fixtures / "plain/Plain.Connector.dll", path)
    with path.open("ab") as file:
        file.truncate(2 * 1024 * MIB)
    with pytest.raises(
        AssemblyError, match=r"big\.dll: file: 2147483648 bytes; expected at most 134217728\."
    ):
        closure_document(str(path))


def test_metadata_that_claims_more_than_a_piece_is_refused(tmp_path: Path, fixtures: Path) -> None:
    data = bytearray((fixtures / "plain/Plain.Connector.dll").read_bytes())
    with Image(fixtures / "plain/Plain.Connector.dll") as image:
        assert image.cli is not None
        cli = data.find(struct.pack("<II", image.cli.metadata_address, image.cli.metadata_size))
        section = data.find(b".text\0\0\0")
    path = tmp_path / "big.dll"
    struct.pack_into("<I", data, cli + 4, 1024 * MIB)
    struct.pack_into("<I", data, section + 16, 1536 * MIB)
    path.write_bytes(data)
    with path.open("ab") as file:
        file.truncate(2 * 1024 * MIB)
    tracemalloc.start()
    with pytest.raises(AssemblyError, match=r"metadata: 1073741824 bytes; expected at most"):
        read_assembly(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY_LIMIT


PROBE = """
import pathlib, resource, sys, time
from mim2ecma.assemblies.assembly import AssemblyError
from mim2ecma.assemblies.request import closure_document
from mim2ecma.documents.errors import Mim2EcmaError

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

closure_document(sys.argv[1])  # what is imported and cached on the way does not count
before = peak()
for path in sys.argv[2:]:
    start = time.process_time()
    try:
        closure_document(path)
        outcome = "document"
    except AssemblyError:
        outcome = "error"
    print(pathlib.Path(path).name, outcome, time.process_time() - start, peak() - before, sep="|")
"""


def test_each_hostile_file_costs_at_most_a_second_and_64_mib(tmp_path: Path, fixtures: Path) -> None:
    """Processor time and resident memory of a process of its own, so that neighbours do not matter."""
    plain = (fixtures / "plain/Plain.Connector.dll").read_bytes()
    rows = bytearray(plain)
    start = table_stream(plain)
    for row in range(struct.unpack_from("<Q", plain, start + 8)[0].bit_count()):
        struct.pack_into("<I", rows, start + 24 + 4 * row, 2**31)
    overlap = bytearray(plain)
    for name in (b"#~\0\0", b"#Strings\0"):
        struct.pack_into("<II", overlap, plain.index(name, metadata_offset(plain)) - 8, 0, len(plain))
    packed = (fixtures / "embedded/Embedded.Connector.dll").read_bytes()
    contents = {
        "rows.dll": bytes(rows),
        "overlap.dll": bytes(overlap),
        "page.dll": b"<html>" * 1000,
        "half.dll": plain[: len(plain) // 2],
        "native.dll": (fixtures / "pinvoke/Private.Native.dll").read_bytes(),
        "embedded.dll": packed[:-700] + bytes(700),
        "sparse.dll": plain,
        "hole.dll": b"",
        "large.dll": plain,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    for name, size in (("sparse.dll", 2048 * MIB), ("hole.dll", 2048 * MIB), ("large.dll", 128 * MIB)):
        with (tmp_path / name).open("r+b") as file:
            file.truncate(size)
    paths = [str(tmp_path / name) for name in contents]
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(fixtures / "plain/Plain.Connector.dll"), *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = [line.split("|") for line in done.stdout.splitlines()]
    assert [name for name, *_ in told] == list(contents)
    assert {name for name, outcome, *_ in told if outcome == "document"} >= {"native.dll", "large.dll"}
    for name, _, seconds, memory in told:
        assert float(seconds) < 1.0, name
        assert int(memory) < MEMORY_LIMIT, name


HOSTILE_NAMES = (
    ("..\\..\\evil.dll", "holds a path separator"),
    ("../../../evil.x", "holds a path separator"),
    ("C:\\Windows\\evil", "holds a path separator"),
    ("C:evil", "holds a character"),
    ("evil:stream", "holds a character"),
    ("NUL", "name of a Windows device"),
    ("com1.library", "name of a Windows device"),
    ("evil*", "holds a character"),
    ("evil\x01", "holds a character"),
    ("\u202eevil", "invisible or control"),
)


@pytest.mark.parametrize(("name", "reason"), HOSTILE_NAMES)
def test_a_reference_with_a_hostile_name_never_becomes_a_path(
    tmp_path: Path, fixtures: Path, name: str, reason: str
) -> None:
    data = (fixtures / "missing/Missing.Connector.dll").read_bytes()
    old = b"\0Missing.Library\0"
    encoded = name.encode()
    assert len(encoded) <= len(old) - 2
    new = b"\0" + encoded + b"\0" * (len(old) - 1 - len(encoded))
    assert data.count(old) == 1
    folder = tmp_path / "a" / "b" / "Extensions"
    folder.mkdir(parents=True)
    (folder / "Missing.Connector.dll").write_bytes(data.replace(old, new))
    # What the name would lead to if it were used as a path.
    shutil.copy(fixtures / "chain/Chain.Leaf.dll", tmp_path / "a" / "evil.dll")
    document = closure_document(str(folder / "Missing.Connector.dll"))
    assert [entry["file"] for entry in document["stage"]] == ["Missing.Connector.dll"]
    [missing] = document["missing"]
    assert missing["assembly"] == name
    [finding] = document["findings"]
    assert finding["id"] == "C21"
    assert reason in finding["found"]


def test_a_trailing_dot_in_a_module_name_never_becomes_a_path(tmp_path: Path, fixtures: Path) -> None:
    data = (fixtures / "pinvoke/PInvoke.Connector.dll").read_bytes()
    (tmp_path / "P.dll").write_bytes(data.replace(b"\0Private.Native.dll\0", b"\0Private.Native.d..\0"))
    document = closure_document(str(tmp_path / "P.dll"))
    assert {"module": "Private.Native.d..", "wanted_by": ["P.dll"], "status": "unusable-name"} in document[
        "native"
    ]


def test_a_link_in_the_fetched_folder_is_not_followed(tmp_path: Path, fixtures: Path) -> None:
    folder = tmp_path / "Extensions"
    folder.mkdir()
    shutil.copy(fixtures / "chain/Chain.Connector.dll", folder)
    (folder / "Chain.Middle.dll").symlink_to(fixtures / "chain/Chain.Middle.dll")
    document = closure_document(str(folder / "Chain.Connector.dll"))
    assert [entry["file"] for entry in document["stage"]] == ["Chain.Connector.dll"]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("C:\\ECMA\\a.dll", None),
        ("\\\\server\\share\\a.dll", None),
        ("a b.dll", None),
        ("C:\\ECMA\\..\\a.dll", "climbs"),
        ("C:\\ECMA\\NUL", "device"),
        ("C:\\ECMA\\a.dll.", "ends with a dot"),
        ("C:\\ECMA\\a.dll:stream", "does not allow"),
        ("C:\\", "names no file"),
        ("C:\\a<b", "does not allow"),
    ],
)
def test_a_path_of_a_listing_is_plain_or_refused(path: str, problem: str | None) -> None:
    found = windows_path_problem(path)
    assert found is None if problem is None else found is not None and problem in found


@pytest.mark.parametrize(
    "items",
    [
        [3],
        [{"checksum": "a"}],
        [{"path": "a.dll", "checksum": "sha1"}],
        ["..\\a.dll"],
        [{"path": "a.dll", "sha256": "A" * 63}],
    ],
)
def test_a_listing_of_another_form_is_refused(items: list[object]) -> None:
    with pytest.raises(UsageError, match=r"List the folder again with ansible\.windows\.win_find\."):
        read_listing(items)


def test_a_listing_leaves_folders_out_and_sorts_without_regard_to_case() -> None:
    listed = read_listing(
        ["b.dll", {"path": "C:\\x", "isdir": True}, {"path": "A.dll", "checksum": "B" * 64}]
    )
    assert [(file.path, file.sha256) for file in listed] == [("A.dll", "b" * 64), ("b.dll", None)]
