"""Twin of ansible.windows.win_certificate_store 3.3.0 (plugins/modules/win_certificate_store.ps1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from winlab.errors import ModuleFailure, NotModelled, Win32Error
from winlab.host import certificate_store, key_containers
from winlab.host.certificate_store import StoredCertificate
from winlab.host.key_containers import KeyReference
from winlab.modules import Call, twin
from winlab.modules._certificate_files import (
    ERROR_INVALID_PASSWORD,
    CryptographicError,
    Loaded,
    export_pem,
    export_pkcs12,
    load,
)
from winlab.modules._certificates import matching, windows_build
from winlab.modules._dotnet import Disk, DotNetError, invocation_text, text_of

ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND, ERROR_ACCESS_DENIED = 2, 3, 5
_IO_ERRORS = frozenset({2, 3, 32, 80, 112, 206, 267})
_LOCATIONS = ("CurrentUser", "LocalMachine")
# Line 360: what mmc makes for a service.
_SERVICE_STORES = (
    *("AuthRoot", "CA", "ClientAuthIssuer", "Disallowed", "My", "Root", "Trust", "TrustedPeople"),
    "TrustedPublisher",
)
_STORE_NAME = re.compile(r"[\w .\-]+")


@dataclass(frozen=True, slots=True)
class _Store:
    name: str
    root: str
    is_user: bool


@dataclass(frozen=True, slots=True)
class _File:
    """What Get-CertFile returns of one certificate: the certificate and the key container it got."""

    content: Loaded
    key: KeyReference | None


class _Run:
    """One call: its store, its files, its result."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.disk = Disk(call)
        self.thumbprints: list[str] = []
        self.changed = False
        self.more: dict[str, Any] = {}

    def result(self) -> dict[str, Any]:
        return {"changed": self.changed, "thumbprints": self.thumbprints, **self.more}

    def fail(self, msg: str) -> ModuleFailure:
        return ModuleFailure(msg, **self.result())


@twin("ansible.windows.win_certificate_store")
def win_certificate_store(call: Call) -> dict[str, Any]:
    """Import, remove or export certificates (lines 316-510).

    As the real module: importing a PKCS #12 file makes a new key container each time that the file is read,
    in check mode too (PersistKeySet, line 203); an export removes an existing file before anything else, in
    check mode too (lines 231-234); `key_exported` is always false (line 253).
    """
    run = _Run(call)
    store = _open(run)
    state = call.params["state"]
    if state == "absent":
        _remove(run, store)
    elif state == "exported":
        _export(run, store)
    else:
        _import(run, store)
    return run.result()


def _open(run: _Run) -> _Store:
    """Lines 329-392."""
    params, host, session = run.call.params, run.call.host, run.call.session
    name, location = str(params["store_name"]), str(params["store_location"])
    # Line 335; -eq knows no case.
    if name.casefold() == "certificateauthority":
        name = "CA"
    if not _STORE_NAME.fullmatch(name):
        raise NotModelled(f"certificate store {name}", "A store is a name without signs; no physical stores.")
    is_user = False
    if params["store_type"] == "system":
        known = next((item for item in _LOCATIONS if item.casefold() == location.casefold()), None)
        if known is None:
            raise run.fail(
                f"value of store_location must be one of: {', '.join(_LOCATIONS)}. Got no match for: "
                f"{location}"
            )
        is_user = known == "CurrentUser"
        root = certificate_store.user_root(host, session) if is_user else certificate_store.STORES_KEY
    else:
        root = _service_root(run, location)
    if not certificate_store.exists(host, name, root):
        # Lines 379-392: ERROR_FILE_NOT_FOUND of CertOpenStore.
        error = Win32Error(ERROR_FILE_NOT_FOUND)
        raise run.fail(f"unable to find store '{name}': ({_native(error, 'CertOpenStore failed')})")
    return _Store(name, root, is_user)


