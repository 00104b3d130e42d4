"""A served host and the real `connection: psrp`, over each transport."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from winlab.host.model import Host
from winlab.server.service import WinrmService

from winlab import execution, network, pki

PASSWORD = "Pass-word.of:the lab"
TRANSPORTS: dict[str, dict[str, Any]] = {
    "https_basic": {"ansible_psrp_protocol": "https", "ansible_psrp_auth": "basic"},
    "https_ntlm": {"ansible_psrp_protocol": "https", "ansible_psrp_auth": "ntlm"},
    "http_ntlm": {
        "ansible_psrp_protocol": "http",
        "ansible_psrp_auth": "ntlm",
        "ansible_psrp_message_encryption": "always",
    },
}


@dataclass
class Controller:
    """Runs plays and gives each task's result by name and host."""

    host: Host
    service: WinrmService
    folder: Path

    def play(
        self, tasks: list[dict[str, Any]], *arguments: str, **environment: str
    ) -> tuple[int, dict[str, Any], str]:
        hosts = {
            name: {**options, "ansible_port": self.service.ports[options["ansible_psrp_protocol"]]}
            for name, options in TRANSPORTS.items()
        }
        variables = {
            "ansible_host": self.service.address,
            "ansible_connection": "psrp",
            "ansible_psrp_ca_cert": str(self.folder / "ca" / "ca.pem"),
            "ansible_user": "Administrator",
            "ansible_password": PASSWORD,
        }
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": variables}}))
        play = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
        (self.folder / "play.yml").write_text(yaml.safe_dump(play, allow_unicode=True, sort_keys=False))
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                "-i",
                "hosts.yml",
                "play.yml",
                *arguments,
            ],
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
                **environment,
            },
        )
        text = done.stdout + done.stderr
        start = done.stdout.find("{\n")
        document = json.JSONDecoder().raw_decode(done.stdout[start:])[0]
        return (
            done.returncode,
            {task["task"]["name"]: task["hosts"] for task in document["plays"][0]["tasks"]},
            text,
        )


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[Controller]:
    net = network.claim(tmp_path, None, 1)
    pki.ensure_ca(tmp_path / "ca")
    certificate = tmp_path / "certificates" / "win01.pem"
    pki.issue(tmp_path / "ca", "win01", net.address(0), certificate)
    host = Host("win01", {}, tmp_path / "hosts" / "win01")
    host.accounts.update_user("Administrator", disabled=False)
    host.accounts.set_password("Administrator", PASSWORD)
    service = WinrmService(host, execution.run, net.address(0), (0, 0), certificate)
    yield Controller(host, service, tmp_path)
    service.close()
    net.close()
