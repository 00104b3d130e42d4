"""Patterns as PowerShell 5.1 understands them: ``-like`` wildcards and .NET regular expressions."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from winlab.errors import NotModelled

# .NET writes named groups and references to them in its own way; Python wants a P.
_NAMED_GROUP = re.compile(r"\(\?<(?![=!])([A-Za-z_]\w*)>|\(\?'([A-Za-z_]\w*)'")
_NAMED_REFERENCE = re.compile(r"\\k<([A-Za-z_]\w*)>|\\k'([A-Za-z_]\w*)'")
# What .NET knows and Python does not, or means differently: categories, character class subtraction,
# balancing groups, \G.
_REFERENCE = re.compile(r"\$\$|\$&|\$(\d+)|\$\{(\w+)\}")
_FOREIGN = re.compile(r"\\[pP]\{|-\[|\(\?<\w*-\w+>|(?<!\\)\\G")


def like(text: str, pattern: str) -> bool:
    """Return ``$text -like $pattern``: ``*``, ``?``, ``[a-z]``, a backtick escapes; case does not matter.

    Source: Microsoft Learn, "about_Wildcards".
    """
    return _wildcard(pattern).fullmatch(text) is not None


@lru_cache(maxsize=512)
def regex(pattern: str, ignore_case: bool = True) -> re.Pattern[str]:
    """Return a .NET regular expression for ``-match`` (`ignore_case`) or ``-cmatch``.

    Raises:
        NotModelled: the pattern uses something that only .NET has, or is no pattern at all.
    """
    if _FOREIGN.search(pattern):
        raise NotModelled(
            f"the .NET regular expression {pattern!r}", "Write it without .NET's own constructs."
        )
    translated = _NAMED_GROUP.sub(lambda match: f"(?P<{match[1] or match[2]}>", pattern)
    translated = _NAMED_REFERENCE.sub(lambda match: f"(?P={match[1] or match[2]})", translated)
    # In .NET, \Z lets a last line break follow, and \z does not.
    translated = re.sub(r"(?<!\\)\\Z", r"(?=\\n?\\Z)", translated)
    translated = re.sub(r"(?<!\\)\\z", r"\\Z", translated)
    try:
        return re.compile(translated, re.IGNORECASE if ignore_case else 0)
    except re.error as error:
        raise NotModelled(
            f"the regular expression {pattern!r} ({error})",
            "Check it; .NET would refuse it in its own words.",
        ) from error


@lru_cache(maxsize=512)
def _wildcard(pattern: str) -> re.Pattern[str]:
    result = ""
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "`" and position < len(pattern):
            result += re.escape(pattern[position])
            position += 1
        elif char == "*":
            result += ".*"
        elif char == "?":
            result += "."
        elif char == "[" and (end := pattern.find("]", position + 1)) > 0:
            members = pattern[position:end].replace("\\", "\\\\").replace("^", "\\^").replace("[", "\\[")
            result += f"[{members}]"
            position = end + 1
        else:
            result += re.escape(char)
    return re.compile(result, re.IGNORECASE | re.DOTALL)


def replacement(text: str) -> Callable[[re.Match[str]], str]:
    """Return a .NET replacement pattern (``$1``, ``${name}``, ``$&``, ``$$``) for `re.sub`.

    Source: Microsoft Learn, "Substitutions in Regular Expressions". A reference to a group that the
    expression does not have stays as it is.
    """

    def expand(match: re.Match[str]) -> str:
        def one(reference: re.Match[str]) -> str:
            if reference[0] == "$$":
                return "$"
            if reference[0] == "$&":
                return match[0]
            name = reference[1] or reference[2]
            group: int | str = int(name) if name.isdigit() else name
            try:
                return match[group] or ""
            except IndexError:
                return reference[0]

        return _REFERENCE.sub(one, text)

    return expand
