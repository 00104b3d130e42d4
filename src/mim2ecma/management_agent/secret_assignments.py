"""Secrets told by a word in front of them: `$dbPassword = "x"`, `-Password x` (domain/ma_xml.md 9)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from mim2ecma.documents.limits import KIB
from mim2ecma.management_agent.secret_names import says_secret
from mim2ecma.management_agent.secret_values import QUOTED, VALUE, Searched, is_like_a_token, is_value
from mim2ecma.management_agent.secret_words import word_places

_BEFORE, _FAR_BEFORE = 64, 320  # windows in front of such a word: names, another attribute of a tag
_AFTER = 4 * KIB  # window behind it: a long quoted value

# $dbPassword = "x"   Password=x;   "client_secret": "x"   -Password 'x'   <password>x</password>
# $password = [string]("x")   $password = @'   and the next line
_ASSIGNED = re.compile(
    r"""["']?[\w.\-]{0,40}["'\])]?\s{0,64}(?P<sign>:=|=(?!=)|:(?!:)|>)\s{0,64}"""
    r"""(?:(?:\[[\w.]{1,40}\]\s{0,4}|\(\s{0,4}){1,3}(?=["'])|[|>]-?\s{0,4}\n\s{0,64})?"""
    rf"""(?:@["']\r?\n\s{{0,40}}(?P<h>[^\r\n]{{1,512}})|{VALUE})""",
    re.IGNORECASE,
)
_SWITCH = re.compile(rf"""(?P<rest>[\w\-]{{0,20}})\s{{1,4}}(?![-/]){VALUE}""", re.IGNORECASE)
_SWITCH_BEFORE = re.compile(r"""(?:^|[\s"'(])(?:-{1,2}|/)(?P<start>[\w\-]{0,30})\Z""")
_PAIRS: Final = (
    # <add key="Password" value="x"/>   {"name": "password", "value": "x"}
    # -Name Password -Value x   /v Password /d x
    re.compile(
        r"""[\w.:\- ]{0,40}["']\s{1,8}(?:[\w.:\-]{1,40}\s?=\s?["'][^"'\r\n]{0,100}["']\s{1,8}){0,3}"""
        rf"""value\s?=\s?{VALUE}""",
        re.IGNORECASE,
    ),
    re.compile(
        rf"""[\w.\- ]{{0,40}}["']\s{{0,8}},\s{{0,8}}["']value["']\s{{0,4}}:\s{{0,4}}{VALUE}""", re.IGNORECASE
    ),
    re.compile(
        rf"""[\w.\-]{{0,40}}["']?\s{{1,8}}(?:[-/]\w{{1,30}}\s{{1,4}}[\w"']{{1,40}}\s{{1,4}}){{0,2}}"""
        rf"""(?:-value|/d)\s{{1,4}}{VALUE}""",
        re.IGNORECASE,
    ),
    # <setting name="Password" ...><value>x</value>
    re.compile(
        r"""["'][^<>\r\n]{0,100}>\s{0,80}<value>\s{0,20}(?P<d>(?P<s>)(?P<b>)[^<>]{1,2048})""", re.IGNORECASE
    ),
)
_PAIR_BEFORE = re.compile(
    r"""value\s?=\s?["'](?P<b>[^"'<>]{1,200})["']\s{1,8}(?:key|name)\s?=\s?["'][\w.:\- ]{0,40}\Z""",
    re.IGNORECASE,
)
_CALL_BEFORE = re.compile(
    r"""(?:add|set\w{0,20}|put)\(\s{0,4}["'](?P<start>[\w.\-]{0,40})\Z""", re.IGNORECASE
)
_SECOND_ARGUMENT = re.compile(rf"""[\w.\-]{{0,40}}["']\s{{0,4}},\s{{0,4}}{QUOTED}""")
# Set-Variable dbPassword 'x'   setx DB_PASSWORD x
_VARIABLE_BEFORE = re.compile(
    r"""(?:\b(?:set|new)-variable\s{1,4}(?:-name\s{1,4})?|\bsetx(?:\.exe)?\s{1,4})["']?(?P<start>[\w.\-]{0,40})\Z""",
    re.IGNORECASE,
)
_VARIABLE_VALUE = re.compile(
    rf"""[\w.\-]{{0,40}}["']?\s{{1,4}}(?:-value\s{{1,4}})?(?!-){VALUE}""", re.IGNORECASE
)
# The password is Tr0ub4dor
_IS_TOLD = re.compile(
    r"""\s{1,4}(?:is|was|lautet|ist)\s{0,2}:?\s{1,4}["']?(?P<value>[^\s"'<>]{3,256})""", re.IGNORECASE
)
_TAG_BEFORE = re.compile(r"<(?:\w{1,20}:)?(?P<start>[\w.\-]{0,40})\Z")
_ELEMENT = re.compile(
    r"(?P<rest>[\w.\-]{0,40})(?:\s[^<>]{0,400})?>\s{0,80}(?:<!\[CDATA\[)?\s{0,20}(?P<value>[^<>\s][^<>]{0,2048})"
)
_VARIABLE_SIGNS: Final = ("-variable", "setx")


