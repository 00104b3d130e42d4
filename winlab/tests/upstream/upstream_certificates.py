r"""Scripts with which win_certificate_store and win_acl look at stores: the drive Cert:, New-SelfSignedCertificate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from upstream_forms import form, unchanged
from winlab.errors import Win32Error
from winlab.host import certificate_store, key_containers
from winlab.host.certificate_store import StoredCertificate
from winlab.modules._certificate_files import FIRST_BUILD_WITH_AES, load
from winlab.modules._certificates import windows_build
from winlab.modules._dotnet import invocation_text
from winlab.scripts import FormFunction, ScriptCall, ScriptError, ScriptResult

MACHINE, USER = "LocalMachine", "CurrentUser"


def _found(call: ScriptCall, location: str, store: str, thumbprint: str) -> list[StoredCertificate]:
    """`Get-ChildItem -Path Cert:\\LOCATION\\STORE | Where-Object { $_.Thumbprint -eq "..." }`."""
    root = (
        certificate_store.STORES_KEY
        if location == MACHINE
        else certificate_store.user_root(call.host, call.session)
    )
    present = certificate_store.opened(call.host, store, root)
    return [item for item in present if item.thumbprint == thumbprint.upper()]


def is_in_store(location: str, store: str) -> FormFunction:
    """Whether a store has a certificate of that thumbprint."""

    def look(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
        return unchanged(bool(_found(call, location, store, literals[0])))

    return look


def is_key_exportable(location: str, store: str) -> FormFunction:
    """`.PrivateKey.CspKeyContainerInfo.Exportable`: nothing where there is no key, or one of CNG."""

    def look(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
        answers = []
        for item in _found(call, location, store, literals[0]):
            if item.key is None or item.key.is_cng:
                continue
            held = key_containers.read(call.host, item.key, call.session)
            answers += [held[1]] if held else []
        return unchanged(*answers)

    return look


form("e200fcd4a77a390de6997b9570c171ba40ea5c23974da9974cc682e9e1e8cfbc", (0,))(is_in_store(MACHINE, "My"))
form("0edc18967b6b1aa533cdb9d384dfb17a287d7550076a3d3501a768d4ca1dc504", (0,))(is_in_store(USER, "CA"))
form("989cde15dc512e19d37d050e65475b86ef5f2dd9037f8feba5b52b2a67ef9bb4", (0,))(
    is_in_store(USER, "TrustedPeople")
)
form("f91badacefc908c99b3c00f545c36437b1ed451f099ca85cdcb53b063721cdad", (0,))(
    is_key_exportable(MACHINE, "My")
)
form("7b430a708feef83886556b5b2c1b3b17a230df00f3825108047afb2a30e7d2c9", (0,))(
    is_key_exportable(USER, "TrustedPeople")
)


@form("f4da45af552affc560c3a16ce5543f409f1bbe11b0229e866e4b2ded78bb9e34")
def reads_aes(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Whether kernel32.dll is of build 17763 or later; its version is that of the system."""
    return unchanged(windows_build(call.host) >= FIRST_BUILD_WITH_AES)


@form("46dccfd0a2731cc1ea92828dbe008081364c98d2474b649646201706ec93a23c", (0, 1))
@form("9ad1aa72cf6bd972be9b79827c7fb70048f0f0dfbfbba3c71adde70743b50bbb", (0,))
def file_has_key(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`X509Certificate2.Import(PATH, PASSWORD, 0)`, then `HasPrivateKey`: the second literal is the password."""
    path = literals[0]
    password = literals[1] if len(literals) > 1 else None
    try:
        content = call.host.files.read_bytes(path, call.session)
        files = load(content, password, windows_build(call.host), path)
    except Win32Error as error:
        raise ScriptError(invocation_text("Import", 3, error.message)) from error
    return unchanged(bool(files[0].key))


@form("39820b8877105db5d9cee5c69337257b1496e8c9a7edbbaf9b8cd9d0afbec3b0")
def new_certificates(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    r"""win_acl: two self-signed certificates in `LocalMachine\My`; both keys are of one kind here."""
    names = ("ACL Test CNG", "ACL Test CryptoAPI")
    return unchanged(*(_self_signed(call, name, key_containers.SCHANNEL_PROVIDER) for name in names))


def new_certificate(name: str, *, exportable: bool, provider: str) -> FormFunction:
    r"""`New-SelfSignedCertificate -DnsName ... -KeyExportPolicy ... -Provider ...` in `LocalMachine\My`."""

    def make(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
        return unchanged(_self_signed(call, name, provider, exportable=exportable, is_dns=True))

    return make


_CNG, _CAPI = key_containers.CNG_PROVIDER, key_containers.SCHANNEL_PROVIDER
for _digest, _name, _exportable, _provider in (
    ("49922bbce9f4229b28ab2d8c6c6b77f5bb3ad15113dece33649482e85097f4a4", "cng.local", False, _CNG),
    ("ca7b9910330e94ad43e8c9c11ec8716f2316c2a83b1b8b5b573a5180efba0045", "cng.local", True, _CNG),
    ("89066e8c755aef7b1c1d1afe01810ae4cacb767a30f96cbdc7d818fa9d63843b", "capi.local", False, _CAPI),
    ("c4d44e552a8383dff3ece0fd35ff74953e1e16452f7432911b173e1fb0b060c1", "capi.local", True, _CAPI),
):
    form(_digest)(new_certificate(_name, exportable=_exportable, provider=_provider))


def _self_signed(
    call: ScriptCall, name: str, provider: str, *, exportable: bool = True, is_dns: bool = False
) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.fromtimestamp(call.host.clock.now(), UTC)
    # New-SelfSignedCertificate: valid from ten minutes before, for a year; an SSL server's by default.
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(minutes=10)).not_valid_after(now + timedelta(days=365))
    if is_dns:
        purposes = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    reference = key_containers.create(
        call.host, private, call.session, exportable=exportable, provider=provider
    )
    der = certificate.public_bytes(Encoding.DER)
    stored = certificate_store.add(call.host, "My", der, key=reference, session=call.session)
    return stored.thumbprint
