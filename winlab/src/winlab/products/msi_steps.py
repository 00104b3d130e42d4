"""What an installation does to the host, step by step, each with its way back.

Sources: Microsoft's pages "CreateFolder Table", "File Table", "InstallFiles Action", "Registry Table",
"ServiceInstall Table", "ServiceControl Table", "Windows Installer Error Messages". Versions of files are not
compared: a file of another content is replaced, which is what the default REINSTALLMODE does for our
packages, whose File table states no versions.
"""

from __future__ import annotations

import binascii
import ntpath
from typing import Any

from winlab.errors import NotModelled, Win32Error
from winlab.host.registry import Value
from winlab.host.services import Service
from winlab.products.msi_installation import COMPONENT_64_BIT, Installation, SetupError
from winlab.products.msi_package import (
    InvalidPackageError,
    MissingCabinetError,
    Row,
    number,
    text,
)

ERROR_SHARING_VIOLATION = 32
ERROR_DISK_FULL = 112
ERROR_SERVICE_ALREADY_RUNNING = 1056

# ServiceControl table, Event.
START_ON_INSTALL, STOP_ON_INSTALL, DELETE_ON_INSTALL = 1, 2, 8
START_ON_REMOVE, STOP_ON_REMOVE, DELETE_ON_REMOVE = 16, 32, 128
_START_MODES = {0: "boot", 1: "system", 2: "auto", 3: "manual", 4: "disabled"}
_SERVICE_TYPES = {0x10: "win32_own_process", 0x20: "win32_share_process"}
_SERVICE_TYPE_MASK = 0x30


def install_files(run: Installation, components: list[str], source_folder: str) -> None:
    """Lay down folders and files of the chosen components."""
    record = run.record
    record["folders"], record["files"] = [], []
    for row in run.package.rows("CreateFolder"):
        if text(row, "Component_") in components:
            _make_folder(run, run.folder(text(row, "Directory_")))
    wanted = [row for row in run.package.rows("File") if text(row, "Component_") in components]
    if not wanted:
        return
    contents = _contents(run, source_folder)
    for row in sorted(wanted, key=lambda row: number(row, "Sequence")):
        path = run.file_path(text(row, "File"))
        _make_folder(run, ntpath.dirname(path))
        _place_file(run, path, contents[text(row, "File")])
        record["files"].append(path)
        run.log.write(
            "r", f"InstallFiles: File: {ntpath.basename(path)},  Directory: {ntpath.dirname(path)}\\"
        )


def _contents(run: Installation, source_folder: str) -> dict[str, bytes]:
    def beside(name: str) -> bytes | None:
        # A cabinet is named without a path; anything else would reach out of the package's folder.
        path = ntpath.join(source_folder, ntpath.basename(name))
        return run.host.files.read_bytes(path) if run.host.files.is_file(path) else None

    try:
        return run.package.files(beside)
    except MissingCabinetError as error:
        raise SetupError(
            1311,
            f"Source file not found(cabinet): {ntpath.join(source_folder, error.name)}.  Verify that the "
            "file exists and that you can access it.",
        ) from error
    except InvalidPackageError as error:
        raise SetupError(
            1335, f"The cabinet file required for this installation is corrupt: {error}."
        ) from error


def _make_folder(run: Installation, path: str) -> None:
    if run.host.files.is_dir(path):
        return
    try:
        made = run.host.files.mkdir(path)
    except Win32Error as error:
        raise SetupError(
            1303, f"The installer has insufficient privileges to access this directory: {path}."
        ) from error
    run.record["folders"].extend(made)
    for folder in made:
        run.undo(lambda folder=folder: _remove_empty_folder(run, folder))  # type: ignore[misc]


def _remove_empty_folder(run: Installation, folder: str) -> None:
    if run.host.files.is_dir(folder) and not run.host.files.listdir(folder):
        run.host.files.delete(folder)


def _place_file(run: Installation, path: str, data: bytes) -> None:
    files = run.host.files
    before = files.read_bytes(path) if files.is_file(path) else None
    if before == data:
        return

    def restore() -> None:
        if before is None:
            if files.is_file(path):
                files.delete(path, force=True)
        else:
            files.write_bytes(path, before, force=True)

    try:
        files.write_bytes(path, data, force=True)
        run.undo(restore)
    except Win32Error as error:
        if error.code == ERROR_DISK_FULL:
            raise SetupError(1601, f"Out of disk space. Volume: '{path[:2]}'.") from error
        if error.code != ERROR_SHARING_VIOLATION:
            raise SetupError(1310, f"Error writing to file: {path}.  System error {error.code}.") from error
        # A file in use is replaced at the next start; until then the old one stays ("System Reboots").
        waiting = f"{path}.new"
        files.write_bytes(waiting, data, force=True)
        run.undo(lambda: files.delete(waiting, force=True))
        run.host.rename_at_boot(waiting, path)
        run.reboot_needed = True
        run.log.write("i", f"Info 1903. The file {path} is being used; a restart will replace it.")


