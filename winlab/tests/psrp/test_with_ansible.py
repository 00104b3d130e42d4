"""The real ansible-playbook with `connection: psrp` against a simulated host."""

from __future__ import annotations

import os
from typing import Any

import pytest

from .conftest import TRANSPORTS, Controller

pytestmark = pytest.mark.lab


def test_modules_files_become_async_and_reboots_work_over_every_transport(controller: Controller) -> None:
    big = controller.folder / "big.bin"
    big.write_bytes(os.urandom(700_000))  # many fragments out and back
    (controller.folder / "empty.bin").write_bytes(b"")
    system = {"ansible_become_method": "runas", "ansible_become_user": "SYSTEM"}
    code, results, text = controller.play(
        [
            {"name": "ping", "ansible.windows.win_ping": {"data": "{{ item }}"}, "loop": ["a", "\u00fc\u2019"]},
            {"name": "put", "ansible.windows.win_copy": {"src": str(big), "dest": "C:\\{{ inventory_hostname }}.bin"}},
            {"name": "empty", "ansible.windows.win_copy": {"src": "empty.bin", "dest": "C:\\e_{{ inventory_hostname }}"}},
            {"name": "fetch", "fetch": {"src": "C:\\{{ inventory_hostname }}.bin", "dest": "got/"}},
            {"name": "fetch empty", "fetch": {"src": "C:\\e_{{ inventory_hostname }}", "dest": "got/"}},
            {"name": "slurp", "slurp": {"src": "C:\\{{ inventory_hostname }}.bin"}},
            {"name": "whoami", "ansible.windows.win_whoami": None},
            {"name": "system", "ansible.windows.win_whoami": None, "become": True, "vars": system},
            {"name": "async", "ansible.windows.win_ping": None, "async": 30, "poll": 1},
            {"name": "reboot", "ansible.windows.win_reboot": None},
            {"name": "wait", "wait_for_connection": {"timeout": 20}},
            {"name": "facts", "setup": None},
        ]
    )  # fmt: skip
    assert code == 0, text
    for host in TRANSPORTS:
        assert [item["ping"] for item in results["ping"][host]["results"]] == ["a", "\u00fc\u2019"]
        assert (controller.folder / "got" / host / "C:" / f"{host}.bin").read_bytes() == big.read_bytes()
        assert controller.host.files.read_bytes(f"C:\\{host}.bin") == big.read_bytes()
        assert (controller.folder / "got" / host / "C:" / f"e_{host}").read_bytes() == b""
        assert results["whoami"][host]["account"]["account_name"] == "Administrator"
        assert results["system"][host]["account"]["account_name"] == "SYSTEM"
        assert results["async"][host]["ping"] == "pong"
        assert results["reboot"][host]["rebooted"]
        assert results["facts"][host]["ansible_facts"]["ansible_system_vendor"] == "winlab"
    assert controller.service.shells.count() == 0


def test_exit_codes_and_errors_arrive(controller: Controller) -> None:
    tasks: list[dict[str, Any]] = [
        {"name": "raw", "raw": "exit 7"},
        {"name": "unknown", "raw": "Get-Something | Out-Host"},
        {"name": "typo", "ansible.windows.win_stat": {"pth": "C:\\"}},
        {"name": "missing", "fetch": {"src": "C:\\missing", "dest": "got/"}},
    ]
    code, results, text = controller.play(
        [{**task, "ignore_errors": True} for task in tasks], "-l", "https_ntlm"
    )
    assert code == 0, text
    said = {name: hosts["https_ntlm"] for name, hosts in results.items()}
    assert all(result["failed"] for result in said.values()), text
    assert said["raw"]["rc"] == 7
    assert said["unknown"]["rc"] == 1
    assert "is not modelled" in said["unknown"]["stderr"]
    assert said["typo"]["msg"].startswith(
        "Unsupported parameters for (ansible.windows.win_stat) module: pth. "
    )
    assert "does not exist" in said["missing"]["msg"]


def test_kept_remote_files_work_without_pipelining(controller: Controller) -> None:
    code, results, text = controller.play(
        [{"name": "ping", "ansible.windows.win_ping": None}], "-l", "http_ntlm", ANSIBLE_KEEP_REMOTE_FILES="1"
    )
    assert code == 0, text
    assert results["ping"]["http_ntlm"]["ping"] == "pong"


def test_a_fault_on_opening_the_runspace_is_unreachable(controller: Controller) -> None:
    controller.host.faults.set("wsman", operation="Create", code=5, text="Access is denied.")
    code, _, text = controller.play([{"name": "ping", "ansible.windows.win_ping": None}], "-l", "https_basic")
    assert code == 4
    assert "psrp connection failure during runspace open" in text
