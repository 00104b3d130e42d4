"""Where words stand that speak of a secret in a text; a few stems are looked for, not word after word."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from typing import Final

from mim2ecma.management_agent.secret_names import lowered

_PASS: Final = re.compile(r"pass(?:word|wort|wd|code|[ -]?phrase)")
_PASSE: Final = ("mot de ", "motde")
_OTHERS: Final = ("pwd", "secret", "token", "kennwort")
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


STEMS: Final = ("pass", *_OTHERS, "key", "pw", "pin")


def absent_signs(signs: Iterable[str], texts: Iterable[str]) -> frozenset[str]:
    """Tell which signs stand in none of some texts, so that they need not be looked for in each.

    Scripts say the same words again and again: all different ones together are a third of them.

    Args:
        signs: In lower case.
        texts: All texts.

    Returns:
        Signs of which at least a part between blanks is nowhere.
    """
    words = "\n".join(set(lowered("\n".join(texts)).split()))
    return frozenset(sign for sign in signs if not all(part in words for part in sign.split()))


def word_places(lower: str, absent: Container[str] = ()) -> Iterator[tuple[int, int, bool]]:
    """Find the words.

    Args:
        lower: The text in lower case.
        absent: Of `STEMS` those that it does not hold.

    Returns:
        For each place its start, its end, and whether the word is so short that it begins or ends many more:
        the whole identifier decides then.
    """
    for at in _positions(lower, "pass", absent):
        match = _PASS.match(lower, at)
        if match:
            yield at, match.end(), False
        elif lower.startswith("e", at + 4) and lower.endswith(_PASSE, 0, at):
            yield at - next(len(begin) for begin in _PASSE if lower.endswith(begin, 0, at)), at + 5, False
        elif not lower[at + 4 : at + 5].isalpha():
            yield at, at + 4, True
    for word in _OTHERS:
        for at in _positions(lower, word, absent):
            yield at, at + len(word), False
    for at in _positions(lower, "key", absent):
        before = lower[max(0, at - _LONGEST_OWNER) : at]
        if before.endswith(_KEY_OWNERS):
            yield at - next(len(owner) for owner in _KEY_OWNERS if before.endswith(owner)), at + 3, False
    for word in ("pw", "pin"):
        for at in _positions(lower, word, absent):
            end = at + len(word)
            if not lower[end : end + 1].isalpha() and not (word == "pin" and lower[at - 1 : at].isalpha()):
                yield at, end, True


def _positions(lower: str, stem: str, absent: Container[str]) -> Iterator[int]:
    at = -1 if stem in absent else lower.find(stem)
    while at >= 0:
        yield at
        at = lower.find(stem, at + len(stem))
