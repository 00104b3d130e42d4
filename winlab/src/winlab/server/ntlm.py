"""The accepting side of NTLMv2 (MS-NLMP) for one connection to one simulated host.

pyspnego's own acceptor reads every password from one file named by the process's environment; here each
host has
its own accounts, so the acceptor is built from pyspnego's message and crypto parts and asks a callable
instead.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from spnego._ntlm_raw.crypto import (
    compute_response_v2,
    hmac_md5,
    md5,
    ntowfv1,
    ntowfv2,
    rc4init,
    rc4k,
    sealkey,
    signkey,
)
from spnego._ntlm_raw.messages import (
    Authenticate,
    AvFlags,
    AvId,
    Challenge,
    FileTime,
    Negotiate,
    NegotiateFlags,
    NTClientChallengeV2,
    TargetInfo,
    Version,
)
from spnego._ntlm_raw.security import seal, sign
from spnego.channel_bindings import GssChannelBindings

SIGNATURE_LENGTH = 16  # NTLMSSP_MESSAGE_SIGNATURE, MS-NLMP 2.2.2.9
_CHALLENGE_LENGTH = 8  # ServerChallenge, MS-NLMP 2.2.1.2
_NT_PROOF_LENGTH = 16  # NTProofStr, the head of an NTLMv2 response (MS-NLMP 2.2.2.8)
_SESSION_KEY_LENGTH = 16  # EncryptedRandomSessionKey, MS-NLMP 2.2.1.3
_MIC_AT = slice(72, 88)  # MIC field of AUTHENTICATE_MESSAGE when a version is present, MS-NLMP 2.2.1.3
_LONGEST_TOKEN = 16 * 1024  # a client's token is a few hundred bytes

_Message = TypeVar("_Message", Negotiate, Authenticate)
PasswordSource = Callable[[str, str], "str | None"]


class NtlmError(Exception):
    """The token is malformed, or the proof does not fit the password."""


class BadSignature(Exception):  # noqa: N818  (named after what it says, as in errors.py)
    """A sealed message that this connection's keys did not make."""


@dataclass(frozen=True)
class Proven:
    """Who the client has proven to be: names as the client wrote them."""

    user: str
    domain: str


class Sealer:
    """Keys and counters that seal what the server sends and open what the client sends (MS-NLMP 3.4)."""

    def __init__(self, flags: int, session_key: bytes) -> None:
        self._flags = flags
        self._sign_out = signkey(flags, session_key, "accept")
        self._sign_in = signkey(flags, session_key, "initiate")
        self._out = rc4init(sealkey(flags, session_key, "accept"))
        self._in = rc4init(sealkey(flags, session_key, "initiate"))
        self._sent = 0
        self._received = 0

    def seal(self, data: bytes) -> tuple[bytes, bytes]:
        """Signature and sealed bytes of one outgoing message."""
        sealed, signature = seal(self._flags, self._out, self._sign_out, self._sent, data)
        self._sent += 1
        return bytes(signature), bytes(sealed)

    def unseal(self, signature: bytes, sealed: bytes) -> bytes:
        """The plain bytes of one incoming message.

        Raises:
            BadSignature: the message was sealed with other keys or out of order.
        """
        data = bytes(self._in.update(sealed))
        expected = sign(self._flags, self._in, self._sign_in, self._received, data)
        self._received += 1
        if not hmac.compare_digest(bytes(expected), signature):
            raise BadSignature("signature does not fit")
        return data


