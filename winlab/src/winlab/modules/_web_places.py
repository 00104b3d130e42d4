"""Where a web request of a simulated host ends: at the host itself, at a neighbour, or nowhere.

A host sees the files and endpoints of its own, and the machines that its definition names
(`host/neighbours.py`). Any other name does not resolve, any other address does not answer; nothing here
ever leaves loopback.
"""

from __future__ import annotations

import email.utils
import io
import ipaddress
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from winlab.errors import NotModelled
from winlab.host import neighbours
from winlab.modules import _web_wire as wire
from winlab.modules._uri import Uri
from winlab.modules._web_wire import Answer, Line, Message, WebError
from winlab.products import ecma_host, ecma_scim

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.neighbours import Neighbour

_READS = ("GET", "HEAD")


@dataclass(frozen=True)
class Proxy:
    """A proxy in use; `authorization` is the header's value, empty for none."""

    uri: Uri
    authorization: str = ""


@dataclass(frozen=True)
class Request:
    """One HTTP request, ready to be sent.

    Attributes:
        method: in capitals, as a rule.
        uri: absolute, http or https.
        headers: all of them.
        body: None for none.
        validate: whether the server's certificate is judged.
        proxy: None for a direct connection.
    """

    method: str
    uri: Uri
    headers: tuple[tuple[str, str], ...]
    body: bytes | None = None
    validate: bool = True
    proxy: Proxy | None = None

    def header(self, name: str) -> str:
        """A header's value, empty for none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def is_own(host: Host, name: str) -> bool:
    """Whether a name or address is the host itself: loopback, or its computer name."""
    if name.lower() in ("localhost", host.computer_name.lower()):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def accepts(host: Host, name: str, port: int) -> bool:
    """Whether somebody accepts connections there (`TcpClient.Connect`).

    Raises:
        WebError: the name does not resolve.
    """
    if is_own(host, name):
        with host.lock:
            return host.ports.connect(port)
    if _address(name) is not None:
        return False
    neighbour = _neighbour(host, name)
    if neighbour.files is not None:
        return port == neighbours.FILES_PORT
    real = neighbour.port(port)
    return real is not None and wire.answers(neighbour.address, real)


def send(host: Host, request: Request, deadline: float | None) -> Answer:
    """Send a request to wherever it belongs.

    Raises:
        WebError: nobody answers.
        NotModelled: something of the host listens there that winlab has no answers of.
    """
    if request.proxy is not None:
        return _through(host, request, request.proxy, deadline)
    name = request.uri.dns_name
    if is_own(host, name):
        return _own(host, request)
    if _address(name) is not None:
        raise WebError(wire.CONNECT_FAILURE, connecting=True)
    neighbour = _neighbour(host, name)
    if neighbour.files is not None:
        return _folder(host, request, neighbour.files)
    message = Message(request.method, request.uri.path_and_query, request.headers, request.body)
    return wire.exchange(host, _line(neighbour, request.uri, validate=request.validate), message, deadline)


def nowhere(name: str) -> WebError:
    """What a name gives that nobody in the definition has: an address gives an error of another kind."""
    if _address(name) is not None:
        return WebError(wire.CONNECT_FAILURE, connecting=True)
    return WebError(f"The remote name could not be resolved: '{name}'", connecting=True)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _neighbour(host: Host, name: str) -> Neighbour:
    found = neighbours.find(host, name)
    if found is None:
        raise nowhere(name)
    return found


def _line(neighbour: Neighbour, uri: Uri, *, validate: bool) -> Line:
    port = neighbour.port(uri.port)
    if port is None:
        raise WebError(wire.CONNECT_FAILURE, connecting=True)
    return Line(neighbour.address, port, uri.dns_name if uri.scheme == "https" else "", validate)


def _through(host: Host, request: Request, proxy: Proxy, deadline: float | None) -> Answer:
    """Ask a proxy: in clear with the whole URI, for TLS through a tunnel (RFC 9110 9.3.6)."""
    if proxy.uri.scheme != "http":
        raise NotModelled(
            f"{host.name}: the proxy {proxy.uri}", "winlab knows proxies that speak plain HTTP."
        )
    name = proxy.uri.dns_name
    found = neighbours.find(host, name)
    if is_own(host, name) or (found and found.files is not None):
        raise NotModelled(f"{host.name}: a proxy on {name}", "Name a neighbour with an address.")
    if _address(name) is not None:
        raise WebError(wire.CONNECT_FAILURE, connecting=True)
    if found is None:
        raise WebError(f"The proxy name could not be resolved: '{name}'", connecting=True)
    line = _line(found, proxy.uri, validate=request.validate)
    own = (("Proxy-Authorization", proxy.authorization),) if proxy.authorization else ()
    headers = request.headers
    target = request.uri.path_and_query
    if request.uri.scheme == "https":
        where = (request.uri.dns_name, request.uri.port)
        line = Line(line.address, line.port, request.uri.dns_name, request.validate, where, own)
    else:
        target = f"http://{request.uri.authority}{target}"
        headers = (*headers, *own, ("Proxy-Connection", "Keep-Alive"))
    return wire.exchange(host, line, Message(request.method, target, headers, request.body), deadline)


def _own(host: Host, request: Request) -> Answer:
    """An endpoint of the host itself; only the SCIM endpoint of the ECMA Connector Host is known."""
    uri = request.uri
    with host.lock:
        holder = host.ports.all().get(uri.port)
        if holder is None:
            raise WebError(wire.CONNECT_FAILURE, connecting=True)
        listening = ecma_scim.listening(host, host.services.holder(ecma_host.SERVICE))
        if listening is None or listening.port != uri.port or uri.scheme != "https":
            raise NotModelled(
                f"{host.name}: what {holder} answers to {request.method} {uri}",
                "Of its own endpoints, the SCIM endpoint of the ECMA Connector Host is known, with https.",
            )
        context = ecma_scim.tls_context(host, listening.thumbprint)
    wire.judge(host, context, uri.dns_name, validate=request.validate)
    reply = ecma_scim.answer(
        host, request.method, uri.path_and_query, request.header("Authorization"), request.body or b""
    )
    headers = [("Content-Length", str(len(reply.body))), ("Content-Type", ecma_scim.CONTENT_TYPE)]
    if reply.status is HTTPStatus.UNAUTHORIZED:
        headers.append(("WWW-Authenticate", "Bearer"))
    return _answer(reply.status, headers, reply.body if request.method != "HEAD" else b"")


def _folder(host: Host, request: Request, folder: Path) -> Answer:
    """A file of the controller, as a plain web server would give it."""
    if request.uri.scheme != "http" or request.uri.port != neighbours.FILES_PORT:
        raise WebError(wire.CONNECT_FAILURE, connecting=True)
    date = ("Date", email.utils.formatdate(host.clock.now(), usegmt=True))
    if request.method not in _READS:
        return _answer(HTTPStatus.METHOD_NOT_ALLOWED, [("Allow", ", ".join(_READS)), date], b"")
    path = folder.joinpath(unquote(request.uri.path).lstrip("/")).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        return _answer(HTTPStatus.NOT_FOUND, [("Content-Length", "0"), date], b"")
    about = path.stat()
    headers = [
        ("Content-Length", str(about.st_size)),
        ("Content-Type", mimetypes.guess_type(path.name)[0] or "application/octet-stream"),
        ("Last-Modified", email.utils.formatdate(about.st_mtime, usegmt=True)),
        date,
    ]
    body = io.BytesIO() if request.method == "HEAD" else path.open("rb")
    return Answer(HTTPStatus.OK, HTTPStatus.OK.phrase, headers, body)


def _answer(status: HTTPStatus, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
    return Answer(int(status), status.phrase, headers, io.BytesIO(body))
