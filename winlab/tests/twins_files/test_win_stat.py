"""win_stat: results as in the upstream integration target (tasks/tests.yml) and in the module's source."""

from __future__ import annotations

import hashlib

import pytest
from winlab.host.acl import Acl

from .conftest import NOW

FILE = {
    "attributes": "Archive",
    "checksum": hashlib.sha1(b"abc").hexdigest(),
    "creationtime": NOW,
    "exists": True,
    "extension": ".ps1",
    "filename": "file.ps1",
    "hlnk_targets": [],
    "isarchive": True,
    "isdir": False,
    "ishidden": False,
    "isjunction": False,
    "islnk": False,
    "isreadonly": False,
    "isreg": True,
    "isshared": False,
    "lastaccesstime": NOW,
    "lastwritetime": NOW,
    "nlink": 1,
    "owner": "BUILTIN\\Administrators",
    "path": "C:\\data\\file.ps1",
    "size": 3,
}


@pytest.fixture(autouse=True)
def _file(windows):
    windows.write("C:\\data\\file.ps1", b"abc")


def stat(windows, path, **options):
    result = windows.run("win_stat", path=path, **options)
    assert result["changed"] is False
    return result["stat"]


def test_a_file(windows):
    assert stat(windows, "C:\\data\\file.ps1") == FILE


@pytest.mark.parametrize(
    ("options", "missing", "checksum"),
    [
        ({"get_checksum": False}, {"checksum"}, None),
        ({"get_size": False}, {"size"}, FILE["checksum"]),
        ({"checksum_algorithm": "sha256"}, set(), hashlib.sha256(b"abc").hexdigest()),
        ({"checksum_algorithm": "md5"}, set(), hashlib.md5(b"abc").hexdigest()),
    ],
)
def test_options_of_a_file(windows, options, missing, checksum):
    found = stat(windows, "C:\\data\\file.ps1", **options)
    assert set(FILE) - set(found) == missing
    assert found.get("checksum") == checksum


@pytest.mark.parametrize(
    "path", ["C:\\none", "C:\\data\\a|b", "Q:\\x", "C:\\data\\file.ps1\\x", "\\\\none\\s\\x"]
)
def test_what_is_not_there_is_no_failure(windows, path):
    assert windows.run("win_stat", path=path, get_checksum=False).get("stat", {"exists": False}) == {
        "exists": False
    }


def test_path_is_spelt_as_the_caller_did(windows):
    found = stat(windows, "c:/DATA/File.ps1")
    assert (found["path"], found["filename"]) == ("C:\\DATA\\File.ps1", "File.ps1")
    assert stat(windows, "C:\\data\\")["path"] == "C:\\data\\"
    assert stat(windows, "C:\\data\\")["filename"] == "data"


def test_variables_are_expanded_and_relative_paths_start_in_the_profile(windows):
    windows.write("C:\\Users\\Administrator\\x.txt")
    assert stat(windows, "%USERPROFILE%\\x.txt")["exists"]
    assert stat(windows, "x.txt")["path"] == "C:\\Users\\Administrator\\x.txt"


def test_a_folder_counts_what_is_below_and_has_neither_checksum_nor_extension(windows):
    windows.write("C:\\data\\sub\\more", b"1234")
    found = stat(windows, "C:\\data")
    assert (found["isdir"], found["isreg"], found["attributes"], found["size"]) == (
        True,
        False,
        "Directory",
        7,
    )
    assert not {"checksum", "extension", "sharename"} & set(found)


@pytest.mark.parametrize(
    ("attributes", "text", "flags"),
    [
        ({"Archive", "Hidden"}, "Hidden, Archive", ("ishidden", "isarchive")),
        ({"ReadOnly", "Archive"}, "ReadOnly, Archive", ("isreadonly", "isarchive")),
        (set(), "Normal", ()),
    ],
)
def test_attributes(windows, attributes, text, flags):
    windows.host.files.set_attributes("C:\\data\\file.ps1", attributes)
    found = stat(windows, "C:\\data\\file.ps1")
    assert found["attributes"] == text
    assert {name for name in ("ishidden", "isarchive", "isreadonly") if found[name]} == set(flags)


