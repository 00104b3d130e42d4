"""win_copy: the four modes that its action plugin uses."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile

import pytest

D = "C:\\data"


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def item(dest: str, data: bytes = b"x", src: str = "/src/file") -> dict[str, str]:
    return {"src": src, "dest": dest, "checksum": sha1(data)}


class TestQuery:
    @pytest.mark.parametrize(
        ("on_host", "wanted", "force", "differs"),
        [
            ({}, item("a.txt"), True, True),
            ({"a.txt": b"x"}, item("a.txt"), True, False),
            ({"A.TXT": b"x"}, item("a.txt"), True, False),
            ({"a.txt": b"other"}, item("a.txt"), True, True),
            ({"a.txt": b"other"}, item("a.txt"), False, False),
            ({"sub\\a.txt": b"x"}, item("sub/a.txt"), True, False),
            # dest names a folder: the file is looked for in it under the source's own name (lines 283-286)
            ({"a\\file": b"x"}, item("a"), True, False),
            ({"a\\other": b"x"}, item("a"), True, True),
        ],
    )
    def test_names_the_files_that_are_missing_or_differ(self, windows, on_host, wanted, force, differs):
        for name, data in on_host.items():
            windows.write(f"{D}\\{name}", data)
        result = windows.run(
            "win_copy", _copy_mode="query", dest="C:/data", force=force, files=[wanted], directories=[]
        )
        assert result == {
            "changed": False,
            "files": [wanted] if differs else [],
            "directories": [],
            "symlinks": [],
        }

    def test_names_the_folders_that_are_missing(self, windows):
        windows.host.files.mkdir(f"{D}\\there")
        wanted = [{"src": "/s/there", "dest": "there"}, {"src": "/s/new", "dest": "new"}]
        result = windows.run("win_copy", _copy_mode="query", dest=D, directories=wanted, files=[])
        assert result["directories"] == [wanted[1]]

    @pytest.mark.parametrize(
        ("present", "dest", "message"),
        [
            ("a", "a", "cannot copy folder to dest 'C:\\data\\a': object at path is already a file"),
            (
                "a",
                "a/b",
                "cannot copy folder to dest 'C:\\data\\a\\b': object at parent directory path is already a file",
            ),
        ],
    )
    def test_refuses_a_folder_where_a_file_is(self, windows, present, dest, message):
        windows.write(f"{D}\\{present}")
        result = windows.run(
            "win_copy", _copy_mode="query", dest=D, directories=[{"src": "/s", "dest": dest}], files=[]
        )
        assert (result["failed"], result["msg"]) == (True, message)

    def test_refuses_a_file_where_a_folder_of_its_name_is(self, windows):
        windows.host.files.mkdir(f"{D}\\file\\file")
        result = windows.run("win_copy", _copy_mode="query", dest=D, files=[item("file")], directories=[])
        assert result["msg"] == (
            "cannot copy file to dest 'C:\\data\\file\\file': object at path is already a directory"
        )

    def test_changes_nothing(self, windows):
        before = windows.host.files.to_state()
        windows.run("win_copy", _copy_mode="query", dest=D, files=[item("a")], directories=[])
        assert windows.host.files.to_state() == before


class TestSingle:
    SOURCE = "C:\\Users\\Administrator\\AppData\\Local\\Temp\\ansible-tmp-1\\source"

    @pytest.fixture(autouse=True)
    def _source(self, windows):
        windows.write(self.SOURCE, b"content")

    @pytest.mark.parametrize(
        ("dest", "arrives"),
        [
            ("C:\\data\\file.txt", "C:\\data\\file.txt"),
            ("C:/data/file.txt", "C:\\data\\file.txt"),
            ("C:\\data", "C:\\data\\orig.txt"),
            ("C:\\data\\new\\", "C:\\data\\new\\orig.txt"),
            ("%SystemDrive%\\data\\x", "C:\\data\\x"),
        ],
    )
    def test_copies_to_the_file_or_into_the_folder(self, windows, dest, arrives):
        windows.host.files.mkdir(D)
        result = windows.run("win_copy", src=self.SOURCE, dest=dest, _original_basename="orig.txt")
        assert result == {"changed": True}
        assert windows.read(arrives) == b"content"

    def test_the_copy_gets_owner_and_rules_of_its_new_place(self, windows):
        windows.host.files.mkdir(D)
        windows.run("win_copy", src=self.SOURCE, dest=f"{D}\\x")
        assert windows.host.files.owner(f"{D}\\x") == "S-1-5-32-544"
        assert all(ace.inherited for ace in windows.host.files.acl(f"{D}\\x").aces)

    @pytest.mark.parametrize(
        ("dest", "message"),
        [
            ("C:\\none\\x", "Destination directory 'C:\\none' does not exist"),
            ("C:\\data\\f\\x", "object at destination parent dir 'C:\\data\\f' is currently a file"),
        ],
    )
    def test_refuses_a_parent_that_is_missing_or_a_file(self, windows, dest, message):
        windows.write("C:\\data\\f")
        result = windows.run("win_copy", src=self.SOURCE, dest=dest, _original_basename="x")
        assert (result["failed"], result["msg"]) == (True, message)

    def test_without_a_source_it_says_which(self, windows):
        result = windows.run("win_copy", src="C:\\none", dest=D)
        assert result["msg"] == "Cannot copy src file: 'C:\\none' as it does not exist"

    @pytest.mark.parametrize("missing", ["src", "dest"])
    def test_asks_for_its_arguments(self, windows, missing):
        given = {"src": self.SOURCE, "dest": D}
        del given[missing]
        assert (
            windows.run("win_copy", **given)["msg"]
            == f"Get-AnsibleParam: Missing required argument: {missing}"
        )

    def test_backup_keeps_the_old_file_beside_it(self, windows):
        windows.write(f"{D}\\x", b"old")
        result = windows.run("win_copy", src=self.SOURCE, dest=f"{D}\\x", backup=True)
        assert windows.read(result["backup_file"]) == b"old"
        assert result["backup_file"].startswith("C:\\data\\x.")
        assert result["backup_file"].endswith(".20231114-221320.bak")
        assert windows.read(f"{D}\\x") == b"content"

    def test_backup_of_a_new_file_is_null(self, windows):
        windows.host.files.mkdir(D)
        assert windows.run("win_copy", src=self.SOURCE, dest=f"{D}\\x", backup=True)["backup_file"] is None

    def test_a_locked_file_stays_as_it_is(self, windows):
        windows.write(f"{D}\\x.dll", b"old")
        windows.host.files.lock(f"{D}\\x.dll", "service")
        result = windows.run("win_copy", src=self.SOURCE, dest=f"{D}\\x.dll")
        assert result["msg"] == (
            "Unhandled exception while executing module: The process cannot access the file 'C:\\data\\x.dll' "
            "because it is being used by another process."
        )
        assert windows.read(f"{D}\\x.dll") == b"old"

    def test_a_full_disk_is_said(self, windows):
        windows.host.files.mkdir(D)
        windows.host.files.set_free_bytes("C", 3)
        result = windows.run("win_copy", src=self.SOURCE, dest=f"{D}\\x")
        assert "There is not enough space on the disk" in result["msg"]
        assert not windows.host.files.exists(f"{D}\\x")

    def test_a_user_may_not_write_where_the_rules_refuse(self, windows):
        bob = windows.user("bob")
        windows.host.files.mkdir("C:\\Users\\bob", session=None)
        windows.write("C:\\pub\\s", b"1")
        result = windows.run("win_copy", src="C:\\pub\\s", dest="C:\\Windows\\x.txt", session=bob)
        assert "Access to the path" in result["msg"]
        assert not windows.host.files.exists("C:\\Windows\\x.txt")

    def test_a_read_only_file_is_replaced(self, windows):
        windows.write(f"{D}\\x", b"old")
        windows.host.files.set_attributes(f"{D}\\x", {"ReadOnly"})
        assert windows.run("win_copy", src=self.SOURCE, dest=f"{D}\\x")["changed"]
        assert windows.read(f"{D}\\x") == b"content"


def archive(members: dict[str, bytes | None]) -> bytes:
    """Build an archive as the action plugin does: base64 names, folders (None) with a separator behind."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, data in members.items():
            encoded = base64.b64encode(name.encode()).decode()
            info = zipfile.ZipInfo(encoded if data is not None else encoded + "/", (2020, 2, 3, 4, 5, 6))
            target.writestr(info, data or b"")
    return buffer.getvalue()


