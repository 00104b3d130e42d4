"""The real ansible-playbook against a simulated host, over every transport."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import PASSWORD, Served

pytestmark = pytest.mark.lab

TRANSPORTS: dict[str, dict[str, Any]] = {
    "https_basic": {"ansible_winrm_scheme": "https", "ansible_winrm_transport": "basic"},
    "https_ntlm": {"ansible_winrm_scheme": "https", "ansible_winrm_transport": "ntlm"},
    "http_ntlm": {
        "ansible_winrm_scheme": "http",
        "ansible_winrm_transport": "ntlm",
        "ansible_winrm_message_encryption": "always",
    },
}


class Controller:
    """Runs plays and gives each task's result by name and host."""

    def __init__(self, folder: Path, served: Served) -> None:
        self.folder = folder
        self._served = served
        self.environment = {
            **os.environ,
            "NO_PROXY": "127.0.0.0/8",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_CONFIG": "",
            "ANSIBLE_NOCOLOR": "1",
        }

    def inventory(self, changes: dict[str, Any]) -> Path:
        service = self._served.service
        hosts = {
            name: {**options, "ansible_port": service.ports[str(options["ansible_winrm_scheme"])]}
            for name, options in TRANSPORTS.items()
        }
        variables = {
            "ansible_host": service.address,
            "ansible_connection": "winrm",
            "ansible_winrm_ca_trust_path": str(self._served.ca),
            "ansible_user": "Administrator",
            "ansible_password": PASSWORD,
            **changes,
        }
        path = self.folder / "hosts.yml"
        path.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": variables}}, allow_unicode=True))
        return path

    def play(
        self, tasks: list[dict[str, Any]], *arguments: str, **variables: Any
    ) -> tuple[int, dict[str, Any], str]:
        play = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
        path = self.folder / "play.yml"
        path.write_text(yaml.safe_dump(play, allow_unicode=True, sort_keys=False))
        program = Path(sys.executable).with_name("ansible-playbook")
        done = subprocess.run(
            [str(program), "-i", str(self.inventory(variables)), str(path), *arguments],
            capture_output=True,
            encoding="utf-8",
            env=self.environment,
            cwd=self.folder,
            check=False,
        )
        text = done.stdout + done.stderr
        start = done.stdout.find("{\n")
        results: dict[str, Any] = {}
        if start >= 0:
            document = json.JSONDecoder().raw_decode(done.stdout[start:])[0]
            for task in document["plays"][0]["tasks"]:
                results[task["task"]["name"]] = task["hosts"]
        return done.returncode, results, text


@pytest.fixture
def controller(served: Served, tmp_path: Path) -> Controller:
    return Controller(tmp_path, served)


