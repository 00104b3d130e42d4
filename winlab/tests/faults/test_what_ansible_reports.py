"""Each fault, and what Ansible makes of it (winrm_wire.md 6.1): unreachable, failed, or nothing at all."""

from __future__ import annotations

from typing import Any

import pytest
from winlab.host.services import Service

from .conftest import FAILED, OK, PING, PSRP, UNREACHABLE, WINRM, Target

pytestmark = pytest.mark.lab
both = pytest.mark.parametrize("transport", [WINRM, PSRP])

OVER_WINRM: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("drop", "Create", {}, UNREACHABLE, ""),
    ("half", "Create", {}, UNREACHABLE, ""),
    ("drop", "Command", {}, FAILED, ""),
    ("drop", "Send", {}, FAILED, "winrm send_input failed"),
    ("drop", "Receive", {}, FAILED, ""),
    ("half", "Receive", {}, FAILED, ""),
    ("drop", "Signal", {}, FAILED, ""),
    ("drop", "Delete", {}, OK, ""),
    ("delay", "Receive", {"seconds": 1}, OK, ""),
    ("wsman", "Create", {"code": 5, "text": "Access is denied."}, UNREACHABLE, "Access is denied."),
    ("wsman", "Command", {"code": 2150858843, "text": "No such shell."}, FAILED, "No such shell."),
    ("wsman", "Command", {"code": "0x803381A6"}, OK, ""),
    ("wsman", "Receive", {"code": 2150858793, "times": 3}, OK, ""),
    ("wsman", "Send", {"code": 170}, FAILED, "winrm send_input failed"),
]


# The first Receive of a pool belongs to its opening, the second to the first pipeline. A Signal is sent only
# when a further pipeline is started, as for the items of a loop.
OVER_PSRP: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("drop", "Create", {}, UNREACHABLE, "Failed to connect to the host via PSRP: ('Connection aborted.'"),
    ("half", "Create", {}, FAILED, "Connection broken: IncompleteRead"),
    ("drop", "Command", {}, FAILED, "Connection aborted."),
    ("half", "Command", {}, FAILED, "Connection broken: IncompleteRead"),
    ("drop", "Send", {}, FAILED, "Connection aborted."),
    ("drop", "Receive", {}, UNREACHABLE, "Failed to connect to the host via PSRP"),
    ("half", "Receive", {}, FAILED, "Connection broken: IncompleteRead"),
    ("drop", "Receive", {"nth": 2}, FAILED, "Connection aborted."),
    ("half", "Receive", {"nth": 2}, FAILED, "Connection broken: IncompleteRead"),
    ("drop", "Delete", {}, OK, ""),
    ("delay", "Receive", {"seconds": 1}, OK, ""),
    ("wsman", "Create", {"code": 5, "text": "Access is denied."}, UNREACHABLE, "during runspace open: Received a WSManFault"),
    ("wsman", "Receive", {"code": 2150858843}, UNREACHABLE, "during runspace open: Received a WSManFault"),
    ("wsman", "Command", {"code": 2150858843, "text": "No such shell."}, FAILED, "Reason: No such shell.)"),
    ("wsman", "Command", {"code": "0x803381A6"}, FAILED, "(Code: w:QuotaLimit, Reason: A fault was injected.)"),
    ("wsman", "Send", {"code": 170}, FAILED, "(Code: 170, Machine: WIN01, Reason: A fault was injected.)"),
    ("wsman", "Receive", {"code": 2150858793, "nth": 2, "times": 3}, OK, ""),
]  # fmt: skip


def _cases() -> list[Any]:
    tables = ((WINRM, OVER_WINRM), (PSRP, OVER_PSRP))
    return [
        pytest.param(
            transport,
            *case,
            id=f"{transport}-{case[0]}-{case[1]}-{case[2].get('code', '')}-{case[2].get('nth', '')}",
        )
        for transport, table in tables
        for case in table
    ]


@pytest.mark.parametrize(("transport", "kind", "operation", "values", "code", "message"), _cases())
def test_a_fault_of_the_wire(
    target: Target, transport: str, kind: str, operation: str, values: dict[str, Any], code: int, message: str
) -> None:
    fault = target.fault(kind, operation=operation, **values)
    outcome = target.run(PING, transport)
    assert outcome.code == code, outcome.text
    assert message in outcome.text
    assert fault.hits
    target.host.faults.clear()
    assert target.run(PING, transport).code == OK


@pytest.mark.parametrize("operation", ["Create", "Receive"])
def test_a_host_that_does_not_answer_is_unreachable_after_the_read_timeout(
    target: Target, operation: str
) -> None:
    target.fault("hang", operation=operation)
    outcome = target.run(PING)
    assert outcome.code == UNREACHABLE, outcome.text
    assert "Read timed out" in outcome.text


