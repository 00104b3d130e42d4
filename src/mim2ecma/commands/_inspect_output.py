"""How `mim2ecma inspect` looks: a table with colours on a terminal, plain lines anywhere else.

Every text from a file passes `printable`, so that no escape sequence or direction mark in it acts on the
terminal. What is longer than the terminal is wide goes on under an indent: a line that begins in column 0 is
ours, whatever a file calls its management agent.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from mim2ecma.commands._text import columns, encodable, fold
from mim2ecma.documents.findings import Finding, Severity
from mim2ecma.documents.printable import counted, printable
from mim2ecma.readiness import Inspection

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from mim2ecma.commands.inspect import Row

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFORMATION: "cyan"}
_UNREADABLE = "unreadable"  # in place of a verdict: nothing was judged
_VERDICT_COLOURS = {
    "ready": "bold green",
    "ready-with-warnings": "bold yellow",
    "not-ready": "bold red",
    _UNREADABLE: "bold red",
}
_VERDICT_WIDTH = len("ready-with-warnings")
_INDENT = 4
_HEIGHT = 25  # nothing here depends on it
_NARROW = 60  # on fewer columns the texts do not stand beside the verdicts


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
    agent = inspection.management_agent
    schema = agent.schema if agent else None
    if agent is None or schema is None or not (schema.object_types or schema.object_type_count):
        return None
    if not schema.object_types:
        why = "" if agent.is_ecma2 else " (only those of Extensible2 matter)"
        return f"{schema.object_type_count}, names not read{why}"
    return ", ".join(
        f"{item.name} ({counted(sum(attribute.usable for attribute in item.attributes), 'usable attribute')})"
        for item in schema.object_types
    )


def _console(stream: TextIO) -> Console:
    from rich.console import Console  # noqa: PLC0415  (slow to import)

    # A width alone is not believed on a terminal that calls itself dumb.
    return Console(file=stream, width=columns(), height=_HEIGHT, highlight=False, emoji=False, markup=False)


def _print_folded(console: Console, text: str, indent: int, styles: Sequence[tuple[str, str]] = ()) -> None:
    """Print a line that goes on indented.

    Args:
        console: Where.
        text: Printable.
        indent: Columns.
        styles: Parts that have a colour, where they stand first or last in a line, each with it.
    """
    from rich.text import Text  # noqa: PLC0415

    width = console.width
    # Folded as if all lines were indented, so that the first one needs no measure of its own.
    for number, line in enumerate(fold(encodable(text, console.encoding), max(width - indent, 1))):
        shown = Text(line if number == 0 else " " * min(indent, width - 1) + line)
        for part, style in styles:
            if number == 0 and line.startswith(part):
                shown.stylize(style, 0, len(part))
            elif line.endswith(part):
                shown.stylize(style, len(shown) - len(part))
        console.print(shown, soft_wrap=True)


def _show_table(inspection: Inspection, path: str) -> None:
    from rich.table import Table  # noqa: PLC0415  (slow to import)
    from rich.text import Text  # noqa: PLC0415

    console = _console(sys.stdout)
    verdict = inspection.verdict.value
    _print_folded(
        console, f"{printable(path, None)}: {verdict}", _INDENT, [(verdict, _VERDICT_COLOURS[verdict])]
    )
    for label, text in facts(inspection):
        _print_folded(console, f"  {label}: {text}", _INDENT, [(f"  {label}:", "dim")])
    if not inspection.findings:
        return
    table = Table(show_lines=True)
    table.add_column("Rule", no_wrap=True)
    table.add_column("Found, expected, next step", overflow="fold")
    for item in inspection.findings:
        where, found, expected, next_step = (
            encodable(text, console.encoding)
            for text in (item.where, item.found, item.expected, item.next_step)
        )
        table.add_row(
            Text(f"{item.id}\n{item.severity.value}", _COLOURS[item.severity]),
            Text.assemble(
                *((f"{where}: ", "dim"), found, "\n"),
                *(("expected: ", "dim"), expected, "\n"),
                *(("next: ", "dim"), (next_step, "bold" if item.severity is Severity.ERROR else "")),
            ),
        )
    console.print(table)
    # Again at the end: a long table has moved the first line out of sight.
    console.print(Text.assemble((verdict, _VERDICT_COLOURS[verdict]), f": {_counts(inspection.findings)}"))


def _counts(findings: Sequence[Finding]) -> str:
    """How many findings of each weight, those that matter most first."""
    weights = [(sum(item.severity is weight for item in findings), weight) for weight in Severity]
    return ", ".join(
        counted(count, weight.value, "information" if weight is Severity.INFORMATION else None)
        for count, weight in weights
        if count
    )


class Summary:
    """One line a file as it comes, a progress bar on the terminal meanwhile, and the total.

    Args:
        total: Files.
        refused: Arguments that stand for no file.
        notes: To be told at the end.
        as_json: Whether the documents are wanted instead.
    """

    def __init__(self, total: int, refused: int, notes: Sequence[str], *, as_json: bool) -> None:
        self._total = total
        self._refused = refused
        self._notes = notes
        self._as_json = as_json
        self._counts: dict[str, int] = {}
        self._console = _console(sys.stdout) if sys.stdout.isatty() and not as_json else None
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._separator = "[\n"
        self._complete = True

    def __enter__(self) -> Summary:
        # A bar between the lines of a document on the same terminal would spoil both.
        shared = sys.stdout.isatty()
        if sys.stderr.isatty() and not (shared and self._as_json):
            from rich.progress import Progress  # noqa: PLC0415  (slow to import)

            console = _console(sys.stderr)
            if console.is_dumb_terminal:  # nothing can be drawn over there; a bar is an empty line at its end
                return self
            self._progress = Progress(
                console=console, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._progress.start()
            self._task = self._progress.add_task("inspect", total=self._total)
            if shared:  # which puts the lines above the bar; a file must get them itself
                self._console = console
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._console = _console(sys.stdout) if self._console is not None else None
        if kind is not None:
            return
        if self._as_json:
            sys.stdout.write("]\n" if self._separator == ",\n" else "[]\n")
        elif self._complete and self._total:
            counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self._counts.items()))
            refused = f", and {counted(self._refused, 'argument')} refused" if self._refused else ""
            self._say(f"{counted(self._total, 'file')}: {counts}{refused}")
            for note in self._notes:
                self._say(note)
            self._say("Details: mim2ecma inspect FILE")

    def add(self, row: Row) -> None:
        """Print a file's line or document."""
        verdict = _UNREADABLE if row.unreadable else row.verdict
        self._counts[verdict] = self._counts.get(verdict, 0) + 1
        if self._as_json:
            self._add_document(row.document or "")
        else:
            self._add_line(verdict, _texts(row))
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)

    def refuse(self, document: str) -> None:
        """Print the document of an argument that stands for no file; it has no line."""
        if self._as_json:
            self._add_document(document)

    def cut_off(self, document: str) -> None:
        """End before all files were inspected: no total, and the document of the error closes the list."""
        self._complete = False
        self.refuse(document)

    def _add_document(self, document: str) -> None:
        sys.stdout.write(f"{self._separator}{document.rstrip()}\n")
        self._separator = ",\n"

    def _add_line(self, verdict: str, texts: str) -> None:
        if self._console is None:
            sys.stdout.write(f"{verdict:{_VERDICT_WIDTH}}  {texts}\n")
            return
        from rich.text import Text  # noqa: PLC0415

        width, style = self._console.width, _VERDICT_COLOURS[verdict]
        narrow = width < _NARROW
        indent = 2 if narrow else _VERDICT_WIDTH + 2
        lines = fold(encodable(texts, self._console.encoding), max(width - indent, 1))
        if narrow:
            self._console.print(Text(verdict, style), soft_wrap=True)
        else:
            first = Text.assemble((verdict, style), " " * (indent - len(verdict)), lines.pop(0))
            self._console.print(first, soft_wrap=True)
        for line in lines:
            self._console.print(Text(" " * indent + line), soft_wrap=True)

    def _say(self, line: str) -> None:
        if self._console is None:
            sys.stdout.write(f"{line}\n")
        else:
            _print_folded(self._console, line, _INDENT)


def _texts(row: Row) -> str:
    parts = [printable(row.path, None)]
    parts += [printable(text, 60) for text in (row.name, row.category, row.connector_dll) if text]
    parts.append(f"errors={row.errors} warnings={row.warnings}")
    if row.reason:
        parts.append(printable(row.reason, 120))
    return "  ".join(parts)
