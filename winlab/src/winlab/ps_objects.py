"""Objects of .NET that the behaviour of a script may write, beside texts, numbers, lists and hashtables.

Which properties an object has is said by whoever makes it; how win_powershell shows them is in
`winlab.modules._powershell_objects`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EnumValue:
    """A member of an enumeration: its type's full name, its text and its number."""

    type: str
    text: str
    value: int


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """A `System.Type`."""

    full_name: str
    assembly: str
    base: TypeInfo | None = None

    @property
    def name(self) -> str:
        """Its name without the namespace."""
        return self.full_name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class PSObject:
    """Any other object: its properties, and its text as a string."""

    properties: Mapping[str, Any]
    text: str
