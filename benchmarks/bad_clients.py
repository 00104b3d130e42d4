#!/usr/bin/env python3
"""What bad clients cost a good one, as the ratio of its times with and without them in one run.

    python benchmarks/bad_clients.py [--rounds 4]

A good client logs on, opens a shell, runs a command and closes the shell, over and over. Meanwhile 120
connections stall in each of the ways there are (silent, half a TLS handshake, half a head, half a body), and
one process attacks without a pause: garbage, huge lengths, wrong passwords, broken NTLM, bodies of strangers.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

# This folder has a file that is named like the package that is measured: it must not be searched before that.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

from winrm.protocol import Protocol  # noqa: E402

from winlab import control, daemon, lab  # noqa: E402  (see above)

RATIO_LIMIT = 2.0
GROWTH_LIMIT_MIB = 32
STALLED = 30  # of each of the four kinds
COMMANDS = 12  # of the good client in a round
DEFINITION = {
    "secrets": ["administrator_password"],
    "hosts": {
        "win01": {
            "template": "windows-server-2016",
            "administrator": {"name": "Administrator", "password": "administrator_password"},
        }
    },
}
_WRONG = base64.b64encode(b"Administrator:wrong").decode()
_NTLM = base64.b64encode(b"NTLMSSP\0\3\0\0\0" + b"\xff" * 80).decode()
_HEAD = "POST /wsman HTTP/1.1\r\nContent-Length: {length}\r\n{more}\r\n"
REQUESTS = (
    b"\0\1\2\3garbage\r\n\r\n",
    b"POST /wsman HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n",
    _HEAD.format(length=1, more=f"Authorization: Basic {_WRONG}\r\n").encode() + b"x",
    _HEAD.format(length=0, more=f"Authorization: NTLM {_NTLM}\r\n").encode(),
    _HEAD.format(length=500_000, more="").encode() + b"x" * 500_000,
    b"POST /wsman HTTP/1.1\r\n" + b"a: b\r\n" * 20_000,
)


def main() -> int:
    """Measure, print, and return 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--attack", nargs=2, metavar=("ADDRESS", "PORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.attack:
        attack(options.attack[0], int(options.attack[1]))
    with tempfile.TemporaryDirectory(prefix="winlab-bench-") as name:
        folder = Path(name)
        (folder / "winlab.yml").write_text(yaml.safe_dump(DEFINITION))
        state = lab.StateFolder(folder / "state")
        status = daemon.start(state, folder / "winlab.yml", parent=os.getpid()).status
        try:
            return measure(state, status, options.rounds)
        finally:
            daemon.stop(state)


def measure(state: lab.StateFolder, status: dict[str, object], rounds: int) -> int:
    """Alternate calm and attacked rounds."""
    (endpoint,) = status["hosts"].values()  # type: ignore[attr-defined]
    os.environ["NO_PROXY"] = "127.0.0.0/8"
    password = lab.read_secrets(state)["administrator_password"]
    pid = int(control.call(state.path, "status")["pid"])
    good(state, endpoint, password)  # warm up
    calm: list[float] = []
    attacked: list[float] = []
    before = memory_of(pid)
    for _ in range(rounds):
        calm += good(state, endpoint, password)
        with attackers(endpoint):
            attacked += good(state, endpoint, password)
    growth = memory_of(pid) - before
    alone, among = statistics.median(calm), statistics.median(attacked)
    print(f"good client: {alone * 1000:.0f} ms alone, {among * 1000:.0f} ms among bad ones")
    ratio = among / alone
    fits = verdict("time of a good client's command among bad clients", ratio, RATIO_LIMIT)
    return 0 if verdict("growth of the server's memory in MiB", growth, GROWTH_LIMIT_MIB) and fits else 1


def good(state: lab.StateFolder, endpoint: dict[str, object], password: str) -> list[float]:
    """Seconds for each of some commands, log-on included."""
    script = base64.b64encode("exit 0".encode("utf-16-le")).decode()
    times = []
    for _ in range(COMMANDS):
        started = time.monotonic()
        client = Protocol(
            f"https://{endpoint['address']}:{endpoint['https_port']}/wsman",
            transport="ntlm",
            username="Administrator",
            password=password,
            ca_trust_path=str(state.ca / "ca.pem"),
        )
        shell = client.open_shell()
        command = client.run_command(
            shell, "PowerShell", ["-EncodedCommand", script], console_mode_stdin=True
        )
        assert client.get_command_output(shell, command)[2] == 0
        client.close_shell(shell)
        times.append(time.monotonic() - started)
    return times


@contextlib.contextmanager
def attackers(endpoint: dict[str, object]) -> Iterator[None]:
    """Stalled connections, and one process that never rests."""
    address = str(endpoint["address"])
    process = subprocess.Popen(
        [sys.executable, __file__, "--attack", address, str(endpoint["http_port"])], stdout=subprocess.PIPE
    )
    held = []
    try:
        assert process.stdout is not None
        process.stdout.readline()  # its start is no attack
        for _ in range(STALLED):
            for port, data in (
                (endpoint["https_port"], b""),
                (endpoint["https_port"], b"\x16\x03\x01"),
                (endpoint["http_port"], b"POST /wsman HTTP/1.1\r\nHost"),
                (
                    endpoint["http_port"],
                    b"POST /wsman HTTP/1.1\r\nContent-Length: 400000\r\n\r\n" + b"x" * 200_000,
                ),
            ):
                sock = socket.create_connection((address, int(str(port))), timeout=10)
                sock.sendall(data)
                held.append(sock)
        yield
    finally:
        process.kill()
        process.wait()
        for sock in held:
            sock.close()


def attack(address: str, port: int) -> None:
    """One bad request after the other, each answered or cut off."""
    print("ready", flush=True)
    while True:
        for request in REQUESTS:
            with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=10) as sock:
                sock.sendall(request)
                sock.recv(65536)


def memory_of(pid: int) -> float:
    """Resident memory in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(json.dumps({"pid": pid}))


def verdict(what: str, value: float, limit: float) -> bool:
    """Print one line; whether the limit is kept."""
    kept = value <= limit
    print(f"  {what}: {value:.2f} (limit {limit:g}) {'ok' if kept else 'MISSED'}")
    return kept


if __name__ == "__main__":
    sys.exit(main())
