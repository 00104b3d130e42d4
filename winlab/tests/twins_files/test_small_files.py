"""win_file, win_tempfile, slurp."""

from __future__ import annotations

import base64

import pytest

from .conftest import NOW

D = "C:\\data"


class TestWinFile:
    @pytest.mark.parametrize(
        ("path", "state", "changed"),
        [
            ("C:\\data\\a\\b\\c", "directory", True),
            ("C:\\data", "directory", False),
            ("C:\\data\\f", "file", False),
            ("C:\\data\\f", None, False),
            ("C:\\data", None, False),
            ("C:\\data\\new", "touch", True),
            ("C:\\data\\f", "touch", True),
            ("C:\\data\\f", "absent", True),
            ("C:\\data", "absent", True),
            ("C:\\none", "absent", False),
            ("C:\\none\\x", "absent", False),
            ("%SystemDrive%/data/x", "directory", True),
        ],
    )
    @pytest.mark.parametrize("check", [False, True])
    def test_states(self, windows, path, state, changed, check):
        windows.write(f"{D}\\f", b"1")
        before = windows.host.files.to_state()
        options = {"state": state} if state else {}
        assert windows.run("win_file", path=path, check=check, **options) == {"changed": changed}
        # the clock stands still, so a touched file looks as before
        same = check or not changed or (path, state) == ("C:\\data\\f", "touch")
        assert (windows.host.files.to_state() == before) is same
        if changed and not check and state in {"directory", "absent"}:
            assert windows.run("win_file", path=path, **options) == {"changed": False}

    @pytest.mark.parametrize(
        ("path", "state", "message"),
        [
            ("C:\\data\\f", "directory", "path C:\\data\\f is not a directory"),
            ("C:\\data", "file", "path C:\\data is not a file"),
            ("C:\\none", "file", "path C:\\none will not be created"),
            ("C:\\none", None, "path C:\\none will not be created"),
            (
                "C:\\data",
                "link",
                "Get-AnsibleParam: Argument state needs to be one of absent,directory,file,touch but was link.",
            ),
            (
                "C:\\a<b",
                "directory",
                "Get-AnsibleParam: Parameter 'path' has an invalid path 'C:\\a<b' specified.",
            ),
            ("C:\\data\\f\\x", "directory", "Could not find a part of the path 'C:\\data\\f\\x'."),
        ],
    )
    def test_refusals(self, windows, path, state, message):
        windows.write(f"{D}\\f")
        options = {"state": state} if state else {}
        result = windows.run("win_file", path=path, **options)
        assert (result["failed"], result["changed"], result["msg"]) == (True, False, message)

    def test_touch_sets_the_time_of_a_file(self, windows):
        windows.write(f"{D}\\f", b"1")
        windows.clock[0] += 100
        windows.run("win_file", path=f"{D}\\f", state="touch")
        entry = windows.host.files.entry(f"{D}\\f")
        assert (entry.modified, entry.created, entry.size) == (NOW + 100, NOW, 1)

    def test_touch_of_a_folder_works_for_one_entry_only(self, windows):
        """Line 96: Get-ChildItem gives the entries of a folder, and a list has no LastWriteTime."""
        windows.write(f"{D}\\f")
        windows.clock[0] += 100
        assert windows.run("win_file", path=D, state="touch")["changed"]
        assert windows.host.files.entry(f"{D}\\f").modified == NOW + 100
        windows.write(f"{D}\\g")
        result = windows.run("win_file", path=D, state="touch")
        assert "The property 'LastWriteTime' cannot be found on this object." in result["msg"]

    def test_absent_removes_read_only_and_hidden_content(self, windows):
        windows.write(f"{D}\\sub\\f")
        windows.host.files.set_attributes(f"{D}\\sub\\f", {"ReadOnly", "Hidden"})
        assert windows.run("win_file", path=D, state="absent")["changed"]
        assert not windows.host.files.exists(D)

    def test_absent_of_a_folder_with_a_locked_file_names_it(self, windows):
        windows.write(f"{D}\\bin\\x.dll")
        windows.host.files.lock(f"{D}\\bin\\x.dll", "svc")
        result = windows.run("win_file", path=D, state="absent")
        assert result["msg"].startswith("Failed to delete C:\\data\\bin\\x.dll: Cannot remove item")
        assert "being used by another process" in result["msg"]
        assert windows.host.files.exists(f"{D}\\bin\\x.dll")

    def test_absent_of_a_link_leaves_what_it_names(self, windows):
        windows.write(f"{D}\\f")
        windows.host.files.make_link("C:\\link", D, "JunctionPoint")
        assert windows.run("win_file", path="C:\\link", state="absent")["changed"]
        assert windows.tree(D) == ["f"]

    def test_a_user_is_refused_by_the_rules(self, windows):
        result = windows.run(
            "win_file", path="C:\\Program Files\\x", state="directory", session=windows.user("bob")
        )
        assert result["msg"] == "Access to the path 'C:\\Program Files\\x' is denied."

    def test_other_names_of_path_and_unknown_options(self, windows):
        for name in ("dest", "name"):
            assert windows.run("win_file", **{name: f"{D}\\{name}"}, state="directory", typo=1)["changed"]


class TestTempfile:
    @pytest.mark.parametrize("state", ["file", "directory"])
    def test_makes_one_with_a_random_name(self, windows, state):
        first = windows.run("win_tempfile", state=state, prefix="p.", suffix=".s")
        second = windows.run("win_tempfile", state=state, prefix="p.", suffix=".s")
        assert (first["changed"], first["state"]) == (True, state)
        assert first["path"] != second["path"]
        folder, _, name = first["path"].rpartition("\\")
        assert folder == "C:\\Users\\Administrator\\AppData\\Local\\Temp"
        assert (name[:2], name[-2:], len(name)) == ("p.", ".s", 16)
        assert windows.host.files.is_dir(first["path"]) is (state == "directory")
        assert windows.host.files.exists(first["path"])

    def test_check_mode_names_one_and_makes_none(self, windows):
        result = windows.run("win_tempfile", path=D, check=True)
        assert result["path"].startswith("C:\\data\\ansible.")
        assert not windows.host.files.exists(D)

    def test_a_missing_folder_fails_after_five_attempts(self, windows):
        message = windows.run("win_tempfile", path="C:\\none")["msg"]
        assert message.startswith(
            "No random temporary file worked in 5 attempts. Error: Could not find a part of"
        )


class TestSlurp:
    @pytest.mark.parametrize("name", ["src", "path"])
    def test_returns_base64(self, windows, name):
        windows.write(f"{D}\\f", b"\x00\xff")
        result = windows.run("slurp", **{name: f"{D}\\f"})
        assert result == {
            "changed": False,
            "content": base64.b64encode(b"\x00\xff").decode(),
            "encoding": "base64",
        }

    @pytest.mark.parametrize(
        ("path", "message"),
        [("C:\\none", "Path C:\\none is not found"), ("C:\\Users", "Path C:\\Users is a directory")],
    )
    def test_refusals(self, windows, path, message):
        assert windows.run("slurp", src=path)["msg"] == message
