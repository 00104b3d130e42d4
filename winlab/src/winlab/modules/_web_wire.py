"""One HTTP request over a real socket, on loopback, with the failures that `HttpWebRequest` reports.

The message texts are those of `WebException` in the .NET Framework's English resources (System.dll,
`net_webstatus_*`). TLS is judged by the simulated host: by its own `Root` store and its own clock.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, TYPE_CHECKING

from cryptography import x509

from winlab.host import certificate_store

if TYPE_CHECKING:
    from winlab.host.model import Host

CONNECT_FAILURE = "Unable to connect to the remote server"
TIMED_OUT = "The operation has timed out"
_CLOSED = "The underlying connection was closed: "
TRUST_FAILURE = f"{_CLOSED}Could not establish trust relationship for the SSL/TLS secure channel."
CONNECTION_CLOSED = f"{_CLOSED}The connection was closed unexpectedly."
RECEIVE_FAILURE = f"{_CLOSED}An unexpected error occurred on a receive."
SECURE_CHANNEL = "The request was aborted: Could not create SSL/TLS secure channel."
VIOLATION = "The server committed a protocol violation. Section=ResponseStatusLine"
# HttpWebRequest.ReadWriteTimeout: how long one read of the body may take.
READ_SECONDS = 300.0
PROBE_SECONDS = 1.0  # on loopback a port answers at once or not at all
# openssl/x509_vfy.h; the host's clock judges in place of the controller's.
_X509_V_FLAG_NO_CHECK_TIME = 0x200000
_HANDSHAKE_ROUNDS = 10


@dataclass
class Answer:
    """A response whose body has not been read.

    Attributes:
        status: code.
        reason: the server's words for it.
        headers: as received, in order.
        body: where the body is read from.
        version: 10 or 11.
        length: of the body, None where only the end of the connection tells.
        on_close: gives the connection up.
    """

    status: int
    reason: str
    headers: Sequence[tuple[str, str]]
    body: IO[bytes]
    version: int = 11
    length: int | None = None
    on_close: Callable[[], None] | None = None

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """A header, several joined by commas, as `WebHeaderCollection` gives them."""
        values = self.all(name)
        return ",".join(values) if values else None

    def pieces(self, size: int = 256 * 1024) -> Iterator[bytes]:
        """The body, piece by piece.

        Raises:
            WebError: the connection ends before the body does.
        """
        arrived = 0
        while True:
            try:
                piece = self.body.read(size)
            except (http.client.HTTPException, OSError) as error:
                raise WebError(TIMED_OUT if isinstance(error, TimeoutError) else CONNECTION_CLOSED) from error
            if not piece:
                break
            arrived += len(piece)
            yield piece
        if self.length is not None and arrived < self.length:
            raise WebError(CONNECTION_CLOSED)

    def close(self) -> None:
        """Give the connection up."""
        self.body.close()
        if self.on_close is not None:
            self.on_close()


class WebError(Exception):
    """A `WebException`.

    Args:
        message: its text.
        answer: the response that it carries, if there is one.
        connecting: whether it happened before anything of the request was sent.
    """

    def __init__(self, message: str, answer: Answer | None = None, *, connecting: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.answer = answer
        self.connecting = connecting


@dataclass(frozen=True)
class Message:
    """What is sent: the request target, all headers (`Host` too), and the body, None for none."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None = None


@dataclass(frozen=True)
class Line:
    """Where to connect, and how.

    Attributes:
        address: loopback address.
        port: its port.
        name: the name that the server's certificate must have; empty for no TLS.
        validate: whether the certificate is judged.
        tunnel: host and port that a proxy at the address is asked to connect to.
        tunnel_headers: what is sent along with that.
    """

    address: str
    port: int
    name: str = ""
    validate: bool = True
    tunnel: tuple[str, int] | None = None
    tunnel_headers: tuple[tuple[str, str], ...] = ()


