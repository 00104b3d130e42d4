"""What values and scripts need at run time: files, modules, drivers, addresses (domain/ma_xml.md 7.4).

Found by the look of the text, so never complete: code that builds a path from pieces is not understood.
What is found is shown, so a value that looks like a secret is not searched at all, and of the others only
names are taken: what could be an argument, user information, or the next pair of a connection string ends
them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from string import ascii_letters, digits
from typing import Final

from mim2ecma.documents.limits import MIB
from mim2ecma.management_agent.model import Parameter
from mim2ecma.management_agent.secrets import reveals_secret
from mim2ecma.management_agent.vocabulary import Vocabulary, lowered, places

MAX_SEARCHED: Final = MIB
"""Most text searched in one management agent; real ones have 100 KB (7.3)."""

_MAX_NEEDS: Final = 500  # more than a person reads; hostile values could hold millions
_MAX_HITS: Final = 5_000  # places looked at for one sign in one value
_LONGEST_SCHEME: Final = 16  # of an address
_INSIDE_A_NAME: Final = frozenset("\\abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_BACK: Final = 200  # longest file name looked for in front of its extension
_SHORT: Final = 260  # values up to a Windows path's length can be one path or address as a whole

WEB_SERVICE_DLL: Final = "microsoft.identitymanagement.ma.webservices.dll"
"""Microsoft's web service connector: its project drop-down names a `.wsconfig` without the ending (7.4)."""

