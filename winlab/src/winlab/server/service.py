"""The WinRM service of one simulated host: listeners, authentication, messages, reboots."""

from __future__ import annotations

import hashlib
import logging
import ssl
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from winlab import fault_effects
from winlab.errors import WinlabError
from winlab.faults import Fault as InjectedFault
from winlab.faults import Undo
from winlab.host import sids
from winlab.server import fault_points, wsman
from winlab.server.auth import ENCRYPTED_TYPE, SOAP_TYPE, ConnectionAuth, Policy, Verdict
from winlab.server.http import MAX_BODY_BYTES, Connection, Listener, Request, Response
from winlab.server.ntlm import BadSignature
from winlab.server.shells import Quotas, Runner, ShellService
from winlab.server.wsman import Fault, Malformed

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

log = logging.getLogger(__name__)

PATH = "/wsman"
HTTP_PORT = 5985  # WinRM's ports, `winrm get winrm/config/service/DefaultPorts`
HTTPS_PORT = 5986
MAX_ENVELOPE = 512_000  # MaxEnvelopeSizekb 500, the default of Windows Server 2012 and later
TICK_SECONDS = 0.1  # how often a scheduled reboot, and the state of the service, is looked at
SERVICE = "WinRM"
# How long shells that are open when the service stops may still take their answer and be deleted.
FAREWELL_SECONDS = 5.0
REMOTE_MANAGEMENT_USERS = "S-1-5-32-580"


@dataclass(frozen=True)
class ListenerSettings:
    """What one transport offers; `enabled` false leaves the port closed."""

    enabled: bool = True
    basic: bool = True
    ntlm: bool = True
    allow_unencrypted: bool = False


