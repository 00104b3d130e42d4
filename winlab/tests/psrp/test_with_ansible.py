"""The real ansible-playbook with `connection: psrp` against a simulated host."""

from __future__ import annotations

import os
from typing import Any

import pytest

from .conftest import PSRP, Served

pytestmark = pytest.mark.lab


def test_modules_files_become_async_and_reboots_work_over_every_transport(served: Served) -> None:
    big = served.folder / "big.bin"
    big.write_bytes(os.urandom(700_000))  # many fragments out and back
    (served.folder / "empty.bin").write_bytes(b"")
    system = {"ansible_become_method": "runas", "ansible_become_user": "SYSTEM"}
    outcome = served.play(
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
        ],
        transports=PSRP,
    )  # fmt: skip
    assert outcome.code == 0, outcome.text
    results = outcome.by_name
    for host in PSRP:
        assert [item["ping"] for item in results["ping"][host]["results"]] == ["a", "\u00fc\u2019"]
        assert (served.folder / "got" / host / "C:" / f"{host}.bin").read_bytes() == big.read_bytes()
        assert served.host.files.read_bytes(f"C:\\{host}.bin") == big.read_bytes()
        assert (served.folder / "got" / host / "C:" / f"e_{host}").read_bytes() == b""
        assert results["whoami"][host]["account"]["account_name"] == "Administrator"
        assert results["system"][host]["account"]["account_name"] == "SYSTEM"
        assert results["async"][host]["ping"] == "pong"
        assert results["reboot"][host]["rebooted"]
        assert results["facts"][host]["ansible_facts"]["ansible_system_vendor"] == "winlab"
    assert served.service.shells.count() == 0


def test_exit_codes_and_errors_arrive(served: Served) -> None:
    tasks: list[dict[str, Any]] = [
        {"name": "raw", "raw": "exit 7"},
        {"name": "unknown", "raw": "Get-Something | Out-Host"},
        {"name": "typo", "ansible.windows.win_stat": {"pth": "C:\\"}},
        {"name": "missing", "fetch": {"src": "C:\\missing", "dest": "got/"}},
    ]
    outcome = served.play(
        [{**task, "ignore_errors": True} for task in tasks], transports=("psrp_https_ntlm",)
    )
    assert outcome.code == 0, outcome.text
    said = {name: hosts["psrp_https_ntlm"] for name, hosts in outcome.tasks}
    assert all(result["failed"] for result in said.values()), outcome.text
    assert said["raw"]["rc"] == 7
    assert said["unknown"]["rc"] == 1
    assert "is not modelled" in said["unknown"]["stderr"]
    assert said["typo"]["msg"].startswith(
        "Unsupported parameters for (ansible.windows.win_stat) module: pth. "
    )
    assert "does not exist" in said["missing"]["msg"]


def test_kept_remote_files_work_without_pipelining(served: Served) -> None:
    outcome = served.play(
        [{"name": "ping", "ansible.windows.win_ping": None}],
        transports=("psrp_http_ntlm",),
        environment={"ANSIBLE_KEEP_REMOTE_FILES": "1"},
    )
    assert outcome.code == 0, outcome.text
    assert outcome.result["ping"] == "pong"
