"""The text of a certificate's extension: `X509Extension.Format`, which asks CryptFormatObject.

Forms in one line are those of the RETURN section of ansible.windows.win_certificate_info 3.3.0 and of
Microsoft's page "CryptFormatObject"; an extension that Windows knows by a form of its own which is not
written down there is refused, one that Windows does not know at all is a row of bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from cryptography import x509

from winlab.errors import NotModelled

# Friendly names that Windows has registered for extensions (wincrypt.h, szOID_*).
FIELDS: Final[dict[str, str]] = {
    "2.5.29.14": "Subject Key Identifier",
    "2.5.29.15": "Key Usage",
    "2.5.29.17": "Subject Alternative Name",
    "2.5.29.18": "Issuer Alternative Name",
    "2.5.29.19": "Basic Constraints",
    "2.5.29.30": "Name Constraints",
    "2.5.29.31": "CRL Distribution Points",
    "2.5.29.32": "Certificate Policies",
    "2.5.29.33": "Policy Mappings",
    "2.5.29.35": "Authority Key Identifier",
    "2.5.29.36": "Policy Constraints",
    "2.5.29.37": "Enhanced Key Usage",
    "2.5.29.46": "Freshest CRL",
    "1.3.6.1.5.5.7.1.1": "Authority Information Access",
    "1.3.6.1.4.1.311.20.2": "Certificate Template Name",
    "1.3.6.1.4.1.311.21.7": "Certificate Template Information",
    "1.3.6.1.4.1.311.21.10": "Application Policies",
    "1.3.6.1.4.1.11129.2.4.2": "SCT List",
    "2.16.840.1.113730.1.1": "Netscape Cert Type",
    "2.16.840.1.113730.1.13": "Netscape Comment",
}
PURPOSES: Final[dict[str, str]] = {
    "1.3.6.1.5.5.7.3.1": "Server Authentication",
    "1.3.6.1.5.5.7.3.2": "Client Authentication",
    "1.3.6.1.5.5.7.3.3": "Code Signing",
    "1.3.6.1.5.5.7.3.4": "Secure Email",
    "1.3.6.1.5.5.7.3.8": "Time Stamping",
    "1.3.6.1.5.5.7.3.9": "OCSP Signing",
    "1.3.6.1.5.5.8.2.2": "IP security IKE intermediate",
    "1.3.6.1.4.1.311.20.2.2": "Smart Card Logon",
    "1.3.6.1.4.1.311.10.3.4": "Encrypting File System",
    "1.3.6.1.4.1.311.54.1.2": "Remote Desktop Authentication",
    "2.5.29.37.0": "Any Purpose",
}
# Name and value of X509KeyUsageFlags, what CryptFormatObject says of the bit, and the bit itself.
USAGE_BITS: Final[tuple[tuple[str, int, str, Callable[[x509.KeyUsage], bool]], ...]] = (
    ("DigitalSignature", 0x80, "Digital Signature", lambda usage: usage.digital_signature),
    ("NonRepudiation", 0x40, "Non-Repudiation", lambda usage: usage.content_commitment),
    ("KeyEncipherment", 0x20, "Key Encipherment", lambda usage: usage.key_encipherment),
    ("DataEncipherment", 0x10, "Data Encipherment", lambda usage: usage.data_encipherment),
    ("KeyAgreement", 0x08, "Key Agreement", lambda usage: usage.key_agreement),
    ("KeyCertSign", 0x04, "Certificate Signing", lambda usage: usage.key_cert_sign),
    ("CrlSign", 0x02, "Off-line CRL Signing, CRL Signing", lambda usage: usage.crl_sign),
    ("EncipherOnly", 0x01, "Encipher Only", lambda usage: usage.key_agreement and usage.encipher_only),
    ("DecipherOnly", 0x8000, "Decipher Only", lambda usage: usage.key_agreement and usage.decipher_only),
)
_ACCESS_METHODS = {
    "1.3.6.1.5.5.7.48.1": "On-line Certificate Status Protocol",
    "1.3.6.1.5.5.7.48.2": "Certification Authority Issuer",
}
_SPECIAL = re.compile(r'[,+="\r\n<>#;]')


def quoted(value: str) -> str:
    """CertNameToStr: a value with signs of its own, or blanks at its ends, stands in quotation marks."""
    if _SPECIAL.search(value) or value != value.strip() or not value:
        return '"' + value.replace('"', '""') + '"'
    return value


def hex_text(data: bytes) -> str:
    """Bytes as CryptFormatObject writes them."""
    return data.hex(" ")


def extension_text(extension: x509.Extension[x509.ExtensionType], *, multi_line: bool) -> str:
    """`X509Extension.Format(multi_line)`.

    Raises:
        NotModelled: the form is not known.
    """
    value = extension.value
    text: str | None = None
    if isinstance(value, x509.SubjectAlternativeName | x509.IssuerAlternativeName):
        names = [_general_name(name) for name in value]
        return "".join(f"{name}\r\n" for name in names) if multi_line else ", ".join(names)
    if not multi_line:
        text = _one_line(value)
    if (
        text is None
        and extension.oid.dotted_string not in FIELDS
        and isinstance(value, x509.UnrecognizedExtension)
    ):
        return hex_text(value.value)
    if text is None:
        raise NotModelled(
            f"the text of the certificate extension {extension.oid.dotted_string} ({extension.oid._name})",
            "Add its form, with where it is written down, to winlab/modules/_certificate_text.py.",
        )
    return text


def _one_line(value: x509.ExtensionType) -> str | None:
    """The text in one line, None where no source shows the form."""
    match value:
        case x509.SubjectKeyIdentifier():
            text: str | None = hex_text(value.digest)
        case x509.BasicConstraints():
            subject = "CA" if value.ca else "End Entity"
            limit = "None" if value.path_length is None else str(value.path_length)
            text = f"Subject Type={subject}, Path Length Constraint={limit}"
        case x509.KeyUsage():
            text = _key_usage(value)
        case x509.ExtendedKeyUsage():
            oids = (oid.dotted_string for oid in value)
            text = ", ".join(f"{PURPOSES.get(oid, 'Unknown Key Usage')} ({oid})" for oid in oids)
        case x509.AuthorityKeyIdentifier(authority_cert_issuer=None, key_identifier=bytes(identifier)):
            text = f"KeyID={hex_text(identifier)}"
        case x509.CRLDistributionPoints():
            text = _distribution_points(value)
        case x509.AuthorityInformationAccess():
            text = _access(value)
        case _:
            text = None
    return text


def _key_usage(usage: x509.KeyUsage) -> str:
    names = [text for _, _, text, get in USAGE_BITS if get(usage)]
    bits = sum(number for _, number, _, get in USAGE_BITS if get(usage))
    raw = f"{bits & 0xFF:02x}" + (f", {bits >> 8:02x}" if bits >> 8 else "")
    return f"{', '.join(names)} ({raw})" if names else f"Information Not Available ({raw})"


def _general_name(name: x509.GeneralName) -> str:
    if isinstance(name, x509.DNSName):
        return f"DNS Name={name.value}"
    if isinstance(name, x509.IPAddress) and ":" not in str(name.value):
        return f"IP Address={name.value}"
    if isinstance(name, x509.RFC822Name):
        return f"RFC822 Name={name.value}"
    if isinstance(name, x509.UniformResourceIdentifier):
        return f"URL={name.value}"
    raise NotModelled(
        f"the text of an alternative name of type {type(name).__name__}",
        "Add its form, with where it is written down, to winlab/modules/_certificate_text.py.",
    )


def _distribution_points(points: Iterable[x509.DistributionPoint]) -> str | None:
    """`[1]CRL Distribution Point: Distribution Point Name:Full Name:URL=...`."""
    parts = []
    for number, point in enumerate(points, 1):
        if point.full_name is None or len(point.full_name) != 1 or point.reasons or point.crl_issuer:
            return None
        name = _general_name(point.full_name[0])
        parts.append(f"[{number}]CRL Distribution Point: Distribution Point Name:Full Name:{name}")
    return ", ".join(parts)


def _access(descriptions: Iterable[x509.AccessDescription]) -> str | None:
    """`[1]Authority Info Access: Access Method=... (OID), Alternative Name=URL=...`."""
    parts = []
    for number, item in enumerate(descriptions, 1):
        oid = item.access_method.dotted_string
        if oid not in _ACCESS_METHODS:
            return None
        method = f"{_ACCESS_METHODS[oid]} ({oid})"
        name = _general_name(item.access_location)
        parts.append(f"[{number}]Authority Info Access: Access Method={method}, Alternative Name={name}")
    return ", ".join(parts)
