"""What a failed task said, in one line, whether it was one module, a loop, a script or an assertion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mim2ecma.documents.errors import InputError
from mim2ecma.documents.printable import printable

_LENGTH = 600
"""A module's text may hold a whole listing; what matters stands at its beginning."""


def failure_text(result: Mapping[str, Any]) -> str:
    """Say what went wrong.

    Args:
        result: `ansible_failed_result`.

    Returns:
        The texts of what failed, each once; `no text` when there is none.
    """
    texts = list(dict.fromkeys(text for text in _texts(result) if text))
    return printable("; ".join(texts), _LENGTH) or "no text"


def told(problem: Exception) -> str:
    """What an error on the controller tells a user.

    Args:
        problem: Of an `OSError`, a file or folder that cannot be read or written, only its file name and its
            reason are told; of any other its text.
    """
    if not isinstance(problem, OSError):
        return str(problem)
    return str(
        InputError(
            source=str(problem.filename or "run folder"),
            where="controller",
            found=problem.strerror or type(problem).__name__,
            expected="a place that the account of this run may read and write, with room",
            next_step="Check mim2ecma_runs_dir, the rights on it and the free space, then run again.",
        )
    )


def _texts(result: Mapping[str, Any]) -> Iterator[str]:
    items = result.get("results")
    failed = [item for item in items if isinstance(item, Mapping) and item.get("failed")] if items else []
    for item in failed:
        yield from _texts(item)
    if failed:
        return
    errors = result.get("error")
    if isinstance(errors, list):  # the error stream of win_powershell
        yield from (
            str(error["exception"]["message"]).strip()
            for error in errors
            if isinstance(error, Mapping) and isinstance(error.get("exception"), Mapping)
        )
        return
    yield " ".join(str(result.get("msg") or "").split())