@dataclass(frozen=True)
class Settings:
    """The WinRM configuration of one host, from `winrm:` of its definition.

    Attributes:
        http: the plain listener; Basic needs `allow_unencrypted` there.
        https: the TLS listener.
        max_envelope: largest request in bytes.
        quotas: limits on shells and operations.
    """

    http: ListenerSettings = field(default_factory=lambda: ListenerSettings(basic=False))
    https: ListenerSettings = field(default_factory=ListenerSettings)
    max_envelope: int = MAX_ENVELOPE
    quotas: Quotas = field(default_factory=Quotas)

    @classmethod
    def of(cls, definition: dict[str, Any]) -> Settings:
        """Read `winrm:` of a host's definition; what is absent keeps its default."""
        winrm = definition.get("winrm") or {}
        base = cls()
        return cls(
            http=_listener(winrm.get("http"), base.http),
            https=_listener(winrm.get("https"), base.https),
            max_envelope=int(winrm.get("max_envelope_kb", MAX_ENVELOPE // 1000)) * 1000,
            quotas=Quotas(
                int(winrm.get("max_shells_per_user", base.quotas.shells_per_user)),
                int(winrm.get("max_operations_per_user", base.quotas.operations_per_user)),
            ),
        )


class WinrmService:
    """Serves one host on one loopback address until `close`.

    Args:
        host: the host.
        runner: runs a command of a shell.
        address: loopback address.
        ports: HTTP and HTTPS port, 0 for free ones.
        certificate: PEM file with the host's certificate and key; None leaves HTTPS closed.
        settings: the WinRM configuration; read from the host's definition when None.
    """

    def __init__(
        self,
        host: Host,
        runner: Runner,
        address: str,
        ports: tuple[int, int] = (HTTP_PORT, HTTPS_PORT),
        certificate: Path | None = None,
        *,
        settings: Settings | None = None,
    ) -> None:
        self.host = host
        self.address = address
        self.settings = settings or Settings.of(host.definition)
        self.shells = ShellService(host, runner, address, self.settings.quotas)
        self.last_request = time.monotonic()
        self._stopping = threading.Event()
        self._turn = threading.Lock()  # to close and open the listeners
        self._down = False
        self._stopped_since: float | None = None
        self._tls: ssl.SSLContext | None = None
        self._certificate_hash: bytes | None = None
        self._certificate = certificate
        if certificate is not None:
            self._tls, self._certificate_hash = load_certificate(certificate)
        self._listeners: dict[str, Listener] = {}
        # Sealing and multipart add a few hundred bytes; an envelope that is too large still gets its fault.
        max_body = max(MAX_BODY_BYTES, 2 * self.settings.max_envelope)
        try:
            if self.settings.http.enabled:
                self._listeners["http"] = Listener(address, ports[0], self._handler, None, max_body)
            if self.settings.https.enabled and self._tls is not None:
                self._listeners["https"] = Listener(address, ports[1], self._handler, self._tls, max_body)
        except BaseException:
            self.close()
            raise
        host.reboot_hooks.append(self._rebooted)
        fault_effects.attach(host)
        host.faults.on("certificate", self._wrong_certificate)
        self._ticker = threading.Thread(target=self._tick, name=f"tick {host.name}", daemon=True)
        self._ticker.start()

    @property
    def ports(self) -> dict[str, int]:
        """Port by scheme, for the listeners that are open."""
        return {scheme: listener.port for scheme, listener in self._listeners.items()}

    def close(self) -> None:
        """Stop serving."""
        self._stopping.set()
        if self._rebooted in self.host.reboot_hooks:
            self.host.reboot_hooks.remove(self._rebooted)
        # Effects go with the service, and who hangs is let go.
        self.host.faults.off("certificate")
        self.host.faults.clear()
        with self._turn:
            for listener in self._listeners.values():
                listener.close()
        self.shells.drop_all()

    def _handler(self, connection: Connection) -> WsmanHandler:
        offered = self.settings.https if connection.secure else self.settings.http
        policy = Policy(
            basic=offered.basic,
            ntlm=offered.ntlm,
            allow_unencrypted=offered.allow_unencrypted,
            secure=connection.secure,
            certificate_hash=self._certificate_hash if connection.secure else None,
        )
        return WsmanHandler(self, ConnectionAuth(self.host, policy), connection)

    def _rebooted(self, host: Host) -> None:
        # A fast reboot changes the boot time and drops nothing, for suites that are not about reboots.
        if not is_fast_reboot(host) or not host.reachable:
            threading.Thread(target=self._go_down, name=f"reboot {host.name}", daemon=True).start()

    def _go_down(self) -> None:
        with self._turn:
            if self._down or self._stopping.is_set():
                return  # who waits already waits until the later restart is over
            self._down = True
            for listener in self._listeners.values():
                listener.close()
            self.shells.drop_all()
        while not self._came_back():
            if self._stopping.wait(TICK_SECONDS):
                return

    def _came_back(self) -> bool:
        with self._turn:
            if not self.host.reachable or self._is_stopped() or self._stopping.is_set():
                return self._stopping.is_set()
            self._down = False
            for listener in self._listeners.values():
                try:
                    listener.reopen()
                except WinlabError as error:
                    log.error("%s", error)
            return True

    def _wrong_certificate(self, fault: InjectedFault) -> Undo:
        listener = self._listeners.get("https")
        if listener is None or self._tls is None:
            raise WinlabError(
                f"{self.host.name}: fault certificate: no HTTPS; expected a listener for it. "
                "Enable `winrm: https:` in the lab definition."
            )
        right, right_hash = self._tls, self._certificate_hash
        wrong, self._certificate_hash = fault_points.wrong_certificate(fault, self._certificate, self.address)
        listener.use(wrong)

        def undo() -> None:
            listener.use(right)
            self._certificate_hash = right_hash

        return undo

    def gone(self) -> bool:
        """Whether the Windows service does not run and nobody waits for an answer any more.

        Who stopped it has got an answer by then: the shell is deleted after the command, or too old.
        """
        since = self._stopped_since
        if since is None:
            # A command holds the lock, perhaps one that restarts the service or the host: look again later.
            if not self.host.lock.acquire(blocking=False):
                return False
            try:
                if not self._is_stopped():
                    return False
            finally:
                self.host.lock.release()
            since = self._stopped_since = time.monotonic()
        return self.shells.count() == 0 or time.monotonic() - since > FAREWELL_SECONDS

    def _is_stopped(self) -> bool:
        # A host that nobody has given the service answers; one from a template has it.
        service = self.host.services.get(SERVICE)
        return service is not None and service.state != "running"

    def _follow_service(self) -> None:
        with self.host.lock:
            stopped = self._is_stopped()
        if not stopped:
            self._stopped_since = None
        elif self.gone() and not self._down:
            log.info("%s: the service %s is stopped", self.host.name, SERVICE)
            threading.Thread(target=self._go_down, name=f"stop {self.host.name}", daemon=True).start()

    def _tick(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            self._follow_service()
            if self.host.shutdown_due and self.host.tick():
                try:
                    self.host.save()
                except WinlabError as error:
                    log.error("%s", error)


class WsmanHandler:
    """The requests of one connection."""

    def __init__(self, service: WinrmService, auth: ConnectionAuth, connection: Connection) -> None:
        self._service = service
        self._auth = auth
        self._connection = connection
        self._verdict = Verdict()

    def admit(self, request: Request) -> Response | None:
        """Refuse by the head alone: another path or method, or nobody who may connect."""
        self._service.last_request = time.monotonic()
        if self._service.gone():
            return Response(HTTPStatus.SERVICE_UNAVAILABLE, no_answer=True)
        if request.path.partition("?")[0].rstrip("/").lower() != PATH:
            return Response(HTTPStatus.NOT_FOUND)
        if request.method != "POST":
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, headers=(("Allow", "POST"),))
        self._verdict = self._auth.judge(request.headers.get("authorization"))
        session = self._verdict.session
        # ansible-core's guide to WinRM errors: a user who may not use WinRM is refused with 401, like a
        # stranger.
        self._connection.trusted = session is not None and may_connect(session)
        if self._connection.trusted:
            return None
        challenges = self._verdict.challenges or self._auth.policy.challenges()
        return Response(
            HTTPStatus.UNAUTHORIZED,
            headers=tuple(("WWW-Authenticate", value) for value in challenges),
            late=self._verdict.wrong,
        )

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request that was admitted."""
        session = self._verdict.session
        if session is None or not request.body:
            return Response(HTTPStatus.OK if self._verdict.handshake_done else HTTPStatus.BAD_REQUEST)
        return self._answer(request, session)

    def _answer(self, request: Request, session: Session) -> Response:
        content_type = request.headers.get("content-type", "")
        sealed = content_type.lower().startswith("multipart/encrypted")
        policy = self._auth.policy
        if not sealed and not policy.secure and not policy.allow_unencrypted:
            return Response(HTTPStatus.INTERNAL_SERVER_ERROR)
        try:
            plain = self._auth.open_body(content_type, request.body)
            status, body, effect = self._converse(plain, session)
        except (BadSignature, Malformed) as error:
            log.info("%s: %s", self._service.host.name, error)
            return Response(HTTPStatus.BAD_REQUEST, close=True)
        if sealed:
            body = self._auth.seal_body(body)
        response = Response(status, body, ENCRYPTED_TYPE if sealed else SOAP_TYPE)
        return response if effect is None else fault_points.cut(response, effect)

    def _converse(self, plain: bytes, session: Session) -> tuple[HTTPStatus, bytes, str | None]:
        service = self._service
        faults = service.host.faults
        effect: str | None = None
        if not service.host.reachable:
            return HTTPStatus.OK, b"", "drop"  # it came in between the restart and the end of its connection
        try:
            limit = service.settings.max_envelope
            if faults:
                effect = fault_points.before(faults, plain)
                if effect == "drop":
                    return HTTPStatus.OK, b"", effect
                limit = fault_points.envelope(faults, limit)
            if len(plain) > limit:
                reason = (
                    "The WS-Management service cannot process the request. The request contained an "
                    "envelope larger "
                    f"than the allowed {limit} octets."
                )
                raise Fault(wsman.ENVELOPE_TOO_LARGE, reason, "w:EncodingLimit")
            return HTTPStatus.OK, service.shells.answer(wsman.parse(plain), session), effect
        except Fault as error:
            return HTTPStatus.INTERNAL_SERVER_ERROR, wsman.fault(error, service.host.computer_name), effect

    def closed(self) -> None:
        """Nothing lives longer than the connection but its shells, with the logon that made them."""
        session, host = self._auth.session, self._service.host
        if session is not None and not self._service.shells.uses(session):
            with host.lock:
                host.audit.logged_off(session)


def may_connect(session: Session) -> bool:
    """Whether the token passes the service's default RootSDDL: administrators and Remote Management Users."""
    return session.is_admin or REMOTE_MANAGEMENT_USERS in session.groups or session.sid == sids.SYSTEM


def is_fast_reboot(host: Host) -> bool:
    """Whether a reboot drops no connection (`reboot: {fast: ...}` of the definition, default true)."""
    return host.faults.number("outage", "seconds") is None and bool(
        (host.definition.get("reboot") or {}).get("fast", True)
    )


def _listener(given: Any, base: ListenerSettings) -> ListenerSettings:
    if given is False:
        return ListenerSettings(enabled=False)
    if not isinstance(given, dict):
        return base
    return ListenerSettings(
        enabled=bool(given.get("enabled", True)),
        basic=bool(given.get("basic", base.basic)),
        ntlm=bool(given.get("ntlm", base.ntlm)),
        allow_unencrypted=bool(given.get("allow_unencrypted", base.allow_unencrypted)),
    )


def load_certificate(path: Path) -> tuple[ssl.SSLContext, bytes]:
    """The TLS context of a PEM file with certificate and key, and the hash that channel bindings carry."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(path)
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    # RFC 5929 4.1: the hash of the signature algorithm, SHA-256 at least; ours are signed with SHA-256.
    return context, hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