class TestExplode:
    ZIP = "C:\\tmp\\source.zip"

    def test_unpacks_files_and_folders(self, windows):
        windows.write(self.ZIP, archive({"sub": None, "sub/e": None, "sub/ä b.txt": b"1", "c.txt": b"2"}))
        windows.write(f"{D}\\c.txt", b"old")
        result = windows.run("win_copy", _copy_mode="explode", src=self.ZIP, dest=f"{D}\\")
        assert result == {"changed": True}
        assert windows.tree(D) == ["c.txt", "sub", "sub\\e", "sub\\ä b.txt"]
        assert windows.read(f"{D}\\c.txt") == b"2"
        assert windows.host.files.entry(f"{D}\\c.txt").modified == 1580702706

    @pytest.mark.parametrize("name", ["QQ=", "QQ"])
    def test_refuses_names_that_are_no_base64(self, windows, name):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as target:
            target.writestr(name, b"")
        windows.write(self.ZIP, buffer.getvalue())
        result = windows.run("win_copy", _copy_mode="explode", src=self.ZIP, dest=D)
        assert result["msg"].endswith(f"invalid base64 length '{name}'")

    def test_what_is_no_archive_is_refused(self, windows):
        windows.write(self.ZIP, b"not a zip")
        result = windows.run("win_copy", _copy_mode="explode", src=self.ZIP, dest=D)
        assert result["msg"] == (
            'Unhandled exception while executing module: Exception calling "Open" with "3" argument(s): '
            '"End of Central Directory record could not be found."'
        )

    def test_a_locked_file_stops_it_and_stays(self, windows):
        windows.write(self.ZIP, archive({"a.dll": b"new", "b.dll": b"new"}))
        windows.write(f"{D}\\b.dll", b"old")
        windows.host.files.lock(f"{D}\\b.dll", "service")
        result = windows.run("win_copy", _copy_mode="explode", src=self.ZIP, dest=D)
        assert (
            'Exception calling "ExtractToFile" with "3" argument(s): "The process cannot access'
            in result["msg"]
        )
        assert windows.read(f"{D}\\a.dll") == b"new"
        assert windows.read(f"{D}\\b.dll") == b"old"


