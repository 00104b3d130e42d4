"""Values that look like secrets in clear text: told by name and place, never by value (ma_xml.md 9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from mim2ecma.documents.limits import KIB, MIB
from mim2ecma.management_agent.secret_names import LONGEST_NAME, is_flag, lowered, says_secret
from mim2ecma.management_agent.secret_words import STEMS, absent_signs, word_places

MAX_SEARCHED: Final = MIB
"""Most text searched in one management agent; more counts as suspicious. Real ones have 100 KB (7.3)."""
MAX_SEARCHED_NAMES: Final = 256 * KIB
"""Most text of names looked at in one management agent, as names cost the most; real ones have 10 KB."""

_TOO_LONG: Final = "a value too long to be searched for secrets"
_TOO_FULL: Final = "a value too full of words for secrets to be searched"
_BY_NAME: Final = "a value whose name says that it is a secret"
_MAX_HITS: Final = 4_000  # words like "password" looked at in one management agent; Lync's scripts have 99
_LONGEST_PLAIN: Final = 4 * KIB  # what is longer than a connection string is searched as a script
_BEFORE, _FAR_BEFORE = 64, 320  # windows in front of such a word: names, another attribute of a tag
_AFTER = 4 * KIB  # window behind it: a long quoted value
_SHORTEST_SECRET: Final = 3
_CHECKBOX: Final = frozenset({"0", "1", "true", "false"})
_MASK = re.compile(r"([*•●.#?x])\1*\Z", re.IGNORECASE)

# Values --------------------------------------------------------------------------------------------------

_QUOTED = r"""(?:"(?P<d>[^"\r\n]{1,2048})"|'(?P<s>[^'\r\n]{1,2048})')"""
_VALUE = r"""(?:"(?P<d>[^"\r\n]{1,2048})"|'(?P<s>[^'\r\n]{1,2048})'|(?P<b>[^\s;"',)}\]]{1,2048}))"""
# $dbPassword = "x"   Password=x;   "client_secret": "x"   -Password 'x'   <password>x</password>
# $password = [string]("x")   $password = @'   and the next line
_ASSIGNED = re.compile(
    r"""["']?[\w.\-]{0,40}["'\])]?\s{0,64}(?P<sign>:=|=(?!=)|:(?!:)|>)\s{0,64}"""
    r"""(?:(?:\[[\w.]{1,40}\]\s{0,4}|\(\s{0,4}){1,3}(?=["'])|[|>]-?\s{0,4}\n\s{0,64})?"""
    rf"""(?:@["']\r?\n\s{{0,40}}(?P<h>[^\r\n]{{1,512}})|{_VALUE})""",
    re.IGNORECASE,
)
_SWITCH = re.compile(rf"""(?P<rest>[\w\-]{{0,20}})\s{{1,4}}(?![-/]){_VALUE}""", re.IGNORECASE)
_SWITCH_BEFORE = re.compile(r"""(?:^|[\s"'(])(?:-{1,2}|/)(?P<start>[\w\-]{0,30})\Z""")
_PAIRS: Final = (
    # <add key="Password" value="x"/>   {"name": "password", "value": "x"}
    # -Name Password -Value x   /v Password /d x
    re.compile(
        r"""[\w.:\- ]{0,40}["']\s{1,8}(?:[\w.:\-]{1,40}\s?=\s?["'][^"'\r\n]{0,100}["']\s{1,8}){0,3}"""
        rf"""value\s?=\s?{_VALUE}""",
        re.IGNORECASE,
    ),
    re.compile(
        rf"""[\w.\- ]{{0,40}}["']\s{{0,8}},\s{{0,8}}["']value["']\s{{0,4}}:\s{{0,4}}{_VALUE}""", re.IGNORECASE
    ),
    re.compile(
        rf"""[\w.\-]{{0,40}}["']?\s{{1,8}}(?:[-/]\w{{1,30}}\s{{1,4}}[\w"']{{1,40}}\s{{1,4}}){{0,2}}"""
        rf"""(?:-value|/d)\s{{1,4}}{_VALUE}""",
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
_SECOND_ARGUMENT = re.compile(rf"""[\w.\-]{{0,40}}["']\s{{0,4}},\s{{0,4}}{_QUOTED}""")
# Set-Variable dbPassword 'x'   setx DB_PASSWORD x
_VARIABLE_BEFORE = re.compile(
    r"""(?:\b(?:set|new)-variable\s{1,4}(?:-name\s{1,4})?|\bsetx(?:\.exe)?\s{1,4})["']?(?P<start>[\w.\-]{0,40})\Z""",
    re.IGNORECASE,
)
_VARIABLE_VALUE = re.compile(
    rf"""[\w.\-]{{0,40}}["']?\s{{1,4}}(?:-value\s{{1,4}})?(?!-){_VALUE}""", re.IGNORECASE
)
# The password is Tr0ub4dor
_IS_TOLD = re.compile(
    r"""\s{1,4}(?:is|was|lautet|ist)\s{0,2}:?\s{1,4}["']?(?P<value>[^\s"'<>]{3,256})""", re.IGNORECASE
)
_TAG_BEFORE = re.compile(r"<(?:\w{1,20}:)?(?P<start>[\w.\-]{0,40})\Z")
_ELEMENT = re.compile(
    r"(?P<rest>[\w.\-]{0,40})(?:\s[^<>]{0,400})?>\s{0,80}(?:<!\[CDATA\[)?\s{0,20}(?P<value>[^<>\s][^<>]{0,2048})"
)
_AUTHORIZATION = re.compile(r"""(?:bearer|basic|ssws|apikey)\s{1,4}[A-Za-z0-9+/=_.~\-]{10,}""", re.IGNORECASE)
_GAP = r"""(?:[ \t]|`\r?\n){1,40}"""
_SECURE_STRING = re.compile(
    rf"""convertto-securestring{_GAP}(?:-(?:asplaintext|force|string){_GAP}){{0,3}}(?:"(?!\$)[^"\r\n]{{1,512}}"|"""
    r"""'[^'\r\n]{1,512}'|(?P<b>[^\s$("'\-@[&|<][^\s"'()|]{0,255}))""",
    re.IGNORECASE,
)
_PIPED_BEFORE = re.compile(r"""(?:"[^"$\r\n]{1,256}"|'[^'\r\n]{1,256}')\s{0,4}\|\s{0,4}\Z""")
_AS_PLAIN_TEXT = re.compile(r"[^\r\n;|]{0,300}-aspl", re.IGNORECASE)
_ARGUMENT = r"""(?:"[^"\r\n]{0,256}"|'[^'\r\n]{0,256}'|[^\s,()"']{1,128})"""
_CREDENTIAL = re.compile(
    rf"""credentials?(?:\]::new)?["']?\s{{0,4}}(?:-argumentlist\s{{1,4}}[@(]{{0,2}}|\()\s{{0,8}}"""
    rf"""{_ARGUMENT}\s{{0,8}},\s{{0,8}}{_QUOTED}""",
    re.IGNORECASE,
)
_CURL = re.compile(
    r"""curl(?:\.exe)?["']?\s(?:[^\r\n]{0,400}?\s)?(?:-u|--user|--proxy-user)[\s=]{0,2}["']?[^\s:"'$]{1,128}:"""
    r"""(?P<value>[^\s"']{1,256})""",
    re.IGNORECASE,
)
_PROGRAM = re.compile(
    rf"""(?:(?:sqlcmd|osql|psexec|psexec64)(?:\.exe)?["']?\s(?:[^\r\n]{{0,400}}?\s)?-p\s{{1,2}}"""
    # mysql -px, but not its port, -P3306
    rf"""|(?:mysql\w{{0,10}}|7za?|sqlcmd|osql)(?:\.exe)?["']?\s(?:[^\r\n]{{0,400}}?\s)?-p(?![\s\-]|\d+(?:\s|\Z))"""
    rf"""|sshpass\s{{1,2}}-p\s{{0,2}}|net\s{{1,4}}use\s[^\r\n]{{0,200}}?\\\\[^\s"']{{1,200}}\s{{1,4}}(?![*/]))"""
    rf"""{_VALUE}""",
    re.IGNORECASE,
)
_PASSWORD_OPTION = re.compile(
    r"\s[-/]p[\s:=]{1,2}(?P<value>(?!\d+(?:\s|\Z))[^\s;,\"']{3,256})", re.IGNORECASE
)
_ENCODED_PAIR = re.compile(
    r"""tobase64string[^\r\n"']{0,160}["'][^"':$\r\n]{1,64}:(?P<value>[^"'\r\n]{1,128})["']""", re.IGNORECASE
)
_USER = r"""[^\s/:@"'<>]{0,128}"""
_USER_INFO: Final = (  # up to a slash; or with one, but not in a query
    re.compile(rf"""{_USER}:(?P<value>[^\s/"'<>]{{1,256}})@"""),
    re.compile(rf"""{_USER}:(?P<value>[^\s"'<>?#,;()]{{1,256}})@"""),
    re.compile(r"""(?P<value>[A-Za-z0-9_\-.~%]{20,256})@"""),
)
_WHOLE_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.\-]{1,15}://[^\s:@/]{0,128}:(?P<value>\S{1,512})@\S{0,512}\Z", re.IGNORECASE
)
_PORT_AND_QUERY = re.compile(r"\d{1,5}/[^?#]{0,512}[?#]")
# sa:x@db1, but not SMTP:someone@contoso.com
_USER_AT_HOST = re.compile(
    r"""(?:^|[=\s;,"'|])(?!(?:smtp|sips?|mailto|x400|x500|eum|im|xmpp|acct|upn|spo|notes|tel|urn|msn):)"""
    r"""[^\s:@/\\=;,"']{1,64}:(?!//)[^\s;,"']{1,128}@[A-Za-z0-9\[]"""
    # Oracle's scott/x@db, but no service principal name
    r"""|^(?![a-z]{2,8}/[^@]{1,128}\.[^@]{1,128}@)\w{1,30}/[^\s/@]{3,64}@[\w.:/\-]{1,200}\Z""",
    re.IGNORECASE,
)
_QUERY = re.compile(
    r"[?&;](?:(?:code|key|auth)=(?P<t>[a-z0-9_\-+/=.~%]{6,512})|(?:sig|signature)=[a-z0-9_\-+/=.~%]{6,512})",
    re.IGNORECASE,
)
# Tokens told by how they begin: JSON web token, GitHub, GitLab, Slack, AWS, Google, Stripe, Vault, SendGrid.
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_\-])(?:eyJ[A-Za-z0-9_\-]{8,2048}\.[A-Za-z0-9_\-]{2}|gh[pousr]_[A-Za-z0-9]{10}"
    r"|github_pat_\w{10}|glpat-[\w\-]{10}|xox[abeoprs]-[\w\-]{10}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w\-]{30}|[rs]k_(?:live|test)_\w{10}"
    r"|hv[bs]\.\w{10}|SG\.[\w\-]{10,64}\.[\w\-]{10})"
)
# Looked for first: without any of them a pattern need not be tried at every character of a long script.
_ADDRESS_SIGNS: Final = ("://",)
_SECURE_STRING_SIGNS: Final = ("convertto-securestring",)
_AUTHORIZATION_SIGNS: Final = ("bearer ", "basic ", "ssws ", "apikey ")
_CREDENTIAL_SIGNS: Final = ("credential",)
_CURL_SIGNS: Final = ("curl",)
_ENCODED_PAIR_SIGNS: Final = ("tobase64string",)
_PROGRAM_SIGNS: Final = ("sqlcmd", "osql", "psexec", "sshpass", "net use", "mysql", "7z")
_TOKEN_SIGNS: Final = (
    *("eyJ", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AKIA", "ASIA", "AIza"),
    *("k_live_", "k_test_", "hvs.", "hvb.", "SG."),
)
_QUERY_SIGNS: Final = ("code=", "key=", "auth=", "sig=", "signature=")
_PRIVATE_KEY_SIGNS: Final = ("-----begin", "putty-user-key-file")
_SIGNS: Final = frozenset(
    {
        *(*STEMS, *_ADDRESS_SIGNS, *_SECURE_STRING_SIGNS, *_AUTHORIZATION_SIGNS, *_CREDENTIAL_SIGNS),
        *(*_CURL_SIGNS, *_ENCODED_PAIR_SIGNS, *_PROGRAM_SIGNS, *_QUERY_SIGNS, *_PRIVATE_KEY_SIGNS),
        *(sign.lower() for sign in _TOKEN_SIGNS),
    }
)
_ENTRA_SECRET = re.compile(r"\dQ~[\w~.\-]{25}")
_PRIVATE_KEY = re.compile(r"-----begin [a-z ]{0,30}private key-----|putty-user-key-file-\d")
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
_CONNECTION_STRING = re.compile(r"\s{0,20}[A-Za-z][\w ]{0,40}=[^;$(\r\n]{0,256};")


class SecretSearch:
    """Searches one management agent, up to `MAX_SEARCHED_NAMES` and `MAX_SEARCHED` characters in all.

    Args:
        texts: Everything that will be searched, where that is known before.
    """

    def __init__(self, texts: Sequence[str] = ()) -> None:
        known = texts and sum(map(len, texts)) <= MAX_SEARCHED
        self._absent = absent_signs(_SIGNS, texts) if known else frozenset[str]()
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
        if "&lt;" in text or "&quot;" in text:
            text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
        searched = _Searched(text, plain, self._hits, self._absent)
        try:
            found = next((phrase for phrase, look in _LOOKS if look(searched)), None)
            return found or _assigned_secret(searched)
        except _TooFullError:
            return _TOO_FULL
        finally:
            self._hits = searched.left


class _TooFullError(Exception):
    """More places to look at than `_MAX_HITS`."""


class _Searched:
    """A text that is searched.

    Attributes:
        text: The text.
        lower: The same in lower case, for all that is found by a word.
        plain: Whether it is a value rather than a script: what looks like code is taken for a secret then.
        left: How many more places may be looked at.
        absent: Signs that it is known not to hold.
    """

    def __init__(self, text: str, plain: bool, left: int, absent: frozenset[str] = frozenset()) -> None:
        self.text, self.lower, self.plain, self.left, self.absent = text, lowered(text), plain, left, absent

    def hit(self) -> None:
        """Count a place; raises when there are too many."""
        self.left -= 1
        if self.left < 0:
            raise _TooFullError

    def holds_any(self, signs: Iterable[str]) -> bool:
        """Whether one of a few words stands in it."""
        return any(sign not in self.absent and sign in self.lower for sign in signs)

    def positions(self, *signs: str) -> Iterator[int]:
        """Where a few words stand; looking for words costs far less than a pattern without case."""
        for sign in signs:
            at = -1 if sign in self.absent else self.lower.find(sign)
            while at >= 0:
                self.hit()
                yield at
                at = self.lower.find(sign, at + len(sign))


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


def _address(searched: _Searched) -> bool:
    if searched.plain and (_USER_AT_HOST.search(searched.text) or _in_whole_address(searched.text)):
        return True
    for at in searched.positions(*_ADDRESS_SIGNS):
        for pattern in _USER_INFO:
            match = pattern.match(searched.text, at + 3)
            if match and _is_value(match["value"], plain=searched.plain, shortest=1):
                return True
    return False


def _in_whole_address(text: str) -> bool:
    """Whether a value is one address with user information, whatever characters the password is made of."""
    match = _WHOLE_ADDRESS.match(text)
    value = match["value"] if match else ""
    return not _PORT_AND_QUERY.match(value) and _is_value(value, plain=True)


def _query(searched: _Searched) -> bool:
    return searched.holds_any(_QUERY_SIGNS) and any(
        match["t"] is None or (_like_a_token(match["t"]) and not _PLACEHOLDER.match(match["t"]))
        for match in _QUERY.finditer(searched.text)
    )


def _private_key(searched: _Searched) -> bool:
    return searched.holds_any(_PRIVATE_KEY_SIGNS) and _PRIVATE_KEY.search(searched.lower) is not None


def _secure_string(searched: _Searched) -> bool:
    for at in searched.positions(*_SECURE_STRING_SIGNS):
        if _PIPED_BEFORE.search(searched.text[max(0, at - _FAR_BEFORE) : at]):
            return True
        match = _SECURE_STRING.match(searched.text, at)
        if match and (match["b"] is None or _AS_PLAIN_TEXT.match(searched.text, at)):
            return True
    return False


def _authorization(searched: _Searched) -> bool:
    return any(
        _like_a_token(match[0].rsplit(maxsplit=1)[-1])
        for at in searched.positions(*_AUTHORIZATION_SIGNS)
        if (match := _AUTHORIZATION.match(searched.text, at))
    )


def _token(searched: _Searched) -> bool:
    text, absent = searched.text, searched.absent
    signs = [sign for sign in _TOKEN_SIGNS if sign.lower() not in absent]
    if any(sign in text for sign in signs) and _TOKEN.search(text):
        return True
    return "Q~" in text and _ENTRA_SECRET.search(text) is not None


def _credential(searched: _Searched) -> bool:
    for at in searched.positions(*_CREDENTIAL_SIGNS):
        match = _CREDENTIAL.match(searched.text, at)
        if match and _is_value(
            match["d"] or match["s"], plain=searched.plain, literal=match["s"] is not None
        ):
            return True
    return False


def _command_line(searched: _Searched) -> bool:
    for at in searched.positions(*_CURL_SIGNS):
        match = _CURL.match(searched.text, at)
        if match and _is_value(match["value"], plain=searched.plain):
            return True
    for at in searched.positions(*_ENCODED_PAIR_SIGNS):
        match = _ENCODED_PAIR.match(searched.text, at)
        if match and _is_value(match["value"], plain=searched.plain):
            return True
    if searched.plain and any(
        _like_a_token(match["value"]) for match in _PASSWORD_OPTION.finditer(searched.text)
    ):
        return True
    for at in searched.positions(*_PROGRAM_SIGNS):
        match = _PROGRAM.match(searched.text, at)
        if match and _is_value(match["d"] or match["s"] or match["b"], plain=searched.plain):
            return True
    return False


_LOOKS: Final[tuple[tuple[str, Callable[[_Searched], bool]], ...]] = (
    ("an address with a password in it", _address),
    ("an address with a key in it", _query),
    ("a private key", _private_key),
    ("a script that turns a literal into a secure string", _secure_string),
    ("an authorization header", _authorization),
    ("a token that is known by its beginning", _token),
    ("a script that makes credentials of a literal", _credential),
    ("a command line with a password in it", _command_line),
)


def _like_a_token(token: str) -> bool:
    """Tell a token from a word of a sentence, which follows 'basic' and 'bearer' as well."""
    return (
        "=" in token
        or any(character.isdigit() for character in token)
        or (not token.islower() and not token.isupper() and not token.istitle())
    )


def _assigned_secret(searched: _Searched) -> str | None:
    text, plain = searched.text, searched.plain
    for start, end, short in word_places(searched.lower, searched.absent):
        searched.hit()
        if short and not says_secret(_identifier(text, start, end)):
            continue
        if _is_assigned(text, start, end, plain=plain, short=short) and _speaks_of_a_secret(text, start, end):
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


def _is_assigned(text: str, start: int, end: int, *, plain: bool, short: bool = False) -> bool:
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
        bare = match is not None and (plain or _like_a_token(match["b"] or ""))
        named = match is not None and says_secret(switch["start"] + text[start:end] + match["rest"])
        if match and named and _is_match(match, plain=plain, bare=bare):
            return True
    word = text[start:end]
    return _is_paired(text, start, window, plain=plain) or _is_element(word, before, window, plain=plain)


def _is_match(match: re.Match[str], *, plain: bool, bare: bool) -> bool:
    groups = match.groupdict()
    if groups.get("h"):
        return _is_value(groups["h"], plain=True)
    value = groups["d"] or groups["s"] or (groups["b"] if bare else "") or ""
    return _is_value(value, plain=plain, literal=groups["s"] is not None)


def _is_paired(text: str, start: int, window: str, *, plain: bool) -> bool:
    for pattern in _PAIRS:
        match = pattern.match(window)
        if match:
            return _is_match(match, plain=plain, bare=plain or _like_a_token(match["b"] or ""))
    before = text[max(0, start - _FAR_BEFORE) : start]
    match = _SECOND_ARGUMENT.match(window) if _CALL_BEFORE.search(before) else None
    if match and _is_value(match["d"] or match["s"], plain=plain, literal=match["s"] is not None):
        return True
    match = _VARIABLE_VALUE.match(window) if _VARIABLE_BEFORE.search(before) else None
    if match and _is_match(match, plain=plain, bare=plain or _like_a_token(match["b"] or "")):
        return True
    match = _IS_TOLD.match(window)
    if match and any(sign.isdigit() for sign in match["value"]):  # else a word of the sentence
        return _is_value(match["value"], plain=plain)
    match = _PAIR_BEFORE.search(before)
    return match is not None and _is_value(match["b"], plain=plain)


def _is_element(word: str, before: str, window: str, *, plain: bool) -> bool:
    tag = _TAG_BEFORE.search(before)
    match = _ELEMENT.match(window) if tag else None
    if tag is None or match is None or not says_secret(tag["start"] + word + match["rest"]):
        return False
    return _is_value(match["value"], plain=plain)


def _is_value(value: str, *, plain: bool, literal: bool = False, shortest: int = _SHORTEST_SECRET) -> bool:
    """Whether what stands where a secret would is one, rather than code, a placeholder or a mask."""
    value = value.strip()
    if len(value) < shortest:
        return False
    if plain or (literal and _LITERAL_DOLLAR.match(value)):
        return not _PLACEHOLDER.match(value)
    return not _NO_VALUE.match(value)


def _in_variable(text: str, start: int) -> bool:
    """Whether a word belongs to a script variable or a member of one: `$dbPassword`, `$x.Password`."""
    begin = start
    while begin > 0 and start - begin < _BEFORE and (text[begin - 1].isalnum() or text[begin - 1] in "_.:-$"):
        begin -= 1
        if text[begin] == "$":
            return True
    return False
