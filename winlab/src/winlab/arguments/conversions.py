"""Values turned into the types of Ansible.Basic's options, as Ansible.Basic.cs of ansible-core 2.19 does."""

from __future__ import annotations

import json
import re
import struct
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from winlab.arguments.powershell import dotnet_string
from winlab.arguments.specs import DOUBLE, GUID, INT64, UINT32, VERSION
from winlab.errors import NotModelled

_TRUE = ("y", "yes", "on", "1", "true", "t", "1.0")
_FALSE = ("n", "no", "off", "0", "false", "f", "0.0")
NULL_REFERENCE = "Object reference not set to an instance of an object."
_INT32 = range(-(2**31), 2**31)


class ConversionError(Exception):
    """A value that cannot become the wanted type."""


class Folded(dict[str, Any]):
    """A dict with the look-ups of PowerShell's hashtable: without regard to case.

    Args:
        values: what it starts with.
        exact: case matters, as in the .NET dictionaries of sub-options.
    """

    def __init__(self, values: Mapping[str, Any], exact: bool = False) -> None:
        super().__init__(values)
        self._exact = exact

    def _key(self, key: object) -> Any:
        if self._exact or super().__contains__(key) or not isinstance(key, str):
            return key
        folded = key.casefold()
        return next((name for name in self if name.casefold() == folded), key)

    def __contains__(self, key: object) -> bool:
        return super().__contains__(self._key(key))

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(self._key(key))

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(self._key(key), value)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key in any case."""
        return super().get(self._key(key), default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """As of a dict, the key in any case."""
        return super().setdefault(self._key(key), default)


_HEXADECIMAL = re.compile(r"\s*0x(?P<digits>[0-9a-f]+)\s*", re.IGNORECASE)


def dotnet_type(value: Any) -> str:
    """The type that ConvertFrom-Json gives a JSON value."""
    if isinstance(value, bool):
        return "System.Boolean"
    if isinstance(value, int):
        return "System.Int32" if value in _INT32 else "System.Int64"
    if isinstance(value, float):
        return "System.Decimal"
    if isinstance(value, Mapping):
        return "System.Collections.Hashtable"
    if isinstance(value, list):
        return "System.Object[]"
    return "System.String"


def _to_str(value: Any) -> str:
    return dotnet_string(value)


def to_bool(value: Any) -> bool:
    """ParseBool."""
    if isinstance(value, bool):
        return value
    text = dotnet_string(value).lower().strip()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    valid = ", ".join((*_TRUE, *_FALSE))
    raise ConversionError(f"The value '{text}' is not a valid boolean. Valid booleans include: {valid}")


def to_int(value: Any) -> int:
    """ParseInt."""
    if isinstance(value, int) and not isinstance(value, bool) and value in _INT32:
        return value
    text = dotnet_string(value)
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
        raise ConversionError("Input string was not in a correct format.")
    if int(text) not in _INT32:
        raise ConversionError("Value was either too large or too small for an Int32.")
    return int(text)


def _to_uint32(value: Any) -> int:
    """PowerShell's cast: text may be hexadecimal, `0x...` (UInt32Converter, which it asks for texts)."""
    try:
        hexadecimal = isinstance(value, str) and _HEXADECIMAL.fullmatch(value)
        number = int(hexadecimal["digits"], 16) if hexadecimal else round(float(value))
    except (TypeError, ValueError):
        raise ConversionError(
            f'Cannot convert value "{dotnet_string(value)}" to type "System.UInt32". '
            'Error: "Input string was not in a correct format."'
        ) from None
    if not 0 <= number < 2**32:
        raise ConversionError(
            f'Cannot convert value "{dotnet_string(value)}" to type "System.UInt32". '
            'Error: "Value was either too large or too small for a UInt32."'
        )
    return number


