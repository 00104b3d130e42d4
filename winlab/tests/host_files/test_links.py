"""Hard links, symbolic links and junctions: who may make them, and what another name cannot get round."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .test_files import code_of

DLL, OTHER = "C:\\data\\x.dll", "C:\\data\\other.dll"


class TestAFileInUse:
    @pytest.fixture
    def box(self, box):
        box.files.write_bytes(DLL, b"loaded")
        box.files.make_link(OTHER, DLL, "HardLink")
        return box

    @pytest.mark.parametrize("locked", [DLL, OTHER])
    @pytest.mark.parametrize(
        "action",
        [
            lambda files, path, who: files.write_bytes(path, b"other", who),
            lambda files, path, who: files.delete(path, session=who),
            lambda files, path, who: files.move(path, "C:\\data\\moved", who),
        ],
    )
    def test_it_is_in_use_under_each_of_its_names(self, box, locked, action):
        box.files.lock(locked, "service:x")
        for path in (DLL, OTHER):
            assert code_of(action, box.files, path, box.admin()) == 32
            assert box.files.holder_of(path) == "service:x"
        assert box.files.read_bytes(DLL) == b"loaded"
        box.files.unlock_all("service:x")
        action(box.files, OTHER, box.admin())

    def test_a_content_that_is_not_shared_is_not_read_under_another_name(self, box):
        box.files.lock(DLL, "service:sql", exclusive=True)
        assert code_of(box.files.read_bytes, OTHER, box.admin()) == 32
        assert code_of(box.files.copy, OTHER, "C:\\copy", box.admin()) == 32


@pytest.mark.parametrize(
    ("kind", "is_dir"), [("SymbolicLink", False), ("SymbolicLink", True), ("JunctionPoint", True), ("HardLink", False)]
)  # fmt: skip
class TestWhoMakesThem:
    def test_nobody_makes_one_in_a_folder_that_he_may_not_write_to(self, box, kind, is_dir):
        user = replace(box.user(), rights=frozenset({"SeCreateSymbolicLinkPrivilege"}))
        box.files.write_bytes("C:\\data\\f", b"")
        box.files.set_owner("C:\\data\\f", user.sid)
        assert code_of(box.files.make_link, "C:\\Windows\\l", "C:\\data\\f", kind, is_dir, user) == 5
        assert not box.files.exists("C:\\Windows\\l")

    def test_an_administrator_makes_one(self, box, kind, is_dir):
        box.files.write_bytes("C:\\data\\f", b"")
        box.files.make_link("C:\\Windows\\l", "C:\\data\\f", kind, is_dir, box.admin())
        assert box.files.entry("C:\\Windows\\l").link_type == (None if kind == "HardLink" else kind)


def test_a_symbolic_link_needs_its_privilege_in_an_own_folder_too(box):
    user = box.user()
    box.files.mkdir("C:\\data\\own", session=user)
    assert code_of(box.files.make_link, "C:\\data\\own\\l", "x", "SymbolicLink", False, user) == 1314
    box.files.make_link("C:\\data\\own\\j", "C:\\data", "JunctionPoint", True, user)
    assert box.files.owner("C:\\data\\own\\j") == user.sid


def test_a_hard_link_needs_the_right_to_change_attributes(box):
    user = box.user()
    box.files.mkdir("C:\\data\\own", session=user)
    hosts = "C:\\Windows\\hosts"
    box.files.write_bytes(hosts, b"")
    assert code_of(box.files.make_link, "C:\\data\\own\\l", hosts, "HardLink", False, user) == 5
