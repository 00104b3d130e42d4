"""Unpacking what was fetched.

Nothing leaves its folder, nothing grows without bound, nothing half is left.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from mim2ecma.staging import archive
from mim2ecma.staging.archive import ArchiveError, unpack


def make(path: Path, *entries: tuple[str, bytes], **options: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as target:
        for name, content in entries:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content)
    return path


def test_files_and_folders_arrive(tmp_path: Path) -> None:
    source = make(
        tmp_path / "a.zip",
        ("Contoso.dll", b"1"),
        ("de\\Contoso.resources.dll", b"2"),
        ("empty/", b""),
        ("a/b c.txt", b"3"),
    )
    assert unpack(source, tmp_path / "out") == ("Contoso.dll", "a/b c.txt", "de/Contoso.resources.dll")
    assert (tmp_path / "out/de/Contoso.resources.dll").read_bytes() == b"2"
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "out/Contoso.dll").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "name",
    [
        "../evil.dll",
        "..\\evil.dll",
        "a/../../evil.dll",
        "a\\..\\..\\evil.dll",
        "/evil.dll",
        "\\evil.dll",
        "\\\\server\\share\\evil.dll",
        "C:\\evil.dll",
        "C:evil.dll",
        "evil.dll:stream",
        "NUL",
        "nul.dll",
        "a/COM1.txt",
        "CONIN$",
        "evil.dll.",
        "evil.dll ",
        "a./evil.dll",
        "./evil.dll",
        "a//evil.dll",
        "evil\x1f.dll",
        "\u202eevil.dll",
        "evil?.dll",
        "a" * 256,
        "/".join("a" * 20),
    ],
)
def test_a_name_that_windows_or_the_folder_cannot_hold_refuses_the_archive(tmp_path: Path, name: str) -> None:
    source = make(tmp_path / "a.zip", ("good.dll", b"1"), (name, b"evil"))
    with pytest.raises(ArchiveError, match=r"a\.zip: entry "):
        unpack(source, tmp_path / "in" / "out")
    assert not (tmp_path / "in" / "out").exists()
    assert list((tmp_path / "in").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "in"]


@pytest.mark.parametrize(
    "entries",
    [
        [("a.dll", b"1"), ("A.DLL", b"2")],
        [("a", b"1"), ("A/b", b"2")],
        [("a/b", b"1"), ("a\\B", b"2")],
    ],
)
def test_names_that_are_one_on_windows_refuse_the_archive(
    tmp_path: Path, entries: list[tuple[str, bytes]]
) -> None:
    with pytest.raises(ArchiveError):
        unpack(make(tmp_path / "a.zip", *entries), tmp_path / "out")


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o600, stat.S_IFBLK | 0o600])
def test_links_and_devices_refuse_the_archive(tmp_path: Path, mode: int) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = mode << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        target.writestr(info, "/etc/passwd")
    with pytest.raises(ArchiveError, match="is a link or a device"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    source = make(tmp_path / "a.zip", ("bomb.dll", b"\0" * (archive.RATIO_FREE_BYTES + 1)))
    with pytest.raises(ArchiveError, match=f"at most {archive.RATIO_LIMIT} times as many"):
        unpack(source, tmp_path / "out")


def test_a_size_that_lies_is_noticed(tmp_path: Path) -> None:
    source = make(tmp_path / "a.zip", ("a.dll", b"\0" * 100_000))
    data = bytearray(source.read_bytes())
    directory = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, directory + 24, 10)
    source.write_bytes(data)
    with pytest.raises(ArchiveError):
        unpack(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("limit", "value"), [("ENTRIES_LIMIT", 1), ("ENTRY_BYTES", 3), ("TOTAL_BYTES", 7)])
def test_each_limit_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(archive, limit, value)
    with pytest.raises(ArchiveError):
        unpack(make(tmp_path / "a.zip", ("a", b"1234"), ("b", b"5678")), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_entries_that_share_their_packed_bytes_are_refused(tmp_path: Path) -> None:
    source = make(tmp_path / "a.zip", *((f"{number}.dll", bytes(range(256)) * 8) for number in range(40)))
    with zipfile.ZipFile(source) as opened:
        first = opened.infolist()[0]
        size = first.compress_size
    data = source.read_bytes()
    directory = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    # All entries of the directory point to the first local file.
    entries = bytearray(data[directory:end])
    position = 0
    while position < len(entries):
        name, extra, comment = struct.unpack_from("<HHH", entries, position + 28)
        struct.pack_into("<I", entries, position + 42, 0)
        position += 46 + name + extra + comment
    local = data[: 30 + len(first.filename) + size]
    tail = bytearray(data[end:])
    struct.pack_into("<I", tail, 16, len(local))
    source.write_bytes(local + entries + tail)
    with pytest.raises(ArchiveError, match="entries beside each other"):
        unpack(source, tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>", b"PK\x05\x06" + b"\0" * 10])
def test_what_is_no_archive_is_an_error_for_people(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(
        ArchiveError, match=r"a\.zip: archive: .*; expected a whole ZIP file\. Fetch the files again\."
    ):
        unpack(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("cut", range(1, 20))
def test_an_archive_that_is_cut_leaves_nothing(tmp_path: Path, cut: int) -> None:
    source = make(tmp_path / "a.zip", ("a.dll", bytes(range(256)) * 40), ("b.dll", b"2"))
    data = source.read_bytes()
    source.write_bytes(data[: len(data) * cut // 20])
    with pytest.raises(ArchiveError):
        unpack(source, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_damaged_content_leaves_nothing(tmp_path: Path) -> None:
    source = make(tmp_path / "a.zip", ("a.dll", bytes(range(256)) * 40))
    data = bytearray(source.read_bytes())
    data[60] ^= 0xFF
    source.write_bytes(data)
    with pytest.raises(ArchiveError):
        unpack(source, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_an_existing_folder_is_not_mixed_into(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ArchiveError, match="a folder that exists"):
        unpack(make(tmp_path / "a.zip", ("a", b"1")), tmp_path / "out")