def test_modules_files_become_async_and_reboots_work_over_every_transport(controller: Controller) -> None:
    big = controller.folder / "big.bin"
    big.write_bytes(os.urandom(600_000))  # three Sends out, two fetches back
    user = {
        "ansible_become_method": "runas",
        "ansible_become_pass": "Become-1.secret",
        "ansible_become_user": "b_{{ inventory_hostname }}",
    }
    code, results, text = controller.play(
        [
            {"name": "ping", "ansible.windows.win_ping": {"data": "{{ item }}"}, "loop": ["a", "\u00fc\u2019"]},
            {"name": "put", "ansible.windows.win_copy": {"src": str(big), "dest": "C:\\{{ inventory_hostname }}.bin"}},
            {"name": "fetch", "fetch": {"src": "C:\\{{ inventory_hostname }}.bin", "dest": "got/"}},
            {"name": "slurp", "slurp": {"src": "C:\\{{ inventory_hostname }}.bin"}},
            {
                "name": "user",
                "ansible.windows.win_user": {"name": "b_{{ inventory_hostname }}", "password": "Become-1.secret"},
            },
            {"name": "whoami", "ansible.windows.win_whoami": None},
            {"name": "become", "ansible.windows.win_whoami": None, "become": True, "vars": user},
            {"name": "system", "ansible.windows.win_whoami": None, "become": True,
             "vars": {"ansible_become_method": "runas", "ansible_become_user": "SYSTEM"}},
            {"name": "async", "ansible.windows.win_ping": None, "async": 30, "poll": 1},
            {"name": "reboot", "ansible.windows.win_reboot": None},
            {"name": "wait", "wait_for_connection": {"timeout": 20}},
            {"name": "facts", "setup": None},
        ]
    )  # fmt: skip
    assert code == 0, text
    for host in TRANSPORTS:
        assert [item["ping"] for item in results["ping"][host]["results"]] == ["a", "\u00fc\u2019"]
        assert results["put"][host]["changed"]
        assert (controller.folder / "got" / host / "C:" / f"{host}.bin").read_bytes() == big.read_bytes()
        assert results["whoami"][host]["account"]["account_name"] == "Administrator"
        assert results["become"][host]["account"]["account_name"] == f"b_{host}"
        assert results["system"][host]["account"]["account_name"] == "SYSTEM"
        assert results["async"][host]["finished"] in (True, 1)
        assert results["async"][host]["ping"] == "pong"
        assert results["reboot"][host]["rebooted"]
        assert results["facts"][host]["ansible_facts"]["ansible_system_vendor"] == "winlab"


def test_what_is_not_modelled_or_wrong_fails_and_names_itself(controller: Controller) -> None:
    tasks: list[dict[str, Any]] = [
        {"name": "typo", "ansible.windows.win_stat": {"pth": "C:\\"}},
        {"name": "no twin", "community.windows.win_toast": {"msg": "x"}},
        {"name": "raw", "raw": "Get-Something | Out-Host"},
        {"name": "python", "ansible.builtin.command": "ls"},
        {
            "name": "become",
            "ansible.windows.win_whoami": None,
            "become": True,
            "vars": {
                "ansible_become_method": "runas",
                "ansible_become_user": "Administrator",
                "ansible_become_pass": "wrong",
            },
        },
    ]
    code, results, text = controller.play(
        [{**task, "ignore_errors": True} for task in tasks], "-l", "https_ntlm"
    )
    assert code == 0, text
    said = {name: hosts["https_ntlm"] for name, hosts in results.items()}
    assert all(result["failed"] for result in said.values())
    assert said["typo"]["msg"].startswith(
        "Unsupported parameters for (ansible.windows.win_stat) module: pth. "
    )
    assert said["typo"]["invocation"] == {"module_args": {"pth": "C:\\"}}
    assert "winlab: module community.windows.win_toast is not modelled." in said["no twin"]["msg"]
    assert "is not modelled" in said["raw"]["stderr"]
    assert said["raw"]["rc"] == 1
    assert "No start of json char found" in said["python"]["msg"]
    assert "The user name or password is incorrect, Win32ErrorCode 1326" in said["become"]["msg"]


def test_secrets_are_masked_as_the_module_masks_them(controller: Controller) -> None:
    canary = "Canary-7.secret"
    task = {"name": "user", "ansible.windows.win_user": {"name": "c", "password": canary, "groups": "Users"}}
    code, results, text = controller.play([task], "-l", "https_ntlm", "-vvvvv")
    assert code == 0, text
    assert results["user"]["https_ntlm"]["invocation"]["module_args"]["password"] == (
        "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    )
    assert canary not in text


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"ansible_password": "wrong"}, "the specified credentials were rejected by the server"),
        ({"ansible_winrm_ca_trust_path": "/etc/ssl/certs/ca-certificates.crt"}, "CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_a_host_that_cannot_be_trusted_or_logged_on_to_is_unreachable(
    controller: Controller, variables: dict[str, Any], message: str
) -> None:
    if "ca_trust" in str(variables) and not Path(variables["ansible_winrm_ca_trust_path"]).exists():
        pytest.skip("no system certificates")
    code, _, text = controller.play(
        [{"name": "ping", "ansible.windows.win_ping": None}], "-l", "https_basic", **variables
    )
    assert code == 4
    assert message in text


