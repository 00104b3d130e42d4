r"""The agent package and the Microsoft ECMA Connector Host that it brings.

Sources: domain/ecma_host.md 1.1 (names, paths), 1.2 (services and accounts), 1.3 (requirements), 1.4 (silent
    set-up), 3.2 (cache
copies), 3.3 (restart rules), 6 (uninstall, known versions). Marked UNCERTAIN there, so assumed here: short
names of the host's and the updater's service, NETWORK SERVICE for the host, exit codes of a bundle. The
wizard stays a person's work.
"""

from __future__ import annotations

import ntpath
import zipfile
from typing import TYPE_CHECKING, Any

from winlab.errors import NotModelled, Win32Error
from winlab.host import acl, sids
from winlab.host.packages import Product
from winlab.host.registry import Value
from winlab.host.services import Service, ServiceRun, register_service_behaviour
from winlab.products import ecma_configuration, ecma_scim, media
from winlab.products.windows_installer import (
    ERROR_INSTALL_FAILURE,
    ERROR_SUCCESS_REBOOT_REQUIRED,
    configured_exit_code,
)
from winlab.programs import ProcessCall, ProcessResult, program

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

STATE = "ecma_host"
SETUP = "AADConnectProvisioningAgentSetup.exe"
VERSION = "1.1.2102.0"  # of our stand-in
PROGRAM_FILES = r"C:\Program Files"
AGENT_FOLDER = rf"{PROGRAM_FILES}\Microsoft Azure AD Connect Provisioning Agent"
UPDATER_FOLDER = rf"{PROGRAM_FILES}\Microsoft Azure AD Connect Provisioning Agent Updater"
HOST_FOLDER = rf"{PROGRAM_FILES}\Microsoft ECMA2Host"
ECMA_FOLDER = rf"{HOST_FOLDER}\Service\ECMA"
# Assumed: documents say no more than that it lies below the program folder (domain/ecma_host.md 3.1).
CONFIGURATION = rf"{HOST_FOLDER}\Service\{ecma_configuration.FILE_NAME}"
SWITCHES = rf"{HOST_FOLDER}\Service\Microsoft.ECMA2Host.Service.exe.config"
SERVICE = "ECMA2Host"
AGENT_SERVICE = "AADConnectProvisioningAgent"
UPDATER_SERVICE = "AzureADConnectAgentUpdater"
PACKAGE_CODE = "{0F6C2B5D-3E0C-4C0B-9C1E-A0E21AB02102}"
PACKAGE_CACHE = rf"C:\ProgramData\Package Cache\{PACKAGE_CODE}"
_PUBLISHER = "winlab (stand-in, not a Microsoft product)"
_PRODUCTS = (
    ("{0F6C2B5D-3E0C-4C0B-9C1E-A0E21AB02103}", "Microsoft Entra Connect Provisioning Agent", AGENT_FOLDER),
    ("{0F6C2B5D-3E0C-4C0B-9C1E-A0E21AB02104}", "Microsoft Entra Connect Agent Updater", UPDATER_FOLDER),
)
PACKAGE_NAME = "Microsoft Entra Provisioning Agent Package"

DOTNET_KEY = r"HKLM\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full"
DOTNET_4_7_2 = 461808  # as Microsoft numbers it
_SCHANNEL = r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2"
TLS_VALUES: tuple[tuple[str, str, int], ...] = (
    (rf"{_SCHANNEL}\Client", "DisabledByDefault", 0),
    (rf"{_SCHANNEL}\Client", "Enabled", 1),
    (rf"{_SCHANNEL}\Server", "DisabledByDefault", 0),
    (rf"{_SCHANNEL}\Server", "Enabled", 1),
    (r"HKLM\SOFTWARE\Microsoft\.NETFramework\v4.0.30319", "SchUseStrongCrypto", 1),
)
VERSION_KEY = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_BUNDLE_WORDS = frozenset({"/quiet", "/q", "/silent", "/install", "/norestart", "/passive"})
_SERVICE_NAMES = (SERVICE, UPDATER_SERVICE, AGENT_SERVICE)


