"""A simulated host that answers on loopback, and the real `ansible-playbook` on it: shared by the tests of the wire."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from winlab.host.model import Host
from winlab.server.service import WinrmService

from winlab import execution, network, pki

PASSWORD = "Pass-word.of:the lab"
UNREACHABLE, FAILED, OK = 4, 2, 0

TRANSPORTS: dict[str, dict[str, Any]] = {
    "https_basic": {
        "ansible_connection": "winrm",
        "ansible_winrm_scheme": "https",
        "ansible_winrm_transport": "basic",
    },
    "https_ntlm": {
        "ansible_connection": "winrm",
        "ansible_winrm_scheme": "https",
        "ansible_winrm_transport": "ntlm",
    },
    "http_ntlm": {
        "ansible_connection": "winrm",
        "ansible_winrm_scheme": "http",
        "ansible_winrm_transport": "ntlm",
        "ansible_winrm_message_encryption": "always",
    },
    "psrp_https_basic": {
        "ansible_connection": "psrp",
        "ansible_psrp_protocol": "https",
        "ansible_psrp_auth": "basic",
    },
    "psrp_https_ntlm": {
        "ansible_connection": "psrp",
        "ansible_psrp_protocol": "https",
        "ansible_psrp_auth": "ntlm",
    },
    "psrp_http_ntlm": {
        "ansible_connection": "psrp",
        "ansible_psrp_protocol": "http",
        "ansible_psrp_auth": "ntlm",
        "ansible_psrp_message_encryption": "always",
    },
}
PSRP = tuple(name for name in TRANSPORTS if name.startswith("psrp_"))
WINRM = tuple(name for name in TRANSPORTS if name not in PSRP)


@dataclass(frozen=True)
class Outcome:
    """What a play said.

    Attributes:
        code: exit code of ansible-playbook.
        tasks: for each task in order its name and its result by host.
        text: everything that was printed.
    """

    code: int
    tasks: list[tuple[str, dict[str, Any]]]
    text: str
    times: list[tuple[str, str]] = field(default_factory=list)

    @property
    def by_name(self) -> dict[str, dict[str, Any]]:
        """Results by task name and host."""
        return dict(self.tasks)

    @property
    def result(self) -> dict[str, Any]:
        """The result of the first task on its only host."""
        (found,) = self.tasks[0][1].values()
        return dict(found)


@dataclass
class Served:
    """A host that answers, and a controller for it."""

    host: Host
    service: WinrmService
    folder: Path
    ca: Path
    password: str = field(default=PASSWORD, repr=False)
    variables: dict[str, Any] = field(default_factory=dict, repr=False)

    def play(
        self,
        tasks: list[dict[str, Any]],
        *arguments: str,
        transports: tuple[str, ...] = ("https_basic",),
        environment: dict[str, str] | None = None,
        **variables: Any,
    ) -> Outcome:
        """Run tasks with ansible-playbook, on one inventory host a transport, named after it."""
        hosts = {name: self.reached_by(name, **variables) for name in transports}
        play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
        return run_plays(self.folder, hosts, [play], *arguments, environment=environment)

    def reached_by(self, transport: str, **variables: Any) -> dict[str, Any]:
        """The variables of an inventory host for a connection to this one."""
        options = TRANSPORTS[transport]
        scheme = options.get("ansible_winrm_scheme") or options["ansible_psrp_protocol"]
        return {
            **options,
            "ansible_port": self.service.ports[scheme],
            "ansible_host": self.service.address,
            "ansible_winrm_ca_trust_path": str(self.ca),
            "ansible_psrp_ca_cert": str(self.ca),
            "ansible_user": "Administrator",
            "ansible_password": self.password,
            **self.variables,
            **variables,
        }


def run_plays(
    folder: Path,
    hosts: dict[str, dict[str, Any]],
    plays: list[dict[str, Any]],
    *arguments: str,
    environment: dict[str, str] | None = None,
) -> Outcome:
    """Run plays with ansible-playbook on an inventory of these hosts and their variables."""
    write_yaml(folder / "hosts.yml", {"all": {"hosts": hosts}})
    write_yaml(folder / "play.yml", plays)
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
        cwd=folder,
        check=False,
        timeout=600,
        env={
            **os.environ,
            "NO_PROXY": "127.0.0.0/8",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_CONFIG": "",
            "ANSIBLE_NOCOLOR": "1",
            **(environment or {}),
        },
    )
    return _outcome(done)


def write_yaml(path: Path, content: Any) -> None:
    """Write a document for Ansible."""
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _outcome(done: subprocess.CompletedProcess[str]) -> Outcome:
    tasks: list[tuple[str, dict[str, Any]]] = []
    times: list[tuple[str, str]] = []
    start = done.stdout.find("{\n")
    if start >= 0:
        document = json.JSONDecoder().raw_decode(done.stdout[start:])[0]
        for play in document["plays"]:
            for task in play["tasks"]:
                tasks.append((task["task"]["name"], task["hosts"]))
                duration = task["task"]["duration"]
                times.append((duration.get("start", ""), duration.get("end", "")))
    return Outcome(done.returncode, tasks, done.stdout + done.stderr, times)


Fill = Callable[[Host], None]


def enable_administrator(host: Host, password: str = PASSWORD) -> None:
    """Let the built-in administrator of a bare host log on."""
    host.accounts.update_user("Administrator", disabled=False)
    host.accounts.set_password("Administrator", password)


@contextlib.contextmanager
def serving(folder: Path, count: int) -> Iterator[Callable[..., Served]]:
    """Serve up to `count` hosts, with the certificates where a lab has them (lab.StateFolder).

    Args:
        folder: for the hosts' state, certificates and what the controller writes.
        count: how many.

    Yields:
        A function that takes a host's name and what makes the host what the test needs (a log-on of the
        administrator with `PASSWORD` included), then by name what runs its commands and its definition.
    """
    net = network.claim(folder, None, count)
    services: list[WinrmService] = []
    pki.ensure_ca(folder / "ca")

    def start(name: str, fill: Fill, *, runner: Any = execution.run, **definition: Any) -> Served:
        address = net.address(len(services))
        certificate = folder / "certificates" / f"{name}.pem"
        pki.issue(folder / "ca", name, address, certificate)
        host = Host(name, definition, folder / "hosts" / name)
        fill(host)
        service = WinrmService(host, runner, address, (0, 0), certificate)
        services.append(service)
        return Served(host, service, folder, folder / "ca" / "ca.pem")

    try:
        yield start
    finally:
        for service in services:
            service.close()
        net.close()


@contextlib.contextmanager
def serve(
    folder: Path,
    fill: Fill = enable_administrator,
    *,
    name: str = "win01",
    runner: Any = execution.run,
    **definition: Any,
) -> Iterator[Served]:
    """Serve one host, as `serving` does."""
    with serving(folder, 1) as start:
        yield start(name, fill, runner=runner, **definition)
