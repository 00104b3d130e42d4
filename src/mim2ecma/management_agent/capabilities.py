"""Capabilities decoded from `capabilities-mask` and `capability-bits` (domain/ma_xml.md 8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class DnStyle(StrEnum):
    """How the connector writes distinguished names."""

    NONE = "none"
    GENERIC = "generic"
    LDAP = "ldap"


# domain/ma_xml.md 8: one layout for both fields of an ECMA2 management agent. Without the bits of the DN
# style.
NAMES: Final[dict[int, str]] = {
    0x00000001: "immediate-export-confirmation",
    0x00000004: "no-import",
    0x00000008: "no-hierarchy",
    0x00000080: "no-export",
    0x00000200: "object-rename",
    0x00000400: "no-references-in-first-export-pass",
    0x00000800: "password-operations",
    0x00001000: "delta-import",
    0x00008000: "concurrent-operation",
    0x00010000: "delete-add-as-replace",
    0x00020000: "attribute-list",
    0x00040000: "schema-discovery",
    0x00080000: "normalise-upper-case",
    0x00100000: "normalise-accents",
    0x01000000: "no-partitions",
    0x02000000: "full-export",
    0x10000000: "password-in-first-export-pass",
    0x40000000: "dn-is-anchor",
    0x80000000: "case-normalise-dn-for-anchor",
}
_CONFIRMATION: Final = 0x24000000
_DN_STYLE: Final = 0x70
_DN_STYLES: Final = {0x00: DnStyle.NONE, 0x30: DnStyle.GENERIC, 0x70: DnStyle.LDAP}
_BITS: Final = 32
_LARGEST: Final = (1 << _BITS) - 1
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{1,8}")
_DECIMAL = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class BitField:
    """One of the two fields, decoded.

    Attributes:
        value: The number, 32 bits.
        names: Capabilities in the order of their bits.
        dn_style: DN style, `None` for a combination of bits that was never seen.
        unknown_bits: Bits without a known meaning, as `0x...`.
    """

    value: int
    names: tuple[str, ...]
    dn_style: DnStyle | None
    unknown_bits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Both fields.

    The engine adds bits to its mask, and older connectors leave out negative bits: absence proves nothing.

    Attributes:
        mask: The engine's view (`capabilities-mask`, hexadecimal in the file).
        bits: The connector's view (`capability-bits`, decimal in the file).
        mask_text: What stands in the file for the mask.
        bits_text: What stands in the file for the bits.
    """

    mask: BitField | None = None
    bits: BitField | None = None
    mask_text: str | None = None
    bits_text: str | None = None

    @property
    def best(self) -> BitField | None:
        """The connector's own view, otherwise the engine's."""
        return self.bits or self.mask

    def has(self, name: str) -> bool:
        """Whether the best field has a capability."""
        return self.best is not None and name in self.best.names


def decode(value: int) -> BitField:
    """Decode a number of the layout of ECMA2 management agents.

    Args:
        value: 32 bits.

    Returns:
        Its meaning.
    """
    names = [name for bit, name in NAMES.items() if value & bit]
    confirmation = value & _CONFIRMATION
    if confirmation == _CONFIRMATION:
        names.append("no-confirmation-of-add-and-delete")
    elif confirmation:
        names.append("no-confirmation-of-delete")  # which of the two bits alone says so is uncertain
    known = sum(NAMES) | _CONFIRMATION | _DN_STYLE
    unknown = [f"0x{1 << bit:08x}" for bit in range(_BITS) if value & ~known & (1 << bit)]
    return BitField(value, tuple(names), _DN_STYLES.get(value & _DN_STYLE), tuple(unknown))


def read_capabilities(mask: str | None, bits: str | None) -> Capabilities:
    """Read the two fields; a text that is not a number leaves its field `None`.

    Args:
        mask: `capabilities-mask`: hexadecimal, lower-case, no prefix.
        bits: `capability-bits`: decimal.

    Returns:
        Both, decoded.
    """
    return Capabilities(
        mask=decode(int(mask, 16)) if mask and _HEXADECIMAL.fullmatch(mask) else None,
        bits=decode(int(bits)) if bits and _DECIMAL.fullmatch(bits) and int(bits) <= _LARGEST else None,
        mask_text=mask,
        bits_text=bits,
    )
