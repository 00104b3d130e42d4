"""Secrets told by their shape: addresses with passwords, keys, tokens, credentials (domain/ma_xml.md 9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from mim2ecma.management_agent.secret_values import (
    QUOTED,
    VALUE,
    Searched,
    is_like_a_token,
    is_placeholder,
    is_value,
)

_FAR_BEFORE: Final = 320  # window in front of a sign: a literal that is piped on

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
    rf"""{_ARGUMENT}\s{{0,8}},\s{{0,8}}{QUOTED}""",
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
    rf"""{VALUE}""",
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
    r"""[^\s:@/\\=;,"'|]{1,64}+:(?!//)[^\s;,"']{1,128}@[A-Za-z0-9\[]"""
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
_TOKEN_BEGINNINGS: Final = {
    beginning.lower(): beginning
    for beginning in (
        *("eyJ", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AKIA", "ASIA"),
        *("AIza", "k_live_", "k_test_", "hvs.", "hvb.", "SG."),
    )
}
_ENTRA_SECRET = re.compile(r"\dQ~[\w~.\-]{25}")
_PRIVATE_KEY = re.compile(r"-----begin [a-z ]{0,30}private key-----|putty-user-key-file-\d")


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of a secret.

    Attributes:
        phrase: What it looks like, for a finding.
        signs: What stands in each such text, in lower case. Without any of them no pattern need be tried at
            every character of a long script.
        found_in: Whether it is in a text; it is told which of the signs the text may hold.
        plain_only: Whether it is looked for in values only, as code looks like it.
    """

    phrase: str
    signs: tuple[str, ...]
    found_in: Callable[[Searched, Iterable[str]], bool]
    plain_only: bool = False


def _user_at_host(searched: Searched, signs: Iterable[str]) -> bool:
    return searched.holds_any(signs) and _USER_AT_HOST.search(searched.text) is not None


def _whole_address(searched: Searched, _signs: Iterable[str]) -> bool:
    """Whether a value is one address with user information, whatever characters the password is made of."""
    match = _WHOLE_ADDRESS.match(searched.text)
    value = match["value"] if match else ""
    return not _PORT_AND_QUERY.match(value) and is_value(value, plain=True)


def _address(searched: Searched, signs: Iterable[str]) -> bool:
    for at in searched.positions(signs):
        for pattern in _USER_INFO:
            match = pattern.match(searched.text, at + 3)
            if match and is_value(match["value"], plain=searched.plain, shortest=1):
                return True
    return False


def _query(searched: Searched, signs: Iterable[str]) -> bool:
    return searched.holds_any(signs) and any(
        match["t"] is None or (is_like_a_token(match["t"]) and not is_placeholder(match["t"]))
        for match in _QUERY.finditer(searched.text)
    )


def _private_key(searched: Searched, signs: Iterable[str]) -> bool:
    return searched.holds_any(signs) and _PRIVATE_KEY.search(searched.lower) is not None


def _secure_string(searched: Searched, signs: Iterable[str]) -> bool:
    for at in searched.positions(signs):
        if _PIPED_BEFORE.search(searched.text[max(0, at - _FAR_BEFORE) : at]):
            return True
        match = _SECURE_STRING.match(searched.text, at)
        if match and (match["b"] is None or _AS_PLAIN_TEXT.match(searched.text, at)):
            return True
    return False


def _authorization(searched: Searched, signs: Iterable[str]) -> bool:
    return any(
        is_like_a_token(match[0].rsplit(maxsplit=1)[-1])
        for at in searched.positions(signs)
        if (match := _AUTHORIZATION.match(searched.text, at))
    )


def _token(searched: Searched, signs: Iterable[str]) -> bool:
    begins = any(_TOKEN_BEGINNINGS[sign] in searched.text for sign in signs)
    return begins and _TOKEN.search(searched.text) is not None


def _entra_secret(searched: Searched, signs: Iterable[str]) -> bool:
    return searched.holds_any(signs) and _ENTRA_SECRET.search(searched.text) is not None


def _credential(searched: Searched, signs: Iterable[str]) -> bool:
    for at in searched.positions(signs):
        match = _CREDENTIAL.match(searched.text, at)
        if match and is_value(match["d"] or match["s"], plain=searched.plain, literal=match["s"] is not None):
            return True
    return False


def _argument_of(pattern: re.Pattern[str]) -> Callable[[Searched, Iterable[str]], bool]:
    """Make a search for a pattern that begins at a sign and whose `value`, or `VALUE`, is the secret."""

    def found_in(searched: Searched, signs: Iterable[str]) -> bool:
        for at in searched.positions(signs):
            match = pattern.match(searched.text, at)
            groups = match.groupdict() if match else {}
            value = groups.get("value") or groups.get("d") or groups.get("s") or groups.get("b") or ""
            if is_value(value, plain=searched.plain):
                return True
        return False

    return found_in


def _password_option(searched: Searched, signs: Iterable[str]) -> bool:
    return searched.holds_any(signs) and any(
        is_like_a_token(match["value"]) for match in _PASSWORD_OPTION.finditer(searched.text)
    )


_IN_ADDRESS: Final = "an address with a password in it"
_BY_BEGINNING: Final = "a token that is known by its beginning"
_IN_COMMAND_LINE: Final = "a command line with a password in it"
_PROGRAMS: Final = ("sqlcmd", "osql", "psexec", "sshpass", "net use", "mysql", "7z")

SHAPES: Final = (
    Shape(_IN_ADDRESS, ("@",), _user_at_host, plain_only=True),
    Shape(_IN_ADDRESS, ("://",), _whole_address, plain_only=True),
    Shape(_IN_ADDRESS, ("://",), _address),
    Shape("an address with a key in it", ("code=", "key=", "auth=", "sig=", "signature="), _query),
    Shape("a private key", ("private key-----", "putty-user-key-file"), _private_key),
    Shape("a script that turns a literal into a secure string", ("convertto-securestring",), _secure_string),
    Shape("an authorization header", ("bearer ", "basic ", "ssws ", "apikey "), _authorization),
    Shape(_BY_BEGINNING, tuple(_TOKEN_BEGINNINGS), _token),
    Shape(_BY_BEGINNING, ("q~",), _entra_secret),
    Shape("a script that makes credentials of a literal", ("credential",), _credential),
    Shape(_IN_COMMAND_LINE, ("curl",), _argument_of(_CURL)),
    Shape(_IN_COMMAND_LINE, ("tobase64string",), _argument_of(_ENCODED_PAIR)),
    Shape(_IN_COMMAND_LINE, ("-p", "/p"), _password_option, plain_only=True),
    Shape(_IN_COMMAND_LINE, _PROGRAMS, _argument_of(_PROGRAM)),
)
"""Every shape, in the order of the phrases: the first that is found is told."""
