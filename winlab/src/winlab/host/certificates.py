"""The certificate that a host shows, as far as a fact needs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes


@dataclass(frozen=True, slots=True)
class Certificate:
    """Thumbprint (SHA-1, upper case, as Windows shows it) and end of validity (UTC)."""

    thumbprint: str
    expires: datetime


def read_certificate(path: Path) -> Certificate:
    """Read the first certificate of a PEM file.

    Raises:
        ValueError: there is none in it.
    """
    return _parse(path.read_bytes())


@lru_cache(maxsize=64)
def _parse(content: bytes) -> Certificate:
    certificate = x509.load_pem_x509_certificate(content)
    # Windows names certificates by SHA-1; nothing is trusted because of it.
    digest = certificate.fingerprint(hashes.SHA1())  # noqa: S303
    return Certificate(digest.hex().upper(), certificate.not_valid_after_utc)
