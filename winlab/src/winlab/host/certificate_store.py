r"""Certificate stores: of the machine, of a user, of a service.

The stores are what Windows keeps in the registry, so that every reader of either sees the same: a key
`SystemCertificates\<store>\Certificates\<thumbprint>` with a value `Blob`, a row of properties (Microsoft,
"System Store Locations"; the property numbers are those of wincrypt.h, the row's layout that of
CertSerializeCertificateStoreElement). Private keys lie in `winlab.host.key_containers`.
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

from winlab.host import key_containers
from winlab.host.key_containers import KeyReference
from winlab.host.paths import fold
from winlab.host.registry import Value

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

MY, ROOT, AUTH_ROOT = "MY", "ROOT", "AuthRoot"
STORES_KEY = r"HKLM\SOFTWARE\Microsoft\SystemCertificates"
SERVICES_KEY = r"HKLM\SOFTWARE\Microsoft\Cryptography\Services"
MACHINE_KEYS = key_containers.MACHINE_KEYS
CERT_KEY_PROV_INFO_PROP_ID = 2
CERT_SHA1_HASH_PROP_ID = 3
CERT_FRIENDLY_NAME_PROP_ID = 11
CERT_ARCHIVED_PROP_ID = 19
CERT_CERT_PROP_ID = 32  # the certificate itself, always the last of the row
# Stores that open without anybody having made them: upstream's target win_certificate_store imports into
# those of a service in check mode. The names are those that mmc gives a service (the comment in
# win_certificate_store.ps1, line 358) and those that a Windows Server 2016 lists in Cert:.
PREDEFINED = (
    *("AuthRoot", "CA", "ClientAuthIssuer", "Disallowed", "My", "Root", "Trust", "TrustedPeople"),
    *("TrustedPublisher", "SmartCardRoot", "TrustedDevices"),
)
_PROPERTY = struct.Struct("<III")  # number, encoding (always 1), length
_KEY_INFO = struct.Struct("<7I")  # CRYPT_KEY_PROV_INFO with offsets in place of pointers
_MACHINE_KEYSET, _AT_KEYEXCHANGE = 0x20, 1


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """One certificate of a store.

    Attributes:
        thumbprint: SHA-1 in upper case, as Windows shows it.
        der: the certificate.
        key: where its private key is, None without one.
        friendly_name: the name that somebody gave it.
        archived: whether it is kept for old data only.
        root: the registry key above the store it was found in.
        store: that store.
    """

    thumbprint: str
    der: bytes
    key: KeyReference | None = None
    friendly_name: str = ""
    archived: bool = False
    root: str = STORES_KEY
    store: str = MY

    @property
    def expires(self) -> datetime:
        """End of validity, UTC."""
        return x509.load_der_x509_certificate(self.der).not_valid_after_utc


def user_root(host: Host, session: Session) -> str:
    """The registry key above the stores of a user, whose hive is loaded."""
    return host.registry.normalise(r"HKCU\SOFTWARE\Microsoft\SystemCertificates", session)


def service_root(service: str) -> str:
    """The registry key above the stores of a service."""
    return rf"{SERVICES_KEY}\{service}\SystemCertificates"


def thumbprint_of(der: bytes) -> str:
    """The name that Windows gives a certificate."""
    digest = x509.load_der_x509_certificate(der).fingerprint(hashes.SHA1())  # noqa: S303  (a name, no proof)
    return digest.hex().upper()


def add(
    host: Host,
    store: str,
    der: bytes,
    private_key: bytes = b"",
    *,
    root: str = STORES_KEY,
    session: Session | None = None,
    key: KeyReference | None = None,
    friendly_name: str = "",
) -> StoredCertificate:
    """Put a certificate into a store; one of the same thumbprint is replaced.

    Args:
        host: the host.
        store: `MY`, `ROOT`, ...
        der: the certificate.
        private_key: PKCS #8 in PEM form, which becomes a key of the machine; empty for none.
        root: the registry key above the store.
        session: whose doing it is; the host's own without it.
        key: a container that holds the key already.
        friendly_name: a name for people.

    Raises:
        Win32Error: 5 when the logon may not write the store.
    """
    thumbprint = thumbprint_of(der)
    if private_key:
        name = f"{thumbprint.lower()}_{host.accounts.machine_sid.rpartition('-')[2]}"
        key = key_containers.create(host, private_key, name=name)
    properties = [(CERT_SHA1_HASH_PROP_ID, bytes.fromhex(thumbprint))]
    if key is not None:
        properties.append((CERT_KEY_PROV_INFO_PROP_ID, _key_info(key)))
    if friendly_name:
        properties.append((CERT_FRIENDLY_NAME_PROP_ID, f"{friendly_name}\0".encode("utf-16-le")))
    properties.append((CERT_CERT_PROP_ID, der))
    blob = b"".join(_PROPERTY.pack(number, 1, len(data)) + data for number, data in properties)
    host.registry.set(_key(root, store, thumbprint), "Blob", Value("binary", blob), session)
    return StoredCertificate(thumbprint, der, key, friendly_name, root=root, store=store)


def get(host: Host, store: str, thumbprint: str, *, root: str = STORES_KEY) -> StoredCertificate | None:
    """A certificate by its thumbprint (blanks and case do not matter), or None."""
    wanted = thumbprint.replace(" ", "").upper()
    if not wanted.isalnum():
        return None
    key = _key(root, store, wanted)
    value = host.registry.get(key, "Blob") if host.registry.key_exists(key) else None
    if value is None or not isinstance(value.data, bytes):
        return None
    found = dict(_properties(value.data))
    if CERT_CERT_PROP_ID not in found:
        return None
    info, name = found.get(CERT_KEY_PROV_INFO_PROP_ID), found.get(CERT_FRIENDLY_NAME_PROP_ID, b"")
    return StoredCertificate(
        wanted,
        found[CERT_CERT_PROP_ID],
        _key_reference(info) if info else None,
        name.decode("utf-16-le", "replace").partition("\0")[0],
        CERT_ARCHIVED_PROP_ID in found,
        root,
        store,
    )


def all_of(host: Host, store: str, *, root: str = STORES_KEY) -> list[StoredCertificate]:
    """Every certificate of a store, sorted by thumbprint."""
    key = rf"{root}\{store}\Certificates"
    names = sorted(host.registry.subkeys(key)) if host.registry.key_exists(key) else []
    return [found for name in names if (found := get(host, store, name, root=root)) is not None]


def opened(host: Host, store: str, root: str) -> list[StoredCertificate]:
    """What an opened store shows: a collection of several physical stores.

    A user's store shows the machine's too, except `My` ("System Store Locations"), and `Root` shows
    `AuthRoot` (Microsoft, "CertEnumPhysicalStore": `.AuthRoot`).
    """
    roots = [root]
    if fold(root).startswith("HKEY_USERS\\") and fold(store) != fold(MY):
        roots.append(STORES_KEY)
    found = [item for where in roots for item in all_of(host, store, root=where)]
    if fold(store) == fold(ROOT):
        found += [item for where in roots for item in all_of(host, AUTH_ROOT, root=where)]
    return found


def exists(host: Host, store: str, root: str) -> bool:
    """Whether a store can be opened without being made (CERT_STORE_OPEN_EXISTING_FLAG)."""
    return fold(store) in {fold(name) for name in PREDEFINED} or host.registry.key_exists(rf"{root}\{store}")


def register(host: Host, store: str, root: str, session: Session | None = None) -> None:
    """Make an empty store (CertRegisterSystemStore).

    Raises:
        Win32Error: 5 when the logon may not.
    """
    for name in ("Certificates", "CRLs", "CTLs"):
        host.registry.create_key(rf"{root}\{store}\{name}", session)


def remove(
    host: Host, store: str, thumbprint: str, *, root: str = STORES_KEY, session: Session | None = None
) -> bool:
    """Take a certificate out of a store; its private key stays, as X509Store.Remove leaves it.

    Returns:
        False when it was not there.

    Raises:
        Win32Error: 5 when the logon may not write the store.
    """
    found = get(host, store, thumbprint, root=root)
    if found is None:
        return False
    host.registry.delete_key(_key(root, store, found.thumbprint), session=session)
    return True


def private_key(host: Host, certificate: StoredCertificate, session: Session | None = None) -> bytes:
    """The private key in PEM form, empty when there is none that this logon can read."""
    found = key_containers.read(host, certificate.key, session) if certificate.key else None
    return found[0] if found else b""


def pem(certificate: StoredCertificate) -> bytes:
    """The certificate in PEM form."""
    return x509.load_der_x509_certificate(certificate.der).public_bytes(Encoding.PEM)


def _key(root: str, store: str, thumbprint: str) -> str:
    return rf"{root}\{store}\Certificates\{thumbprint}"


def _properties(blob: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + _PROPERTY.size <= len(blob):
        number, _, length = _PROPERTY.unpack_from(blob, position)
        position += _PROPERTY.size
        yield number, blob[position : position + length]
        position += length


def _key_info(key: KeyReference) -> bytes:
    container, provider = (f"{text}\0".encode("utf-16-le") for text in (key.name, key.provider))
    head = _KEY_INFO.pack(
        _KEY_INFO.size,
        _KEY_INFO.size + len(container),
        key_containers.PROVIDER_TYPES[key.provider],
        _MACHINE_KEYSET if key.machine else 0,
        0,
        0,
        0 if key.is_cng else _AT_KEYEXCHANGE,
    )
    return head + container + provider


def _key_reference(info: bytes) -> KeyReference:
    name, provider, _, flags, *_ = _KEY_INFO.unpack_from(info)
    texts = (info[start:].decode("utf-16-le", "replace").partition("\0")[0] for start in (name, provider))
    return KeyReference(next(texts), bool(flags & _MACHINE_KEYSET), next(texts))
