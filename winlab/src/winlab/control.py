"""The control endpoint: a Unix socket in the state folder that speaks JSON lines.

One request a line, `{"op": NAME, ...}`; one answer a line, `{"ok": true, ...}` or `{"ok": false, "error":
TEXT}`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from winlab.errors import Win32Error, WinlabError

log = logging.getLogger(__name__)

SOCKET_NAME = "control.sock"
MAX_LINE = 4 * 1024 * 1024
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 600.0  # a reset builds every host anew
IDLE_SECONDS = 60.0

Operation = Callable[[dict[str, Any]], dict[str, Any]]


class NotRunning(WinlabError):  # noqa: N818  (named after what it says, as in errors.py)
    """Nobody answers at the control endpoint."""


class ControlServer:
    """Answers requests until `close`.

    Args:
        folder: the state folder.
        operations: what each `op` does; gets the request, returns further keys of the answer.
    """

    def __init__(self, folder: Path, operations: dict[str, Operation]) -> None:
        self._folder = folder
        self._operations = operations
        self._closing = threading.Event()
        path = folder / SOCKET_NAME
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _short_path(folder) as short:
            self._socket.bind(short)
        path.chmod(0o600)
        self._socket.listen(16)
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def close(self) -> None:
        """Stop answering and remove the socket."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        (self._folder / SOCKET_NAME).unlink(missing_ok=True)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(sock):
            sock.settimeout(IDLE_SECONDS)
            with sock.makefile("rwb") as stream:
                while line := stream.readline(MAX_LINE):
                    stream.write(json.dumps(self._answer(line), sort_keys=True).encode() + b"\n")
                    stream.flush()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            operation = self._operations[request["op"]]
        except (ValueError, KeyError, TypeError):
            known = ", ".join(sorted(self._operations))
            return {"ok": False, "error": f"control: no such request; expected op {known}."}
        try:
            return {"ok": True, **operation(request)}
        except (WinlabError, Win32Error) as error:
            return {"ok": False, "error": str(error)}
        except Exception as error:
            log.exception("control: %s", request.get("op"))
            text = (
                f"control: {request.get('op')}: {type(error).__name__}: {error}; expected an "
                "answer. See winlab.log."
            )
            return {"ok": False, "error": text}


def call(folder: Path, op: str, **arguments: Any) -> dict[str, Any]:
    """Ask the process that runs a lab.

    Raises:
        NotRunning: nobody answers.
        WinlabError: it refused, with its text.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with contextlib.closing(sock):
        sock.settimeout(CONNECT_SECONDS)
        try:
            with _short_path(folder) as short:
                sock.connect(short)
            sock.settimeout(ANSWER_SECONDS)
            with sock.makefile("rwb") as stream:
                stream.write(json.dumps({"op": op, **arguments}).encode() + b"\n")
                stream.flush()
                line = stream.readline()
        except OSError as error:
            raise NotRunning(f"{folder}: lab: not running; expected it up. Run `winlab up`.") from error
    if not line:
        raise NotRunning(f"{folder}: lab: ended while it was asked; expected an answer. See winlab.log.")
    answer = json.loads(line)
    if not answer.pop("ok"):
        raise WinlabError(answer["error"])
    return dict(answer)


@contextlib.contextmanager
def _short_path(folder: Path) -> Iterator[str]:
    # A socket's path may have 107 bytes; through a file handle of its folder it is short wherever that lies.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET_NAME}"
    finally:
        os.close(handle)
