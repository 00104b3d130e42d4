"""`mim2ecma closure CONNECTOR.dll`: what a connector needs, for people or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim2ecma.assemblies import known, request
from mim2ecma.assemblies.drawing import draw
from mim2ecma.assemblies.host import listing_of_folder
from mim2ecma.documents.errors import InputError, Mim2EcmaError
from mim2ecma.documents.printable import printable
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
    """Write a closure document for people."""
    connector = document["connector"]
    target = connector["target_framework"] or "no target framework"
    lines = [
        f"{connector['file']}: {connector['assembly']} {connector['version']}, "
        f"{connector['architecture']}, {target}",
        f"  interfaces: {', '.join(connector['interfaces']) or 'none of ECMA 2'}",
    ]
    for key, heading in _HEADINGS.items():
        lines += _section(heading, [_entry(key, entry) for entry in document[key]])
    native = [
        f"{entry['module']}: {entry['status']}"
        for entry in document["native"]
        if entry["status"] != "windows"
    ]
    lines += _section("Native modules", native)
    lines += _section(
        "Companions", [f"{entry['file']} ({entry['kind']})" for entry in document["companions"]]
    )
    lines += _section(
        "Findings",
        (
            f"{finding['id']} {finding['severity']}: {finding['where']}: {finding['found']}; "
            f"expected {finding['expected']}. {finding['next_step']}"
            for finding in document["findings"]
        ),
    )
    return "".join(f"{printable(line, None)}\n" for line in lines)


def _document(args: argparse.Namespace) -> dict[str, Any]:
    if args.host is not None and not args.host.is_dir():
        raise InputError(
            source=str(args.host),
            where="--host",
            found="no folder",
            expected="a folder",
            next_step="Correct the path.",
        )
    return request.closure_document(
        str(args.connector),
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
    )


def _section(heading: str, entries: Iterable[str]) -> list[str]:
    listed = [f"    {entry}" for entry in entries]
    return [f"  {heading} ({len(listed)}):", *listed] if listed else []


def _entry(key: str, entry: Mapping[str, Any]) -> str:
    name = entry["file"] if key == "stage" else entry["assembly"]
    wanted = ", ".join(entry["wanted_by"])
    more = f" in {entry['in']}" if key == "embedded" else ""
    return f"{name} {entry['version'] or ''}".rstrip() + more + (f"  <- {wanted}" if wanted else "")


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
