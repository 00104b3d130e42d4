"""What a process writes, as bytes and as text.

A program's text (`ProcessResult.stdout`) stands for bytes in UTF-8, the code page that Ansible gives the
console of its modules. Bytes that are no UTF-8 are kept as lone surrogates (PEP 383), so that a module can
decode them in the encoding that it was given.
"""

from __future__ import annotations

import codecs

from winlab.errors import NotModelled

# Names of Microsoft's page "Encoding Class", list of encodings, and Python's codec for each.
_CODECS = {
    "us-ascii": "ascii",
    "utf-7": "utf-7",
    "utf-8": "utf-8",
    "utf-16": "utf-16-le",
    "utf-16be": "utf-16-be",
    "unicodefffe": "utf-16-be",
    "utf-32": "utf-32-le",
    "utf-32be": "utf-32-be",
    "big5": "cp950",
    "euc-jp": "euc_jp",
    "euc-kr": "euc_kr",
    "gb18030": "gb18030",
    "gb2312": "gbk",
    "iso-2022-jp": "iso2022_jp",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "ks_c_5601-1987": "cp949",
    "macintosh": "mac-roman",
    "shift_jis": "cp932",
    **{f"windows-{page}": f"cp{page}" for page in range(1250, 1259)},
    **{f"iso-8859-{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 15)},
    **{
        f"ibm{page}": f"cp{page}"
        for page in (437, 737, 775, 850, 852, 855, 857, 860, 861, 863, 864, 865, 869)
    },
}
_DEFAULT = "utf-8"
# Byte order marks that a StreamReader looks for, longer ones first; they win over the encoding's name.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_QUESTION = "winlab.question"


class UnknownEncodingError(ValueError):
    """`Encoding.GetEncoding` of a name that .NET does not know."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'{name}' is not a supported encoding name. For information on defining a custom encoding, see "
            "the documentation for the Encoding.RegisterProvider method.\r\nParameter name: name"
        )


def written(data: bytes) -> str:
    """What a program that writes these bytes has as its text."""
    return data.decode("utf-8", "surrogateescape")


def raw(text: str) -> bytes:
    """The bytes behind a program's text."""
    return text.encode("utf-8", "surrogateescape")


def decode(text: str, encoding: str = "") -> str:
    """A program's output as a StreamReader with this encoding reads it.

    Args:
        text: what the program wrote.
        encoding: a name for `Encoding.GetEncoding`; UTF-8 when empty.

    Raises:
        UnknownEncodingError: .NET has no such encoding.
        NotModelled: it may have one; winlab has not.
    """
    codec = _codec(encoding or _DEFAULT)
    data = raw(text)
    for mark, marked in _MARKS:
        if data.startswith(mark):
            codec, data = marked, data[len(mark) :]
            break
    # Unicode encodings put U+FFFD for what they cannot read, all others a question mark (`DecoderFallback`).
    return data.decode(codec, "replace" if codec.startswith("utf") else _QUESTION)


def _codec(name: str) -> str:
    codec = _CODECS.get(name.lower())
    if codec is not None:
        return codec
    try:
        codecs.lookup(name)
    except LookupError:
        raise UnknownEncodingError(name) from None
    raise NotModelled(f"the encoding {name!r}", f"winlab knows {', '.join(sorted(_CODECS))}.")


def _question(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return "?", error.end
    raise error


codecs.register_error(_QUESTION, _question)
