"""What is installed, as win_package finds out: one function a provider.

Source: win_package.ps1 of ansible.windows 3.3.0, `$providerInfo` (lines 716-1276).
"""

from __future__ import annotations

import contextlib
import io
import ntpath
from dataclasses import dataclass, field
from typing import Any

import olefile

from winlab.errors import NotModelled, Win32Error
from winlab.host import acl, sids
from winlab.modules import Call
from winlab.modules._dotnet import Disk, DotNetError, invocation_text
from winlab.products.msi_package import InvalidPackageError, read_package

# Lines 235-236: class identifiers in the root of the compound file.
MSI_CLSID = "000C1084-0000-0000-C000-000000000046"
MSP_CLSID = "000C1086-0000-0000-C000-000000000046"
ERROR_INSTALL_PACKAGE_INVALID = 1620
_MSIX_EXTENSIONS = frozenset({".appx", ".appxbundle", ".msix", ".msixbundle"})
_NOT_A_PACKAGE = (
    "This installation package could not be opened. Contact the application vendor to verify that this is a "
    "valid Windows Installer package"
)
_UNINSTALL = r"Microsoft\Windows\CurrentVersion\Uninstall"


@dataclass(frozen=True, slots=True)
class Status:
    """Format-PackageStatus: who looks after a package, and whether it is there."""

    provider: str
    product_id: str | None
    installed: bool
    skip_file_for_remove: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


def provider_of(call: Call, path: str) -> str:
    """The provider that supports a file; `registry` takes everything (lines 527-533)."""
    kind = _class_of(call, path)
    if kind == MSI_CLSID:
        return "msi"
    if ntpath.splitext(path)[1].lower() in _MSIX_EXTENSIONS:
        return "msix"
    return "msp" if kind == MSP_CLSID else "registry"


def status(call: Call, provider: str, path: str | None, product_id: str | None) -> Status:
    """A provider's `Test`.

    Raises:
        NotModelled: patches and packaged apps as files.
        Win32Error: the file is no package.
    """
    if provider == "msi":
        code = product_code(call, path) if path else product_id
        installed = code is not None and call.host.packages.get(code) is not None
        product = call.host.packages.get(code) if installed and code else None
        return Status("msi", code, product is not None and product.kind == "msi", skip_file_for_remove=True)
    if provider == "registry":
        return _registry(call, product_id)
    if path:
        raise NotModelled(
            f"{call.host.name}: win_package with {path} (provider {provider})",
            "winlab knows msi and registry.",
        )
    return Status(provider, product_id, installed=False, skip_file_for_remove=provider == "msp")


def product_code(call: Call, path: str) -> str:
    """The ProductCode of a package file, read as MsiOpenPackageEx does.

    Raises:
        Win32Error: 1620, in the words of the exception.
    """
    try:
        return read_package(call.host.files.read_bytes(Disk(call).full(path), call.session)).product_code
    except InvalidPackageError as error:
        text = invocation_text("OpenPackage", 2, _NOT_A_PACKAGE)
        raise DotNetError(ERROR_INSTALL_PACKAGE_INVALID, "", text) from error


def let_system_read(call: Call, path: str) -> None:
    """Add-SystemReadAce, lines 401-437: msiexec's service has to read a file in somebody's own folder.

    Who may not change the rules goes on without (lines 419 and 435).
    """
    if path.startswith("\\\\"):
        return
    full = Disk(call).full(path)
    read = acl.FILE_RIGHTS["Read"] | acl.SYNCHRONIZE
    with contextlib.suppress(Win32Error):
        rules = call.host.files.acl(full, call.session)
        call.host.files.set_acl(full, rules.add(acl.Ace(sids.SYSTEM, read)), call.session)


def _class_of(call: Call, path: str) -> str:
    """GetClassFile: the class in a compound file, or the one of the extension; none for a missing file."""
    full = Disk(call).full(path)
    if not call.host.files.is_file(full):
        return ""
    with call.host.files.open(full, call.session) as stream:
        is_compound = stream.read(len(olefile.MAGIC)) == olefile.MAGIC
        stream.seek(0)
        if is_compound:
            with olefile.OleFileIO(io.BytesIO(stream.read())) as compound:
                if compound.root.clsid:
                    return str(compound.root.clsid).upper()
    return {".msi": MSI_CLSID, ".msp": MSP_CLSID}.get(ntpath.splitext(path)[1].lower(), "")


def _registry(call: Call, product_id: str | None) -> Status:
    """Lines 1146-1176: the Uninstall keys of machine and user, 64 and 32 bit."""
    if product_id:
        for hive in ("HKLM", "HKCU"):
            for key in ("SOFTWARE", r"SOFTWARE\Wow6432Node"):
                path = rf"{hive}:\{key}\{_UNINSTALL}\{product_id}"
                if call.host.registry.key_exists(path, call.session):
                    return Status("registry", product_id, installed=True, extra={"registry_path": path})
    return Status("registry", product_id, installed=False, extra={"registry_path": None})
