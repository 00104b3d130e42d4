r"""Paths of the network: own shares (``\\localhost\C$``), shares of other machines, links that lead there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from winlab.errors import Win32Error
from winlab.host import acl, sids
from winlab.host.acl import Acl
from winlab.host.drives import Share
from winlab.host.model import Host

from .test_files import code_of

MEDIA = "\\\\fs01\\media"


@pytest.fixture
def box(box):
    box.files.write_bytes("C:\\data\\f", b"1")
    return box


def publish(box, *access: str) -> None:
    """Make the folder data a share to which all have every right in the file system."""
    box.files.set_acl("C:\\data", Acl((acl.both(sids.EVERYONE, acl.FULL_CONTROL),), protected=True))
    box.files.shares["PUB"] = Share("pub", "C:\\data", access=access)


def rule(right: str, sid: str = sids.EVERYONE, kind: str = "allow") -> str:
    return f"{kind}:{right}:{sid}"


READ = [
    lambda files, who: files.read_bytes("\\\\localhost\\pub\\f", who),
    lambda files, who: files.listdir("\\\\localhost\\pub", who),
    lambda files, who: files.entry("\\\\localhost\\pub\\f", who),
]
CHANGE = [
    lambda files, who: files.write_bytes("\\\\localhost\\pub\\f", b"2", who),
    lambda files, who: files.write_bytes("\\\\localhost\\pub\\n", b"2", who),
    lambda files, who: files.write_bytes("\\\\localhost\\pub\\f:s", b"2", who),
    lambda files, who: files.mkdir("\\\\localhost\\pub\\n", session=who),
    lambda files, who: files.move("\\\\localhost\\pub\\f", "\\\\localhost\\pub\\n", who),
    lambda files, who: files.copy("\\\\localhost\\pub\\f", "\\\\localhost\\pub\\n", who),
    lambda files, who: files.set_times("\\\\localhost\\pub\\f", modified=1.0, session=who),
    lambda files, who: files.make_link(
        "\\\\localhost\\pub\\n", "\\\\localhost\\pub\\f", "HardLink", False, who
    ),
    lambda files, who: files.delete("\\\\localhost\\pub\\f", session=who),
]
CONTROL = [
    lambda files, who: files.set_owner("\\\\localhost\\pub\\f", who.sid, who),
    lambda files, who: files.set_acl("\\\\localhost\\pub\\f", Acl((), protected=True), who),
]


@pytest.mark.parametrize(
    ("access", "granted"),
    [
        ((rule("full"),), READ + CHANGE + CONTROL),
        ((rule("change"),), READ + CHANGE),
        ((rule("read"),), READ),
        ((rule("read"), rule("full", sids.ADMINISTRATORS)), READ),
        ((rule("full"), rule("full", kind="deny")), []),
        ((rule("full", sids.ADMINISTRATORS),), []),
        ((), []),  # nobody was given a right
    ],
)
def test_a_share_lets_do_what_it_grants_and_no_more(box, access, granted):
    user = box.user()
    publish(box, *access)
    for action in READ + CHANGE + CONTROL:
        if action not in granted:
            assert code_of(action, box.files, user) == 5
    assert box.files.exists("\\\\localhost\\pub\\f", user) is bool(granted)
    assert box.files.allowed("C:\\data\\f", user, acl.FULL_CONTROL)
    for action in granted:
        box.files.write_bytes("C:\\data\\f", b"1")
        if box.files.exists("C:\\data\\n"):
            box.files.delete("C:\\data\\n")
        action(box.files, user)


def test_the_rules_of_the_file_system_hold_behind_a_share_too(box):
    user = box.user()
    publish(box, rule("full"))
    box.files.set_acl("C:\\data", Acl((acl.both(sids.USERS, acl.READ_AND_EXECUTE),), protected=True))
    assert box.files.read_bytes("\\\\localhost\\pub\\f", user) == b"1"
    assert code_of(box.files.write_bytes, "\\\\localhost\\pub\\f", b"2", user) == 5


def test_who_may_empty_a_folder_may_delete_through_a_share_that_lets_change(box):
    user = box.user()
    publish(box, rule("change"))
    box.files.set_acl("C:\\data\\f", Acl((), protected=True))
    box.files.delete("\\\\localhost\\pub\\f", session=user)
    assert not box.files.exists("C:\\data\\f")


@pytest.mark.parametrize("share", ["C$", "ADMIN$"])
def test_the_administrative_shares_are_for_administrators(box, share):
    user, admin = box.user(), box.admin()
    assert code_of(box.files.listdir, f"\\\\localhost\\{share}", user) == 5
    assert not box.files.exists(f"\\\\localhost\\{share}", user)
    assert box.files.listdir(f"\\\\localhost\\{share}", admin)
    filtered = replace(
        admin, elevated=False, groups=admin.groups - {sids.ADMINISTRATORS}, deny_only={sids.ADMINISTRATORS}
    )
    assert code_of(box.files.listdir, f"\\\\localhost\\{share}", filtered) == 5


def test_a_copy_out_of_a_share_that_lets_read_may_be_written_elsewhere(box):
    admin = box.admin()
    publish(box, rule("read"))
    box.files.copy("\\\\localhost\\pub\\f", "C:\\copy", admin)
    assert code_of(box.files.copy, "C:\\copy", "\\\\localhost\\pub\\copy", admin) == 5


def test_a_link_into_a_share_gives_no_more_than_the_share(box):
    admin = box.admin()
    publish(box, rule("read"))
    box.files.make_link("C:\\link", "\\\\localhost\\pub", "SymbolicLink", True)
    assert box.files.read_bytes("C:\\link\\f", admin) == b"1"
    assert code_of(box.files.write_bytes, "C:\\link\\f", b"2", admin) == 5
    box.files.delete("C:\\link", session=admin)  # the link itself lies on the drive


def test_a_machine_knows_itself_by_its_computer_name(tmp_path):
    host = Host("inventory-name", {"computer_name": "WINBOX"}, tmp_path)
    assert host.files.exists("\\\\winbox\\C$\\Windows")
    assert code_of(host.files.listdir, "\\\\inventory-name\\C$") == 53
    host.rename_computer("other")
    host.reboot()
    assert host.files.exists("\\\\OTHER\\C$\\Windows")
    assert code_of(host.files.listdir, "\\\\winbox\\C$") == 53


class TestOtherMachines:
    """The "second hop"."""

    @pytest.mark.parametrize(
        "action",
        [
            lambda files, who: files.mkdir(MEDIA, session=who),
            lambda files, who: files.mkdir(f"{MEDIA}\\new", session=who),
            lambda files, who: files.make_link(f"{MEDIA}\\new", "x", "SymbolicLink", False, who),
            lambda files, who: files.make_link(f"{MEDIA}\\new", f"{MEDIA}\\f", "HardLink", False, who),
            lambda files, who: files.read_bytes("C:\\link\\f", who),
            lambda files, who: files.listdir("C:\\link", who),
            lambda files, who: files.write_bytes("C:\\link\\new", b"", who),
            lambda files, who: files.read_bytes("C:\\file-link", who),
            lambda files, who: files.copy("C:\\link", "C:\\copy", who),
        ],
    )
    def test_they_refuse_a_logon_without_credentials_whatever_way_it_takes(self, box, action):
        box.files.write_bytes(f"{MEDIA}\\f", b"1")
        box.files.make_link("C:\\link", MEDIA, "SymbolicLink", True)
        box.files.make_link("C:\\file-link", f"{MEDIA}\\f", "SymbolicLink")
        assert code_of(action, box.files, box.admin()) == 5
        assert box.files.listdir(MEDIA) == ["f"]
        action(box.files, replace(box.admin(), can_delegate=True))

    @pytest.mark.parametrize("sid", [sids.SYSTEM, sids.LOCAL_SERVICE, sids.NETWORK_SERVICE])
    def test_they_do_not_know_a_machine_of_a_workgroup(self, box, sid):
        box.files.write_bytes(f"{MEDIA}\\f", b"1")
        service = box.host.accounts.token(sid)
        assert code_of(box.files.read_bytes, f"{MEDIA}\\f", service) == 5
        assert not box.files.exists(MEDIA, service)

    def test_a_link_to_them_may_be_removed_without_going_there(self, box):
        box.files.make_link("C:\\link", MEDIA, "SymbolicLink", True)
        assert box.files.entry("C:\\link", box.admin()).link_target == MEDIA
        box.files.delete("C:\\link", session=box.admin())
        assert not box.files.exists("C:\\link")

    def test_no_junction_leads_to_them(self, box):
        with pytest.raises(Win32Error) as caught:
            box.files.make_link("C:\\junction", MEDIA, "JunctionPoint")
        assert caught.value.code == 4392
        assert not box.files.exists("C:\\junction")
