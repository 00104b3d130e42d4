"""Which encoding a file has: its byte order mark, its first bytes, its XML declaration (XML 1.0, F)."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from mim2ecma.management_agent.problems import UnreadableError

DETECTION_BYTES: Final = 1024
"""Bytes looked at: an XML declaration stands at the very start and is short."""

_WELL_FORMED: Final = "an XML file as MIM writes it"

# The longer marks first: the UTF-32 LE mark begins with the UTF-16 LE one.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-bom", None),
    (codecs.BOM_UTF32_LE, "utf-32-le-bom", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be-bom", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le-bom", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be-bom", "utf-16-be"),
)
_SIGNATURES: Final = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"MZ", "a Windows program or library"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE file (an MSI package or an old Office document)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"%PDF-", "a PDF document"),
)
_DECLARATION = re.compile(rb"<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._-]{0,39})[\"']")
_HTML = re.compile(
    # Nothing is given back: comments can be told apart in as many ways as there are subsets of them.
    rb"(?:<\?xml[^>]*>|(?><!--.*?-->)|\s)*+<(?:!doctype\s+html|html)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_ACCEPTED = re.compile(
    r"utf-8|ascii|iso8859-\d+|cp\d+|koi8-[rut]|gb2312|gbk|gb18030|big5|shift_jis|euc_\w+|tis-620"
)
_EBCDIC: Final = b"\x4c\x6f\xa7\x94"  # '<?xm' (XML 1.0, F.1)
_ASCII: Final = bytes(range(0x20, 0x7F)) + b"\t\r\n"


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding of a file.

    Attributes:
        name: As reported, for example `utf-8`, `utf-8-bom`, `utf-16-le-bom`, `windows-1252`.
        mark_length: Length of the byte order mark.
        codec: Python codec to turn the rest into text, or `None` when it is UTF-8 already.
    """

    name: str
    mark_length: int
    codec: str | None


def detect(head: bytes) -> Encoding:
    """Decide the encoding from the first bytes of a file.

    Args:
        head: The first `DETECTION_BYTES` bytes, or all of a shorter file.

    Returns:
        The encoding. A byte order mark wins over the declaration, as PowerShell writes one without touching
        the other.

    Raises:
        UnreadableError: When the file is empty, is known not to be XML, or declares an encoding that its
        bytes do not have.
    """
    if not head:
        raise UnreadableError("file", "the file is empty", _WELL_FORMED)
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            raise UnreadableError("first bytes", f"{kind}, not XML", _WELL_FORMED)
    encoding = _detect(head)
    _refuse_what_is_no_xml(head, encoding)
    return encoding


def _detect(head: bytes) -> Encoding:
    for mark, name, codec in _MARKS:
        if head.startswith(mark):
            return Encoding(name, len(mark), codec)
    for name in ("utf-32-le", "utf-32-be"):  # before UTF-16, whose signs these begin with as well
        if head.startswith("<".encode(name)):
            return Encoding(name, 0, name)
    if head.startswith(b"<\x00"):
        return Encoding("utf-16-le", 0, "utf-16-le")
    if head.startswith(b"\x00<"):
        return Encoding("utf-16-be", 0, "utf-16-be")
    match = _DECLARATION.match(head)
    return _declared(match[1].decode("ascii")) if match else Encoding("utf-8", 0, None)


def _declared(name: str) -> Encoding:
    try:
        info = codecs.lookup(name)
    except LookupError:
        raise _unusable(name, "is not known") from None
    if info.name.startswith(("utf-16", "utf-32")):
        raise _unusable(name, "is declared, but the bytes are not in it")
    if not _ACCEPTED.fullmatch(info.name) or info.decode(_ASCII)[0].encode("ascii", "replace") != _ASCII:
        raise _unusable(name, "is not supported")
    return Encoding(name.lower(), 0, None if info.name in {"utf-8", "ascii"} else info.name)


def _unusable(name: str, problem: str) -> UnreadableError:
    return UnreadableError(
        "XML declaration", f"encoding '{name}' {problem}", "UTF-8, which MIM writes without a declaration"
    )


def _refuse_what_is_no_xml(head: bytes, encoding: Encoding) -> None:
    bare = rest = head[encoding.mark_length :]
    if encoding.codec is not None:
        rest = rest.decode(encoding.codec, "ignore").encode("utf-8", "ignore")
    if _HTML.match(rest):
        raise UnreadableError(
            "first line",
            "an HTML page, probably a web site's view of the file",
            _WELL_FORMED,
            "Download the raw file instead of saving the page that shows it.",
        )
    start = rest.lstrip(b" \t\r\n")
    if start.startswith(b"<"):
        return
    if not bare.strip(b" \t\r\n" if encoding.codec is None else b" \t\r\n\x00"):
        raise UnreadableError("file", "only blanks" if bare else "nothing", _WELL_FORMED)
    if encoding.mark_length and bare.lstrip(b" \t\r\n").startswith(b"<"):
        kind = f"a byte order mark ({encoding.name}) in front of text in another encoding"
    elif head.startswith(_EBCDIC):
        kind = "text in EBCDIC"
    else:
        kind = "binary data" if not start or b"\x00" in start else "text that does not begin with '<'"
    raise UnreadableError("first bytes", kind, _WELL_FORMED)