class _RefusedError(Exception):
    """A proxy opens no tunnel."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _Connection(http.client.HTTPConnection):
    """A connection to one place that speaks for another."""

    def __init__(self, host: Host, line: Line, timeout: float) -> None:
        super().__init__(line.address, line.port, timeout=timeout)
        self._line, self._windows = line, host

    def connect(self) -> None:
        """Connect, through the proxy if there is one, and agree on TLS."""
        super().connect()
        if self._line.tunnel:
            self._open_tunnel(*self._line.tunnel)
        if self._line.name:
            context = client_context(self._windows, validate=self._line.validate)
            self.sock = context.wrap_socket(self.sock, server_hostname=self._line.name)
            if self._line.validate:
                require_valid_now(self._windows, self.sock.getpeercert(binary_form=True) or b"")

    def _open_tunnel(self, name: str, port: int) -> None:
        head = [f"CONNECT {name}:{port} HTTP/1.1", f"Host: {name}:{port}"]
        head += [f"{key}: {value}" for key, value in self._line.tunnel_headers]
        self.sock.sendall("\r\n".join([*head, "", ""]).encode("latin-1"))
        reply = http.client.HTTPResponse(self.sock, method="CONNECT")
        reply.begin()
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            raise _RefusedError(Answer(reply.status, reply.reason, reply.getheaders(), io.BytesIO()))


def exchange(host: Host, line: Line, message: Message, deadline: float | None) -> Answer:
    """Send one request and read the answer's head; a proxy that opens no tunnel answers in its place.

    Args:
        host: the simulated host, which judges certificates.
        line: where to.
        message: what is sent.
        deadline: of `time.monotonic()`, None for no limit.

    Raises:
        WebError: no answer came.
    """
    connection = _Connection(host, line, remaining(deadline))
    try:
        _connect(connection)
        return _ask(connection, message, deadline)
    except _RefusedError as refusal:
        connection.close()
        return refusal.answer
    except WebError:
        connection.close()
        raise


def _connect(connection: _Connection) -> None:
    try:
        connection.connect()
    except TimeoutError as error:
        raise WebError(TIMED_OUT, connecting=True) from error
    except ssl.SSLCertVerificationError as error:
        raise WebError(TRUST_FAILURE, connecting=True) from error
    except ssl.SSLError as error:
        raise WebError(SECURE_CHANNEL, connecting=True) from error
    except http.client.HTTPException as error:
        raise WebError(CONNECTION_CLOSED, connecting=True) from error
    except OSError as error:
        raise WebError(CONNECT_FAILURE, connecting=True) from error


def _ask(connection: _Connection, message: Message, deadline: float | None) -> Answer:
    try:
        connection.sock.settimeout(remaining(deadline))
        connection.putrequest(message.method, message.target, skip_host=True, skip_accept_encoding=True)
        for name, value in message.headers:
            connection.putheader(name, value.encode("latin-1", "replace"))
        connection.endheaders(message.body)
        sock = connection.sock
        sock.settimeout(remaining(deadline))
        response = connection.getresponse()
    except TimeoutError as error:
        raise WebError(TIMED_OUT) from error
    except http.client.RemoteDisconnected as error:
        raise WebError(CONNECTION_CLOSED) from error
    except OSError as error:
        raise WebError(RECEIVE_FAILURE) from error
    except http.client.HTTPException as error:
        raise WebError(VIOLATION) from error
    with contextlib.suppress(OSError):  # the response has taken the socket over where it ends with it
        sock.settimeout(READ_SECONDS)
    return Answer(
        response.status,
        response.reason,
        response.getheaders(),
        response,
        response.version,
        response.length,
        connection.close,
    )


def remaining(deadline: float | None) -> float:
    """Seconds that are left.

    Raises:
        WebError: none.
    """
    if deadline is None:
        return READ_SECONDS
    left = deadline - time.monotonic()
    if left <= 0:
        raise WebError(TIMED_OUT)
    return left


def client_context(host: Host, *, validate: bool) -> ssl.SSLContext:
    r"""TLS as the host speaks it: it trusts what is in `LocalMachine\Root`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not validate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.verify_flags |= _X509_V_FLAG_NO_CHECK_TIME
    with host.lock:
        roots = [found.der for found in certificate_store.all_of(host, certificate_store.ROOT)]
    if roots:
        context.load_verify_locations(cadata=b"".join(roots))
    return context


def require_valid_now(host: Host, der: bytes) -> None:
    """Refuse a server's certificate that the host's clock finds too old or too new.

    Raises:
        ssl.SSLCertVerificationError: it is.
    """
    found = x509.load_der_x509_certificate(der)
    if not found.not_valid_before_utc <= host.clock.utc() <= found.not_valid_after_utc:
        raise ssl.SSLCertVerificationError(f"not valid at {host.clock.utc():%Y-%m-%d}")


def judge(host: Host, server: ssl.SSLContext, name: str, *, validate: bool) -> None:
    """Let the host agree on TLS with an endpoint of its own, without a socket.

    Args:
        host: the host.
        server: what the endpoint answers with.
        name: the name in the URL.
        validate: whether the certificate is judged.

    Raises:
        WebError: they do not agree.
    """
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context(host, validate=validate).wrap_bio(to_client, to_server, server_hostname=name)
    pending = [client, server.wrap_bio(to_server, to_client, server_side=True)]
    try:
        for _ in range(_HANDSHAKE_ROUNDS):
            pending = [side for side in pending if not _has_agreed(side)]
        if pending:
            raise WebError(SECURE_CHANNEL, connecting=True)
        if validate:
            require_valid_now(host, client.getpeercert(binary_form=True) or b"")
    except ssl.SSLCertVerificationError as error:
        raise WebError(TRUST_FAILURE, connecting=True) from error
    except ssl.SSLError as error:
        raise WebError(SECURE_CHANNEL, connecting=True) from error


def _has_agreed(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def answers(address: str, port: int) -> bool:
    """Whether a connection to a loopback address succeeds."""
    try:
        socket.create_connection((address, port), timeout=PROBE_SECONDS).close()
    except OSError:
        return False
    return True
