"""win_service and win_service_info."""

from __future__ import annotations

import pytest
from winlab.host.service_types import Service, register_service_behaviour

from winlab import programs

PATH = r"C:\Program Files\Lab Service\service.exe"
PASSWORD = "Corr3ct-horse"


@programs.program("test-service")
def _program(call: programs.ProcessCall) -> programs.ProcessResult:
    return programs.ProcessResult(1, "", "start me as a service")


register_service_behaviour("test-service", start=lambda run: run.host.files.lock(run.image, run.holder))


@pytest.fixture
def service(windows):
    programs.install(windows.host, PATH, "test-service")
    windows.run("win_service", name="Lab", path=f'"{PATH}"', display_name="Lab Service")
    return windows


def lab(windows, **options):
    return windows.run("win_service", name="Lab", **options)


def test_a_new_service_starts_with_the_machine_as_local_system(service):
    result = lab(service)
    assert result == {
        "changed": False,
        "exists": True,
        "name": "Lab",
        "display_name": "Lab Service",
        "description": None,
        "path": f'"{PATH}"',
        "start_mode": "auto",
        "state": "stopped",
        "username": "LocalSystem",
        "desktop_interact": False,
        "dependencies": [],
        "depended_by": [],
        "can_pause_and_continue": False,
    }


def test_it_is_found_by_its_display_name(service):
    assert service.run("win_service", name="lab service")["name"] == "Lab"


@pytest.mark.parametrize("options", [{}, {"state": "absent"}])
def test_a_service_that_is_not_there_does_not_exist(windows, options):
    assert windows.run("win_service", name="none", **options) == {"changed": False, "exists": False}


def test_a_missing_service_cannot_be_started_without_a_path(windows):
    result = windows.run("win_service", name="none", state="started")
    assert result["msg"] == "Service 'none' is not installed, need to set 'path' to create a new service"


def test_check_mode_does_not_create(windows):
    result = windows.run("win_service", name="Lab", path="C:\\x.exe", check=True, diff=True)
    assert (result["changed"], result["exists"], result["state"]) == (True, True, "")
    assert windows.host.services.get("Lab") is None


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"start_mode": "manual"}, {"start_mode": "manual"}),
        ({"start_mode": "delayed"}, {"start_mode": "delayed"}),
        ({"start_mode": "disabled"}, {"start_mode": "disabled"}),
        ({"description": "does things"}, {"description": "does things"}),
        ({"display_name": "Other"}, {"display_name": "Other"}),
        ({"path": r"%SystemRoot%\x.exe"}, {"path": r"C:\Windows\x.exe"}),
        ({"username": r"NT AUTHORITY\LocalService"}, {"username": r"NT AUTHORITY\LOCAL SERVICE"}),
        ({"username": r"NT SERVICE\Lab"}, {"username": r"NT SERVICE\Lab"}),
        ({"username": "SYSTEM", "desktop_interact": True}, {"desktop_interact": True}),
        ({"dependencies": ["W32Time"]}, {"dependencies": ["W32Time"]}),
        ({"state": "started"}, {"state": "running"}),
        ({"error_control": "ignore"}, {}),
        ({"failure_actions": [{"type": "restart", "delay_ms": 5}]}, {}),
        ({"failure_command": "x"}, {}),
        ({"sid_info": "unrestricted"}, {}),
        ({"required_privileges": ["SeDebugPrivilege"]}, {}),
        ({"pre_shutdown_timeout_ms": 5000}, {}),
        ({"service_type": "win32_share_process"}, {}),
        ({"load_order_group": "g"}, {}),
    ],
)
def test_each_setting_changes_once_and_is_predicted(service, options, shown):
    before = service.run("win_service_info", name="Lab")
    predicted = lab(service, check=True, **options)
    assert predicted["changed"] is True
    assert service.run("win_service_info", name="Lab") == before
    result = lab(service, **options)
    assert result["changed"] is True
    assert {key: result[key] for key in shown} == shown
    again = lab(service, **options)
    assert again["changed"] is False
    assert {key: again[key] for key in shown} == shown


