"""Which loopback network a lab takes: a /24 of 127.0.0.0/8 that nobody else uses, kept while it is free."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from winlab.errors import WinlabError
from winlab.server.service import HTTP_PORT, HTTPS_PORT

GUARD_HOST = 1  # 127.x.y.1 is held by the process itself, so that no two labs share a network
FIRST_HOST = 11
MAX_HOSTS = 240
# 127.0.x.x is where everything else on a machine lives.
_FIRST_NETWORK, _NETWORKS = 1 * 256, 254 * 256
_ATTEMPTS = 200


@dataclass
class Network:
    """A network that is held; closing the guard gives it up."""

    prefix: str
    guard: socket.socket

    def address(self, index: int) -> str:
        """Address of the n-th host, from 0."""
        return f"{self.prefix}.{FIRST_HOST + index}"

    def close(self) -> None:
        """Give it up."""
        self.guard.close()


def claim(folder: Path, wanted: str | None, count: int) -> Network:
    """Take a network: the one the lab had before if it is free, else another.

    Args:
        folder: the state folder; different checkouts begin their search at different places.
        wanted: the prefix the lab had, such as `127.83.12`.
        count: number of hosts.

    Raises:
        WinlabError: too many hosts, or no network is free.
    """
    if count > MAX_HOSTS:
        raise WinlabError(f"{folder}: {count} hosts; expected at most {MAX_HOSTS}. Split the definition.")
    for prefix in _candidates(folder, wanted):
        guard = _hold(f"{prefix}.{GUARD_HOST}")
        if guard is None:
            continue
        if all(_is_free(f"{prefix}.{FIRST_HOST + index}") for index in range(count)):
            return Network(prefix, guard)
        guard.close()
    raise WinlabError(
        f"{folder}: no free network among {_ATTEMPTS} tries in 127.0.0.0/8; expected one. "
        "Stop other labs with `winlab down`."
    )


def _candidates(folder: Path, wanted: str | None) -> Iterator[str]:
    if wanted and is_prefix(wanted):
        yield wanted
    start = int.from_bytes(hashlib.sha256(str(folder.resolve()).encode()).digest()[:4], "big")
    for step in range(_ATTEMPTS):
        number = _FIRST_NETWORK + (start + step) % _NETWORKS
        yield f"127.{number // 256}.{number % 256}"


def is_prefix(text: str) -> bool:
    """Whether the text is the first three numbers of a loopback network."""
    try:
        return ipaddress.IPv4Address(f"{text}.0").is_loopback
    except ValueError:
        return False


def _hold(address: str) -> socket.socket | None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.bind((address, HTTP_PORT))
        sock.listen(1)
    except OSError:
        sock.close()
        return None
    return sock


def _is_free(address: str) -> bool:
    for port in (HTTP_PORT, HTTPS_PORT):
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as sock:
            # As the listener will bind: connections that still linger are no hindrance, a listener is.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((address, port))
                sock.listen(1)
            except OSError:
                return False
    return True
