"""setup, win_ping, win_whoami, win_feature, win_wait_for."""

from __future__ import annotations

import pytest

MINIMUM = {
    "ansible_date_time",
    "ansible_distribution",
    "ansible_env",
    "ansible_hostname",
    "ansible_powershell_version",
}


def facts(windows, **options):
    return windows.run("setup", **options)["ansible_facts"]


def test_a_simulated_host_says_so(windows):
    found = facts(windows)
    assert found["ansible_system_vendor"] == "winlab"
    assert found["module_setup"] is True
    assert found["gather_subset"] == ["all"]


@pytest.mark.parametrize(
    ("subset", "keys"),
    [
        (["!all", "!min"], set()),
        (["!all", "!min", "interfaces"], {"ansible_interfaces"}),
        (["!all", "!min", "uptime"], {"ansible_lastboot", "ansible_uptime_seconds"}),
        (["!all", "!min", "virtual"], {"ansible_virtualization_role", "ansible_virtualization_type"}),
        (["!all", "!min", "min", "!env"], None),
    ],
)
def test_subsets_choose_the_facts(windows, subset, keys):
    found = set(facts(windows, gather_subset=subset)) - {"gather_subset", "module_setup"}
    if keys is None:
        assert found >= MINIMUM
    else:
        assert found == keys


def test_without_all_the_minimum_stays(windows):
    found = facts(windows, gather_subset=["!all"])
    assert found.keys() >= MINIMUM
    assert "ansible_interfaces" not in found


@pytest.mark.parametrize(("subset", "warnings"), [("bogus", 1), ("!bogus", 0)])
def test_an_unknown_subset_is_a_warning_unless_it_is_left_out(windows, subset, warnings):
    result = windows.run("setup", gather_subset=["!all", "!min", subset])
    assert len(result.get("warnings", [])) == warnings


def test_options_that_setup_does_not_know_are_accepted(windows):
    assert facts(windows, made_up=1)["ansible_os_family"] == "Windows"


def test_who_is_no_administrator_gets_no_caption(windows):
    windows.user("bob", "Users")
    found = windows.run("setup", session=windows.logon("bob"))["ansible_facts"]
    assert (found["ansible_distribution"], found["ansible_os_name"], found["ansible_architecture"]) == (
        None,
        None,
        None,
    )
    assert (found["ansible_user_id"], found["ansible_architecture2"]) == ("bob", "x86_64")


@pytest.mark.parametrize("reason", ["component_based_servicing", "rename"])
def test_a_pending_reboot_is_a_fact_until_the_reboot(windows, reason):
    assert facts(windows)["ansible_reboot_pending"] is False
    if reason == "rename":
        windows.host.rename_at_boot(r"C:\a", r"C:\b")
    else:
        windows.host.mark_reboot_pending(reason)
    assert facts(windows)["ansible_reboot_pending"] is True
    before = facts(windows)["ansible_lastboot"]
    windows.host.reboot()
    assert facts(windows)["ansible_reboot_pending"] is False
    assert facts(windows)["ansible_lastboot"] != before


def test_own_facts_come_from_json_files_and_broken_ones_warn(windows):
    windows.host.files.mkdir(r"C:\facts")
    windows.host.files.write_bytes(r"C:\facts\site.json", b'{"a": [1]}')
    windows.host.files.write_bytes(r"C:\facts\bad.json", b"{")
    windows.host.files.write_bytes(r"C:\facts\note.txt", b"x")
    result = windows.run("setup", fact_path=r"%SystemDrive%\facts", gather_subset=["!all", "!min", "local"])
    assert result["ansible_facts"]["ansible_site"] == {"a": [1]}
    assert "ansible_bad" not in result["ansible_facts"]
    assert len(result["warnings"]) == 1
    assert "Non existing path" in windows.run("setup", fact_path=r"C:\none")["warnings"][0]


def test_time_facts_follow_the_hosts_clock_and_zone(windows):
    found = facts(windows)["ansible_date_time"]
    assert (found["iso8601"], found["epoch_int"], found["tz"], found["tz_offset"]) == (
        "2023-11-14T22:13:20Z",
        1_700_000_000,
        "UTC",
        "+00:00",
    )
    windows.host.clock.jump(86_400)
    assert facts(windows)["ansible_date_time"]["date"] == "2023-11-15"


