"""Where words stand that speak of a secret in a text; a few stems are looked for, not word after word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from mim2ecma.management_agent.vocabulary import places

_Place = tuple[int, int, bool]

_PASS: Final = re.compile(r"pass(?:word|wort|wd|code|[ -]?phrase)")
_PASSE: Final = ("mot de ", "motde")
# Longest first, as one may end another.
_KEY_OWNERS: Final = (
    "subscription-",
    "subscription",
    "encryption_",
    "encryption",
    "signing",
    "private",
    "account",
    "access_",
    "access-",
    "access",
    "shared",
    "master",
    "api_",
    "api-",
    "api",
)
_LONGEST_OWNER: Final = max(map(len, _KEY_OWNERS))

STEMS: Final = ("pass", "pw", "secret", "token", "kennwort", "key", "pin")
"""What each word begins or ends with."""


def word_places(lower: str, stems: Iterable[str] = STEMS) -> Iterator[tuple[int, int, bool]]:
    """Find the words.

    Args:
        lower: The text in lower case.
        stems: Of `STEMS` those that it may hold.

    Returns:
        For each place its start, its end, and whether the word is so short that it begins or ends many more:
        the whole identifier decides then.
    """
    for stem in stems:
        for at in places(lower, stem):
            end = at + len(stem)
            place = _PLACES[stem](lower, at, end) if stem in _PLACES else (at, end, False)
            if place:
                yield place


def _at_pass(lower: str, at: int, end: int) -> _Place | None:
    match = _PASS.match(lower, at)
    if match:
        return at, match.end(), False
    if lower.startswith("e", end) and lower.endswith(_PASSE, 0, at):
        return at - next(len(begin) for begin in _PASSE if lower.endswith(begin, 0, at)), end + 1, False
    return None if lower[end : end + 1].isalpha() else (at, end, True)


def _at_key(lower: str, at: int, end: int) -> _Place | None:
    before = lower[max(0, at - _LONGEST_OWNER) : at]
    if not before.endswith(_KEY_OWNERS):
        return None
    return at - next(len(owner) for owner in _KEY_OWNERS if before.endswith(owner)), end, False


def _at_pw(lower: str, at: int, end: int) -> _Place | None:
    if lower.startswith("d", end):
        return at, end + 1, False
    return None if lower[end : end + 1].isalpha() else (at, end, True)


def _at_pin(lower: str, at: int, end: int) -> _Place | None:
    return None if lower[end : end + 1].isalpha() or lower[at - 1 : at].isalpha() else (at, end, True)


_PLACES: Final = {"pass": _at_pass, "key": _at_key, "pw": _at_pw, "pin": _at_pin}
