"""A reader for PowerShell data literals: hashtables, arrays, strings, numbers, `$true`, `$false`, `$null`.

It evaluates nothing. What is no literal becomes an `Expression` with its text, for the caller to decide
about.
Source: PowerShell language specification 3.0, chapters 2.3 (literals), 7.3 (comma), 7.1.7 (`@()`), 10
(hashtables).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 64  # a specification nests about six levels
_SPACE = re.compile(r"(?:[ \t]|`\r?\n|#[^\n]*|<#.*?#>)+", re.DOTALL)
_LINES = re.compile(r"(?:[ \t\r\n;]|`\r?\n|#[^\n]*|<#.*?#>)+", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][\w-]*")
_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])")
_CAST = re.compile(r"\[[A-Za-z_][\w.\[\],]*\]")
_CONSTANTS = {"true": True, "false": False, "null": None}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class DataError(ValueError):
    """The text is no data literal; says where and what was expected."""


@dataclass(frozen=True)
class Expression:
    """Something that PowerShell would have to evaluate."""

    text: str


def read(text: str, start: int = 0) -> tuple[Any, int]:
    """Read one literal.

    Args:
        text: PowerShell source.
        start: where the literal begins.

    Returns:
        The value and the position after it. Hashtables become dicts in the order written.

    Raises:
        DataError: the text ends within the literal or its brackets do not match.
    """
    reader = _Reader(text, start)
    value = reader.value(0)
    return value, reader.position


class _Reader:
    def __init__(self, text: str, position: int) -> None:
        self.text = text
        self.position = position

    def value(self, depth: int) -> Any:
        """A comma list or a single value."""
        if depth > MAX_DEPTH:
            raise self._error("fewer nested levels")
        self._skip(_SPACE)
        if self._take(","):
            return [self._single_after_comma(depth)]
        items = [self._single(depth)]
        while self._comma():
            items.append(self._single_after_comma(depth))
        return items if len(items) > 1 else items[0]

    def _comma(self) -> bool:
        self._skip(_SPACE)
        return self._take(",")

    def _single_after_comma(self, depth: int) -> Any:
        self._skip(_LINES)
        return self._single(depth)

    def _single(self, depth: int) -> Any:
        begin = self.position
        while match := _CAST.match(self.text, self.position):
            self.position = match.end()
            self._skip(_SPACE)
        value = self._primary(depth)
        # An operator after it makes an expression of the whole.
        self._skip(_SPACE)
        if self._at_end_of_value():
            return value
        self._skip_expression()
        return Expression(self.text[begin : self.position].strip())

    def _primary(self, depth: int) -> Any:
        text, at = self.text, self.position
        if text.startswith(("@{", "@(", "("), at):
            return self._bracketed(depth + 1)
        if text.startswith("'", at):
            return self._single_quoted()
        if text.startswith('"', at):
            return self._double_quoted()
        if match := _NUMBER.match(text, at):
            self.position = match.end()
            number = match[0]
            return int(number, 0) if re.fullmatch(r"[+-]?(0[xX][0-9a-fA-F]+|\d+)", number) else float(number)
        if text.startswith("$", at) and (match := _WORD.match(text, at + 1)):
            name = match[0].lower()
            if name in _CONSTANTS and not text.startswith((".", "[", ":"), match.end()):
                self.position = match.end()
                return _CONSTANTS[name]
        begin = at
        self._skip_expression()
        if self.position == begin:
            raise self._error("a value")
        return Expression(text[begin : self.position].strip())

    def _bracketed(self, depth: int) -> Any:
        if self.text.startswith("@{", self.position):
            return self._hashtable(depth)
        if self.text.startswith("@(", self.position):
            return self._array(depth)
        self.position += 1
        value = self._lines_value(depth)
        self._expect(")")
        return value

    def _lines_value(self, depth: int) -> Any:
        self._skip(_LINES)
        value = self.value(depth)
        self._skip(_LINES)
        return value

    def _hashtable(self, depth: int) -> dict[str, Any]:
        self.position += 2
        result: dict[str, Any] = {}
        self._skip(_LINES)
        while not self._take("}"):
            key = self._key()
            self._skip(_SPACE)
            self._expect("=")
            self._skip(_LINES)
            result[key] = self.value(depth)
            self._skip(_LINES)
        return result

    def _key(self) -> str:
        if self.text.startswith("'", self.position):
            return self._single_quoted()
        if self.text.startswith('"', self.position):
            key = self._double_quoted()
            if isinstance(key, str):
                return key
            raise self._error("a literal key")
        match = _WORD.match(self.text, self.position)
        if match is None:
            raise self._error("a key")
        self.position = match.end()
        return match[0]

    def _array(self, depth: int) -> list[Any]:
        # `@(...)` collects what its statements put out; an array that is put out is enumerated, so that
        # @(@('a')) is a flat list and only a comma nests.
        self.position += 2
        result: list[Any] = []
        self._skip(_LINES)
        while not self._take(")"):
            value = self.value(depth)
            result.extend(value if isinstance(value, list) else [value])
            self._skip(_LINES)
        return result

    def _single_quoted(self) -> str:
        end = self.position + 1
        parts = []
        while True:
            close = self.text.find("'", end)
            if close < 0:
                raise self._error("a closing quote")
            parts.append(self.text[end:close])
            if not self.text.startswith("''", close):
                self.position = close + 1
                return "'".join(parts)
            end = close + 2

    def _double_quoted(self) -> str | Expression:
        begin = self.position
        at, parts, literal = begin + 1, [], True
        while at < len(self.text):
            char = self.text[at]
            if char == "`" and at + 1 < len(self.text):
                parts.append(_ESCAPES.get(self.text[at + 1], self.text[at + 1]))
                at += 2
                continue
            if char == '"':
                if not self.text.startswith('""', at):
                    self.position = at + 1
                    return "".join(parts) if literal else Expression(self.text[begin : at + 1])
                at += 1
            literal = literal and char != "$"
            parts.append(char)
            at += 1
        raise self._error("a closing quote")

    def _skip_expression(self) -> None:
        """Move behind an expression: to the next separator outside of brackets and quotes."""
        depth = 0
        while self.position < len(self.text):
            char = self.text[self.position]
            if char == "'":
                self._single_quoted()
                continue
            if char == '"':
                self._double_quoted()
                continue
            if char in "([{":
                depth += 1
            elif char in ")]}":
                if depth == 0:
                    return
                depth -= 1
            elif depth == 0 and char in ",;\n":
                return
            self.position += 1
        if depth:
            raise self._error("a closing bracket")

    def _at_end_of_value(self) -> bool:
        return self.position >= len(self.text) or self.text[self.position] in ",;\r\n)}"

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self.text, self.position):
            self.position = match.end()

    def _take(self, char: str) -> bool:
        if self.text.startswith(char, self.position):
            self.position += 1
            return True
        if self.position >= len(self.text) and char in ")}":
            raise self._error(f"'{char}'")
        return False

    def _expect(self, char: str) -> None:
        if not self._take(char):
            raise self._error(f"'{char}'")

    def _error(self, expected: str) -> DataError:
        line = self.text.count("\n", 0, self.position) + 1
        found = self.text[self.position : self.position + 20].split("\n")[0] or "the end"
        return DataError(f"line {line}: found {found!r}; expected {expected}")