class TestRemote:
    @pytest.fixture(autouse=True)
    def _source(self, windows):
        windows.write("C:\\src\\one.txt", b"one")
        windows.write("C:\\src\\sub\\two.txt", b"twoo")

    def remote(self, windows, src, dest, **options):
        return windows.run("win_copy", _copy_mode="remote", src=src, dest=dest, diff=True, **options)

    def test_copies_a_file(self, windows):
        windows.host.files.mkdir(D)
        result = self.remote(windows, "C:\\src\\one.txt", f"{D}\\x")
        assert result == {
            "changed": True,
            "src": "C:\\src\\one.txt",
            "dest": "C:\\data\\x",
            "operation": "file_copy",
            "original_basename": "one.txt",
            "checksum": sha1(b"one"),
            "size": 3,
            "diff": {"prepared": "+C:\\data\\x\n"},
        }
        again = self.remote(windows, "C:\\src\\one.txt", f"{D}\\x")
        assert (again["changed"], again["diff"]) == (False, {"prepared": ""})

    def test_copies_into_a_folder_and_shows_what_it_replaces(self, windows):
        windows.write(f"{D}\\one.txt", b"old")
        result = self.remote(windows, "C:\\src\\one.txt", D)
        assert result["dest"] == "C:\\data\\one.txt"
        assert result["diff"]["prepared"] == "-C:\\data\\one.txt\n+C:\\data\\one.txt\n"
        assert windows.read(f"{D}\\one.txt") == b"one"

    def test_without_force_an_existing_file_stays(self, windows):
        windows.write(f"{D}\\one.txt", b"old")
        result = self.remote(windows, "C:\\src\\one.txt", f"{D}\\one.txt", force=False)
        assert (result["changed"], result["checksum"], result["size"]) == (False, None, 3)
        assert windows.read(f"{D}\\one.txt") == b"old"

    def test_copies_a_folder_under_its_name(self, windows):
        result = self.remote(windows, "C:\\src", D)
        assert (result["operation"], result["dest"], result["size"]) == ("folder_copy", "C:\\data\\src", 7)
        assert windows.tree(D) == ["src", "src\\one.txt", "src\\sub", "src\\sub\\two.txt"]
        assert result["diff"]["prepared"] == (
            "+C:\\data\\src\\\n+C:\\data\\src\\one.txt\n+C:\\data\\src\\sub\\\n+C:\\data\\src\\sub\\two.txt\n"
        )
        assert self.remote(windows, "C:\\src", D)["changed"] is False

    def test_copies_what_is_in_a_folder(self, windows):
        result = self.remote(windows, "C:\\src\\", D)
        assert result["dest"] == D
        assert windows.tree(D) == ["one.txt", "sub", "sub\\two.txt"]

    def test_check_mode_predicts_and_changes_nothing_but_a_missing_parent(self, windows):
        before = windows.host.files.to_state()
        result = self.remote(windows, "C:\\src", D, check=True)
        assert (result["changed"], result["size"]) == (True, None)
        assert windows.host.files.to_state() == before
        # line 407 lacks -WhatIf
        self.remote(windows, "C:\\src\\one.txt", "C:\\data\\new\\", check=True)
        assert windows.tree(D) == ["new"]

    @pytest.mark.parametrize(
        ("src", "dest", "message"),
        [
            ("C:\\none", D, "Cannot copy src file: 'C:\\none' as it does not exist"),
            ("C:\\src\\one.txt", "C:\\no\\x", "Destination directory 'C:\\no' does not exist"),
            (
                "C:\\src\\sub",
                "C:\\src\\one.txt",
                "cannot copy file from 'C:\\src\\sub' to 'C:\\src\\one.txt\\sub': object at dest parent dir is "
                "not a folder",
            ),
        ],
    )
    def test_says_why_it_cannot(self, windows, src, dest, message):
        assert self.remote(windows, src, dest)["msg"] == message

    def test_locked_target_is_not_removed(self, windows):
        windows.write(f"{D}\\one.txt", b"old")
        windows.host.files.lock(f"{D}\\one.txt", "svc")
        result = self.remote(windows, "C:\\src\\one.txt", f"{D}\\one.txt")
        assert "Cannot remove item C:\\data\\one.txt: The process cannot access the file" in result["msg"]
        assert windows.read(f"{D}\\one.txt") == b"old"


def test_unknown_options_are_ignored_and_an_unknown_mode_is_refused(windows):
    windows.host.files.mkdir(D)
    assert "failed" not in windows.run(
        "win_copy", _copy_mode="query", dest=D, files=[], directories=[], typo=1
    )
    assert windows.run("win_copy", _copy_mode="x", dest=D)["msg"] == (
        "Get-AnsibleParam: Argument _copy_mode needs to be one of explode,query,remote,single but was x."
    )
