"""Ends that nobody planned, told like any other error: no traceback reaches a person."""

from __future__ import annotations

from pathlib import Path

import mim2ecma
from mim2ecma.documents.errors import InputError

_PACKAGE = str(Path(mim2ecma.__file__).parent)


def unexpected(error: BaseException, source: str = "mim2ecma") -> InputError:
    """The error that stands for an exception nobody planned.

    Its text stays out: it may quote a value of the input, which may be a password.

    Args:
        error: The exception, with its traceback.
        source: What was at work on, a file or the program.
    """
    if isinstance(error, MemoryError):
        return InputError(
            source=source,
            where="memory",
            found="used up",
            expected="enough for what was asked",
            next_step="Name fewer files at once, free memory, or use a machine that has more.",
        )
    return InputError(
        source=source,
        where=_place(error),
        found=f"an unexpected {type(error).__name__}",
        expected="none",
        next_step="This is a mistake in mim2ecma: please report this line.",
    )


def _place(error: BaseException) -> str:
    """The last line of ours that the exception came through; where a library gave up helps nobody."""
    place, trace = "unknown place", error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path.startswith(_PACKAGE):
            place = f"{Path(path).name} line {trace.tb_lineno}"
        trace = trace.tb_next
    return place
