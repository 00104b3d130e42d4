"""msiexec.exe: installs real Windows Installer packages on a simulated host.

Sources: Microsoft's pages "MsiExec.exe and InstMsi.exe Error Messages" (exit codes), "System Reboots",
"Windows Installer Error Messages", "Event Logging" (MsiInstaller 11707, 11708, 1033, 1034);
domain/mim_sync.md 1.4 for what people read in the log.

What a package's tables state is done for every package; what its custom actions would do must be modelled, by
UpgradeCode (`msi_installation.register_package_behaviour`), and a custom action that is not raises
`NotModelled`.
"""

from __future__ import annotations

import ntpath
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from winlab.errors import NotModelled, Win32Error
from winlab.host.packages import Product
from winlab.products import msi_steps
from winlab.products.msi_command_line import (
    BadCommandLineError,
    MsiCommand,
    UnknownOptionError,
    parse,
    without_program,
)
from winlab.products.msi_installation import (
    Installation,
    PackageBehaviour,
    SetupError,
    behaviour_of,
    initial_properties,
    register_package_behaviour,
)
from winlab.products.msi_log import MsiLog
from winlab.products.msi_package import InvalidPackageError, MsiPackage, number, read_package, text
from winlab.programs import ProcessCall, ProcessResult, program

if TYPE_CHECKING:
    from winlab.host.model import Host

__all__ = [
    "Installation",
    "MsiPackage",
    "PackageBehaviour",
    "SetupError",
    "configured_exit_code",
    "read_package",
    "register_package_behaviour",
]

PROGRAM = "msiexec"
STATE = "windows_installer"
CACHE = r"C:\Windows\Installer"

ERROR_SUCCESS = 0
ERROR_INSTALL_FAILURE = 1603
ERROR_UNKNOWN_PRODUCT = 1605
ERROR_INSTALL_ALREADY_RUNNING = 1618
ERROR_INSTALL_PACKAGE_OPEN_FAILED = 1619
ERROR_INSTALL_PACKAGE_INVALID = 1620
ERROR_INSTALL_LOG_FAILURE = 1622
ERROR_PATCH_PACKAGE_OPEN_FAILED = 1635
ERROR_PRODUCT_VERSION = 1638
ERROR_INVALID_COMMAND_LINE = 1639
ERROR_SUCCESS_REBOOT_INITIATED = 1641
ERROR_SUCCESS_REBOOT_REQUIRED = 3010

# "Custom Action Type 51": sets a property. Higher bits say when it runs.
_CUSTOM_ACTION_TYPE_MASK, _SET_PROPERTY = 0x3F, 51
_REBOOT_ACTIONS = frozenset({"ScheduleReboot", "ForceReboot"})
# How long Windows waits between the announcement of a restart and the restart itself.
_RESTART_DELAY_SECONDS = 1.0


class _EndedError(Exception):
    """msiexec ends here with this exit code."""

    def __init__(self, rc: int) -> None:
        super().__init__(str(rc))
        self.rc = rc


def configured_exit_code(host: Host, *names: str) -> int | None:
    """The exit code that the lab definition asks for: `setup_exit_codes: {<name>: <code>}`.

    Args:
        host: the host.
        names: what the set-up may be called there: the product's name, the installer's file name.
    """
    codes: dict[str, int] = host.definition.get("setup_exit_codes") or {}
    return next((int(codes[name]) for name in names if name in codes), None)


@program(PROGRAM)
def msiexec(call: ProcessCall) -> ProcessResult:
    """Run msiexec.exe. Exit codes: 0, 1603, 1605, 1618, 1619, 1620, 1622, 1635, 1638, 1639, 1641, 3010."""
    try:
        command = parse(without_program(call.command_line))
    except BadCommandLineError:
        return ProcessResult(ERROR_INVALID_COMMAND_LINE)
    except UnknownOptionError as error:
        raise NotModelled(
            f"msiexec.exe {error}", "Extend winlab.products.windows_installer, or use /i, /x, /p."
        ) from error
    if command.ui not in ("n", "b"):
        raise NotModelled(
            f"{call.host.name}: msiexec.exe with a user interface (/q{command.ui})",
            "In a session without a desktop it waits for ever; pass /qn or /quiet.",
        )
    try:
        rc = _run(call, command)
    except _EndedError as ended:
        rc = ended.rc
    return ProcessResult(rc)


