"""The process history: short enough to be saved with every command, and the same after it."""

from __future__ import annotations

from pathlib import Path

from winlab.host.model import Host
from winlab.host.processes import HISTORY_LIMIT


def run(host: Host, name: str) -> int:
    pid = host.processes.start(name, f"{name} --word", "WIN01\\Administrator").pid
    host.processes.end(pid, 0)
    return pid


def test_older_entries_fall_out_and_what_runs_stays(tmp_path: Path) -> None:
    host = Host("win01", {}, tmp_path)
    service = host.processes.start("service.exe", "service.exe", "SYSTEM")
    first = run(host, "first.exe")
    for _ in range(HISTORY_LIMIT):
        run(host, "more.exe")
    assert len(host.processes.history()) <= HISTORY_LIMIT + 1
    assert host.processes.get(service.pid) == service
    assert host.processes.get(first) is None
    assert len(host.processes.to_state()["processes"]) == len(host.processes.history())


def test_saved_form_follows_a_process_that_ends(tmp_path: Path) -> None:
    host = Host("win01", {}, tmp_path)
    process = host.processes.start("a.exe", "a.exe", "SYSTEM")
    assert host.processes.to_state()["processes"][0]["exit_code"] is None
    host.processes.end(process.pid, 7)
    assert host.processes.to_state()["processes"][0]["exit_code"] == 7
    host.save()
    again = Host("win01", {}, tmp_path)
    assert again.load()
    assert again.processes.to_state() == host.processes.to_state()
