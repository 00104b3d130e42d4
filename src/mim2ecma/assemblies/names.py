"""What an assembly is called: name, version, culture, public key token, and how the runtime compares them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

Version = tuple[int, int, int, int]

PUBLIC_KEY_FLAG = 0x0001
"""`afPublicKey` (ECMA-335 II.23.1.2): the blob is the whole key, not its token."""
RETARGETABLE_FLAG = 0x0100
"""`afRetargetable`: the runtime may take another publisher's assembly of that name."""

TOKEN_BYTES = 8
"""Length of a public key token (ECMA-335 II.6.3)."""
KEY_BYTES = 4096
"""Longest public key that is read: one of 16384 bits, the largest that Windows makes, takes 2080 bytes."""


@dataclass(frozen=True, slots=True, order=True)
class AssemblyName:
    """Identity of an assembly or of a reference to one (ECMA-335 II.6.2.1)."""

    name: str
    version: Version = (0, 0, 0, 0)
    culture: str = ""
    public_key_token: str = ""
    retargetable: bool = False

    @property
    def key(self) -> str:
        """The name as the runtime compares it: without regard to case (Fusion compares simple names so)."""
        return self.name.casefold()

    @property
    def version_text(self) -> str:
        """Version as four numbers."""
        return format_version(self.version)

    @property
    def is_strong(self) -> bool:
        """True when a public key token is part of the name."""
        return bool(self.public_key_token)

    def __str__(self) -> str:
        token = self.public_key_token or "null"
        culture = self.culture or "neutral"
        return f"{self.name}, Version={self.version_text}, Culture={culture}, PublicKeyToken={token}"


def format_version(version: Version) -> str:
    """Return `1.2.3.4`."""
    return ".".join(map(str, version))


def parse_version(text: str) -> Version | None:
    """Read one to four numbers; missing ones are 0. None when the text is no version."""
    parts = text.strip().split(".")
    if not 1 <= len(parts) <= 4 or not all(
        part.isascii() and part.isdigit() and len(part) <= 10 for part in parts
    ):
        return None
    numbers = [int(part) for part in parts]
    first, second, third, fourth = (*numbers, *[0] * (4 - len(numbers)))
    return first, second, third, fourth


def token_of_key(public_key: bytes) -> str:
    """Return the public key token.

    The last eight bytes of the key's SHA-1, in reverse order (ECMA-335 II.6.3).
    """
    digest = hashlib.sha1(public_key, usedforsecurity=False).digest()
    return digest[-1:-9:-1].hex()
