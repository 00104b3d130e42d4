"""Text from exports, DLLs and hosts made safe to show on a terminal or in a log."""

from __future__ import annotations

import re

# Unicode categories Cc (controls, so every terminal escape), Cs (lone surrogates) and the members of Cf that
# change reading order or are invisible (UAX #9 embeddings, overrides, isolates and marks; zero-width
# characters; tags), plus the line and paragraph separators, variation selectors and private-use characters,
# which fonts may draw as anything.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)

ELLIPSIS = "…"
DEFAULT_LENGTH = 300
"""Longest text shown in one field; a finding is a sentence, not a copy of the file."""


def printable(text: str, length: int | None = DEFAULT_LENGTH) -> str:
    r"""Make a text harmless to show, without hiding that something was there.

    Args:
        text: Any text.
        length: Longest result in characters; `None` keeps all.

    Returns:
        The text with every control, direction-changing, invisible or private character written as `\xNN`,
        `\uNNNN` or `\UNNNNNNNN`, cut to `length` with an ellipsis.
    """
    if length is not None and len(text) > length:
        text = text[: length - 1] + ELLIPSIS
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def counted(number: int, word: str, plural: str | None = None) -> str:
    """`1 file`, `2 files`.

    Args:
        number: How many.
        word: For one.
        plural: For any other number, `word` with an `s` when left out.
    """
    return f"{number} {word if number == 1 else plural or word + 's'}"
