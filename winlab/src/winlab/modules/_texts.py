"""Text files as `System.IO.File` reads and writes them: encodings, byte order marks, lines."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from winlab.modules._dotnet import DotNetError, invocation_text

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_UNKNOWN = (
    "'{name}' is not a supported encoding name. For information on defining a custom encoding, see the "
    "documentation for the Encoding.RegisterProvider method.\r\nParameter name: name"
)
_ERROR_INVALID_PARAMETER = 87


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding of .NET.

    Attributes:
        web_name: `Encoding.WebName`.
        codec: the Python codec, without a byte order mark.
        preamble: the byte order mark that is written in front, maybe empty.
    """

    web_name: str
    codec: str
    preamble: bytes = b""


UTF8_BARE = Encoding("utf-8", "utf-8")
UTF8 = Encoding("utf-8", "utf-8", codecs.BOM_UTF8)
# The longest mark first, and of equal length the higher code page (win_lineinfile.ps1, lines 409-421).
MARKED = (
    Encoding("utf-32BE", "utf-32-be", codecs.BOM_UTF32_BE),
    Encoding("utf-32", "utf-32-le", codecs.BOM_UTF32_LE),
    UTF8,
    Encoding("utf-16BE", "utf-16-be", codecs.BOM_UTF16_BE),
    Encoding("utf-16", "utf-16-le", codecs.BOM_UTF16_LE),
)
# Names that `Encoding.GetEncoding` takes for the marked ones; "unicode" is UTF-16 in Windows.
_ALIASES = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "unicode": "utf-16",
    "utf-16": "utf-16",
    "utf-16le": "utf-16",
    "ucs-2": "utf-16",
    "utf-16be": "utf-16BE",
    "unicodefffe": "utf-16BE",
    "utf-32": "utf-32",
    "utf-32le": "utf-32",
    "utf-32be": "utf-32BE",
}


def encoding_by_name(name: str) -> Encoding:
    """Return what ``[System.Text.Encoding]::GetEncoding(name)`` returns; the Unicode ones write their mark.

    Raises:
        DotNetError: no encoding has that name.
    """
    known = _ALIASES.get(name.lower())
    if known is not None:
        return next(encoding for encoding in MARKED if encoding.web_name == known)
    try:
        codec = codecs.lookup(name).name
    except LookupError as error:
        text = invocation_text("GetEncoding", 1, _UNKNOWN.format(name=name))
        raise DotNetError(_ERROR_INVALID_PARAMETER, name, text) from error
    web_name = {"ascii": "us-ascii", "cp1252": "Windows-1252"}.get(codec, codec)
    return Encoding(web_name, codec)


def detect(data: bytes) -> Encoding | None:
    """Return the encoding whose byte order mark `data` begins with."""
    return next((encoding for encoding in MARKED if data.startswith(encoding.preamble)), None)


def decode(data: bytes, encoding: Encoding) -> str:
    """Read a text as `StreamReader` does: a byte order mark wins over `encoding`."""
    marked = detect(data)
    if marked is not None:
        return data[len(marked.preamble) :].decode(marked.codec, "replace")
    return data.decode(encoding.codec, "replace")


def encode(text: str, encoding: Encoding) -> bytes:
    """Write a text as ``File.WriteAllText`` does, its byte order mark in front."""
    return encoding.preamble + text.encode(encoding.codec, "replace")


def lines_of(text: str) -> list[str]:
    """Return the lines as ``File.ReadAllLines`` does; a break at the end starts no further line."""
    lines = _LINE_BREAK.split(text)
    return lines[:-1] if lines[-1] == "" else lines
