"""win_user: tables of cases; each row names the source line or the upstream test it restates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

PASSWORD = "Corr3ct-horse"
OTHER = "An0ther-word"


def make(windows, **options):
    return windows.run("win_user", name="ada", password=PASSWORD, **options)


def test_a_new_user_is_created_with_its_attributes_and_groups(windows):
    result = make(windows, fullname="Ada L", description="test", groups="Guests")
    user = windows.host.accounts.user("ada")
    assert result["changed"] is True
    assert result["state"] == "present"
    assert result["path"] == "WinNT://WORKGROUP/WIN01/ada"
    assert result["groups"] == [{"name": "Guests", "path": "WinNT://WORKGROUP/WIN01/Guests"}]
    assert (user.full_name, user.description, user.sid) == ("Ada L", "test", result["sid"])


def test_a_new_user_is_in_no_group_by_itself(windows):
    assert make(windows)["groups"] == []


def test_the_same_again_changes_nothing_whatever_the_case_of_the_group(windows):
    make(windows, fullname="Ada L", groups="Guests")
    assert make(windows, fullname="Ada L", groups="guests")["changed"] is False


def test_check_mode_predicts_only_that_a_missing_user_would_come(windows):
    result = make(windows, check=True, diff=True, groups="Guests", fullname="Ada L")
    assert result == {
        "changed": True,
        "state": "present",
        "name": "ada",
        "diff": {"before": "", "after": {"name": "ada", "password": "REDACTED"}},
    }
    assert windows.host.accounts.user("ada") is None


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"fullname": "ADA L"}, {"fullname": "ADA L"}),  # -cne: case counts
        ({"description": "Test"}, {"description": "Test"}),
        ({"password_expired": True}, {"password_expired": True}),
        ({"password_never_expires": True}, {"password_never_expires": True}),
        ({"user_cannot_change_password": True}, {"user_cannot_change_password": True}),
        ({"account_disabled": True}, {"account_disabled": True}),
        ({"groups": ["Users"]}, {"groups": [{"name": "Users", "path": "WinNT://WORKGROUP/WIN01/Users"}]}),
        ({"groups": []}, {"groups": []}),
    ],
)
def test_a_changed_option_changes_once(windows, options, shown):
    make(windows, fullname="Ada L", description="test", groups="Guests")
    before = windows.run("win_user", name="ada", state="query")
    predicted = windows.run("win_user", name="ada", check=True, **options)
    assert predicted["changed"] is True
    assert windows.run("win_user", name="ada", state="query") == before
    result = windows.run("win_user", name="ada", **options)
    assert result["changed"] is True
    assert {key: result[key] for key in shown} == shown
    assert windows.run("win_user", name="ada", **options)["changed"] is False


@pytest.mark.parametrize("option", ["home_directory", "login_script", "profile"])
def test_paths_are_compared_without_regard_to_case(windows, option):
    make(windows, **{option: r"C:\Ada"})
    assert windows.run("win_user", name="ada", **{option: r"c:\ADA"})["changed"] is False


@pytest.mark.parametrize(
    ("password", "update", "changed"),
    [(PASSWORD, "always", False), (OTHER, "always", True), (OTHER, "on_create", False)],
)
def test_a_password_is_compared_by_a_logon(windows, password, update, changed):
    make(windows)
    result = windows.run("win_user", name="ada", password=password, update_password=update)
    assert result["changed"] is changed
    assert windows.host.accounts.user("ada").password == (password if changed else PASSWORD)


@pytest.mark.parametrize("flag", ["account_disabled", "password_expired"])
def test_a_disabled_or_expired_account_counts_as_another_password(windows, flag):
    make(windows, **{flag: True})
    assert make(windows)["changed"] is True


def test_the_password_of_a_user_who_may_not_log_on_over_the_network_is_still_compared(windows):
    sid = make(windows)["sid"]
    windows.host.accounts.grant("SeDenyNetworkLogonRight", sid)
    assert make(windows)["changed"] is False


def test_a_locked_account_cannot_be_compared_and_says_so(windows):
    make(windows)
    windows.host.accounts.update_user("ada", locked_since=windows.host.clock.now())
    result = make(windows)
    assert result["msg"] == (
        "Failed to validate the user's credentials: Failed to logon .\\ada (The referenced account is currently "
        "locked out and may not be logged on to., Win32ErrorCode 1909 - 0x00000775)"
    )


def test_a_lockout_can_be_taken_away_but_not_set(windows):
    make(windows)
    windows.host.accounts.update_user("ada", locked_since=windows.host.clock.now())
    assert windows.run("win_user", name="ada", account_locked=True)["msg"] == (
        "account_locked must be set to 'no' if provided"
    )
    result = windows.run("win_user", name="ada", account_locked=False)
    assert (result["changed"], result["account_locked"]) == (True, False)


@pytest.mark.parametrize(
    ("action", "groups", "left"),
    [
        ("add", ["S-1-5-32-547"], ["Power Users", "Users"]),
        ("remove", ["Users"], []),
        ("replace", ["Guests", "Users"], ["Guests", "Users"]),
        ("replace", [""], []),
    ],
)
def test_groups_are_added_removed_or_replaced(windows, action, groups, left):
    make(windows, groups="Users")
    result = windows.run("win_user", name="ada", groups=groups, groups_action=action)
    assert [group["name"] for group in result["groups"]] == left
    assert windows.run("win_user", name="ada", groups=groups, groups_action=action)["changed"] is False


@pytest.mark.parametrize("name", ["Userz", "Everyone", "Administrator"])
def test_what_is_no_local_group_is_not_found(windows, name):
    make(windows)
    assert windows.run("win_user", name="ada", groups=[name])["msg"] == f"group '{name}' not found"


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2040-10-27", datetime(2040, 10, 27, tzinfo=UTC)),
        ("2040-10-27T14:30:00", datetime(2040, 10, 27, 14, 30, tzinfo=UTC)),
        ("2040-10-27T13:30:00Z", datetime(2040, 10, 27, 13, 30, tzinfo=UTC)),
        ("2040-10-27T14:30:00+0200", datetime(2040, 10, 27, 12, 30, tzinfo=UTC)),
        ("2040-10-27T14:30:00+02:00", datetime(2040, 10, 27, 12, 30, tzinfo=UTC)),
        ("never", None),
    ],
)
def test_an_expiry_date_is_read_in_each_form(windows, raw, moment):
    make(windows, account_expires="2030-01-01")
    assert windows.run("win_user", name="ada", account_expires=raw)["changed"] is True
    assert windows.host.accounts.user("ada").account_expires == (moment.timestamp() if moment else 0)
    assert windows.run("win_user", name="ada", account_expires=raw)["changed"] is False


@pytest.mark.parametrize("raw", ["invalid", "2040-13-01", "27.10.2040"])
def test_a_date_that_cannot_be_read_is_refused(windows, raw):
    assert windows.run("win_user", name="ada", account_expires=raw)["msg"] == (
        "Failed to parse account_expires as datetime string. Expecting datetime in yyyy-MM-dd or "
        "yyyy-MM-ddTHH:mm:ss.FFFFFFFK format."
    )


def test_a_password_against_the_policy_is_an_unhandled_error_of_set_info(windows):
    result = windows.run("win_user", name="ada", password="short")
    assert result["msg"].startswith(
        'Unhandled exception while executing module: Exception calling "SetInfo" with "0" argument(s): '
        '"The password does not meet the password policy requirements.'
    )
    assert windows.host.accounts.user("ada") is None


@pytest.mark.parametrize("state", ["present", "absent"])
def test_somebody_who_is_no_administrator_changes_nothing(windows, state):
    make(windows)
    windows.user("bob", "Users")
    result = windows.run("win_user", name="ada", state=state, description="x", session=windows.logon("bob"))
    assert result["failed"] is True
    assert "Access is denied." in result["msg"]
    assert windows.host.accounts.user("ada").description == ""


def test_absent_removes_the_user_and_says_so_once(windows):
    make(windows)
    first = windows.run("win_user", name="ada", state="absent", diff=True)
    assert (first["changed"], first["msg"], first["diff"]["after"]) == (
        True,
        "User 'ada' deleted successfully",
        "",
    )
    again = windows.run("win_user", name="ada", state="absent")
    assert again == {"changed": False, "msg": "User 'ada' was not found", "state": "absent", "name": "ada"}


def test_query_of_a_missing_user_is_absent(windows):
    assert windows.run("win_user", name="ada", state="query") == {
        "changed": False,
        "msg": "Querying user 'ada'",
        "state": "absent",
        "name": "ada",
    }


@pytest.mark.parametrize(
    ("options", "msg"),
    [
        ({}, "missing required arguments: name"),
        (
            {"name": "ada", "state": "gone"},
            "value of state must be one of: present, absent, query. Got no match for: gone",
        ),
    ],
)
def test_wrong_arguments_are_refused_as_ansible_basic_does(windows, options, msg):
    assert windows.run("win_user", **options)["msg"] == msg


def test_a_failure_after_a_change_says_that_there_was_one(windows):
    result = windows.run("win_user", name="half", password=PASSWORD, groups=["Nobodies"], diff=True)
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["msg"] == "group 'Nobodies' not found"
    assert result["diff"]["after"]["name"] == "half"
    assert windows.host.accounts.user("half")
    assert windows.run("win_user", name="half", groups=["Nobodies"])["changed"] is False


def test_the_diff_shows_the_end_of_an_account_in_the_hosts_zone(windows):
    windows.run("win_timezone", timezone="Tokyo Standard Time")
    options = {"name": "ada", "password": PASSWORD, "account_expires": "2030-01-01", "diff": True}
    after = windows.run("win_user", **options)["diff"]["after"]
    assert after["account_expires"] == "2030-01-01T09:00:00+09:00"
    again = windows.run("win_user", **options)
    assert (again["changed"], again["diff"]["before"]["account_expires"]) == (False, "2030-01-01T09:00:00")
