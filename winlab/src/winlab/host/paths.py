r"""Windows paths as text: what is one, what it means, and how two of them compare. No file is touched here.

Sources: Microsoft Learn, "Naming Files, Paths, and Namespaces" (reserved characters and device names,
MAX_PATH, the ``\\?\`` prefix) and "File path formats on Windows systems" (trimming of trailing full stops
and blanks). Prefixes and drive letters are decided explicitly, see docs/design.md "Files".
"""

from __future__ import annotations

import re
from functools import lru_cache

from winlab.errors import NotModelled, Win32Error

ERROR_FILE_NOT_FOUND = 2
ERROR_PATH_NOT_FOUND = 3
ERROR_INVALID_NAME = 123
ERROR_FILENAME_TOO_LONG = 206

# "Maximum Path Length Limitation": 260 with the terminating NUL; a folder must leave room for an 8.3 name.
MAX_PATH = 259
MAX_DIRECTORY_PATH = 247
MAX_EXTENDED_PATH = 32766
MAX_COMPONENT = 255
SHORT_STEM = 8
SHORT_SUFFIX = 3

_EXTENDED_UNC = "\\\\?\\UNC\\"
_EXTENDED = "\\\\?\\"
_DEVICE = "\\\\.\\"
_FORBIDDEN = frozenset('<>"|?*') | frozenset(map(chr, range(32)))
# The superscript digits count as digits, see "Naming Conventions".
_RESERVED = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{port}{digit}" for port in ("COM", "LPT") for digit in "123456789¹²³"]
)
_NOT_SHORT = re.compile(r"[^A-Z0-9!#$%&'()@^_`{}~\-\u0080-\uffff]")
_DRIVE = re.compile(r"[A-Za-z]:")
_EXTENDED_DRIVE = re.compile(r"[A-Za-z]:\\")
# What else the object manager knows behind the prefix: volumes by their number, any device.
_OTHER_DEVICES = re.compile(r"(?i)(?:Volume\{|GLOBALROOT(?:\\|\Z)|HarddiskVolume|PhysicalDrive)")
# Dotless i and long s have upper-case forms (I, S) that NTFS's own table, $UpCase, does not give them.
_NOT_FOLDED = frozenset("\u0131\u017f")


def fold(text: str) -> str:
    """Return `text` as NTFS compares it: every character in upper case where that is one character."""
    if text.isascii():
        return text.upper()
    return "".join(
        char.upper() if len(char.upper()) == 1 and char not in _NOT_FOLDED else char for char in text
    )


def key(path: str) -> str:
    """Return what two spellings of one path have in common (absolute, folded)."""
    return fold(normalise(path))


def same(one: str, other: str) -> bool:
    """Tell whether both texts name the same place."""
    return key(one) == key(other)


def is_extended(path: str) -> bool:
    r"""Tell whether `path` starts with ``\\?\``, which lifts the limit of 259 characters."""
    return path.startswith(_EXTENDED)


def extended(path: str) -> str:
    r"""Return a normalised path with the ``\\?\`` prefix, which keeps it as it is whatever its length."""
    return _EXTENDED_UNC + path[2:] if is_unc(path) else _EXTENDED + path


def is_unc(path: str) -> bool:
    r"""Tell whether the normalised `path` is ``\\server\share...``."""
    return path.startswith("\\\\")


def is_valid(path: str) -> bool:
    """Tell whether any Windows path can look like this, as ``Test-Path -IsValid`` does."""
    try:
        normalise(path)
    except Win32Error:
        return False
    return True


@lru_cache(maxsize=8192)
def normalise(path: str, cwd: str = "C:\\") -> str:
    r"""Return `path` in its one absolute form.

    Args:
        path: absolute, drive-relative (``C:x``), root-relative (``\x``) or relative; ``/`` counts as ``\``.
        cwd: the current folder that relative forms start from.

    Returns:
        ``C:\a\b``, ``C:\`` or ``\\server\share\a``; a stream keeps its ``:name``, a ``\\?\`` prefix goes.

    Raises:
        Win32Error: 123 for what no path can be, 206 for more than 259 characters without ``\\?\``, 2 or 3 for
            a device behind that prefix that is not there.
        NotModelled: a volume or device behind that prefix that has no letter.
    """
    if not path or path.isspace():
        raise Win32Error(ERROR_INVALID_NAME, path)
    extended = is_extended(path)
    text = _without_prefix(path) if extended else path.replace("/", "\\")
    if not extended and text.startswith(_DEVICE):
        raise Win32Error(ERROR_INVALID_NAME, path)
    root, rest = _split_root(text, cwd, path)
    names = rest.split("\\")
    parts = _literal(names, path) if extended else _resolve(names, path)
    result = root + "\\".join(parts) if root.endswith("\\") else "\\".join([root, *parts])
    if len(result) > (MAX_EXTENDED_PATH if extended else MAX_PATH):
        raise Win32Error(ERROR_FILENAME_TOO_LONG, path)
    return result


def split_stream(path: str) -> tuple[str, str | None]:
    """Split a normalised path into the file's path and the name of its alternate stream, if it names one."""
    head, colon, stream = path[2:].partition(":")
    if not colon:
        return path, None
    name = stream.removesuffix(":$DATA")
    return path[:2] + head, name or None


def root(path: str) -> str:
    r"""Return the volume of a normalised path: ``C:\`` or ``\\server\share``."""
    if is_unc(path):
        return "\\".join(path.split("\\")[:4])
    return path[:3]


def drive(path: str) -> str:
    r"""Return the drive letter of a normalised path in upper case, or ``""`` for a UNC path."""
    return "" if is_unc(path) else path[0].upper()


