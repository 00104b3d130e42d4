"""Who is at the other end of a connection: Basic and NTLM against the host's accounts.

NTLM authenticates the TCP connection: later requests carry no Authorization header (winrm_wire.md 1.10).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from winlab.errors import Win32Error
from winlab.server.ntlm import SIGNATURE_LENGTH, Acceptor, BadSignature, NtlmError, Sealer

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

ENCRYPTED_TYPE = (
    'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'
)
SOAP_TYPE = "application/soap+xml;charset=UTF-8"
_BOUNDARY = b"--Encrypted Boundary"  # the boundary line as Windows writes it, MS-WSMV 2.2.9.1
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"


@dataclass(frozen=True)
class Policy:
    """What one listener offers (`winrm get winrm/config/service/auth`)."""

    basic: bool
    ntlm: bool
    allow_unencrypted: bool
    secure: bool
    certificate_hash: bytes | None = None

    def challenges(self) -> tuple[str, ...]:
        """Values of the WWW-Authenticate headers, one header each."""
        offered = ("Negotiate", "NTLM") if self.ntlm else ()
        return (*offered, 'Basic realm="WSMAN"') if self.basic else offered


@dataclass
class Verdict:
    """Outcome for one request: a session, or the 401's headers; `wrong` when credentials were refused."""

    session: Session | None = None
    challenges: tuple[str, ...] = ()
    handshake_done: bool = False
    wrong: bool = False


@dataclass
class ConnectionAuth:
    """State of authentication on one TCP connection."""

    host: Host
    policy: Policy
    session: Session | None = None
    sealer: Sealer | None = None
    _acceptor: Acceptor | None = None
    _basic: str = field(default="", repr=False)

    def judge(self, authorization: str | None) -> Verdict:
        """Decide on one request by its Authorization header, if any."""
        if authorization is None:
            if self.session is not None and not self._basic:
                return Verdict(session=self.session)
            return Verdict(challenges=self.policy.challenges())
        scheme, _, value = authorization.partition(" ")
        kind = scheme.lower()
        if kind == "basic" and self.policy.basic:
            return self._judge_basic(value.strip())
        if kind in ("ntlm", "negotiate") and self.policy.ntlm:
            return self._judge_ntlm(scheme, value.strip())
        return self._refuse()

    def _judge_basic(self, value: str) -> Verdict:
        if self.session is not None and hmac.compare_digest(value.encode(), self._basic.encode()):
            return Verdict(session=self.session)
        try:
            user, found, password = _decode_basic(base64.b64decode(value, validate=True)).partition(":")
        except binascii.Error:
            return self._refuse()
        if not found:
            return self._refuse()
        try:
            with self.host.lock:
                self.session = self.host.accounts.logon(user, password, "network_cleartext")
        except Win32Error:
            self.session = None
            return self._refuse()
        self._basic = value
        return Verdict(session=self.session)

    def _judge_ntlm(self, scheme: str, value: str) -> Verdict:
        try:
            token = base64.b64decode(value, validate=True)
        except binascii.Error:
            return self._refuse()
        try:
            if self._acceptor is None:
                self._acceptor = Acceptor(self.host.name, self._password_of, self.policy.certificate_hash)
                challenge = self._acceptor.challenge(token)
                return Verdict(challenges=(f"{scheme} {base64.b64encode(challenge).decode()}",))
            acceptor, self._acceptor = self._acceptor, None
            with self.host.lock:
                try:
                    proven = acceptor.authenticate(token)
                except NtlmError:
                    self.host.accounts.refused(acceptor.attempted_user)
                    raise
                self.session = self.host.accounts.authenticated(proven.user, "network")
        except (NtlmError, Win32Error):
            self._acceptor = self.session = None
            return self._refuse()
        self.sealer = acceptor.sealer
        self._basic = ""
        return Verdict(session=self.session, handshake_done=True)

    def _password_of(self, user: str, domain: str) -> str | None:
        # A stand-alone server looks the name up in its own SAM whatever domain the client writes, but
        # `user@domain` is nobody here.
        account = None if "@" in user else self.host.accounts.user(user)
        return account.password if account is not None else None

    def _refuse(self) -> Verdict:
        return Verdict(challenges=self.policy.challenges(), wrong=True)

    def open_body(self, content_type: str, body: bytes) -> bytes:
        """The plain request body.

        Raises:
            BadSignature: it is no sealed body of this connection.
        """
        if not content_type.lower().startswith("multipart/encrypted"):
            return body
        if self.sealer is None:
            raise BadSignature("sealed body on a connection without keys")
        head, found, rest = body.partition(_OCTETS)
        if not found or not head.startswith(_BOUNDARY) or len(rest) < 4 + SIGNATURE_LENGTH:
            raise BadSignature("not a sealed body")
        (length,) = struct.unpack("<i", rest[:4])
        end = rest.rfind(_BOUNDARY + b"--")
        if length != SIGNATURE_LENGTH or end < 4 + SIGNATURE_LENGTH:
            raise BadSignature("not a sealed body")
        data = self.sealer.unseal(rest[4 : 4 + length], rest[4 + length : end])
        declared = head.rpartition(b"Length=")[2].split(b"\r\n")[0]
        if declared != str(len(data)).encode():
            raise BadSignature("declared length does not fit")
        return data

    def seal_body(self, body: bytes) -> bytes:
        """The sealed form of a response body."""
        if self.sealer is None:
            raise BadSignature("no keys on this connection")
        signature, sealed = self.sealer.seal(body)
        return b"".join(
            (
                _BOUNDARY,
                b"\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n",
                # pywinrm takes what follows "Length=" up to the boundary as a number, so the line comes last.
                f"\tOriginalContent: type={SOAP_TYPE};Length={len(body)}\r\n".encode(),
                _BOUNDARY,
                b"\r\n",
                _OCTETS,
                struct.pack("<i", len(signature)),
                signature,
                sealed,
                _BOUNDARY,
                b"--\r\n",
            )
        )


def _decode_basic(data: bytes) -> str:
    """Name and password: UTF-8 where it is, else the ANSI code page, which python-requests uses (latin-1)."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