_ENDINGS: Final = "ps1|psm1|psd1|dll|exe|wsconfig|dsn|udl|p12|pfx|pem|cer|csv|xml|xsl|xslt|json|config"
_EXTENSION = re.compile(rf"\.(?:{_ENDINGS})(?![\w.(\-])")  # in lower case
# A path ends at its extension, unless a folder is called so; behind it are arguments, and maybe a secret.
_END_OF_PATH = re.compile(
    rf"\.(?:{_ENDINGS}|cmd|bat|vbs|js|py|jar|msi|txt|log|ini|ldif|zip)(?![\w.(\-\\])", re.IGNORECASE
)
_ARGUMENT = re.compile(r"\s(?:[-/]{1,2}\w|\w{1,40}\s?[=:](?!\\))")
_NAME_CHARACTERS: Final = f"{ascii_letters}{digits}_$:.\\/%-"
_VARIABLE = re.compile(r"\$\w[\w.:]{0,100}\Z")
_NO_FILE_NAME = re.compile(r"[\r\n<>|*?;={}]")
_ABSOLUTE = re.compile(r"(?:[A-Za-z]:\\|\\\\(?=[A-Za-z0-9.]))[^\s\"'<>|*?;,(){}\[\]$`]{1,240}")
_QUOTED_ABSOLUTE = re.compile(r"(?:[A-Za-z]:\\|\\\\(?=[\w.]))[^\"'<>|*?\r\n]{1,240}(?=[\"'])")
_MODULE = re.compile(
    r"(?:import-module|add-pssnapin|using\s{1,4}module|#requires\s{1,4}-modules?)\s{1,4}"
    r"(?:-(?:name|force|global|passthru|disablenamechecking|noclobber|verbose|usewindowspowershell"
    r"|skipeditioncheck)\s{1,4}){0,6}(?:@\{\s{0,4}modulename\s{0,4}=\s{0,4})?",
    re.IGNORECASE,
)
_MODULE_NAME = re.compile(
    r"(?:([\"'])(?P<quoted>[\w.:\\/\-$ ()]{2,200})\1|[\"']?(?P<bare>[\w.:\\/\-$]{2,200}))"
    r"(?P<comma>\s{0,4},\s{0,4})?"
)
_MAX_MODULES: Final = 20  # of one list
_REQUIRES: Final = "#requires"
_MODULE_SIGNS: Final = ("import-module", "add-pssnapin", "using module", _REQUIRES)
_ABSOLUTE_SIGNS: Final = (":\\", "\\\\")
_DRIVER_SIGNS: Final = ("driver", "provider")
_DSN_SIGNS: Final = ("dsn",)
_SERVER_SIGNS: Final = ("data source", "server", "host")
_ADDRESS_SIGNS: Final = ("://",)
# A blank belongs to a name of a connection string unless the next pair begins behind it.
_NEXT_PAIR = r"\s{1,4}(?:[-/]|\w{1,40}\s?=)"
_DRIVER = re.compile(
    r"(?:driver\s?=\s?\{([^};=\r\n]{1,80})\}"
    r"|provider\s?=\s?([\w.]{2,60}(?: (?!\w{1,40}\s?=)[\w.]{1,40}){0,4}))",
    re.IGNORECASE,
)
_DSN = re.compile(
    rf"dsn\s?=\s?([^;,\"'\r\n=$]{{1,200}}?)(?=\s{{0,4}}(?:[;,\"'\r\n]|\Z)|{_NEXT_PAIR})", re.IGNORECASE
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,15}\Z")
_LABEL = r"[A-Za-z0-9_][A-Za-z0-9_\-]{0,62}"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL}){{0,30}}|\[[0-9A-Fa-f:.]{{2,45}}\])"
_LONGEST_AUTHORITY: Final = 512  # 253 of a host, and user information; a longer one is left out
_AUTHORITY = re.compile(rf"[^/?#\\\s\"'<>`,;(){{}}|]{{1,{_LONGEST_AUTHORITY}}}")
_HOST_AND_PORT = re.compile(rf"{_HOST}(?::\d{{1,5}})?\Z")
_REST = re.compile(rf"[^\s<>]{{0,{_LONGEST_AUTHORITY}}}")
_PATH_ONLY = re.compile(r"/[^?#]*")
_HOST_PORT = re.compile(rf"(?=[^:]*[A-Za-z.]){_HOST}:\d{{2,5}}\Z")
# Namespaces of XML and shells: written like addresses, reached by nobody.
_NAMESPACES: Final = frozenset(
    {
        "docs.oasis-open.org",
        "schemas.dmtf.org",
        "schemas.microsoft.com",
        "schemas.openxmlformats.org",
        "schemas.xmlsoap.org",
        "tempuri.org",
        "www.w3.org",
    }
)
_SERVER = re.compile(
    rf"(?:data source|server|host)\s?=\s?((?:(?:tcp|np|lpc|admin):)?(?:{_HOST}|\.|\(local\))(?:\\{_LABEL})?"
    r"(?:[,:]\d{1,5})?)\s{0,4}(?=[;\"']|\Z)",
    re.IGNORECASE,
)
_HOST_VALUE = re.compile(rf"(?:{_HOST}|\.)(?:\\{_LABEL})?(?:[,:]\d{{1,5}})?\Z")
_BETWEEN_PAIRS: Final = frozenset("\"'({;")
# A quoted key may hold blanks; elsewhere they end it. What begins with '-' or '/' is an argument.
_KEY = r"(?:(?:HKLM|HKCU|HKCR):|HKEY_[A-Z_]{4,20})\\[\w\\.\-]{1,200}"
_REGISTRY = re.compile(_KEY, re.IGNORECASE)
_QUOTED_REGISTRY = re.compile(rf"{_KEY}(?: (?![-/])[\w\\.\-]{{1,60}}){{0,10}}(?=[\"']|\Z)", re.IGNORECASE)
_REGISTRY_SIGNS: Final = ("hklm:", "hkcu:", "hkcr:", "hkey_")
_SIGNS: Final = (
    *(*_MODULE_SIGNS, *_ABSOLUTE_SIGNS, *_DRIVER_SIGNS, *_DSN_SIGNS, *_SERVER_SIGNS, *_ADDRESS_SIGNS),
    *_REGISTRY_SIGNS,
)
_HOST_NAMES: Final = frozenset({"host", "hostname", "host name", "server", "server name", "port"})
_NAMES_A_HOST = re.compile(r"host|server|address|ur[il]\b|endpoint|target|node|domain", re.IGNORECASE)

_MAX_SIGNS: Final = 100_000  # signs of comments looked at in one script
_QUOTE = re.compile(r"[\"']")
_STRING = re.compile(r"\"[^\"\r\n]*\"|'[^'\r\n]*'")
_IN_FRONT_OF_A_COMMENT: Final = frozenset(" \t\r\n;(){}|,")


