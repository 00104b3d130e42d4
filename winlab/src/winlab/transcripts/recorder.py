"""Keeps transcripts on the controller, beneath Ansible's connection plugins.

ansible-playbook loads every connection plugin before its workers are forked (playbook_executor.py of
ansible-core 2.19), so that all workers of a run share the key and the name that this module makes when it is
imported. The key exists in memory alone: without it the digests in a `.numbers` file, which give equal values
equal numbers across workers, tell nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from winlab import __version__
from winlab.errors import WinlabError
from winlab.transcripts import format as files
from winlab.transcripts import records
from winlab.transcripts.observation import FETCH, PUT, Observed, observe
from winlab.transcripts.redaction import MemoryNumbers, Redactor

DEFAULT_FOLDER = "transcripts"
NUMBERS_SUFFIX = ".numbers"
_KEY = secrets.token_bytes(32)
RUN = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
_PIECE = 1024 * 1024

Exec = tuple[int, bytes, bytes]
Result = TypeVar("Result")


class Recorder:
    """Writes the transcript of one host in one run; several processes may do so at the same time.

    Args:
        folder: where transcripts are kept; this run gets a folder of its own in it.
        host: address and port, the name of the file.
        connection: the real plugin, `winrm` or `psrp`.
        run: name of the run.
        key: key of the digests of this run.
        warn: told when a call that was done could not be kept; the task goes on.
        clock: seconds, for the timing class.
    """

    def __init__(
        self,
        folder: Path,
        host: str,
        connection: str,
        *,
        run: str = RUN,
        key: bytes = _KEY,
        warn: Callable[[str], None] = warnings.warn,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder / run
        name = re.sub(r"[^A-Za-z0-9._-]", "_", host)
        if name != host:
            # Two names may become one; the digest keeps them apart.
            name = f"{name}-{hashlib.sha256(host.encode()).hexdigest()[:6]}"
        self.path = self._folder / f"{name}{files.SUFFIX}"
        self._numbers = self._folder / f"{name}{NUMBERS_SUFFIX}"
        self._connection = connection
        self._key = key
        self._warn = warn
        self._clock = clock

    def prepare(self) -> None:
        """Make the file, so that a folder that cannot be written to is told before anything is done.

        Raises:
            WinlabError: it cannot be written.
        """
        with self._locked():
            pass

    def exec_command(self, command: str, stdin: bytes | None, run: Callable[[], Exec]) -> Exec:
        """Run a command and keep it."""
        observed = observe(command, stdin)

        def keep(redactor: Redactor, answered: Exec) -> dict[str, Any]:
            return records.answer(observed, redactor, *answered, job=self._job(observed, redactor))

        return self._record(observed, run, keep)

    def put_file(self, source: Path, target: str, run: Callable[[], None]) -> None:
        """Send a file and keep that, with length and placeholders of its digests."""
        observed = Observed(PUT, "", arguments={"path": target})
        self._record(observed, run, lambda redactor, _: _content(redactor, source))

    def fetch_file(self, source: str, target: Path, run: Callable[[], None]) -> None:
        """Fetch a file and keep that."""
        observed = Observed(FETCH, "", arguments={"path": source})
        self._record(observed, run, lambda redactor, _: _content(redactor, target))

    def _record(
        self,
        observed: Observed,
        run: Callable[[], Result],
        keep: Callable[[Redactor, Result], dict[str, Any]],
    ) -> Result:
        started = self._clock()
        try:
            result = run()
        except Exception as error:
            failure = {"error": type(error).__name__}
            self._write(observed, lambda _: failure, self._clock() - started)
            raise
        self._write(observed, lambda redactor: keep(redactor, result), self._clock() - started)
        return result

    def _write(
        self, observed: Observed, keep: Callable[[Redactor], Mapping[str, Any]], seconds: float
    ) -> None:
        try:
            with self._locked() as (stream, numbers):
                redactor = Redactor(numbers)
                # Arguments first: what is a secret there is known as one in the answer.
                called = records.call(observed, redactor)
                answered = dict(keep(redactor))
                text = files.line(files.CALL, call=called, answer=answered, took=files.timing_class(seconds))
                if facts := records.host_facts(observed, answered):
                    text += files.line(files.HOST, **facts)
                # Numbers first: a crash in between leaves one that nobody has, never one that two have.
                self._append_numbers(numbers)
                _write_all(stream, text)
        except Exception as error:
            # The host has done it already: failing the task now would tell a lie about the host. Only the
            # kind of an unexpected error is told, its text may hold what is being redacted.
            known = isinstance(error, (OSError, WinlabError))
            what = str(error) if known else type(error).__name__
            self._warn(f"{self.path}: a call of {observed.kind} {observed.name} is missing: {what}")

    def _job(self, observed: Observed, redactor: Redactor) -> str:
        """The module whose result async_status hands on; another worker may have started it."""
        if observed.name != records.ASYNC_STATUS or not observed.arguments.get("jid"):
            return ""
        job = redactor.value(str(observed.arguments["jid"]), None)
        found = (records.started_job(json.loads(line), job) for line in self.path.read_bytes().splitlines())
        return next((name for name in found if name), "")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[tuple[int, MemoryNumbers]]:
        """The transcript, open at its end and held, with the numbers that were given until now."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            stream = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise WinlabError(
                f"{self.path}: transcript: {error.strerror}; expected to write it. "
                "Choose another folder with the variable ansible_transcript_dir."
            ) from error
        try:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if os.fstat(stream).st_size == 0:
                _write_all(stream, self._header())
            yield stream, MemoryNumbers(self._key, self._read_numbers())
        finally:
            os.close(stream)

    def _header(self) -> bytes:
        from ansible.release import __version__ as core  # noqa: PLC0415  (Ansible is there where plugins run)

        return files.line(
            files.HEADER,
            format=files.FORMAT,
            winlab=__version__,
            ansible_core=core,
            connection=self._connection,
        )

    def _read_numbers(self) -> list[tuple[str, bool]]:
        try:
            text = self._numbers.read_text(encoding="ascii")
        except FileNotFoundError:
            return []
        pairs = (line.partition(" ") for line in text.splitlines())
        return [(digest, mark == "s") for digest, _, mark in pairs]

    def _append_numbers(self, numbers: MemoryNumbers) -> None:
        if not numbers.added:
            return
        text = "".join(f"{digest}{' s' if secret else ''}\n" for digest, secret in numbers.added)
        handle = os.open(self._numbers, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _write_all(handle, text.encode("ascii"))
        finally:
            os.close(handle)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _content(redactor: Redactor, path: Path) -> dict[str, Any]:
    """Length and digests of a file of the controller; a folder has none."""
    if not path.is_file():
        return {"directory": True}
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in ("md5", "sha1", "sha256")}
    length = 0
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            length += len(piece)
            for digest in digests.values():
                digest.update(piece)
    return {"content": redactor.content(length, {name: item.hexdigest() for name, item in digests.items()})}
