"""Reading a Windows Installer package: tables, properties, the files in its cabinets.

Sources: Microsoft's "Windows Installer database" reference (tables and their columns), [MS-CAB]. The compound
file and the cabinets are read by `pymsi`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pymsi import streamname
from pymsi.package import Package
from pymsi.thirdparty.refinery.cab import Cabinet

Cell = str | int | None
Row = Mapping[str, Cell]

# Summary information properties ([MS-OLEPS] 2.25.1; Microsoft, "Summary Property Descriptions").
_TEMPLATE, _COMMENTS, _REVISION = 7, 6, 9
# The tables that describe the database itself.
_SYSTEM_TABLES = frozenset({"_Tables", "_Columns", "_Validation"})


class InvalidPackageError(Exception):
    """The file is no Windows Installer package, or a broken one."""


class MissingCabinetError(Exception):
    """A cabinet that should lie beside the package is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True)
class MsiPackage:
    """A package as read.

    Attributes:
        tables: table name to its rows, in stored order.
        properties: the Property table.
        package_code: identifies this very file (Revision Number of the summary).
        template: platforms and languages, such as `x64;1033`.
        comments: what the author says about the package.
        cabinets: embedded cabinets by name.
    """

    tables: Mapping[str, tuple[Row, ...]]
    properties: Mapping[str, str]
    package_code: str
    template: str
    comments: str
    cabinets: Mapping[str, bytes] = field(repr=False)

    @property
    def product_code(self) -> str:
        """GUID of the product in this version."""
        return self.properties["ProductCode"].upper()

    @property
    def upgrade_code(self) -> str:
        """GUID of the product through its versions, or empty."""
        return self.properties.get("UpgradeCode", "").upper()

    @property
    def name(self) -> str:
        """ProductName."""
        return self.properties["ProductName"]

    @property
    def version(self) -> str:
        """ProductVersion."""
        return self.properties["ProductVersion"]

    @property
    def manufacturer(self) -> str:
        """Manufacturer."""
        return self.properties.get("Manufacturer", "")

    def rows(self, table: str) -> tuple[Row, ...]:
        """The rows of a table; none when the package does not have it."""
        return self.tables.get(table, ())

    def files(self, beside: Callable[[str], bytes | None]) -> dict[str, bytes]:
        """All files by their key in the File table.

        Args:
            beside: gives the content of a file in the package's folder, or None.

        Raises:
            MissingCabinetError: a cabinet is not there.
            InvalidPackageError: a cabinet is broken or lacks a file of the File table.
        """
        found: dict[str, bytes] = {}
        for row in self.rows("Media"):
            name = text(row, "Cabinet")
            if not name:
                continue
            data = self.cabinets.get(name[1:]) if name.startswith("#") else beside(name)
            if data is None:
                raise MissingCabinetError(name.removeprefix("#"))
            found.update(read_cabinet(data))
        lacking = sorted({text(row, "File") for row in self.rows("File")} - found.keys())
        if lacking:
            raise InvalidPackageError(f"cabinet without {', '.join(lacking)}")
        return found


def text(row: Row, column: str) -> str:
    """A cell as text; an empty cell is the empty string."""
    value = row.get(column)
    return "" if value is None else str(value)


def number(row: Row, column: str) -> int:
    """A cell as number; an empty cell is 0."""
    value = row.get(column)
    return value if isinstance(value, int) else 0


def read_package(data: bytes) -> MsiPackage:
    """Read a package.

    Raises:
        InvalidPackageError: not a package, or one without what every package has.
    """
    try:
        package: Any = Package(io.BytesIO(data), strict=False)
        tables: dict[str, tuple[Row, ...]] = {
            name: tuple(dict(row) for row in package[name].rows or ())
            for name in sorted(package.tables)
            if name not in _SYSTEM_TABLES
        }
        summary = package.summary.properties
        cabinets = {}
        for row in tables.get("Media", ()):
            name = text(row, "Cabinet")
            if name.startswith("#"):
                with package.ole.openstream(streamname.encode_unicode(name[1:], False)) as stream:
                    cabinets[name[1:]] = stream.read()
        properties = {text(row, "Property"): text(row, "Value") for row in tables["Property"]}
        result = MsiPackage(
            tables=tables,
            properties=properties,
            package_code=str(summary.get(_REVISION) or "").upper(),
            template=str(summary.get(_TEMPLATE) or ""),
            comments=str(summary.get(_COMMENTS) or ""),
            cabinets=cabinets,
        )
    except Exception as error:  # the readers below raise whatever a broken file makes them stumble over
        raise InvalidPackageError(f"{type(error).__name__}: {error}") from error
    for name in ("ProductCode", "ProductName", "ProductVersion"):
        if not properties.get(name):
            raise InvalidPackageError(f"Property table without {name}")
    return result


def read_cabinet(data: bytes) -> dict[str, bytes]:
    """The files of a cabinet by name.

    Raises:
        InvalidPackageError: not a cabinet, or a broken one.
    """
    try:
        cabinet: Any = Cabinet(memoryview(data))
        cabinet.process()
        files = {str(file.name): bytes(file.decompress()) for file in cabinet.get_files()}
    except Exception as error:  # as above
        raise InvalidPackageError(f"cabinet: {type(error).__name__}: {error}") from error
    if not files:
        raise InvalidPackageError("cabinet: no file in it")
    return files
