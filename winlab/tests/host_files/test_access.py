"""Who may do what: rules, inheritance, owners, the second hop. Rules: "How AccessCheck Works", "ACE Inheritance"."""

from __future__ import annotations

from dataclasses import replace

import pytest
from winlab.errors import Win32Error
from winlab.host import acl, sids
from winlab.host.acl import Ace, Acl, Inheritance, Propagation

from .test_files import code_of

READ = acl.FILE_RIGHTS["Read"]


@pytest.mark.parametrize(
    ("action", "refused"),
    [
        (lambda files, who: files.write_bytes("C:\\Windows\\x", b"", who), True),
        (lambda files, who: files.write_bytes("C:\\Program Files\\x", b"", who), True),
        (lambda files, who: files.mkdir("C:\\Program Files\\x", session=who), True),
        (lambda files, who: files.mkdir("C:\\Users\\eve", session=who), True),
        (lambda files, who: files.write_bytes("C:\\x", b"", who), True),
        (lambda files, who: files.mkdir("C:\\own", session=who), False),
        (lambda files, who: files.write_bytes("C:\\Windows\\Temp\\x", b"", who), False),
        (lambda files, who: files.write_bytes("C:\\ProgramData\\x", b"", who), False),
        (lambda files, who: files.listdir("C:\\Windows\\Temp", who), True),
        (lambda files, who: files.listdir("C:\\Program Files", who), False),
        (lambda files, who: files.delete("C:\\data\\f", session=who), True),
        (lambda files, who: files.read_bytes("C:\\data\\f", who), False),
        (lambda files, who: files.set_owner("C:\\data\\f", who.sid, who), True),
        (lambda files, who: files.set_acl("C:\\data\\f", Acl(), who), True),
        (lambda files, who: files.set_attributes("C:\\data\\f", {"Hidden"}, who), True),
    ],
)
def test_a_fresh_server_lets_users_and_administrators_do(box, action, refused):
    box.files.write_bytes("C:\\data\\f", b"")
    user = box.user()
    if refused:
        assert code_of(action, box.files, user) == 5
    else:
        action(box.files, user)
    action(box.files, box.admin())


def test_what_a_user_makes_is_his_and_what_an_administrator_makes_belongs_to_the_group(box):
    user = box.user()
    box.files.mkdir("C:\\data\\u", session=user)
    box.files.mkdir("C:\\data\\a", session=box.admin())
    assert box.files.owner("C:\\data\\u") == user.sid
    assert box.files.owner("C:\\data\\a") == sids.ADMINISTRATORS
    box.files.write_bytes("C:\\data\\u\\f", b"", user)
    box.files.delete("C:\\data\\u", recursive=True, session=user)


def test_a_filtered_token_has_no_use_of_the_administrators_group(box):
    admin = box.admin()
    filtered = replace(
        admin,
        elevated=False,
        groups=admin.groups - {sids.ADMINISTRATORS},
        deny_only=frozenset({sids.ADMINISTRATORS}),
    )
    assert code_of(box.files.write_bytes, "C:\\Windows\\x", b"", filtered) == 5
    box.files.mkdir("C:\\data\\f")
    box.files.set_acl("C:\\data\\f", Acl((acl.both(sids.USERS, acl.MODIFY),)))
    box.files.write_bytes("C:\\data\\f\\x", b"", filtered)
    deny = Ace(sids.ADMINISTRATORS, acl.WRITE_DATA, False)
    box.files.set_acl("C:\\data\\f", box.files.acl("C:\\data\\f").add(deny))
    assert code_of(box.files.write_bytes, "C:\\data\\f\\y", b"", filtered) == 5


def test_the_owner_may_always_change_the_rules(box):
    user = box.user()
    box.files.mkdir("C:\\data\\u", session=user)
    box.files.set_acl("C:\\data\\u", Acl((), protected=True))
    assert code_of(box.files.listdir, "C:\\data\\u", user) == 5
    box.files.set_acl("C:\\data\\u", Acl((acl.both(user.sid, acl.FULL_CONTROL),), True), user)
    assert box.files.listdir("C:\\data\\u", user) == []


def test_what_may_not_be_seen_does_not_exist(box):
    box.files.mkdir("C:\\data\\secret\\in")
    box.files.set_acl("C:\\data\\secret", Acl((acl.both(sids.ADMINISTRATORS, acl.FULL_CONTROL),), True))
    user = box.user()
    assert box.files.exists("C:\\data\\secret", user)
    assert not box.files.exists("C:\\data\\secret\\in", user)
    assert code_of(box.files.entry, "C:\\data\\secret\\in", user) == 5


