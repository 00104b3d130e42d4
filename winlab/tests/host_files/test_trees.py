r"""Deep trees, long paths behind ``\\?\``, and the rules of what was moved."""

from __future__ import annotations

from dataclasses import replace

import pytest
from winlab.errors import NotModelled
from winlab.host import acl, sids
from winlab.host.acl import Acl

from .test_files import code_of

# More than twice the interpreter's limit of recursion would take too long.
DEEP = 1100
LONG = "\\\\?\\C:\\" + "\\".join(["abcdefghij"] * 40)


class TestLongPaths:
    def test_folders_above_are_made_without_a_limit_too(self, box):
        made = box.files.mkdir(LONG)
        assert len(made) == 40
        box.files.write_bytes(f"{LONG}\\f", b"1")
        box.files.write_bytes(f"{LONG}\\f:stream", b"2")
        assert box.files.read_bytes(f"{LONG}\\f", box.admin()) == b"1"
        assert box.files.read_bytes(f"{LONG}\\f:stream") == b"2"
        assert len(box.files.digest(f"{LONG}\\f")) == 64
        assert code_of(box.files.read_bytes, LONG[len("\\\\?\\") :] + "\\f") == 206

    def test_a_deep_tree_is_copied_where_both_paths_lift_the_limit(self, box):
        box.files.mkdir(LONG)
        box.files.write_bytes(f"{LONG}\\f", b"1")
        box.files.write_stream_named(f"{LONG}\\f", "s", b"2")
        box.files.copy("\\\\?\\C:\\abcdefghij", "\\\\?\\C:\\copy", box.admin())
        copied = LONG.replace("C:\\abcdefghij", "C:\\copy") + "\\f"
        assert box.files.read_bytes(copied) == b"1"
        assert box.files.streams(copied) == {"s": b"2"}
        assert code_of(box.files.copy, "\\\\?\\C:\\abcdefghij", "C:\\short", box.admin()) == 206

    def test_a_tree_deeper_than_any_recursion_is_saved_loaded_and_removed(self, box):
        top = "\\\\?\\C:\\deep"
        box.files.mkdir("\\".join([top, *["d"] * DEEP]))
        assert len(list(box.files.walk(top))) == DEEP
        files = box.again().files
        assert len(list(files.walk(top))) == DEEP
        files.copy(top, "\\\\?\\C:\\copy")
        assert len(list(files.walk("\\\\?\\C:\\copy"))) == DEEP
        files.delete(top, recursive=True, session=box.admin())
        assert not files.exists(top)

    def test_a_volume_without_a_letter_is_not_taken_for_a_folder(self, box):
        with pytest.raises(NotModelled, match="Volume"):
            box.files.mkdir("\\\\?\\Volume{4c1b02c1-d990-11dc-99ae-806e6f6e6963}\\x")
        assert not box.files.exists("C:\\Volume{4c1b02c1-d990-11dc-99ae-806e6f6e6963}")


OWN = acl.both("S-1-5-21-1-2-3-1001", acl.FULL_CONTROL)


class TestAMoveWithinAVolume:
    @pytest.fixture
    def box(self, box):
        for name, rules in (("old", (OWN,)), ("new", (acl.both(sids.SYSTEM, acl.FULL_CONTROL),))):
            box.files.mkdir(f"C:\\data\\{name}")
            box.files.set_acl(f"C:\\data\\{name}", Acl(rules, protected=True))
        box.files.mkdir("C:\\data\\old\\folder")
        box.files.write_bytes("C:\\data\\old\\folder\\f", b"")
        box.files.move("C:\\data\\old\\folder", "C:\\data\\new\\folder")
        return box

    def inherited(self, files, path="C:\\data\\new\\folder"):
        return [(ace.sid, ace.inherited) for ace in files.acl(path).aces]

    def test_keeps_the_rules_that_were_inherited(self, box):
        for path in ("C:\\data\\new\\folder", "C:\\data\\new\\folder\\f"):
            assert self.inherited(box.files, path) == [(OWN.sid, True)]
            assert self.inherited(box.again().files, path) == [(OWN.sid, True)]

    @pytest.mark.parametrize("where", ["C:\\data\\new", "C:\\data\\new\\folder"])
    def test_until_rules_are_set_on_it_or_above_it(self, box, where):
        box.files.set_acl(where, box.files.acl(where))
        for path in ("C:\\data\\new\\folder", "C:\\data\\new\\folder\\f"):
            assert self.inherited(box.files, path) == [(sids.SYSTEM, True)]

    def test_leaves_a_new_name_in_the_same_folder_as_it_was(self, box):
        box.files.mkdir("C:\\data\\new\\a")
        box.files.move("C:\\data\\new\\a", "C:\\data\\new\\b")
        assert self.inherited(box.files, "C:\\data\\new\\b") == [(sids.SYSTEM, True)]


def test_a_move_to_another_volume_takes_the_rules_of_the_folder_there(box):
    box.files.mkdir("C:\\data\\old")
    box.files.set_acl("C:\\data\\old", Acl((OWN,), protected=True))
    box.files.write_bytes("C:\\data\\old\\f", b"")
    box.files.move("C:\\data\\old\\f", "D:\\f")
    assert replace(OWN, inherited=True) not in box.files.acl("D:\\f").aces
