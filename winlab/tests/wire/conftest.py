"""A served host with an address of its own, for tests of the wire."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from winlab.host.model import Host
from winlab.server.service import WinrmService

from winlab import execution, network, pki

PASSWORD = "Pass-word.of:the lab\u00e9"


@dataclass
class Served:
    """A host that answers."""

    host: Host
    service: WinrmService
    ca: Path

    @property
    def https(self) -> str:
        return f"https://{self.service.address}:{self.service.ports['https']}/wsman"

    @property
    def http(self) -> str:
        return f"http://{self.service.address}:{self.service.ports['http']}/wsman"

    def connect(self, scheme: str = "http") -> socket.socket:
        return socket.create_connection((self.service.address, self.service.ports[scheme]), timeout=10)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8,localhost")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)


@pytest.fixture(scope="session")
def ca_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ca")
    pki.ensure_ca(folder)
    return folder


@pytest.fixture
def serve(tmp_path: Path, ca_folder: Path) -> Iterator[Callable[..., Served]]:
    """Serve a fresh host with the given definition."""
    opened: list[Served] = []
    net = network.claim(tmp_path, None, 4)

    def start(name: str = "win01", password: str = PASSWORD, **definition: Any) -> Served:
        address = net.address(len(opened))
        certificate = tmp_path / f"{name}.pem"
        pki.issue(ca_folder, name, address, certificate)
        host = Host(name, definition, tmp_path / name)
        host.accounts.update_user("Administrator", disabled=False)
        host.accounts.set_password("Administrator", password)
        served = Served(
            host, WinrmService(host, execution.run, address, (0, 0), certificate), ca_folder / "ca.pem"
        )
        opened.append(served)
        return served

    yield start
    for served in opened:
        served.service.close()
    net.close()


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    return serve()
