"""A certificate as `X509Certificate2` of the .NET Framework shows it.

Sources: Microsoft's pages "CertNameToStr" and "CertStrToName" (names of attributes, quoting, reversed order,
which X509Certificate2.Subject asks for), "CertGetNameString" (CERT_NAME_SIMPLE_DISPLAY_TYPE),
"X509KeyUsageFlags Enum"; friendly names of object identifiers are those of wincrypt.h's registered list.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID, NameOID

from winlab.errors import NotModelled
from winlab.modules._certificate_text import FIELDS, PURPOSES, USAGE_BITS, extension_text, quoted

if TYPE_CHECKING:
    from winlab.host.certificate_store import StoredCertificate
    from winlab.host.model import Host

_BUILD_KEY = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_DEFAULT_BUILD = 14393  # Windows Server 2016, which every host without another template is
# "CertStrToName", column X.500 name string; SERIALNUMBER is szOID_DEVICE_SERIAL_NUMBER's name.
_ATTRIBUTES = {
    "2.5.4.3": "CN",
    "2.5.4.7": "L",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "1.2.840.113549.1.9.1": "E",
    "2.5.4.6": "C",
    "2.5.4.8": "S",
    "2.5.4.9": "STREET",
    "2.5.4.12": "T",
    "2.5.4.42": "G",
    "2.5.4.43": "I",
    "2.5.4.4": "SN",
    "0.9.2342.19200300.100.1.25": "DC",
    "2.5.4.5": "SERIALNUMBER",
}
_SIMPLE_NAMES = (
    NameOID.COMMON_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.EMAIL_ADDRESS,
)
_SIGNATURES = {
    "1.2.840.113549.1.1.4": "md5RSA",
    "1.2.840.113549.1.1.5": "sha1RSA",
    "1.2.840.113549.1.1.11": "sha256RSA",
    "1.2.840.113549.1.1.12": "sha384RSA",
    "1.2.840.113549.1.1.13": "sha512RSA",
    "1.2.840.113549.1.1.10": "RSASSA-PSS",
    "1.2.840.10045.4.1": "sha1ECDSA",
    "1.2.840.10045.4.3.2": "sha256ECDSA",
    "1.2.840.10045.4.3.3": "sha384ECDSA",
    "1.2.840.10045.4.3.4": "sha512ECDSA",
}
_NO_DIGIT = 0xFF
_DNS_NAME = "DNS Name"


def windows_build(host: Host) -> int:
    """The build number that the host shows."""
    value = host.registry.get(_BUILD_KEY, "CurrentBuildNumber")
    return int(str(value.data)) if value is not None else _DEFAULT_BUILD


def matching(certificates: Iterable[StoredCertificate], thumbprint: str) -> list[StoredCertificate]:
    """FindByThumbprint: blanks are dropped, pairs of digits read, a half pair forgotten.

    The reference source of System.dll (X509Utils.DecodeHexString) takes what is no digit for 0xFF, so a
    thumbprint with an invisible first character finds nothing.
    """
    text = "".join(thumbprint.split())
    wanted = bytes(
        (_nibble(text[at]) << 4 | _nibble(text[at + 1])) & 0xFF for at in range(0, len(text) - 1, 2)
    )
    return [item for item in certificates if bytes.fromhex(item.thumbprint) == wanted]


def _nibble(char: str) -> int:
    return int(char, 16) if char in "0123456789abcdefABCDEF" else _NO_DIGIT


def describe(stored: StoredCertificate) -> dict[str, Any]:
    """Get-CertificateInfo, lines 18-73 of win_certificate_info.ps1 of ansible.windows 3.3.0.

    Raises:
        NotModelled: a name, key or extension whose text is not known.
    """
    certificate = x509.load_der_x509_certificate(stored.der)
    issued_to = _simple_name(certificate, certificate.subject)
    info: dict[str, Any] = {
        "friendly_name": stored.friendly_name,
        "thumbprint": stored.thumbprint,
        "subject": name_text(certificate.subject),
        "issuer": name_text(certificate.issuer),
        "valid_from": _timestamp(certificate.not_valid_before_utc),
        "valid_from_iso8601": _iso(certificate.not_valid_before_utc),
        "valid_to": _timestamp(certificate.not_valid_after_utc),
        "valid_to_iso8601": _iso(certificate.not_valid_after_utc),
        "serial_number": _serial_number(certificate.serial_number),
        "archived": stored.archived,
        "version": certificate.version.value + 1,
        "has_private_key": stored.key is not None,
        "issued_by": _simple_name(certificate, certificate.issuer),
        "issued_to": issued_to,
        "signature_algorithm": _SIGNATURES.get(certificate.signature_algorithm_oid.dotted_string),
        "dns_names": [issued_to],
        "raw": base64.b64encode(stored.der).decode("ascii"),
        "public_key": base64.b64encode(_public_key(certificate)).decode("ascii"),
        "extensions": [],
    }
    for extension in certificate.extensions:
        info["extensions"].append(
            {
                "critical": extension.critical,
                "field": FIELDS.get(extension.oid.dotted_string),
                "value": extension_text(extension, multi_line=False),
            }
        )
        _add_details(info, extension)
    return info


def _add_details(info: dict[str, Any], extension: x509.Extension[x509.ExtensionType]) -> None:
    """Lines 42-68."""
    value = extension.value
    if isinstance(value, x509.BasicConstraints):
        info["is_ca"] = value.ca
        info["path_length_constraint"] = value.path_length or 0
    elif isinstance(value, x509.ExtendedKeyUsage):
        # -as [string[]] makes a missing friendly name the empty text.
        info["intended_purposes"] = [PURPOSES.get(oid.dotted_string, "") for oid in value]
    elif isinstance(value, x509.KeyUsage):
        # Enum.ToString lists flags by value, the lowest first.
        present = [(number, name) for name, number, _, get in USAGE_BITS if get(value)]
        info["key_usages"] = [name for _, name in sorted(present)] or ["None"]
    elif isinstance(value, x509.SubjectKeyIdentifier):
        info["ski"] = value.digest.hex().upper()
    elif extension.oid == ExtensionOID.SUBJECT_ALTERNATIVE_NAME:
        for line in extension_text(extension, multi_line=True).split("\r\n"):
            parts = line.split("=")
            if len(parts) > 1 and parts[0].strip() == _DNS_NAME:
                info["dns_names"].append(parts[1].strip())


def name_text(name: x509.Name) -> str:
    """`X509Certificate2.Subject` and `Issuer`: the last name first."""
    return ", ".join(
        " + ".join(f"{_attribute(item.oid.dotted_string)}={quoted(str(item.value))}" for item in rdn)
        for rdn in reversed(name.rdns)
    )


def _attribute(oid: str) -> str:
    if oid not in _ATTRIBUTES:
        raise NotModelled(
            f"the name that Windows gives the attribute {oid}", "See winlab/modules/_certificates.py."
        )
    return _ATTRIBUTES[oid]


def _simple_name(certificate: x509.Certificate, name: x509.Name) -> str:
    for oid in _SIMPLE_NAMES:
        # The attribute nearest to the end counts (CertGetNameString searches from there).
        if found := name.get_attributes_for_oid(oid):
            return str(found[-1].value)
    alternative = (
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME
        if name == certificate.subject
        else ExtensionOID.ISSUER_ALTERNATIVE_NAME
    )
    try:
        names = certificate.extensions.get_extension_for_oid(alternative).value
    except x509.ExtensionNotFound:
        names = None
    if isinstance(names, x509.SubjectAlternativeName | x509.IssuerAlternativeName):
        for kind in (x509.RFC822Name, x509.DNSName):
            if found_names := names.get_values_for_type(kind):
                return str(found_names[0])
    attributes = list(name)
    return str(attributes[0].value) if attributes else ""


def _serial_number(number: int) -> str:
    """`GetSerialNumberString`: the bytes as they stand in the certificate, a leading zero byte too."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True).hex().upper()


def _public_key(certificate: x509.Certificate) -> bytes:
    """`GetPublicKey`: the content of the BIT STRING."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raise NotModelled(f"a public key of type {type(key).__name__}", "Use RSA or an elliptic curve.")


def _timestamp(moment: datetime) -> float:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
