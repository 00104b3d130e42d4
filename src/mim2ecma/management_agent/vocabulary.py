"""The different words of all texts of a management agent: what is in none of them need not be looked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from string import ascii_letters, digits
from typing import Final

from mim2ecma.documents.limits import MIB

MAX_WORDS_OF: Final = MIB
"""Most text whose words are told apart; of more it is not known what it lacks. Real texts have 100 KB."""

_IN_WORDS: Final = f"{ascii_letters}{digits}_:/=~\\@".encode()
_TO_WORDS: Final = bytes(
    byte if byte in _IN_WORDS or not chr(byte).isascii() else ord(" ") for byte in range(256)
).lower()
"""Lower case, and a blank for everything that ends a word; few kinds of characters make few words."""


def lowered(text: str) -> str:
    """Lower case of the same length: U+0130 alone would grow, and offsets be wrong behind it."""
    return text.replace("\u0130", "i").lower()


def places(text: str, sign: str) -> Iterator[int]:
    """Where a sign stands in a text; looking for words costs far less than a pattern without case.

    Args:
        text: In lower case when the sign is a word.
        sign: What is looked for.
    """
    at = text.find(sign)
    while at >= 0:
        yield at
        at = text.find(sign, at + len(sign))


class Vocabulary:
    """Tells which signs no text holds, so that they need not be looked for in each.

    Scripts say the same words again and again: all different ones together are a tenth of them.

    Args:
        texts: All texts; without any, nothing is known.
    """

    def __init__(self, texts: Sequence[str] = ()) -> None:
        known = texts and sum(map(len, texts)) <= MAX_WORDS_OF
        self._words = b"\n".join(set(_words("\n".join(texts)))) if known else None

    def may_hold(self, sign: str) -> bool:
        """Whether a text may hold a sign: each part of it between ends of words is somewhere.

        Args:
            sign: In lower case.
        """
        words = self._words
        return words is None or all(part in words for part in _parts(sign))

    def present(self, signs: Iterable[str]) -> tuple[str, ...]:
        """Those of some signs that a text may hold."""
        return tuple(sign for sign in signs if self.may_hold(sign))


@cache
def _parts(sign: str) -> list[bytes]:
    return _words(sign)


def _words(text: str) -> list[bytes]:
    # Beyond ASCII there are letters whose lower case is one of its letters.
    text = text if text.isascii() else lowered(text)
    return text.encode("utf-8", "surrogatepass").translate(_TO_WORDS).split()