@pytest.mark.parametrize(
    ("sequence", "state", "changed"),
    [
        (["started", "started"], "running", False),
        (["started", "stopped"], "stopped", True),
        (["stopped"], "stopped", False),
        (["restarted"], "running", True),
        (["started", "restarted"], "running", True),
    ],
)
def test_states_follow_each_other(service, sequence, state, changed):
    for wanted in sequence:
        result = lab(service, state=wanted)
    assert (result["state"], result["changed"]) == (state, changed)


def test_a_local_account_without_the_right_cannot_run_it_and_the_text_names_no_cause(service):
    service.user("svc")
    assert lab(service, username=r".\svc", password=PASSWORD)["username"] == r"WIN01\svc"
    result = lab(service, state="started")
    assert result["msg"] == (
        "Unhandled exception while executing module: Service 'Lab Service (Lab)' cannot be started due to the "
        "following error: Cannot start service Lab on computer '.'."
    )
    logged = service.host.events.read("System", "Service Control Manager")
    assert [event.event_id for event in logged][-2:] == [7041, 7000]
    assert service.run("win_service_info", name="Lab")["services"][0]["win32_exit_code"] == 1069
    service.host.accounts.grant("SeServiceLogonRight", service.host.accounts.user("svc").sid)
    assert lab(service, state="started")["state"] == "running"


def test_a_wrong_service_password_is_noticed_at_the_start_only(service):
    sid = service.user("svc")
    service.host.accounts.grant("SeServiceLogonRight", sid)
    assert lab(service, username="svc", password="wrong")["changed"] is True
    assert "cannot be started" in lab(service, state="started")["msg"]
    assert lab(service, username="svc", password=PASSWORD)["changed"] is False
    assert lab(service, username="svc", password=PASSWORD, update_password="always")["changed"] is True
    assert lab(service, state="started")["state"] == "running"


def test_an_unknown_account_cannot_be_translated(service):
    assert "could not be translated" in lab(service, username="nobody")["msg"]


def test_a_disabled_service_does_not_start(service):
    lab(service, start_mode="disabled")
    assert "Cannot start service Lab on computer '.'." in lab(service, state="started")["msg"]


def test_the_desktop_belongs_to_system_alone(service):
    result = lab(service, username=r"NT AUTHORITY\NetworkService", desktop_interact=True)
    assert result["msg"] == "Can only set 'desktop_interact' to true when 'username' equals 'SYSTEM'"


def test_dependents_stop_only_by_force_and_come_back_with_a_restart(service):
    service.run("win_service", name="Child", path=PATH, dependencies=["Lab"], state="started")
    assert lab(service)["depended_by"] == ["Child"]
    assert lab(service)["state"] == "running"
    refused = lab(service, state="stopped")
    assert (
        "Cannot stop service 'Lab Service (Lab)' because it has dependent services. It can only be stopped if the "
        "Force flag is set." in refused["msg"]
    )
    assert lab(service, state="restarted", force_dependent_services=True)["state"] == "running"
    assert service.host.services.get("Child").state == "running"
    assert lab(service, state="absent", force_dependent_services=True) == {"changed": True, "exists": False}
    assert service.host.services.get("Child").state == "stopped"


@pytest.mark.parametrize(
    ("action", "given", "left"),
    [("add", ["B"], ["A", "B"]), ("remove", ["A"], []), ("set", ["B"], ["B"])],
)
def test_dependencies_are_added_removed_or_set(service, action, given, left):
    lab(service, dependencies=["A"])
    assert lab(service, dependencies=given, dependency_action=action)["dependencies"] == left


