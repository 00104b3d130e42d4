"""HTTP/1.1 on loopback: listeners, one thread a connection, limits and timeouts against bad clients."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from winlab.errors import WinlabError

log = logging.getLogger(__name__)

BACKLOG = 512  # 20 forks open their connections at once; the default of 5 would drop some
HANDSHAKE_SECONDS = 10.0  # for the whole TLS handshake
HEADER_SECONDS = 20.0  # from the first byte of a request to the end of its headers
BODY_SECONDS = 60.0  # for a whole body; 512,000 bytes on loopback take milliseconds
SEND_SECONDS = 60.0  # for a client that does not read its answer
FIRST_REQUEST_SECONDS = 30.0  # a connection that says nothing at all
IDLE_SECONDS = 120.0  # between requests: HTTP.sys' default idle timeout (Microsoft, "HTTP timeouts")
MAX_CONNECTIONS = 512  # threads of one process
MAX_HEADER_BYTES = 32 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024  # far above any envelope; larger ones are cut off unread
_READ = 256 * 1024


class BadRequest(Exception):  # noqa: N818  (named after what it says, as in errors.py)
    """What arrived is no HTTP request that can be answered in sequence; the connection ends.

    Args:
        status: the status to answer, None to close without a word.
    """

    def __init__(self, status: HTTPStatus | None) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True)
class Request:
    """One request; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """One answer. `drop` closes the connection afterwards, `cut` sends that many bytes only."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False
    cut: int | None = None
    no_answer: bool = False


class Handler(Protocol):
    """Answers the requests of one connection, one after the other."""

    def handle(self, request: Request) -> Response:
        """Answer one request."""

    def closed(self) -> None:
        """The connection has ended."""


HandlerFactory = Callable[["Connection"], Handler]


@dataclass
class Connection:
    """One TCP connection and what it reads from it."""

    sock: socket.socket
    peer: str
    secure: bool
    _buffer: bytearray = field(default_factory=bytearray)

    def read_request(self, first: bool) -> Request | None:
        """The next request, None when the client has closed.

        Raises:
            BadRequest: no request, too large, or too slow.
        """
        if not self._buffer and not self._fill(
            time.monotonic() + (FIRST_REQUEST_SECONDS if first else IDLE_SECONDS)
        ):
            return None
        deadline = time.monotonic() + HEADER_SECONDS
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEADER_BYTES:
                raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            if not self._fill(deadline):
                raise BadRequest(None)
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        method, path, headers = _parse_head(head)
        return Request(method, path, headers, self._read_body(headers))

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if "transfer-encoding" in headers:
            raise BadRequest(HTTPStatus.NOT_IMPLEMENTED)
        text = headers.get("content-length", "0")
        if not text.isascii() or not text.isdigit() or len(text) > len(str(MAX_BODY_BYTES)):
            raise BadRequest(
                HTTPStatus.BAD_REQUEST if not text.isdigit() else HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            )
        length = int(text)
        if length > MAX_BODY_BYTES:
            raise BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if length and headers.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        deadline = time.monotonic() + BODY_SECONDS
        while len(self._buffer) < length:
            if not self._fill(deadline):
                raise BadRequest(None)
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _fill(self, deadline: float) -> bool:
        left = deadline - time.monotonic()
        if left <= 0:
            raise BadRequest(None)
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(_READ)
        except TimeoutError:
            raise BadRequest(None) from None
        self._buffer += data
        return bool(data)

    def write(self, response: Response) -> None:
        """Send an answer in one piece: two segments and Nagle would cost 40 ms (winrm_wire.md 2.1)."""
        head = [f"HTTP/1.1 {response.status.value} {response.status.phrase}", "Server: winlab"]
        head += [f"{name}: {value}" for name, value in response.headers]
        if response.content_type:
            head.append(f"Content-Type: {response.content_type}")
        if response.close:
            head.append("Connection: close")
        head.append(f"Content-Length: {len(response.body)}")
        data = "\r\n".join(head).encode("ascii") + b"\r\n\r\n" + response.body
        self.sock.settimeout(SEND_SECONDS)
        self.sock.sendall(data if response.cut is None else data[: response.cut])

    def reset(self) -> None:
        """Close so that the peer sees a reset instead of an orderly end."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    try:
        lines = head.decode("latin-1").split("\r\n")
        method, path, version = lines[0].split(" ")
    except ValueError:
        raise BadRequest(HTTPStatus.BAD_REQUEST) from None
    if not version.startswith("HTTP/1.") or not method.isalpha():
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, found, value = line.partition(":")
        key = name.lower()
        if not found or not name or name != name.strip() or (key == "content-length" and key in headers):
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        headers[key] = value.strip()
    return method, path, headers


