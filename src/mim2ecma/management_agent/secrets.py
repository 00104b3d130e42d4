"""Values that look like secrets in clear text: told by name and place, never by value (ma_xml.md 9)."""

from __future__ import annotations

import re
from typing import Final

from mim2ecma.documents.limits import KIB, MIB
from mim2ecma.management_agent.secret_assignments import assigned_secret
from mim2ecma.management_agent.secret_names import LONGEST_NAME, is_flag, says_secret
from mim2ecma.management_agent.secret_shapes import SHAPES
from mim2ecma.management_agent.secret_values import Searched, TooFullError
from mim2ecma.management_agent.secret_words import STEMS
from mim2ecma.management_agent.vocabulary import Vocabulary, lowered

MAX_SEARCHED: Final = MIB
"""Most text searched in one management agent; more counts as suspicious. Real ones have 100 KB (7.3)."""
MAX_SEARCHED_NAMES: Final = 256 * KIB
"""Most text of names looked at in one management agent, as names cost the most; real ones have 10 KB."""

_TOO_LONG: Final = "a value too long to be searched for secrets"
_TOO_FULL: Final = "a value too full of words for secrets to be searched"
_BY_NAME: Final = "a value whose name says that it is a secret"
_MAX_HITS: Final = 4_000  # words like "password" looked at in one management agent; Lync's scripts have 99
_LONGEST_PLAIN: Final = 4 * KIB  # what is longer than a connection string is searched as a script
_CHECKBOX: Final = frozenset({"0", "1", "true", "false"})
_MASK = re.compile(r"([*•●.#?x])\1*\Z", re.IGNORECASE)
_CONNECTION_STRING = re.compile(r"\s{0,20}[A-Za-z][\w ]{0,40}=[^;$(\r\n]{0,256};")


class SecretSearch:
    """Searches one management agent, up to `MAX_SEARCHED_NAMES` and `MAX_SEARCHED` characters in all.

    Args:
        vocabulary: Of all texts that will be searched, where they are known before.
    """

    def __init__(self, vocabulary: Vocabulary | None = None) -> None:
        vocabulary = vocabulary or Vocabulary()
        signs = [(shape, vocabulary.present(shape.signs)) for shape in SHAPES]
        self._shapes = [(shape, present) for shape, present in signs if present]
        self._stems = vocabulary.present(STEMS)
        self._signs = (*self._stems, *(sign for _, present in self._shapes for sign in present))
        self._left = MAX_SEARCHED
        self._names_left = MAX_SEARCHED_NAMES
        self._hits = _MAX_HITS

    def reveals(self, name: str, kind: str, text: str) -> str | None:
        """As `reveals_secret`; what comes after the limit counts as suspicious."""
        self._names_left -= len(name)
        if not text or text.isspace():
            return None
        kind, value = kind.lower(), lowered(text[:LONGEST_NAME]).strip()
        if kind == "checkbox" and value in _CHECKBOX:
            return None
        if self._names_left < 0:
            return _TOO_LONG
        if says_secret(name) and not is_flag(name, value) and not _MASK.match(text):
            return _BY_NAME
        script = kind == "text" and not _CONNECTION_STRING.match(text)
        return self._search(text, plain=not (script or "\n" in text or len(text) > _LONGEST_PLAIN))

    def holds(self, text: str) -> str | None:
        """As `holds_secret`; what comes after the limit counts as suspicious."""
        return self._search(text, plain=False)

    def _search(self, text: str, *, plain: bool) -> str | None:
        self._left -= len(text)
        if self._left < 0 and text:
            return _TOO_LONG
        if "&" in text:  # what is escaped twice
            text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
        searched = Searched(text, plain=plain, left=self._hits)
        if not searched.holds_any(self._signs):
            return None
        try:
            for shape, signs in self._shapes:
                if (plain or not shape.plain_only) and shape.found_in(searched, signs):
                    return shape.phrase
            return assigned_secret(searched, self._stems)
        except TooFullError:
            return _TOO_FULL
        finally:
            self._hits = searched.left


def reveals_secret(name: str, kind: str, text: str) -> str | None:
    """Tell whether a value that is not encrypted looks like, or holds, a secret.

    A heuristic in favour of silence: a value it suspects is left out of every output, one it misses is shown.

    Args:
        name: Name of the parameter, or of the attribute that a constant flows to.
        kind: Its type (7.2). Any type may hold text: a `text` has several lines, a `drop-down` may take what
            is not on its list, and of a `checkbox` nothing but its two states is known to be harmless.
        text: Its value.

    Returns:
        A phrase that says what it looks like, without any of it, or `None`.
    """
    return SecretSearch().reveals(name, kind, text)


def holds_secret(text: str) -> str | None:
    """As `reveals_secret`, for a text without a name: a description, a script, a configuration file."""
    return SecretSearch().holds(text)
