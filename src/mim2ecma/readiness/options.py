"""What the person who asks wants to be judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mim2ecma.documents.errors import UsageError
from mim2ecma.readiness.catalogue import NEVER_ACCEPTED, RULES

DEFAULT_OBJECT_TYPES: Final = ("user", "person", "inetOrgPerson")
"""Object types accepted without being asked (rule R7), compared without case."""

_OPTIONS: Final = "options"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of one inspection.

    Attributes:
        object_types: Names of object types to accept beside user, person and inetOrgPerson. Where the schema
            has one of them, the others are not looked at.
        strict: Whether the doubtful warnings of R8b and R11 are errors.
        accept: Rules accepted knowingly, each with the reason. An accepted error becomes a warning, an
            accepted warning an information, and the reason stands in the finding.

    Raises:
        UsageError: For a rule that does not exist or cannot be accepted, a missing reason, an empty name.
    """

    object_types: tuple[str, ...] = ()
    strict: bool = False
    accept: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.object_types:
            if not name.strip():
                raise UsageError(
                    source=_OPTIONS,
                    where="object type",
                    found="an empty name",
                    expected="the name of an object type of the connector's schema",
                    next_step="Leave it out or name one.",
                )
        for rule, reason in self.accept.items():
            if rule not in RULES or rule in NEVER_ACCEPTED:
                raise UsageError(
                    source=_OPTIONS,
                    where="accept",
                    found=f"rule {rule}",
                    expected=f"one of {', '.join(name for name in RULES if name not in NEVER_ACCEPTED)}",
                    next_step="docs/readiness-rules.md says what each rule means and why some cannot be "
                    "accepted.",
                )
            if not any(character.isalnum() for character in reason):
                raise UsageError(
                    source=_OPTIONS,
                    where=f"accept {rule}",
                    found="no reason",
                    expected="a reason, which goes into the record",
                    next_step="Say why the finding does not matter here.",
                )
