"""The option `--accept ID=REASON`, the same for every command that judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mim2ecma.documents.errors import UsageError


def read_accepted(items: Iterable[str], command: str, example: str) -> dict[str, str]:
    """Read what was given.

    Args:
        items: `ID=REASON` each.
        command: For the error, such as `mim2ecma inspect`.
        example: One that makes sense, for the error.

    Raises:
        UsageError: no rule, no reason, or two reasons for one rule.
    """
    accept = {}
    given: Counter[str] = Counter()
    for item in items:
        rule, sign, reason = item.partition("=")
        rule = rule.strip()
        if not sign or not rule:
            raise UsageError(
                source=command,
                where="--accept",
                found=item or "nothing",
                expected="RULE=REASON",
                next_step=f"Name the rule and say why, as in --accept '{example}'.",
            )
        if not any(character.isalnum() for character in reason):
            raise UsageError(
                source=command,
                where=f"--accept {rule}",
                found="no reason",
                expected="a reason, which goes into the record",
                next_step=f"Say why the finding does not matter here, as in --accept '{example}'.",
            )
        accept[rule] = reason
        given[rule] += 1
    for rule, times in given.items():
        if times > 1:
            raise UsageError(
                source=command,
                where=f"--accept {rule}",
                found=f"given {times} times",
                expected="one reason for a rule",
                next_step="Put everything that is to be said into one reason.",
            )
    return accept


def not_needed(rule: str, command: str) -> UsageError:
    """What to tell of an acceptance that changed nothing; it is no reason to fail.

    Args:
        rule: Rule that was accepted.
        command: The command.
    """
    return UsageError(
        source=command,
        where=f"--accept {rule}",
        found=f"no error or warning {rule} was found",
        expected="a rule that was",
        next_step="Leave it out, or correct the rule.",
    )
