"""win_acl, win_acl_inheritance, win_owner: the cases of the upstream integration targets, and what the source adds."""

from __future__ import annotations

import pytest
from winlab.host import acl
from winlab.host.acl import Ace, Acl, Inheritance, Propagation

D = "C:\\data"
K = "HKLM:\\SOFTWARE\\Contoso"
GUESTS = "S-1-5-32-546"
SYNC = acl.SYNCHRONIZE


@pytest.fixture(autouse=True)
def _things(windows):
    windows.write(f"{D}\\sub\\f.txt")
    windows.host.registry.create_key(f"{K}\\sub")


def rules(windows, path):
    found = windows.host.registry.acl(path) if path.startswith("HK") else windows.host.files.acl(path)
    return found.explicit


class TestAcl:
    @pytest.mark.parametrize(
        ("path", "options", "expected"),
        [
            (D, {"type": "allow", "rights": "Write"}, Ace(GUESTS, 0x116 | SYNC, True, Inheritance.BOTH)),
            (D, {"type": "deny", "rights": "write"}, Ace(GUESTS, 0x116, False, Inheritance.BOTH)),
            (D, {"type": "deny", "rights": "FullControl"}, Ace(GUESTS, 0x1F01FF, False, Inheritance.BOTH)),
            (
                D,
                {"type": "allow", "rights": "Read, Delete", "inherit": "None"},
                Ace(GUESTS, 0x20089 | 0x10000 | SYNC),
            ),
            (
                D,
                {
                    "type": "deny",
                    "rights": "Write",
                    "inherit": "ContainerInherit",
                    "propagation": "NoPropagateInherit",
                },
                Ace(GUESTS, 0x116, False, Inheritance.CONTAINER, Propagation.NO_PROPAGATE),
            ),
            (f"{D}\\sub\\f.txt", {"type": "allow", "rights": "Modify"}, Ace(GUESTS, 0x301BF | SYNC)),
            (
                "\\\\localhost\\c$\\data",
                {"type": "allow", "rights": "Read"},
                Ace(GUESTS, 0x20089 | SYNC, True, Inheritance.BOTH),
            ),
            (K, {"type": "allow", "rights": "ReadKey"}, Ace(GUESTS, 0x20019, True, Inheritance.BOTH)),
        ],
    )
    def test_adds_and_removes_exactly_one_rule(self, windows, path, options, expected):
        call = {"path": path, "user": "Guests", **options}
        assert windows.run("win_acl", **call) == {"changed": True}
        target = D if path.startswith("\\\\") else path
        assert rules(windows, target) == (expected,)
        assert windows.run("win_acl", **call) == {"changed": False}
        assert windows.run("win_acl", state="absent", **call) == {"changed": True}
        assert rules(windows, target) == ()
        assert windows.run("win_acl", state="absent", **call) == {"changed": False}

    def test_rights_that_a_rule_includes_are_a_change_each_time(self, windows):
        base = {"path": D, "user": "Guests", "type": "allow"}
        windows.run("win_acl", rights="Modify", **base)
        assert windows.run("win_acl", rights="Read", **base)["changed"] is True
        assert windows.run("win_acl", rights="Read", **base)["changed"] is True
        assert rules(windows, D) == (Ace(GUESTS, 0x301BF | SYNC, True, Inheritance.BOTH),)

    def test_a_rule_changes_what_a_user_may_do(self, windows):
        bob = windows.user("bob")
        copy = {"src": f"{D}\\sub\\f.txt", "dest": f"{D}\\sub\\new.txt", "session": bob}
        assert windows.run("win_acl", path=D, user="bob", rights="Write", type="deny")["changed"]
        assert windows.run("win_copy", **copy)["failed"]
        windows.run("win_acl", path=D, user="bob", rights="Write", type="deny", state="absent")
        windows.run("win_acl", path=D, user="WIN01\\bob", rights="Modify", type="allow")
        assert windows.run("win_copy", **copy)["changed"]

    @pytest.mark.parametrize(
        ("user", "sid"),
        [
            ("BUILTIN\\Administrators", "S-1-5-32-544"),
            (".\\Administrators", "S-1-5-32-544"),
            ("WIN01\\Administrators", "S-1-5-32-544"),
            ("NT AUTHORITY\\SYSTEM", "S-1-5-18"),
            ("Everyone", "S-1-1-0"),
            ("S-1-5-21-1-2-3-1099", "S-1-5-21-1-2-3-1099"),
        ],
    )
    def test_names_of_accounts(self, windows, user, sid):
        windows.run("win_acl", path=D, user=user, rights="Read", type="allow")
        assert [ace.sid for ace in rules(windows, D)] == [sid]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"path": "C:\\none"}, "C:\\none file or directory does not exist on the host"),
            ({"type": "x"}, "Get-AnsibleParam: Argument type needs to be one of allow,deny but was x."),
            (
                {"user": "nobody"},
                'account_name nobody is not a valid account, cannot get SID: Exception calling "Translate" with '
                '"1" argument(s): "Some or all identity references could not be translated."',
            ),
        ],
    )
    def test_refusals(self, windows, options, message):
        call = {"path": D, "user": "Guests", "rights": "Read", "type": "allow", **options}
        assert windows.run("win_acl", **call)["msg"] == message

    def test_an_unknown_right_is_named(self, windows):
        message = windows.run("win_acl", path=D, user="Guests", rights="Fly", type="allow")["msg"]
        assert message.startswith(
            f"an error occurred when attempting to present Fly permission(s) on {D} for Guests - Cannot convert "
            'value "Fly" to type "System.Security.AccessControl.FileSystemRights".'
        )

    def test_check_mode_is_not_supported(self, windows):
        result = windows.run("win_acl", path=D, user="Guests", rights="Read", type="allow", check=True)
        assert result == {
            "skipped": True,
            "changed": False,
            "msg": "remote module does not support check mode",
        }

    def test_an_administrator_passes_every_rule(self, windows):
        windows.host.files.set_acl(D, Acl((), protected=True))
        windows.host.files.set_owner(D, "S-1-5-18")
        assert windows.run("win_acl", path=D, user="Guests", rights="Read", type="allow")["changed"]

    def test_a_user_may_not_change_what_is_not_his(self, windows):
        result = windows.run(
            "win_acl", path=D, user="Guests", rights="Read", type="allow", session=windows.user("bob")
        )
        assert result["msg"] == (
            'an exception occurred when adding the specified rule - Exception calling "SetAccessControl" with "1" '
            'argument(s): "Attempted to perform an unauthorized operation."'
        )

    def test_follow_goes_to_what_a_link_names(self, windows):
        windows.host.files.make_link("C:\\link", D, "JunctionPoint")
        windows.run("win_acl", path="C:\\link", user="Guests", rights="Read", type="allow", follow=True)
        assert [ace.sid for ace in rules(windows, D)] == [GUESTS]


