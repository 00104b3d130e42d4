"""`mim2ecma inspect`: say whether the ECMA Connector Host can take exported management agents."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mim2ecma.commands._accept import not_needed, read_accepted
from mim2ecma.commands._inspect_files import COMMAND, Inputs, Refused, check_name, gather
from mim2ecma.commands._unexpected import unexpected
from mim2ecma.documents.errors import InputError, Mim2EcmaError
from mim2ecma.documents.printable import counted

if TYPE_CHECKING:
    from mim2ecma.documents.findings import Finding
    from mim2ecma.readiness import Inspection, Options

HELP = "say whether the ECMA Connector Host can take an exported management agent, why not, and what to do"

DECIDING: Final = ("R1", "R4", "R3", "R27")
"""Errors after which no other matters: nothing else that could be mended would make the agent movable."""

_ACCEPTED = "Accepted knowingly ("  # how `findings.accepted` begins the next step
_FEW = 8  # up to so many files, starting other processes takes longer than reading them here
_FILES_PER_TASK = 16


@dataclass(frozen=True, slots=True)
class Row:
    """What is left of one inspection when several are shown.

    Attributes:
        path: The file.
        verdict: Of the document, so `not-ready` for an unreadable file.
        unreadable: Whether that is why.
        name: Of the management agent; `category` and `connector_dll` too.
        errors: How many findings are errors; `warnings` likewise.
        reason: The finding that decides, empty for what is ready.
        accepted: Rules whose acceptance changed something here.
        document: For `--json`.
    """

    path: str
    verdict: str
    unreadable: bool
    name: str | None
    category: str | None
    connector_dll: str | None
    errors: int
    warnings: int
    reason: str
    accepted: frozenset[str]
    document: str | None


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "inspect",
        help=HELP,
        description=f"{HELP.capitalize()}. Exit code 0: ready, 1: not ready, 2: unreadable input.",
    )
    parser.add_argument(
        "exports",
        nargs="+",
        metavar="EXPORT.xml",
        help="exported management agent, or a folder of such files",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print the document 'inspection' (a list for several files or a folder)",
    )
    parser.add_argument("--strict", action="store_true", help="take the warnings R8b and R11 as errors")
    parser.add_argument(
        "--object-type",
        action="append",
        default=[],
        metavar="NAME",
        help="object type that stands for people, beside user, person and inetOrgPerson; may be given again",
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="RULE=REASON",
        help="accept a rule's finding knowingly; may be given again",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Inspect the files and print the result."""
    options = _options(arguments)
    names: list[str] = arguments.exports
    if len(names) == 1 and not os.path.isdir(names[0]):  # noqa: PTH112  (unlike Path.is_dir it raises nothing)
        check_name(names[0])
        return _run_one(Path(names[0]), options, as_json=arguments.json)
    return _run_many(gather(names), options, as_json=arguments.json)


def refusal(error: Mim2EcmaError) -> str:
    """The document that `--json` prints when the arguments are wrong."""
    return _dumps(_unreadable(None, error))


def _options(arguments: argparse.Namespace) -> Options:
    from mim2ecma.readiness import Options  # noqa: PLC0415

    accept = read_accepted(arguments.accept, COMMAND, "R11=the second partition is empty")
    return Options(object_types=tuple(arguments.object_type), strict=arguments.strict, accept=accept)


def inspect_file(path: Path, options: Options) -> Inspection:
    """Inspect one file.

    Raises:
        InputError: It cannot be opened or held, or it is one that nobody has thought of.
    """
    from mim2ecma.readiness import inspect  # noqa: PLC0415

    try:
        return inspect(path, options=options)
    except InputError:
        raise
    except MemoryError:
        raise InputError(
            source=str(path),
            where="file",
            found="more than the memory holds",
            expected="a file that fits into the memory",
            next_step="Free memory, or use a machine that has more.",
        ) from None
    except Exception as error:
        raise unexpected(error, str(path)) from error


def _inspect_any(path: Path, options: Options) -> Inspection:
    """Inspect one file; one that cannot be opened gives a result too."""
    try:
        return inspect_file(path, options)
    except InputError as error:
        return _unreadable(str(path), error)


def _unreadable(path: str | None, error: Mim2EcmaError) -> Inspection:
    from mim2ecma.documents.findings import Finding, Severity  # noqa: PLC0415
    from mim2ecma.management_agent.model import Source  # noqa: PLC0415
    from mim2ecma.readiness import Inspection  # noqa: PLC0415

    finding = Finding("R1", Severity.ERROR, error.where, error.found, error.expected, error.next_step)
    return Inspection(Source(path=path), None, (finding,))


def _dumps(inspection: Inspection) -> str:
    from mim2ecma.documents.schemas import dumps  # noqa: PLC0415

    return dumps("inspection", inspection.to_dict(), source=inspection.source.path or "arguments")


def _exit_code(*, unreadable: bool, ready: bool) -> int:
    if unreadable:
        return 2
    return 0 if ready else 1


def _run_one(path: Path, options: Options, *, as_json: bool) -> int:
    from mim2ecma.documents.findings import Verdict  # noqa: PLC0415

    if as_json:
        inspection = _inspect_any(path, options)
        sys.stdout.write(_dumps(inspection))
    else:
        from mim2ecma.commands._inspect_output import show  # noqa: PLC0415

        inspection = inspect_file(path, options)
        show(inspection, str(path))
    _tell(not_needed(rule, COMMAND) for rule in options.accept if rule not in _accepted(inspection, options))
    return _exit_code(unreadable=inspection.unreadable, ready=inspection.verdict is not Verdict.NOT_READY)