@pytest.mark.parametrize(
    ("operation", "code"), [("Create", FAILED), ("Command", UNREACHABLE), ("Receive", OK)]
)
def test_over_psrp_a_host_that_does_not_answer_fails_is_unreachable_or_is_asked_again(
    target: Target, operation: str, code: int
) -> None:
    """pypsrp repeats a Receive; while the pool is opened a read timeout is no failure to connect for it."""
    target.fault("hang", operation=operation)
    outcome = target.run(PING, PSRP)
    assert outcome.code == code, outcome.text
    assert ("Read timed out" in outcome.text) == (code != OK)


def test_over_psrp_a_lost_signal_fails_the_next_item_of_a_loop(target: Target) -> None:
    fault = target.fault("drop", operation="Signal")
    outcome = target.run({**PING, "loop": [1, 2, 3]}, PSRP)
    assert fault.hits
    assert outcome.code == FAILED, outcome.text


def test_a_drop_under_message_encryption_cannot_be_taken_up_again(target: Target) -> None:
    target.fault("drop", operation="Receive")
    outcome = target.run(PING, "http_ntlm")
    assert outcome.code == FAILED, outcome.text
    assert "Failed to cleanup" in outcome.text


@both
def test_a_drop_after_the_module_has_run_fails_the_task_and_keeps_the_change(
    target: Target, transport: str
) -> None:
    target.fault("half", operation="Receive", nth=2 if transport == PSRP else 1)
    folder = {"ansible.windows.win_file": {"path": "C:\\made", "state": "directory"}}
    assert target.run(folder, transport).code == FAILED
    assert target.host.files.is_dir("C:\\made")
    again = target.run(folder, transport)
    assert (again.code, again.result["changed"]) == (OK, False)


@both
def test_the_nth_operation_is_the_one_that_fails(target: Target, transport: str) -> None:
    target.fault("drop", operation="Command", nth=2)
    loop = {**PING, "loop": [1, 2, 3]}
    outcome = target.run(loop, transport)
    assert outcome.code == FAILED
    assert [bool(item.get("failed")) for item in outcome.result["results"]] == [False, True, False]


COPY = {"ansible.windows.win_copy": {"content": "some text", "dest": "C:\\copied.txt"}}


@both
def test_a_wrong_check_sum_of_a_transfer_is_found(target: Target, transport: str) -> None:
    target.fault("sha1")
    outcome = target.run(COPY, transport)
    assert outcome.code == FAILED
    assert "does not match" in outcome.text
    assert not target.host.files.exists("C:\\copied.txt")


@both
def test_junk_before_the_result_is_passed_over(target: Target, transport: str) -> None:
    fault = target.fault("junk", text="Loading personal profile took 501ms.")
    outcome = target.run(PING, transport)
    assert (outcome.code, outcome.result["ping"], fault.hits) == (OK, "pong", 1)


@both
def test_junk_that_looks_like_a_result_is_a_failure(target: Target, transport: str) -> None:
    target.fault("junk", text="{ not a result")
    outcome = target.run(PING, transport)
    assert outcome.code == FAILED
    assert "Module result deserialization failed" in outcome.text


@both
def test_a_full_disk_fails_a_copy(target: Target, transport: str) -> None:
    target.fault("disk-full")
    outcome = target.run(COPY, transport)
    assert outcome.code == FAILED
    # exec_wrapper.ps1 of ansible-core 2.19 prints the reason as JSON on standard output; the connection plugin
    # reports standard error, which is empty.
    assert outcome.result["msg"] == "Task failed: Unexpected AnsibleError error."
    assert not target.host.files.exists("C:\\copied.txt")
    target.host.faults.clear("disk-full")
    assert target.run(COPY, transport).code == OK


@both
def test_a_locked_file_is_not_replaced(target: Target, transport: str) -> None:
    target.host.files.write_bytes("C:\\copied.txt", b"old")
    target.fault("locked", path="C:\\copied.txt")
    outcome = target.run(COPY, transport)
    assert outcome.code == FAILED
    assert "being used by another process" in outcome.text
    assert target.host.files.read_bytes("C:\\copied.txt") == b"old"
    target.host.faults.clear()
    assert target.run(COPY, transport).code == OK


@both
def test_a_folder_to_which_access_is_denied_refuses_even_administrators(
    target: Target, transport: str
) -> None:
    target.host.files.mkdir("C:\\data")
    before = target.host.files.acl("C:\\data")
    target.fault("denied", path="C:\\data")
    task = {"ansible.windows.win_file": {"path": "C:\\data\\new", "state": "directory"}}
    outcome = target.run(task, transport)
    assert outcome.code == FAILED
    assert "denied" in outcome.text
    target.host.faults.clear()
    assert target.host.files.acl("C:\\data") == before
    assert target.run(task, transport).code == OK


