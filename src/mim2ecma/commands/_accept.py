"""The option `--accept ID=REASON`, the same for every command that judges."""

from __future__ import annotations

from collections.abc import Iterable

from mim2ecma.documents.errors import UsageError


def read_accepted(items: Iterable[str], command: str, example: str) -> dict[str, str]:
    """Read what was given.

    Args:
        items: `ID=REASON` each.
        command: For the error, such as `mim2ecma inspect`.
        example: One that makes sense, for the error.

    Raises:
        UsageError: no reason was given.
    """
    accept = {}
    for item in items:
        rule, sign, reason = item.partition("=")
        if not sign:
            raise UsageError(
                source=command,
                where="--accept",
                found=item,
                expected="RULE=REASON",
                next_step=f"Name the rule and say why, as in --accept '{example}'.",
            )
        accept[rule.strip()] = reason
    return accept
