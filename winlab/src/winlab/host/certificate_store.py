r"""The machine's certificate stores: `LocalMachine\My`, `LocalMachine\Root` and the others.

The stores are what Windows keeps in the registry, so that every reader of either sees the same: a key
`SystemCertificates\<store>\Certificates\<thumbprint>` with a value `Blob`, a row of properties (Microsoft,
"System Store Locations"; the property numbers are those of wincrypt.h, the row's layout that of
CertSerializeCertificateStoreElement). A private key lies in a file of `MachineKeys`; its content is plain
PKCS #8 here, where Windows seals it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from winlab.host import acl, sids
from winlab.host.registry import Value

if TYPE_CHECKING:
    from winlab.host.model import Host

MY, ROOT = "MY", "ROOT"
STORES_KEY = r"HKLM\SOFTWARE\Microsoft\SystemCertificates"
MACHINE_KEYS = r"C:\ProgramData\Microsoft\Crypto\RSA\MachineKeys"
CERT_KEY_PROV_INFO_PROP_ID = 2
CERT_SHA1_HASH_PROP_ID = 3
CERT_CERT_PROP_ID = 32  # the certificate itself, always the last of the row
_PROPERTY = struct.Struct("<III")  # number, encoding (always 1), length
_KEY_INFO = struct.Struct("<7I")  # CRYPT_KEY_PROV_INFO with offsets in place of pointers
_PROVIDER = "Microsoft RSA SChannel Cryptographic Provider"
_PROV_RSA_SCHANNEL, _MACHINE_KEYSET, _AT_KEYEXCHANGE = 12, 0x20, 1


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """One certificate of a store.

    Attributes:
        thumbprint: SHA-1 in upper case, as Windows shows it.
        der: the certificate.
        key_file: name of its private key's file in `MachineKeys`, empty without one.
    """

    thumbprint: str
    der: bytes
    key_file: str = ""

    @property
    def expires(self) -> datetime:
        """End of validity, UTC."""
        return x509.load_der_x509_certificate(self.der).not_valid_after_utc


def thumbprint_of(der: bytes) -> str:
    """The name that Windows gives a certificate."""
    digest = x509.load_der_x509_certificate(der).fingerprint(hashes.SHA1())  # noqa: S303  (a name, no proof)
    return digest.hex().upper()


def add(host: Host, store: str, der: bytes, private_key: bytes = b"") -> StoredCertificate:
    """Put a certificate into a store; one of the same thumbprint is replaced.

    Args:
        host: the host.
        store: `MY`, `ROOT`, ...
        der: the certificate.
        private_key: PKCS #8 in PEM form, empty for none.
    """
    thumbprint = thumbprint_of(der)
    key_file = ""
    if private_key:
        key_file = f"{thumbprint.lower()}_{host.accounts.machine_sid.rpartition('-')[2]}"
        path = rf"{MACHINE_KEYS}\{key_file}"
        host.files.mkdir(MACHINE_KEYS)
        host.files.write_bytes(path, private_key, force=True)
        rules = (acl.both(sids.SYSTEM, acl.FULL_CONTROL), acl.both(sids.ADMINISTRATORS, acl.FULL_CONTROL))
        host.files.set_acl(path, acl.Acl(rules, True))
    properties = [(CERT_SHA1_HASH_PROP_ID, bytes.fromhex(thumbprint))]
    if key_file:
        properties.append((CERT_KEY_PROV_INFO_PROP_ID, _key_info(key_file)))
    properties.append((CERT_CERT_PROP_ID, der))
    blob = b"".join(_PROPERTY.pack(number, 1, len(data)) + data for number, data in properties)
    host.registry.set(_key(store, thumbprint), "Blob", Value("binary", blob))
    return StoredCertificate(thumbprint, der, key_file)


def get(host: Host, store: str, thumbprint: str) -> StoredCertificate | None:
    """A certificate by its thumbprint (blanks and case do not matter), or None."""
    wanted = thumbprint.replace(" ", "").upper()
    if not wanted.isalnum():
        return None
    key = _key(store, wanted)
    value = host.registry.get(key, "Blob") if host.registry.key_exists(key) else None
    if value is None or not isinstance(value.data, bytes):
        return None
    found = dict(_properties(value.data))
    if CERT_CERT_PROP_ID not in found:
        return None
    info = found.get(CERT_KEY_PROV_INFO_PROP_ID)
    return StoredCertificate(wanted, found[CERT_CERT_PROP_ID], _key_name(info) if info else "")


def all_of(host: Host, store: str) -> list[StoredCertificate]:
    """Every certificate of a store, sorted by thumbprint."""
    key = rf"{STORES_KEY}\{store}\Certificates"
    names = sorted(host.registry.subkeys(key)) if host.registry.key_exists(key) else []
    return [found for name in names if (found := get(host, store, name)) is not None]


def remove(host: Host, store: str, thumbprint: str) -> bool:
    """Take a certificate out of a store, its private key too. Returns False when it was not there."""
    found = get(host, store, thumbprint)
    if found is None:
        return False
    host.registry.delete_key(_key(store, found.thumbprint))
    path = rf"{MACHINE_KEYS}\{found.key_file}"
    if found.key_file and host.files.is_file(path):
        host.files.delete(path, force=True)
    return True


def private_key(host: Host, certificate: StoredCertificate) -> bytes:
    """The private key in PEM form, empty when there is none."""
    path = rf"{MACHINE_KEYS}\{certificate.key_file}"
    return host.files.read_bytes(path) if certificate.key_file and host.files.is_file(path) else b""


def pem(certificate: StoredCertificate) -> bytes:
    """The certificate in PEM form."""
    return x509.load_der_x509_certificate(certificate.der).public_bytes(Encoding.PEM)


def _key(store: str, thumbprint: str) -> str:
    return rf"{STORES_KEY}\{store}\Certificates\{thumbprint}"


def _properties(blob: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + _PROPERTY.size <= len(blob):
        number, _, length = _PROPERTY.unpack_from(blob, position)
        position += _PROPERTY.size
        yield number, blob[position : position + length]
        position += length


def _key_info(name: str) -> bytes:
    container, provider = (f"{text}\0".encode("utf-16-le") for text in (name, _PROVIDER))
    head = _KEY_INFO.pack(
        _KEY_INFO.size,
        _KEY_INFO.size + len(container),
        _PROV_RSA_SCHANNEL,
        _MACHINE_KEYSET,
        0,
        0,
        _AT_KEYEXCHANGE,
    )
    return head + container + provider


def _key_name(info: bytes) -> str:
    start = _KEY_INFO.unpack_from(info)[0] if len(info) >= _KEY_INFO.size else len(info)
    return info[start:].decode("utf-16-le", "replace").partition("\0")[0]
