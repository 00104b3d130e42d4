"""Where faults strike the wire. Nothing here runs unless one is set."""

from __future__ import annotations

import logging
import ssl
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from winlab import pki
from winlab.server import wsman
from winlab.server.http import Response

if TYPE_CHECKING:
    from winlab.faults import Fault, Faults

log = logging.getLogger(__name__)

# A hanging request ends at last: far above any client's read timeout.
HANG_SECONDS = 600.0
_OPERATIONS = {
    wsman.CREATE: "Create",
    wsman.COMMAND: "Command",
    wsman.SEND: "Send",
    wsman.RECEIVE: "Receive",
    wsman.SIGNAL: "Signal",
    wsman.DELETE: "Delete",
}
# SOAP subcodes by fault code, as the service sends them (winrm_wire.md 1.9).
_SUBCODES = {
    wsman.TIMED_OUT: "w:TimedOut",
    wsman.SHELL_NOT_FOUND: "w:InvalidSelectors",
    wsman.QUOTA_SHELLS: "w:QuotaLimit",
    wsman.QUOTA_OPERATIONS: "w:QuotaLimit",
    wsman.ENVELOPE_TOO_LARGE: "w:EncodingLimit",
    wsman.ACCESS_DENIED: "w:AccessDenied",
}


def before(faults: Faults, plain: bytes) -> str | None:
    """Let the faults of this request strike before it is acted on.

    Returns:
        `drop`: end the connection instead; `half`: cut the answer; None: go on.

    Raises:
        wsman.Fault: the request is refused.
        wsman.Malformed: it is no request.
    """
    message = wsman.parse(plain)
    effect: str | None = None
    for fault in faults.wire(_OPERATIONS.get(message.action, "")):
        log.info("fault %d: %s", fault.number, fault.kind)
        if fault.kind == "delay":
            fault.ended.wait(float(fault.values["seconds"]))
        elif fault.kind == "hang":
            fault.ended.wait(HANG_SECONDS)
            return "drop"
        elif fault.kind == "wsman":
            code = int(fault.values["code"])
            raise wsman.Fault(
                code,
                str(fault.values["text"]),
                _SUBCODES.get(code, "w:InternalError"),
                wmi=code == wsman.QUOTA_OPERATIONS,
                message_id=message.message_id,
            )
        else:
            effect = fault.kind
    return effect


def cut(response: Response, effect: str) -> Response:
    """The answer that a `drop` or a `half` leaves."""
    if effect == "drop":
        return replace(response, no_answer=True)
    return replace(response, cut=len(response.body) // 2)


def envelope(faults: Faults, configured: int) -> int:
    """The largest request in bytes."""
    kilobytes = faults.number("envelope", "kb")
    # MaxEnvelopeSizekb counts 1,024 bytes.
    return configured if kilobytes is None else int(kilobytes * 1024)


def wrong_certificate(fault: Fault, right: Path | None, address: str) -> tuple[ssl.SSLContext, bytes]:
    """A certificate that no client should accept: another name of the same issuer, or another issuer."""
    from winlab.server.service import load_certificate  # noqa: PLC0415  (it imports this module)

    assert right is not None  # noqa: S101  (there is a listener for it)
    with tempfile.TemporaryDirectory(prefix="winlab-") as folder:
        target = Path(folder) / "wrong.pem"
        if fault.values["wrong"] == "issuer":
            pki.ensure_ca(Path(folder) / "ca")
            pki.issue(Path(folder) / "ca", right.stem, address, target)
        else:
            # TEST-NET-1 (RFC 5737): an address that no host has.
            pki.issue(_authority(right), "other.example", "192.0.2.1", target)
        return load_certificate(target)


def _authority(certificate: Path) -> Path:
    """The lab's own authority lies beside the certificates (lab.StateFolder)."""
    return certificate.parent.parent / "ca"
