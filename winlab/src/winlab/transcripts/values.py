"""Placeholders back to values: of the recorded form and length, equal where they were equal.

A value that is known (the client sent it, the twin printed it, or a person named it) stands for its
placeholder from then on; for the others one is made.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from typing import Any

from winlab.transcripts.format import Transcript
from winlab.transcripts.redaction import KEY_MARK, MARK, is_placeholder

# A value of a secret, whose length is not told; long enough for a password policy, and no real one.
_SECRET_LENGTH = 14
_FORMS: Mapping[str, str] = {
    "path": "C:\\",
    "temporary": "C:\\ansible-tmp-",
    "unc": "\\\\h\\",
    "registry": "HKLM:\\",
    "sid": "S-1-5-21-",
}
_NUMBERS = frozenset({"sid", "digits", "temporary"})
_GUID_GROUPS = (8, 12, 16, 20)
Scalar = str | int | float | bool


class Values:
    """The values that placeholders of one transcript stand for.

    Args:
        known: values by number.
        contents: lengths of files' contents by the number of each of their digests, with its algorithm.
    """

    def __init__(
        self,
        known: Mapping[int, Scalar] | None = None,
        contents: Mapping[int, tuple[str, int]] | None = None,
    ) -> None:
        self._known: dict[int, Scalar] = dict(known or {})
        self._given = frozenset(self._known)
        self._contents = dict(contents or {})
        self._made_up: set[int] = set()

    @classmethod
    def of(cls, transcript: Transcript, known: Mapping[int, Scalar] | None = None) -> Values:
        """Values for a transcript; digests of its files fit the contents that `filler` makes."""
        contents: dict[int, tuple[str, int]] = {}
        for call in transcript.calls:
            content = call.answer.get("content")
            if not isinstance(content, dict):
                continue
            for name, digest in content.items():
                if is_placeholder(digest):
                    contents[int(digest["n"])] = (name, int(content["length"]))
        return cls(known, contents)

    def is_known(self, number: int) -> bool:
        """Whether the real value is known."""
        return number in self._known and number not in self._made_up

    def was_given(self, number: int) -> bool:
        """Whether a person named the value."""
        return number in self._given

    def learn(self, number: int, value: Scalar, *, certain: bool = True) -> None:
        """From now on the number stands for this value.

        Args:
            number: of the placeholder.
            value: what was seen in its place.
            certain: whether it is real; what a twin says of made-up arguments is made up as they are.
        """
        if number not in self._known or number in self._made_up:
            self._known[number] = value
            if certain:
                self._made_up.discard(number)
            else:
                self._made_up.add(number)

    def value(self, recorded: Any) -> Any:
        """A recorded value with every placeholder replaced."""
        if isinstance(recorded, list):
            return [self.value(item) for item in recorded]
        if not isinstance(recorded, dict):
            return recorded
        if is_placeholder(recorded):
            return self._scalar(recorded)
        return {self._key(key): self.value(item) for key, item in recorded.items()}

    def _key(self, key: str) -> str:
        if not key.startswith(KEY_MARK):
            return key
        number = int(key.removeprefix(KEY_MARK))
        return str(self._known.setdefault(number, f"key{number}"))

    def _scalar(self, placeholder: Mapping[str, Any]) -> Scalar:
        if placeholder[MARK] == "bool":
            return False
        number = int(placeholder["n"])
        if number not in self._known:
            self._known[number] = self._made(placeholder, number)
            self._made_up.add(number)
        return self._known[number]

    def _made(self, placeholder: Mapping[str, Any], number: int) -> Scalar:
        if placeholder[MARK] == "int":
            return number
        if placeholder[MARK] == "float":
            return float(number)
        if number in self._contents:
            name, length = self._contents[number]
            return hashlib.new(name, filler(length), usedforsecurity=False).hexdigest()
        length = int(placeholder.get("length", _SECRET_LENGTH))
        return text_of(str(placeholder.get("form") or ""), length, number, bool(placeholder.get("secret")))


def text_of(form: str, length: int, number: int, secret: bool = False) -> str:
    """A text of a form and length that other numbers do not get, as far as the length lets it."""
    if form == "guid" and length == 36:  # RFC 9562: 32 digits in groups of 8, 4, 4, 4 and 12
        digits = f"{number:032x}"
        cuts = (0, *_GUID_GROUPS, 32)
        return "-".join(digits[start:end] for start, end in itertools.pairwise(cuts))
    if secret:
        return f"Rr-{number}".ljust(length, "x")[:length]
    start = _FORMS.get(form, "")[:length]
    room = length - len(start)
    digits = f"{number:x}" if form == "hex" else str(number)
    fill = "0" if form in _NUMBERS or form == "hex" else "r"
    if form == "sid":
        fill = "1"
    return start + digits[-room:].rjust(room, fill) if room else start


def filler(length: int) -> bytes:
    """The content of a file of which only the length is known."""
    return b"winlab replay\r\n" * (length // 15) + b"winlab replay\r\n"[: length % 15]
