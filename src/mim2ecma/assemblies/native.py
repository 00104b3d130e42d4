"""Native modules that a file calls by platform invoke or import: where each comes from.

A name here is what an author wrote beside `DllImport`. Libraries for several systems also name modules of
Linux and macOS, which are never called on Windows, and some names hold a folder.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from mim2ecma.documents.findings import Finding, Severity
from mim2ecma.documents.safe_names import bare_file_name_problem

from .host import windows_path_problem
from .known import module_status
from .search import Candidate, Place, Search

PROCESSOR_FOLDERS = (("x64",), ("amd64",), ("runtimes", "win-x64", "native"))
"""Folders beside a library in which it looks for native code of a 64-bit process.

By code of its own, so that no table shows it: `x64` and `amd64` (System.Data.SQLite, SQL Server Compact), and
the layout of NuGet packages.
"""
_OTHER_SYSTEM = re.compile(
    r"/.*|.*\.(?:so|dylib)(?:\.[0-9]+)*|lib(?:c|dl|m|objc|pthread|system)(?:\.dll)?", re.IGNORECASE
)
"""Whole paths of macOS, shared objects, and the libraries of the C runtime elsewhere."""


@dataclass(frozen=True, slots=True)
class Located:
    r"""Where a module comes from.

    Attributes:
        status: `windows`, `staged`, `embedded`, `host-supplied`, `redistributable`, `missing`, `path` (which
            is not followed), `other-system` (Linux or macOS) or `unusable-name`.
        found: The fetched file of a module to bring.
        target: Its place below the ECMA folder, with `\`: the same as below the fetched folder.
    """

    status: str
    found: Candidate | None = None
    target: str = ""


def locate(
    file: str, kind: str, search: Search, embedded: Container[str], on_host: Container[str]
) -> Located:
    """Say where a module comes from.

    Args:
        file: Its name with an extension.
        kind: As in `ModuleReference`.
        search: Folders fetched from MIM.
        embedded: Names, in lower case and without extension, of embedded libraries.
        on_host: Names, in lower case, of files in the ECMA folder.
    """
    elsewhere = kind != "file"  # a part of an assembly lies beside it, and nowhere else
    plain = bare_file_name_problem(file) is None
    by_name = module_status(file) if elsewhere else "missing"
    if by_name == "windows":
        return Located(by_name)
    if plain and (found := _find(file, search)) is not None:
        return Located("staged", *found)
    if elsewhere and _OTHER_SYSTEM.fullmatch(file):
        status = "other-system"
    elif elsewhere and _is_path(file):
        status = "path"
    elif not plain:
        status = "unusable-name"
    elif file.casefold().removesuffix(".dll") in embedded:
        status = "embedded"
    elif file.casefold() in on_host:
        status = "host-supplied"
    else:
        status = by_name.replace("unknown", "missing")
    return Located(status)


def about_module(name: str, status: str, label: str) -> Iterator[Finding]:
    """C22: native code that neither Windows nor the fetched folder has."""
    expected = "a module of Windows or a file beside the connector"
    texts = {
        "missing": (
            "which is nowhere in the fetched folders",
            expected,
            "Get the module, or install the product that brings it on the ECMA host.",
        ),
        "path": (
            "a path, which is not followed",
            expected,
            "Declare the file as extra payload for that place, or install the product that brings it on the "
            "ECMA host.",
        ),
        "redistributable": (
            "part of a Visual C++ redistributable package",
            "the package on the ECMA host",
            "Install the Visual C++ redistributable package (x64) of that version on the ECMA host.",
        ),
    }
    if status in texts:
        found, expected, next_step = texts[status]
        yield Finding(
            id="C22",
            severity=Severity.WARNING,
            where=label,
            found=f"calls into '{name}', {found}",
            expected=expected,
            next_step=next_step,
        )


def _is_path(name: str) -> bool:
    r"""True for `x64\Vendor.dll` or `C:\Vendor\Vendor.dll`, without `..` or a device."""
    return re.search(r"[\\/]", name) is not None and windows_path_problem(name) is None


def _find(name: str, search: Search) -> tuple[Candidate, str] | None:
    folders: tuple[tuple[str, ...], ...] = ((), *PROCESSOR_FOLDERS)
    for file in (name, name + ".dll"):
        for folder in folders:
            found = search.file(file, folder)
            # Folders below count beside the connector alone; nothing below `Bin` is fetched for their sake.
            if found is not None and (not folder or found.place is Place.EXTENSIONS):
                return found, "\\".join(found.path.parts[-len(folder) - 1 :])
    return None