@pytest.mark.parametrize(
    "options", [{"dependency_action": "remove", "dependencies": ["A"]}, {"dependencies": []}]
)
def test_the_last_dependency_cannot_be_taken_away_by_an_empty_list(service, options):
    """SCManager.cs, lines 1296-1298: an empty list is sent as none, so that each run is a change again."""
    lab(service, dependencies=["A"])
    for _ in range(2):
        assert lab(service, **options)["changed"] is True
        assert service.host.services.get("Lab").depends_on == ("A",)


def test_an_empty_text_takes_all_dependencies_away(service):
    assert lab(service, dependencies="")["changed"] is False
    lab(service, dependencies=["A"])
    assert lab(service, dependencies="")["changed"] is True
    assert service.host.services.get("Lab").depends_on == ()
    assert lab(service, dependencies="")["changed"] is False


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"display_name": "Windows Time"},
            'Exception setting "DisplayName": "Failed to change service config (The name is already in use as either '
            'a service name or a service display name, Win32ErrorCode 1078 - 0x00000436)"',
        ),
        (
            {"dependencies": ["Child"]},
            'Exception setting "DependentOn": "Failed to change service config (Circular service dependency was '
            'specified, Win32ErrorCode 1059 - 0x00000423)"',
        ),
    ],
)
def test_what_the_control_manager_refuses_is_told_in_its_words(service, options, text):
    service.host.services.create(Service("TimeCopy", display_name="Windows Time"))
    service.run("win_service", name="Child", path=PATH, dependencies=["Lab"])
    assert lab(service, check=True, **options)["changed"] is True
    assert lab(service, **options)["msg"] == f"Unhandled exception while executing module: {text}"


def test_what_was_set_before_a_failure_stays_and_counts_as_a_change(service):
    options = {"description": "half", "username": r"NT AUTHORITY\NetworkService", "desktop_interact": True}
    failed = lab(service, diff=True, **options)
    assert (failed["changed"], failed["exists"], failed["diff"]["after"]["description"]) == (
        True,
        False,
        "half",
    )
    now = service.host.services.get("Lab")
    assert (now.description, now.account) == ("half", r"NT AUTHORITY\NETWORK SERVICE")
    assert lab(service, start_mode="manual", state="paused")["changed"] is True
    assert service.host.services.get("Lab").start_mode == "manual"


def test_another_account_keeps_the_password_that_was_there_and_a_service_account_has_none(service):
    for name in ("one", "two"):
        service.host.accounts.grant("SeServiceLogonRight", service.user(name))
    lab(service, username="one", password=PASSWORD)
    lab(service, username="two", state="started")
    assert service.host.services.get("Lab").state == "running"
    lab(service, username="SYSTEM", state="stopped")
    lab(service, username="two")
    assert "cannot be started" in lab(service, state="started")["msg"]


def test_patterns_are_those_of_powershell_and_name_no_drivers(service):
    def names(pattern):
        return [one["name"] for one in service.run("win_service_info", name=pattern)["services"]]

    service.host.services.create(Service("LabDriver", service_type="kernel_driver"))
    service.host.services.create(Service("La!"))
    assert names("la*") == ["La!", "Lab"]
    assert names("la[!]") == ["La!"]
    assert names("LabDriver") == ["LabDriver"]


def test_a_service_that_may_not_be_looked_at_is_told_in_a_warning(service):
    service.host.services.configure("Lab", security="D:(A;;CCLCSWLORC;;;SY)")
    result = service.run("win_service_info", name="Lab")
    assert (result["exists"], result["services"]) == (False, [])
    assert result["warnings"] == [
        'Failed to open service \'Lab to get more info, ignoring: Exception calling ".ctor" with "2" '
        "argument(s): \"Failed to open service 'Lab' (Access is denied, Win32ErrorCode 5 - 0x00000005)\""
    ]


