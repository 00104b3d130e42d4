#!/usr/bin/env python3
"""What the simulated hosts cost, as ratios of one run on one machine.

    python benchmarks/winlab.py [--hosts 20] [--forks 5]

* 20 hosts x 21 tasks with the real Ansible: winlab's share of all CPU time is under a quarter, the rest is
  Ansible's. Beside it: the server's CPU time for each module command.
* put and fetch of 50 MiB: the server's resident memory grows by less than 32 MiB at its peak.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

# This file is named like the package it measures: its folder must not be searched before the package's.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

from winlab import control, daemon, inventory, lab  # noqa: E402  (see above)

SHARE_LIMIT = 0.25
GROWTH_LIMIT_MIB = 32
TASKS = 21
MIB = 1024 * 1024
BIG_MIB = 50
RESET_PEAK = "5"  # proc(5), clear_refs: forget the peak of the resident memory
BARE = {
    "template": "windows-server-2016",
    "administrator": {"name": "Administrator", "password": "administrator_password"},
}


def main() -> int:
    """Measure, print, and return 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--forks", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winlab-bench-") as name:
        folder = Path(name)
        state = up(folder, options.hosts)
        try:
            pid = int(control.call(state.path, "status")["pid"])
            good = many_tasks(folder, pid, options.hosts, options.forks)
            good &= large_file(folder, pid)
        finally:
            daemon.stop(state)
    return 0 if good else 1


def up(folder: Path, hosts: int) -> lab.StateFolder:
    """Start a lab of bare servers, with an inventory beside it."""
    definition = folder / "winlab.yml"
    names = [f"win{number:02}" for number in range(1, hosts + 1)]
    definition.write_text(
        yaml.safe_dump({"secrets": ["administrator_password"], "hosts": dict.fromkeys(names, BARE)})
    )
    state = lab.StateFolder(folder / "state")
    daemon.start(state, definition, parent=os.getpid())
    inventory.write(state, folder / "hosts.yml")
    return state


def many_tasks(folder: Path, pid: int, hosts: int, forks: int) -> bool:
    """One play of 21 tasks on every host."""
    tasks = play_tasks()
    assert len(tasks) == TASKS
    server_before, ansible_before = cpu_of(pid), children()
    results = play(folder, tasks, "windows", forks)
    server, ansible = cpu_of(pid) - server_before, children() - ansible_before
    commands = sum(len(task["hosts"]) for task in results["plays"][0]["tasks"])
    if commands != hosts * TASKS:
        print(f"  {commands} results; expected {hosts * TASKS}", file=sys.stderr)
        return False
    share = server / (server + ansible)
    print(
        f"{hosts} hosts x {TASKS} tasks, {forks} forks: winlab {server:.1f} s, Ansible {ansible:.1f} s of CPU"
    )
    print(f"  server CPU per module command: {server / commands * 1000:.1f} ms")
    return verdict("share of winlab in all CPU time", share, SHARE_LIMIT)


def play_tasks() -> list[dict[str, Any]]:
    """Three rounds of seven common modules; every one is one module command."""
    rounds = []
    for number in range(3):
        path = rf"C:\Bench\{number}"
        rounds += [
            {"ansible.windows.win_ping": {}},
            {"ansible.windows.win_file": {"path": path, "state": "directory"}},
            {"ansible.windows.win_stat": {"path": path}},
            {
                "ansible.windows.win_regedit": {
                    "path": r"HKLM:\SOFTWARE\Bench",
                    "name": f"v{number}",
                    "data": "1",
                }
            },
            {"ansible.windows.win_group": {"name": f"Bench{number}"}},
            {"ansible.windows.win_service_info": {"name": "WinRM"}},
            {"ansible.windows.win_find": {"paths": [r"C:\Bench"]}},
        ]
    return [{"name": f"{index:02} {next(iter(task))}", **task} for index, task in enumerate(rounds)]


def large_file(folder: Path, pid: int) -> bool:
    """Put and fetch one file; the peak of the server's resident memory against what it was."""
    big = folder / "big.bin"
    with big.open("wb") as stream:
        for _ in range(BIG_MIB):
            stream.write(os.urandom(MIB))
    good = True
    for name, task in (
        ("put", {"ansible.windows.win_copy": {"src": str(big), "dest": r"C:\big.bin"}}),
        ("fetch", {"ansible.builtin.fetch": {"src": r"C:\big.bin", "dest": f"{folder}/got/"}}),
    ):
        Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK, encoding="ascii")
        before = memory_of(pid, "VmRSS")
        play(folder, [{"name": name, **task}], "win01", 1)
        growth = memory_of(pid, "VmHWM") - before
        good &= verdict(
            f"{name} of {BIG_MIB} MiB: growth of the server's memory in MiB", growth, GROWTH_LIMIT_MIB
        )
    got = next((folder / "got").rglob("big.bin"))
    return good and got.read_bytes() == big.read_bytes()


def play(folder: Path, tasks: list[dict[str, Any]], hosts: str, forks: int) -> dict[str, Any]:
    """Run one play with the real ansible-playbook; its JSON result."""
    path = folder / "play.yml"
    path.write_text(
        yaml.safe_dump([{"hosts": hosts, "gather_facts": False, "tasks": tasks}], sort_keys=False)
    )
    environment = {
        **os.environ,
        "NO_PROXY": "127.0.0.0/8",
        "ANSIBLE_CONFIG": "",
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [str(program), "-i", str(folder / "hosts.yml"), "--forks", str(forks), str(path)],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        cwd=folder,
        check=False,
    )
    if done.returncode:
        sys.exit(f"ansible-playbook: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{\n") :])[0]
    return result


def cpu_of(pid: int) -> float:
    """User and system seconds of a process: fields 14 and 15 of proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children() -> float:
    """User and system seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def memory_of(pid: int, name: str) -> float:
    """VmRSS or VmHWM in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(name)


def verdict(what: str, value: float, limit: float) -> bool:
    """Print a figure with its limit; whether it is under it."""
    good = value < limit
    print(f"  {what}: {value:.2f} (limit {limit}) {'ok' if good else 'MISSED'}")
    return good


if __name__ == "__main__":
    sys.exit(main())
