"""Zip archives on a host, read and written as `System.IO.Compression` does, in pieces."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import BinaryIO, cast

from winlab.errors import Win32Error
from winlab.host import paths
from winlab.host.blobs import CHUNK
from winlab.host.files import Entry
from winlab.host.timezones import local_time, moment_of
from winlab.modules._dotnet import Disk, DotNetError, dotnet_errors, method_errors, text_of

ERROR_INVALID_DATA = 13
_NO_DIRECTORY = "End of Central Directory record could not be found."
ERROR_SHARING_VIOLATION = 32
# The years that a zip entry can hold; .NET takes 1980-01-01 for what lies outside.
_FIRST_YEAR = 1980
_LAST_YEAR = 2107
_FIRST_MOMENT = (_FIRST_YEAR, 1, 1, 0, 0, 0)


@contextmanager
def open_archive(disk: Disk, path: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive as ``[ZipFile]::Open(path, 'Read', UTF8)`` does."""
    with method_errors("Open", 3):
        with dotnet_errors():
            stream = disk.files.open(disk.full(path), disk.session)
        try:
            archive = zipfile.ZipFile(stream, metadata_encoding="utf-8")
        except (zipfile.BadZipFile, UnicodeDecodeError) as error:
            stream.close()
            raise DotNetError(ERROR_INVALID_DATA, path, _NO_DIRECTORY) from error
    with stream, archive:
        yield archive


def extract_member(disk: Disk, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: str) -> None:
    """Write one entry to `target` as ``ExtractToFile(entry, target, $true)`` does.

    The file gets the entry's time, which is one of the host's zone.
    """
    with method_errors("ExtractToFile", 3):
        full = disk.full(target)
        with dotnet_errors(full):
            try:
                with archive.open(member) as content:
                    disk.files.write_stream(full, cast(BinaryIO, content), disk.session)
            except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
                # .NET Framework's text for damaged data and for encryption, which it does not know.
                text = "Found invalid data while decoding."
                raise DotNetError(ERROR_INVALID_DATA, full, text) from error
            disk.files.set_times(full, modified=_modified(disk, member))


def create_archive(disk: Disk, target: str) -> None:
    """Make the file of a new archive, before anything of what goes into it is read.

    Raises:
        Win32Error: the target cannot be written.
    """
    full = disk.full(target)
    with dotnet_errors(full):
        disk.files.write_bytes(full, b"", disk.session)


def fill_archive(disk: Disk, target: str, members: Iterable[tuple[str, Entry]]) -> None:
    """Put files and (empty) folders into an archive that `create_archive` made.

    Args:
        disk: the host's files.
        target: path of the archive; it is held open, so that it cannot be one of its own members.
        members: name in the archive and what to put there; a name that ends in ``/`` is a folder.

    Raises:
        Win32Error: a member cannot be read. What came before it is in the archive, which stays: `ZipFile`
            disposes of what it began without removing it.
    """
    full = disk.full(target)
    with tempfile.TemporaryFile(dir=disk.files.blobs.folder) as spool:
        try:
            with zipfile.ZipFile(spool, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, entry in members:
                    _add(disk, archive, name, entry, full)
        finally:
            spool.seek(0)
            with dotnet_errors(full):
                disk.files.write_stream(full, cast(BinaryIO, spool), disk.session)


def _add(disk: Disk, archive: zipfile.ZipFile, name: str, entry: Entry, target: str) -> None:
    info = zipfile.ZipInfo(name, _wall_time(disk, entry.modified))
    info.create_system = 0
    info.compress_type = zipfile.ZIP_DEFLATED
    if name.endswith("/"):
        archive.writestr(info, b"")
        return
    if paths.fold(entry.path) == paths.fold(target):
        raise DotNetError(
            ERROR_SHARING_VIOLATION, target, text_of(Win32Error(ERROR_SHARING_VIOLATION, target))
        )
    with (
        dotnet_errors(),
        disk.files.open(entry.path, disk.session) as content,
        archive.open(info, "w", force_zip64=entry.size > zipfile.ZIP64_LIMIT) as sink,
    ):
        while piece := content.read(CHUNK):
            sink.write(piece)


def _wall_time(disk: Disk, moment: float) -> tuple[int, int, int, int, int, int]:
    """The time of an entry: zip archives hold what the clock on the wall shows, from 1980 to 2107."""
    local = local_time(disk.call.host, moment)
    return local.timetuple()[:6] if _FIRST_YEAR <= local.year <= _LAST_YEAR else _FIRST_MOMENT


def _modified(disk: Disk, member: zipfile.ZipInfo) -> float:
    """The moment of an entry's time; one that is no date (all bits 0, as some tools write) is 1980-01-01."""
    try:
        wall = datetime(*member.date_time)
    except ValueError:
        wall = datetime(*_FIRST_MOMENT)
    return moment_of(disk.call.host, wall)
