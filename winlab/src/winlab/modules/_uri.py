"""URIs as `System.Uri` of the .NET Framework 4 reads and prints them, as far as a web request needs them.

Sources: Microsoft Learn, "System.Uri" (implicit file paths, canonical form, `ToString`: everything is
unescaped but `#`, `?` and `%`), "schemeSettings element" (escaped slashes and dots of a path are unescaped
before it is compressed; the note of win_get_url says so too), RFC 3986.
"""

from __future__ import annotations

import ntpath
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21}
_DRIVE = re.compile(r"\A[A-Za-z]:[\\/]")
_SCHEME = re.compile(r"\A(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<rest>.*)\Z", re.DOTALL)
_AUTHORITY = re.compile(r"\A(?:(?P<user>[^@]*)@)?(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>[^:]*))?\Z")
_HOST = re.compile(r"\A(?:\[[0-9A-Fa-f:.]+\]|[\w](?:[\w.-]*[\w.])?)\Z")
_ESCAPED_DELIMITER = re.compile(r"%(2[FfEe]|5[Cc])")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_KEPT = re.compile(r"%(?:23|25|3[Ff])")
# Everything of RFC 3986 that has a meaning or none; the rest is escaped.
_SAFE = "%/:@!$&'()*+,;=~-._[]"
_MAX_PORT = 65535


class UriError(ValueError):
    """`UriFormatException`, in its own words."""


@dataclass(frozen=True)
class Uri:
    """An absolute URI, or a relative one (`scheme` is empty then).

    Attributes:
        original: as typed.
        scheme: in lower case.
        host: in lower case, empty for a file of the host itself.
        port: the one typed, or the scheme's own.
        path: escaped, with a leading slash; of a file, its path with backslashes.
        query: escaped, with its question mark, or empty.
        fragment: escaped, with its `#`, or empty.
        user_info: what stands before an `@`; a web request makes nothing of it.
    """

    original: str
    scheme: str = ""
    host: str = ""
    port: int = -1
    path: str = ""
    query: str = ""
    fragment: str = ""
    user_info: str = ""

    @property
    def is_file(self) -> bool:
        """`IsFile`."""
        return self.scheme == "file"

    @property
    def is_http(self) -> bool:
        """Whether a request for it is an `HttpWebRequest`."""
        return self.scheme in ("http", "https")

    @property
    def authority(self) -> str:
        """Host, and the port unless it is the scheme's own."""
        own = DEFAULT_PORTS.get(self.scheme)
        return self.host if self.port in (own, -1) else f"{self.host}:{self.port}"

    @property
    def dns_name(self) -> str:
        """The host without the brackets of an IPv6 address."""
        return self.host.strip("[]")

    @property
    def path_and_query(self) -> str:
        """What is asked of the server."""
        return self.path + self.query

    @property
    def absolute_uri(self) -> str:
        """`AbsoluteUri`: canonical and escaped."""
        if self.is_file:
            return f"file://{self.host}{self.absolute_path if self.host else '/' + self.absolute_path}"
        user = f"{self.user_info}@" if self.user_info else ""
        return f"{self.scheme}://{user}{self.authority}{self.path}{self.query}{self.fragment}"

    @property
    def absolute_path(self) -> str:
        """`AbsolutePath`: escaped; of a file `C:/a%20b`."""
        return quote(self.path.replace("\\", "/"), safe=_SAFE.replace("%", "")) if self.is_file else self.path

    @property
    def local_path(self) -> str:
        r"""`LocalPath`: unescaped; of a file `C:\a b` or `\\server\share\a b`."""
        if not self.is_file:
            return unquote(self.path)
        return rf"\\{self.host}{self.path}" if self.host else self.path

    @property
    def last_segment(self) -> str:
        """The last of `Segments`: escaped, with its slash if it ends in one."""
        head, _, tail = self.absolute_path.rpartition("/")
        return tail or head.rpartition("/")[2] + "/"

    def __str__(self) -> str:
        """`ToString()`: canonical, unescaped but for `#`, `?` and `%`."""
        if not self.scheme:
            return self.original
        return "".join(
            part if _KEPT.fullmatch(part) else unquote(part)
            for part in re.split(r"(%(?:23|25|3[Ff]))", self.absolute_uri)
        )

    def join(self, location: str) -> Uri:
        """The target of a redirect: an absolute URI, or one relative to this one.

        Raises:
            UriError: it can be neither.
        """
        found = parse(location)
        if found.scheme and not (found.is_file and location.startswith("/")):
            return found
        base = f"{self.scheme}://{self.authority}"
        if location.startswith("//"):
            return parse(f"{self.scheme}:{location}")
        if location.startswith("/"):
            return parse(base + location)
        if location.startswith("?"):
            return parse(base + self.path + location)
        return parse(base + self.path.rpartition("/")[0] + "/" + location)


