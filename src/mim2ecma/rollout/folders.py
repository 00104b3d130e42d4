"""Make a folder hold exactly the files that are wanted, writing only what differs."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mim2ecma.documents.errors import InputError
from mim2ecma.documents.safe_names import bare_file_name_problem

_CHUNK = 1 << 20
FOLDER_MODE = 0o700
FILE_MODE = 0o600


@dataclass(frozen=True)
class Changes:
    """What was, or in check mode would be, done to a folder; all paths relative to it, sorted."""

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.written or self.removed)


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, lower-case hexadecimal, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def check_relative(name: str, source: str) -> PurePosixPath:
    """Check a relative path that comes from a host or a file.

    Args:
        name: Path with `/` between its parts.
        source: What to name in the error.

    Returns:
        The path.

    Raises:
        InputError: A part of it is no plain file name.
    """
    parts = name.split("/")
    for part in parts:
        problem = bare_file_name_problem(part)
        if problem:
            raise InputError(
                source=source,
                where=name,
                found=f"a name that {problem}",
                expected="plain file names below the folder",
                next_step="Rename the file on the host, or leave it out.",
            )
    return PurePosixPath(*parts)


def synchronise(folder: Path, files: Mapping[str, Path], *, dry_run: bool = False) -> Changes:
    """Make a folder hold exactly these files.

    Args:
        folder: Made when missing, mode 0700.
        files: Relative path with `/` to the source; a source may lie in the folder itself.
        dry_run: Only say what would be done.

    Returns:
        The changes.

    Raises:
        InputError: A relative path leaves the folder, or a source cannot be read.
    """
    wanted = {str(check_relative(name, str(folder))): source for name, source in files.items()}
    present = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() or path.is_symlink()
    }
    written = []
    for name, source in sorted(wanted.items()):
        target = folder / name
        if target == source:
            continue
        try:
            same = target.is_file() and not target.is_symlink() and sha256(target) == sha256(source)
        except OSError as problem:
            raise InputError(
                source=str(source),
                where="file",
                found=problem.strerror or "not readable",
                expected="a readable file",
                next_step="Run the phase that makes this file again.",
            ) from problem
        if not same:
            written.append(name)
    removed = sorted(set(present) - set(wanted))
    if not dry_run:
        for name in written:
            write_copy(wanted[name], folder / name)
        for name in removed:
            present[name].unlink()
        _remove_empty(folder)
    return Changes(tuple(written), tuple(removed))


def write_copy(source: Path, target: Path) -> None:
    """Copy a file so that the target is either the old one or the whole new one; mode 0600."""
    make_folder(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as stream, source.open("rb") as original:
            shutil.copyfileobj(original, stream, _CHUNK)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(target: Path, text: str, *, dry_run: bool = False) -> bool:
    """Write a text file whole or not at all, and only when it differs; mode 0600.

    Args:
        target: Its folder is made when missing, mode 0700.
        text: Written as UTF-8.
        dry_run: Only say whether it would be written.

    Returns:
        Whether it was, or would be, written.
    """
    data = text.encode()
    if target.is_file() and not target.is_symlink() and target.read_bytes() == data:
        if target.stat().st_mode & 0o777 == FILE_MODE:
            return False
        if not dry_run:
            target.chmod(FILE_MODE)  # exports and what is made of them are confidential
        return True
    if dry_run:
        return True
    make_folder(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; the ones that are new get mode 0700."""
    for part in (*reversed(folder.parents), folder):
        if not part.exists():
            part.mkdir(mode=FOLDER_MODE, exist_ok=True)


def checksums(folder: Path, names: Iterable[str]) -> str:
    """Text of a `SHA256SUMS` file as `sha256sum --check` reads it, names relative to the file's folder.

    Args:
        folder: Folder that the names are relative to.
        names: Relative paths with `/`.

    Returns:
        One line a file, sorted by name.
    """
    return "".join(f"{sha256(folder / name)}  {name}\n" for name in sorted(names))


def _remove_empty(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()
