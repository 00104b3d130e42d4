"""Password and lockout policy of a machine that is in no domain.

Source: Microsoft's pages "Password Policy", "Account Lockout Policy", "Password must meet complexity
requirements". That a stand-alone Windows Server asks for complexity out of the box is what its setup shows
(the page's own table says otherwise). A lab definition cannot change the policy; code sets `accounts.policy`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# The page's own numbers: parts of the full name shorter than this are not looked for, nor is the user name.
_SHORTEST_PART = 3
_CATEGORIES_NEEDED = 3


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What is asked of a password, and when an account locks.

    Attributes:
        minimum_length: characters.
        complexity: three of the five kinds of characters, no part of the names.
        maximum_age_days: 0 for never.
        lockout_threshold: wrong passwords until the account locks; 0 for never.
        lockout_minutes: how long it stays locked; 0 until an administrator unlocks it.
        observation_minutes: after how long without another one wrong passwords are counted anew.
    """

    minimum_length: int = 0
    complexity: bool = True
    maximum_age_days: int = 42
    lockout_threshold: int = 0
    lockout_minutes: int = 30
    observation_minutes: int = 30


def acceptable(password: str, user_name: str, full_name: str, policy: PasswordPolicy) -> bool:
    """Whether the policy lets this user have this password."""
    if len(password) < policy.minimum_length:
        return False
    return not policy.complexity or _complex(password, user_name, full_name)


def _complex(password: str, user_name: str, full_name: str) -> bool:
    lowered = password.lower()
    if len(user_name) >= _SHORTEST_PART and user_name.lower() in lowered:
        return False
    parts = [part for part in re.split(r"[,.\-_\s#\t]+", full_name) if len(part) >= _SHORTEST_PART]
    if any(part.lower() in lowered for part in parts):
        return False
    kinds = {
        "upper": any(c.isupper() for c in password),
        "lower": any(c.islower() for c in password),
        "digit": any(c in "0123456789" for c in password),
        "symbol": any(not c.isalnum() for c in password),
        "letter without case": any(c.isalpha() and not c.isupper() and not c.islower() for c in password),
    }
    return sum(kinds.values()) >= _CATEGORIES_NEEDED