def _run(call: ProcessCall, command: MsiCommand) -> int:
    host = call.host
    if command.action == "patch":
        return _patch(call, command)
    _open_log(call, command)
    path = _cached(host, command.target) if command.by_code else _absolute(call, command.target)
    package = _open(call, path)
    if host.packages.busy_with:
        return ERROR_INSTALL_ALREADY_RUNNING
    log = MsiLog(command.log_flags if command.log else "", _hidden(package), host.clock.utc())
    run = Installation(
        host=host,
        session=call.session,
        package=package,
        properties=initial_properties(host, call.session, package, command.properties),
        environment=call.environment,
        log=log,
    )
    run.properties.setdefault("SourceDir", ntpath.dirname(path) + "\\")
    run.properties.setdefault("OriginalDatabase", path)
    log.command_line(command.properties)
    log.property_changes(command.properties)
    host.packages.busy_with = package.product_code
    try:
        rc = _uninstall(run) if command.action == "uninstall" else _install(run, path, command)
        if rc == ERROR_SUCCESS:
            rc = _restart_code(run, command, path)
    finally:
        host.packages.busy_with = ""
        if command.log:
            log.properties(run.properties)
            log.write("v", "MainEngineThread is returning")
            _write_log(call, command, log)
    return rc


def _open_log(call: ProcessCall, command: MsiCommand) -> None:
    """Make sure that the log can be written before anything else happens."""
    if not command.log:
        return
    path = _absolute(call, command.log)
    keep = "+" in command.log_flags and call.host.files.is_file(path)
    try:
        if not keep:
            call.host.files.write_bytes(path, b"", call.session)
    except Win32Error as error:
        raise _EndedError(ERROR_INSTALL_LOG_FAILURE) from error


def _write_log(call: ProcessCall, command: MsiCommand, log: MsiLog) -> None:
    path, content = _absolute(call, command.log), log.content()
    if "+" in command.log_flags and (before := call.host.files.read_bytes(path)):
        content = before + content[2:]
    try:
        call.host.files.write_bytes(path, content, call.session)
    except Win32Error as error:
        # The outcome stands; that its log is lost is said where an administrator looks.
        call.host.events.write(
            "Application",
            "MsiInstaller",
            1008,
            "warning",
            f"The log {path} was not written: {error.message}.",
        )


def _patch(call: ProcessCall, command: MsiCommand) -> int:
    path = _absolute(call, command.target)
    if not call.host.files.is_file(path):
        return ERROR_PATCH_PACKAGE_OPEN_FAILED
    raise NotModelled(f"{call.host.name}: the patch {path}", "winlab reads packages (/i), not patches (/p).")


def _open(call: ProcessCall, path: str) -> MsiPackage:
    try:
        data = call.host.files.read_bytes(path, call.session)
    except Win32Error as error:
        raise _EndedError(ERROR_INSTALL_PACKAGE_OPEN_FAILED) from error
    try:
        return read_package(data)
    except InvalidPackageError as error:
        raise _EndedError(ERROR_INSTALL_PACKAGE_INVALID) from error


def _cached(host: Host, code: str) -> str:
    record = _records(host).get(code.upper())
    if record is None:
        if host.packages.get(code) is not None:
            raise NotModelled(
                f"{host.name}: removing {code}, which did not come from a package here",
                "Give the host the package, or remove it from the definition.",
            )
        raise _EndedError(ERROR_UNKNOWN_PRODUCT)
    return str(record["package"])


def _records(host: Host) -> dict[str, Any]:
    return host.products.setdefault(STATE, {})


def _absolute(call: ProcessCall, path: str) -> str:
    return ntpath.normpath(ntpath.join(call.cwd, path))


