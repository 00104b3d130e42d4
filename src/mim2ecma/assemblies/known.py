"""What a Windows server already has.

Assemblies of .NET Framework and of Windows, native modules, and what the ECMA host supplies.

A public key token does not tell "part of .NET" (domain/ma_xml.md 13.3), so the lists hold names with
versions. They are data beside this module; each file says where it comes from.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from .names import AssemblyName, Version, parse_version

DEFAULT_FRAMEWORK = "4.8"
"""Highest version that Windows Server 2016 to 2022 can have (domain/ma_xml.md 13.1)."""

HOST_SUPPLIED = frozenset({"microsoft.metadirectoryservicesex"})
"""Never staged and never overwritten (domain/ma_xml.md 13.2)."""
HOST_CONNECTORS = frozenset(
    {
        "microsoft.iam.connector.genericldap.dll",
        "microsoft.iam.connector.genericsql.dll",
        "microsoft.iam.connector.powershell.dll",
        "microsoft.identitymanagement.ma.webservices.dll",
    }
)
"""Connectors that the agent package is documented to bring (domain/ecma_host.md 3.2).

Used where the host was not listed.
"""
PRODUCT_NAMES = re.compile(
    r"Microsoft\.(?:IAM\.Connector|IdentityManagement|ECMA2Host|MetadirectoryServicesEx)\b.*", re.IGNORECASE
)
"""Files of the product itself.

On MIM and on the ECMA host alike they are Microsoft's (domain/ecma_host.md 3.2).
"""
HOST_CONNECTOR_NAMES = re.compile(
    r"Microsoft\.(?:IAM\.Connector|IdentityManagement\.MA)\..+\.dll", re.IGNORECASE
)
"""Names that only Microsoft's connectors have.

Where the ECMA folder has such a file, it is the one to use.
"""
NEWEST_EXTENSION_VERSION: Version = (4, 1, 4, 0)
"""Assembly version of the newest MIM builds; 4.2.0.0 is Azure AD Connect's (domain/ma_xml.md 13.2)."""


@dataclass(frozen=True, slots=True)
class Known:
    """An assembly that is on the server without our doing."""

    name: str
    version: Version
    public_key_token: str
    needs: str = ""


def frameworks() -> tuple[str, ...]:
    """Return the versions of .NET Framework that the list knows, oldest first."""
    return tuple(_load("inbox_assemblies.json")["frameworks"])


def in_box(reference: AssemblyName, framework: str) -> Known | None:
    """Return the assembly of .NET Framework that has the reference's name and publisher.

    Of whatever version.
    """
    known = _in_box(framework).get(reference.key)
    if known is None or (reference.public_key_token != known.public_key_token and not reference.retargetable):
        return None
    return known


def satisfied_in_box(reference: AssemblyName, framework: str) -> bool:
    """True when .NET Framework answers the reference.

    Older versions are unified to its own, newer ones are not.
    """
    known = in_box(reference, framework)
    return known is not None and (reference.retargetable or reference.version <= known.version)


def part_of_windows(reference: AssemblyName) -> Known | None:
    """Return the assembly of Windows that answers the reference."""
    known = _windows().get(reference.key)
    if (
        known is None
        or reference.public_key_token != known.public_key_token
        or reference.version > known.version
    ):
        return None
    return known


def is_product_name(file: str) -> bool:
    """True for a file that only Microsoft makes.

    So that the host's own build is the right one on the host.
    """
    return PRODUCT_NAMES.fullmatch(file) is not None


def module_status(name: str) -> str:
    """Say where a native module comes from.

    `windows`, `redistributable` (Visual C++ runtimes) or `unknown`.
    """
    data = _load("windows_modules.json")
    plain = name.casefold()
    file = plain if plain.endswith((".dll", ".drv", ".ocx", ".cpl", ".exe")) else plain + ".dll"
    if file in _module_names() or file.startswith(tuple(data["prefixes"])):
        return "windows"
    return "redistributable" if re.match(data["redistributable"], file) else "unknown"


@cache
def _in_box(framework: str) -> dict[str, Known]:
    found = {}
    for name, entry in _load("inbox_assemblies.json")["assemblies"].items():
        version = parse_version(entry.get(framework, ""))
        if version is not None:
            found[name.casefold()] = Known(name, version, entry["token"])
    return found


@cache
def _windows() -> dict[str, Known]:
    found = {}
    for name, entry in _load("windows_assemblies.json")["assemblies"].items():
        version = parse_version(entry["version"])
        assert version is not None, name  # noqa: S101  (our own data; a test reads every entry)
        found[name.casefold()] = Known(name, version, entry["token"], entry.get("needs", ""))
    return found


@cache
def _module_names() -> frozenset[str]:
    return frozenset(_load("windows_modules.json")["modules"])


@cache
def _load(name: str) -> dict[str, Any]:
    text = resources.files("mim2ecma.assemblies").joinpath("data", name).read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
