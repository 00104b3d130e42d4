"""Certificates, keys and files of every form, made anew for each process, for tests of the twins."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
    pkcs12,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from winlab.host import certificate_store

STORE, INFO = "win_certificate_store", "win_certificate_info"
CANARY = "N0-word.of:mine"
FOLDER = r"C:\certs"
MACHINE = r"HKLM\SOFTWARE\Microsoft\SystemCertificates"
ROOT_KEY, OWN_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
CURVE_KEY = ec.generate_private_key(ec.SECP256R1())
BEGIN, END = datetime(2024, 5, 1, 12, 0, tzinfo=UTC), datetime(2034, 5, 1, 12, 0, tzinfo=UTC)


def numbered(value):
    """Thumbprints differ in each process, so no text becomes the name of a case."""
    return "_" if isinstance(value, str) else None


def name(*pairs):
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in pairs])


def certify(subject, issuer, key, signer, number, *extensions):
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), number, BEGIN, END)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256())


def usage(*names):
    known = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{item: item in names for item in known})


ROOT_NAME = name(
    (NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, "Nord, Süd"), (NameOID.COMMON_NAME, "Lab root")
)
OWN_NAME = name((NameOID.COMMON_NAME, "host.test.example"))
ROOT = certify(
    ROOT_NAME,
    ROOT_NAME,
    ROOT_KEY,
    ROOT_KEY,
    0xFD6F21,
    (x509.BasicConstraints(ca=True, path_length=2), True),
    (usage("digital_signature", "key_cert_sign", "crl_sign"), True),
    (x509.SubjectKeyIdentifier(bytes.fromhex("00ff10")), False),
    (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), False),
)
OWN = certify(
    OWN_NAME,
    ROOT_NAME,
    OWN_KEY,
    ROOT_KEY,
    0x1234,
    (x509.BasicConstraints(ca=False, path_length=None), False),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, x509.ObjectIdentifier("1.2.3")]), False),
    (usage("key_agreement", "decipher_only"), False),
    (
        x509.SubjectAlternativeName(
            [
                x509.DNSName("host.test.example"),
                x509.DNSName("alias"),
                x509.IPAddress(ip_address("192.0.2.1")),
            ]
        ),
        False,
    ),
    (x509.AuthorityKeyIdentifier(bytes.fromhex("00ff10"), None, None), False),
    (
        x509.AuthorityInformationAccess(
            [
                x509.AccessDescription(
                    AuthorityInformationAccessOID.CA_ISSUERS,
                    x509.UniformResourceIdentifier("http://x.example/a.crt"),
                )
            ]
        ),
        False,
    ),
    (
        x509.CRLDistributionPoints(
            [
                x509.DistributionPoint(
                    [x509.UniformResourceIdentifier("http://x.example/a.crl")], None, None, None
                )
            ]
        ),
        False,
    ),
)
CURVE = certify(OWN_NAME, OWN_NAME, CURVE_KEY, CURVE_KEY, 0x80)


def thumbprint(certificate):
    return certificate.fingerprint(hashes.SHA1()).hex().upper()


OWN_ID, ROOT_ID, CURVE_ID = thumbprint(OWN), thumbprint(ROOT), thumbprint(CURVE)


def packed(key, certificate, password=CANARY, extra=None):
    """A PKCS #12 file that Windows Server 2016 can read."""
    builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(1000)
    builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).hmac_hash(hashes.SHA1())
    encryption = builder.build(password.encode()) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"mine", key, certificate, extra, encryption)


def pem_key(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


CONTENTS = {
    "own.pem": OWN.public_bytes(Encoding.PEM),
    "own.cer": OWN.public_bytes(Encoding.DER),
    "own.b64": base64.encodebytes(OWN.public_bytes(Encoding.DER)),
    "two.pem": OWN.public_bytes(Encoding.PEM) + ROOT.public_bytes(Encoding.PEM),
    "chain.p7b": pkcs7.serialize_certificates([OWN, ROOT], Encoding.DER),
    "chain.pem": pkcs7.serialize_certificates([OWN, ROOT], Encoding.PEM),
    "own.pfx": packed(OWN_KEY, OWN),
    "open.pfx": packed(OWN_KEY, OWN, password=""),
    "full.pfx": packed(OWN_KEY, OWN, extra=[ROOT]),
    "curve.pfx": packed(CURVE_KEY, CURVE),
    "aes.pfx": pkcs12.serialize_key_and_certificates(
        b"x", OWN_KEY, OWN, None, PrivateFormat.PKCS12.encryption_builder().build(CANARY.encode())
    ),
    "key.pem": pem_key(OWN_KEY) + OWN.public_bytes(Encoding.PEM),
    "text.txt": b"hello, this is no certificate\r\n",
    "binary.dat": b"\x00\xff\xfe\x01",
}


@dataclass
class Here:
    windows: object
    system: object

    def run(self, module, **options):
        return self.windows.run(module, **options)

    def store(self, file=None, **options):
        given = {"path": rf"{FOLDER}\{file}"} if file else {}
        return self.windows.run(STORE, **given, **{"session": self.system, **options})

    def thumbprints(self, store="My", root=certificate_store.STORES_KEY):
        return [item.thumbprint for item in certificate_store.all_of(self.windows.host, store, root=root)]


def fill(windows):
    """A host whose folder holds each file of CONTENTS."""
    windows.host.files.mkdir(FOLDER)
    for file, content in CONTENTS.items():
        windows.host.files.write_bytes(rf"{FOLDER}\{file}", content)
    return Here(windows, windows.logon("SYSTEM", "service"))