class _RefusedError(Exception):
    """The set-up ends with 1603; the text is for its log."""


@program("provisioning-agent-setup")
def setup(call: ProcessCall) -> ProcessResult:
    """`AADConnectProvisioningAgentSetup.exe /quiet [/uninstall] [NAME=value]`. Exit codes: 0, 1603, 3010."""
    words = [word.lower() for word in call.arguments]
    if not {"/quiet", "/q", "/silent"}.intersection(words):
        raise NotModelled(
            f"{call.host.name}: {SETUP} with a user interface",
            "In a session without a desktop it waits for ever; pass /quiet.",
        )
    for word in words:
        if word not in _BUNDLE_WORDS and word != "/uninstall" and "=" not in word:
            raise NotModelled(
                f"{call.host.name}: {SETUP} {word}", "Known are /quiet, /uninstall, /norestart."
            )
    forced = configured_exit_code(call.host, SETUP)
    try:
        _check_rights(call)
        if "/uninstall" in words:
            _uninstall(call.host)
        elif call.host.packages.get(PACKAGE_CODE) is None:
            _check(call.host)
            if forced == ERROR_INSTALL_FAILURE:
                raise _RefusedError("a fatal error, as the lab definition asks for")
            _install(call)
    except (_RefusedError, Win32Error, zipfile.BadZipFile) as error:
        _log(call, f"e000: Error 0x80070643: {error}")
        return ProcessResult(ERROR_INSTALL_FAILURE)
    if forced == ERROR_SUCCESS_REBOOT_REQUIRED and "/uninstall" not in words:
        call.host.mark_reboot_pending()
        _log(call, "i399: Apply complete, result: 0x0, restart: Required")
        return ProcessResult(ERROR_SUCCESS_REBOOT_REQUIRED)
    _log(call, "i399: Apply complete, result: 0x0, restart: None")
    return ProcessResult()


def _log(call: ProcessCall, line: str) -> None:
    """Write the bundle's log where bundles write it: into the caller's temporary folder."""
    folder = call.environment.get("TEMP", r"C:\Windows\Temp")
    if not call.host.files.is_dir(folder):
        folder = r"C:\Windows\Temp"
        call.host.files.mkdir(folder)
    stamp = call.host.clock.utc().strftime("%Y%m%d%H%M%S")
    path = rf"{folder}\Microsoft_Entra_Provisioning_Agent_Package_{stamp}.log"
    head = f"i001: winlab stand-in for {SETUP} {VERSION}; command line: {' '.join(call.arguments)}"
    call.host.files.write_bytes(path, f"{head}\r\n{line}\r\n".encode(), force=True)


def _check_rights(call: ProcessCall) -> None:
    if not call.session.is_admin:
        raise _RefusedError("the set-up must run elevated")


def _check(host: Host) -> None:
    """The requirements that a set-up can see (domain/ecma_host.md 1.3), and leftovers of an earlier host."""
    kind = host.registry.get(VERSION_KEY, "InstallationType")
    if kind is not None and kind.data == "Server Core":
        raise _RefusedError("Server Core is not supported")
    release = host.registry.get(DOTNET_KEY, "Release")
    if release is None or not isinstance(release.data, int) or release.data < DOTNET_4_7_2:
        raise _RefusedError(".NET Framework 4.7.2 or later is required")
    for key, name, wanted in TLS_VALUES:
        value = host.registry.get(key, name)
        if value is None or value.data != wanted:
            raise _RefusedError(rf"TLS 1.2 is not enabled: {key}\{name}")
    present = [name for name in _SERVICE_NAMES if host.services.get(name) is not None]
    if present:
        raise _RefusedError(f"the specified service already exists: {present[0]}")


