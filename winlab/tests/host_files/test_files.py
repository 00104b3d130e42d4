"""The file system: contents, names, times, locks, space, links, streams, and what is saved."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc

import pytest
from winlab.errors import Win32Error

from .conftest import NOW


def code_of(call, *args, **options) -> int:
    with pytest.raises(Win32Error) as caught:
        call(*args, **options)
    return caught.value.code


class TestContents:
    def test_a_file_is_found_in_any_case_and_keeps_the_first(self, box):
        box.files.write_bytes("C:\\data\\Read.Me", b"1")
        box.files.write_bytes("c:/DATA/read.me", b"22")
        entry = box.files.entry("C:\\DATA\\READ.ME")
        assert (entry.path, entry.name, entry.size) == ("C:\\data\\Read.Me", "Read.Me", 2)
        assert entry.sha256 == hashlib.sha256(b"22").hexdigest()
        assert entry.attributes == {"Archive"}
        assert box.files.listdir("C:\\data") == ["Read.Me"]

    @pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha384", "sha512"])
    def test_digests(self, box, algorithm):
        box.files.write_bytes("C:\\data\\f", b"abc")
        assert box.files.digest("C:\\data\\f", algorithm) == hashlib.new(algorithm, b"abc").hexdigest()

    def test_equal_contents_are_stored_once_and_go_with_the_last_file(self, box):
        box.files.write_bytes("C:\\data\\a", b"same")
        box.files.write_bytes("C:\\data\\b", b"same")
        blob = box.files.blobs.path(hashlib.sha256(b"same").hexdigest())
        box.files.delete("C:\\data\\a")
        box.files.collect_garbage()
        assert blob.exists()
        box.files.delete("C:\\data\\b")
        assert blob.exists()
        box.files.collect_garbage()
        assert not blob.exists()

    def test_an_upload_that_is_not_finished_leaves_nothing(self, box):
        before = sorted(box.files.blobs.folder.iterdir())
        with pytest.raises(RuntimeError), box.files.new_upload() as upload:
            upload.write(b"half")
            raise RuntimeError
        assert sorted(box.files.blobs.folder.iterdir()) == before

    def test_a_finished_upload_survives_a_collection_until_it_has_a_file(self, box):
        upload = box.files.new_upload()
        upload.write(b"data")
        sha256, size = upload.finish()
        box.files.write_bytes("C:\\data\\x", b"data")
        box.files.delete("C:\\data\\x")
        box.files.collect_garbage()
        box.files.adopt_blob("C:\\data\\y", sha256, size)
        assert box.files.read_bytes("C:\\data\\y") == b"data"

    def test_fifty_mebibytes_pass_through_little_memory(self, box):
        class Zeros(io.RawIOBase):
            left = 50 << 20

            def read(self, size: int = -1) -> bytes:
                taken = min(size, self.left)
                self.left -= taken
                return bytes(taken)

        tracemalloc.start()
        try:
            box.files.write_stream("C:\\data\\big", Zeros())
            box.files.copy("C:\\data\\big", "C:\\data\\copy")
            box.files.digest("C:\\data\\copy", "sha1")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert box.files.entry("C:\\data\\copy").size == 50 << 20
        assert peak < 4 << 20


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("C:\\data\\none", 2),
        ("C:\\none\\x", 3),
        ("Q:\\x", 3),
        ("Q:\\", 3),
        ("C:\\data\\a|b", 123),
        ("\\\\nowhere\\share\\x", 53),
        ("\\\\win01\\none\\x", 67),
    ],
)
def test_what_is_missing_is_said_as_windows_does(box, path, code):
    assert code_of(box.files.entry, path) == code
    assert not box.files.exists(path)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("C:\\none\\x", 3),
        ("C:\\data", 5),
        ("C:\\data\\f\\x", 3),
        ("C:\\data\\NUL.txt", 123),
        ("C:\\" + "d" * 200 + "\\" + "e" * 60, 206),
    ],
)
def test_files_that_cannot_be_written(box, path, code):
    box.files.write_bytes("C:\\data\\f", b"")
    assert code_of(box.files.write_bytes, path, b"x") == code


class TestFolders:
    def test_mkdir_makes_those_above_and_says_which(self, box):
        assert box.files.mkdir("C:\\data\\a\\b") == ["C:\\data\\a", "C:\\data\\a\\b"]
        assert box.files.mkdir("C:\\data\\a\\b") == []

    @pytest.mark.parametrize(
        ("path", "options", "code"),
        [
            ("C:\\data", {"exist_ok": False}, 183),
            ("C:\\data\\f", {}, 183),
            ("C:\\data\\n\\m", {"parents": False}, 3),
            ("C:\\data\\f\\g", {}, 3),
            ("C:\\" + "\\".join(["d" * 49] * 5), {}, 206),
        ],
    )
    def test_mkdir_refuses(self, box, path, options, code):
        box.files.write_bytes("C:\\data\\f", b"")
        assert code_of(box.files.mkdir, path, **options) == code

    def test_the_prefix_lifts_the_limit(self, box):
        deep = "\\\\?\\C:\\" + "\\".join(["d" * 48] * 6)
        box.files.mkdir(deep)
        assert box.files.is_dir(deep)

    def test_walk_goes_depth_first_in_ntfs_order(self, box):
        for name in ("b\\z", "a_\\x", "A\\y", "b\\_", "c"):
            box.files.mkdir(f"C:\\data\\{name}")
        below = [entry.path[8:] for entry in box.files.walk("C:\\data")]
        assert below == ["A", "A\\y", "a_", "a_\\x", "b", "b\\z", "b\\_", "c"]

    def test_delete_wants_recursive_for_what_is_not_empty(self, box):
        box.files.mkdir("C:\\data\\a\\b")
        assert code_of(box.files.delete, "C:\\data\\a") == 145
        box.files.delete("C:\\data\\a", recursive=True)
        assert box.files.listdir("C:\\data") == []
        assert code_of(box.files.delete, "C:\\") == 5


class TestMoveAndCopy:
    def test_move_renames_and_keeps_the_times(self, box):
        box.files.write_bytes("C:\\data\\a", b"1")
        box.clock[0] += 60
        box.files.move("C:\\data\\a", "C:\\data\\B")
        assert (box.files.listdir("C:\\data"), box.files.entry("C:\\data\\b").modified) == (["B"], NOW)
        box.files.move("C:\\data\\B", "C:\\data\\b")
        assert box.files.listdir("C:\\data") == ["b"]

    def test_move_to_another_drive_carries_the_content_and_the_space(self, box):
        free = box.files.free_bytes("C")
        box.files.write_bytes("C:\\data\\a\\..\\a", b"12345")
        box.files.move("C:\\data\\a", "D:\\a")
        assert box.files.read_bytes("D:\\a") == b"12345"
        assert (box.files.free_bytes("C"), box.files.free_bytes("D")) == (free, (1 << 30) - 5)

    def test_move_refuses_an_existing_target_unless_told(self, box):
        box.files.write_bytes("C:\\data\\a", b"1")
        box.files.write_bytes("C:\\data\\b", b"2")
        assert code_of(box.files.move, "C:\\data\\a", "C:\\data\\b") == 183
        box.files.move("C:\\data\\a", "C:\\data\\b", replace=True)
        assert (box.files.listdir("C:\\data"), box.files.read_bytes("C:\\data\\b")) == (["b"], b"1")

    def test_a_folder_cannot_go_into_itself(self, box):
        box.files.mkdir("C:\\data\\a")
        assert code_of(box.files.move, "C:\\data\\a", "C:\\data\\a\\b") == 5
        assert code_of(box.files.copy, "C:\\data\\a", "C:\\data\\a\\b") == 32

    def test_copy_keeps_last_write_and_streams_but_is_created_now(self, box):
        box.files.write_bytes("C:\\data\\a", b"1")
        box.files.write_stream_named("C:\\data\\a", "Zone.Identifier", b"[ZoneTransfer]\r\nZoneId=3\r\n")
        box.clock[0] += 60
        copy = box.files.copy("C:\\data\\a", "C:\\data\\b")
        assert (copy.modified, copy.created) == (NOW, NOW + 60)
        assert box.files.streams("C:\\data\\b") == {"Zone.Identifier": b"[ZoneTransfer]\r\nZoneId=3\r\n"}


class TestLocks:
    @pytest.fixture(autouse=True)
    def _locked(self, box):
        box.files.mkdir("C:\\data\\bin")
        box.files.write_bytes("C:\\data\\bin\\x.dll", b"old")
        box.files.lock("C:\\data\\bin\\X.DLL", "service Fax")

    def test_it_can_be_read_and_says_who_holds_it(self, box):
        assert box.files.read_bytes("C:\\data\\bin\\x.dll") == b"old"
        assert box.files.holder_of("C:\\data\\bin\\x.dll") == "service Fax"

    def test_it_cannot_be_replaced_moved_or_removed(self, box):
        path = "C:\\data\\bin\\x.dll"
        assert code_of(box.files.write_bytes, path, b"new") == 32
        assert code_of(box.files.delete, path) == 32
        assert code_of(box.files.move, path, "C:\\data\\y") == 32
        assert code_of(box.files.move, "C:\\data\\bin", "C:\\data\\y") == 5
        assert code_of(box.files.delete, "C:\\data\\bin", recursive=True) == 32
        assert box.files.read_bytes(path) == b"old"

    def test_it_is_free_again_when_its_last_holder_lets_go(self, box):
        box.files.lock("C:\\data\\bin\\x.dll", "other")
        box.files.unlock_all("service Fax")
        assert box.files.holder_of("C:\\data\\bin\\x.dll") == "other"
        box.files.unlock_all("other")
        box.files.write_bytes("C:\\data\\bin\\x.dll", b"new")

    def test_it_outlives_a_restart_of_the_process(self, box):
        assert box.again().files.holder_of("C:\\data\\bin\\x.dll") == "service Fax"


class TestLoadedImages:
    """As Microsoft's sample file system fastfat does it (fileinfo.c, create.c: MmFlushImageSection)."""

    DLL = "C:\\data\\bin\\x.dll"

    @pytest.fixture(autouse=True)
    def _loaded(self, box):
        box.files.mkdir("C:\\data\\bin")
        box.files.write_bytes(self.DLL, b"old")
        box.files.lock(self.DLL, "service Fax", image=True)

    def test_it_can_be_renamed_but_neither_written_to_nor_removed(self, box):
        box.files.write_bytes("C:\\data\\new", b"new")
        assert code_of(box.files.write_bytes, self.DLL, b"new") == 32
        assert code_of(box.files.delete, self.DLL) == 5
        assert code_of(box.files.move, "C:\\data\\new", self.DLL, replace=True) == 5
        assert code_of(box.files.move, self.DLL, "D:\\x.dll") == 5
        assert code_of(box.files.delete, "C:\\data\\bin", recursive=True) == 5
        assert box.files.read_bytes(self.DLL) == b"old"
        box.files.move(self.DLL, "C:\\data\\y.dll")
        box.files.move("C:\\data\\new", self.DLL)

    def test_it_stays_loaded_under_its_new_name(self, box):
        box.files.move(self.DLL, "C:\\data\\y.dll")
        assert box.files.holder_of("C:\\data\\y.dll") == "service Fax"
        box = box.again()
        assert code_of(box.files.delete, "C:\\data\\y.dll") == 5
        box.files.write_bytes(self.DLL, b"another")
        box.files.delete(self.DLL)
        box.files.unlock_all("service Fax")
        box.files.delete("C:\\data\\y.dll")

    def test_who_opens_it_too_refuses_the_new_name(self, box):
        box.files.lock(self.DLL, "editor")
        assert code_of(box.files.move, self.DLL, "C:\\data\\y.dll") == 32
        assert code_of(box.files.delete, self.DLL) == 32


