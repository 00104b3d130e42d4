"""What values and scripts need at run time: files, modules, drivers, addresses (domain/ma_xml.md 7.4).

Found by the look of the text, so never complete: code that builds a path from pieces is not understood.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from string import ascii_letters, digits
from typing import Final

from mim2ecma.documents.limits import MIB
from mim2ecma.management_agent.model import Parameter
from mim2ecma.management_agent.secrets import reveals_secret

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

_EXTENSION = re.compile(
    r"\.(?:ps1|psm1|psd1|dll|exe|wsconfig|dsn|udl|p12|pfx|pem|cer|csv|xml|xsl|xslt|json|config)(?![\w.(\-])",
    re.IGNORECASE,
)
_NAME_CHARACTERS: Final = f"{ascii_letters}{digits}_$:.\\/%-"
_NO_FILE_NAME = re.compile(r"[\r\n<>|*?;={}]")
_ABSOLUTE = re.compile(r"(?:[A-Za-z]:\\|\\\\(?=[A-Za-z0-9.]))[^\s\"'<>|*?;,(){}\[\]$`]{1,240}")
_QUOTED_ABSOLUTE = re.compile(r"(?:[A-Za-z]:\\|\\\\(?=[\w.]))[^\"'<>|*?\r\n]{1,240}(?=[\"'])")
_MODULE = re.compile(
    r"(?:import-module|add-pssnapin|using\s{1,4}module|#requires\s{1,4}-modules?)\s{1,4}"
    r"(?:-name\s{1,4})?[\"']?([\w.:\\\-$]{2,200})",
    re.IGNORECASE,
)
_MODULE_SIGNS: Final = ("import-module", "add-pssnapin", "using module", "#requires")
_DRIVER = re.compile(r"(?:driver\s?=\s?\{([^}\r\n]{1,80})\}|provider\s?=\s?([\w. ]{2,60}))", re.IGNORECASE)
_DSN = re.compile(r"dsn\s?=\s?([^;\"'\r\n]{1,200})", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,15}\Z")
_AUTHORITY = re.compile(r"://(?:[^/@\s\"']{0,256}@)?([A-Za-z0-9._\-]{1,253}(?::\d{1,5})?)")
_HOST_PORT = re.compile(r"(?=[^:]*[A-Za-z.])[A-Za-z0-9][A-Za-z0-9._\-]{0,252}:\d{2,5}\Z")
_SERVER = re.compile(r"(?:data source|server|host)\s?=\s?([A-Za-z0-9._\\,:\-]{1,253})", re.IGNORECASE)
_REGISTRY = re.compile(
    r"(?:HKLM|HKCU|HKCR):\\[\w\\. \-]{1,200}|HKEY_[A-Z_]{4,20}\\[\w\\. \-]{1,200}", re.IGNORECASE
)
_REGISTRY_SIGNS: Final = ("hklm:", "hkcu:", "hkcr:", "hkey_")
_HOST_NAMES: Final = frozenset({"host", "hostname", "host name", "server", "server name", "port"})


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


def find_needs(parameters: Iterable[Parameter], connector_dll: str | None) -> tuple[Need, ...]:
    """Collect what the values of a management agent refer to.

    Args:
        parameters: All values: of the configuration, the partitions and the run steps.
        connector_dll: Name of the connector's DLL, since some connectors leave out an ending.

    Returns:
        Sorted and each once per parameter; at most 500. Values that look like secrets are not searched as a
        whole, only for names that a secret is not part of.
    """
    found: dict[Need, None] = {}
    left = MAX_SEARCHED
    for parameter in parameters:
        left -= len(parameter.text)
        if parameter.encrypted or not parameter.text or left < 0:
            continue
        for kind, text in _search(parameter, connector_dll):
            found[Need(kind, text.strip(), parameter.name)] = None
            if len(found) >= _MAX_NEEDS:
                return tuple(sorted(found))
    return tuple(sorted(found))


def _search(parameter: Parameter, connector_dll: str | None) -> Iterator[tuple[NeedKind, str]]:
    text = parameter.text
    whole = len(text) <= _SHORT and "\n" not in text
    if whole and reveals_secret(parameter.name, parameter.type, text):
        yield from _connection(text, text.lower(), whole=True)
        return
    if whole and parameter.name.lower() in _HOST_NAMES:
        yield NeedKind.ADDRESS, f"{parameter.name} {text}"
    elif whole and _HOST_PORT.match(text) and not re.match(r"[A-Za-z]:", text):
        yield NeedKind.ADDRESS, text
    if whole and _is_project(parameter, connector_dll):
        yield NeedKind.FILE, text if text.lower().endswith(".wsconfig") else f"{text}.wsconfig"
        return
    if whole and _is_one_path(parameter, text):
        yield NeedKind.FILE, text
        return
    lower = text.lower()
    yield from _paths(text, lower)
    for match in _at(_MODULE, text, lower, _MODULE_SIGNS):
        if not match[1].startswith("$"):
            yield NeedKind.MODULE, match[1]
    yield from _connection(text, lower, whole=whole)
    for match in _at(_REGISTRY, text, lower, _REGISTRY_SIGNS):
        yield NeedKind.REGISTRY, match[0]


def _is_project(parameter: Parameter, connector_dll: str | None) -> bool:
    return (connector_dll or "").lower() == WEB_SERVICE_DLL and "project" in parameter.name.lower()


def _is_one_path(parameter: Parameter, text: str) -> bool:
    if parameter.type.lower() == "file":
        return _EXTENSION.search(text.lower()) is not None
    if re.match(r"(?:[A-Za-z]:\\|\\\\[\w.])[^<>|*?\"]*\Z", text):
        return True
    match = _EXTENSION.search(text.lower())
    return match is not None and match.end() == len(text) and not re.search(r"[<>|*?\"'=;(){}]|://", text)


def _paths(text: str, lower: str) -> Iterator[tuple[NeedKind, str]]:
    covered: list[tuple[int, int]] = []
    for at in sorted((*_positions(text, ":\\"), *_positions(text, "\\\\"))):
        start = at - 1 if text[at] == ":" else at
        if start < 0 or (covered and start < covered[-1][1]) or (start and text[start - 1] in _INSIDE_A_NAME):
            continue
        quoted = start > 0 and text[start - 1] in "\"'"
        match = (_QUOTED_ABSOLUTE.match(text, start) if quoted else None) or _ABSOLUTE.match(text, start)
        if match:
            covered.append(match.span())
            yield NeedKind.FILE, match[0]
    ends = [end for _, end in covered]
    for match in _limited(_EXTENSION.finditer(lower)):
        index = bisect_left(ends, match.end())
        if index < len(covered) and covered[index][0] <= match.start():
            continue
        before = text[max(0, match.start() - _BACK) : match.start()]
        name = _name_before(before, quoted=text[match.end() : match.end() + 1] in {'"', "'"})
        if name.strip(".\\/ $"):
            yield NeedKind.FILE, name + text[match.start() : match.end()]


def _name_before(before: str, *, quoted: bool) -> str:
    """The part of a file name in front of its ending: back to the quote, or over what names are made of."""
    if quoted:
        name = before[max(before.rfind('"'), before.rfind("'")) + 1 :]
        if name != before and not _NO_FILE_NAME.search(name):
            return name
    return before[len(before.rstrip(_NAME_CHARACTERS)) :]


def _connection(text: str, lower: str, *, whole: bool) -> Iterator[tuple[NeedKind, str]]:
    """Drivers, data sources and addresses; what stands for user and password is not part of any of them."""
    for match in _at(_DRIVER, text, lower, ("driver", "provider")):
        yield NeedKind.DRIVER, match[1] or match[2]
    for match in _at(_DSN, text, lower, ("dsn",)):
        yield NeedKind.DATA_SOURCE, match[1]
    if whole and "=" in text:
        for match in _at(_SERVER, text, lower, ("data source", "server", "host")):
            yield NeedKind.ADDRESS, match[1]
    for at in _positions(text, "://"):
        scheme = _SCHEME.search(text, max(0, at - _LONGEST_SCHEME), at)
        authority = _AUTHORITY.match(text, at)
        if scheme and authority:
            yield NeedKind.ADDRESS, f"{scheme[0].lower()}://{authority[1]}"


def _at(pattern: re.Pattern[str], text: str, lower: str, signs: Iterable[str]) -> Iterator[re.Match[str]]:
    """Matches at the places of a few words; looking for words costs far less than a pattern without case."""
    for sign in signs:
        for position in _positions(lower, sign):
            match = pattern.match(text, position)
            if match:
                yield match


def _positions(text: str, sign: str) -> Iterator[int]:
    at, hits = text.find(sign), 0
    while at >= 0 and hits < _MAX_HITS:
        hits += 1
        yield at
        at = text.find(sign, at + len(sign))


def _limited(matches: Iterator[re.Match[str]]) -> Iterator[re.Match[str]]:
    return islice(matches, _MAX_HITS)
