"""The SCIM endpoint of a host's ECMA Connector Host, served on the host's own loopback address.

It follows the host: open while the service listens (`host.ports`), closed when it stops, crashes or reboots.
"""

from __future__ import annotations

import logging
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

from winlab.errors import WinlabError
from winlab.products import ecma_host, ecma_scim
from winlab.server.http import Connection, Listener, Request, Response

if TYPE_CHECKING:
    from winlab.host.model import Host

log = logging.getLogger(__name__)


class ScimService:
    """Serves one host's endpoint until `close`.

    Args:
        host: the host.
        address: its loopback address.
    """

    def __init__(self, host: Host, address: str) -> None:
        self._host = host
        self._address = address
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self._open: ecma_scim.Listening | None = None
        host.ports.watchers.append(self._follow)
        with host.lock:
            self._follow()

    @property
    def port(self) -> int | None:
        """The port that is open, None for none."""
        return self._listener.port if self._listener else None

    def close(self) -> None:
        """Stop serving."""
        if self._follow in self._host.ports.watchers:
            self._host.ports.watchers.remove(self._follow)
        with self._lock:
            self._shut()

    def _follow(self) -> None:
        wanted = ecma_scim.listening(self._host, self._host.services.holder(ecma_host.SERVICE))
        with self._lock:
            if wanted == self._open:
                return
            self._shut()
            if wanted is None:
                return
            try:
                context = ecma_scim.tls_context(self._host, wanted.thumbprint)
                self._listener = Listener(self._address, wanted.port, self._handler, context)
            except (WinlabError, OSError) as error:
                # The simulated service runs; the controller's port is what is missing.
                log.error("%s: SCIM endpoint: %s", self._host.name, error)
                return
            self._open = wanted

    def _shut(self) -> None:
        if self._listener is not None:
            self._listener.close()
        self._listener = self._open = None

    def _handler(self, connection: Connection) -> ScimHandler:
        return ScimHandler(self._host)


class ScimHandler:
    """The requests of one connection."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def admit(self, request: Request) -> Response | None:
        """Nothing is refused by its head alone."""
        return None

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request."""
        host = self._host
        if not host.reachable:
            return Response(HTTPStatus.SERVICE_UNAVAILABLE, no_answer=True)
        reply = ecma_scim.answer(
            host, request.method, request.path, request.headers.get("authorization", ""), request.body
        )
        try:
            host.save()
        except WinlabError as error:
            log.error("%s", error)
        headers = (("WWW-Authenticate", "Bearer"),) if reply.status is HTTPStatus.UNAUTHORIZED else ()
        return Response(reply.status, reply.body, ecma_scim.CONTENT_TYPE, headers)

    def closed(self) -> None:
        """Nothing outlives a connection."""
