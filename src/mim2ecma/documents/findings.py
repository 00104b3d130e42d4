"""Findings: what a person must know or decide about an input, and the verdict that follows from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from mim2ecma.documents.printable import printable

FINDING_TEXT_LENGTH = 1000
"""Longest text of one field of a finding; lists are cut by their maker, this is the last guard."""

_RULE_ID = re.compile(r"[RC]([1-9][0-9]*)([a-z]?)\Z")


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Verdict(StrEnum):
    """What all findings together mean for the migration."""

    READY = "ready"
    READY_WITH_WARNINGS = "ready-with-warnings"
    NOT_READY = "not-ready"


_SOFTER = {
    Severity.ERROR: (Severity.WARNING, "an error"),
    Severity.WARNING: (Severity.INFORMATION, "a warning"),
}
_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFORMATION: 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; its texts are made printable on construction because they quote untrusted files.

    Attributes:
        id: Rule, `R1` ... (docs/readiness-rules.md).
        severity: error, warning or information.
        where: Place in the input, in the input's own words.
        found: What stands there.
        expected: What should stand there.
        next_step: What a person should do, a full sentence.
        acceptable: Whether it may be accepted knowingly, where its rule may; not part of the JSON form.
    """

    id: str
    severity: Severity
    where: str
    found: str
    expected: str
    next_step: str
    acceptable: bool = True

    def __post_init__(self) -> None:
        for field in ("where", "found", "expected", "next_step"):
            object.__setattr__(self, field, printable(getattr(self, field), FINDING_TEXT_LENGTH))

    @property
    def text(self) -> str:
        """The finding as one sentence: `<where>: <found>; expected <expected>. <next_step>`."""
        return f"{self.where}: {self.found}; expected {self.expected}. {self.next_step}"

    def with_severity(self, severity: Severity) -> Finding:
        """The same finding with another weight."""
        return replace(self, severity=severity)

    def not_acceptable(self, when: bool = True) -> Finding:
        """The same finding, one that nobody can accept knowingly if `when` holds."""
        return replace(self, acceptable=self.acceptable and not when)

    def to_dict(self) -> dict[str, str]:
        """The JSON form, keys as in docs/architecture.md."""
        return {
            "id": self.id,
            "severity": self.severity.value,
            "where": self.where,
            "found": self.found,
            "expected": self.expected,
            "next_step": self.next_step,
        }


def rule_number(rule: str) -> tuple[int, str]:
    """Sort key of a rule id: `R7b` comes after `R7` and before `R8`; unknown shapes come last.

    Args:
        rule: Rule id.

    Returns:
        Number and letter.
    """
    match = _RULE_ID.match(rule)
    return (int(match[1]), match[2]) if match else (10**6, rule)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings: errors first, then by rule, place and text; the order is the same in every run."""
    return tuple(
        sorted(
            findings, key=lambda item: (_ORDER[item.severity], rule_number(item.id), item.where, item.found)
        )
    )


def accepted(findings: Iterable[Finding], accept: Mapping[str, str]) -> Iterator[Finding]:
    """Soften what was accepted knowingly; the reason goes with the finding into the record.

    Args:
        findings: All findings.
        accept: Rule to reason. An accepted error becomes a warning, an accepted warning an information.
    """
    for finding in findings:
        reason = accept.get(finding.id)
        if reason is None or finding.severity not in _SOFTER:
            yield finding
            continue
        if not finding.acceptable:
            text = f"{finding.next_step} This cannot be accepted: there is nothing that could be migrated."
            yield replace(finding, next_step=text)
            continue
        severity, otherwise = _SOFTER[finding.severity]
        text = f"Accepted knowingly (otherwise {otherwise}): {reason.strip()}"
        yield replace(finding, severity=severity, next_step=text)


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """The verdict that a set of findings means: any error is not-ready, any warning ready-with-warnings."""
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return Verdict.NOT_READY
    return Verdict.READY_WITH_WARNINGS if Severity.WARNING in severities else Verdict.READY
