"""R17: the staged DLL's assembly version against the one the management agent was made with."""

from __future__ import annotations

import re

from mim2ecma.documents.findings import Finding
from mim2ecma.readiness.subject import warning

_VERSION = re.compile(r"\d{1,5}(?:\.\d{1,5}){1,3}\Z")


def is_version(text: str) -> bool:
    """Whether a text is an assembly version of two to four numbers."""
    return _VERSION.match(text) is not None


def compare_assembly_version(recorded: str | None, staged: str, file: str) -> Finding | None:
    """Compare assembly versions; only an older DLL or another major version is told.

    Args:
        recorded: `assembly-version` of the export, a snapshot from the last refresh (domain/ma_xml.md 0.5);
            may be absent.
        staged: Assembly version of the DLL that will be staged.
        file: Its file name.

    Returns:
        Finding R17, or `None` when there is nothing to tell or nothing to compare with.
    """
    if recorded is None or not _VERSION.match(recorded) or not _VERSION.match(staged):
        return None
    before, now = _numbers(recorded), _numbers(staged)
    if now >= before and now[0] == before[0]:
        return None
    difference = "older than" if now < before else "of another major version than"
    return warning(
        "R17",
        file,
        f"assembly version {staged}, {difference} the {recorded} that the management agent was made with",
        f"{recorded} or a later one of the same major version",
        "Take the DLL from the MIM server, or refresh the management agent there with the new DLL and "
        "export it again.",
    )


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    return tuple(numbers + [0] * (4 - len(numbers)))
