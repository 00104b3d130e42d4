"""win_group, win_group_membership, win_user_right."""

from __future__ import annotations

import pytest

ADMINISTRATORS = "S-1-5-32-544"
RIGHT = "SeServiceLogonRight"


@pytest.fixture
def people(windows):
    for name in ("ada", "bob", "eve"):
        windows.user(name)
    return windows


def members(windows, group="team"):
    return [
        windows.host.accounts.display(sid).rpartition("\\")[2] for sid in windows.host.accounts.members(group)
    ]


def test_a_group_is_created_described_filled_and_removed(people):
    options = {"name": "team", "description": "ours", "members": {"set": ["ada", r".\bob"]}}
    predicted = people.run("win_group", check=True, diff=True, **options)
    assert (predicted["changed"], predicted["sid"], predicted["diff"]["after"]["members"]) == (
        True,
        "S-1-5-0000",
        [],
    )
    result = people.run("win_group", diff=True, **options)
    assert result["diff"] == {
        "before": None,
        "after": {"name": "team", "description": "ours", "members": ["WIN01\\ada", "WIN01\\bob"]},
    }
    assert result["sid"] == people.host.accounts.group("team").sid
    assert people.run("win_group", **options)["changed"] is False
    gone = people.run("win_group", name="team", state="absent")
    assert (gone["changed"], gone["sid"]) == (True, None)
    assert people.run("win_group", name="team", state="absent")["changed"] is False


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"add": ["bob", "WIN01\\bob"]}, ["ada", "bob"]),
        ({"remove": ["ada", "bob"]}, []),
        ({"add": ["bob"], "remove": ["ada"]}, ["bob"]),
        ({"set": ["eve"]}, ["eve"]),
        ({"set": []}, []),
        ({"add": ["NT AUTHORITY\\SYSTEM"]}, ["ada", "SYSTEM"]),
    ],
)
def test_members_are_added_removed_or_set(people, change, left):
    people.run("win_group", name="team", members={"set": ["ada"]})
    assert people.run("win_group", name="team", members=change, check=True)["changed"] is True
    assert members(people) == ["ada"]
    assert people.run("win_group", name="team", members=change)["changed"] is True
    assert members(people) == left
    assert people.run("win_group", name="team", members=change)["changed"] is False


def test_an_unknown_member_changes_nothing(people):
    people.run("win_group", name="team")
    result = people.run("win_group", name="team", members={"add": ["ada", "nobody"]})
    assert "Failed to translate 'nobody' to a SecurityIdentifier" in result["msg"]
    assert members(people) == []


def test_set_excludes_add(people):
    result = people.run("win_group", name="team", members={"set": ["ada"], "add": ["bob"]})
    assert result["msg"] == "parameters are mutually exclusive: set, add found in members"


@pytest.mark.parametrize("name", ["Administrators", "Users"])
def test_groups_that_came_with_windows_stay(windows, name):
    assert "built-in accounts" in windows.run("win_group", name=name, state="absent")["msg"]


@pytest.mark.parametrize(
    ("state", "given", "added", "removed", "left"),
    [
        ("present", ["ada", "bob", r".\ADA"], ["bob"], None, ["ada", "bob"]),
        ("absent", ["ada", "eve"], None, ["ada"], []),
        ("pure", ["bob", "eve"], ["bob", "eve"], ["ada"], ["bob", "eve"]),
    ],
)
def test_membership_in_each_state(people, state, given, added, removed, left):
    people.run("win_group", name="team", members={"set": ["ada"]})
    options = {"name": "team", "members": given, "state": state}
    predicted = people.run("win_group_membership", check=True, **options)
    assert members(people) == ["ada"]
    result = people.run("win_group_membership", **options)
    own = lambda names: None if names is None else [f"WIN01\\{name}" for name in names]  # noqa: E731
    assert (result.get("added"), result.get("removed")) == (own(added), own(removed))
    assert sorted(result["members"]) == own(left) == sorted(predicted["members"] or [])
    assert (result["changed"], predicted["changed"]) == (True, True)
    assert people.run("win_group_membership", **options)["changed"] is False