def assigned_secret(searched: Searched, stems: Iterable[str]) -> str | None:
    """Find a literal that is assigned to a word that speaks of a secret.

    Args:
        searched: The text.
        stems: Those of `secret_words.STEMS` that it may hold.

    Returns:
        A phrase that names the word, or `None`.
    """
    for start, end, short in word_places(searched.lower, stems):
        searched.hit()
        if short and not says_secret(_identifier(searched.text, start, end)):
            continue
        if _is_assigned(searched, start, end, short=short) and _speaks_of_a_secret(searched.text, start, end):
            return f"a literal behind the word '{searched.lower[start:end]}'"
    return None


def _speaks_of_a_secret(text: str, start: int, end: int) -> bool:
    """Not `$PasswordAttribute = 'unicodePwd'`, a name of something else; but `$passwordField.Text = "x"`."""
    while end < len(text) and end - start < _BEFORE and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return text[end : end + 1] == "." or says_secret(_identifier(text, start, end))


def _identifier(text: str, start: int, end: int) -> str:
    head = re.search(r"\w{0,64}\Z", text[max(0, start - _BEFORE) : start])
    tail = re.match(r"\w{0,64}", text[end : end + _BEFORE])
    return (head[0] if head else "") + text[start:end] + (tail[0] if tail else "")


def _is_assigned(searched: Searched, start: int, end: int, *, short: bool) -> bool:
    text, plain = searched.text, searched.plain
    window, before = text[end : end + _AFTER], text[max(0, start - _BEFORE) : start]
    switch = _SWITCH_BEFORE.search(before)
    match = _ASSIGNED.match(window)
    if match:
        # $password = Get-It : an unquoted right side of a script is code.   "pass: people" is a sentence.
        sentence = short and not plain and match["sign"] == ":" and switch is None
        bare = not sentence and not _in_variable(text, start)
        return _is_match(match, plain=plain, bare=bare)
    if switch:
        match = _SWITCH.match(window)
        bare = match is not None and (plain or is_like_a_token(match["b"] or ""))
        named = match is not None and says_secret(switch["start"] + text[start:end] + match["rest"])
        if match and named and _is_match(match, plain=plain, bare=bare):
            return True
    word = text[start:end]
    return _is_paired(searched, start, window) or _is_element(word, before, window, plain=plain)


def _is_match(match: re.Match[str], *, plain: bool, bare: bool) -> bool:
    groups = match.groupdict()
    if groups.get("h"):
        return is_value(groups["h"], plain=True)
    value = groups["d"] or groups["s"] or (groups["b"] if bare else "") or ""
    return is_value(value, plain=plain, literal=groups["s"] is not None)


def _is_paired(searched: Searched, start: int, window: str) -> bool:
    text, plain = searched.text, searched.plain
    for pattern in _PAIRS:
        match = pattern.match(window)
        if match:
            return _is_match(match, plain=plain, bare=plain or is_like_a_token(match["b"] or ""))
    before = text[max(0, start - _FAR_BEFORE) : start]
    lower = searched.lower[max(0, start - _FAR_BEFORE) : start]
    match = _SECOND_ARGUMENT.match(window) if _is_first_argument(before) else None
    if match and is_value(match["d"] or match["s"], plain=plain, literal=match["s"] is not None):
        return True
    named = any(sign in lower for sign in _VARIABLE_SIGNS) and _VARIABLE_BEFORE.search(before)
    match = _VARIABLE_VALUE.match(window) if named else None
    if match and _is_match(match, plain=plain, bare=plain or is_like_a_token(match["b"] or "")):
        return True
    match = _IS_TOLD.match(window)
    if match and any(sign.isdigit() for sign in match["value"]):  # else a word of the sentence
        return is_value(match["value"], plain=plain)
    match = _PAIR_BEFORE.search(before) if "value" in lower else None
    return match is not None and is_value(match["b"], plain=plain)


def _is_first_argument(before: str) -> bool:
    """Whether what stands in front of a word is a call whose first argument the word is in."""
    quote = max(before.rfind('"'), before.rfind("'"))
    called = quote > 0 and before[:quote].rstrip().endswith("(")
    return called and _CALL_BEFORE.search(before) is not None


def _is_element(word: str, before: str, window: str, *, plain: bool) -> bool:
    tag = _TAG_BEFORE.search(before)
    match = _ELEMENT.match(window) if tag else None
    if tag is None or match is None or not says_secret(tag["start"] + word + match["rest"]):
        return False
    return is_value(match["value"], plain=plain)


def _in_variable(text: str, start: int) -> bool:
    """Whether a word belongs to a script variable or a member of one: `$dbPassword`, `$x.Password`."""
    begin = start
    while begin > 0 and start - begin < _BEFORE and (text[begin - 1].isalnum() or text[begin - 1] in "_.:-$"):
        begin -= 1
        if text[begin] == "$":
            return True
    return False
