"""A look at the bytes before a parser sees them: no DTD, no giant start tag, no giant text.

No XML parser survives a start tag with a million attributes or a text of hundreds of megabytes cheaply, so
both are refused here. The scan costs a few passes of `bytes.find`: a start tag or a text that is too long
shows as a long run without `<`, because `<` may stand neither in an attribute's value nor in text (XML 1.0,
2.3 and 2.4). Only comments, CDATA sections and processing instructions may hold it, and they are followed one
by one.
"""

from __future__ import annotations

import re
from typing import Final

from mim2ecma.documents import limits
from mim2ecma.management_agent.problems import EXPORT_AGAIN, UnreadableError

_TERMINATORS: Final = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
_LONGEST_OPENER: Final = len(b"<![CDATA[")
_LONGEST_TERMINATOR: Final = 3
_LONGEST_ROOT_NAME: Final = 64 * limits.KIB  # the longest known one has 22 bytes
_NOT_FOUND: Final = -1
_CHEAP_MISSES: Final = 32  # so often a sign may stand elsewhere before both bytes are looked for

TAG: Final = re.compile(rb"<[^\"'>]*+(?:(?:\"[^\"]*+\"|'[^']*+')[^\"'>]*+)*+>")
"""A complete start or end tag: quotes may hide '>'. Possessive, so that a hostile megabyte costs one pass."""

_ROOT = re.compile(rb"<([^\s/>!?][^\s/>]*)(?=[\s/>])")
_BLANKS = re.compile(rb"[ \t\r\n]*")


