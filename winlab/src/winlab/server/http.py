"""HTTP/1.1 on loopback: listeners, one thread a connection, limits and timeouts against bad clients.

A request's head is judged before its body is kept: what a stranger sends is read, so that he gets his answer,
and thrown away. When a listener is full, the stranger who has been there longest goes.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Protocol

from winlab.errors import WinlabError

log = logging.getLogger(__name__)

BACKLOG = 512  # 20 forks open their connections at once; the default of 5 would drop some
HANDSHAKE_SECONDS = 10.0  # for the whole TLS handshake
HEADER_SECONDS = 20.0  # from the first byte of a request to the end of its headers
BODY_SECONDS = 20.0  # for a whole body; 512,000 bytes on loopback take milliseconds
SEND_SECONDS = 60.0  # for a client that does not read its answer
FIRST_REQUEST_SECONDS = 30.0  # a connection that says nothing at all
IDLE_SECONDS = 120.0  # between requests: HTTP.sys' default idle timeout (Microsoft, "HTTP timeouts")
MAX_CONNECTIONS = 512  # threads of one listener
MAX_HEADER_BYTES = 32 * 1024
MAX_BODY_BYTES = 4 * 1024 * 1024  # far above any envelope; larger ones are cut off unread
# A client that speaks no HTTP, or has a wrong password, waits so long for its answer: who tries without end
# costs others little.
PENALTY_SECONDS = 0.25
LINGER_SECONDS = 1.0  # after an answer to something that was not read to its end
_READ = 64 * 1024
# RFC 9110 5.6.2 (token) and 5.5: what is no token is no name, and no control character stands in a value.
# Line ends other than CRLF are refused with it: readers that differ on them are how requests are smuggled.
_ONCE = frozenset({"authorization", "content-length", "content-type", "host", "transfer-encoding"})
_START = re.compile(r"(?P<method>[A-Za-z]{1,32}) (?P<path>[\x21-\x7e]+) HTTP/1\.(?P<minor>[0-9])\Z")
_FIELD = re.compile(r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?P<value>[^\x00-\x08\x0a-\x1f\x7f]*)\Z")


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
    """One request; header names are lower case. `last`: the client closes afterwards."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    last: bool = False


@dataclass(frozen=True)
class Response:
    """One answer.

    Attributes:
        status: the status.
        body: the body.
        content_type: its type.
        headers: further headers.
        close: whether the connection ends with it.
        cut: send that many bytes only, and end the connection.
        no_answer: end the connection instead.
        late: let the client wait for it, as one who guesses passwords.
    """

    status: HTTPStatus
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False
    cut: int | None = None
    no_answer: bool = False
    late: bool = False


class Handler(Protocol):
    """Answers the requests of one connection, one after the other."""

    def admit(self, request: Request) -> Response | None:
        """Judge a request by its head: the answer that refuses it, None when its body is wanted."""

    def handle(self, request: Request) -> Response:
        """Answer one request."""

    def closed(self) -> None:
        """The connection has ended."""


HandlerFactory = Callable[["Connection"], Handler]


@dataclass
class Connection:
    """One TCP connection and what it reads from it.

    Attributes:
        sock: the socket.
        peer: the client's address.
        secure: whether it is TLS.
        max_body: largest body that is read.
        trusted: whether the client has proven who it is; set by the handler.
    """

    sock: socket.socket
    peer: str
    secure: bool
    max_body: int = MAX_BODY_BYTES
    trusted: bool = False
    _buffer: bytearray = field(default_factory=bytearray)

    def read_head(self, first: bool) -> Request | None:
        """The next request without its body, None when the client has closed.

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
                break
            if not self._fill(deadline):
                raise BadRequest(None)
        if not 0 <= end <= MAX_HEADER_BYTES:
            raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        return _parse_head(head)

    def read_body(self, request: Request) -> Request:
        """The request with its body.

        Raises:
            BadRequest: too large, or too slow.
        """
        length = self._body_length(request.headers)
        deadline = time.monotonic() + BODY_SECONDS
        while len(self._buffer) < length:
            if not self._fill(deadline):
                raise BadRequest(None)
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return replace(request, body=body)

    def skip_body(self, request: Request) -> None:
        """Read a body and keep nothing of it.

        Raises:
            BadRequest: too large, or too slow.
        """
        left = self._body_length(request.headers)
        deadline = time.monotonic() + BODY_SECONDS
        while left > len(self._buffer):
            left -= len(self._buffer)
            self._buffer.clear()
            if not self._fill(deadline):
                raise BadRequest(None)
        del self._buffer[:left]

    def _body_length(self, headers: Mapping[str, str]) -> int:
        if "transfer-encoding" in headers:
            raise BadRequest(HTTPStatus.NOT_IMPLEMENTED)
        text = headers.get("content-length", "0")
        if not text.isascii() or not text.isdigit():
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        if len(text) > len(str(self.max_body)) or int(text) > self.max_body:
            raise BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        length = int(text)
        if length and headers.get("expect", "").lower() == "100-continue":
            self.sock.settimeout(SEND_SECONDS)
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return length

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

    def linger(self) -> None:
        """Read on for a moment: a close with bytes unread would be a reset, and take the answer with it."""
        deadline = time.monotonic() + LINGER_SECONDS
        with contextlib.suppress(OSError, BadRequest):
            self.sock.shutdown(socket.SHUT_WR)
            self._buffer.clear()
            while self._fill(deadline):
                self._buffer.clear()

    def reset(self) -> None:
        """Close so that the peer sees a reset instead of an orderly end."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _parse_head(head: bytes) -> Request:
    lines = head.decode("latin-1").split("\r\n")
    start = _START.match(lines[0])
    if start is None:
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        found = _FIELD.match(line)
        key = found["name"].lower() if found else ""
        if found is None or (key in _ONCE and key in headers):
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        headers[key] = found["value"].strip()
    said = headers.get("connection", "").lower()
    last = said != "keep-alive" if start["minor"] == "0" else said == "close"
    return Request(start["method"], start["path"], headers, last=last)


