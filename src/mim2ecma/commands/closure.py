"""`mim2ecma closure CONNECTOR.dll`: what a connector needs, for people or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim2ecma.assemblies import known, request
from mim2ecma.assemblies.drawing import draw
from mim2ecma.assemblies.host import listing_of_folder
from mim2ecma.commands._accept import not_needed, read_accepted
from mim2ecma.documents.errors import InputError, Mim2EcmaError
from mim2ecma.documents.printable import counted, printable
from mim2ecma.documents.schemas import schema_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

READY, NOT_READY = 0, 1
"""Exit codes of all commands (docs/architecture.md, "Command line")."""

_HEADINGS = {
    "stage": "Bring along",
    "host_supplied": "Supplied by the ECMA host",
    "embedded": "Embedded",
    "windows": "Part of Windows",
    "in_box": "Part of .NET Framework",
    "missing": "Missing",
}
_SEVERITIES = {"error": "Errors", "warning": "Warnings", "information": "For information"}
_ARCHITECTURES = {"anycpu": "any CPU"}
_FRAMEWORKS = {".NETFramework": ".NET Framework", ".NETCoreApp": ".NET", ".NETStandard": ".NET Standard"}
_PLACES = {"bin": "Bin", "bin-assemblies": r"Bin\Assemblies", "gac": "the global assembly cache"}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "closure",
        help="find every file that a connector needs",
        description="Find every file that a connector needs. "
        "Exit code 0: complete, 1: a finding is an error, 2: unreadable input.",
    )
    parser.add_argument("connector", metavar="CONNECTOR.dll", type=Path)
    parser.add_argument(
        "--search",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="fetched Extensions folder, best first",
    )
    parser.add_argument("--bin", metavar="DIR", type=Path, help="fetched Bin folder of MIM")
    parser.add_argument(
        "--gac",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="fetched root of the global assembly cache",
    )
    parser.add_argument(
        "--host", metavar="DIR", type=Path, help="copy of the ECMA folder before anything was staged"
    )
    parser.add_argument(
        "--framework",
        metavar="VERSION",
        default=known.DEFAULT_FRAMEWORK,
        help=".NET Framework of the ECMA host",
    )
    for name, program in (
        ("mim", "miiserver.exe"),
        ("service", "the host's service"),
        ("wizard", "the host's wizard"),
    ):
        parser.add_argument(f"--{name}-config", metavar="FILE", type=Path, help=f".exe.config of {program}")
    parser.add_argument("--also", metavar="NAME", action="append", default=[], help="further file to bring")
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="ID=REASON",
        help="accept a finding knowingly; may be given again",
    )
    parser.add_argument("--json", action="store_true", help="print the closure document")
    parser.add_argument("--svg", metavar="FILE", type=Path, help="write a drawing")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit code.

    Raises:
        Mim2EcmaError: unreadable input or wrong usage, exit code 2.
    """
    document = _document(args)
    if args.svg:
        _write(args.svg, draw(document))
    findings: list[Mapping[str, str]] = document["findings"]
    sys.stdout.write(
        json.dumps(document, indent=2, ensure_ascii=True) + "\n" if args.json else as_text(document)
    )
    sys.stdout.flush()  # so that a terminal shows it after the result
    softened = {item["id"] for item in findings if item["next_step"].startswith("Accepted knowingly")}
    for rule in document["accepted"]:
        if rule not in softened:
            print(not_needed(rule, "mim2ecma closure"), file=sys.stderr)  # noqa: T201
    return NOT_READY if any(finding["severity"] == "error" for finding in findings) else READY