class Scanner:
    """Follows the bytes of one UTF-8 document, in pieces well below `limits.MAX_START_TAG_BYTES`.

    Attributes:
        root_name: Qualified name of the root element once it was seen, `""` when something else stands there.
    """

    def __init__(self) -> None:
        self.root_name: str | None = None
        self._prolog = b""
        self._carry = b""
        self._terminator = b""
        self._declarations = 0
        self._next_opener = [0, 0]
        self._run = 0  # bytes since the last tag began
        self._pieces: list[bytes] = []  # that tag and what follows, until it is known to be complete

    def feed(self, data: bytes) -> None:
        """Look at the next piece.

        Args:
            data: UTF-8 bytes.

        Raises:
            UnreadableError: When a DTD or something beyond a limit stands in it.
        """
        if self.root_name is None:
            self._prolog += data
            data = self._skip_prolog()
        if self.root_name is not None and data:
            self._scan(data)

    # Before the root element
    # -----------------------------------------------------------------------------------

    def _skip_prolog(self) -> bytes:
        """Find the root element; return what begins with it, or nothing while it has not come yet."""
        data, position = self._prolog, 0
        while True:
            blanks = _BLANKS.match(data, position)
            position = blanks.end() if blanks else position
            opener = next((item for item in (b"<!--", b"<?") if data.startswith(item, position)), None)
            if opener is None:
                break
            end = data.find(_TERMINATORS[opener], position + len(opener))
            if end == _NOT_FOUND:
                break
            self._count_declaration()
            position = end + len(_TERMINATORS[opener])
        self._prolog = data[position:]
        if opener is None and len(self._prolog) > _LONGEST_ROOT_NAME and not _ROOT.match(self._prolog):
            raise _too_long("root element", "a name", _LONGEST_ROOT_NAME)
        if opener is not None and len(self._prolog) > limits.MAX_START_TAG_BYTES:
            raise _too_long("before the root element", "a comment", limits.MAX_START_TAG_BYTES)
        if self._prolog[:9].upper() == b"<!DOCTYPE":
            raise UnreadableError(
                "before the root element",
                "a document type definition (DTD)",
                "none: MIM writes none, and entities in it could be used to attack whoever reads the file",
                EXPORT_AGAIN,
            )
        return self._see_root(opener)

    def _see_root(self, opener: bytes | None) -> bytes:
        rest = self._prolog
        match = _ROOT.match(rest)
        if match:
            self.root_name = match[1].decode("utf-8", "replace")
        elif opener is None and len(rest) >= _LONGEST_OPENER and not re.match(rb"<[^!?\s]", rest):
            self.root_name = ""  # not XML; the parser says what is wrong
        if self.root_name is None:
            return b""
        self._prolog = b""
        return rest

    # From the root element on
    # ----------------------------------------------------------------------------------

    def _scan(self, data: bytes) -> None:
        if self._carry:
            data = self._carry + data
            self._carry = b""
        position = 0
        self._next_opener = [0, 0]
        while position < len(data):
            position = self._inside(data, position) if self._terminator else self._outside(data, position)

    def _inside(self, data: bytes, position: int) -> int:
        """Follow a comment, CDATA section or processing instruction to its end."""
        end = data.find(self._terminator, position)
        if end == _NOT_FOUND:
            keep = max(len(data) - (_LONGEST_TERMINATOR - 1), position)
            self._carry = data[keep:]
            self._grow_text(keep - position)
            return len(data)
        end += len(self._terminator)
        self._terminator = b""
        self._grow_text(end - position)
        return end

    def _outside(self, data: bytes, position: int) -> int:
        """Account for tags and text up to the next `<!` or `<?`."""
        opener = self._find_opener(data, position)
        if opener == len(data):
            end = len(data) - 1 if data.endswith(b"<") else len(data)
            self._carry = data[end:]
            self._account(data, position, end)
            return len(data)
        self._account(data, position, opener)
        return self._enter(data, opener)

    def _find_opener(self, data: bytes, position: int) -> int:
        # What was found for a later place stays true; without this memory many comments would cost a square.
        for index, sign in enumerate((b"!", b"?")):
            if self._next_opener[index] <= position:
                self._next_opener[index] = _find_after_bracket(data, sign, position)
        return min(self._next_opener)

    def _enter(self, data: bytes, position: int) -> int:
        for opener, terminator in _TERMINATORS.items():
            if data.startswith(opener, position):
                self._count_declaration()
                self._terminator = terminator
                self._grow_text(len(opener))
                return position + len(opener)
        rest = data[position : position + _LONGEST_OPENER]
        if any(opener.startswith(rest) for opener in _TERMINATORS):
            self._carry = rest
            return len(data)
        raise UnreadableError(
            "after the root element began",
            "a declaration that only a DTD may hold",
            "elements and text",
            EXPORT_AGAIN,
        )

    def _account(self, data: bytes, start: int, end: int) -> None:
        first = data.find(b"<", start, end)
        if first == _NOT_FOUND:
            self._grow(data[start:end])
            return
        if first > start:
            self._grow(data[start:first])
        last = data.rfind(b"<", start, end)
        self._run = end - last
        self._pieces = [data[last:end]]

    def _grow(self, piece: bytes) -> None:
        if not self._pieces:
            self._grow_text(len(piece))
            return
        self._run += len(piece)
        self._pieces.append(piece)
        if self._run > limits.MAX_START_TAG_BYTES:
            if not TAG.match(b"".join(self._pieces)):
                raise _too_long("a start tag", "a start tag", limits.MAX_START_TAG_BYTES)
            self._pieces = []

    def _grow_text(self, length: int) -> None:
        self._pieces = []  # a tag is complete once text, a comment or the like follows it
        self._run += length
        if self._run > limits.MAX_TEXT_BYTES:
            raise _too_long("a text", "a text, comment or CDATA section", limits.MAX_TEXT_BYTES)

    def _count_declaration(self) -> None:
        self._declarations += 1
        if self._declarations > limits.MAX_DECLARATIONS:
            raise UnreadableError(
                "file",
                f"more than {limits.MAX_DECLARATIONS} comments, CDATA sections and processing instructions",
                "one comment, as MIM writes it",
            )


def _find_after_bracket(data: bytes, sign: bytes, position: int) -> int:
    """Place of `<` before a sign, or the end; the sign is rare, which makes looking for it cheap."""
    at = position
    for _ in range(_CHEAP_MISSES):
        at = data.find(sign, at + 1)
        if at == _NOT_FOUND:
            return len(data)
        if data[at - 1 : at] == b"<":
            return at - 1
    found = data.find(b"<" + sign, at)
    return len(data) if found == _NOT_FOUND else found


def _too_long(where: str, what: str, limit: int) -> UnreadableError:
    return UnreadableError(
        where, f"{what} of more than {limit // limits.KIB} KiB", f"at most {limit // limits.KIB} KiB"
    )
