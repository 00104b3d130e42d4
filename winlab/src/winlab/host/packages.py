r"""Installed products: what Windows Installer knows, and the Uninstall keys that programs without it write.

Sources: Microsoft's pages "Uninstall Registry Key" and "MsiGetProductInfo".
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from winlab.errors import Win32Error

if TYPE_CHECKING:
    from winlab.host.model import Host

ERROR_UNKNOWN_PRODUCT = 1605
UNINSTALL_KEY = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
UNINSTALL_KEY_32 = r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall"
# Microsoft, LCID of English (United States), the default of a package that states none.
ENGLISH = 1033


@dataclass(frozen=True, slots=True)
class Product:
    """One installed product.

    Attributes:
        code: product code of an MSI in braces and upper case, or the name of the Uninstall key otherwise.
        name: display name.
        version: display version.
        publisher: who made it.
        upgrade_code: of the MSI, in braces, or empty.
        install_location: folder, may be empty.
        install_source: folder that the package came from.
        install_date: `YYYYMMDD`.
        uninstall_string: command line that removes it.
        quiet_uninstall_string: the same without questions, may be empty.
        kind: `msi` or `registry`.
        wow64: whether a 32-bit installer wrote the key.
        language: LCID.
        properties: public properties worth keeping, such as what a repair needs.
    """

    code: str
    name: str
    version: str
    publisher: str = ""
    upgrade_code: str = ""
    install_location: str = ""
    install_source: str = ""
    install_date: str = ""
    uninstall_string: str = ""
    quiet_uninstall_string: str = ""
    kind: str = "msi"
    wow64: bool = False
    language: int = ENGLISH
    properties: tuple[tuple[str, str], ...] = ()


class Packages:
    """The products of one host.

    Args:
        host: the host.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._products: dict[str, Product] = {}
        # What another installation holds while it runs: a second one then gets 1618.
        self.busy_with = ""

    def get(self, code: str) -> Product | None:
        """A product by code, without regard to case, or None."""
        return self._products.get(code.upper())

    def all(self) -> list[Product]:
        """All products, sorted by code."""
        return [self._products[code] for code in sorted(self._products)]

    def related(self, upgrade_code: str) -> list[Product]:
        """The products that share an upgrade code, sorted by code."""
        wanted = upgrade_code.upper()
        return [product for product in self.all() if wanted and product.upgrade_code.upper() == wanted]

    def install(self, product: Product) -> Product:
        """Register a product and write its Uninstall key; one with the same code is replaced."""
        from winlab.host.registry import Value  # noqa: PLC0415  (composed lazily, see model.Host)

        before = self.get(product.code)
        if before is not None:
            self.remove(before.code)
        self._products[product.code.upper()] = product
        key = self.uninstall_key(product)
        is_msi = product.kind == "msi"
        uninstall = product.uninstall_string or (f"MsiExec.exe /X{product.code}" if is_msi else "")
        texts = {
            "DisplayName": product.name,
            "DisplayVersion": product.version,
            "Publisher": product.publisher,
            "InstallLocation": product.install_location,
            "InstallSource": product.install_source,
            "InstallDate": product.install_date or self._host.clock.utc().strftime("%Y%m%d"),
        }
        for name, text in texts.items():
            self._host.registry.set(key, name, Value("string", text))
        if uninstall:
            self._host.registry.set(key, "UninstallString", Value("expandstring", uninstall))
        if product.quiet_uninstall_string:
            value = Value("string", product.quiet_uninstall_string)
            self._host.registry.set(key, "QuietUninstallString", value)
        if is_msi:
            self._host.registry.set(key, "ModifyPath", Value("expandstring", f"MsiExec.exe /X{product.code}"))
            self._host.registry.set(key, "WindowsInstaller", Value("dword", 1))
            self._host.registry.set(key, "Language", Value("dword", product.language))
            major, minor, build = _version_parts(product.version)
            self._host.registry.set(key, "Version", Value("dword", major << 24 | minor << 16 | build))
            self._host.registry.set(key, "VersionMajor", Value("dword", major))
            self._host.registry.set(key, "VersionMinor", Value("dword", minor))
        self._host.touch("packages")
        return product

    def remove(self, code: str) -> Product:
        """Take a product off the list with its Uninstall key.

        Raises:
            Win32Error: 1605 not installed.
        """
        product = self.get(code)
        if product is None:
            raise Win32Error(ERROR_UNKNOWN_PRODUCT, code)
        del self._products[code.upper()]
        key = self.uninstall_key(product)
        if self._host.registry.key_exists(key):
            self._host.registry.delete_key(key)
        self._host.touch("packages")
        return product

    @staticmethod
    def uninstall_key(product: Product) -> str:
        """The registry key that Programs and Features reads."""
        return rf"{UNINSTALL_KEY_32 if product.wow64 else UNINSTALL_KEY}\{product.code}"

    def to_state(self) -> dict[str, Any]:
        """JSON-able state."""
        return {"products": [asdict(product) for product in self.all()], "busy_with": self.busy_with}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `to_state` gave."""
        self._products = {}
        for item in state["products"]:
            restored = {**item, "properties": tuple((n, v) for n, v in item["properties"])}
            self._products[item["code"].upper()] = Product(**restored)
        self.busy_with = state["busy_with"]


def _version_parts(version: str) -> tuple[int, int, int]:
    """Major (8 bits), minor (8) and build (16) of a product version, as the Version value packs them."""
    numbers = [int(part) if part.isdigit() else 0 for part in version.split(".")][:3]
    padded = numbers + [0] * (3 - len(numbers))
    return padded[0] & 0xFF, padded[1] & 0xFF, padded[2] & 0xFFFF
