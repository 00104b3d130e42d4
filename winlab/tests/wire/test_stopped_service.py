"""A host whose WinRM service is stopped answers nobody until it runs again."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from winlab.host.model import Host
from winlab.host.services import Service

from winlab import system_programs

from ..served import OK, UNREACHABLE, Served, enable_administrator, run_plays, serve

pytestmark = pytest.mark.lab
BOTH = ("https_basic", "psrp_https_basic")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    def fill(host: Host) -> None:
        enable_administrator(host)
        system_programs.install(host)
        host.services.create(Service("WinRM", image_path=r"C:\Windows\System32\svchost.exe -k NetworkService", start_mode="auto", state="running"))  # fmt: skip

    with serve(tmp_path, fill, reboot={"fast": False}) as found:
        yield found


def is_open(served: Served) -> bool:
    with socket.socket() as sock:
        sock.settimeout(5)
        return sock.connect_ex((served.service.address, served.service.ports["https"])) == 0


def becomes(served: Served, wanted: bool) -> bool:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if is_open(served) is wanted:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("transport", BOTH)
def test_the_answer_to_a_stop_arrives_and_nothing_after_it_until_a_restart(
    served: Served, transport: str
) -> None:
    stop = {"name": "stop", "ansible.windows.win_service": {"name": "WinRM", "state": "stopped"}}
    ping = {"name": "ping", "ansible.windows.win_ping": None}
    play = {"hosts": "all", "gather_facts": False, "tasks": [stop, ping]}
    outcome = run_plays(served.folder, {transport: served.reached_by(transport)}, [play])
    said = outcome.by_name
    assert outcome.code == UNREACHABLE, outcome.text
    assert said["stop"][transport]["state"] == "stopped"
    assert said["ping"][transport]["unreachable"]
    assert becomes(served, False)
    served.host.reboot()
    assert becomes(served, True)
    again = served.play([ping], transports=(transport,))
    assert again.code == OK, again.text


def test_a_restart_of_the_service_in_one_task_goes_unnoticed(served: Served) -> None:
    outcome = served.play(
        [
            {"name": "restart", "ansible.windows.win_service": {"name": "WinRM", "state": "restarted"}},
            {"name": "ping", "ansible.windows.win_ping": None},
        ]
    )
    assert outcome.code == OK, outcome.text
    assert is_open(served)