def write_registry(run: Installation, components: list[str]) -> None:
    """Write the Registry table's values."""
    run.record["registry"] = []
    for row in run.package.rows("Registry"):
        owner = text(row, "Component_")
        if owner not in components:
            continue
        is_64_bit = bool(int(run.component(owner)["Attributes"]) & COMPONENT_64_BIT)
        key = run.registry_key(number(row, "Root"), run.format(text(row, "Key")), is_64_bit)
        name = run.format(text(row, "Name"))
        if row.get("Value") is None and name in ("+", "-", "*"):
            run.host.registry.create_key(key)
            continue
        before = run.host.registry.get(key, name)
        value = registry_value(run.format(text(row, "Value")))

        def restore(key: str = key, name: str = name, before: Value | None = before) -> None:
            if before is not None:
                run.host.registry.set(key, name, before)
            elif run.host.registry.get(key, name) is not None:
                run.host.registry.delete_value(key, name)

        run.undo(restore)
        run.host.registry.set(key, name, value)
        run.record["registry"].append([key, name])
        run.log.write("r", f"WriteRegistryValues: Key: {key}, Name: {name}")


def registry_value(source: str) -> Value:
    """A value as the Registry table spells it: `#x` binary, `#%` expandable, `#` number, NUL parts."""
    if source.startswith("#x"):
        return Value("binary", binascii.unhexlify(source[2:]))
    if source.startswith("#%"):
        return Value("expandstring", source[2:])
    if source.startswith("##"):
        return Value("string", source[1:])
    if source.startswith("#"):
        return Value("dword", int(source[1:]) & 0xFFFFFFFF)
    if "\0" in source:
        return Value("multistring", [part for part in source.split("\0") if part])
    return Value("string", source)


def install_services(run: Installation, components: list[str]) -> None:
    """Create the services of the chosen components."""
    run.record["services"] = []
    for row in run.package.rows("ServiceInstall"):
        owner = text(row, "Component_")
        if owner not in components:
            continue
        service = _service(run, row, text(run.component(owner), "KeyPath"))
        before = run.host.services.get(service.name)
        try:
            if before is None:
                run.host.services.create(service)
                run.undo(lambda name=service.name: _delete_service(run, name))  # type: ignore[misc]
            else:
                run.host.services.configure(
                    service.name, **{name: getattr(service, name) for name in _RECONFIGURED}
                )
        except Win32Error as error:
            raise SetupError(
                1923,
                f"Service '{service.display_name}' ({service.name}) could not be installed.  Verify that you "
                "have sufficient privileges to install system services.",
            ) from error
        run.record["services"].append(service.name)


_RECONFIGURED = ("image_path", "account", "password", "start_mode", "display_name", "description")


def _service(run: Installation, row: Row, key_file: str) -> Service:
    arguments = run.format(text(row, "Arguments"))
    image = f'"{run.file_path(key_file)}"' + (f" {arguments}" if arguments else "")
    kind = _SERVICE_TYPES.get(number(row, "ServiceType") & _SERVICE_TYPE_MASK)
    if kind is None:
        raise NotModelled(f"the service {text(row, 'Name')}: type {number(row, 'ServiceType')}", "")
    names = run.format(text(row, "Dependencies")).split("\0")
    return Service(
        name=run.format(text(row, "Name")),
        display_name=run.format(text(row, "DisplayName")) or run.format(text(row, "Name")),
        description=run.format(text(row, "Description")),
        image_path=image,
        account=run.format(text(row, "StartName")) or "LocalSystem",
        password=run.format(text(row, "Password")),
        start_mode=_START_MODES[number(row, "StartType")],
        service_type=kind,
        depends_on=tuple(name for name in names if name),
    )


def _delete_service(run: Installation, name: str) -> None:
    service = run.host.services.get(name)
    if service is None:
        return
    if service.state != "stopped":
        run.host.services.stop(name, force=True)
    run.host.services.delete(name)


def control_services(run: Installation, components: list[str], event: int) -> None:
    """Start or stop what the ServiceControl table names for one event.

    Raises:
        SetupError: 1920 a service does not start, 1921 it does not stop.
    """
    for row in run.package.rows("ServiceControl"):
        if text(row, "Component_") not in components or not number(row, "Event") & event:
            continue
        service = run.host.services.get(run.format(text(row, "Name")))
        if service is None:
            continue
        shown = f"'{service.display_name}' ({service.name})"
        try:
            if event == START_ON_INSTALL and service.state != "running":
                run.host.services.start(service.name)
            elif event in (STOP_ON_INSTALL, STOP_ON_REMOVE) and service.state != "stopped":
                run.host.services.stop(service.name, force=True)
        except Win32Error as error:
            verb, code = ("start", 1920) if event == START_ON_INSTALL else ("be stopped", 1921)
            text_of = (
                f"Service {shown} failed to start.  Verify that you have sufficient privileges to start "
                "system services."
                if verb == "start"
                else f"Service {shown} could not be stopped.  Verify that you have sufficient privileges to "
                "stop system services."
            )
            raise SetupError(code, f"{text_of} (System error {error.code}.)") from error


def uninstall(run: Installation, record: dict[str, Any]) -> None:
    """Take away what an installation recorded; folders that hold other things stay."""
    host = run.host
    for name in record.get("services", []):
        _delete_service(run, name)
    for key, name in record.get("registry", []):
        if host.registry.key_exists(key) and host.registry.get(key, name) is not None:
            host.registry.delete_value(key, name)
            if not host.registry.values(key) and not host.registry.subkeys(key):
                host.registry.delete_key(key)
    for path in record.get("files", []):
        if host.files.is_file(path):
            try:
                host.files.delete(path, force=True)
            except Win32Error as error:
                if host.files.holder_of(path) is None:
                    raise SetupError(1306, f"Cannot remove {path}: {error.message}.") from error
                host.rename_at_boot(path)
                run.reboot_needed = True
    for folder in reversed(record.get("folders", [])):
        _remove_empty_folder(run, folder)
