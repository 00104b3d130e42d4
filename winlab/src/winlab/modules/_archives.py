"""Zip archives on a host, read and written as `System.IO.Compression` does, in pieces."""

from __future__ import annotations

import calendar
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from winlab.host.blobs import CHUNK
from winlab.host.files import Entry
from winlab.modules._dotnet import Disk, DotNetError, dotnet_errors, method_errors

ERROR_INVALID_DATA = 13
_NO_DIRECTORY = "End of Central Directory record could not be found."
# The first and the last moment that a zip entry can hold; .NET takes 1980-01-01 for what lies outside.
_FIRST_MOMENT = 315_532_800
_LAST_MOMENT = 4_354_819_199


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

    The file gets the entry's time. Zip entries hold local time; simulated hosts live in UTC.
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
            disk.files.set_times(full, modified=calendar.timegm(member.date_time))


def write_archive(disk: Disk, target: str, members: Iterable[tuple[str, Entry]]) -> None:
    """Create an archive of files and (empty) folders.

    Args:
        disk: the host's files.
        target: path of the new archive.
        members: name in the archive and what to put there; a name that ends in ``/`` is a folder.

    Raises:
        Win32Error: a file cannot be read, the target not be written. No archive is left then.
    """
    full = disk.full(target)
    with tempfile.TemporaryFile(dir=disk.files.blobs.folder) as spool:
        with zipfile.ZipFile(spool, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, entry in members:
                info = zipfile.ZipInfo(name, _moment(entry.modified))
                info.create_system = 0
                info.compress_type = zipfile.ZIP_DEFLATED
                if name.endswith("/"):
                    archive.writestr(info, b"")
                    continue
                large = entry.size > zipfile.ZIP64_LIMIT
                with (
                    dotnet_errors(),
                    disk.files.open(entry.path, disk.session) as content,
                    archive.open(info, "w", force_zip64=large) as sink,
                ):
                    while piece := content.read(CHUNK):
                        sink.write(piece)
        spool.seek(0)
        with dotnet_errors(full):
            disk.files.write_stream(full, cast(BinaryIO, spool), disk.session)


def _moment(seconds: float) -> tuple[int, int, int, int, int, int]:
    inside = seconds if _FIRST_MOMENT <= seconds <= _LAST_MOMENT else _FIRST_MOMENT
    return time.gmtime(inside)[:6]
