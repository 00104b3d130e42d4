"""A served host and the real ansible-playbook; each test sets a fault and reads what Ansible says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from winlab.faults import Fault
from winlab.host.model import Host
from winlab.server.service import WinrmService

from winlab import execution, network, pki, programs

PASSWORD = "Pass-word.of:the lab"
UNREACHABLE, FAILED, OK = 4, 2, 0
TRANSPORTS: dict[str, dict[str, Any]] = {
    "https_basic": {"ansible_winrm_scheme": "https", "ansible_winrm_transport": "basic"},
    "http_ntlm": {
        "ansible_winrm_scheme": "http",
        "ansible_winrm_transport": "ntlm",
        "ansible_winrm_message_encryption": "always",
    },
}
PING: dict[str, Any] = {"ansible.windows.win_ping": None}


@dataclass(frozen=True)
class Outcome:
    """One task of a play."""

    code: int
    result: dict[str, Any]
    text: str


@dataclass
class Target:
    """A host with faults, and a controller for it."""

    host: Host
    service: WinrmService
    folder: Path

    def fault(self, kind: str, **values: Any) -> Fault:
        return self.host.faults.set(kind, **values)

    def run(self, task: dict[str, Any], transport: str = "https_basic", **variables: Any) -> Outcome:
        """Run one task with ansible-playbook."""
        options = TRANSPORTS[transport]
        inventory = {
            "all": {
                "hosts": {
                    "win01": {**options, "ansible_port": self.service.ports[options["ansible_winrm_scheme"]]}
                },
                "vars": {
                    "ansible_host": self.service.address,
                    "ansible_connection": "winrm",
                    "ansible_winrm_ca_trust_path": str(self.folder / "ca" / "ca.pem"),
                    "ansible_user": "Administrator",
                    "ansible_password": PASSWORD,
                    # Operations time out after 2 s and reads after 12 s.
                    "ansible_winrm_connection_timeout": 2,
                    **variables,
                },
            }
        }
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        play = [{"hosts": "all", "gather_facts": False, "tasks": [task]}]
        (self.folder / "play.yml").write_text(yaml.safe_dump(play, sort_keys=False))
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.yml", "play.yml"],
            capture_output=True,
            encoding="utf-8",
            cwd=self.folder,
            check=False,
            timeout=300,
            env={
                **os.environ,
                "NO_PROXY": "127.0.0.0/8",
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
                "ANSIBLE_HOME": str(self.folder / "home"),
                "ANSIBLE_CONFIG": "",
                "ANSIBLE_NOCOLOR": "1",
            },
        )
        start = done.stdout.find("{\n")
        document = json.JSONDecoder().raw_decode(done.stdout[start:])[0]
        tasks = document["plays"][0]["tasks"]
        return Outcome(done.returncode, tasks[0]["hosts"]["win01"], done.stdout + done.stderr)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """A host whose maexport.exe works, with the certificates where a lab has them."""
    net = network.claim(tmp_path, None, 1)
    address = net.address(0)
    pki.ensure_ca(tmp_path / "ca")
    certificate = tmp_path / "certificates" / "win01.pem"
    pki.issue(tmp_path / "ca", "win01", address, certificate)
    host = Host("win01", {}, tmp_path / "hosts" / "win01")
    host.accounts.update_user("Administrator", disabled=False)
    host.accounts.set_password("Administrator", PASSWORD)
    programs.install(host, r"C:\Windows\System32\whoami.exe", "whoami")
    service = WinrmService(host, execution.run, address, (0, 0), certificate)
    yield Target(host, service, tmp_path)
    service.close()
    net.close()


Run = Callable[..., Outcome]
