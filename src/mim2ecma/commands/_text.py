"""Words and lines for people, the same for every command."""

from __future__ import annotations

import os
import sys

_DEFAULT_COLUMNS = 80


def columns() -> int:
    """Columns of the terminal that standard output is.

    A variable COLUMNS that says more than there are is not believed: the terminal itself would fold then.
    """
    try:
        real = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        real = 0
    told = os.environ.get("COLUMNS", "")
    widths = [width for width in (real, int(told) if told.isdecimal() else 0) if width > 0]
    return min(widths, default=_DEFAULT_COLUMNS)


def cells(text: str) -> int:
    """Columns that a printable text takes at most.

    Terminals do not agree on what is wide; a text that is thought too wide is only folded early, one that is
    thought too narrow is folded by the terminal, in column 0.
    """
    return sum(1 if character.isascii() else 2 for character in text)


def encodable(text: str, encoding: str) -> str:
    """The text as an output shows it that escapes what its encoding has not; folded before, it would grow."""
    return text.encode(encoding, "backslashreplace").decode(encoding)


def fold(text: str, width: int) -> list[str]:
    """Cut a text into lines, at a space where one is near.

    Args:
        text: One line, printable.
        width: Most columns of a line; no line is cut further than into single characters.

    Returns:
        At least one line. Spaces at the cuts are left out.
    """
    lines = []
    while cells(text) > width:
        end = _fitting(text, width)
        space = text.rfind(" ", end // 2, end + 1)
        end = space if space > 0 else end
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*lines, text] if text or not lines else lines


def _fitting(text: str, width: int) -> int:
    """How many characters fit, at least one."""
    taken = 0
    for number, character in enumerate(text):
        taken += cells(character)
        if taken > width:
            return max(number, 1)
    return len(text)