class NeedKind(StrEnum):
    """What is needed; the texts appear in findings."""

    FILE = "file"
    MODULE = "module"
    DRIVER = "driver"
    DATA_SOURCE = "data source name"
    ADDRESS = "address"
    REGISTRY = "registry key"


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """One thing a value refers to.

    Attributes:
        kind: What it is.
        text: Its name as the value writes it, without credentials.
        where: The parameter.
    """

    kind: NeedKind
    text: str
    where: str


class _Searched:
    """A text that is searched.

    Attributes:
        text: The text.
        lower: The same in lower case.
        whole: Whether it may be one name, rather than a script.
    """

    def __init__(self, text: str, present: Container[str], *, whole: bool) -> None:
        self.text, self.lower, self.whole, self._present = text, lowered(text), whole, present

    def positions(self, *signs: str) -> Iterator[int]:
        """Where a few signs stand; those that no text holds are not looked for."""
        for sign in signs:
            if sign in self._present:
                yield from islice(places(self.lower, sign), _MAX_HITS)

    def matches(self, pattern: re.Pattern[str], signs: Iterable[str]) -> Iterator[re.Match[str]]:
        """Matches at the places of a few words, which are found far faster than a pattern without case."""
        for position in self.positions(*signs):
            match = pattern.match(self.text, position)
            if match:
                yield match


def find_needs(
    parameters: Iterable[Parameter],
    connector_dll: str | None,
    *,
    suspicious: Container[Parameter] | None = None,
    vocabulary: Vocabulary | None = None,
) -> tuple[Need, ...]:
    """Collect what the values of a management agent refer to.

    Args:
        parameters: All values: of the configuration, the partitions and the run steps.
        connector_dll: Name of the connector's DLL, since some connectors leave out an ending.
        suspicious: Values that look like secrets; they are looked for when left out.
        vocabulary: Of all their texts, where it is known before.

    Returns:
        Sorted and each once per parameter, whatever its case; at most 500. Nothing of a suspicious value,
        however long: which lines of a script its secret spreads over is not known.
    """
    found: dict[tuple[NeedKind, str, str], Need] = {}
    left = MAX_SEARCHED
    present = (vocabulary or Vocabulary()).present(_SIGNS)
    for parameter in parameters:
        left -= len(parameter.text)
        if parameter.encrypted or not parameter.text or left < 0 or _is_suspicious(parameter, suspicious):
            continue
        for kind, text in _search(parameter, connector_dll, present):
            need = Need(kind, text.strip(), parameter.name)
            found.setdefault((kind, need.text.lower(), need.where), need)
            if len(found) >= _MAX_NEEDS:
                return tuple(sorted(found.values()))
    return tuple(sorted(found.values()))


def is_searched_in_parts(text: str) -> bool:
    """Whether a value is a script or another text, rather than one name."""
    return len(text) > _SHORT or "\n" in text


def _is_suspicious(parameter: Parameter, suspicious: Container[Parameter] | None) -> bool:
    if suspicious is not None:
        return parameter in suspicious
    return reveals_secret(parameter.name, parameter.type, parameter.text) is not None


def _search(
    parameter: Parameter, connector_dll: str | None, present: Collection[str]
) -> Iterator[tuple[NeedKind, str]]:
    text = parameter.text
    whole = not is_searched_in_parts(text)
    if whole and parameter.name.lower() in _HOST_NAMES and _HOST_VALUE.match(text):
        yield NeedKind.ADDRESS, f"{parameter.name} {text}"
    elif whole and _is_host_and_port(parameter.name, text):
        yield NeedKind.ADDRESS, text
    if whole and _is_project(parameter, connector_dll):
        yield NeedKind.FILE, text if text.lower().endswith(".wsconfig") else f"{text}.wsconfig"
        return
    if whole and _is_one_path(text):
        path = _path(text)
        if path:
            yield NeedKind.FILE, path
        text = text[len(path) :] if path else ""
    elif not whole:
        text = _without_comments(text)
    searched = _Searched(text, present, whole=whole)
    if "." not in text and not any(sign in searched.lower for sign in present):
        return
    yield from _paths(searched)
    for match in searched.matches(_MODULE, _MODULE_SIGNS):
        for name in _module_names(text, match.end()):
            yield NeedKind.MODULE, name
    yield from _connection(searched)
    yield from _registry_keys(searched)


