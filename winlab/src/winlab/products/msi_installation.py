"""One installation on its way: properties, folders, what must be undone, what a product adds.

Sources: Microsoft's pages "Directory Table", "Using the Directory Table", "System Folder Properties",
"Property Reference", "Feature Table", "AppSearch Table", "RegLocator Table", "Rollback Installation".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from winlab.errors import NotModelled
from winlab.products.msi_conditions import BadConditionError, evaluate, format_text
from winlab.products.msi_log import MsiLog
from winlab.products.msi_package import MsiPackage, number, text

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

# "Operating System Property Values": Windows Server 2016 tells a package 603.
VERSION_NT = "603"
ERROR_INSTALL_FAILURE = 1603
COMPONENT_64_BIT = 256  # Component table, Attributes: msidbComponentAttributes64bit
_REGISTRY_LOCATOR_RAW, _REGISTRY_LOCATOR_64_BIT = 2, 16  # RegLocator table, Type
_REGISTRY_ROOTS = {0: r"HKLM\SOFTWARE\Classes", 1: "HKCU", 2: "HKLM", 3: "HKU"}
_SYSTEM_FOLDERS = {
    "AdminToolsFolder": r"C:\ProgramData\Microsoft\Windows\Start Menu\Programs\Administrative Tools",
    "CommonAppDataFolder": r"C:\ProgramData",
    "CommonFiles64Folder": r"C:\Program Files\Common Files",
    "CommonFilesFolder": r"C:\Program Files (x86)\Common Files",
    "DesktopFolder": r"C:\Users\Public\Desktop",
    "ProgramFiles64Folder": r"C:\Program Files",
    "ProgramFilesFolder": r"C:\Program Files (x86)",
    "ProgramMenuFolder": r"C:\ProgramData\Microsoft\Windows\Start Menu\Programs",
    "StartMenuFolder": r"C:\ProgramData\Microsoft\Windows\Start Menu",
    "System64Folder": r"C:\Windows\System32",
    "SystemFolder": r"C:\Windows\SysWOW64",
    "WindowsFolder": r"C:\Windows",
}


class SetupError(Exception):
    """An installation that cannot go on; everything done so far is undone and msiexec ends with 1603.

    Args:
        number: Windows Installer's or the product's own error number; 0 for a message without one.
        message: the text that the log and the event carry.
    """

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number
        self.message = message


@dataclass
class Installation:
    """State of one run.

    Attributes:
        host: the host.
        session: who called msiexec.
        package: the package.
        properties: all properties, public and private.
        environment: the caller's variables.
        log: the log.
        record: what an uninstall needs to know.
        reboot_needed: whether something waits for a restart.
        maintenance: whether the product is there already.
    """

    host: Host
    session: Session
    package: MsiPackage
    properties: dict[str, str]
    environment: Mapping[str, str]
    log: MsiLog
    record: dict[str, Any] = field(default_factory=dict)
    reboot_needed: bool = False
    maintenance: bool = False
    _undo: list[Callable[[], None]] = field(default_factory=list)

    def undo(self, step: Callable[[], None]) -> None:
        """Remember how to take back what is about to be done."""
        self._undo.append(step)

    def roll_back(self) -> None:
        """Take back everything, last first."""
        while self._undo:
            self._undo.pop()()

    def public(self, name: str, default: str = "") -> str:
        """A property, or the default when it is not set."""
        return self.properties.get(name, "") or default

    def holds(self, condition: str) -> bool:
        """Whether a condition holds."""
        try:
            return evaluate(condition, self.properties, self.environment)
        except BadConditionError as error:
            raise NotModelled(f"a condition of the package {self.package.name}: {error}", "") from error

    def format(self, source: str) -> str:
        """Formatted text with this installation's properties, files and folders."""
        return format_text(source, self.properties, self.environment, self.file_path, self.component_folder)

    # Folders ------------------------------------------------------------------------------------------

    def folder(self, key: str) -> str:
        """The path of a row of the Directory table, without a backslash at its end."""
        known = self.properties.get(key)
        if not known:
            row = next((row for row in self.package.rows("Directory") if text(row, "Directory") == key), None)
            if row is None:
                raise SetupError(2707, f"Target paths not created. Directory '{key}' is not in the table.")
            name = text(row, "DefaultDir").partition(":")[0].rpartition("|")[2]
            parent = text(row, "Directory_Parent")
            if not parent or parent == key:
                known = self.properties["ROOTDRIVE"]
            elif name == ".":
                known = self.folder(parent)
            else:
                known = self.folder(parent).rstrip("\\") + "\\" + name
        trimmed = known.rstrip("\\")
        # A folder's property ends with a backslash, whoever set it, so that [INSTALLDIR]file works.
        self.properties[key] = trimmed + "\\"
        return trimmed + "\\" if trimmed.endswith(":") else trimmed

    def resolve_folders(self) -> None:
        """Settle all target folders (CostFinalize)."""
        for row in self.package.rows("Directory"):
            self.folder(text(row, "Directory"))

    def component(self, key: str) -> Mapping[str, Any]:
        """A row of the Component table."""
        for row in self.package.rows("Component"):
            if text(row, "Component") == key:
                return row
        raise SetupError(2705, f"Invalid table: Component; '{key}' is not in it.")

    def component_folder(self, key: str) -> str:
        """The folder of a component with its backslash."""
        return self.folder(text(self.component(key), "Directory_")).rstrip("\\") + "\\"

    def file_path(self, key: str) -> str:
        """The path that a row of the File table is installed to."""
        for row in self.package.rows("File"):
            if text(row, "File") == key:
                name = text(row, "FileName").rpartition("|")[2]
                return self.component_folder(text(row, "Component_")) + name
        raise SetupError(2732, f"File key '{key}' not found in the File table.")

    # Choosing -----------------------------------------------------------------------------------------

    def search(self) -> None:
        """Set the properties that the package looks up in the registry (AppSearch)."""
        locators = {text(row, "Signature_"): row for row in self.package.rows("RegLocator")}
        for row in self.package.rows("AppSearch"):
            locator = locators.get(text(row, "Signature_"))
            kind = number(locator, "Type") if locator else -1
            if locator is None or kind & ~_REGISTRY_LOCATOR_64_BIT != _REGISTRY_LOCATOR_RAW:
                raise NotModelled(
                    f"the search {text(row, 'Signature_')} of the package {self.package.name}",
                    "Only raw registry values are looked up; extend Installation.search.",
                )
            key = self.registry_key(
                number(locator, "Root"), text(locator, "Key"), bool(kind & _REGISTRY_LOCATOR_64_BIT)
            )
            value = self.host.registry.get(key, text(locator, "Name"))
            if value is not None and isinstance(value.data, str):
                # "RegLocator Table": a text that begins with # gets another one.
                found = "#" + value.data if value.data.startswith("#") else value.data
                self.properties.setdefault(text(row, "Property"), found)

    def registry_key(self, root: int, key: str, is_64_bit: bool) -> str:
        """A key's full name; 32-bit components write below WOW6432Node."""
        base = _REGISTRY_ROOTS.get(root, "HKLM")
        if base == "HKCU":
            base = rf"HKU\{self.session.sid}"
        full = f"{base}\\{key}".rstrip("\\")
        prefix = "HKLM\\SOFTWARE\\"
        if not is_64_bit and full.upper().startswith(prefix):
            return prefix + "WOW6432Node\\" + full[len(prefix) :]
        return full

    def components(self) -> list[str]:
        """The components to install: those of chosen features whose condition holds, in stored order."""
        features = self._features()
        wanted = {
            text(row, "Component_")
            for row in self.package.rows("FeatureComponents")
            if text(row, "Feature_") in features
        }
        return [
            text(row, "Component")
            for row in self.package.rows("Component")
            if text(row, "Component") in wanted and self.holds(text(row, "Condition"))
        ]

    def _features(self) -> set[str]:
        rows = {text(row, "Feature"): number(row, "Level") for row in self.package.rows("Feature")}
        asked = [name for name in self.public("ADDLOCAL").split(",") if name]
        for name in asked:
            if name.upper() != "ALL" and name not in rows:
                raise SetupError(2711, f"The specified Feature name ('{name}') not found in Feature table.")
        if any(name.upper() == "ALL" for name in asked):
            return {name for name, level in rows.items() if level > 0}
        if asked:
            return set(asked)
        limit = int(self.public("INSTALLLEVEL", "1"))
        return {name for name, level in rows.items() if 0 < level <= limit}