def test_the_administrative_share_of_a_drive_shows(windows):
    found = stat(windows, "C:\\", get_size=False)
    assert (found["isshared"], found["sharename"], found["filename"]) == (True, "C$", "C:\\")


class TestLinks:
    @pytest.fixture(autouse=True)
    def _links(self, windows):
        windows.write("C:\\data\\link-dest\\in.txt", b"1")
        windows.host.files.make_link("C:\\data\\link", "C:\\data\\link-dest", "SymbolicLink", is_dir=True)
        windows.host.files.make_link("C:\\data\\link-dest\\rel", "..\\file.ps1", "SymbolicLink")
        windows.host.files.make_link("C:\\data\\junction", "C:\\data\\link-dest", "JunctionPoint")

    def test_they_are_described(self, windows):
        found = stat(windows, "C:\\data\\link")
        assert found["attributes"] == "Directory, ReparsePoint"
        assert (found["islnk"], found["isjunction"], found["isreg"], found["isdir"]) == (
            True,
            False,
            False,
            True,
        )
        assert found["lnk_source"] == found["lnk_target"] == "C:\\data\\link-dest"
        junction = stat(windows, "C:\\data\\junction")
        assert (junction["islnk"], junction["isjunction"]) == (False, True)

    def test_a_relative_target_is_shown_both_ways(self, windows):
        found = stat(windows, "C:\\data\\link-dest\\rel")
        assert (found["lnk_target"], found["lnk_source"]) == ("..\\file.ps1", "C:\\data\\file.ps1")
        assert found["checksum"] == FILE["checksum"]

    def test_follow_shows_what_is_behind(self, windows):
        assert stat(windows, "C:\\data\\link", follow=True)["path"] == "C:\\data\\link-dest"
        assert stat(windows, "C:\\data\\link-dest\\rel", follow=True) == FILE

    def test_a_broken_link_is_there_until_followed(self, windows):
        windows.host.files.make_link("C:\\data\\broken", "C:\\none", "SymbolicLink", is_dir=True)
        assert stat(windows, "C:\\data\\broken", get_size=False)["islnk"]
        assert stat(windows, "C:\\data\\broken", follow=True) == {"exists": False}


class TestOfAUser:
    def test_a_file_that_may_not_be_read_fails_with_the_way_out(self, windows):
        windows.host.files.set_acl("C:\\data\\file.ps1", Acl((), protected=True))
        bob = windows.user("bob")
        result = windows.run("win_stat", path="C:\\data\\file.ps1", session=bob)
        assert result["msg"] == (
            "Failed to get hash of file, set get_checksum to False to ignore this error: Exception calling "
            '"Open" with "4" argument(s): "Access to the path \'C:\\data\\file.ps1\' is denied."'
        )
        found = windows.run("win_stat", path="C:\\data\\file.ps1", get_checksum=False, session=bob)["stat"]
        assert (found["exists"], found["owner"]) == (True, None)

    def test_what_lies_in_a_closed_folder_does_not_exist(self, windows):
        windows.host.files.set_acl("C:\\data", Acl((), protected=True))
        result = windows.run("win_stat", path="C:\\data\\file.ps1", session=windows.user("bob"))
        assert result["stat"] == {"exists": False}

    def test_the_owner_is_shown_by_name_and_a_lost_one_by_sid(self, windows):
        windows.host.files.set_owner("C:\\data\\file.ps1", windows.user("bob").sid)
        assert stat(windows, "C:\\data\\file.ps1")["owner"] == "WIN01\\bob"
        windows.host.files.set_owner("C:\\data\\file.ps1", "S-1-5-21-1-2-3-1099")
        assert stat(windows, "C:\\data\\file.ps1")["owner"] == "O:S-1-5-21-1-2-3-1099"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "missing required arguments: path"),
        (
            {"path": "C:\\x", "checksum_algorithm": "crc32"},
            "value of checksum_algorithm must be one of: md5, sha1, sha256, sha384, sha512. Got no match for: crc32",
        ),
    ],
)
def test_wrong_arguments(windows, options, message):
    assert windows.run("win_stat", **options)["msg"] == message


def test_the_other_names_of_path_work(windows):
    assert windows.run("win_stat", dest="C:\\data\\file.ps1")["stat"]["exists"]
