"""Certificate files as `X509Certificate2Collection.Import` and `Export` of the .NET Framework treat them.

Import asks CryptQueryObject what a file is, so the file's name does not matter. What it says of a failure is
the system's text for the HRESULT, which .NET's CryptographicException carries with its line break.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs7,
    pkcs12,
)

from winlab.errors import NotModelled, Win32Error
from winlab.host import certificate_store

CRYPT_E_NO_MATCH = 0x80092009
ERROR_INVALID_PASSWORD = 86
# No source but upstream's target win_certificate_store, which asks for this build before it makes one in AES
# (its tasks/main.yml, "check if we can use default AES encryption").
FIRST_BUILD_WITH_AES = 17763
_TEXTS = {
    5: "Access is denied.",
    32: "The process cannot access the file because it is being used by another process.",
    ERROR_INVALID_PASSWORD: "The specified network password is not correct.",
    CRYPT_E_NO_MATCH: "Cannot find the requested object.",
}
_BEGIN = re.compile(r"\s*-----BEGIN (?P<label>[A-Z0-9 ]+)-----(?P<body>.*?)-----END (?P=label)-----", re.S)
_CERTIFICATES = ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")
# OBJECT IDENTIFIER 1.2.840.113549.1.5.13, PBES2: what every PKCS #12 file in AES names in the clear.
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PKCS12_VERSION = b"\x02\x01\x03"  # PFX ::= SEQUENCE { version INTEGER {v3(3)}, ... } (RFC 7292, 4)


class CryptographicError(Win32Error):
    """`System.Security.Cryptography.CryptographicException`: its text ends in a line break."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(code)
        self.message = f"{text or _TEXTS[code]}\r\n"
        self.args = (self.message,)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A certificate of a file.

    Attributes:
        der: the certificate.
        key: its private key as PKCS #8 in PEM form, empty without one.
        friendly_name: from a PKCS #12 file.
        is_rsa: whether that key is RSA; the others go to a CNG provider.
    """

    der: bytes
    key: bytes = b""
    friendly_name: str = ""
    is_rsa: bool = True

    @property
    def thumbprint(self) -> str:
        """SHA-1 in upper case."""
        return certificate_store.thumbprint_of(self.der)


def load(content: bytes, password: str | None, build: int, where: str) -> list[Loaded]:
    """The certificates of a file.

    Args:
        content: the file's bytes.
        password: of a PKCS #12 file; None and the empty text are the same to PowerShell.
        build: the build of Windows.
        where: the file, for a refusal.

    Raises:
        CryptographicError: no certificate, or another password.
        NotModelled: a form that Windows knows and winlab does not.
    """
    if not content:
        raise NotModelled(f"the empty certificate file {where}", "What CryptQueryObject says is not known.")
    der = _binary(content, where)
    for read in (_certificate, _pkcs7):
        if found := read(der):
            return found
    return _pkcs12(der, password, build)


def _binary(content: bytes, where: str) -> bytes:
    """What CryptStringToBinary makes of a text, or the bytes as they are."""
    if content[:1] == b"\x30":
        return content
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CryptographicError(CRYPT_E_NO_MATCH) from None
    if match := _BEGIN.match(text):
        # The first block counts: a key in front of a certificate hides it.
        known = (*_CERTIFICATES, "PKCS7")
        if match["label"] not in known:
            raise CryptographicError(CRYPT_E_NO_MATCH)
        return _base64(match["body"])
    if "-----BEGIN" in text:
        raise NotModelled(
            f"text before the first block of {where}", "Let the file begin with its BEGIN line."
        )
    return _base64(text)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise CryptographicError(CRYPT_E_NO_MATCH) from None


def _certificate(der: bytes) -> list[Loaded]:
    try:
        return [Loaded(x509.load_der_x509_certificate(der).public_bytes(Encoding.DER))]
    except ValueError:
        return []


def _pkcs7(der: bytes) -> list[Loaded]:
    try:
        return [Loaded(item.public_bytes(Encoding.DER)) for item in pkcs7.load_der_pkcs7_certificates(der)]
    except ValueError:
        return []


def _pkcs12(der: bytes, password: str | None, build: int) -> list[Loaded]:
    if der[:1] != b"\x30" or _PKCS12_VERSION not in der[:8]:
        raise CryptographicError(CRYPT_E_NO_MATCH)
    if build < FIRST_BUILD_WITH_AES and _PBES2 in der:
        raise CryptographicError(ERROR_INVALID_PASSWORD)
    try:
        content = pkcs12.load_pkcs12(der, password.encode() if password else None)
    except ValueError:
        raise CryptographicError(ERROR_INVALID_PASSWORD) from None
    found = []
    if content.cert is not None:
        key = b""
        if content.key is not None:
            key = content.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        is_rsa = isinstance(content.key, rsa.RSAPrivateKey | None)
        found.append(
            Loaded(content.cert.certificate.public_bytes(Encoding.DER), key, _name(content.cert), is_rsa)
        )
    found += [
        Loaded(item.certificate.public_bytes(Encoding.DER), b"", _name(item))
        for item in content.additional_certs
    ]
    return found


def _name(certificate: pkcs12.PKCS12Certificate) -> str:
    return (certificate.friendly_name or b"").decode("utf-8", "replace")


def export_pkcs12(der: bytes, key: bytes, friendly_name: str, password: str | None) -> bytes:
    """A PKCS #12 file as PFXExportCertStore writes it: 3DES and SHA-1, 2000 rounds (Server 2016).

    Without password the content is not encrypted, where Windows encrypts with the empty one: readers tell no
    difference.
    """
    certificate = x509.load_der_x509_certificate(der)
    loaded = load_pem_private_key(key, None) if key else None
    if loaded is not None and not isinstance(
        loaded,
        rsa.RSAPrivateKey
        | dsa.DSAPrivateKey
        | ec.EllipticCurvePrivateKey
        | ed25519.Ed25519PrivateKey
        | ed448.Ed448PrivateKey,
    ):
        raise NotModelled(f"a private key of type {type(loaded).__name__}", "Use RSA or an elliptic curve.")
    encryption: KeySerializationEncryption = NoEncryption()
    if password:
        encryption = (
            PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(2000)
            .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
            .hmac_hash(hashes.SHA1())  # noqa: S303  (what Server 2016 writes)
            .build(password.encode())
        )
    if loaded is None:
        chain = [pkcs12.PKCS12Certificate(certificate, friendly_name.encode() or None)]
        return pkcs12.serialize_key_and_certificates(None, None, None, chain, encryption)
    return pkcs12.serialize_key_and_certificates(
        friendly_name.encode() or None, loaded, certificate, None, encryption
    )


def export_pem(der: bytes) -> bytes:
    """Lines 244-251 of win_certificate_store.ps1: lines of 76 characters, no line break at the end."""
    text = base64.b64encode(der).decode("ascii")
    lines = [text[start : start + 76] for start in range(0, len(text), 76)]
    return "\r\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----")).encode("ascii")
