"""A served host, plain users on it, and a web server on loopback that stands for other machines."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from winlab.host import certificate_store
from winlab.host.model import Host

from winlab import pki, system_programs

from ..served import OK, PASSWORD, Served, enable_administrator, serve

NAME, WRONG_NAME, FOLDER_NAME = "intranet.example", "other.example", "files.example"
MODIFIED = "Mon, 01 Jan 2024 00:00:00 GMT"
TEXT = b"how now brown cow"
SHA1 = "0de4bd7dfbc0f048319be1dad049a6cd7bede689"


class Handler(BaseHTTPRequestHandler):
    """Answers what its path asks for."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.seen.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        if self.path.startswith("http://"):
            path = "/proxied"
        what, _, rest = path.strip("/").partition("/")
        getattr(self, f"on_{what.replace('-', '_')}", self.on_missing)(rest, body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer  # noqa: N815  (the names of http.server)

    def do_CONNECT(self) -> None:
        self.server.seen.append(f"CONNECT {self.path}")
        if not self.authorized("Proxy-Authorization"):
            self.send(407, headers={"Proxy-Authenticate": 'Basic realm="p"'})
            return
        self.send_response(200, "Connection established")
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.server.behind)) as there:
            ends = {self.connection: there, there: self.connection}
            while (ready := select.select(list(ends), [], [], 10)[0]) and self.relay(ready, ends):
                pass
        self.close_connection = True

    @staticmethod
    def relay(ready: list[socket.socket], ends: dict[socket.socket, socket.socket]) -> bool:
        for end in ready:
            data = end.recv(65536)
            if not data:
                return False
            ends[end].sendall(data)
        return True

    def send(
        self, status: int, body: bytes = b"", reason: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status, reason)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def on_missing(self, rest: str, body: bytes) -> None:
        self.send(404, b"nothing here", "NOT HERE")

    def on_text(self, rest: str, body: bytes) -> None:
        self.send(200, TEXT, headers={"Last-Modified": MODIFIED, "Content-Type": "text/plain; charset=utf-8"})

    def on_sums(self, rest: str, body: bytes) -> None:
        lines = f"{SHA1}  {rest}\n{'0' * 40}  another\n"
        self.send(200, lines.encode())

    def on_echo(self, rest: str, body: bytes) -> None:
        found = {"method": self.command, "headers": dict(self.headers.items()), "body": body.decode()}
        self.send(200, json.dumps(found).encode(), headers={"Content-Type": "application/json"})

    def on_status(self, rest: str, body: bytes) -> None:
        self.send(int(rest))

    def on_redirect(self, rest: str, body: bytes) -> None:
        status, _, left = rest.partition("/")
        target = f"/redirect/{status}/{int(left) - 1}" if int(left) > 1 else "/echo"
        self.send(int(status), headers={"Location": target})

    def on_elsewhere(self, rest: str, body: bytes) -> None:
        self.send(302, headers={"Location": f"ftp://{NAME}/x"})

    def on_basic(self, rest: str, body: bytes) -> None:
        if self.authorized("Authorization"):
            self.send(200, b"welcome")
        elif rest == "hidden":
            self.send(404)
        else:
            self.send(401, headers={"WWW-Authenticate": f'{rest or "Basic"} realm="lab"'})

    def authorized(self, header: str) -> bool:
        value = self.headers.get(header, "")
        return value.startswith("Basic ") and b64decode(value[6:]) == b"ann:s3cret-word"

    def on_slow(self, rest: str, body: bytes) -> None:
        time.sleep(float(rest))
        self.send(200)

    def on_short(self, rest: str, body: bytes) -> None:
        self.send(200, b"half", headers={"Content-Length": "8"})
        self.close_connection = True

    def on_proxied(self, rest: str, body: bytes) -> None:
        if "secured" in self.path and not self.authorized("Proxy-Authorization"):
            self.send(407, headers={"Proxy-Authenticate": 'Basic realm="p"'})
        else:
            self.send(200, b"by proxy")


class Server(ThreadingHTTPServer):
    """A web server that remembers what it was asked."""

    daemon_threads = True

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[str] = []
        self.behind = 0  # where a tunnel ends, whatever is asked for
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that breaks off is what some tests are about."""


@dataclass
class Web:
    """The host and its neighbours; `play` runs tasks through the real Ansible and gives their results."""

    served: Served
    plain: Server
    secure: Server
    folder: Path
    logs: list[str] = field(default_factory=list)

    @property
    def host(self) -> Host:
        return self.served.host

    def play(self, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        numbered = [
            {"name": f"case {number}", "ignore_errors": True, **task} for number, task in enumerate(tasks)
        ]
        outcome = self.served.play(numbered)
        self.logs.append(outcome.text)
        assert outcome.code == OK, outcome.text
        return [found["https_basic"] for _, found in outcome.tasks]

    def table(self, module: str, cases: list[Case]) -> None:
        """Run a table of cases in one play and compare each result."""
        tasks = [
            {
                f"ansible.windows.{module}": case.args,
                "check_mode": case.check,
                "diff": case.diff,
                **({"vars": {"ansible_user": case.user}} if case.user else {}),
                **({"environment": case.environment} if case.environment else {}),
            }
            for case in cases
        ]
        for case, result in zip(cases, self.play(tasks), strict=True):
            shown = {key: result.get(key, "(none)") for key in case.expected}
            assert shown == case.expected, (case, result)
            for key, part in case.contains.items():
                assert part in str(result.get(key)), (case, result)
            for key in case.without:
                assert key not in result, (case, result)


@dataclass(frozen=True)
class Case:
    """Arguments, and what of the result must be so."""

    args: dict[str, Any]
    expected: dict[str, Any]
    check: bool = False
    diff: bool = False
    user: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    contains: dict[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def make_web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Web]]:
    """Serve a host with neighbours."""
    with contextlib.ExitStack() as ends:
        yield lambda: _web(ends, tmp_path_factory.mktemp("web"))


def _web(ends: contextlib.ExitStack, folder: Path) -> Web:
    pki.ensure_ca(folder / "ca")
    pki.issue(folder / "ca", NAME, "127.0.0.1", folder / f"{NAME}.pem")
    plain, secure = Server(), Server(folder / f"{NAME}.pem")
    plain.behind = secure.port
    for server in (plain, secure):
        ends.callback(server.stop)
    (folder / "www").mkdir()
    (folder / "www" / "readme.txt").write_bytes(TEXT)
    ports = {80: plain.port, 443: secure.port, 8080: plain.port}
    neighbours = {
        NAME: {"address": "127.0.0.1", "ports": ports},
        WRONG_NAME: {"address": "127.0.0.1", "ports": ports},
        FOLDER_NAME: {"files": str(folder / "www")},
    }

    def fill(host: Host) -> None:
        enable_administrator(host)
        host.environment.seed()
        system_programs.install(host)
        sid = host.accounts.create_user("ann", PASSWORD).sid
        host.accounts.add_member("Remote Management Users", sid)
        for path in (
            r"C:\Users\Administrator\AppData\Local\Temp",
            r"C:\Users\ann\AppData\Local\Temp",
            r"C:\got",
        ):
            host.files.mkdir(path)
        ca = x509.load_pem_x509_certificate((folder / "ca" / "ca.pem").read_bytes())
        certificate_store.add(host, certificate_store.ROOT, ca.public_bytes(Encoding.DER))

    return Web(ends.enter_context(serve(folder, fill, web=neighbours)), plain, secure, folder)


@pytest.fixture(scope="module")
def web(make_web: Callable[..., Web]) -> Web:
    return make_web()
