"""Unpack the one archive that is fetched from a host.

So that no entry leaves its folder and nothing grows without bound.

The archive is made on a Windows server by `community.windows.win_zip`, but it crosses a network and may be
anything. Every entry is checked before the first byte is written; one that is unfit refuses the whole
archive, because a half of `Extensions` is worse than none.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mim2ecma.documents.errors import InputError
from mim2ecma.documents.safe_names import bare_file_name_problem

ENTRIES_LIMIT = 20_000
"""An `Extensions` folder with eighty libraries has some hundred files (domain/ma_xml.md 13.3)."""
ENTRY_BYTES = 1024 * 1024 * 1024
"""Largest single file."""
TOTAL_BYTES = 4 * 1024 * 1024 * 1024
"""Largest sum of all files."""
RATIO_LIMIT = 200
"""A file that unpacks to more than this many times its packed size is a bomb.

Deflate reaches 1032, libraries reach 5, logs 30.
"""
RATIO_FREE_BYTES = 16 * 1024 * 1024
"""Up to here the ratio does not matter: an empty page of 16 MiB harms nobody."""
DEPTH_LIMIT = 16
FOLDER_MODE = 0o700
FILE_MODE = 0o600
_STEP = 1024 * 1024
_ENCRYPTED = 0x1


class ArchiveError(InputError):
    """The archive is unfit; nothing of it was kept."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the archive with its checked place."""

    info: zipfile.ZipInfo
    parts: tuple[str, ...]


def unpack(archive: Path, folder: Path) -> tuple[str, ...]:
    """Unpack an archive into a folder that does not exist yet.

    Args:
        archive: ZIP file.
        folder: Made here, mode 0700; it appears whole or not at all.

    Returns:
        Paths of the files below the folder, with `/`, sorted.

    Raises:
        ArchiveError: the archive is no ZIP file, is damaged, too large, or holds an entry whose name is
            unfit.
    """
    if folder.exists():
        raise _error(archive, str(folder), "a folder that exists", "a new folder", "Give another folder.")
    folder.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = check(opened, archive)
            _check_overlap(entries, archive)
            total = 0
            for entry in entries:
                total = _write(opened, entry, partial, archive, total)
        partial.rename(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _error(archive, "archive", str(error) or type(error).__name__, "a whole ZIP file") from error
    except OSError as error:
        raise _error(
            archive, "file", error.strerror or "an input error", "a readable archive and a free disk"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return tuple(sorted("/".join(entry.parts) for entry in entries))


def check(opened: zipfile.ZipFile, archive: Path) -> list[Entry]:
    """Check all entries of an archive before anything is written.

    Raises:
        ArchiveError: the first unfit entry, by its name.
    """
    infos = opened.infolist()
    if len(infos) > ENTRIES_LIMIT:
        raise _error(archive, "archive", f"{len(infos)} entries", f"at most {ENTRIES_LIMIT}")
    found: list[Entry] = []
    seen: dict[str, str] = {}
    folders: set[str] = set()
    total = 0
    for info in infos:
        # .NET before 4.6.1 writes backslashes into archives; both separate here, so neither can hide a
        # folder.
        name = info.orig_filename.replace("\\", "/")
        is_folder = name.endswith("/")
        parts = tuple(name.removesuffix("/").split("/"))
        problem = _problem(info, parts)
        if problem is not None:
            raise _error(archive, f"entry '{info.orig_filename}'", f"an entry that {problem}", "plain files")
        if is_folder:
            continue
        key = "/".join(parts).casefold()
        if key in seen:
            raise _error(archive, f"entry '{info.orig_filename}'", "a name that is there twice", "each once")
        seen[key] = name
        folders |= {"/".join(parts[:depth]).casefold() for depth in range(1, len(parts))}
        total += info.file_size
        if info.file_size > ENTRY_BYTES or total > TOTAL_BYTES:
            raise _error(
                archive, f"entry '{info.orig_filename}'", f"{total} bytes in all", f"at most {TOTAL_BYTES}"
            )
        _check_ratio(archive, info, info.file_size)
        found.append(Entry(info, parts))
    for key in folders & set(seen):
        raise _error(archive, f"entry '{seen[key]}'", "a file with the name of a folder", "one of the two")
    return found


def names_problem(parts: Iterable[str]) -> str | None:
    """Say why the parts of a path must not be used, None when each is a plain file name."""
    for part in parts:
        problem = bare_file_name_problem(part)
        if problem is not None:
            return f"has a part that {problem}"
    return None


def _problem(info: zipfile.ZipInfo, parts: tuple[str, ...]) -> str | None:
    mode = info.external_attr >> 16
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is a link or a device"
    if len(parts) > DEPTH_LIMIT:
        return f"lies more than {DEPTH_LIMIT} folders deep"
    return names_problem(parts)


def _write(opened: zipfile.ZipFile, entry: Entry, folder: Path, archive: Path, total: int) -> int:
    target = folder.joinpath(*entry.parts)
    target.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    written = 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file, opened.open(entry.info) as source:
        # The size in the directory may lie: what is counted is what comes out.
        while step := source.read(_STEP):
            written += len(step)
            total += len(step)
            if written > entry.info.file_size or total > TOTAL_BYTES:
                raise _error(
                    archive,
                    f"entry '{entry.info.orig_filename}'",
                    "more bytes than it says",
                    "the stated size",
                )
            _check_ratio(archive, entry.info, written)
            file.write(step)
    if written != entry.info.file_size:
        raise _error(
            archive, f"entry '{entry.info.orig_filename}'", f"{written} bytes", f"{entry.info.file_size}"
        )
    return total


def _check_overlap(entries: list[Entry], archive: Path) -> None:
    """Refuse entries that share packed bytes.

    So a small archive can unpack to very much without a high ratio.
    """
    packed, size = sum(entry.info.compress_size for entry in entries), archive.stat().st_size
    if packed > size:
        raise _error(archive, "archive", f"entries of {packed} bytes in {size}", "entries beside each other")


def _check_ratio(archive: Path, info: zipfile.ZipInfo, size: int) -> None:
    if size > RATIO_FREE_BYTES and size > RATIO_LIMIT * max(info.compress_size, 1):
        found = f"{size} bytes out of {info.compress_size}"
        raise _error(archive, f"entry '{info.orig_filename}'", found, f"at most {RATIO_LIMIT} times as many")


def _error(
    archive: Path, where: str, found: str, expected: str, next_step: str = "Fetch the files again."
) -> ArchiveError:
    return ArchiveError(source=archive.name, where=where, found=found, expected=expected, next_step=next_step)