def _install(call: ProcessCall) -> None:
    host = call.host
    with host.files.open(call.image) as stream, zipfile.ZipFile(stream) as payload:
        try:
            lay_down(host, payload)
            host.files.mkdir(PACKAGE_CACHE)
            host.files.copy(call.image, rf"{PACKAGE_CACHE}\{SETUP}", force=True)
            register(host)
            for name in (AGENT_SERVICE, UPDATER_SERVICE, SERVICE):
                host.services.start(name)
        except Win32Error as error:
            _withdraw(host, payload.namelist())
            raise _RefusedError(str(error)) from error


def lay_down(host: Host, payload: zipfile.ZipFile) -> None:
    """Write the package's files and folders."""
    for member in payload.infolist():
        path = rf"{PROGRAM_FILES}\{member.filename.replace('/', chr(92))}"
        host.files.mkdir(ntpath.dirname(path))
        host.files.write_bytes(path, payload.read(member), force=True)
    for folder in (rf"{HOST_FOLDER}\Service\ECMA\MAData", rf"{HOST_FOLDER}\Service\ECMA\Cache"):
        host.files.mkdir(folder)
    # The host's account writes copies of connectors there (domain/ecma_host.md 3.2).
    cache = rf"{HOST_FOLDER}\Service\ECMA\Cache"
    rules = host.files.acl(cache).add(acl.both(sids.NETWORK_SERVICE, acl.FULL_CONTROL))
    host.files.set_acl(cache, rules)


def register(host: Host) -> None:
    """Register products, services and the product's own state."""
    for code, name, folder in _PRODUCTS:
        host.packages.install(Product(code, name, VERSION, _PUBLISHER, install_location=folder + "\\"))
    host.packages.install(
        Product(
            PACKAGE_CODE,
            PACKAGE_NAME,
            VERSION,
            _PUBLISHER,
            kind="registry",
            wow64=True,
            uninstall_string=rf'"{PACKAGE_CACHE}\{SETUP}" /uninstall',
            quiet_uninstall_string=rf'"{PACKAGE_CACHE}\{SETUP}" /uninstall /quiet',
        )
    )
    services = (
        Service(
            AGENT_SERVICE,
            "Microsoft Entra Connect Provisioning Agent",
            image_path=rf'"{AGENT_FOLDER}\AADConnectProvisioningAgent.exe"',
            account=rf"NT SERVICE\{AGENT_SERVICE}",
            start_mode="auto",
        ),
        Service(
            UPDATER_SERVICE,
            "Microsoft Entra Connect Agent Updater",
            image_path=rf'"{UPDATER_FOLDER}\AzureADConnectAgentUpdater.exe"',
            start_mode="auto",
        ),
        Service(
            SERVICE,
            "Microsoft ECMA2Host",
            image_path=rf'"{HOST_FOLDER}\Service\Microsoft.ECMA2Host.Service.exe"',
            account=r"NT AUTHORITY\NetworkService",
            start_mode="auto",
        ),
    )
    for service in services:
        host.services.create(service)
    key = r"HKLM\SOFTWARE\Microsoft\Azure AD Connect Agents\Azure AD Connect Provisioning Agent"
    host.registry.set(key, "InstallLocation", Value("string", AGENT_FOLDER + "\\"))
    host.products[STATE] = {"folder": HOST_FOLDER, "version": VERSION, "connectors": []}
    host.touch("host")


def _uninstall(host: Host) -> None:
    if host.packages.get(PACKAGE_CODE) is None:
        return
    with host.files.open(rf"{PACKAGE_CACHE}\{SETUP}") as stream, zipfile.ZipFile(stream) as payload:
        names = payload.namelist()
    _stop(host)
    _withdraw(host, names)


