"""Names that say that what they name is a secret: a password, a key, a token, in a few languages."""

from __future__ import annotations

import re
from typing import Final

from mim2ecma.documents.limits import KIB
from mim2ecma.management_agent.vocabulary import lowered

LONGEST_NAME: Final = KIB  # of a parameter; real ones have up to 60 characters

# Looked for in a name with blanks between the words of camel case and instead of underscores, in lower case.

_KEY_OWNERS: Final = (
    "api|app|application|access|account|admin|auth|authentication|authorization|client|consumer|customer"
    "|decryption|encryption|function|hmac|license|licence|machine|master|pre ?shared|private|product|secret"
    "|security|service|session|shared|signing|storage|subscription|symmetric|validation"
)
_SECRET_NAME = re.compile(
    r"pass[ \-]?(?:wor[dt]|phrase|code|wd)|pwd|secret(?!ar)|token(?!i[sz])|credential|bearer|kenn ?wort"
    r"|geheimnis|mot ?de ?passe|contrase[nñ]a|wachtwoord|l[oö]senord|adgangskode|passord|has[lł]o|heslo"
    r"|salasana|пароль"
    rf"|(?:{_KEY_OWNERS})[ .\-]?key|schl(?:ü|ue)ssel"
    # Whole words, and words that end so: dbpass, adminpw; not a bypass, a pass-through, the passes of a run.
    r"|(?<!by)(?<!by )(?<!com)(?<!sur)(?<!tres)(?<!over)(?<!under)(?<!first )(?<!second )(?<!each )"
    r"(?<!first export )pass(?![^\W\d_])(?!.?thr)|pw(?![^\W\d_])"
    r"|(?<![^\W\d_])(?:pin(?: ?code)?|psk|otp)(?![^\W\d_])"
)
# Each of these words holds one of these; most names hold none.
STEMS: Final = (
    *("pass", "pw", "secret", "token", "credential", "bearer", "kenn", "geheimnis", "contrase", "wachtwoord"),
    *("senord", "adgangskode", "has", "heslo", "salasana", "пароль", "key", "schl", "pin", "psk", "otp"),
)
# "Password attribute", "Token URL", "Set password SP name", "Password policy" are no secrets; what stands in
# brackets, or behind a preposition, speaks of something else.
_NAME_OF_SOMETHING_ELSE = re.compile(
    r"s?[ \-]{0,3}(?:(?!(?:for|of|to|in|on|at|with|used|by|from|and|or|the|a)\b)[^\W_]{1,20}[ \-]{1,3})?"
    r"(?:attribute|attr|script|procedure|sp|file|file ?name|path|folder|polic(?:y|ie)|length|method|operation"
    r"|ur[il]|endpoint|expir[a-z]{0,6}|time ?out|life ?time|type|mode|parameter|extension|format|algorithm"
    r"|name|field|column|last|count|history)s?(?![^\W\d_])"
    r"|(?:(?<=key)|(?<=token)|(?<=credential))[ \-]{0,3}id(?![^\W\d_])"
)
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")
_ASKS_FOR_A_FLAG = re.compile(
    r"\b(?:enabled?|allow(?:ed|s)?|uses?|requires?|required|supports?|supported|disabled?)\b"
)
_FLAGS: Final = frozenset({"true", "false", "yes", "no"})  # never a secret
_ASKED_FLAGS: Final = frozenset({"0", "1", "on", "off", "always", "never", "none", "enabled", "disabled"})


def says_secret(name: str) -> bool:
    """Whether a name says that what it names is a secret: a password, a key, a token, in a few languages.

    Args:
        name: Of a parameter, an attribute, a variable; a name longer than any real one says so too.
    """
    if len(name) > LONGEST_NAME:
        return True
    lower = lowered(name)
    if not any(stem in lower for stem in STEMS):
        return False
    for form in dict.fromkeys((lowered(_CAMEL_CASE.sub(" ", name)), lower)):
        found = list(_SECRET_NAME.finditer(form))
        if found:
            return not all(_NAME_OF_SOMETHING_ELSE.match(form, match.end()) for match in found)
    return False


def is_flag(name: str, value: str) -> bool:
    """Whether a value in lower case is an answer to a yes-or-no question rather than a secret."""
    return value in _FLAGS or (value in _ASKED_FLAGS and _ASKS_FOR_A_FLAG.search(lowered(name)) is not None)
