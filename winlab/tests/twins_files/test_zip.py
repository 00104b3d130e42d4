"""win_zip and win_unzip."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

import pytest

from .conftest import NOW

D = "C:\\data"


def names(windows, path):
    with zipfile.ZipFile(io.BytesIO(windows.read(path))) as archive:
        assert archive.testzip() is None
        return archive.namelist()


@pytest.fixture(autouse=True)
def _tree(windows):
    windows.write(f"{D}\\a.txt", b"a" * 1000)
    windows.write(f"{D}\\sub\\b ä.txt", b"b")
    windows.host.files.mkdir(f"{D}\\sub\\empty")


class TestZip:
    @pytest.mark.parametrize(
        ("src", "expected"),
        [
            (D, ["data/a.txt", "data/sub/b ä.txt", "data/sub/empty/"]),
            (f"{D}\\*", ["a.txt", "sub/b ä.txt", "sub/empty/"]),
            (f"{D}\\a.txt", ["a.txt"]),
            ("%SystemDrive%\\data\\sub", ["sub/b ä.txt", "sub/empty/"]),
        ],
    )
    def test_what_goes_in(self, windows, src, expected):
        assert windows.run("community.windows.win_zip", src=src, dest="C:\\o.zip") == {"changed": True}
        assert names(windows, "C:\\o.zip") == expected

    def test_contents_are_packed_with_their_times(self, windows):
        windows.run("community.windows.win_zip", src=D, dest="C:\\o.zip")
        with zipfile.ZipFile(io.BytesIO(windows.read("C:\\o.zip"))) as archive:
            info = archive.getinfo("data/a.txt")
            assert archive.read(info) == b"a" * 1000
            assert (info.compress_type, info.compress_size < 100) == (zipfile.ZIP_DEFLATED, True)
            assert info.date_time == (2023, 11, 14, 22, 13, 20)

    def test_an_existing_archive_is_left_alone(self, windows):
        windows.write("C:\\o.zip", b"old")
        result = windows.run("community.windows.win_zip", src=D, dest="C:\\o.zip")
        assert result == {"changed": False, "msg": "The destination zip file 'C:\\o.zip' already exists."}
        assert windows.read("C:\\o.zip") == b"old"

    def test_check_mode_writes_nothing(self, windows):
        assert windows.run("community.windows.win_zip", src=D, dest="C:\\o.zip", check=True) == {
            "changed": True
        }
        assert not windows.host.files.exists("C:\\o.zip")

    def test_an_archive_that_could_not_be_finished_stays_with_what_was_packed(self, windows):
        windows.host.files.lock(f"{D}\\sub\\b ä.txt", "svc", exclusive=True)
        failed = windows.run("community.windows.win_zip", src=D, dest="C:\\o.zip")
        assert failed["msg"] == (
            'Unhandled exception while executing module: Exception calling "CreateFromDirectory" with "5" '
            f"argument(s): \"The process cannot access the file '{D}\\sub\\b ä.txt' because it is being used by "
            'another process."'
        )
        assert names(windows, "C:\\o.zip") == ["data/a.txt"]
        again = windows.run("community.windows.win_zip", src=D, dest="C:\\o.zip")
        assert again == {"changed": False, "msg": "The destination zip file 'C:\\o.zip' already exists."}

    def test_an_archive_of_one_file_that_is_closed_stays_empty(self, windows):
        windows.host.files.lock(f"{D}\\a.txt", "svc", exclusive=True)
        failed = windows.run("community.windows.win_zip", src=f"{D}\\a.txt", dest="C:\\o.zip")
        assert 'Exception calling "CreateEntryFromFile" with "4"' in failed["msg"]
        assert names(windows, "C:\\o.zip") == []

    def test_an_archive_cannot_lie_in_the_folder_that_it_packs(self, windows):
        failed = windows.run("community.windows.win_zip", src=D, dest=f"{D}\\o.zip")
        assert failed["msg"].endswith(
            f"The process cannot access the file '{D}\\o.zip' because it is being used by another process.\""
        )
        assert names(windows, f"{D}\\o.zip") == ["data/a.txt"]

    @pytest.mark.parametrize(
        ("src", "dest", "message"),
        [
            (
                f"{D}\\a.txt",
                "C:\\none\\o.zip",
                'Unhandled exception while executing module: Exception calling "Open" with "2" argument(s): '
                "\"Could not find a part of the path 'C:\\none\\o.zip'.\"",
            ),
            ("C:\\none", "C:\\o.zip", "The source file or directory 'C:\\none' does not exist."),
            ("C:\\none\\*", "C:\\o.zip", "The source file or directory 'C:\\none' does not exist."),
            (D, "C:\\o.tar", "The destination zip file path 'C:\\o.tar' need to be zip file path."),
            (
                D,
                "C:\\none\\o.zip",
                'Unhandled exception while executing module: Exception calling "CreateFromDirectory" with "5" '
                "argument(s): \"Could not find a part of the path 'C:\\none\\o.zip'.\"",
            ),
        ],
    )
    def test_refusals(self, windows, src, dest, message):
        assert windows.run("community.windows.win_zip", src=src, dest=dest)["msg"] == message


class TestUnzip:
    @pytest.fixture(autouse=True)
    def _archive(self, windows):
        windows.run("community.windows.win_zip", src=f"{D}\\*", dest="C:\\in.zip")

    def unzip(self, windows, **options):
        return windows.run(
            "community.windows.win_unzip", **{"src": "C:\\in.zip", "dest": "C:\\out", **options}
        )

    @pytest.mark.parametrize("dest", ["C:\\out", "C:\\out\\", "C:/out"])
    def test_unpacks_each_time(self, windows, dest):
        for _ in range(2):
            result = self.unzip(windows, dest=dest)
            assert (result["changed"], result["removed"], result["src"]) == (True, False, "C:\\in.zip")
        assert windows.tree("C:\\out") == ["a.txt", "sub", "sub\\b ä.txt", "sub\\empty"]
        assert windows.read("C:\\out\\a.txt") == b"a" * 1000

    def test_creates_skips(self, windows):
        result = self.unzip(windows, creates=D)
        assert (result["changed"], result["skipped"]) == (False, True)
        assert result["msg"] == f"The file or directory '{D}' already exists."
        assert not windows.host.files.exists("C:\\out")

    def test_check_mode_makes_nothing_and_keeps_the_archive(self, windows):
        result = self.unzip(windows, check=True, delete_archive=True)
        assert (result["changed"], result["removed"]) == (True, True)
        assert not windows.host.files.exists("C:\\out")
        assert windows.host.files.exists("C:\\in.zip")

    def test_the_archive_goes_when_asked(self, windows):
        assert self.unzip(windows, rm=True)["removed"] is True
        assert not windows.host.files.exists("C:\\in.zip")

    def test_names_that_lead_outside_are_refused(self, windows):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("ok.txt", b"")
            archive.writestr("../evil.txt", b"")
        windows.write("C:\\evil.zip", buffer.getvalue())
        result = self.unzip(windows, src="C:\\evil.zip")
        assert result["msg"] == (
            "Error unzipping 'C:\\evil.zip' to 'C:\\out'! Filename contains relative paths which would extract "
            "outside the destination: C:\\out\\../evil.txt"
        )
        assert not windows.host.files.exists("C:\\evil.txt")
        assert windows.tree("C:\\out") == ["ok.txt"]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"src": "C:\\none.zip"}, "File 'C:\\none.zip' does not exist."),
            (
                {"password": "x"},
                "PowerShellCommunityExtensions PowerShell Module (PSCX) is required for non-'.zip' compressed "
                "archive types.",
            ),
            (
                {"src": "C:\\data\\a.txt"},
                "PowerShellCommunityExtensions PowerShell Module (PSCX) is required for non-'.zip' compressed "
                "archive types.",
            ),
        ],
    )
    def test_refusals(self, windows, options, message):
        assert self.unzip(windows, **options)["msg"] == message

    def test_a_locked_target_fails_with_the_reason(self, windows):
        windows.write("C:\\out\\a.txt", b"old")
        windows.host.files.lock("C:\\out\\a.txt", "svc")
        message = self.unzip(windows)["msg"]
        assert message.startswith(
            "Error unzipping 'C:\\in.zip' to 'C:\\out'!. Method: System.IO.Compression.ZipFile"
        )
        assert "being used by another process" in message
        assert windows.read("C:\\out\\a.txt") == b"old"

    def test_times_of_entries_are_those_of_the_hosts_zone(self, windows):
        """9 hours ahead of UTC, and an entry without a date, as some tools write it, is of 1980."""
        windows.run("win_timezone", timezone="Tokyo Standard Time")
        windows.run("community.windows.win_zip", src=f"{D}\\*", dest="C:\\east.zip")
        with zipfile.ZipFile(io.BytesIO(windows.read("C:\\east.zip"))) as archive:
            assert archive.getinfo("a.txt").date_time == (2023, 11, 15, 7, 13, 20)
        self.unzip(windows, src="C:\\east.zip")
        assert windows.host.files.entry("C:\\out\\a.txt").modified == NOW
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(zipfile.ZipInfo("old.txt", (1980, 0, 0, 0, 0, 0)), b"")
        windows.write("C:\\old.zip", buffer.getvalue())
        assert self.unzip(windows, src="C:\\old.zip")["changed"] is True
        first = datetime(1979, 12, 31, 15, tzinfo=UTC).timestamp()
        assert windows.host.files.entry("C:\\out\\old.txt").modified == first