def _hidden(package: MsiPackage) -> frozenset[str]:
    names = package.properties.get("MsiHiddenProperties", "")
    return frozenset(name for name in names.split(";") if name)


def _install(run: Installation, path: str, command: MsiCommand) -> int:
    host, package = run.host, run.package
    present = _records(host).get(package.product_code)
    if present is not None:
        if present["package_code"] != package.package_code:
            return ERROR_PRODUCT_VERSION
        # The same package again, without REINSTALL: maintenance that finds nothing to do.
        run.maintenance = True
        run.log.write("i", f"Product: {package.name} -- Configuration completed successfully.")
        _event(run, 11728, "information", f"Product: {package.name} -- Configuration completed successfully.")
        return ERROR_SUCCESS
    try:
        if not run.session.is_admin:
            raise SetupError(
                1925,
                "You do not have sufficient privileges to complete this installation for all users of the "
                "machine.  Log on as administrator and then retry this installation.",
            )
        _execute(run, path, command)
    except SetupError as error:
        _fail(run, error)
        return ERROR_INSTALL_FAILURE
    except BaseException:
        # A file or right that is not modelled must not leave half a product behind.
        run.roll_back()
        raise
    message = f"Product: {package.name} -- Installation completed successfully."
    run.log.write("i", message)
    _event(run, 11707, "information", message)
    _event(
        run, 1033, "information", f"Windows Installer installed the product. Product Name: {package.name}."
    )
    return ERROR_SUCCESS


def _execute(run: Installation, path: str, command: MsiCommand) -> None:
    host, package = run.host, run.package
    behaviour = behaviour_of(package.upgrade_code)
    _refuse_upgrades(run)
    run.search()
    for row in package.rows("LaunchCondition"):
        if not run.holds(text(row, "Condition")):
            raise SetupError(0, run.format(text(row, "Description")))
    run.log.action("LaunchConditions", 1)
    _custom_actions(run)
    run.resolve_folders()
    components = run.components()
    behaviour.check(run)
    forced = configured_exit_code(host, package.name, ntpath.basename(path))
    if forced == ERROR_INSTALL_FAILURE:
        raise SetupError(0, "A fatal error occurred, as the lab definition asks for.")
    run.log.action("InstallValidate", 1)
    msi_steps.control_services(run, components, msi_steps.STOP_ON_INSTALL)
    msi_steps.install_files(run, components, ntpath.dirname(path))
    run.log.action("InstallFiles", 1)
    msi_steps.write_registry(run, components)
    run.log.action("WriteRegistryValues", 1)
    behaviour.configure(run)
    msi_steps.install_services(run, components)
    behaviour.services(run)
    run.log.action("InstallServices", 1)
    msi_steps.control_services(run, components, msi_steps.START_ON_INSTALL)
    run.log.action("StartServices", 1)
    _register(run, path, command)
    run.reboot_needed = run.reboot_needed or forced == ERROR_SUCCESS_REBOOT_REQUIRED
    run.log.action("InstallFinalize", 1)


def _refuse_upgrades(run: Installation) -> None:
    related = {product.upgrade_code.upper() for product in run.host.packages.all() if product.upgrade_code}
    for row in run.package.rows("Upgrade"):
        if text(row, "UpgradeCode").upper() in related:
            raise NotModelled(f"{run.host.name}: the major upgrade to {run.package.name}", "Remove it first.")


def _custom_actions(run: Installation) -> None:
    actions = {text(row, "Action"): row for row in run.package.rows("CustomAction")}
    for row in sorted(run.package.rows("InstallExecuteSequence"), key=lambda row: number(row, "Sequence")):
        name = text(row, "Action")
        if name in _REBOOT_ACTIONS and run.holds(text(row, "Condition")):
            run.reboot_needed = True
        action = actions.get(name)
        if action is None or not run.holds(text(row, "Condition")):
            continue
        if number(action, "Type") & _CUSTOM_ACTION_TYPE_MASK != _SET_PROPERTY:
            raise NotModelled(
                f"{run.host.name}: custom action {name} of {run.package.name}",
                "Say what it does with winlab.products.windows_installer.register_package_behaviour.",
            )
        run.properties[text(action, "Source")] = run.format(text(action, "Target"))


