"""win_zip and win_unzip."""

from __future__ import annotations

import io
import zipfile

import pytest

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

    @pytest.mark.parametrize(
        ("src", "dest", "message"),
        [
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