def refusal(error: Mim2EcmaError) -> str:
    """Write the document that `--json` prints when the input is unreadable or the arguments are wrong."""
    finding = {
        "id": "C27",
        "severity": "error",
        "where": f"{error.source}: {error.where}",
        "found": error.found,
        "expected": error.expected,
        "next_step": error.next_step,
    }
    unknown: dict[str, object] = dict.fromkeys(
        ("assembly", "version", "sha256", "architecture", "target_framework")
    )
    document: dict[str, object] = {
        "schema": schema_name("closure"),
        "connector": {"file": error.source, **unknown, "interfaces": []},
        **{name: [] for name in (*_HEADINGS, "conflicts", "native", "companions")},
        "findings": [finding],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def as_text(document: Mapping[str, Any]) -> str:
    """Write a closure document for people: the verdict first, then what to do, then what is known."""
    connector = document["connector"]
    findings = document["findings"]
    lines = [
        f"{connector['file']}: {_verdict(findings)}",
        f"  connector   {connector['assembly'] or 'no assembly'} {connector['version'] or ''}".rstrip()
        + f", {_ARCHITECTURES.get(connector['architecture'], connector['architecture'])}, "
        + _framework(connector["target_framework"]),
        f"  implements  {', '.join(connector['interfaces']) or 'no interface of ECMA 2'}",
    ]
    for severity, heading in _SEVERITIES.items():
        chosen = [finding for finding in findings if finding["severity"] == severity]
        lines += _section(heading, [line for finding in chosen for line in _finding(finding)], len(chosen))
    for key in ("stage", "missing"):
        lines += _section(_HEADINGS[key], [_entry(key, entry) for entry in document[key]])
    lines += _section(
        "Companions to bring along",
        [
            f"{entry['file']}  ({entry['kind']}{' of ' + entry['of'] if entry['of'] else ''})"
            for entry in document["companions"]
        ],
    )
    native = [
        f"{entry['module']}: {entry['status']}"
        for entry in document["native"]
        if entry["status"] not in {"windows", "other-system"}
    ]
    lines += _section("Native modules", native)
    for key in ("host_supplied", "embedded", "windows"):
        lines += _section(_HEADINGS[key], [_entry(key, entry) for entry in document[key]])
    in_box = [f"{entry['assembly']} {entry['version'] or ''}".rstrip() for entry in document["in_box"]]
    lines += _section(_HEADINGS["in_box"], [", ".join(in_box)] if in_box else [], len(in_box))
    return "".join(f"{printable(line, None)}\n" for line in lines)


def _verdict(findings: Iterable[Mapping[str, str]]) -> str:
    number = Counter(finding["severity"] for finding in findings)
    errors, warnings = counted(number["error"], "error"), counted(number["warning"], "warning")
    if number["error"]:
        more = f" and {warnings}" if number["warning"] else ""
        return f"NOT COMPLETE: {errors}{more}. Mend the errors before anything is staged."
    return f"complete, but read the {warnings}." if number["warning"] else "complete."


def _finding(finding: Mapping[str, str]) -> list[str]:
    return [
        f"{finding['id']} {finding['where']}: {finding['found']}; expected {finding['expected']}.",
        f"   -> {finding['next_step']}",
    ]


def _framework(target: str | None) -> str:
    if not target:
        return "no target framework"
    name, _, version = target.partition(",Version=v")
    return f"{_FRAMEWORKS.get(name, name)} {version}".rstrip()


def _document(args: argparse.Namespace) -> dict[str, Any]:
    # A folder is listed when a reference leads there; a mistyped one must not pass for one without the file.
    named = {"--search": args.search, "--gac": args.gac, "--bin": [args.bin], "--host": [args.host]}
    for option, folders in named.items():
        for folder in folders:
            if folder is not None and not folder.is_dir():
                raise InputError(
                    source=str(folder),
                    where=option,
                    found="no folder",
                    expected="a folder",
                    next_step="Correct the path.",
                )
    # A person who names a file of the current folder means that one, whatever the searched folders have.
    connector = args.connector.absolute() if args.connector.exists() else args.connector
    return request.closure_document(
        str(connector),
        search=[str(folder) for folder in args.search],
        host=[
            {
                "path": file.path,
                "sha256": file.sha256,
                "version": ".".join(map(str, file.version)) if file.version else None,
            }
            for file in (listing_of_folder(args.host) if args.host else ())
        ],
        bin=str(args.bin or ""),
        gac=[str(folder) for folder in args.gac],
        framework=args.framework,
        mim_config=str(args.mim_config or ""),
        service_config=str(args.service_config or ""),
        wizard_config=str(args.wizard_config or ""),
        declared=args.also,
        accept=read_accepted(args.accept, "mim2ecma closure", "C1=that part is never used"),
    )


def _section(heading: str, entries: Iterable[str], number: int | None = None) -> list[str]:
    listed = [f"    {entry}" for entry in entries]
    return [f"  {heading} ({len(listed) if number is None else number}):", *listed] if listed else []


def _entry(key: str, entry: Mapping[str, Any]) -> str:
    name = entry["file"] if key == "stage" else entry["assembly"]
    wanted = ", ".join(entry["wanted_by"])
    more = f" in {entry['in']}" if key == "embedded" else ""
    place = f" from {_PLACES[entry['place']]}" if entry.get("place") in _PLACES else ""
    return f"{name} {entry['version'] or ''}".rstrip() + more + place + (f"  <- {wanted}" if wanted else "")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            source=str(path),
            where="--svg",
            found=error.strerror or "an output error",
            expected="a file that can be written",
            next_step="Correct the path.",
        ) from error