def _parsed(kind: str, parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    """A delegate that hands the text to a `Parse` of .NET."""

    def convert(value: Any) -> Any:
        text = dotnet_string(value)
        try:
            return parse(text)
        except ValueError:
            raise NotModelled(
                f"how .NET refuses {text!r} as {kind}", "Only valid values are known (conversions.py)."
            ) from None

    return convert


def _guid(text: str) -> str:
    """`Guid.ParseExact(text.Trim('{}').Replace('-', ''), 'N')` and its usual text."""
    digits = text.strip("{}").replace("-", "")
    if not re.fullmatch(r"[0-9a-fA-F]{32}", digits):
        raise ValueError
    return str(uuid.UUID(digits))


def _version(text: str) -> str:
    """`Version.Parse`: two to four numbers; here as its usual text."""
    numbers = [_int64(part) for part in text.split(".")]
    if not 2 <= len(numbers) <= 4 or any(number not in range(2**31) for number in numbers):
        raise ValueError
    return ".".join(map(str, numbers))


def _int64(text: str) -> int:
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text) or int(text) not in range(-(2**63), 2**63):
        raise ValueError
    return int(text)


def _to_float(value: Any) -> float:
    text = dotnet_string(value).strip()
    if not re.fullmatch(
        r"[+-]?[0-9][0-9,]*(\.[0-9]*)?([eE][+-]?[0-9]+)?|[+-]?\.[0-9]+([eE][+-]?[0-9]+)?", text
    ):
        raise ConversionError("Input string was not in a correct format.")
    try:
        single = struct.unpack("<f", struct.pack("<f", float(text.replace(",", ""))))[0]
    except OverflowError:
        raise ConversionError("Value was either too large or too small for a Single.") from None
    # As .NET prints a Single: seven digits, not the double behind it.
    return float(f"{single:.7g}")


def _to_json(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, str):
        return value
    raise ConversionError(f"{dotnet_type(value)} cannot be converted to json")


def _to_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return list(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if isinstance(value, int) and not isinstance(value, bool) and value in _INT32:
        return [value]
    raise ConversionError(f"{dotnet_type(value)} cannot be converted to a list")


def to_dict(value: Any) -> Folded:
    """ParseDict; the real one gives a dictionary that heeds case."""
    if isinstance(value, Mapping):
        return Folded(value, exact=True)
    if not isinstance(value, str):
        raise ConversionError(f"{dotnet_type(value)} cannot be converted to a dict")
    if value.startswith("{") and value.endswith("}"):
        try:
            parsed = json.loads(value)
        except ValueError:
            raise ConversionError("Invalid object passed in, ':' or '}' expected.") from None
        return Folded(parsed, exact=True)
    if "=" not in value:
        raise ConversionError(
            "string cannot be converted to a dict, must either be a JSON string or in the key=value form"
        )
    pairs = [field.partition("=") for field in dict.fromkeys(_fields(value))]
    return Folded({name: text if found else None for name, found, text in pairs}, exact=True)


def _fields(text: str) -> list[str]:
    """`key=value` pairs separated by commas or blanks, with quotes and backslash escapes."""
    fields: list[str] = []
    current, quote, escaped = "", "", False
    for char in text:
        if escaped:
            current += char
            escaped = False
        elif char == "\\":
            escaped = True
        elif not quote and char in "'\"":
            quote = char
        elif quote and char == quote:
            quote = ""
        elif not quote and char in ", ":
            fields.append(current)
            current = ""
        else:
            current += char
    return [field for field in (*fields, current) if field]


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "bool": to_bool,
    "dict": to_dict,
    "float": _to_float,
    "int": to_int,
    "json": _to_json,
    "list": _to_list,
    "raw": lambda value: value,
    "str": _to_str,
    UINT32: _to_uint32,
    GUID: _parsed(GUID, _guid),
    VERSION: _parsed(VERSION, _version),
    INT64: _parsed(INT64, _int64),
    DOUBLE: _parsed(DOUBLE, float),
}
