"""The lab's certificate authority, and one certificate for each simulated host (RFC 5280)."""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from winlab.errors import WinlabError

VALID_DAYS = 3650  # a lab that lies about for years must not fail for its age
_BACKDATED = timedelta(days=1)  # a controller whose clock is a little behind accepts it too
CA_FILE = "ca.pem"
CA_KEY_FILE = "ca.key"


def ensure_ca(folder: Path) -> Path:
    """Make the authority when it is not there. Returns the path of its certificate.

    Raises:
        WinlabError: what is there is no authority.
    """
    certificate_file = folder / CA_FILE
    if certificate_file.exists() and (folder / CA_KEY_FILE).exists():
        try:
            x509.load_pem_x509_certificate(certificate_file.read_bytes())
            serialization.load_pem_private_key((folder / CA_KEY_FILE).read_bytes(), None)
        except (OSError, ValueError) as error:
            raise WinlabError(
                f"{folder}: certificate authority: {type(error).__name__}; expected a certificate and its "
                "key as `winlab up` has written them. Delete that folder and run `winlab up` again."
            ) from error
        return certificate_file
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "winlab lab CA (simulated hosts only)")])
    usage = _key_usage(certificate_sign=True)
    certificate = (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder / CA_KEY_FILE, _private(key))
    _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
    return certificate_file


def issue(ca_folder: Path, host_name: str, address: str, target: Path) -> None:
    """Write a host's certificate and key into one PEM file.

    Args:
        ca_folder: folder of the authority.
        host_name: the DNS name that clients may use.
        address: the IP address that clients may use.
        target: the file, mode 0600.
    """
    ca = x509.load_pem_x509_certificate((ca_folder / CA_FILE).read_bytes())
    ca_key = serialization.load_pem_private_key((ca_folder / CA_KEY_FILE).read_bytes(), None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the lab CA has an elliptic curve key")
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName(
        [x509.DNSName(host_name), x509.IPAddress(ipaddress.ip_address(address))]
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host_name)])
    certificate = (
        _builder(subject, ca.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(certificate_sign=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    _write(target, _private(key) + certificate.public_bytes(serialization.Encoding.PEM))


def certifies(path: Path, ca_folder: Path, host_name: str, address: str) -> bool:
    """Whether the file holds a certificate of this authority for that name and address."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        ca = x509.load_pem_x509_certificate((ca_folder / CA_FILE).read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        certificate.verify_directly_issued_by(ca)
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    except Exception:
        return False  # InvalidSignature: another authority's
    return (
        host_name in names.get_values_for_type(x509.DNSName)
        and ipaddress.ip_address(address) in names.get_values_for_type(x509.IPAddress)
        and certificate.not_valid_after_utc > datetime.now(UTC)
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=VALID_DAYS))
    )


def _key_usage(certificate_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not certificate_sign,
        key_cert_sign=certificate_sign,
        crl_sign=certificate_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    temporary.replace(path)