def test_kept_remote_files_work_without_pipelining(controller: Controller, served: Served) -> None:
    controller.environment["ANSIBLE_KEEP_REMOTE_FILES"] = "1"
    code, results, text = controller.play(
        [{"name": "ping", "ansible.windows.win_ping": None}], "-l", "http_ntlm"
    )
    assert code == 0, text
    assert results["ping"]["http_ntlm"]["ping"] == "pong"
    assert any(entry.name == "AnsiballZ_win_ping.ps1" for entry in served.host.files.walk("C:\\Users"))


def test_a_module_of_another_version_is_refused_by_name(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from winlab import pins

    known = pins.pinned()
    name = "ansible.windows.win_ping"
    monkeypatch.setattr(pins, "_load", lambda: {**known, name: replace(known[name], module="0" * 64)})
    code, results, text = controller.play(
        [{"name": "ping", "ansible.windows.win_ping": None}], "-l", "http_ntlm"
    )
    assert code == 2, text
    msg = results["ping"]["http_ntlm"]["msg"]
    assert msg.startswith("winlab: ansible.windows.win_ping: module source: SHA-256 ")
    assert "`winlab pins --update ansible.windows.win_ping`" in msg


def test_a_large_file_is_streamed_to_disk(controller: Controller, serve: Callable[..., Served]) -> None:
    """Resident memory of the serving process grows by less than 32 MiB for 50 MiB in and out."""
    import resource

    big = controller.folder / "big.bin"
    with big.open("wb") as stream:
        for _ in range(50):
            stream.write(os.urandom(1024 * 1024))
    tasks = [
        {"name": "put", "ansible.windows.win_copy": {"src": str(big), "dest": "C:\\big.bin"}},
        {"name": "fetch", "fetch": {"src": "C:\\big.bin", "dest": "got/"}},
    ]
    controller.play([{"name": "ping", "ansible.windows.win_ping": None}], "-l", "http_ntlm")  # warm up
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code, _, text = controller.play(tasks, "-l", "http_ntlm")
    assert code == 0, text
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


def test_a_file_that_nobody_else_may_read_is_told_by_every_way_to_its_content(
    controller: Controller, served: Served
) -> None:
    files = served.host.files
    files.mkdir("C:\\data")
    files.write_bytes("C:\\data\\closed.mdf", b"secret")
    files.lock("C:\\data\\closed.mdf", "a database server", exclusive=True)
    path, copy = "C:\\data\\closed.mdf", "C:\\data\\copy.mdf"
    tasks: list[dict[str, Any]] = [
        {"name": "stat", "ansible.windows.win_stat": {"path": path}},
        {"name": "fetch", "fetch": {"src": path, "dest": "got/"}},
        {"name": "slurp", "slurp": {"src": path}},
        {"name": "copy", "ansible.windows.win_copy": {"src": path, "dest": copy, "remote_src": True}},
        {"name": "size", "ansible.windows.win_stat": {"path": path, "get_checksum": False}},
        {"name": "find", "ansible.windows.win_find": {"paths": "C:\\data", "checksum_algorithm": "sha256"}},
    ]
    code, results, text = controller.play(
        [{**task, "ignore_errors": True} for task in tasks], "-l", "https_basic"
    )
    said = {name: hosts["https_basic"] for name, hosts in results.items()}
    assert code == 0, text
    for name in ("stat", "fetch", "slurp", "copy"):
        assert said[name]["failed"], name
        assert "because it is being used by another process" in str(said[name]), name
    assert said["size"]["stat"]["size"] == len(b"secret")
    assert said["find"]["files"][0]["checksum"] is None
    assert not files.exists(copy)
    assert not (controller.folder / "got").exists()