@pytest.mark.parametrize(("data", "answer"), [(None, "pong"), ("x", "x")])
def test_ping_answers(windows, data, answer):
    assert windows.run("win_ping", **({} if data is None else {"data": data}), check=True)["ping"] == answer


def test_ping_crashes_when_told_to(windows):
    assert windows.run("win_ping", data="crash") == {
        "failed": True,
        "msg": "Unhandled exception while executing module: boom",
    }


@pytest.mark.parametrize(
    ("groups", "logon_type", "label", "kind", "rights"),
    [
        (("Administrators",), "network", "High Mandatory Level", "Network", True),
        (("Administrators",), "interactive", "High Mandatory Level", "Interactive", True),
        (("Users",), "interactive", "Medium Mandatory Level", "Interactive", False),
        (("Users",), "batch", "Medium Mandatory Level", "Batch", False),
    ],
)
def test_whoami_shows_the_token(windows, groups, logon_type, label, kind, rights):
    sid = windows.user("ada", *groups)
    result = windows.run("win_whoami", session=windows.logon("ada", logon_type))
    assert (result["account"]["sid"], result["label"]["account_name"], result["logon_type"]) == (
        sid,
        label,
        kind,
    )
    assert bool(result["rights"]) is rights
    assert result["changed"] is False


def test_whoami_of_a_filtered_token_shows_administrators_for_deny_only(windows):
    windows.user("ada", "Administrators")
    windows.host.registry.delete_value(
        r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System", "LocalAccountTokenFilterPolicy"
    )
    result = windows.run("win_whoami", session=windows.logon("ada"))
    admins = next(group for group in result["groups"] if group["account_name"] == "Administrators")
    assert admins["attributes"] == ["Use for deny only"]
    assert result["label"]["account_name"] == "Medium Mandatory Level"
    assert "SeDebugPrivilege" not in result["privileges"]


def test_whoami_as_system(windows):
    result = windows.run("win_whoami", session=windows.host.accounts.token("S-1-5-18"))
    assert (result["account"]["account_name"], result["account"]["domain_name"], result["logon_type"]) == (
        "SYSTEM",
        "NT AUTHORITY",
        "System",
    )
    assert result["label"]["account_name"] == "System Mandatory Level"


def test_a_feature_is_installed_and_removed_once(windows):
    options = {"name": "Telnet-Client"}
    assert windows.run("win_feature", check=True, **options)["changed"] is True
    first = windows.run("win_feature", **options)
    assert (first["changed"], first["exitcode"], len(first["feature_result"])) == (True, "Success", 1)
    again = windows.run("win_feature", **options)
    assert (again["changed"], again["exitcode"], again["feature_result"]) == (False, "NoChangeNeeded", [])
    assert windows.run("win_feature", state="absent", **options)["exitcode"] == "Success"
    assert windows.run("win_feature", state="absent", **options)["exitcode"] == "NoChangeNeeded"


@pytest.mark.parametrize(("state", "verb"), [("present", "install"), ("absent", "uninstall")])
def test_an_unknown_feature_is_named(windows, state, verb):
    result = windows.run("win_feature", name="Microsoft-Bob", state=state)
    assert result["msg"] == (
        f"Failed to {verb} Windows Feature: ArgumentNotValid: The role, role service, or feature name is not valid: "
        "'Microsoft-Bob'. The name was not found."
    )


def test_dotnet_35_needs_its_source(windows):
    assert "0x800f081f" in windows.run("win_feature", name="NET-Framework-Core")["msg"]
    assert windows.run("win_feature", name="NET-Framework-Core", source=r"D:\none")["msg"] == (
        r"Failed to find source path D:\none for feature install"
    )
    windows.host.files.mkdir(r"C:\sxs")
    windows.host.files.write_bytes(r"C:\sxs\Microsoft-Windows-NetFx3-OnDemand-Package.cab", b"x")
    result = windows.run("win_feature", name=["NET-Framework-Core"], source=r"C:\sxs")
    assert [item["display_name"] for item in result["feature_result"]] == [
        ".NET Framework 3.5 Features",
        ".NET Framework 3.5 (includes .NET 2.0 and 3.0)",
    ]


def test_a_feature_that_needs_a_restart_leaves_the_marker(windows):
    result = windows.run("win_feature", name="FS-SMB1")
    assert (result["reboot_required"], result["exitcode"]) == (True, "SuccessRestartRequired")
    assert windows.host.pending_reboot() == ["component_based_servicing"]