def _without_comments(text: str) -> str:
    """Leave out PowerShell's comments: copyright headers name files that nothing reads."""
    kept: list[str] = []
    begin = at = 0
    for _ in range(_MAX_SIGNS):
        sign = text.find("#", at)
        if sign < 0:
            break
        # A string ends on its line, so only the line in front of the sign can say that it stands in one.
        at = max(at, text.rfind("\n", at, sign) + 1)
        if text[at:sign].strip():
            at, within = _behind_strings(text, at, sign)
            if within:
                continue
        start, end = sign, -1
        if text[sign - 1 : sign] == "<" and sign - 1 >= at:
            start, end = sign - 1, text.find("#>", sign - 1)
            end += 2 if end >= 0 else 0
        elif _begins_comment(text, sign):
            end = text.find("\n", sign)
        else:
            at = sign + 1
            continue
        kept.append(text[begin:start])
        begin = at = end if end >= 0 else len(text)
    kept.append(text[begin:])
    return " ".join(kept)


def _begins_comment(text: str, start: int) -> bool:
    alone = start == 0 or text[start - 1] in _IN_FRONT_OF_A_COMMENT
    return alone and text[start : start + len(_REQUIRES)].lower() != _REQUIRES


def _behind_strings(text: str, at: int, sign: int) -> tuple[int, bool]:
    """The end of the last string that begins between `at` and a sign, and whether the sign stands in it."""
    while at < sign and (quote := _QUOTE.search(text, at, sign)):
        string = _STRING.match(text, quote.start())
        at = string.end() if string else quote.end()
    return at, at > sign


def _is_host_and_port(name: str, text: str) -> bool:
    """Whether a value is host and port, and not perhaps a user and a number."""
    if not _HOST_PORT.match(text) or re.match(r"[A-Za-z]:", text):
        return False
    return "." in text or _NAMES_A_HOST.search(name) is not None


def _is_project(parameter: Parameter, connector_dll: str | None) -> bool:
    return (connector_dll or "").lower() == WEB_SERVICE_DLL and "project" in parameter.name.lower()


def _is_one_path(text: str) -> bool:
    if re.match(r"(?:[A-Za-z]:\\|\\\\[\w.])[^<>|*?\"]*\Z", text):
        return True
    match = _EXTENSION.search(lowered(text))
    return match is not None and match.end() == len(text) and not re.search(r"[<>|*?\"'=;:(){}]", text)


def _path(text: str) -> str:
    """A path up to its extension or to the first argument; empty when what is left is no path."""
    for end in (_END_OF_PATH.search(text), _ARGUMENT.search(text)):
        if end:
            text = text[: end.end() if end.re is _END_OF_PATH else end.start()]
    return "" if "=" in text or ":" in text[2:] else text.strip()


def _paths(searched: _Searched) -> Iterator[tuple[NeedKind, str]]:
    text = searched.text
    covered: list[tuple[int, int]] = []
    for at in sorted(searched.positions(*_ABSOLUTE_SIGNS)):
        start = at - 1 if text[at] == ":" else at
        if start < 0 or (covered and start < covered[-1][1]) or (start and text[start - 1] in _INSIDE_A_NAME):
            continue
        quoted = start > 0 and text[start - 1] in "\"'"
        match = (_QUOTED_ABSOLUTE.match(text, start) if quoted else None) or _ABSOLUTE.match(text, start)
        if match:
            covered.append(match.span())
            path = _path(match[0])
            if path:
                yield NeedKind.FILE, path
    ends = [end for _, end in covered]
    for match in islice(_EXTENSION.finditer(searched.lower), _MAX_HITS):
        index = bisect_left(ends, match.end())
        if index < len(covered) and covered[index][0] <= match.start():
            continue
        before = text[max(0, match.start() - _BACK) : match.start()]
        quoted = text[match.end() : match.end() + 1] in {'"', "'"}
        name = _name_before(before, quoted=quoted)
        if not quoted and _VARIABLE.match(name):
            continue  # a member: $response.json
        if name.strip(".\\/ $"):
            yield NeedKind.FILE, name + text[match.start() : match.end()]


