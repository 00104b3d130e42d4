"""Version resources of executables, read as `System.Diagnostics.FileVersionInfo` does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pefile

_VERSION_RESOURCES = pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_RESOURCE"]


@dataclass(frozen=True, slots=True)
class FileVersion:
    """What a version resource says.

    Attributes:
        parts: the four numbers of the fixed part, zeros where there is no resource.
        file_version: the text FileVersion, None when there is none.
        product_version: the text ProductVersion, None when there is none.
    """

    parts: tuple[int, int, int, int] = (0, 0, 0, 0)
    file_version: str | None = None
    product_version: str | None = None


def file_version(path: Path) -> FileVersion:
    """Read the version resource of the executable content at `path`; an empty one where it has none."""
    try:
        image = pefile.PE(str(path), fast_load=True)
    except pefile.PEFormatError:
        return FileVersion()
    try:
        image.parse_data_directories(directories=[_VERSION_RESOURCES])
        fixed = getattr(image, "VS_FIXEDFILEINFO", None)
        if not fixed:
            return FileVersion()
        high, low = fixed[0].FileVersionMS, fixed[0].FileVersionLS
        texts = _texts(image)
    finally:
        image.close()
    parts = (high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF)
    return FileVersion(parts, texts.get("FileVersion"), texts.get("ProductVersion"))


def _texts(image: Any) -> dict[str, str]:
    """Return the texts of the first language, without NULs at the end."""
    for block in getattr(image, "FileInfo", None) or ():
        for item in block:
            for table in getattr(item, "StringTable", ()):
                return {
                    key.decode("utf-8", "replace"): value.decode("utf-8", "replace").rstrip("\0")
                    for key, value in table.entries.items()
                }
    return {}