@dataclass
class _Guest:
    """A connection as its listener knows it, from accept to close."""

    sock: socket.socket
    connection: Connection | None = None
    gone: bool = False

    @property
    def stranger(self) -> bool:
        return self.connection is None or not self.connection.trusted

    def wrap(self, tls: ssl.SSLContext) -> None:
        """Speak TLS; the socket is another one from the start of the handshake on."""
        self.sock = tls.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        if self.gone:
            raise ConnectionAbortedError
        self.sock.do_handshake()

    def cut(self) -> None:
        """End the connection from outside."""
        self.gone = True
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class Listener:
    """One loopback address and port.

    Args:
        address: an IPv4 loopback address; any other is refused.
        port: the port, 0 for a free one.
        factory: makes the handler of a connection.
        tls: the context for HTTPS, None for HTTP.
        max_body: largest body that is read.

    Raises:
        WinlabError: the address is not loopback, or somebody else has the port.
    """

    def __init__(
        self,
        address: str,
        port: int,
        factory: HandlerFactory,
        tls: ssl.SSLContext | None = None,
        max_body: int = MAX_BODY_BYTES,
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
        self._max_body = max_body
        self._guests: list[_Guest] = []
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
            guests = list(self._guests)
        for guest in guests:
            guest.cut()

    def _accept(self, listening: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                sock, peer = listening.accept()
            except OSError:
                if self._stopping.is_set():
                    return
                self._make_room()  # out of file handles
                time.sleep(0.05)
                continue
            with self._lock:
                full = len(self._guests) >= MAX_CONNECTIONS
            if full and not self._make_room():
                sock.close()
                continue
            guest = _Guest(sock)
            with self._lock:
                self._guests.append(guest)
            try:
                threading.Thread(target=self._serve, args=(guest, peer[0]), daemon=True).start()
            except RuntimeError:  # no further thread
                self._leave(guest)

    def _make_room(self) -> bool:
        """Cut off the stranger who has been here longest; False when there is none."""
        with self._lock:
            oldest = next((guest for guest in self._guests if guest.stranger), None)
            if oldest is None:
                return False
            self._guests.remove(oldest)
        oldest.cut()
        return True

    def _leave(self, guest: _Guest) -> None:
        with self._lock:
            if guest in self._guests:
                self._guests.remove(guest)
        with contextlib.suppress(OSError):
            guest.sock.close()

    def _serve(self, guest: _Guest, peer: str) -> None:
        handler: Handler | None = None
        try:
            guest.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                guest.sock.settimeout(HANDSHAKE_SECONDS)
                # Here and not in accept(): a client that stalls its handshake must block nobody else.
                guest.wrap(self._tls)
            guest.connection = Connection(guest.sock, peer, self._tls is not None, self._max_body)
            handler = self._factory(guest.connection)
            self._converse(guest.connection, handler)
        except (OSError, ValueError) as error:
            log.debug("%s:%s: connection ended: %s", self.address, self.port, type(error).__name__)
        except Exception:
            log.exception("%s:%s: connection ended", self.address, self.port)
        finally:
            self._leave(guest)
            if handler is not None:
                handler.closed()

    def _converse(self, connection: Connection, handler: Handler) -> None:
        first = True
        while not self._stopping.is_set():
            try:
                request = connection.read_head(first)
                if request is None:
                    return
                first = False
                response = handler.admit(request)
                if response is None:
                    response = handler.handle(connection.read_body(request))
                else:
                    connection.skip_body(request)
            except BadRequest as error:
                if error.status is not None and not self._stopping.wait(PENALTY_SECONDS):
                    connection.write(Response(error.status, close=True))
                    connection.linger()
                return
            if response.no_answer:
                connection.reset()
                return
            if response.late and self._stopping.wait(PENALTY_SECONDS):
                return
            connection.write(response)
            if response.close or response.cut is not None or request.last:
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