def _run_many(inputs: Inputs, options: Options, *, as_json: bool) -> int:
    """Inspect what can be inspected; tell the rest afterwards, where no line of a file hides it."""
    from mim2ecma.commands._inspect_output import Summary  # noqa: PLC0415

    files = [entry for entry in inputs.entries if isinstance(entry, Path)]
    errors: list[object] = [entry.error for entry in inputs.entries if isinstance(entry, Refused)]
    unreadable, ready = bool(errors), True
    accepted: set[str] = set()
    with Summary(len(files), len(errors), inputs.notes, as_json=as_json) as summary:
        rows = _rows(files, options, as_json=as_json)
        try:
            for entry in inputs.entries:
                if isinstance(entry, Refused):
                    summary.refuse(_dumps(_unreadable(entry.argument, entry.error)))
                    continue
                row = next(rows)
                summary.add(row)
                unreadable = unreadable or row.unreadable
                ready = ready and row.verdict != "not-ready"
                accepted |= row.accepted
        except OSError:  # of writing
            raise
        except Exception as problem:
            error = problem if isinstance(problem, Mim2EcmaError) else unexpected(problem)
            errors.append(error)
            unreadable = True
            summary.cut_off(refusal(error))
        else:
            errors += [not_needed(rule, COMMAND) for rule in options.accept if rule not in accepted]
    _tell(errors if not as_json else [*inputs.notes, *errors])
    return _exit_code(unreadable=unreadable, ready=ready)


def _tell(lines: Iterable[object]) -> None:
    sys.stdout.flush()  # so that a terminal shows them after the result
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201


def _rows(paths: Sequence[Path], options: Options, *, as_json: bool) -> Iterator[Row]:
    """Inspect in the order of the paths, on every core that this process may use.

    Raises:
        InputError: A process that does a part of the work could not be started, or was ended by others.
    """
    work = partial(make_rows, options=options, as_json=as_json)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(paths) <= _FEW or cores == 1:
        for path in paths:
            yield from work([path])
        return
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415  (slow to import)
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415
    from multiprocessing import active_children, get_context  # noqa: PLC0415

    tasks = [paths[start : start + _FILES_PER_TASK] for start in range(0, len(paths), _FILES_PER_TASK)]
    done = 0
    try:
        with ProcessPoolExecutor(
            min(cores, len(tasks)), mp_context=get_context("spawn"), initializer=end_with_the_command
        ) as pool:
            try:
                with _interruption_held_back():
                    results = pool.map(work, tasks)
                for row in chain.from_iterable(results):
                    yield row
                    done += 1
            except (OSError, RuntimeError):
                # The pool ends those that it knew when it broke, and then waits for all: one that was being
                # started at that moment, or one that never began its work, would be waited for without end.
                for worker in active_children():
                    worker.terminate()
                raise
    except (OSError, RuntimeError) as problem:  # RuntimeError: no thread can be started
        ended = isinstance(problem, BrokenProcessPool)
        reason = getattr(problem, "strerror", None) or ("ended from outside" if ended else "not started")
        raise InputError(
            source=COMMAND,
            where="worker process",
            found=f"{reason} after {counted(done, 'file')} of {len(paths)}",
            expected="every one to run to its end",
            next_step="Most often memory was short: free some, or name fewer files at once.",
        ) from problem


@contextmanager
def _interruption_held_back() -> Iterator[None]:
    """Start processes that no Ctrl-C reaches.

    A terminal sends it to all of them, and each would show where it was cut off. They inherit what is held
    back here from their first moment on; this process stops them when the interruption reaches it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_the_command() -> None:
    """Let this worker process end when the command was killed; it would wait for work for ever."""
    from multiprocessing import parent_process  # noqa: PLC0415
    from multiprocessing.connection import wait  # noqa: PLC0415
    from threading import Thread  # noqa: PLC0415

    command = parent_process()

    def watch() -> None:
        if command is not None and wait([command.sentinel]):
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def make_rows(paths: Sequence[Path], options: Options, *, as_json: bool) -> list[Row]:
    """Inspect a few files in this process; what comes back is small."""
    rows = []
    for path in paths:
        inspection = _inspect_any(path, options)
        agent = inspection.management_agent
        severities = [finding.severity.value for finding in inspection.findings]
        reason = deciding(inspection.findings)
        rows.append(
            Row(
                path=str(path),
                verdict=inspection.verdict.value,
                unreadable=inspection.unreadable,
                name=agent.name if agent else None,
                category=agent.category if agent else None,
                connector_dll=agent.configuration.extension.filename if agent else None,
                errors=severities.count("error"),
                warnings=severities.count("warning"),
                reason=f"{reason.id} {reason.found}" if reason else "",
                accepted=_accepted(inspection, options),
                document=_dumps(inspection) if as_json else None,
            )
        )
    return rows


def deciding(findings: Sequence[Finding]) -> Finding | None:
    """The finding to show when there is room for one.

    Args:
        findings: In their order.

    Returns:
        Of the errors one after which no other matters, or the first; without errors the first warning.
    """
    errors = [finding for finding in findings if finding.severity == "error"]
    for rule in DECIDING:
        for finding in errors:
            if finding.id == rule:
                return finding
    return next(iter(errors), next((finding for finding in findings if finding.severity == "warning"), None))


def _accepted(inspection: Inspection, options: Options) -> frozenset[str]:
    """The rules of which a finding weighs less because it was accepted; it says so itself."""
    return frozenset(
        finding.id
        for finding in inspection.findings
        if finding.id in options.accept and finding.next_step.startswith(_ACCEPTED)
    )
