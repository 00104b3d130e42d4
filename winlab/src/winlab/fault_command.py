"""`winlab fault HOST set KIND KEY=VALUE... | list | clear [NUMBER|KIND]`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from winlab import control
from winlab.errors import WinlabError
from winlab.faults import KINDS, OPERATIONS


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments, with a line for each kind."""
    lines = []
    for name, kind in KINDS.items():
        keys = " ".join(
            f"{key}=..." if isinstance(default, type) else f"[{key}={default}]"
            for key, default in kind.keys.items()
        )
        lines.append(f"  {name:<12} {kind.text}\n  {'':<12} {keys}")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "kinds and their keys (in brackets: may be left out):\n" + "\n".join(lines) + "\n\n"
        f"operation is one of {', '.join(OPERATIONS)}, empty for any; nth counts from when the fault is set; "
        "times=0 is always."
    )
    parser.add_argument("host")
    parser.add_argument("action", choices=["set", "list", "clear"])
    parser.add_argument("kind", nargs="?", help="a kind; for clear also a number, nothing for all")
    parser.add_argument("values", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(options: argparse.Namespace) -> int:
    """Do what the arguments say. Returns the exit code."""
    request: dict[str, Any] = {"host": options.host, "action": options.action}
    if options.action == "set":
        if not options.kind:
            raise WinlabError(
                f"{options.host}: fault set: no kind; expected one of {', '.join(sorted(KINDS))}. "
                "See `winlab fault --help`."
            )
        values = dict(_pair(options.host, options.kind, item) for item in options.values)
        request |= {"kind": options.kind, "values": values}
    elif options.action == "clear":
        request["which"] = options.kind
    answer = control.call(options.state, "fault", **request)
    if options.json:
        lines = [json.dumps(answer, indent=1, sort_keys=True)]
    elif options.action == "clear":
        lines = [f"{answer['cleared']} faults cleared"]
    else:
        faults = [answer["fault"]] if options.action == "set" else answer["faults"]
        lines = [_line(fault) for fault in faults]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _pair(host: str, kind: str, item: str) -> tuple[str, str]:
    key, found, value = item.partition("=")
    if not found:
        raise WinlabError(f"{host}: fault {kind}: {item!r}; expected KEY=VALUE. See `winlab fault --help`.")
    return key, value


def _line(fault: dict[str, Any]) -> str:
    values = " ".join(
        f"{key}={value}" for key, value in fault.items() if key not in ("number", "kind", "hits")
    )
    return f"{fault['number']:>3}  {fault['kind']:<12} {values}  ({fault['hits']} hits)"
