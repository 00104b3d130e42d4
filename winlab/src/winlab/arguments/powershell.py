"""How PowerShell turns JSON values into strings and numbers (language specification, chapter 6)."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

_INT32 = range(-(2**31), 2**31)
_DECIMAL = re.compile(r"\A[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z")
_HEX = re.compile(r"\A([+-]?)0[xX]([0-9a-fA-F]+)\Z")


def dotnet_string(value: Any) -> str:
    """`$value.ToString()`: what .NET prints for a value that ConvertFrom-Json made."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float):
        return _number_text(value)
    if isinstance(value, Mapping):
        return "System.Collections.Hashtable"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "System.Object[]"
    return str(value)


def interpolated(value: Any) -> str:
    """`"$value"` or `[string]$value`: lists are joined with blanks, null is empty."""
    if value is None:
        return ""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return " ".join(interpolated(item) for item in value)
    return dotnet_string(value)


def equals(left: Any, right: Any) -> bool:
    """`$left -eq $right` for scalars: the right side is converted to the left side's type, case ignored."""
    if left is None or right is None:
        return left is right
    if isinstance(left, str):
        return left.casefold() == interpolated(right).casefold()
    if isinstance(left, bool):
        return left == bool(right)
    if isinstance(right, str):
        right = as_int(right)
    return bool(left == right)


def as_int(value: Any) -> int | None:
    """`$value -as [int]`: None where PowerShell gives `$null`; halves round to even, empty text is 0."""
    if isinstance(value, str):
        return _text_as_int(value.strip())
    if isinstance(value, bool | int | float):
        return _in_range(round(value))
    return None


def as_float(value: Any) -> float | None:
    """`$value -as [float]`: a 32-bit float, None where PowerShell gives `$null`."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return 0.0
        if not _DECIMAL.match(text):
            return None
        value = float(text)
    if isinstance(value, int | float):
        try:
            return float(struct.unpack("<f", struct.pack("<f", value))[0])
        except OverflowError:
            return None
    return None


def _text_as_int(text: str) -> int | None:
    if match := _HEX.match(text):
        number = int(match[2], 16)
        if number >= 2**31:  # 0xFFFFFFFF is -1 as an Int32
            number -= 2**32
        return _in_range(-number if match[1] == "-" else number)
    if text and not _DECIMAL.match(text):
        return None
    return _in_range(round(float(text or 0)))


def _in_range(number: int) -> int | None:
    return number if number in _INT32 else None


def _number_text(value: float) -> str:
    # ConvertFrom-Json makes a decimal of plain digits, which prints as it was written; a double of an
    # exponent.
    text = repr(value)
    return text if "e" not in text else f"{value:.15g}".replace("e", "E")


def is_true(value: Any) -> bool:
    """What PowerShell's `if` makes of a value: a list of one is that one."""
    if isinstance(value, list):
        return len(value) > 1 or (len(value) == 1 and is_true(value[0]))
    return isinstance(value, dict) or bool(value)