@both
def test_a_service_that_will_not_stop_fails_win_service(target: Target, transport: str) -> None:
    target.host.services.create(Service(name="Spooler", display_name="Print Spooler", image_path="C:\\s.exe"))
    target.host.services.configure("Spooler", state="running")
    target.fault("service", name="Spooler")
    outcome = target.run({"ansible.windows.win_service": {"name": "Spooler", "state": "stopped"}}, transport)
    assert outcome.code == FAILED
    assert "Spooler" in outcome.result["msg"]
    assert target.host.services.require("Spooler").state == "running"


@pytest.mark.parametrize("transport", ["https_basic", "http_ntlm", "psrp_https_basic", "psrp_http_ntlm"])
def test_a_locked_account_is_rejected_like_a_wrong_password(target: Target, transport: str) -> None:
    target.fault("account", name="Administrator")
    outcome = target.run(PING, transport)
    assert outcome.code == UNREACHABLE
    over_psrp = "Failed to authenticate the user Administrator with"
    assert (over_psrp if "psrp" in transport else "credentials were rejected by the server") in outcome.text
    target.host.faults.clear()
    assert target.run(PING, transport).code == OK


@both
@pytest.mark.parametrize(
    ("wrong", "message"), [("name", "IP address mismatch"), ("issuer", "CERTIFICATE_VERIFY_FAILED")]
)
def test_a_certificate_that_does_not_fit_makes_a_host_unreachable(
    target: Target, transport: str, wrong: str, message: str
) -> None:
    target.fault("certificate", wrong=wrong)
    outcome = target.run(PING, transport)
    assert outcome.code == UNREACHABLE
    assert message in outcome.text
    target.host.faults.clear()
    assert target.run(PING, transport).code == OK


@both
def test_a_small_envelope_lets_modules_pass_and_fails_transfers(target: Target, transport: str) -> None:
    target.fault("envelope", kb=350)
    big = target.folder / "big.bin"
    big.write_bytes(bytes(300_000))
    assert target.run(PING, transport).code == OK
    outcome = target.run({"ansible.windows.win_copy": {"src": str(big), "dest": "C:\\big.bin"}}, transport)
    assert outcome.code == FAILED
    assert "envelope larger than the allowed 358400 octets" in outcome.text


@both
def test_no_shell_left_is_unreachable(target: Target, transport: str) -> None:
    target.fault("quota", shells=0)
    outcome = target.run(PING, transport)
    assert outcome.code == UNREACHABLE
    assert "maximum number of concurrent shells" in outcome.text


def test_an_operation_quota_makes_ansible_take_a_new_shell(target: Target) -> None:
    target.fault("quota", operations=1)
    outcome = target.run({**PING, "loop": [1, 2]})
    assert outcome.code == OK, outcome.text


def test_over_psrp_an_operation_quota_fails_the_item_that_exceeds_it(target: Target) -> None:
    target.fault("quota", operations=1)
    outcome = target.run({**PING, "loop": [1, 2]}, PSRP)
    assert outcome.code == FAILED
    first, second = outcome.result["results"]
    assert not first["failed"]
    assert "allowed a maximum number of 1 concurrent operations" in second["msg"]


@both
def test_a_program_ends_with_a_code_and_a_text_of_choice(target: Target, transport: str) -> None:
    target.fault("program", name="whoami.exe", rc=1603, text="Fatal error.", times=1)
    task = {"ansible.windows.win_command": {"_raw_params": "whoami.exe"}}
    outcome = target.run(task, transport)
    assert outcome.code == FAILED
    assert (outcome.result["rc"], outcome.result["stdout"]) == (1603, "Fatal error.\r\n")
    assert target.run(task, transport).code == OK


@both
def test_a_host_that_restarts_is_unreachable_and_comes_back(target: Target, transport: str) -> None:
    boot = target.host.boot_time
    target.fault("reboot", seconds=15)  # longer than the start of ansible-playbook
    outcome = target.run(PING, transport)
    assert outcome.code == UNREACHABLE
    assert target.host.boot_time > boot
    assert (
        target.run({"ansible.builtin.wait_for_connection": {"timeout": 60, "sleep": 1}}, transport).code == OK
    )


@both
def test_win_reboot_waits_out_a_long_restart(target: Target, transport: str) -> None:
    target.fault("outage", seconds=3)
    outcome = target.run({"ansible.windows.win_reboot": {"reboot_timeout": 120}}, transport)
    assert (outcome.code, outcome.result.get("rebooted")) == (OK, True), outcome.text
