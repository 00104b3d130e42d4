"""A transcript's file: JSON lines, the first one its header (docs/transcripts.md).

A line is written in one piece at the end of the file; one that was cut off by a crash is an error that says
so, not a shorter transcript.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from winlab.errors import WinlabError
from winlab.transcripts.redaction import KEY_MARK, MARK

FORMAT = "winlab.transcript/1"
SUFFIX = ".jsonl"
# Placeholders that stand for no value in particular.
_WITHOUT_NUMBER = ("bool", "bytes")
HEADER, HOST, CALL = "transcript", "host", "call"
# Upper bounds in seconds; the exact time would tell more about the host than the comparison needs.
TIMING_CLASSES: tuple[tuple[float, str], ...] = ((1, "instant"), (10, "seconds"), (60, "slow"))
LONGEST_CLASS = "minutes"


@dataclass(frozen=True)
class Recorded:
    """One call of a transcript; every value is redacted already.

    Attributes:
        number: its place, from 1.
        call: `kind`, `name`, `sha256`, `arguments`, `check_mode`, `diff_mode`, `become`, `asynchronous`,
            `environment`.
        answer: `rc`, `stdout`, `stderr`; or `error` with the class of an exception.
        took: timing class.
    """

    number: int
    call: Mapping[str, Any]
    answer: Mapping[str, Any]
    took: str = ""

    @property
    def title(self) -> str:
        """How reports name it."""
        return f"call {self.number}: {self.call['kind']} {self.call['name']}".rstrip()

    @property
    def result(self) -> dict[str, Any] | None:
        """The JSON that a module printed, redacted."""
        stdout = self.answer.get("stdout")
        value = stdout.get("json") if isinstance(stdout, dict) else None
        return value if isinstance(value, dict) else None


@dataclass(frozen=True)
class Transcript:
    """A whole transcript."""

    path: Path
    header: Mapping[str, Any]
    calls: tuple[Recorded, ...]
    host: Mapping[str, Any] = field(default_factory=dict)

    @property
    def build(self) -> str:
        """Windows' version as the facts told it, such as `10.0.14393.0`; empty when none were gathered."""
        return str(self.host.get("version") or "")


def timing_class(seconds: float) -> str:
    """The class of a duration."""
    return next((name for bound, name in TIMING_CLASSES if seconds < bound), LONGEST_CLASS)


def line(record: str, **fields: Any) -> bytes:
    """One line of a transcript."""
    text = json.dumps({"record": record, **fields}, ensure_ascii=True, separators=(",", ":"))
    return text.encode("ascii") + b"\n"


def read(path: Path) -> Transcript:
    """Read a transcript.

    Raises:
        WinlabError: no such file, another format, or a damaged line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WinlabError(
            f"{path}: transcript: {error.strerror}; expected a file. Correct the path."
        ) from error
    records = [_record(path, number, text) for number, text in enumerate(data.splitlines(), 1)]
    if not records or records[0].get("record") != HEADER or records[0].get("format") != FORMAT:
        found = records[0].get("format") if records else "an empty file"
        raise WinlabError(
            f"{path}: line 1: {found!r}; expected the header of {FORMAT}. "
            "Record it again, or read it with the winlab that wrote it."
        )
    calls: list[Recorded] = []
    host: dict[str, Any] = {}
    for number, record in enumerate(records[1:], 2):
        if record.get("record") == HOST:
            host = record
        elif record.get("record") == CALL:
            calls.append(_call(path, number, record, len(calls) + 1))
        else:
            raise _damaged(path, number, f"record {record.get('record')!r}", "call or host")
    return Transcript(path, records[0], tuple(calls), host)


def _record(path: Path, number: int, text: bytes) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise _damaged(path, number, f"no JSON ({error})", "one JSON object a line") from error
    if not isinstance(record, dict):
        raise _damaged(path, number, type(record).__name__, "a JSON object")
    return record


def _call(path: Path, line_number: int, record: dict[str, Any], number: int) -> Recorded:
    call, answer = record.get("call"), record.get("answer")
    if not isinstance(call, dict) or not isinstance(answer, dict):
        raise _damaged(path, line_number, "a call without `call` or `answer`", "both")
    if not isinstance(call.get("kind"), str) or not isinstance(call.get("name"), str):
        raise _damaged(path, line_number, "a call without `kind` or `name`", "both")
    for key in ("arguments", "become", "environment"):
        if not isinstance(call.get(key, {}), dict):
            raise _damaged(path, line_number, f"{key} that {_no(key)} mapping", "a mapping")
    for flaw in _flaws([call, answer]):
        raise _damaged(path, line_number, flaw, "a placeholder as docs/transcripts.md describes it")
    return Recorded(number, call, answer, str(record.get("took") or ""))


def _no(key: str) -> str:
    return "are no" if key == "arguments" else "is no"


def _flaws(value: Any) -> Iterator[str]:
    """Placeholders and redacted names that nobody can have written."""
    if isinstance(value, list):
        for item in value:
            yield from _flaws(item)
    elif isinstance(value, dict):
        if MARK in value and not _is_whole(value):
            yield f"the placeholder {json.dumps(value)}"
        for key, item in value.items():
            if key.startswith(KEY_MARK) and not _is_number(key.removeprefix(KEY_MARK)):
                yield f"the name {key}"
            yield from _flaws(item)


def _is_whole(placeholder: Mapping[str, Any]) -> bool:
    kind = placeholder[MARK]
    counts = [placeholder.get(key, 0) for key in ("n", "length")]
    if not all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in counts):
        return False
    return isinstance(kind, str) and ("n" in placeholder or kind in _WITHOUT_NUMBER)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _damaged(path: Path, number: int, found: str, expected: str) -> WinlabError:
    return WinlabError(
        f"{path}: line {number}: {found}; expected {expected}. Delete the line, or record it again."
    )
