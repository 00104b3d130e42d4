"""How `mim2ecma inspect` looks: a table with colours on a terminal, plain lines anywhere else.

Every text from a file passes `printable`, so that no escape sequence or direction mark in it acts on the
terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from mim2ecma.documents.findings import Finding, Severity
from mim2ecma.documents.printable import printable
from mim2ecma.readiness import Inspection

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from mim2ecma.commands.inspect import Row

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFORMATION: "cyan"}
_VERDICT_COLOURS = {"ready": "bold green", "ready-with-warnings": "bold yellow", "not-ready": "bold red"}
_VERDICT_WIDTH = len("ready-with-warnings")


def show(inspection: Inspection, path: str) -> None:
    """Print one inspection in full."""
    if sys.stdout.isatty():
        _show_table(inspection, path)
        return
    lines = [f"{printable(path, None)}: {inspection.verdict.value}"]
    lines += [f"  {label}: {text}" for label, text in facts(inspection)]
    lines += [f"  {item.severity.value} {item.id} {item.text}" for item in inspection.findings]
    sys.stdout.write("\n".join(lines) + "\n")


def facts(inspection: Inspection) -> list[tuple[str, str]]:
    """What a person wants to know about the management agent, printable."""
    agent, source = inspection.management_agent, inspection.source
    rows: list[tuple[str, str | None]] = [
        ("wrapper", source.wrapper.value),
        ("from", " ".join(part for part in (source.server, source.export_date) if part)),
    ]
    if agent is not None:
        extension = agent.configuration.extension
        rows += [
            ("management agent", agent.name),
            ("id", agent.id),
            ("category", agent.category),
            (
                "connector",
                " ".join(part for part in (extension.filename, extension.assembly_version) if part),
            ),
            ("object types", _object_types(inspection)),
        ]
    return [(label, printable(text)) for label, text in rows if text]


def _object_types(inspection: Inspection) -> str | None:
    schema = inspection.management_agent.schema if inspection.management_agent else None
    if schema is None or not schema.object_types:
        return f"{schema.object_type_count} (counted)" if schema and schema.object_type_count else None
    return ", ".join(
        f"{item.name} ({sum(attribute.usable for attribute in item.attributes)} usable attributes)"
        for item in schema.object_types
    )


def _show_table(inspection: Inspection, path: str) -> None:
    from rich.console import Console  # noqa: PLC0415  (slow to import)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False, emoji=False, markup=False)
    verdict = inspection.verdict.value
    console.print(Text.assemble((printable(path, None), "bold"), ": ", (verdict, _VERDICT_COLOURS[verdict])))
    for label, text in facts(inspection):
        console.print(Text.assemble("  ", (f"{label}: ", "dim"), text))
    if not inspection.findings:
        return
    table = Table(show_lines=True)
    table.add_column("Rule", no_wrap=True)
    table.add_column("Found, expected, next step", overflow="fold")
    for item in inspection.findings:
        table.add_row(
            Text(f"{item.id}\n{item.severity.value}", _COLOURS[item.severity]),
            Text.assemble(
                *((f"{item.where}: ", "dim"), item.found, "\n"),
                *(("expected: ", "dim"), item.expected, "\n"),
                *(("next: ", "dim"), (item.next_step, "bold" if item.severity is Severity.ERROR else "")),
            ),
        )
    console.print(table)
    # Again at the end: a long table has moved the first line out of sight.
    console.print(Text.assemble((verdict, _VERDICT_COLOURS[verdict]), f": {_counts(inspection.findings)}"))


def _counts(findings: Sequence[Finding]) -> str:
    """How many findings of each weight, those that matter most first."""
    weights = [(sum(item.severity is weight for item in findings), weight.value) for weight in Severity]
    return ", ".join(
        f"{count} {name}{'s' if count > 1 and name != 'information' else ''}"
        for count, name in weights
        if count
    )


class Summary:
    """One line a file as it comes, a progress bar on the terminal meanwhile, and the total."""

    def __init__(self, total: int, *, as_json: bool) -> None:
        self._total = total
        self._as_json = as_json
        self._counts: dict[str, int] = {}
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._separator = "[\n"

    def __enter__(self) -> Summary:
        # A bar between the lines of a document on the same terminal would spoil both.
        shared = sys.stdout.isatty()
        if sys.stderr.isatty() and not (shared and self._as_json):
            from rich.console import Console  # noqa: PLC0415  (slow to import)
            from rich.progress import Progress  # noqa: PLC0415

            self._progress = Progress(
                console=Console(file=sys.stderr),
                transient=True,
                redirect_stdout=shared,  # puts the lines above the bar; a file must get them itself
                redirect_stderr=False,
            )
            self._progress.start()
            self._task = self._progress.add_task("inspect", total=self._total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
        if kind is not None:
            return
        if self._as_json:
            sys.stdout.write("]\n" if self._separator == ",\n" else "[]\n")
        else:
            counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self._counts.items()))
            sys.stdout.write(f"{self._total} files: {counts}\n")

    def add(self, row: Row) -> None:
        """Print a file's line or document."""
        self._counts[row.verdict] = self._counts.get(row.verdict, 0) + 1
        if self._as_json:
            sys.stdout.write(f"{self._separator}{(row.document or '').rstrip()}\n")
            self._separator = ",\n"
        else:
            sys.stdout.write(_line(row) + "\n")
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)


def _line(row: Row) -> str:
    parts = [f"{row.verdict:{_VERDICT_WIDTH}}", printable(row.path, None)]
    parts += [printable(text, 60) for text in (row.name, row.category, row.connector_dll) if text]
    parts.append(f"errors={row.errors} warnings={row.warnings}")
    if row.verdict == "not-ready":
        parts.append(printable(row.first, 120))
    return "  ".join(parts)
