r"""Containers of private keys: where Windows keeps the key that belongs to a certificate.

Folders are those of Microsoft's page "Key Storage and Retrieval" (CNG): RSA keys of the legacy providers lie
in `Crypto\RSA`, of a user in his roaming profile below his SID, of the machine in `MachineKeys`; keys of
the software key storage provider in `Crypto\Keys`. Windows seals the file with DPAPI; here it holds plain
PKCS #8 after one line that says whether the key may leave it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from winlab.errors import Win32Error
from winlab.host import acl, sids

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

MACHINE_KEYS = r"C:\ProgramData\Microsoft\Crypto\RSA\MachineKeys"
MACHINE_CNG_KEYS = r"C:\ProgramData\Microsoft\Crypto\Keys"
_SYSTEM_RSA = r"C:\ProgramData\Microsoft\Crypto\RSA"
_SYSTEM_CNG = r"C:\ProgramData\Microsoft\Crypto\SystemKeys"
SCHANNEL_PROVIDER = "Microsoft RSA SChannel Cryptographic Provider"
ENHANCED_PROVIDER = "Microsoft Enhanced Cryptographic Provider v1.0"
CNG_PROVIDER = "Microsoft Software Key Storage Provider"
# wincrypt.h: PROV_RSA_FULL, PROV_RSA_SCHANNEL; 0 stands for a CNG provider (CRYPT_KEY_PROV_INFO).
PROVIDER_TYPES = {ENHANCED_PROVIDER: 1, SCHANNEL_PROVIDER: 12, CNG_PROVIDER: 0}
ERROR_ACCESS_DENIED = 5
# winerror.h, with the texts that FormatMessage gives; .NET's CryptographicException carries them.
NTE_BAD_KEY_STATE = 0x8009000B
NTE_BAD_KEYSET = 0x80090016
_EXPORTABLE = b"winlab key, exportable\n"
_NOT_EXPORTABLE = b"winlab key, not exportable\n"


@dataclass(frozen=True, slots=True)
class KeyReference:
    """What a certificate knows of its key (CRYPT_KEY_PROV_INFO).

    Attributes:
        name: of the container, which is the file's name here.
        machine: whether it is the machine's; a user's is looked for in the profile of whoever asks.
        provider: the provider's name.
    """

    name: str
    machine: bool = True
    provider: str = SCHANNEL_PROVIDER

    @property
    def is_cng(self) -> bool:
        """Whether the software key storage provider holds it."""
        return PROVIDER_TYPES.get(self.provider, 1) == 0


def folder_of(reference: KeyReference, session: Session | None) -> str:
    """The folder in which a key lies for a logon; the machine's keys are the same for all."""
    if reference.machine:
        return MACHINE_CNG_KEYS if reference.is_cng else MACHINE_KEYS
    if session is None or session.sid in sids.SERVICE_ACCOUNTS:
        sid = sids.SYSTEM if session is None else session.sid
        return _SYSTEM_CNG if reference.is_cng else rf"{_SYSTEM_RSA}\{sid}"
    crypto = rf"{session.profile}\AppData\Roaming\Microsoft\Crypto"
    return rf"{crypto}\Keys" if reference.is_cng else rf"{crypto}\RSA\{session.sid}"


def path_of(reference: KeyReference, session: Session | None) -> str:
    """The key's file."""
    return rf"{folder_of(reference, session)}\{reference.name}"


def create(
    host: Host,
    pem: bytes,
    session: Session | None = None,
    *,
    name: str = "",
    machine: bool = True,
    exportable: bool = True,
    provider: str = SCHANNEL_PROVIDER,
) -> KeyReference:
    """Put a private key into a container.

    Args:
        host: the host.
        pem: PKCS #8 in PEM form.
        session: whose key it becomes, None for the machine's own doing.
        name: of the container; without it a new one, as an import of a PKCS #12 file makes.
        machine: whether it becomes the machine's key.
        exportable: whether it may be exported later.
        provider: a name of `PROVIDER_TYPES`.
    """
    chosen = name or f"{uuid.uuid4().hex}_{host.accounts.machine_sid.rpartition('-')[2]}"
    reference = KeyReference(chosen, machine, provider)
    path = path_of(reference, session)
    # Everyone may create keys in MachineKeys (Microsoft, "Default permissions for the MachineKeys folders"),
    # so folder and file are the provider's own doing; the rules of the file are what protects it.
    host.files.mkdir(folder_of(reference, session))
    host.files.write_bytes(path, (_EXPORTABLE if exportable else _NOT_EXPORTABLE) + pem, force=True)
    holders = {sids.SYSTEM: None, sids.ADMINISTRATORS: None}
    if session is not None:
        holders[session.sid] = None
        host.files.set_owner(path, session.sid)
    host.files.set_acl(path, acl.Acl(tuple(acl.both(sid, acl.FULL_CONTROL) for sid in holders), True))
    return reference


def read(host: Host, reference: KeyReference, session: Session | None = None) -> tuple[bytes, bool] | None:
    """The key in PEM form and whether it may be exported; None where this logon has no such key."""
    path = path_of(reference, session)
    if not host.files.is_file(path):
        return None
    try:
        content = host.files.read_bytes(path, session)
    except Win32Error as error:
        if error.code == ERROR_ACCESS_DENIED:
            return None
        raise
    if content.startswith(_NOT_EXPORTABLE):
        return content.removeprefix(_NOT_EXPORTABLE), False
    return content.removeprefix(_EXPORTABLE), True
