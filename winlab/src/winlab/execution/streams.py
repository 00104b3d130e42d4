"""Standard input and output of one remote command, between the wire's thread and the command's own."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

# What may wait unread in memory: two of Ansible's largest Sends (446,000 bytes each) fit many times over.
MAX_PENDING = 4 * 1024 * 1024
# Output is announced to a waiting Receive in pieces of at least this size, or when the command ends.
ANNOUNCE_BYTES = 64 * 1024


class Cancelled(Exception):  # noqa: N818  (named after what it says, as in errors.py)
    """The client has ended the command, or the host went down."""


class Stdin:
    """Bytes on their way to a command; the reader blocks until there are some."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._pending = 0
        self._ended = False
        self._cancelled = False
        self._changed = threading.Condition()

    def has_room(self, timeout: float) -> bool:
        """Wait until more can be handed over; False when the command did not read within `timeout`."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._pending > MAX_PENDING and not self._cancelled and not self._ended:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return False
        return True

    def feed(self, data: bytes, end: bool, timeout: float, *, force: bool = False) -> bool:
        """Hand over bytes; False when the command did not read within `timeout`, and nothing was taken.

        Args:
            data: the bytes.
            end: whether these are the last.
            timeout: seconds to wait for room.
            force: take them at once; the caller has waited with `has_room`.
        """
        with self._changed:
            if not force and not self.has_room(timeout):
                return False
            if data and not self._ended and not self._cancelled:
                self._pieces.append(data)
                self._pending += len(data)
            self._ended = self._ended or end
            self._changed.notify_all()
        return True

    def close(self) -> None:
        """There is no more input."""
        self.feed(b"", True, 0)

    def cancel(self) -> None:
        """Wake the reader with `Cancelled`."""
        with self._changed:
            self._cancelled = True
            self._pieces.clear()
            self._pending = 0
            self._changed.notify_all()

    def read(self) -> bytes:
        """The next piece, empty at the end.

        Raises:
            Cancelled: the command was ended.
        """
        with self._changed:
            while not self._pieces and not self._ended and not self._cancelled:
                self._changed.wait()
            if self._cancelled:
                raise Cancelled
            if not self._pieces:
                return b""
            piece = self._pieces.popleft()
            self._pending -= len(piece)
            self._changed.notify_all()
            return piece


class Reader:
    """Delimited reading from a `Stdin`, holding no more than one part."""

    def __init__(self, stdin: Stdin) -> None:
        self._stdin = stdin
        self._buffer = bytearray()
        self._at_end = False

    def until(self, delimiter: bytes, limit: int) -> tuple[bytes, bool]:
        """Bytes before the delimiter, or all that is left; the flag says whether it was found.

        Raises:
            ValueError: more than `limit` bytes without it.
        """
        searched = 0
        while True:
            found = self._buffer.find(delimiter, searched)
            if found >= 0:
                part = bytes(self._buffer[:found])
                del self._buffer[: found + len(delimiter)]
                return part, True
            searched = max(0, len(self._buffer) - len(delimiter) + 1)
            if len(self._buffer) > limit:
                raise ValueError(f"more than {limit} bytes of input without a delimiter")
            if not self._more():
                part = bytes(self._buffer)
                self._buffer.clear()
                return part, False

    def line(self, limit: int) -> bytes | None:
        """The next line without its end, None when there is none left."""
        part, found = self.until(b"\n", limit)
        return part.rstrip(b"\r") if found or part else None

    def _more(self) -> bool:
        if not self._at_end:
            piece = self._stdin.read()
            self._at_end = not piece
            self._buffer += piece
        return not self._at_end


class Output:
    """What a command has written and a Receive has not yet taken."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[str, bytes]] = deque()
        self._size = 0
        self._announced = False
        self._changed = threading.Condition()
        self.exit_code: int | None = None
        self.done = False

    def write(self, stream: str, data: bytes) -> None:
        """Append to `stdout` or `stderr`."""
        if not data:
            return
        with self._changed:
            self._pieces.append((stream, data))
            self._size += len(data)
            if self._size >= ANNOUNCE_BYTES:
                self._announce()

    def flush(self) -> None:
        """Let a waiting Receive have what is there."""
        with self._changed:
            self._announce()

    def finish(self, exit_code: int) -> None:
        """The command has ended."""
        with self._changed:
            self.exit_code = exit_code
            self.done = True
            self._announce()

    def wait_below(self, limit: int, timeout: float) -> bool:
        """Wait until fewer than `limit` bytes are untaken; False when the reader is gone or too slow."""
        with self._changed:
            return self._changed.wait_for(lambda: self._size < limit or self.done, timeout) and not self.done

    def take(
        self, room: int, timeout: float, *, whole: bool = False
    ) -> tuple[list[tuple[str, bytes]], bool] | None:
        """Up to `room` bytes and whether that was all; None when nothing came within `timeout`.

        Args:
            room: how much fits the answer.
            timeout: seconds to wait for something.
            whole: whether a piece must not be cut, as PSRP fragments; the first one is taken in any case.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._announced or self.done, timeout):
                return None
            taken: list[tuple[str, bytes]] = []
            while self._pieces and room > 0:
                name, data = self._pieces.popleft()
                if whole and taken and len(data) > room:
                    self._pieces.appendleft((name, data))
                    break
                if not whole and len(data) > room:
                    self._pieces.appendleft((name, data[room:]))
                    data = data[:room]
                taken.append((name, data))
                room -= len(data)
                self._size -= len(data)
            self._announced = bool(self._pieces)
            self._changed.notify_all()
            return taken, self.done and not self._pieces

    def _announce(self) -> None:
        self._announced = bool(self._pieces)
        self._changed.notify_all()


@dataclass(frozen=True)
class CommandRequest:
    """The command line of a WinRS command: program and its arguments as one text.

    Attributes:
        command: the program.
        arguments: its arguments.
        script: the PowerShell text of a runspace's pipeline instead; None for a command line.
        script_arguments: what the text is called with.
    """

    command: str
    arguments: str
    script: str | None = None
    script_arguments: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Everything as typed."""
        return f"{self.command} {self.arguments}".strip()


@dataclass(frozen=True)
class Streams:
    """What a running command reads and writes, and whether its client has given up."""

    stdin: Stdin
    output: Output
    cancelled: threading.Event = field(default_factory=threading.Event)