class TestInheritance:
    @pytest.mark.parametrize("path", [f"{D}\\sub", f"{D}\\sub\\f.txt", f"{K}\\sub"])
    @pytest.mark.parametrize("reorganize", [False, True])
    def test_ends_and_starts(self, windows, path, reorganize):
        read = windows.host.registry.acl if path.startswith("HK") else windows.host.files.acl
        inherited = [ace.sid for ace in read(path).aces]
        call = {"path": path, "reorganize": reorganize, "diff": True}
        before, after = {"state": "present"}, {"state": "absent"}
        check = windows.run("win_acl_inheritance", state="absent", check=True, **call)
        assert check == {"changed": True, "diff": {"before": before, "after": after}}
        assert not read(path).protected
        assert windows.run("win_acl_inheritance", state="absent", **call) == check
        assert [ace.sid for ace in read(path).aces] == (inherited if reorganize else [])
        assert not any(ace.inherited for ace in read(path).aces)
        if reorganize:
            assert windows.run("win_acl_inheritance", state="absent", **call)["changed"] is False
            result = windows.run("win_acl_inheritance", state="present", **call)
            assert result == {"changed": True, "diff": {"before": after, "after": before}}
            assert {ace.sid for ace in read(path).aces if ace.inherited} == set(inherited)

    def test_a_missing_path(self, windows):
        assert (
            windows.run("win_acl_inheritance", path="%SystemDrive%\\none")["msg"] == "C:\\none does not exist"
        )


class TestOwner:
    @pytest.mark.parametrize("recurse", [False, True])
    def test_gives_away(self, windows, recurse):
        bob = windows.user("bob")
        call = {"path": D, "user": "bob", "recurse": recurse}
        assert windows.run("win_owner", check=True, **call) == {"changed": True}
        assert windows.host.files.owner(D) == "S-1-5-32-544"
        assert windows.run("win_owner", **call) == {"changed": True}
        owners = [windows.host.files.owner(path) for path in (D, f"{D}\\sub", f"{D}\\sub\\f.txt")]
        assert owners == [bob.sid] * (3 if recurse else 1) + ["S-1-5-32-544"] * (0 if recurse else 2)
        assert windows.run("win_owner", **call) == {"changed": False}

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"path": "C:\\invalid"}, "C:\\invalid file or directory does not exist on the host"),
            (
                {"user": "invalid-user"},
                "Failed to translate 'invalid-user' to a SecurityIdentifier: Exception calling \"Translate\" with "
                '"1" argument(s): "Some or all identity references could not be translated."',
            ),
        ],
    )
    def test_refusals(self, windows, options, message):
        assert windows.run("win_owner", **{"path": D, "user": "SYSTEM", **options})["msg"] == message

    def test_a_user_may_neither_take_nor_give(self, windows):
        bob = windows.user("bob")
        for user in ("bob", "SYSTEM"):
            result = windows.run("win_owner", path=D, user=user, session=bob)
            assert result["msg"].startswith(
                f"an error occurred when attempting to change owner on {D} for {user}: "
            )
        assert windows.host.files.owner(D) == "S-1-5-32-544"
