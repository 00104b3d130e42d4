"""Conditions and formatted text of Windows Installer.

Source: Microsoft's pages "Conditional Statement Syntax" and "Formatted". Comparisons of text are sensitive to
case unless the operator begins with a tilde; a property that does not exist is the empty string; components
and features are not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\()|(?P<close>\))
        |(?P<operator>~?(?:<>|><|<=|>=|<<|>>|=|<|>))
        |"(?P<text>[^"]*)"
        |(?P<number>-?\d+)
        |(?P<environment>%[A-Za-z_][A-Za-z0-9_()]*)
        |(?P<name>[A-Za-z_][A-Za-z0-9_.]*)
    )""",
    re.VERBOSE,
)
_REFERENCE = re.compile(r"\[(?P<name>\\.|[^\[\]{}]*)\]")
_OPTIONAL = re.compile(r"\{(?P<body>[^{}]*)\}")
# Lowest precedence first, as the page lists them the other way round.
_LOGIC: tuple[tuple[str, Callable[[bool, bool], bool]], ...] = (
    ("IMP", lambda a, b: not a or b),
    ("EQV", lambda a, b: a == b),
    ("XOR", lambda a, b: a != b),
    ("OR", lambda a, b: a or b),
    ("AND", lambda a, b: a and b),
)


class BadConditionError(Exception):
    """A condition that Windows Installer would not understand, or that is not imitated."""


class _Reader:
    def __init__(self, source: str, properties: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self.properties = properties
        self.environment = {name.upper(): value for name, value in environment.items()}
        self.source = source
        self.tokens: list[tuple[str, str]] = []
        position, end = 0, len(source.rstrip())
        while position < end:
            match = _TOKEN.match(source, position)
            if match is None or match.lastgroup is None:
                raise BadConditionError(f"{source!r}: cannot read {source[position:]!r}")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        self.position = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.position] if self.position < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.position += 1
        return token

    def logic(self, level: int = 0) -> bool:
        if level == len(_LOGIC):
            return self.negation()
        word, function = _LOGIC[level]
        result = self.logic(level + 1)
        while self.peek()[0] == "name" and self.peek()[1].upper() == word:
            self.take()
            result = function(result, self.logic(level + 1))
        return result

    def negation(self) -> bool:
        kind, word = self.peek()
        if kind == "name" and word.upper() == "NOT":
            self.take()
            return not self.negation()
        if kind == "open":
            self.take()
            result = self.logic()
            if self.take()[0] != "close":
                raise BadConditionError(f"{self.source!r}: a bracket is not closed")
            return result
        left, left_is_value = self.value()
        if self.peek()[0] == "operator":
            operator = self.take()[1]
            right, _ = self.value()
            return _compare(left, operator, right)
        # A literal alone is no condition; a property alone asks whether it is set.
        if left_is_value:
            return left not in ("", "0")
        return bool(left)

    def value(self) -> tuple[str, bool]:
        kind, word = self.take()
        if kind == "name":
            return self.properties.get(word, ""), False
        if kind == "environment":
            return self.environment.get(word[1:].upper(), ""), False
        if kind in ("text", "number"):
            return word, True
        raise BadConditionError(f"{self.source!r}: {word or 'the end'!r} where a value should be")


def evaluate(condition: str, properties: Mapping[str, str], environment: Mapping[str, str]) -> bool:
    """Whether a condition holds; the empty condition does.

    Raises:
        BadConditionError: it cannot be read.
    """
    if not condition.strip():
        return True
    reader = _Reader(condition, properties, environment)
    result = reader.logic()
    if reader.peek()[0] != "end":
        raise BadConditionError(f"{condition!r}: {reader.peek()[1]!r} after the end")
    return result


def _compare(left: str, operator: str, right: str) -> bool:
    fold = operator.startswith("~")
    operator = operator.removeprefix("~")
    if fold:
        left, right = left.lower(), right.lower()
    if re.fullmatch(r"-?\d+", left) and re.fullmatch(r"-?\d+", right):
        return _order(operator, int(left) - int(right))
    mixed = re.fullmatch(r"-?\d+", left) or re.fullmatch(r"-?\d+", right)
    textual = {
        "=": left == right,
        "<>": left != right,
        "><": right in left,
        "<<": left.startswith(right),
        ">>": left.endswith(right),
    }
    if operator in textual:
        return textual[operator]
    # A text and a number: neither is less.
    return not mixed and _order(operator, (left > right) - (left < right))


def _order(operator: str, difference: int) -> bool:
    return {
        "=": difference == 0,
        "<>": difference != 0,
        "<": difference < 0,
        "<=": difference <= 0,
        ">": difference > 0,
        ">=": difference >= 0,
    }.get(operator, False)


def format_text(
    source: str,
    properties: Mapping[str, str],
    environment: Mapping[str, str],
    file_path: Callable[[str], str] = lambda key: "",
    component_folder: Callable[[str], str] = lambda key: "",
) -> str:
    r"""Fill in `[PROPERTY]`, `[%VARIABLE]`, `[\x]`, `[~]`, `[#file]`, `[$component]` and groups in braces.

    A group in braces vanishes when a property in it is empty. What is filled in is not looked at again.
    """
    variables = {name.upper(): value for name, value in environment.items()}

    def resolve(name: str) -> str:
        if name.startswith("%"):
            return variables.get(name[1:].upper(), "")
        if name.startswith("\\"):
            return name[1:2]
        if name == "~":
            return "\0"
        if name.startswith(("#", "!")):
            return file_path(name[1:])
        if name.startswith("$"):
            return component_folder(name[1:])
        return properties.get(name, "")

    def group(match: re.Match[str]) -> str:
        body = match["body"]
        names = _REFERENCE.findall(body)
        if not names:
            return match[0]
        return body if all(resolve(name) for name in names) else ""

    return _REFERENCE.sub(lambda match: resolve(match["name"]), _OPTIONAL.sub(group, source))
