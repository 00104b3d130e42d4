"""Common ground of the scripts with which upstream's targets prepare a host and look at it.

Each is known by the digest of its text, less the literals that are said to be free (`winlab.scripts.form_of`). The
behaviours do on the host's model what the text does on Windows; they know nothing of what a test expects.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import upstream_lent
from winlab.scripts import FormFunction, ScriptCall, ScriptResult

from winlab import scripts

NEWLINE = "\r\n"


def form(sha256: str, free: Sequence[int] = ()) -> Callable[[FormFunction], FormFunction]:
    """Register a function as the behaviour of the scripts of one form."""

    def add(function: FormFunction) -> FormFunction:
        upstream_lent.declare(upstream_lent.SCRIPT, sha256, _first_line(function))

        def run(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
            upstream_lent.note(upstream_lent.SCRIPT, sha256)
            return function(call, literals)

        scripts.register_form(sha256, run, free)
        return function

    return add


def _first_line(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip().partition("\n")[0]


def unchanged(*output: Any) -> ScriptResult:
    """What a script leaves that only writes objects."""
    return ScriptResult(output=list(output))


def console_json(value: Any) -> ScriptResult:
    """What `ConvertTo-Json` of Windows PowerShell writes: an empty list takes three lines."""
    text = json.dumps(value, ensure_ascii=False, indent=4) if value else "[\n\n]"
    return ScriptResult(output=[text.replace("\n", NEWLINE)])


def flags_text(value: int, names: Mapping[str, int]) -> str:
    """`Enum.ToString()` of an enumeration with flags: the largest members that fit, in ascending order."""
    if not value:
        return next((name for name, number in names.items() if number == 0), "0")
    left, found = value, []
    for name, number in sorted(names.items(), key=lambda item: item[1], reverse=True):
        if number and left & number == number:
            left -= number
            found.append(name)
    return str(value) if left else ", ".join(reversed(found))


def make_folders(call: ScriptCall, root: str, names: Iterable[str]) -> None:
    """`New-Item -ItemType Directory` for each name below a folder."""
    for name in names:
        call.host.files.mkdir(rf"{root}\{name}", session=call.session)


def write_text(call: ScriptCall, path: str, text: str) -> None:
    """`[System.IO.File]::WriteAllText`: UTF-8 without a mark."""
    call.host.files.write_bytes(path, text.encode(), call.session)


def set_content(call: ScriptCall, path: str, text: str) -> None:
    """`Set-Content`: the text and a line end, in the system's ANSI code page."""
    call.host.files.write_bytes(path, f"{text}{NEWLINE}".encode("cp1252"), call.session)


def set_times(call: ScriptCall, root: str, moment: float, but: Iterable[str] = ()) -> None:
    """All three times of everything below a folder."""
    for entry in list(call.host.files.walk(root)):
        if entry.name not in but:
            call.host.files.set_times(entry.path, moment, moment, moment, call.session)


def add_attribute(call: ScriptCall, path: str, name: str) -> None:
    """One attribute more."""
    entry = call.host.files.entry(path, call.session)
    call.host.files.set_attributes(path, {*entry.attributes, name}, call.session)