def parse(text: str) -> Uri:
    """Read a URI as `new Uri(text, UriKind.RelativeOrAbsolute)` does, to which PowerShell converts text.

    Raises:
        UriError: host or port cannot be read.
    """
    trimmed = text.strip()
    if _DRIVE.match(trimmed):
        return Uri(text, "file", path=_windows_path(trimmed))
    if trimmed.startswith(("\\\\", "//")):
        host, _, path = trimmed.replace("/", "\\")[2:].partition("\\")
        return Uri(text, "file", host.lower(), path=_windows_path("\\" + path))
    match = _SCHEME.match(trimmed)
    if match is None:
        return Uri(text)
    scheme, rest = match["scheme"].lower(), match["rest"]
    if scheme == "file":
        return _file(text, rest)
    return _hierarchical(text, scheme, rest)


def _file(text: str, rest: str) -> Uri:
    """`file:///C:/a`, `file://server/share/a`; the path is unescaped."""
    plain = unquote(re.split(r"[#?]", rest, maxsplit=1)[0]).replace("/", "\\")
    stripped = plain.lstrip("\\")
    if _DRIVE.match(stripped):
        return Uri(text, "file", path=_windows_path(stripped))
    if not plain.startswith("\\\\"):
        raise UriError("Invalid URI: The format of the URI could not be determined.")
    host, _, path = stripped.partition("\\")
    return Uri(text, "file", host.lower(), path=_windows_path("\\" + path))


def _hierarchical(text: str, scheme: str, rest: str) -> Uri:
    if scheme not in DEFAULT_PORTS:
        return Uri(text, scheme, path=rest)
    rest = rest.replace("\\", "/") if not rest.startswith("//") else rest
    if not rest.startswith("//"):
        raise UriError("Invalid URI: The Authority/Host could not be parsed.")
    before, mark, fragment = rest[2:].partition("#")
    fragment = mark + _escape(fragment, "?")
    location, mark, query = before.partition("?")
    query = mark + _escape(query, "?")
    authority, _, path = location.replace("\\", "/").partition("/")
    match = _AUTHORITY.match(authority)
    if match is None or not _HOST.match(match["host"]):
        raise UriError("Invalid URI: The hostname could not be parsed.")
    port = DEFAULT_PORTS[scheme]
    if match["port"]:
        if not match["port"].isascii() or not match["port"].isdigit() or int(match["port"]) > _MAX_PORT:
            raise UriError("Invalid URI: Invalid port specified.")
        port = int(match["port"])
    plain = _ESCAPED_DELIMITER.sub(lambda found: unquote(found[0]), path).replace("\\", "/")
    full = _compressed(_escape("/" + plain))
    return Uri(text, scheme, match["host"].lower(), port, full, query, fragment, match["user"] or "")


def _escape(text: str, also: str = "") -> str:
    return quote(_BAD_PERCENT.sub("%25", text), safe=_SAFE + also)


def _compressed(path: str) -> str:
    """RFC 3986 5.2.4, which `Uri` applies to every path."""
    out: list[str] = []
    parts = path.split("/")[1:]
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        if part in (".", ".."):
            if part == ".." and out:
                out.pop()
            if last:
                out.append("")
        else:
            out.append(part)
    return "/" + "/".join(out)


def _windows_path(path: str) -> str:
    ends = path[-1:] in "\\/"
    normal = ntpath.normpath(path)
    return normal + "\\" if ends and not normal.endswith("\\") else normal
