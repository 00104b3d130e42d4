"""A served host and the real ansible-playbook; each test sets a fault and reads what Ansible says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from winlab.faults import Fault
from winlab.host.model import Host

from winlab import programs

from ..served import FAILED, OK, UNREACHABLE, Outcome, Served, enable_administrator, serve

__all__ = ["FAILED", "OK", "PING", "PSRP", "UNREACHABLE", "WINRM", "Target"]

WINRM, PSRP = "https_basic", "psrp_https_basic"
PING: dict[str, Any] = {"ansible.windows.win_ping": None}
# Operations time out after 2 s and reads after 12 s.
_SHORT: dict[str, Any] = {
    "ansible_winrm_connection_timeout": 2,
    "ansible_psrp_operation_timeout": 2,
    "ansible_psrp_read_timeout": 12,
}


@dataclass
class Target:
    """A host with faults, and a controller for it."""

    served: Served

    @property
    def host(self) -> Host:
        return self.served.host

    @property
    def folder(self) -> Path:
        return self.served.folder

    def fault(self, kind: str, **values: Any) -> Fault:
        return self.host.faults.set(kind, **values)

    def run(self, task: dict[str, Any], transport: str = WINRM, **variables: Any) -> Outcome:
        """Run one task with ansible-playbook."""
        return self.served.play([task], transports=(transport,), **{**_SHORT, **variables})


def _fill(host: Host) -> None:
    enable_administrator(host)
    programs.install(host, r"C:\Windows\System32\whoami.exe", "whoami")


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """A host whose whoami.exe works."""
    with serve(tmp_path, _fill) as served:
        yield Target(served)
