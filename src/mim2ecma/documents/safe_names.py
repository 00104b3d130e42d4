"""Names from untrusted files made safe for folders, and checks of file names as Windows sees them."""

from __future__ import annotations

import re
import unicodedata

SLUG_LENGTH = 48
"""Longest slug: leaves room for the rest of a run folder's path under the 260 characters of old Windows
programs."""

GUID_PREFIX_LENGTH = 8
"""Characters of an MA's GUID in its folder name (docs/architecture.md, "The run folder")."""

# Win32 "Naming Files, Paths, and Namespaces": reserved with any extension, in any case; the superscript
# digits count.
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_GUID = re.compile(r"\{?([0-9a-fA-F]{8})-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\}?\Z")
_WINDOWS_NAME_LENGTH = 255


def is_device_name(name: str) -> bool:
    """Whether Windows takes a file name for a device (`NUL`, `com1.dll`), whatever its extension."""
    return name.split(".", 1)[0].rstrip(" ").casefold() in _DEVICES


def bare_file_name_problem(name: str) -> str | None:
    """Say what is wrong with a file name that must stand alone, without any folder.

    Args:
        name: File name as an export or an assembly names it; blanks inside are fine (domain/ma_xml.md 0.4).

    Returns:
        A phrase such as `holds a path separator`, or `None` when the name is a plain Windows file name.
    """
    problem = None
    if not name.strip():
        problem = "is empty"
    elif "/" in name or "\\" in name:
        problem = "holds a path separator"
    elif name in {".", ".."}:
        problem = "names a folder"
    elif _FORBIDDEN.search(name):
        problem = "holds a character that Windows does not allow in file names"
    elif any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in name):
        problem = "holds an invisible or control character"
    elif is_device_name(name):
        problem = "is the name of a Windows device"
    elif name != name.rstrip(" .") or name != name.lstrip(" "):
        problem = "begins or ends with a blank, or ends with a dot"
    elif len(name) > _WINDOWS_NAME_LENGTH:
        problem = f"is longer than {_WINDOWS_NAME_LENGTH} characters"
    return problem


def slug(name: str, fallback: str = "ma") -> str:
    """Turn a free-text name into a folder name that is safe everywhere.

    Args:
        name: For example the display name of a management agent; may hold anything.
        fallback: Result when nothing of the name survives.

    Returns:
        Lower-case ASCII letters, digits and single hyphens, at most `SLUG_LENGTH` characters, never a device
        name.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    result = _NOT_SLUG.sub("-", plain).strip("-")[:SLUG_LENGTH].strip("-") or fallback
    return f"{fallback}-{result}" if is_device_name(result) else result


def is_guid(text: str) -> bool:
    """Whether a text is a GUID, with or without braces."""
    return _GUID.match(text.strip()) is not None


def agent_folder_name(name: str, guid: str) -> str:
    """Folder name of one management agent in the run folder: slug and first eight characters of its GUID.

    Args:
        name: Display name.
        guid: Its id, with or without braces.

    Returns:
        For example `hr-people-44d74a23`.

    Raises:
        ValueError: When `guid` is not a GUID.
    """
    match = _GUID.match(guid.strip())
    if not match:
        raise ValueError("not a GUID")
    return f"{slug(name)}-{match[1].lower()[:GUID_PREFIX_LENGTH]}"
