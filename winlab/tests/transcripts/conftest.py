"""A served host built from the usual template, and a controller that records what it does there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from winlab.host.model import Host
from winlab.products import templates
from winlab.server.service import WinrmService
from winlab.transcripts import plugin

from winlab import execution, network, pki

PASSWORD = "Pass-word.of:the lab\u00e9"
TRANSPORTS: dict[str, dict[str, Any]] = {
    "https_basic": {
        "ansible_connection": "recorded_winrm",
        "ansible_winrm_scheme": "https",
        "ansible_winrm_transport": "basic",
    },
    "http_ntlm": {
        "ansible_connection": "recorded_winrm",
        "ansible_winrm_scheme": "http",
        "ansible_winrm_transport": "ntlm",
        "ansible_winrm_message_encryption": "always",
    },
    "http_psrp": {
        "ansible_connection": "recorded_psrp",
        "ansible_winrm_scheme": "http",
        "ansible_psrp_protocol": "http",
        "ansible_psrp_auth": "ntlm",
        "ansible_psrp_message_encryption": "always",
    },
}


@dataclass
class Target:
    """Where a play goes."""

    address: str
    ports: dict[str, int]
    ca: Path
    password: str = PASSWORD


@dataclass
class Controller:
    """Runs plays; their transcripts lie in `transcripts`."""

    folder: Path
    target: Target
    transcripts: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.transcripts = self.folder / "transcripts"
        self.environment = {
            **os.environ,
            "NO_PROXY": "127.0.0.0/8",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_CONFIG": "",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CONNECTION_PLUGINS": str(plugin.folder()),
        }

    def play(
        self, transport: str, tasks: list[dict[str, Any]], *arguments: str, **variables: Any
    ) -> tuple[int, dict[str, Any], str]:
        options = TRANSPORTS[transport]
        host = {**options, "ansible_port": self.target.ports[options["ansible_winrm_scheme"]]}
        common = {
            "ansible_host": self.target.address,
            "ansible_winrm_ca_trust_path": str(self.target.ca),
            "ansible_user": "Administrator",
            "ansible_password": self.target.password,
            "ansible_transcript_dir": str(self.transcripts),
            **variables,
        }
        inventory = {"all": {"hosts": {"real01": host}, "vars": common}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory, allow_unicode=True))
        play = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
        (self.folder / "play.yml").write_text(yaml.safe_dump(play, allow_unicode=True, sort_keys=False))
        program = Path(sys.executable).with_name("ansible-playbook")
        done = subprocess.run(
            [str(program), "-i", "hosts.yml", "play.yml", *arguments],
            capture_output=True,
            encoding="utf-8",
            env=self.environment,
            cwd=self.folder,
            check=False,
        )
        start = done.stdout.find("{\n")
        results: dict[str, Any] = {}
        if start >= 0:
            document = json.JSONDecoder().raw_decode(done.stdout[start:])[0]
            results = {
                task["task"]["name"]: task["hosts"]["real01"] for task in document["plays"][0]["tasks"]
            }
        return done.returncode, results, done.stdout + done.stderr

    def transcript(self) -> Path:
        """The only transcript there is."""
        (found,) = self.transcripts.rglob("*.jsonl")
        return found


@pytest.fixture(scope="session")
def ca_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ca")
    pki.ensure_ca(folder)
    return folder


def template_host(folder: Path, name: str = "win01") -> Host:
    definition = {
        "template": "windows-server-2016",
        "administrator": {"name": "Administrator", "password": "p"},
        "winrm": {"http": {"basic": False}},
    }
    host = Host(name, definition, folder)
    templates.build(host, definition, {"p": PASSWORD}, folder)
    return host


@pytest.fixture
def serve(tmp_path: Path, ca_folder: Path) -> Iterator[Callable[[], Target]]:
    opened: list[WinrmService] = []
    net = network.claim(tmp_path, None, 1)

    def start() -> Target:
        address = net.address(len(opened))
        pki.issue(ca_folder, "win01", address, tmp_path / "win01.pem")
        host = template_host(tmp_path / "win01")
        opened.append(WinrmService(host, execution.run, address, (0, 0), tmp_path / "win01.pem"))
        return Target(address, opened[-1].ports, ca_folder / "ca.pem")

    yield start
    for service in opened:
        service.close()
    net.close()


@pytest.fixture
def controller(serve: Callable[[], Target], tmp_path: Path) -> Controller:
    return Controller(tmp_path / "controller", serve())
