"""The command `mim2ecma`: finds its subcommands in `mim2ecma.commands`, one module each.

A command module has `add_parser(subparsers)`, which sets `run`, a function of the parsed arguments that
returns the exit code. It may have `refusal(error) -> str`, the document that `--json` prints for wrong
arguments.
Exit codes: 0 ready (also with warnings), 1 not ready, 2 unreadable input or wrong usage.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from mim2ecma import __version__, commands
from mim2ecma.commands._unexpected import unexpected
from mim2ecma.documents.errors import Mim2EcmaError, UsageError

EXIT_UNREADABLE = 2
"""Unreadable input or wrong usage (docs/architecture.md, "Command line")."""

_EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        # A shortened option would mean something else when another is added, and hide --json from refusals.
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(
            source=self.prog,
            where="arguments",
            found=message,
            expected=" ".join(self.format_usage().removeprefix("usage: ").split()),
            next_step=f"'{self.prog} --help' explains them.",
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; `sys.argv` when left out.

    Returns:
        The exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    _prepare_streams()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except OSError as error:  # of writing: what cannot be read is an `InputError`
        with suppress(OSError):  # nothing more is to be tried at the end; a file in memory has no number
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # the reader has gone, as `head` does
            with suppress(OSError):
                print(_unwritable(error), file=sys.stderr)  # noqa: T201
        return EXIT_UNREADABLE
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    return code


def _run(arguments: list[str]) -> int:
    """Run the command; whatever ends it becomes one error, but outputs that take nothing."""
    modules: dict[str, ModuleType] = {}
    try:
        modules = _command_modules(arguments[:1])
        parsed = _parser(modules).parse_args(arguments)
        return int(parsed.run(parsed))
    except Mim2EcmaError as problem:
        error = problem
    except OSError:
        raise
    except Exception as problem:  # a mistake of ours, or no memory left
        error = unexpected(problem)
    print(error, file=sys.stderr)  # noqa: T201
    module = modules.get(arguments[0]) if arguments else None
    if "--json" in arguments and module is not None and hasattr(module, "refusal"):
        print(module.refusal(error), end="")  # noqa: T201
    return EXIT_UNREADABLE


def _prepare_streams() -> None:
    """Make both outputs take anything; one that the caller has closed (`>&-`) goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (until the end)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # file names may hold what the terminal's encoding has not
            stream.reconfigure(errors="backslashreplace")


def _unwritable(error: OSError) -> UsageError:
    return UsageError(
        source="mim2ecma",
        where="output",
        found=error.strerror or "cannot be written",
        expected="an output that takes the result",
        next_step="Write it elsewhere, or make room.",
    )


def _command_modules(wanted: Sequence[str]) -> dict[str, ModuleType]:
    """Import the command that is asked for, or all of them to explain themselves."""
    names = sorted(path.stem for path in Path(commands.__path__[0]).glob("[!_]*.py"))
    chosen = [name for name in names if name in wanted] or names
    return {name: importlib.import_module(f"{commands.__name__}.{name}") for name in chosen}


def _parser(modules: dict[str, ModuleType]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mim2ecma",
        description="Move a connector from Microsoft Identity Manager to the Microsoft Entra "
        "ECMA Connector Host.",
    )
    parser.add_argument("--version", action="version", version=f"mim2ecma {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in modules.values():
        module.add_parser(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
