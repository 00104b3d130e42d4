"""The reader of PowerShell data literals."""

from __future__ import annotations

from typing import Any

import pytest
from winlab.arguments.psdata import DataError, Expression, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s'", "it's"),
        ('"tab`tend"', "tab\tend"),
        ("0x10", 16),
        ("-3", -3),
        ("1.5", 1.5),
        ("$true", True),
        ("$NULL", None),
        ("[int]5", 5),
        ("'a', 'b'", ["a", "b"]),
        (", 'a'", ["a"]),
        ("@()", []),
        ("@('a')", ["a"]),
        # `@()` enumerates what its statements put out; only a comma nests (specification 7.1.7)
        ("@(@('a', 'b'))", ["a", "b"]),
        ("@(, @('a', 'b'))", [["a", "b"]]),
        ("@(@('a'), @('b'))", [["a"], ["b"]]),
        ("@(\n'a'\n'b'\n)", ["a", "b"]),
        ("@{ a = 1; b = 'x' # why\n c = @{ d = , 'e' } }", {"a": 1, "b": "x", "c": {"d": ["e"]}}),
        ("@{ 'quoted key' = $false }", {"quoted key": False}),
        ("@{ a = $x.Keys + 'b' }", {"a": Expression("$x.Keys + 'b'")}),
        ('@{ a = "$x" }', {"a": Expression('"$x"')}),
        ("@{ a = 'x', 'y'; b = 2 }", {"a": ["x", "y"], "b": 2}),
        ("@{ a = <# block\ncomment #> 1 }", {"a": 1}),
    ],
)
def test_a_literal_has_the_value_that_powershell_gives_it(text: str, value: Any) -> None:
    assert read(text)[0] == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@{ a = 'x'", "line 1: found 'the end'; expected '}'"),
        ("@{\n a 'x' }", "line 2: found \"'x' }\"; expected '='"),
        ("'open", "expected a closing quote"),
        ("@(" * 100 + ")" * 100, "expected fewer nested levels"),
    ],
)
def test_a_broken_literal_says_where(text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(text)
    assert message in str(caught.value)


def test_reading_stops_behind_the_literal() -> None:
    text = "$spec = @{ a = 1 }\n$module = 2"
    value, end = read(text, text.index("@"))
    assert value == {"a": 1}
    assert text[end:] == "\n$module = 2"