@pytest.mark.parametrize(
    ("options", "msg"),
    [
        ({"name": "none", "members": ["ada"]}, "Could not find local group none"),
        (
            {"name": "Users", "members": ["nobody"]},
            'account_name nobody is not a valid account, cannot get SID: Exception calling "Translate" with "1" '
            'argument(s): "Some or all identity references could not be translated."',
        ),
        ({"name": "Users"}, "Get-AnsibleParam: Missing required argument: members"),
        (
            {"name": "Users", "members": ["ada"], "state": "x"},
            "Get-AnsibleParam: Argument state needs to be one of present,absent,pure but was x.",
        ),
    ],
)
def test_membership_refuses_with_the_modules_words(people, options, msg):
    assert people.run("win_group_membership", **options)["msg"] == msg


def test_membership_ignores_options_it_does_not_know(people):
    result = people.run("win_group_membership", name="Users", members="ada, bob", stat="absent")
    assert result["added"] == ["WIN01\\ada", "WIN01\\bob"]


def test_an_orphaned_sid_is_listed_as_it_is_and_can_be_removed(people):
    people.run("win_group", name="team", members={"set": ["ada"]})
    gone = "S-1-5-21-1-2-3-1234"
    people.host.accounts.update_group("team", members=(gone,))
    result = people.run("win_group_membership", name="team", members=["bob"], state="pure")
    assert result["removed"] == [gone]


@pytest.mark.parametrize(
    ("action", "given", "added", "removed"),
    [
        ("add", ["ada"], ["WIN01\\ada"], []),
        ("add", [r"WIN01\Users", r".\Backup Operators"], ["BUILTIN\\Users", "BUILTIN\\Backup Operators"], []),
        ("remove", ["NT SERVICE\\ALL SERVICES", "ada"], [], ["NT SERVICE\\ALL SERVICES"]),
        ("set", ["ada"], ["WIN01\\ada"], ["NT SERVICE\\ALL SERVICES"]),
        ("set", [], [], ["NT SERVICE\\ALL SERVICES"]),
    ],
)
def test_rights_are_given_taken_or_set(people, action, given, added, removed):
    before = people.host.accounts.holders(RIGHT)
    options = {"name": RIGHT, "users": given, "action": action}
    predicted = people.run("win_user_right", check=True, **options)
    assert people.host.accounts.holders(RIGHT) == before
    result = people.run("win_user_right", diff=True, **options)
    assert (result["added"], result["removed"], result["changed"]) == (added, removed, True)
    assert (predicted["added"], predicted["removed"]) == (added, removed)
    assert result["diff"]["before"] == {RIGHT: ["NT SERVICE\\ALL SERVICES"]}
    again = people.run("win_user_right", **options)
    assert (again["changed"], again["added"], again["removed"]) == (False, [], [])


def test_set_is_the_default_and_takes_the_right_from_everybody_else(people):
    people.run("win_user_right", name=RIGHT, users=["ada"])
    assert people.host.accounts.holders(RIGHT) == [people.host.accounts.user("ada").sid]


@pytest.mark.parametrize(
    ("options", "msg"),
    [
        ({"name": "FailRight", "users": ["ada"]}, "the specified right FailRight is not a valid right"),
        ({"name": RIGHT, "users": ["nobody"]}, "Failed to translate the account 'nobody' to a SID"),
        ({"name": RIGHT}, "missing required arguments: users"),
    ],
)
def test_rights_refuse_with_the_modules_words(people, options, msg):
    assert people.run("win_user_right", **options)["msg"] == msg


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("win_group", {"name": "new"}),
        ("win_group_membership", {"name": "Users", "members": ["ada"]}),
        ("win_user_right", {"name": RIGHT, "users": ["ada"]}),
    ],
)
def test_only_administrators_change_groups_and_rights(people, module, options):
    result = people.run(module, session=people.logon("bob"), **options)
    assert result["failed"] is True
    assert "Access is denied" in result["msg"]


@pytest.mark.parametrize(
    ("there", "gone", "predicted"),
    [
        (("a", "b", "c"), ["a"], [r"WIN01\b", r"WIN01\c"]),
        (("a", "b"), ["a"], r"WIN01\b"),
        (("a",), ["A"], None),
    ],
)
def test_the_prediction_of_a_removal_is_what_a_pipeline_gives(windows, there, gone, predicted):
    """win_group_membership.ps1 line 205: one that is left is a text."""
    for name in there:
        windows.user(name, "Power Users")
    options = {"name": "Power Users", "members": gone, "state": "absent"}
    assert windows.run("win_group_membership", check=True, **options)["members"] == predicted
    assert isinstance(windows.run("win_group_membership", **options)["members"], list)
