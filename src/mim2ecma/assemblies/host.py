"""What lies on a Windows host: the listing that `ansible.windows.win_find` gives, made into checked records.

Paths of a host are text here. They are compared without regard to case and never opened on the controller.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mim2ecma.documents.errors import UsageError
from mim2ecma.documents.safe_names import bare_file_name_problem

from .assembly import AssemblyError
from .names import Version, parse_version
from .reader import read_assembly

COPY_FOLDERS = frozenset({"cache", "autosyncservice"})
"""Folders below `ECMA` in which the service keeps copies (domain/ecma_host.md 1.1)."""
DATA_FOLDER = "madata"
"""Folder below `ECMA` with the connectors' data; nothing is loaded from there."""

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class HostFile:
    """A file of a host.

    Attributes:
        path: Path as the host wrote it; only the name when nothing else is known.
        sha256: None when the listing has none.
        version: Assembly version, None when the listing has none.
    """

    path: str
    sha256: str | None = None
    bytes: int | None = None
    version: Version | None = None

    @property
    def name(self) -> str:
        """File name without folders."""
        return ntpath.basename(self.path)

    @property
    def folders(self) -> frozenset[str]:
        """Names of the folders of the path, in lower case."""
        return frozenset(self.key.split("\\")[:-1])

    @property
    def depth(self) -> int:
        """Number of folders, the drive among them, above the file."""
        return self.key.count("\\")

    @property
    def is_whole_path(self) -> bool:
        """True when the path begins at a drive or a share."""
        return bool(ntpath.splitdrive(self.path)[0])

    @property
    def key(self) -> str:
        """The path as Windows compares it."""
        return path_key(self.path)


def path_key(path: str) -> str:
    """Return a form of a Windows path in which equal paths are equal: one separator, no regard to case."""
    return ntpath.normpath(path).casefold()


def read_listing(items: Iterable[object], source: str = "host") -> tuple[HostFile, ...]:
    r"""Check a listing of files.

    Args:
        items: Names, or mappings with `path` (or `file`, `filename`, `name`) and, where known, `checksum` or
            `sha256`, `size` or `bytes`, `version`.
        source: Host or variable, for messages.

    Returns:
        Files in the order of their paths; folders (`isdir`) are left out.

    Raises:
        UsageError: an item is of another form, or its name could not lie in a Windows folder.
    """
    found = []
    for item in items:
        entry: Mapping[str, object] = item if isinstance(item, Mapping) else {"path": item}
        if entry.get("isdir"):
            continue
        path = next((entry[key] for key in ("path", "file", "filename", "name") if entry.get(key)), None)
        if not isinstance(path, str):
            raise _error(
                source,
                "listing",
                f"an item {type(item).__name__} without a path",
                "file names or results of win_find",
            )
        problem = windows_path_problem(path)
        if problem:
            raise _error(source, f"listing, '{path}'", f"a path that {problem}", "a plain Windows path")
        digest = entry.get("sha256") or entry.get("checksum")
        found.append(
            HostFile(
                path=str(path),
                sha256=_digest(digest, source, path),
                bytes=_whole_number(entry.get("size", entry.get("bytes"))),
                version=parse_version(str(entry["version"])) if entry.get("version") else None,
            )
        )
    return tuple(sorted(found, key=lambda file: file.key))


def windows_path_problem(path: str) -> str | None:
    r"""Say why a path of a listing must not be used, None when it is plain.

    Each part a plain name, a drive at most in front.
    """
    _drive, rest = ntpath.splitdrive(path)
    parts = [part for part in re.split(r"[\\/]", rest) if part]
    if not parts:
        return "names no file"
    if any(part == ".." for part in parts):
        return "climbs with '..'"
    for part in parts:
        problem = bare_file_name_problem(part)
        if problem:
            return problem
    return None


def listing_of_folder(folder: Path) -> tuple[HostFile, ...]:
    """List a folder on the controller as if it were the host's `ECMA` folder.

    Names, hashes, assembly versions.

    Files that are no assembly are listed by name alone.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        name = "\\".join(path.relative_to(folder).parts)
        try:
            assembly = read_assembly(path, digest=True)
        except AssemblyError:
            found.append(HostFile(name))
            continue
        version = assembly.identity.version if assembly.identity else None
        found.append(HostFile(name, assembly.sha256, assembly.length, version))
    return tuple(found)


def _digest(value: object, source: str, path: str) -> str | None:
    if value is None or value == "":
        return None
    text = str(value).casefold()
    if not _SHA256.match(text):
        raise _error(
            source,
            f"listing, '{path}'",
            "a checksum that is no SHA-256",
            "64 hexadecimal digits; set checksum_algorithm: sha256",
        )
    return text


def _whole_number(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _error(source: str, where: str, found: str, expected: str) -> UsageError:
    return UsageError(
        source=source,
        where=where,
        found=found,
        expected=expected,
        next_step="List the folder again with ansible.windows.win_find.",
    )
