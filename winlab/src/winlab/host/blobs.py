"""File contents, stored once each under the SHA-256 of their bytes; none is held in memory as a whole."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

CHUNK = 1 << 18
_UPLOAD_PREFIX = ".upload-"


class Upload:
    """A content that arrives piece by piece. As a context manager it throws away what is not finished."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        handle, name = tempfile.mkstemp(prefix=_UPLOAD_PREFIX, dir=store.folder)
        self._file = os.fdopen(handle, "wb")
        self._path = Path(name)
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)

    def finish(self) -> tuple[str, int]:
        """Store the content and return its SHA-256 in hexadecimal and its size in bytes."""
        self._file.close()
        sha256 = self._hash.hexdigest()
        self._store.pin(sha256)
        self._path.replace(self._store.path(sha256))
        return sha256, self.size

    def abort(self) -> None:
        """Throw away what has arrived; does nothing after `finish`."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()


class BlobStore:
    """The folder of contents of one host.

    Args:
        folder: created with mode 0700 when missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._pins: dict[str, int] = {}
        self._digests: dict[tuple[str, str], str] = {}

    def path(self, sha256: str) -> Path:
        """Return where a content lies on the controller."""
        return self.folder / sha256

    def upload(self) -> Upload:
        """Start to receive a content."""
        return Upload(self)

    def open(self, sha256: str) -> BufferedReader:
        """Open a content for reading."""
        return self.path(sha256).open("rb")

    def put(self, data: bytes) -> tuple[str, int]:
        """Store bytes that are in memory anyway."""
        with self.upload() as upload:
            upload.write(data)
            return upload.finish()

    def put_stream(self, stream: BinaryIO) -> tuple[str, int]:
        """Store what `stream` yields, in pieces."""
        with self.upload() as upload:
            while piece := stream.read(CHUNK):
                upload.write(piece)
            return upload.finish()

    def digest(self, sha256: str, algorithm: str) -> str:
        """Return another digest of a content; contents never change, so it is worked out once."""
        if algorithm == "sha256":
            return sha256
        known = self._digests.get((sha256, algorithm))
        if known is None:
            with self.open(sha256) as stream:
                known = hashlib.file_digest(stream, algorithm).hexdigest()
            self._digests[sha256, algorithm] = known
        return known

    def pin(self, sha256: str) -> None:
        """Keep a finished content until a file has taken it over."""
        self._pins[sha256] = self._pins.get(sha256, 0) + 1

    def unpin(self, sha256: str) -> None:
        """Say that a file refers to the content now."""
        left = self._pins.get(sha256, 0) - 1
        if left > 0:
            self._pins[sha256] = left
        else:
            self._pins.pop(sha256, None)

    def discard(self, candidates: Iterable[str]) -> None:
        """Remove contents that no file refers to; those still on their way to a file stay."""
        for sha256 in candidates:
            if sha256 not in self._pins:
                self.path(sha256).unlink(missing_ok=True)

    def sweep(self, alive: set[str]) -> None:
        """Remove everything but `alive` and what is on its way to a file, unfinished uploads too.

        To be called before anything is received: an upload that has begun would be lost.
        """
        for path in self.folder.iterdir():
            if path.name not in alive and path.name not in self._pins:
                path.unlink(missing_ok=True)