class TestSpace:
    def test_writing_and_removing_is_counted(self, box):
        free = box.files.free_bytes("C")
        box.files.write_bytes("C:\\data\\a", bytes(1000))
        box.files.write_bytes("C:\\data\\a", bytes(400))
        box.files.write_stream_named("C:\\data\\a", "s", bytes(10))
        assert box.files.free_bytes("C") == free - 410
        assert box.again().files.free_bytes("C") == free - 410
        box.files.delete("C:\\data\\a")
        assert box.files.free_bytes("C") == free

    def test_a_full_disk_keeps_the_old_content(self, box):
        box.files.write_bytes("C:\\data\\a", b"old")
        box.files.set_free_bytes("C", 2)
        assert code_of(box.files.write_bytes, "C:\\data\\a", b"longer") == 112
        assert code_of(box.files.write_bytes, "C:\\data\\b", b"abc") == 112
        assert (box.files.read_bytes("C:\\data\\a"), box.files.listdir("C:\\data")) == (b"old", ["a"])
        box.files.write_bytes("C:\\data\\a", b"older")

    def test_there_is_only_what_was_defined(self, box):
        assert box.files.free_bytes("D") == 1 << 30
        assert code_of(box.files.free_bytes, "E") == 3


class TestStreams:
    def test_they_are_read_and_written_by_path(self, box):
        box.files.write_bytes("C:\\data\\a:Zone.Identifier", b"z")
        assert box.files.entry("C:\\data\\a").size == 0
        assert box.files.read_bytes("C:\\data\\A:zone.identifier") == b"z"
        assert box.files.exists("C:\\data\\a:Zone.Identifier")
        assert not box.files.exists("C:\\data\\a:other")

    def test_replacing_a_file_drops_them(self, box):
        box.files.write_bytes("C:\\data\\a", b"1")
        box.files.write_stream_named("C:\\data\\a", "s", b"2")
        box.files.write_bytes("C:\\data\\a", b"3")
        assert box.files.streams("C:\\data\\a") == {}

    def test_removing_one_that_is_not_there(self, box):
        box.files.write_bytes("C:\\data\\a", b"1")
        assert code_of(box.files.delete_stream, "C:\\data\\a", "s") == 2


