r"""What is known of an ECMA host beside its files: configurations of its programs, framework, free space.

The service and the wizard load connectors. Their binding redirects decide whether a library of another
version binds (domain/ecma_host.md 3.2). The listing of the host tells the SHA-256 of both configuration
files, so they are fetched only when they differ from the copies kept here.
"""

from __future__ import annotations

import ntpath
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mim2ecma.assemblies.host import path_key
from mim2ecma.rollout.folders import sha256

WIZARD = r"Wizard\Microsoft.ECMA2Host.ConfigWizard.exe.config"
"""Below the program's folder (domain/ecma_host.md 1.1)."""
SERVICE = "Microsoft.ECMA2Host.Service.exe.config"
"""Beside the service's program (domain/ecma_host.md 1.1)."""


def configurations(
    listing: Iterable[Mapping[str, Any]], ecma_folder: str, kept: Path
) -> dict[str, dict[str, Any]]:
    """Say where the configuration files are, and whether the kept copies are still the same.

    Args:
        listing: Files of the service's and the wizard's folder, with SHA-256 checksums.
        ecma_folder: Folder of the connectors on the host.
        kept: Folder on the controller for the copies.

    Returns:
        `service` and `wizard`: `path` on the host (empty where there is none), `kept` (path of the copy) and
        `same`.
    """
    service_folder = ntpath.dirname(ecma_folder)
    paths = {
        "service": ntpath.join(service_folder, SERVICE),
        "wizard": ntpath.join(ntpath.dirname(service_folder), WIZARD),
    }
    present = {path_key(str(file["path"])): file for file in listing}
    result = {}
    for program, path in paths.items():
        file = present.get(path_key(path))
        copy = kept / ntpath.basename(path)
        digest = str((file or {}).get("checksum") or "").lower()
        result[program] = {
            "path": str(file["path"]) if file else "",
            "kept": str(copy) if file else "",
            "same": file is None or (copy.is_file() and sha256(copy) == digest),
        }
    return result


_RELEASES = (
    (533320, "4.8.1"),
    (528040, "4.8"),
    (461808, "4.7.2"),
    (461308, "4.7.1"),
    (460798, "4.7"),
    (394802, "4.6.2"),
)
"""Least value of `Release` for each version (Microsoft Learn, "Determine which .NET Framework versions are
installed")."""
OLDEST_FRAMEWORK = "4.6.2"
"""What Server 2016 comes with; an older one is judged as this."""


def describe(output: Mapping[str, Any], ecma_folder: str) -> dict[str, Any]:
    """Read what `describe-host.ps1` told.

    Args:
        output: `Free` (root of a drive to bytes, -1 where there is none), `Release`, `Marked`.
        ecma_folder: Folder of the connectors on the host.

    Returns:
        `framework` (a version), `free_bytes` (of the drive of the ECMA folder, None when unknown), `marked`
        (paths), `missing_drives`.
    """
    free = {str(root).casefold(): int(number) for root, number in (output.get("Free") or {}).items()}
    release = int(output.get("Release") or 0)
    root = ntpath.splitdrive(ecma_folder)[0].casefold() + "\\"
    return {
        "framework": next((name for least, name in _RELEASES if release >= least), OLDEST_FRAMEWORK),
        "free_bytes": free.get(root),
        "marked": [str(path) for path in output.get("Marked") or ()],
        "missing_drives": sorted(name.upper() for name, number in free.items() if number < 0),
    }