def _name_before(before: str, *, quoted: bool) -> str:
    """The part of a file name in front of its ending: back to the quote, or over what names are made of."""
    if quoted:
        name = before[max(before.rfind('"'), before.rfind("'")) + 1 :]
        if (
            name != before
            and not _NO_FILE_NAME.search(name)
            and not _ARGUMENT.search(name)
            and ":" not in name
        ):
            return name
    name = before[len(before.rstrip(_NAME_CHARACTERS)) :]
    if "://" in name:
        return ""
    head, colon, tail = name.rpartition(":")
    return name if colon and (len(head) == 1 or head.startswith("$")) else tail


def _module_names(text: str, at: int) -> Iterator[str]:
    """Names of a list of modules; variables name none, and one that is a file is told as that."""
    for _ in range(_MAX_MODULES):
        match = _MODULE_NAME.match(text, at)
        if match is None:
            return
        name = (match["quoted"] or match["bare"]).strip()
        is_file = name[1:3] == ":\\" or name.startswith("\\\\") or _EXTENSION.search(lowered(name))
        is_name = name and name[0] not in "$-" and not (match["quoted"] and _ARGUMENT.search(name))
        if is_name and not is_file:
            yield name
        if match["comma"] is None:
            return
        at = match.end()


def _connection(searched: _Searched) -> Iterator[tuple[NeedKind, str]]:
    """Drivers, data sources and addresses; what stands for user and password is not part of any of them."""
    text = searched.text
    for match in searched.matches(_DRIVER, _DRIVER_SIGNS):
        yield NeedKind.DRIVER, match[1] or match[2]
    for match in searched.matches(_DSN, _DSN_SIGNS):
        yield NeedKind.DATA_SOURCE, match[1]
    if searched.whole and "=" in text:
        for match in searched.matches(_SERVER, _SERVER_SIGNS):
            before = text[: match.start()].rstrip()
            if not before or before[-1] in _BETWEEN_PAIRS:
                yield NeedKind.ADDRESS, match[1]
    for at in searched.positions(*_ADDRESS_SIGNS):
        scheme = _SCHEME.search(text, max(0, at - _LONGEST_SCHEME), at)
        host = (
            _host_of_address(text, at + 3, quote=text[scheme.start() - 1 : scheme.start()])
            if scheme
            else None
        )
        if scheme and host and host.lower() not in _NAMESPACES:
            yield NeedKind.ADDRESS, f"{scheme[0].lower()}://{host}"


def _host_of_address(text: str, start: int, *, quote: str) -> str | None:
    """Host and port behind `://`; user information before them ends at the last '@'. `None` when unclear."""
    authority = _AUTHORITY.match(text, start)
    if authority is None or len(authority[0]) == _LONGEST_AUTHORITY:
        return None
    _, sign, host = authority[0].rpartition("@")
    if not _HOST_AND_PORT.match(host):
        return None
    if sign or ":" in host:
        # A password may hold what ends an authority; then another '@' follows, and this is no host.
        rest = _REST.match(text, authority.end())
        left = rest[0] if rest else ""
        if quote in {'"', "'"}:
            left, _, behind = left.partition(quote)
            if behind[:1].isalnum():
                return None
        path = _PATH_ONLY.match(left) if not sign else None
        if "@" in (path[0] if path else left):
            return None
    return host


def _registry_keys(searched: _Searched) -> Iterator[tuple[NeedKind, str]]:
    text = searched.text
    for at in searched.positions(*_REGISTRY_SIGNS):
        alone = at == 0 or text[at - 1] in "\"'"
        match = (_QUOTED_REGISTRY.match(text, at) if alone else None) or _REGISTRY.match(text, at)
        if match:
            yield NeedKind.REGISTRY, match[0]
