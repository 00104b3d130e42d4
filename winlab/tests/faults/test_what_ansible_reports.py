"""Each fault, and what Ansible makes of it (winrm_wire.md 6.1): unreachable, failed, or nothing at all.

The faults are met by scenes (see scenes.py), so that one start of `ansible-playbook` serves for all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from winlab.host.model import Host
from winlab.host.services import Service

from winlab import programs

from .. import scenes
from ..scenes import Play, Scene
from ..served import FAILED, OK, TRANSPORTS, UNREACHABLE, Served, enable_administrator

pytestmark = pytest.mark.lab

WINRM, PSRP = "https_basic", "psrp_https_basic"
PING: dict[str, Any] = {"ansible.windows.win_ping": None}
COPY = {"ansible.windows.win_copy": {"content": "some text", "dest": "C:\\copied.txt"}}
# Operations time out after 2 s, and reads after 12 s, or 5 s where that is what is looked at.
SHORT: dict[str, Any] = {
    "ansible_winrm_connection_timeout": 2,
    "ansible_psrp_operation_timeout": 2,
    "ansible_psrp_read_timeout": 12,
}
IMPATIENT: dict[str, Any] = {
    "ansible_winrm_operation_timeout_sec": 2,
    "ansible_winrm_read_timeout_sec": 5,
    "ansible_psrp_operation_timeout": 2,
    "ansible_psrp_read_timeout": 5,
}
SCENES: list[Scene] = []


def scene(
    *transports: str, variables: dict[str, Any] = SHORT, **values: Any
) -> Callable[[Callable[..., Play]], Callable[..., Play]]:
    """Make a generator function a scene over each of these transports, over winrm and psrp without any.

    Args:
        transports: names of `served.TRANSPORTS`.
        variables: of the inventory host.
        values: further arguments of the function, a list each; there is a scene for each place in them.
    """

    def register(play: Callable[..., Play]) -> Callable[..., Play]:
        rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)] or [{}]
        for transport in transports or (WINRM, PSRP):
            for row in rows:
                told = "".join(f"-{value}" for value in row.values())
                name = f"{play.__name__}-{transport}{told}"
                steps = partial(play, psrp=transport in _PSRP, **row)
                SCENES.append(Scene(name, steps, transport, variables))
        return play

    return register


_PSRP = [name for name, options in TRANSPORTS.items() if options["ansible_connection"] == "psrp"]

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
    ("wsman", "Send", {"code": 170}, FAILED, "(Code: 170, Machine: {computer}, Reason: A fault was injected.)"),
    ("wsman", "Receive", {"code": 2150858793, "nth": 2, "times": 3}, OK, ""),
]  # fmt: skip


def _of_the_wire(
    target: Served, kind: str, operation: str, values: dict[str, Any], code: int, message: str
) -> Play:
    """A fault strikes one operation; the next task is not touched by it."""
    fault = target.host.faults.set(kind, operation=operation, **values)
    said = yield PING
    assert said.code == code, said.text
    assert message.format(computer=target.host.computer_name) in said.text
    assert fault.hits
    target.host.faults.clear()
    said = yield PING
    assert said.code == OK, said.text


def _scenes_of_the_wire() -> None:
    for transport, table in ((WINRM, OVER_WINRM), (PSRP, OVER_PSRP)):
        for kind, operation, values, code, message in table:
            told = f"{kind}-{operation}-{values.get('code', '')}-{values.get('nth', '')}"
            steps = partial(
                _of_the_wire, kind=kind, operation=operation, values=values, code=code, message=message
            )
            SCENES.append(Scene(f"of_the_wire-{transport}-{told}", steps, transport, SHORT))


_scenes_of_the_wire()


@scene(WINRM, variables=IMPATIENT, operation=["Create", "Receive"])
def a_host_that_does_not_answer_is_unreachable_after_the_read_timeout(
    target: Served, operation: str, psrp: bool
) -> Play:
    target.host.faults.set("hang", operation=operation)
    said = yield PING
    assert said.code == UNREACHABLE, said.text
    assert "Read timed out" in said.text


@scene(PSRP, variables=IMPATIENT, operation=["Create", "Command", "Receive"], code=[FAILED, UNREACHABLE, OK])
def over_psrp_a_host_that_does_not_answer_fails_is_unreachable_or_is_asked_again(
    target: Served, operation: str, code: int, psrp: bool
) -> Play:
    """pypsrp repeats a Receive; while the pool is opened a read timeout is no failure to connect for it."""
    target.host.faults.set("hang", operation=operation)
    said = yield PING
    assert said.code == code, said.text
    assert ("Read timed out" in said.text) == (code != OK)


@scene(PSRP)
def over_psrp_a_lost_signal_fails_the_next_item_of_a_loop(target: Served, psrp: bool) -> Play:
    fault = target.host.faults.set("drop", operation="Signal")
    said = yield {**PING, "loop": [1, 2, 3]}
    assert fault.hits
    assert said.code == FAILED, said.text


@scene("http_ntlm")
def a_drop_under_message_encryption_cannot_be_taken_up_again(target: Served, psrp: bool) -> Play:
    target.host.faults.set("drop", operation="Receive")
    said = yield PING
    assert said.code == FAILED, said.text
    assert "Failed to cleanup" in said.text


@scene()
def a_drop_after_the_module_has_run_fails_the_task_and_keeps_the_change(target: Served, psrp: bool) -> Play:
    target.host.faults.set("half", operation="Receive", nth=2 if psrp else 1)
    folder = {"ansible.windows.win_file": {"path": "C:\\made", "state": "directory"}}
    said = yield folder
    assert said.code == FAILED
    assert target.host.files.is_dir("C:\\made")
    again = yield folder
    assert (again.code, again.result["changed"]) == (OK, False)


@scene()
def the_nth_operation_is_the_one_that_fails(target: Served, psrp: bool) -> Play:
    target.host.faults.set("drop", operation="Command", nth=2)
    said = yield {**PING, "loop": [1, 2, 3]}
    assert said.code == FAILED
    assert [bool(item.get("failed")) for item in said.result["results"]] == [False, True, False]


@scene()
def a_wrong_check_sum_of_a_transfer_is_found(target: Served, psrp: bool) -> Play:
    target.host.faults.set("sha1")
    said = yield COPY
    assert said.code == FAILED
    assert "does not match" in said.text
    assert not target.host.files.exists("C:\\copied.txt")


@scene()
def junk_before_the_result_is_passed_over(target: Served, psrp: bool) -> Play:
    fault = target.host.faults.set("junk", text="Loading personal profile took 501ms.")
    said = yield PING
    assert (said.code, said.result["ping"], fault.hits) == (OK, "pong", 1)


@scene()
def junk_that_looks_like_a_result_is_a_failure(target: Served, psrp: bool) -> Play:
    target.host.faults.set("junk", text="{ not a result")
    said = yield PING
    assert said.code == FAILED
    assert "Module result deserialization failed" in said.text


@scene()
def a_full_disk_fails_a_copy(target: Served, psrp: bool) -> Play:
    target.host.faults.set("disk-full")
    said = yield COPY
    assert said.code == FAILED
    # exec_wrapper.ps1 of ansible-core 2.19 prints the reason as JSON on standard output; the connection plugin
    # reports standard error, which is empty.
    assert said.result["msg"] == "Task failed: Unexpected AnsibleError error."
    assert not target.host.files.exists("C:\\copied.txt")
    target.host.faults.clear("disk-full")
    assert (yield COPY).code == OK


@scene()
def a_locked_file_is_not_replaced(target: Served, psrp: bool) -> Play:
    target.host.files.write_bytes("C:\\copied.txt", b"old")
    target.host.faults.set("locked", path="C:\\copied.txt")
    said = yield COPY
    assert said.code == FAILED
    assert "being used by another process" in said.text
    assert target.host.files.read_bytes("C:\\copied.txt") == b"old"
    target.host.faults.clear()
    assert (yield COPY).code == OK


@scene()
def a_folder_to_which_access_is_denied_refuses_even_administrators(target: Served, psrp: bool) -> Play:
    target.host.files.mkdir("C:\\data")
    before = target.host.files.acl("C:\\data")
    target.host.faults.set("denied", path="C:\\data")
    task = {"ansible.windows.win_file": {"path": "C:\\data\\new", "state": "directory"}}
    said = yield task
    assert said.code == FAILED
    assert "denied" in said.text
    target.host.faults.clear()
    assert target.host.files.acl("C:\\data") == before
    assert (yield task).code == OK


@scene()
def a_service_that_will_not_stop_fails_win_service(target: Served, psrp: bool) -> Play:
    target.host.services.create(Service(name="Spooler", display_name="Print Spooler", image_path="C:\\s.exe"))
    target.host.services.configure("Spooler", state="running")
    target.host.faults.set("service", name="Spooler")
    said = yield {"ansible.windows.win_service": {"name": "Spooler", "state": "stopped"}}
    assert said.code == FAILED
    assert "Spooler" in said.result["msg"]
    assert target.host.services.require("Spooler").state == "running"


@scene("https_basic", "http_ntlm", "psrp_https_basic", "psrp_http_ntlm")
def a_locked_account_is_rejected_like_a_wrong_password(target: Served, psrp: bool) -> Play:
    target.host.faults.set("account", name="Administrator")
    said = yield PING
    assert said.code == UNREACHABLE
    over_psrp = "Failed to authenticate the user Administrator with"
    assert (over_psrp if psrp else "credentials were rejected by the server") in said.text
    target.host.faults.clear()
    assert (yield PING).code == OK


@scene(wrong=["name", "issuer"], message=["IP address mismatch", "CERTIFICATE_VERIFY_FAILED"])
def a_certificate_that_does_not_fit_makes_a_host_unreachable(
    target: Served, wrong: str, message: str, psrp: bool
) -> Play:
    target.host.faults.set("certificate", wrong=wrong)
    said = yield PING
    assert said.code == UNREACHABLE
    assert message in said.text
    target.host.faults.clear()
    assert (yield PING).code == OK


@scene()
def a_small_envelope_lets_modules_pass_and_fails_transfers(target: Served, psrp: bool) -> Play:
    target.host.faults.set("envelope", kb=350)
    big = target.folder / "big.bin"
    big.write_bytes(bytes(300_000))
    assert (yield PING).code == OK
    said = yield {"ansible.windows.win_copy": {"src": str(big), "dest": "C:\\big.bin"}}
    assert said.code == FAILED
    assert "envelope larger than the allowed 358400 octets" in said.text


@scene()
def no_shell_left_is_unreachable(target: Served, psrp: bool) -> Play:
    target.host.faults.set("quota", shells=0)
    said = yield PING
    assert said.code == UNREACHABLE
    assert "maximum number of concurrent shells" in said.text


@scene(WINRM)
def an_operation_quota_makes_ansible_take_a_new_shell(target: Served, psrp: bool) -> Play:
    target.host.faults.set("quota", operations=1)
    said = yield {**PING, "loop": [1, 2]}
    assert said.code == OK, said.text


@scene(PSRP)
def over_psrp_an_operation_quota_fails_the_item_that_exceeds_it(target: Served, psrp: bool) -> Play:
    target.host.faults.set("quota", operations=1)
    said = yield {**PING, "loop": [1, 2]}
    assert said.code == FAILED
    first, second = said.result["results"]
    assert not first["failed"]
    assert "allowed a maximum number of 1 concurrent operations" in second["msg"]


@scene()
def a_program_ends_with_a_code_and_a_text_of_choice(target: Served, psrp: bool) -> Play:
    target.host.faults.set("program", name="whoami.exe", rc=1603, text="Fatal error.", times=1)
    task = {"ansible.windows.win_command": {"_raw_params": "whoami.exe"}}
    said = yield task
    assert said.code == FAILED
    assert (said.result["rc"], said.result["stdout"]) == (1603, "Fatal error.\r\n")
    assert (yield task).code == OK


@scene()
def a_host_that_restarts_is_unreachable_and_comes_back(target: Served, psrp: bool) -> Play:
    boot = target.host.boot_time
    # Longer than the tasks of all other scenes of this round take.
    target.host.faults.set("reboot", seconds=300)
    said = yield PING
    assert said.code == UNREACHABLE
    assert target.host.boot_time > boot
    target.host.faults.clear()
    target.host.faults.set("reboot", seconds=6)
    said = yield {"ansible.builtin.wait_for_connection": {"timeout": 60, "sleep": 1}}
    assert said.code == OK, said.text


@scene()
def win_reboot_waits_out_a_long_restart(target: Served, psrp: bool) -> Play:
    target.host.faults.set("outage", seconds=3)
    said = yield {"ansible.windows.win_reboot": {"reboot_timeout": 120}}
    assert (said.code, said.result.get("rebooted")) == (OK, True), said.text


def _fill(host: Host) -> None:
    enable_administrator(host)
    programs.install(host, r"C:\Windows\System32\whoami.exe", "whoami")


@pytest.fixture(scope="module")
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, BaseException | None]:
    """How each scene that this session is to run has ended."""
    return scenes.run(tmp_path_factory.mktemp("scenes"), scenes.chosen(request, SCENES), _fill)


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_what_ansible_reports_of_a_fault(scene: Scene, told: dict[str, BaseException | None]) -> None:
    error = told[scene.name]
    if error is not None:
        raise error
