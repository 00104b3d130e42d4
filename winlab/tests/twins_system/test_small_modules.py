"""win_hostname, win_timezone, win_product_facts, win_eventlog."""

from __future__ import annotations

import pytest


def test_a_new_name_takes_effect_with_the_next_boot(windows):
    assert windows.run("win_hostname", name="WIN01")["changed"] is False
    first = windows.run("win_hostname", name="lab9", diff=True)
    assert (first["changed"], first["reboot_required"], first["old_name"]) == (True, True, "WIN01")
    assert first["diff"] == {"before": "WIN01", "after": "lab9"}
    # the name that runs now is compared: a change is reported until the reboot
    assert windows.run("win_hostname", name="lab9")["changed"] is True
    windows.host.reboot()
    assert windows.host.computer_name == "LAB9"
    assert windows.run("win_hostname", name="lab9")["changed"] is False


@pytest.mark.parametrize("name", ["a b", "12345", "x" * 64, "a.b"])
def test_an_impossible_name_is_refused(windows, name):
    result = windows.run("win_hostname", name=name)
    assert result["msg"].startswith(
        f"Failed to rename computer to '{name}': Fail to rename computer 'WIN01' to"
    )
    assert windows.host.pending_reboot() == []


def test_check_mode_renames_nothing(windows):
    assert windows.run("win_hostname", name="lab9", check=True)["changed"] is True
    assert windows.host.pending_reboot() == []


def test_a_time_zone_is_set_once_and_shows_in_the_facts(windows):
    options = {"timezone": "W. Europe Standard Time"}
    assert windows.run("win_timezone", check=True, **options)["changed"] is True
    result = windows.run("win_timezone", diff=True, **options)
    assert result["diff"] == {"before": "UTC\n", "after": "W. Europe Standard Time\n"}
    assert windows.run("win_timezone", **options) == {
        "changed": False,
        "previous_timezone": "W. Europe Standard Time",
        "timezone": "W. Europe Standard Time",
    }
    found = windows.run("setup", gather_subset=["!all", "date_time"])["ansible_facts"]["ansible_date_time"]
    assert (found["tz"], found["tz_offset"], found["hour"]) == ("W. Europe Standard Time", "+01:00", "23")


@pytest.mark.parametrize(
    ("zone", "offset"),
    [("Eastern Standard Time", "-04:00"), ("Eastern Standard Time_dstoff", "-05:00"), ("utc", "+00:00")],
)
def test_daylight_saving_time_is_kept_unless_it_is_switched_off(windows, zone, offset):
    windows.host.clock.jump(240 * 86_400)  # into July
    windows.run("win_timezone", timezone="Tokyo Standard Time")
    assert windows.run("win_timezone", timezone=zone)["changed"] is True
    found = windows.run("setup", gather_subset=["!all", "date_time"])["ansible_facts"]["ansible_date_time"]
    assert found["tz_offset"] == offset
    assert windows.run("win_timezone", timezone=zone)["changed"] is False


def test_a_zone_that_is_not_there_is_refused(windows):
    result = windows.run("win_timezone", timezone="Mars Time")
    assert result["msg"] == "The specified timezone: Mars Time isn't supported on the machine."


def test_a_simulated_host_has_no_licence(windows):
    found = windows.run("win_product_facts")["ansible_facts"]
    assert found["ansible_os_product_key"] is None
    assert set(found) == {
        "ansible_os_product_id",
        "ansible_os_product_key",
        "ansible_os_license_edition",
        "ansible_os_license_channel",
        "ansible_os_license_status",
    }


@pytest.fixture
def lab(windows):
    windows.run("win_eventlog", name="Lab", sources=["S1", "S2"])
    return windows


def test_a_log_is_created_with_its_sources_and_itself(windows):
    options = {"name": "Lab", "sources": ["S1", "S2"]}
    predicted = windows.run("win_eventlog", check=True, **options)
    assert (predicted["changed"], predicted["exists"], predicted["sources_changed"]) == (True, False, [])
    result = windows.run("win_eventlog", **options)
    assert (result["changed"], result["sources"], result["sources_changed"]) == (
        True,
        ["Lab", "S1", "S2"],
        ["S1", "S2"],
    )
    assert windows.run("win_eventlog", **options)["changed"] is False


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"maximum_size": "256MB"}, {"maximum_size_kb": 262144}),
        ({"retention_days": 128}, {"retention_days": 128, "overflow_action": "OverwriteOlder"}),
        (
            {"overflow_action": "OverwriteAsNeeded"},
            {"overflow_action": "OverwriteAsNeeded", "retention_days": 0},
        ),
        ({"sources": ["S1"], "message_file": r"%SystemRoot%\m.dll"}, {"sources_changed": ["S1"]}),
    ],
)
def test_limits_and_files_change_once(lab, options, shown):
    assert lab.run("win_eventlog", name="Lab", check=True, **options)["changed"] is True
    result = lab.run("win_eventlog", name="Lab", **options)
    assert result["changed"] is True
    assert {key: result[key] for key in shown} == shown
    assert lab.run("win_eventlog", name="Lab", **options)["changed"] is False


def test_a_log_is_emptied_once(lab):
    lab.host.events.write("Lab", "S1", 1, "information", "x")
    assert lab.run("win_eventlog", name="Lab", state="clear")["entries"] == 0
    assert lab.run("win_eventlog", name="Lab", state="clear")["changed"] is False


def test_sources_and_logs_are_removed(lab):
    one = lab.run("win_eventlog", name="Lab", state="absent", sources=["S1"])
    assert (one["changed"], one["sources"], one["sources_changed"]) == (True, ["Lab", "S2"], ["S1"])
    whole = lab.run("win_eventlog", name="Lab", state="absent")
    assert (whole["exists"], whole["sources_changed"]) == (False, ["Lab", "S2"])
    assert lab.run("win_eventlog", name="Lab", state="absent")["changed"] is False


@pytest.mark.parametrize(
    ("options", "msg"),
    [
        ({"name": "New"}, "You must specify one or more sources when creating a log for the first time"),
        ({"name": "New", "sources": ["S1"]}, "Source S1 already exists and cannot be created"),
        (
            {"name": "Application", "sources": ["S1"]},
            "Source S1 does not belong to log Application and cannot be modified",
        ),
        (
            {"name": "Lab", "sources": ["Lab"], "message_file": "C:\\x"},
            "Cannot modify default source Lab of log Lab - you must remove the log",
        ),
        ({"name": "New", "state": "clear"}, "Cannot clear log New as it does not exist"),
        (
            {"name": "Lab", "state": "absent", "sources": ["Lab"]},
            "Cannot remove default source Lab from log Lab - you must remove the log",
        ),
        ({"name": "Lab", "maximum_size": "256 MB"}, "Maximum size 256 MB is not properly specified"),
        ({"name": "Lab", "maximum_size": "5GB"}, "Maximum size must be between 64KB and 4GB"),
        ({"name": "Lab", "maximum_size": "100KB"}, "Maximum size must be divisible by 64KB"),
    ],
)
def test_a_log_is_refused_with_the_modules_words(lab, options, msg):
    assert lab.run("win_eventlog", **options)["msg"] == msg