class TestLinks:
    def test_a_link_is_followed_for_content_and_removed_alone(self, box):
        box.files.mkdir("C:\\data\\real")
        box.files.write_bytes("C:\\data\\real\\f", b"1")
        box.files.make_link("C:\\data\\j", "C:\\data\\real", "JunctionPoint")
        box.files.make_link("C:\\data\\rel", "real\\f", "SymbolicLink")
        assert box.files.read_bytes("C:\\data\\j\\f") == b"1"
        assert box.files.read_bytes("C:\\data\\rel") == b"1"
        assert box.files.entry("C:\\data\\j").link_target == "C:\\data\\real"
        assert "C:\\data\\j\\f" not in [entry.path for entry in box.files.walk("C:\\data")]
        box.files.delete("C:\\data\\j", recursive=True)
        assert box.files.exists("C:\\data\\real\\f")

    def test_a_circle_ends(self, box):
        box.files.make_link("C:\\data\\a", "C:\\data\\b", "SymbolicLink")
        box.files.make_link("C:\\data\\b", "C:\\data\\a", "SymbolicLink")
        assert not box.files.exists("C:\\data\\a")
        assert code_of(box.files.read_bytes, "C:\\data\\a") == 1921


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("C:\\PROGRA~1", "C:\\Program Files"),
        ("C:\\progra~2", "C:\\Program Files (x86)"),
        ("C:\\PROGRA~3", "C:\\ProgramData"),
        ("C:\\data\\LONGFI~1.CON", "C:\\data\\long file name.config"),
        ("C:\\data\\ABC~1.TXT", "C:\\data\\a b.c.txt"),
    ],
)
def test_short_names_lead_to_the_long_ones(box, path, leads_to):
    box.files.write_bytes("C:\\data\\long file name.config", b"")
    box.files.write_bytes("C:\\data\\a b.c.txt", b"")
    assert box.files.entry(path).path == leads_to
    assert not box.files.exists(path.replace("~", "~9"))


def test_the_whole_state_survives_saving_and_loading(box):
    box.files.write_bytes("C:\\data\\ä.txt", b"1", box.user())
    box.files.set_attributes("C:\\data\\ä.txt", {"Hidden", "ReadOnly"})
    box.files.write_stream_named("C:\\data\\ä.txt", "s", b"2")
    box.files.make_link("C:\\data\\l", "x", "SymbolicLink")
    box.files.mkdir("\\\\fs01\\media\\setup")
    again = box.again().files
    assert again.to_state() == json.loads(json.dumps(box.files.to_state()))
    assert list(again.walk("C:\\data")) == list(box.files.walk("C:\\data"))
    assert again.read_bytes("C:\\data\\ä.txt:s") == b"2"