@pytest.mark.parametrize(
    ("ace", "is_folder", "expected"),
    [
        (Ace("S", READ, True, Inheritance.BOTH), True, [(READ, Inheritance.BOTH, Propagation.NONE)]),
        (Ace("S", READ, True, Inheritance.BOTH), False, [(READ, Inheritance.NONE, Propagation.NONE)]),
        (Ace("S", READ, True, Inheritance.NONE), True, []),
        (Ace("S", READ, True, Inheritance.CONTAINER), False, []),
        (
            Ace("S", READ, True, Inheritance.OBJECT),
            True,
            [(READ, Inheritance.OBJECT, Propagation.INHERIT_ONLY)],
        ),
        (
            Ace("S", READ, True, Inheritance.BOTH, Propagation.NO_PROPAGATE),
            True,
            [(READ, Inheritance.NONE, Propagation.NONE)],
        ),
        (
            Ace("S", READ, True, Inheritance.BOTH, Propagation.INHERIT_ONLY),
            True,
            [(READ, Inheritance.BOTH, Propagation.NONE)],
        ),
    ],
)
def test_rules_go_down_as_their_flags_say(ace, is_folder, expected):
    got = acl.inherit([ace], "owner", is_folder)
    assert [(found.mask, found.inheritance, found.propagation) for found in got] == expected
    assert all(found.inherited for found in got)


def test_creator_owner_becomes_the_owner_and_stays_for_what_comes_below():
    [own, template] = acl.inherit([acl.below(sids.CREATOR_OWNER, acl.FULL_CONTROL)], "S-1-5-21-7", True)
    assert (own.sid, own.inheritance) == ("S-1-5-21-7", Inheritance.NONE)
    assert (template.sid, template.propagation) == (sids.CREATOR_OWNER, Propagation.INHERIT_ONLY)


def test_a_change_of_the_parent_reaches_what_is_below_unless_it_is_protected(box):
    box.files.mkdir("C:\\data\\open\\in")
    box.files.mkdir("C:\\data\\closed\\in")
    box.files.set_acl("C:\\data\\closed", Acl((), protected=True))
    rule = acl.both("S-1-5-21-1-2-3-4", READ)
    box.files.set_acl("C:\\data", box.files.acl("C:\\data").add(rule))
    assert replace(rule, inherited=True) in box.files.acl("C:\\data\\open\\in").aces
    assert box.files.acl("C:\\data\\closed\\in").aces == ()


def test_deny_comes_before_allow_and_own_rules_before_inherited_ones():
    aces = acl.canonical(
        [
            Ace("a", 1, True, inherited=True),
            Ace("b", 1, False, inherited=True),
            Ace("c", 1, True),
            Ace("d", 1, False),
        ]
    )
    assert [ace.sid for ace in aces] == ["d", "c", "b", "a"]


def test_adding_and_removing_rules_works_on_rights():
    rules = Acl().add(Ace("S", 1)).add(Ace("S", 2)).add(Ace("S", 4, False))
    assert [(ace.mask, ace.allow) for ace in rules.aces] == [(4, False), (3, True)]
    assert [ace.mask for ace in rules.remove(Ace("S", 1)).remove(Ace("S", 4, False)).aces] == [2]


class TestShares:
    def test_a_network_logon_does_not_reach_another_machine(self, box):
        box.files.write_bytes("\\\\fs01\\media\\setup.msi", b"1")
        admin = box.admin()
        assert not admin.can_delegate
        assert code_of(box.files.read_bytes, "\\\\fs01\\media\\setup.msi", admin) == 5
        assert not box.files.exists("\\\\fs01\\media\\setup.msi", admin)
        delegated = replace(admin, can_delegate=True)
        assert box.files.read_bytes("\\\\FS01\\Media\\setup.msi", delegated) == b"1"

    @pytest.mark.parametrize("server", ["localhost", "WIN01", "127.0.0.1"])
    def test_its_own_shares_lead_to_its_own_folders(self, box, server):
        box.files.write_bytes("C:\\data\\f", b"1")
        assert box.files.read_bytes(f"\\\\{server}\\c$\\data\\f", box.admin()) == b"1"


def test_a_read_only_file_is_refused_to_a_logon_and_replaced_by_force(box):
    admin = box.admin()
    box.files.write_bytes("C:\\data\\f", b"1")
    box.files.set_attributes("C:\\data\\f", {"ReadOnly"})
    assert code_of(box.files.write_bytes, "C:\\data\\f", b"2", admin) == 5
    assert code_of(box.files.delete, "C:\\data\\f", session=admin) == 5
    assert box.files.write_bytes("C:\\data\\f", b"2", admin, force=True).attributes == {"Archive"}


def test_an_unknown_attribute_is_an_error_of_the_caller(box):
    with pytest.raises(ValueError, match="Sticky"):
        box.files.set_attributes("C:\\data", {"Sticky"})


def test_errors_carry_the_systems_words(box):
    with pytest.raises(Win32Error, match=r"Access is denied: C:\\Windows \(Win32 5\)"):
        box.files.write_bytes("C:\\Windows\\x", b"", box.user())
