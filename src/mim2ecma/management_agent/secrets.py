"""Values that look like secrets in clear text: told by name and place, never by value (ma_xml.md 9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mim2ecma.documents.limits import KIB, MIB

MAX_SEARCHED: Final = MIB
"""Most text searched in one management agent; more counts as suspicious. Real ones have 100 KB (7.3)."""

_TOO_LONG: Final = "a value too long to be searched for secrets"
_MAX_HITS: Final = (
    2_000  # words like "password" looked at in one value; a script full of them is suspicious as well
)
_BEFORE, _AFTER = 64, 4 * KIB  # window around such a word: names before it, a long quoted value after it

_VALUE = r"""(?:"(?P<d>[^"\r\n]{1,2048})"|'(?P<s>[^'\r\n]{1,2048})'|(?P<b>[^\s;"',)}\]]{1,2048}))"""
# $dbPassword = "x"   Password=x;   "client_secret": "x"   -Password 'x'   <password>x</password>
_ASSIGNED = re.compile(
    rf"""["']?[\w.\-]{{0,40}}["'\])]?\s{{0,8}}(?P<sign>:=|=(?!=)|:(?!:)|>)\s{{0,8}}{_VALUE}""", re.IGNORECASE
)
_SWITCH = re.compile(rf"""[\w]{{0,20}}\s{{1,4}}{_VALUE}""", re.IGNORECASE)
_SECURE_STRING = re.compile(
    r"""convertto-securestring\s{1,4}(?:-string\s{1,4})?(?:"[^"$\r\n]{1,512}"|'[^'\r\n]{1,512}')""",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(r"""(?:bearer|basic)\s{1,4}[A-Za-z0-9+/=_.~\-]{12,}""", re.IGNORECASE)
_USER_INFO = re.compile(r"""://[^\s/:@"'$<>{}]{1,128}:[^\s/@"'$<>{}]{1,256}@""")
_PRIVATE_KEY = re.compile(r"""-----begin [a-z ]{0,30}private key-----""")
_WORDS: Final = (
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "accountkey",
    "sharedkey",
)
# What stands where a value would, without being one: variables, calls, placeholders, masks, types.
_NO_VALUE = re.compile(
    r"[$<({\[&]|[+|.*/\\\-]\s|%[^%]+%|[*#?x.]+(?:$|<)|\d$"
    r"|(?:true|false|null|none|nothing|new|get|read|empty|string|securestring|system|your|enter|type|required"
    r"|optional|changeme|n/a)\b",
    re.IGNORECASE,
)
_ABOUT_SECRETS: Final = (
    r"(?:pass ?word|passwd|\bpwd\b|pass ?phrase|secret|\btoken\b|api[ _-]?key|access[ _-]?key"
    r"|private[ _-]?key|shared[ _-]?key|account[ _-]?key|credential)"
)
_SECRET_NAME = re.compile(_ABOUT_SECRETS, re.IGNORECASE)
# "Password attribute", "Token URL", "Set password SP name", "Enable password operations" are no secrets.
_NAME_OF_SOMETHING_ELSE = re.compile(
    rf"{_ABOUT_SECRETS}s?\W{{0,3}}(?:\w{{1,20}}\W{{1,3}})?(?:attribute|script|procedure|sp\b|file|path|folder"
    r"|polic|length|method|operation|ur[il]\b|endpoint|expir|timeout|life|type|mode|parameter|extension|format"
    r"|hash|algorithm|name|id\b|field|column)|\b(?:enable|allow|use|require|support|disable)",
    re.IGNORECASE,
)
_SHORTEST_SECRET: Final = 3
_PASSWORD_ATTRIBUTES: Final = frozenset(
    {
        "unicodepwd",
        "userpassword",
        "export_password",
        "password",
        "pwd",
        "passwd",
        "ntpassword",
        "sambantpassword",
    }
)


class SecretSearch:
    """Searches the values of one management agent, up to `MAX_SEARCHED` characters in all."""

    def __init__(self) -> None:
        self._left = MAX_SEARCHED

    def reveals(self, name: str, kind: str, text: str) -> str | None:
        """As `reveals_secret`; what comes after the limit counts as suspicious."""
        self._left -= len(text)
        return _TOO_LONG if self._left < 0 and text else reveals_secret(name, kind, text)

    def holds(self, text: str) -> str | None:
        """As `holds_secret`; what comes after the limit counts as suspicious."""
        self._left -= len(text)
        return _TOO_LONG if self._left < 0 and text else holds_secret(text)


def reveals_secret(name: str, kind: str, text: str) -> str | None:
    """Tell whether a value that is not encrypted looks like, or holds, a secret.

    A heuristic in favour of silence: a value it suspects is left out of every output, one it misses is shown.

    Args:
        name: Name of the parameter.
        kind: Its type; `checkbox` never holds a secret, of a `text` only the content counts.
        text: Its value.

    Returns:
        A phrase that says what it looks like, without any of it, or `None`.
    """
    if not text or kind.lower() in {"checkbox", "label", "divider"}:
        return None
    if (
        kind.lower() not in {"text", "drop-down"}
        and _SECRET_NAME.search(name)
        and not _NAME_OF_SOMETHING_ELSE.search(name)
        and not _NO_VALUE.match(text)
    ):
        return "a value whose name says that it is a secret"
    return holds_secret(text)


def is_password_attribute(name: str) -> bool:
    """Whether a constant that flows to this attribute is a password."""
    return name.lower() in _PASSWORD_ATTRIBUTES


def holds_secret(text: str) -> str | None:
    """Look for secrets inside a text: connection strings, scripts, configuration files.

    Args:
        text: Any text.

    Returns:
        A phrase that says what it looks like, or `None`.
    """
    if len(text) > MAX_SEARCHED:
        return _TOO_LONG
    lower = text.lower()
    if "://" in text and _USER_INFO.search(text):
        return "an address with a password in it"
    if "private key-----" in lower and _PRIVATE_KEY.search(lower):
        return "a private key"
    if "convertto-securestring" in lower and _SECURE_STRING.search(text):
        return "a script that turns a literal into a secure string"
    if ("bearer" in lower or "basic" in lower) and _any(_AUTHORIZATION, text, lower, ("bearer ", "basic ")):
        return "an authorization header"
    return _assigned_secret(text, lower)


def _any(pattern: re.Pattern[str], text: str, lower: str, words: tuple[str, ...]) -> bool:
    return any(
        _like_a_token(match[0]) for at in _positions(lower, words) if (match := pattern.match(text, at))
    )


def _like_a_token(text: str) -> bool:
    """Tell a token from a word of a sentence, which follows 'basic' and 'bearer' as well."""
    token = text.rsplit(maxsplit=1)[-1]
    return (
        "=" in token
        or any(character.isdigit() for character in token)
        or (not token.islower() and not token.isupper() and not token.istitle())
    )


def _assigned_secret(text: str, lower: str) -> str | None:
    hits = 0
    for word in _WORDS:
        if word not in lower:
            continue
        for at in _positions(lower, (word,)):
            hits += 1
            if hits > _MAX_HITS:
                return "a value too full of words for secrets to be searched"
            if _is_assigned(text, at, at + len(word)):
                return f"a literal behind the word '{word}'"
    return None


def _positions(lower: str, words: tuple[str, ...]) -> Iterator[int]:
    for word in words:
        at = lower.find(word)
        while at >= 0:
            yield at
            at = lower.find(word, at + len(word))


def _is_assigned(text: str, start: int, end: int) -> bool:
    window = text[end : end + _AFTER]
    match = _ASSIGNED.match(window)
    bare_allowed = True
    if match is None:
        before = text[max(0, start - _BEFORE) : start]
        if not re.search(r"(?:^|\s)-\w{0,30}\Z", before):
            return False
        match = _SWITCH.match(window)
        bare_allowed = False
    elif _in_variable(text, start):
        bare_allowed = False  # $password = Get-It : an unquoted right side of a script is code
    if match is None:
        return False
    quoted = match["d"] or match["s"]
    value = (quoted or (match["b"] if bare_allowed else "") or "").strip()
    return len(value) >= _SHORTEST_SECRET and not _NO_VALUE.match(value)


def _in_variable(text: str, start: int) -> bool:
    """Whether a word belongs to a script variable or a member of one: `$dbPassword`, `$x.Password`."""
    begin = start
    while begin > 0 and start - begin < _BEFORE and (text[begin - 1].isalnum() or text[begin - 1] in "_.:-$"):
        begin -= 1
        if text[begin] == "$":
            return True
    return False