@dataclass(frozen=True)
class PackageBehaviour:
    """What a product's setup does beyond its tables, by UpgradeCode. A hook raises `SetupError` to refuse.

    Attributes:
        check: before anything is changed.
        configure: after files and registry.
        services: after the services are made, before they start.
        remove: when the product is uninstalled, before its files go.
    """

    check: Callable[[Installation], None] = lambda installation: None
    configure: Callable[[Installation], None] = lambda installation: None
    services: Callable[[Installation], None] = lambda installation: None
    remove: Callable[[Host], None] = lambda host: None


_behaviours: dict[str, PackageBehaviour] = {}


def register_package_behaviour(upgrade_code: str, behaviour: PackageBehaviour) -> None:
    """Say what the setup of all packages with this UpgradeCode does beyond its tables."""
    _behaviours[upgrade_code.upper()] = behaviour


def behaviour_of(upgrade_code: str) -> PackageBehaviour:
    """The behaviour of an UpgradeCode; one that adds nothing when nobody has registered any."""
    return _behaviours.get(upgrade_code.upper(), PackageBehaviour())


def initial_properties(
    host: Host, session: Session, package: MsiPackage, given: Mapping[str, str]
) -> dict[str, str]:
    """Properties at the start: the package's, then the system's, then those of the command line."""
    properties = dict(package.properties)
    properties.update({name: folder + "\\" for name, folder in _SYSTEM_FOLDERS.items()})
    properties.update(
        {
            "AdminUser": "1" if session.is_admin else "",
            "ComputerName": host.computer_name,
            "LogonUser": session.user,
            "MsiNTProductType": "3",
            "Privileged": "1" if session.is_admin else "",
            "ROOTDRIVE": "C:\\",
            "UILevel": "2",
            "UserSID": session.sid,
            "VersionNT": VERSION_NT,
            "VersionNT64": VERSION_NT,
        }
    )
    properties.update(given)
    return properties
