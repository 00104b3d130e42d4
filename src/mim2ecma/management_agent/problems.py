"""The one exception by which reading ends early; it becomes finding R1 and never leaves this package."""

from __future__ import annotations

from mim2ecma.documents.findings import Finding, Severity

UNREADABLE_RULE = "R1"
"""Rule of everything that makes a file unreadable (domain/ma_xml.md 12)."""

EXPORT_AGAIN = (
    "Export the management agent again (Synchronization Service, Management Agents, Export Management Agent) "
    "and bring the file over unchanged."
)


class UnreadableError(Exception):
    """The bytes cannot be read as the XML of an export.

    Attributes:
        finding: What a person is told.
    """

    def __init__(self, where: str, found: str, expected: str, next_step: str = EXPORT_AGAIN) -> None:
        super().__init__(found)
        self.finding = Finding(UNREADABLE_RULE, Severity.ERROR, where, found, expected, next_step)