def parts(path: str) -> list[str]:
    """Return the names below the volume of a normalised path."""
    rest = path[len(root(path)) :].strip("\\")
    return rest.split("\\") if rest else []


def parent(path: str) -> str:
    """Return the folder that a normalised path lies in; a volume is its own parent."""
    names = parts(path)
    if not names:
        return path
    volume = root(path)
    return join(volume, *names[:-1])


def name(path: str) -> str:
    """Return the last name of a normalised path; ``""`` for a volume."""
    names = parts(path)
    return names[-1] if names else ""


def join(base: str, *names: str) -> str:
    r"""Append names to a path with one ``\`` between each, as ``Join-Path`` does (nothing is resolved)."""
    result = base
    for piece in names:
        result = result.rstrip("\\/") + "\\" + piece.lstrip("\\/")
    return result


def short_base(name: str) -> tuple[str, str] | None:
    r"""Return the two parts of a name's 8.3 form around ``~1``, or None where the name is its own short form.

    Source: Microsoft Learn, "Naming Files, Paths, and Namespaces", "Short vs. Long Names"; NTFS makes one for
    each long name on the system drive. After four equal ones it would hash, which is not modelled.
    """
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, extension = name, ""
    allowed = [_NOT_SHORT.sub("", fold(part).replace(" ", "").replace(".", "")) for part in (stem, extension)]
    if (
        allowed == [fold(stem), fold(extension)]
        and len(stem) <= SHORT_STEM
        and len(extension) <= SHORT_SUFFIX
    ):
        return None
    return allowed[0][: SHORT_STEM - 2], f".{allowed[1][:SHORT_SUFFIX]}" if dot and allowed[1] else ""


def suffix(name_or_path: str) -> str:
    r"""Return what `System.IO.Path.GetExtension` returns: the last ``.x`` of the last name, or ``""``."""
    last = re.split(r"[\\/:]", name_or_path)[-1]
    stem, dot, extension = last.rpartition(".")
    return f".{extension}" if dot and extension and (stem or dot) else ""


def _split_root(text: str, cwd: str, path: str) -> tuple[str, str]:
    """Return the volume and what follows it; relative forms are put behind `cwd`."""
    if text.startswith("\\\\"):
        server, _, rest = text[2:].partition("\\")
        share, _, rest = rest.partition("\\")
        if not server or not share or _FORBIDDEN & set(server + share) or ":" in server + share:
            raise Win32Error(ERROR_INVALID_NAME, path)
        return f"\\\\{server}\\{share}", rest
    if _DRIVE.match(text):
        letter = text[0].upper() + ":\\"
        if text[2:3] == "\\":
            return letter, text[3:]
        # "C:x" is relative to the current folder of drive C; other drives stand at their root.
        base = cwd if cwd[:1].upper() == text[0].upper() else letter
        return letter, f"{base[3:]}\\{text[2:]}"
    volume = root(cwd)
    if text.startswith("\\"):
        return volume, text[1:]
    return volume, f"{cwd[len(volume) :]}\\{text}"


def _without_prefix(path: str) -> str:
    r"""Return what stands behind ``\\?\``, in the form of an ordinary path from a drive or share.

    Raises:
        Win32Error: see `normalise`.
        NotModelled: see `normalise`.
    """
    if fold(path).startswith(_EXTENDED_UNC):
        return "\\\\" + path[len(_EXTENDED_UNC) :]
    text = path[len(_EXTENDED) :]
    if _EXTENDED_DRIVE.match(text):
        return text
    if _OTHER_DEVICES.match(text) or (len(text) == len("C:") and _DRIVE.match(text)):
        raise NotModelled(f"the device path {path}", "Use a path from a drive letter or a share.")
    device, backslash, _ = text.partition("\\")
    if not device or "/" in device:
        raise Win32Error(ERROR_INVALID_NAME, path)
    raise Win32Error(ERROR_PATH_NOT_FOUND if backslash else ERROR_FILE_NOT_FOUND, path)


def _literal(names: list[str], path: str) -> list[str]:
    r"""Return the names behind ``\\?\``, which reach the file system as they are: ``..`` and ``/`` too."""
    result = names[:-1] if not names[-1] else names
    for position, name in enumerate(result):
        if name in ("", ".", "..") or "/" in name:
            raise Win32Error(ERROR_INVALID_NAME, path)
        _check(name, position == len(result) - 1, path)
    return result


def _resolve(names: list[str], path: str) -> list[str]:
    result: list[str] = []
    last = len(names) - 1
    for position, raw in enumerate(names):
        if not raw or raw == ".":
            continue
        if raw == "..":
            if result:
                result.pop()
            continue
        trimmed = _trim(raw, position == last)
        if trimmed:
            _check(trimmed, position == last, path)
            result.append(trimmed)
    return result


def _trim(raw: str, is_last: bool) -> str:
    """Drop what Win32 drops: all trailing full stops and blanks at the end, one full stop elsewhere."""
    if is_last:
        return raw.rstrip(" .")
    return raw[:-1] if raw.endswith(".") and not raw.endswith("..") else raw


def _check(part: str, is_last: bool, path: str) -> None:
    base, colon, stream = part.partition(":")
    if colon and not (is_last and base and _is_stream(stream)):
        raise Win32Error(ERROR_INVALID_NAME, path)
    if _FORBIDDEN & set(base) or len(base) > MAX_COMPONENT:
        raise Win32Error(ERROR_INVALID_NAME, path)
    if fold(base.split(".")[0].rstrip(" ")) in _RESERVED:
        raise Win32Error(ERROR_INVALID_NAME, path)


def _is_stream(stream: str) -> bool:
    label, colon, kind = stream.partition(":")
    if colon and fold(kind) != "$DATA":
        return False
    return bool(label or colon) and not _FORBIDDEN & set(label)