def _service_root(run: _Run, location: str) -> str:
    """Lines 350-372: a service's stores come into being at the first use."""
    host = run.call.host
    if set(location) & set("*?["):
        raise NotModelled(f"services like {location}", "Name one service.")
    service = host.services.get(location)
    if service is None:
        raise run.fail(f"value of store_location '{location}' is not a valid windows service")
    root = certificate_store.service_root(service.name)
    for name in _SERVICE_STORES:
        if host.registry.key_exists(rf"{root}\{name}"):
            continue
        if not run.call.check_mode:
            try:
                certificate_store.register(host, name, root, run.call.session)
            except Win32Error as error:
                text = invocation_text("Register", 2, _native(error, "CertRegisterSystemStore failed"))
                raise DotNetError(error.code, "", text) from error
        run.changed = True
    return root


def _native(error: Win32Error, what: str) -> str:
    """The text of the module's own Win32Exception (class Win32Exception)."""
    return f"{what} ({error.message}, Win32ErrorCode {error.code} - 0x{error.code:08X})"


def _remove(run: _Run, store: _Store) -> None:
    """Lines 397-430."""
    params, host = run.call.params, run.call.host
    if params["path"] is not None:
        wanted = [item.content.thumbprint for item in _read_file(run, params["path"])]
    else:
        wanted = [params["thumbprint"]] if params["thumbprint"] is not None else []
    present = certificate_store.opened(host, store.name, store.root)
    for thumbprint in wanted:
        run.thumbprints.append(thumbprint)
        for found in matching(present, thumbprint):
            if not run.call.check_mode:
                _refuse_protected_root(store, "Remove")
                _take_out(run, found, thumbprint)
            run.changed = True


def _take_out(run: _Run, found: StoredCertificate, thumbprint: str) -> None:
    try:
        certificate_store.remove(
            run.call.host, found.store, found.thumbprint, root=found.root, session=run.call.session
        )
    except Win32Error as error:
        # The typed catch is for a SecurityException, so the wrapped exception arrives here.
        text = invocation_text("Remove", 1, f"{error.message}.\r\n")
        raise run.fail(f"Unable to remove cert with thumbprint '{thumbprint}': {text}") from error


def _import(run: _Run, store: _Store) -> None:
    """The branch of state present: a certificate that is there without its key is imported again with it."""
    host, session = run.call.host, run.call.session
    present = certificate_store.opened(host, store.name, store.root)
    for item in _read_file(run, run.call.params["path"]):
        thumbprint = item.content.thumbprint
        run.thumbprints.append(thumbprint)
        found = matching(present, thumbprint)
        if found and not (item.key and any(known.key is None for known in found)):
            continue
        if not run.call.check_mode:
            _refuse_protected_root(store, "Add")
            try:
                certificate_store.add(
                    host,
                    store.name,
                    item.content.der,
                    root=store.root,
                    session=session,
                    key=item.key,
                    friendly_name=item.content.friendly_name,
                )
            except Win32Error as error:
                raise run.fail(
                    f"Unable to import certificate with thumbprint '{thumbprint}' with the current "
                    f"permissions: {error.message}.\r\n"
                ) from error
        run.changed = True


def _refuse_protected_root(store: _Store, method: str) -> None:
    r"""A change of `CurrentUser\Root` asks the user on the screen, and nobody is there."""
    if store.is_user and store.name.casefold() == "root":
        raise NotModelled(
            rf"X509Store.{method} of CurrentUser\Root", "Windows asks on the screen; use LocalMachine."
        )


def _export(run: _Run, store: _Store) -> None:
    """Lines 431-465."""
    params = run.call.params
    path, thumbprint, kind = params["path"], params["thumbprint"], params["file_type"]
    run.thumbprints.append(thumbprint)
    if run.disk.is_container(path):
        raise run.fail(f"Cannot export cert to path '{path}' as it is a directory")
    if run.disk.is_leaf(path) and _file_type(run, path) == kind:
        # FailJson ends the module, so the catch around this call never sees another password.
        files = _read_file(run, path)
        if any(item.content.thumbprint == thumbprint.upper() for item in files):
            return
    found = matching(certificate_store.opened(run.call.host, store.name, store.root), thumbprint)
    if len(found) != 1:
        raise run.fail(f"Found {len(found)} certs when only expecting 1")
    _write(run, found[0], path, kind)