def _register(run: Installation, path: str, command: MsiCommand) -> None:
    host, package = run.host, run.package
    cached = rf"{CACHE}\{package.package_code.strip('{}').lower()[:8]}.msi"
    host.files.mkdir(CACHE)
    host.files.copy(path, cached, force=True)
    run.undo(lambda: host.files.delete(cached, force=True))
    location = run.properties.get("ARPINSTALLLOCATION") or run.properties.get("INSTALLDIR", "")
    host.packages.install(
        Product(
            code=package.product_code,
            name=package.name,
            version=package.version,
            publisher=package.manufacturer,
            upgrade_code=package.upgrade_code,
            install_location=location,
            install_source=ntpath.dirname(path) + "\\",
            language=int(package.properties.get("ProductLanguage", "1033") or 1033),
        )
    )
    _records(host)[package.product_code] = {
        **run.record,
        "package": cached,
        "package_code": package.package_code,
        "upgrade_code": package.upgrade_code,
    }
    host.touch("host")


def _fail(run: Installation, error: SetupError) -> None:
    prefix = f"Error {error.number}. " if error.number else ""
    message = f"Product: {run.package.name} -- {prefix}{error.message}"
    run.log.write("e", message)
    run.log.action("INSTALL", 3)
    run.log.write("i", f"Product: {run.package.name} -- Installation failed.")
    _event(run, _event_of(error.number), "error", message)
    _event(run, 11708, "information", f"Product: {run.package.name} -- Installation failed.")
    run.roll_back()


def _uninstall(run: Installation) -> int:
    host, package = run.host, run.package
    record = _records(host).get(package.product_code)
    if record is None:
        return ERROR_UNKNOWN_PRODUCT
    if not run.session.is_admin:
        run.log.write(
            "e", f"Product: {package.name} -- Error 1730. You must be an Administrator to remove it."
        )
        return ERROR_INSTALL_FAILURE
    behaviour_of(package.upgrade_code).remove(host)
    try:
        msi_steps.uninstall(run, record)
    except SetupError as error:
        _event(run, 11725, "error", f"Product: {package.name} -- Removal failed. {error.message}")
        return ERROR_INSTALL_FAILURE
    host.packages.remove(package.product_code)
    if host.files.is_file(record["package"]):
        host.files.delete(record["package"], force=True)
    del _records(host)[package.product_code]
    host.touch("host")
    message = f"Product: {package.name} -- Removal completed successfully."
    run.log.write("i", message)
    _event(run, 11724, "information", message)
    return ERROR_SUCCESS


def _restart_code(run: Installation, command: MsiCommand, path: str) -> int:
    forced = configured_exit_code(run.host, run.package.name, ntpath.basename(path))
    if command.restart != "always" and not run.reboot_needed:
        return ERROR_SUCCESS
    # "REBOOT Property": only the first letter counts, S or R suppress. Without a user interface Windows asks
    # nobody.
    suppressed = command.restart == "never" or _reboot_property(command.properties) in ("S", "R")
    if command.restart != "always" and suppressed:
        if forced == ERROR_SUCCESS_REBOOT_REQUIRED:
            run.host.mark_reboot_pending()
        return ERROR_SUCCESS_REBOOT_REQUIRED
    run.host.schedule_reboot(_RESTART_DELAY_SECONDS)
    return ERROR_SUCCESS_REBOOT_INITIATED


def _reboot_property(properties: Mapping[str, str]) -> str:
    return properties.get("REBOOT", "")[:1].upper()


def _event_of(number_: int) -> int:
    # Windows Installer's own messages are 10000 + number; a product's have the one of an internal error.
    return 10000 + number_ if 0 < number_ < 10000 else 10005


def _event(run: Installation, number_: int, level: str, message: str) -> None:
    run.host.events.write("Application", "MsiInstaller", number_, level, message)