def test_features_are_for_administrators(windows):
    windows.user("bob", "Users")
    result = windows.run("win_feature", name="Telnet-Client", session=windows.logon("bob"))
    assert "adequate user rights" in result["msg"]


@pytest.mark.parametrize(
    "options",
    [
        {"path": r"C:\Windows\System32\cmd.exe"},
        {"path": r"C:\none", "state": "absent"},
        {"path": r"C:\text.txt", "regex": "LINE 2"},
        {"path": r"C:\text.txt", "regexp": "line 3", "state": "absent"},
        {"port": 5985},
        {"port": 8585, "state": "stopped"},
        {"port": 5985, "state": "drained"},
        {"timeout": 0},
    ],
)
def test_what_holds_already_needs_no_waiting(windows, options):
    windows.host.files.write_bytes(r"C:\text.txt", b"line 1\r\nline 2\r\n")
    result = windows.run("win_wait_for", **options)
    assert (result.get("failed", False), result["changed"]) == (False, False)
    assert result["wait_attempts"] == (0 if options == {"timeout": 0} else 1)


@pytest.mark.parametrize(
    ("options", "msg"),
    [
        ({"path": r"C:\none"}, r"timeout while waiting for file C:\none to be present"),
        (
            {"path": r"C:\Windows", "state": "absent"},
            r"timeout while waiting for file C:\Windows to be absent",
        ),
        (
            {"path": r"C:\Windows", "regex": "x"},
            r"timeout while waiting for string regex x in file C:\Windows to match",
        ),
        ({"port": 8585}, "timeout while waiting for 127.0.0.1:8585 to start listening"),
        ({"port": 5985, "state": "stopped"}, "timeout while waiting for 127.0.0.1:5985 to stop listening"),
    ],
)
def test_time_runs_out_with_the_modules_words(windows, options, msg):
    result = windows.run("win_wait_for", timeout=0, **options)
    assert (result["failed"], result["msg"], result["wait_attempts"]) == (True, msg, 0)


@pytest.mark.parametrize(
    ("options", "msg"),
    [
        ({"path": "C:\\x", "port": 1}, "port and path parameter can not both be passed to win_wait_for"),
        ({"path": "C:\\x", "exclude_hosts": "a"}, "exclude_hosts should only be with state=drained"),
        (
            {"path": "C:\\x", "state": "stopped"},
            "state=stopped should only be used for checking a port in the win_wait_for module",
        ),
        (
            {"port": 1, "regex": "a"},
            "regex should by used when checking a string in a file in the win_wait_for module",
        ),
        (
            {"state": "gone"},
            "Get-AnsibleParam: Argument state needs to be one of present,started,stopped,absent,drained but was gone.",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(windows, options, msg):
    assert windows.run("win_wait_for", **options)["msg"] == msg


def test_a_port_of_another_machine_is_not_modelled(windows):
    assert "not modelled" in windows.run("win_wait_for", host="sql01", port=1433, timeout=1)["msg"]


@pytest.mark.parametrize(
    ("regex", "found"),
    [(r"(?<n>HEL)lo \k<n>", True), (r"(?<n>hel)lo \k'n'", True), (r"\Ahello", True), ("nothing", False)],
)
def test_win_wait_for_reads_patterns_of_dotnet(windows, regex, found):
    windows.host.files.write_bytes(r"C:\log.txt", b"hello hel")
    result = windows.run("win_wait_for", path=r"C:\log.txt", regex=regex, timeout=1)
    assert result.get("failed", False) is not found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"regex": "(hel"}, "winlab: the regular expression '(hel' ("),
        ({"regex": r"\p{L}+"}, r"winlab: the .NET regular expression '\\p{L}+' is not modelled."),
        ({"regex": "nothing", "sleep": -1}, "winlab: win_wait_for with sleep: -1 is not modelled."),
        ({"delay": -1}, "winlab: win_wait_for with delay: -1 is not modelled."),
    ],
)
def test_win_wait_for_names_what_it_cannot_do(windows, options, message):
    windows.host.files.write_bytes(r"C:\log.txt", b"hello")
    result = windows.run("win_wait_for", path=r"C:\log.txt", timeout=1, **options)
    assert result["failed"] is True
    assert result["msg"].startswith(message)