def _write(run: _Run, found: StoredCertificate, path: str, kind: str) -> None:
    """New-CertFile, lines 225-277."""
    if run.disk.test(path):
        run.disk.remove(path)
        run.changed = True
    if kind == "pkcs12":
        content = _pkcs12(run, found)
    else:
        content = export_pem(found.der) if kind == "pem" else found.der
    if not run.call.check_mode:
        try:
            run.disk.write(path, content)
        except Win32Error as error:
            what = " due to permissions" if error.code == ERROR_ACCESS_DENIED else ""
            what = " due to IO Exception" if error.code in _IO_ERRORS else what
            text = text_of(error) if what else invocation_text("WriteAllBytes", 2, text_of(error))
            raise run.fail(f"Failed to write cert to file{what}: {text}") from error
    run.changed = True


def _pkcs12(run: _Run, found: StoredCertificate) -> bytes:
    key, exportable = b"", True
    try:
        if found.key is not None:
            held = key_containers.read(run.call.host, found.key, run.call.session)
            if held is None:
                raise CryptographicError(key_containers.NTE_BAD_KEYSET, "Keyset does not exist")
            key, exportable = held
            if not exportable:
                raise CryptographicError(
                    key_containers.NTE_BAD_KEY_STATE, "Key not valid for use in specified state."
                )
    except CryptographicError as error:
        text = invocation_text("Export", 2, error.message)
        raise run.fail(f"Failed to export certificate as bytes: {text}") from error
    run.more["key_exported"] = False
    # Lines 254-256: PrivateKey of a CNG key throws, which PowerShell makes $null.
    if found.key is not None and not found.key.is_cng:
        run.more["key_exportable"] = exportable
    return export_pkcs12(found.der, key, found.friendly_name, run.call.params["password"])


def _file_type(run: _Run, path: str) -> str:
    """Get-CertFileType: what cannot be read counts as a PKCS #12 file with another password."""
    try:
        content = run.disk.files.read_bytes(run.disk.full(path), run.call.session)
        files = load(content, run.call.params["password"], windows_build(run.call.host), path)
        _require_user_keys(run, files, machine=False)
    except Win32Error:
        return "pkcs12"
    if content.startswith(b"-----BEGIN CERTIFICATE-----"):
        return "pem"
    if content.startswith(b"-----BEGIN PKCS7-----"):
        return "pkcs7-ascii"
    if len(files) > 1:
        return "pkcs7-binary"
    return "pkcs12" if (files and files[0].key) or path.endswith((".pfx", ".p12")) else "der"


def _read_file(run: _Run, path: str) -> list[_File]:
    """Get-CertFile, lines 194-223."""
    if not run.disk.is_leaf(path):
        raise run.fail(f"File at '{path}' either does not exist or is not a file")
    params, host, session = run.call.params, run.call.host, run.call.session
    machine = params["key_storage"] == "machine"
    try:
        content = run.disk.files.read_bytes(run.disk.full(path), session)
        loaded = load(content, params["password"], windows_build(host), path)
        _require_user_keys(run, loaded, machine=machine)
    except Win32Error as error:
        text = error.message if isinstance(error, CryptographicError) else f"{error.message}.\r\n"
        raise run.fail(f"Failed to load cert from file: {invocation_text('Import', 3, text)}") from error
    files = []
    for item in loaded:
        key = None
        if item.key:
            provider = key_containers.ENHANCED_PROVIDER if item.is_rsa else key_containers.CNG_PROVIDER
            key = key_containers.create(
                host,
                item.key,
                session,
                machine=machine,
                exportable=params["key_exportable"],
                provider=provider,
            )
        files.append(_File(item, key))
    return files


def _require_user_keys(run: _Run, files: list[Loaded], *, machine: bool) -> None:
    """A user's key is sealed with his password, which a network logon does not have (the module's notes)."""
    if not machine and any(item.key for item in files) and not run.call.session.can_delegate:
        raise CryptographicError(ERROR_INVALID_PASSWORD)