def test_a_reset_period_needs_actions(service):
    assert "without explicit Actions" in lab(service, failure_reset_period_sec=10)["msg"]
    # Check mode does not come as far as the property that refuses (lines 598-602).
    assert lab(service, failure_reset_period_sec=10, check=True)["changed"] is True
    options = {"failure_actions": [{"type": "restart"}], "failure_reset_period_sec": 10}
    assert lab(service, **options)["changed"] is True
    assert lab(service, **options)["changed"] is False
    lab(service, failure_actions=[], failure_reset_period_sec=20)
    assert service.run("win_service_info", name="Lab")["services"][0]["failure_reset_period_sec"] == 0


def test_a_service_that_cannot_pause_says_so(service):
    assert lab(service, state="paused")["msg"] == (
        "failed to pause service Lab: The service does not support pausing"
    )


def test_a_program_that_can_pause_pauses_and_goes_on(service):
    register_service_behaviour("test-pausable", can_pause=True)
    programs.install(service.host, r"C:\pausable.exe", "test-pausable")
    service.run("win_service", name="P", path=r"C:\pausable.exe", state="started")
    assert service.run("win_service", name="P", state="paused", check=True)["state"] == "paused"
    paused = service.run("win_service", name="P", state="paused")
    assert (paused["state"], paused["can_pause_and_continue"]) == ("paused", True)
    assert service.run("win_service", name="P", state="paused")["changed"] is False
    assert service.run("win_service", name="P", state="started")["state"] == "running"
    assert service.run("win_service_info", name="P")["services"][0]["controls_accepted"] == [
        "stop",
        "pause_continue",
        "shutdown",
    ]


def test_the_executable_of_a_running_service_is_locked(service):
    lab(service, state="started")
    assert service.host.files.holder_of(PATH) == "service:lab"
    lab(service, state="stopped")
    assert service.host.files.holder_of(PATH) is None


@pytest.mark.parametrize(
    ("logon_type", "text", "seen"),
    [
        ("network", "Cannot open Service Control Manager on computer '.'.", None),
        ("batch", "Failed to open service 'Lab' (Access is denied", False),
        ("interactive", "Failed to open service 'Lab' (Access is denied", True),
    ],
)
def test_only_an_administrator_changes_a_service_and_not_everybody_sees_it(service, logon_type, text, seen):
    """The default descriptor lets interactive logons look; over the network nobody else can list services."""
    service.user("bob", "Users")
    bob = service.logon("bob", logon_type)
    assert text in lab(service, state="started", session=bob)["msg"]
    info = service.run("win_service_info", name="Lab", session=bob)
    assert info.get("exists") is seen
    assert info.get("failed", False) is (seen is None)


@pytest.mark.parametrize(
    ("name", "found"),
    [("lab", ["Lab"]), ("La*", ["Lab"]), ("Lab Service", ["Lab"]), ("Lab Serv*", []), ("x*", [])],
)
def test_info_knows_names_patterns_of_them_and_whole_display_names(service, name, found):
    result = service.run("win_service_info", name=name)
    assert [entry["name"] for entry in result["services"]] == found
    assert (result["exists"], result["changed"]) == (bool(found), False)


def test_a_reboot_starts_what_starts_by_itself(service):
    service.host.reboot()
    assert service.host.services.get("Lab").state == "running"
    lab(service, start_mode="manual")
    service.host.reboot()
    assert service.host.services.get("Lab").state == "stopped"


@pytest.mark.parametrize(("given", "shown"), [("0xFFFFFFFF", 0xFFFFFFFF), (" 0x10 ", 16), ("86400", 86400)])
def test_a_number_of_32_bits_may_be_hexadecimal(windows, given, shown):
    windows.run(
        "win_service",
        name="x",
        path=r"C:\Windows\System32\svchost.exe",
        failure_reset_period_sec=given,
        failure_actions=[{"type": "restart"}],
    )
    info = windows.run("win_service_info", name="x")["services"][0]
    assert info["failure_reset_period_sec"] == shown