class Acceptor:
    """One handshake: type 1 gives a challenge, type 3 gives who it is.

    Args:
        host_name: NetBIOS name of the simulated host, the target of the challenge.
        password_of: the password of an account as of now, None when there is no such account.
        certificate_hash: `tls-server-end-point` hash of the host's certificate (RFC 5929), None without TLS.
    """

    def __init__(
        self, host_name: str, password_of: PasswordSource, certificate_hash: bytes | None = None
    ) -> None:
        self._host_name = host_name.upper()
        self._password_of = password_of
        self._certificate_hash = certificate_hash
        self._negotiate = b""
        self._challenge = b""
        self._server_challenge = b""
        self.attempted_user = ""
        self.sealer: Sealer | None = None

    def challenge(self, token: bytes) -> bytes:
        """Answer a NEGOTIATE_MESSAGE.

        Raises:
            NtlmError: it is none.
        """
        message = _unpack(Negotiate, token)
        flags = (
            message.flags
            | NegotiateFlags.request_target
            | NegotiateFlags.ntlm
            | NegotiateFlags.always_sign
            | NegotiateFlags.target_info
            | NegotiateFlags.target_type_server
        )
        if not flags & NegotiateFlags.unicode or not flags & NegotiateFlags.extended_session_security:
            raise NtlmError("the client offers neither Unicode nor extended session security")
        flags &= ~(NegotiateFlags.oem | NegotiateFlags.lm_key)
        names = TargetInfo()
        names[AvId.nb_computer_name] = self._host_name
        names[AvId.nb_domain_name] = self._host_name
        names[AvId.dns_computer_name] = self._host_name.lower()
        names[AvId.dns_domain_name] = self._host_name.lower()
        names[AvId.timestamp] = FileTime.now()
        self._server_challenge = os.urandom(_CHALLENGE_LENGTH)
        version = Version(10, 0, 14393) if flags & NegotiateFlags.version else None
        self._negotiate = token
        self._challenge = Challenge(
            flags, self._server_challenge, target_name=self._host_name, target_info=names, version=version
        ).pack()
        return self._challenge

    def authenticate(self, token: bytes) -> Proven:
        """Check an AUTHENTICATE_MESSAGE against the account's password as it is now.

        Raises:
            NtlmError: malformed, unknown account, wrong password, or bound to another TLS channel.
        """
        if not self._challenge:
            raise NtlmError("no challenge was sent on this connection")
        try:
            return self._prove(token)
        except NtlmError:
            raise
        except (
            Exception
        ) as error:  # pyspnego reads fields late: struct, value and Unicode errors on lying lengths
            raise NtlmError(f"malformed message: {type(error).__name__}") from error

    def _prove(self, token: bytes) -> Proven:
        message = _unpack(Authenticate, token)
        user, domain = message.user_name or "", message.domain_name or ""
        self.attempted_user = user
        response = message.nt_challenge_response or b""
        if not user or len(response) <= _NT_PROOF_LENGTH + _CHALLENGE_LENGTH:
            raise NtlmError("anonymous logon or NTLMv1")
        password = self._password_of(user, domain)
        if password is None:
            raise NtlmError("no such account")
        client = NTClientChallengeV2.unpack(response[_NT_PROOF_LENGTH:])
        names = client.av_pairs
        expected, _, exchange_key = compute_response_v2(
            ntowfv2(user, ntowfv1(password), domain),
            self._server_challenge,
            client.challenge_from_client,
            client.time_stamp,
            names,
        )
        if not hmac.compare_digest(expected, response):
            raise NtlmError("wrong password")
        self._check_channel(names)
        session_key = exchange_key
        if message.flags & NegotiateFlags.key_exch:
            sent = message.encrypted_random_session_key or b""
            if len(sent) != _SESSION_KEY_LENGTH:
                raise NtlmError("a session key of another length")
            session_key = rc4k(exchange_key, sent)
        if names.get(AvId.flags, 0) & AvFlags.mic:
            self._check_mic(token, session_key)
        self.sealer = Sealer(message.flags, session_key)
        return Proven(user, domain)

    def _check_channel(self, names: TargetInfo) -> None:
        # Windows' default ("Relaxed"): a binding that is there must fit, a missing one is accepted.
        claimed = names.get(AvId.channel_bindings, b"")
        if self._certificate_hash is None or not any(claimed):
            return
        bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + self._certificate_hash)
        if not hmac.compare_digest(claimed, md5(bindings.pack())):
            raise NtlmError("channel bindings of another certificate")

    def _check_mic(self, token: bytes, session_key: bytes) -> None:
        without = bytearray(token)
        claimed = bytes(without[_MIC_AT])
        without[_MIC_AT] = bytes(len(claimed))
        expected = hmac_md5(session_key, self._negotiate + self._challenge + bytes(without))
        if not hmac.compare_digest(expected, claimed):
            raise NtlmError("message integrity code does not fit")


def _unpack(kind: type[_Message], token: bytes) -> _Message:
    if len(token) > _LONGEST_TOKEN:
        raise NtlmError("token too long")
    try:
        message = kind.unpack(token)
    except Exception as error:  # pyspnego raises struct, value, Unicode and its own errors on garbage
        raise NtlmError(f"not an NTLM message: {error}") from error
    if not isinstance(message, kind):
        raise NtlmError(f"unexpected NTLM message {type(message).__name__}")
    return message