class Listener:
    """One loopback address and port.

    Args:
        address: an IPv4 loopback address; any other is refused.
        port: the port, 0 for a free one.
        factory: makes the handler of a connection.
        tls: the context for HTTPS, None for HTTP.

    Raises:
        WinlabError: the address is not loopback, or somebody else has the port.
    """

    def __init__(
        self, address: str, port: int, factory: HandlerFactory, tls: ssl.SSLContext | None = None
    ) -> None:
        if not is_loopback(address):
            raise WinlabError(
                f"{address}: listener: not a loopback address; expected one of 127.0.0.0/8. "
                "A simulated host accepts test passwords and is never offered to a network."
            )
        self.address = address
        self._factory = factory
        self._tls = tls
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port = port
        self._listen()

    def _listen(self) -> None:
        self._socket = _bind(self.address, self.port)
        self.port = self._socket.getsockname()[1]
        self._stopping.clear()
        self._thread = threading.Thread(
            target=self._accept, args=(self._socket,), name=f"listen {self.address}:{self.port}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and cut every open connection: the port refuses from now on."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.drop_connections()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    def use(self, tls: ssl.SSLContext) -> None:
        """Offer another certificate from the next connection on."""
        self._tls = tls

    def reopen(self) -> None:
        """Listen again on the same port after `close`, as a host that is back."""
        self._listen()

    def drop_connections(self) -> None:
        """Cut every open connection, as a host that goes down does."""
        with self._lock:
            open_now = list(self._open)
        for sock in open_now:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self, listening: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                sock, peer = listening.accept()
            except OSError:
                if self._stopping.is_set():
                    return
                time.sleep(0.05)  # out of file handles: let others end
                continue
            with self._lock:
                full = len(self._open) >= MAX_CONNECTIONS
                if not full:
                    self._open.add(sock)
            if full:
                sock.close()
                continue
            threading.Thread(target=self._serve, args=(sock, peer[0]), daemon=True).start()

    def _serve(self, sock: socket.socket, peer: str) -> None:
        raw = sock
        handler: Handler | None = None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock.settimeout(HANDSHAKE_SECONDS)
                # Here and not in accept(): a client that stalls its handshake must block nobody else.
                sock = self._tls.wrap_socket(sock, server_side=True)
                with self._lock:
                    self._open.discard(raw)
                    self._open.add(sock)
            connection = Connection(sock, peer, self._tls is not None)
            handler = self._factory(connection)
            self._converse(connection, handler)
        except (OSError, ValueError) as error:
            log.debug("%s:%s: connection ended: %s", self.address, self.port, type(error).__name__)
        finally:
            with self._lock:
                self._open.discard(raw)
                self._open.discard(sock)
            with contextlib.suppress(OSError):
                sock.close()
            if handler is not None:
                handler.closed()

    def _converse(self, connection: Connection, handler: Handler) -> None:
        first = True
        while not self._stopping.is_set():
            try:
                request = connection.read_request(first)
            except BadRequest as error:
                if error.status is not None:
                    connection.write(Response(error.status, close=True))
                return
            if request is None:
                return
            first = False
            response = handler.handle(request)
            if response.no_answer:
                connection.reset()
                return
            connection.write(response)
            if response.close or response.cut is not None:
                return
            if request.headers.get("connection", "").lower() == "close":
                return


def is_loopback(address: str) -> bool:
    """Whether the text is an IPv4 loopback address."""
    try:
        return ipaddress.IPv4Address(address).is_loopback
    except ValueError:
        return False


def _bind(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise WinlabError(
            f"{address}: port {port}: {error.strerror}; expected it to be free. "
            "`winlab status` shows whether this lab is up already."
        ) from error
    return sock
