"""`mim2ecma inspect`: say whether the ECMA Connector Host can take exported management agents."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from mim2ecma.commands._accept import read_accepted
from mim2ecma.documents.errors import InputError, Mim2EcmaError
from mim2ecma.documents.limits import MAX_FOLDER_FILES

if TYPE_CHECKING:
    from mim2ecma.readiness import Inspection, Options

HELP = "say whether the ECMA Connector Host can take an exported management agent, why not, and what to do"

_FEW = 8  # up to so many files, starting other processes takes longer than reading them here
_FILES_PER_TASK = 16


@dataclass(frozen=True, slots=True)
class Row:
    """What is left of one inspection when several are shown."""

    path: str
    verdict: str
    unreadable: bool
    name: str | None
    category: str | None
    connector_dll: str | None
    errors: int
    warnings: int
    first: str
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
        "--json", action="store_true", help="print the document 'inspection' (a list for several files)"
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
    paths = [Path(item) for item in arguments.exports]
    if len(paths) == 1 and not paths[0].is_dir():
        return _run_one(paths[0], options, as_json=arguments.json)
    return _run_many(list(_files(paths)), options, as_json=arguments.json)


def refusal(error: Mim2EcmaError) -> str:
    """The document that `--json` prints when the arguments are wrong."""
    return _dumps(_unreadable(None, error))


def _options(arguments: argparse.Namespace) -> Options:
    from mim2ecma.readiness import Options  # noqa: PLC0415

    accept = read_accepted(arguments.accept, "mim2ecma inspect", "R11=the second partition is empty")
    return Options(object_types=tuple(arguments.object_type), strict=arguments.strict, accept=accept)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files themselves; of a folder its XML files by name, as a whole-server export leaves them."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        try:
            found = sorted(
                item for item in path.iterdir() if item.suffix.lower() == ".xml" and item.is_file()
            )
        except OSError as problem:
            found = []
            reason = problem.strerror
        else:
            reason = "no XML files" if not found else None
        if len(found) > MAX_FOLDER_FILES:
            reason = f"{len(found)} XML files"
        if reason is not None:
            raise InputError(
                source=str(path),
                where="folder",
                found=reason or "not readable",
                expected=f"1 to {MAX_FOLDER_FILES} files that end in .xml",
                next_step="Name the folder of a server export, or the files themselves.",
            )
        yield from found


def inspect_file(path: Path, options: Options) -> Inspection:
    """Inspect one file; one that cannot be opened gives a result too."""
    from mim2ecma.readiness import inspect  # noqa: PLC0415

    try:
        return inspect(path, options=options)
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

    inspection = inspect_file(path, options)
    if as_json:
        sys.stdout.write(_dumps(inspection))
    else:
        from mim2ecma.commands._inspect_output import show  # noqa: PLC0415

        show(inspection, str(path))
    return _exit_code(unreadable=inspection.unreadable, ready=inspection.verdict is not Verdict.NOT_READY)


def _run_many(paths: Sequence[Path], options: Options, *, as_json: bool) -> int:
    from mim2ecma.commands._inspect_output import Summary  # noqa: PLC0415

    unreadable, ready = False, True
    with Summary(len(paths), as_json=as_json) as summary:
        for row in _rows(paths, options, as_json=as_json):
            summary.add(row)
            unreadable = unreadable or row.unreadable
            ready = ready and row.verdict != "not-ready"
    return _exit_code(unreadable=unreadable, ready=ready)


def _rows(paths: Sequence[Path], options: Options, *, as_json: bool) -> Iterator[Row]:
    """Inspect in the order of the paths, on every core that this process may use."""
    work = partial(make_rows, options=options, as_json=as_json)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(paths) <= _FEW or cores == 1:
        for path in paths:
            yield from work([path])
        return
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415  (slow to import)
    from multiprocessing import get_context  # noqa: PLC0415

    tasks = [paths[start : start + _FILES_PER_TASK] for start in range(0, len(paths), _FILES_PER_TASK)]
    with ProcessPoolExecutor(min(cores, len(tasks)), mp_context=get_context("spawn")) as pool:
        with _interruption_held_back():
            results = pool.map(work, tasks)
        yield from chain.from_iterable(results)


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


def make_rows(paths: Sequence[Path], options: Options, *, as_json: bool) -> list[Row]:
    """Inspect a few files in this process; what comes back is small."""
    rows = []
    for path in paths:
        inspection = inspect_file(path, options)
        agent = inspection.management_agent
        severities = [finding.severity.value for finding in inspection.findings]
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
                first=f"{inspection.findings[0].id} {inspection.findings[0].found}"
                if inspection.findings
                else "",
                document=_dumps(inspection) if as_json else None,
            )
        )
    return rows