def _stop(host: Host) -> None:
    """Stop all services, or leave all as they were: nothing is removed before each has stopped.

    Raises:
        Win32Error: one does not stop.
    """
    stopped: list[str] = []
    for name in _SERVICE_NAMES:
        service = host.services.get(name)
        if service is None or service.state == "stopped":
            continue
        try:
            host.services.stop(name, force=True)
        except Win32Error:
            for other in stopped:
                host.services.start(other)
            raise
        stopped.append(name)


def _withdraw(host: Host, names: list[str]) -> None:
    """Take away services, products and the package's own files, as far as they are there."""
    for name in _SERVICE_NAMES:
        service = host.services.get(name)
        if service is not None:
            if service.state != "stopped":
                host.services.stop(name, force=True)
            host.services.delete(name)
    for name in names:
        path = rf"{PROGRAM_FILES}\{name.replace('/', chr(92))}"
        if host.files.is_file(path):
            host.files.delete(path, force=True)
    # What others put there stays with its folders; the documents have it deleted by hand (ecma_host.md 6).
    for folder in (AGENT_FOLDER, UPDATER_FOLDER, HOST_FOLDER):
        _remove_empty(host, folder)
    if host.files.is_dir(PACKAGE_CACHE):
        host.files.delete(PACKAGE_CACHE, recursive=True, force=True)
    for code in (*(code for code, _, _ in _PRODUCTS), PACKAGE_CODE):
        if host.packages.get(code) is not None:
            host.packages.remove(code)
    host.products.pop(STATE, None)
    host.products.pop(ecma_scim.STATE, None)
    host.touch("host")


def _remove_empty(host: Host, folder: str) -> None:
    if not host.files.is_dir(folder):
        return
    for name in host.files.listdir(folder):
        if host.files.is_dir(rf"{folder}\{name}"):
            _remove_empty(host, rf"{folder}\{name}")
    if not host.files.listdir(folder):
        host.files.delete(folder)


def start_host(run: ServiceRun) -> None:
    """Start of the ECMA Connector Host: copies for connectors that have none yet; DLLs are held from now on.

    A copy that exists is never refreshed: whoever replaces a DLL in `ECMA` alone keeps the old one running
    (domain/ecma_host.md 0.5).
    """
    folder = ntpath.dirname(run.image) + r"\ECMA"
    state: dict[str, Any] = run.host.products.get(STATE, {})
    for connector in state.get("connectors", []):
        copy_to_cache(run.host, run.session, folder, connector["name"])
    ecma_scim.start(run, CONFIGURATION, SWITCHES)
    if not run.host.files.is_dir(folder):
        return
    for entry in list(run.host.files.walk(folder)):
        if not entry.is_dir and entry.name.lower().endswith(".dll"):
            run.host.files.lock(entry.path, run.holder, image=True)


def copy_to_cache(host: Host, session: Session, folder: str, name: str) -> list[str]:
    """Write the copies of a connector that are not there yet.

    Args:
        host: the host.
        session: the logon that writes them.
        folder: the folder `ECMA`.
        name: of the connector.

    Returns:
        The paths of the new copies.
    """
    files = host.files
    cache = rf"{folder}\Cache\{name}"
    written = []
    for target in (cache, rf"{cache}\AutosyncService"):
        try:
            files.mkdir(target, session=session)
            for item in files.listdir(folder):
                source = rf"{folder}\{item}"
                copy = rf"{target}\{item}"
                if item.lower().endswith(".dll") and files.is_file(source) and not files.exists(copy):
                    files.copy(source, copy, session)
                    written.append(copy)
        except Win32Error as error:
            host.events.write(
                ecma_scim.LOG,
                ecma_scim.SOURCE,
                1,
                "error",
                f"Could not load file or assembly from {target}: {error.message}.",
            )
    return written


register_service_behaviour("ecma2host-service", start=start_host)
register_service_behaviour("provisioning-agent")
register_service_behaviour("agent-updater")
for _name in ("ecma2host-service", "provisioning-agent", "agent-updater", "provisioning-agent-setup"):
    media.known_program(_name)
