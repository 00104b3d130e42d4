"""Whether what stands where a secret would is one, and the text it stands in (domain/ma_xml.md 9)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from mim2ecma.management_agent.vocabulary import lowered, places

_SHORTEST_SECRET: Final = 3

QUOTED: Final = r"""(?:"(?P<d>[^"\r\n]{1,2048})"|'(?P<s>[^'\r\n]{1,2048})')"""
"""Pattern of a literal in quotation marks: double (`d`) or single ones (`s`)."""
VALUE: Final = r"""(?:"(?P<d>[^"\r\n]{1,2048})"|'(?P<s>[^'\r\n]{1,2048})'|(?P<b>[^\s;"',)}\]]{1,2048}))"""
"""The same, or a bare word (`b`)."""

# What stands in scripts where a value would, without being one: variables, calls, placeholders, masks, types.
_NO_VALUE = re.compile(
    r"[`$<({\[&]|[+|.*/\\\-]\s|%[^%]+%|[*#?x.]+(?:$|<)|\d$"
    r"|(?:true|false|null|none|nothing|new|get|read|empty|string|securestring|system|your|enter|type|required"
    r"|optional|changeme|n/a)\b",
    re.IGNORECASE,
)
# Elsewhere only what is a placeholder as a whole; its end may be missing, as values end at brackets.
_PLACEHOLDER = re.compile(
    r"(?:\{\w{0,40}\}?|\$\(\w{1,40}\)?|\$\{\w{1,40}\}?|%\w{1,40}%|<[^<>]{0,40}>?|([*•●.#?x])\1*"
    r"|true|false|yes|no|null|none)\Z",
    re.IGNORECASE,
)
_LITERAL_DOLLAR = re.compile(r"\$(?![({])(?=.*[^\w$])[^\s+;,()]*\Z|\$(?![({])(?=.*\d)[^\s+;,()]*\Z")


class TooFullError(Exception):
    """More places to look at than the search has left."""


class Searched:
    """A text that is searched.

    Attributes:
        text: The text.
        lower: The same in lower case, for all that is found by a word.
        plain: Whether it is a value rather than a script: what looks like code is taken for a secret then.
        left: How many more places may be looked at.
    """

    def __init__(self, text: str, *, plain: bool, left: int) -> None:
        self.text, self.lower, self.plain, self.left = text, lowered(text), plain, left

    def hit(self) -> None:
        """Count a place; raises when there are too many."""
        self.left -= 1
        if self.left < 0:
            raise TooFullError

    def holds_any(self, signs: Iterable[str]) -> bool:
        """Whether one of a few words stands in it."""
        return any(sign in self.lower for sign in signs)

    def positions(self, signs: Iterable[str]) -> Iterator[int]:
        """Where a few words stand, each place counted."""
        for sign in signs:
            for at in places(self.lower, sign):
                self.hit()
                yield at


def is_value(value: str, *, plain: bool, literal: bool = False, shortest: int = _SHORTEST_SECRET) -> bool:
    """Whether what stands where a secret would is one, rather than code, a placeholder or a mask.

    Args:
        value: What stands there.
        plain: Whether it stands in a value rather than in a script.
        literal: Whether it stands in single quotation marks, where a dollar sign begins no variable.
        shortest: Length below which nothing is a secret.
    """
    value = value.strip()
    if len(value) < shortest:
        return False
    if plain or (literal and _LITERAL_DOLLAR.match(value)):
        return not is_placeholder(value)
    return not _NO_VALUE.match(value)


def is_placeholder(value: str) -> bool:
    """Whether a value as a whole stands for another: `{0}`, `%PASSWORD%`, a mask."""
    return _PLACEHOLDER.match(value) is not None


def is_like_a_token(token: str) -> bool:
    """Tell a token from a word of a sentence, which follows 'basic' and 'bearer' as well."""
    return (
        "=" in token
        or any(character.isdigit() for character in token)
        or (not token.islower() and not token.isupper() and not token.istitle())
    )
