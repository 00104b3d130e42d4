"""What `mim2ecma inspect` is to read: files, the files of folders, and what it refuses to open."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mim2ecma.documents.errors import InputError, Mim2EcmaError, UsageError
from mim2ecma.documents.limits import MAX_FOLDER_FILES
from mim2ecma.documents.printable import counted

COMMAND: Final = "mim2ecma inspect"
# Open files of this process: they mean something else, or nothing, in the processes that read many files.
_OPEN_FILES: Final = re.compile(r"-|/dev/stdin|/dev/fd/.*|/proc/(self|thread-self|[0-9]+)/fd/.*")
_LEFT_OUT: Final = {
    "folder": ("subfolder", "subfolders"),
    "link": ("broken link", "broken links"),
    "special": ("pipe, device or socket", "pipes, devices or sockets"),
    "other": ("file that does not end in .xml", "files that do not end in .xml"),
}


@dataclass(frozen=True, slots=True)
class Refused:
    """An argument that stands for no file at all."""

    argument: str
    error: Mim2EcmaError


@dataclass(slots=True)
class Inputs:
    """What the arguments stand for.

    Attributes:
        entries: Files and refused arguments in the order of the arguments.
        notes: One sentence for each folder of which something is left out.
    """

    entries: list[Path | Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def gather(arguments: Sequence[str]) -> Inputs:
    """The files themselves; of a folder its XML files by name, as a whole-server export leaves them."""
    inputs = Inputs()
    for argument in arguments:
        try:
            check_name(argument)
            if os.path.isdir(argument):  # noqa: PTH112  (unlike Path.is_dir it raises nothing)
                inputs.entries += _files_of(Path(argument), inputs.notes)
            else:
                inputs.entries.append(Path(argument))
        except Mim2EcmaError as error:
            inputs.entries.append(Refused(argument, error))
    return inputs


def check_name(argument: str) -> None:
    """Refuse what names no file.

    Raises:
        UsageError: an empty name, which Python takes for the current folder, or standard input.
    """
    if not argument:
        found, next_step = "an empty name", "Name one; the current folder is '.'."
    elif _OPEN_FILES.fullmatch(argument):
        found = "standard input or another open file"
        more = "; a file that is called '-' is './-'" if argument == "-" else ""
        next_step = f"Save the export as a file and name that{more}."
    else:
        return
    raise UsageError(
        source=COMMAND,
        where=f"argument '{argument}'",
        found=found,
        expected="the path of a file or a folder",
        next_step=next_step,
    )


def _files_of(folder: Path, notes: list[str]) -> list[Path]:
    found: list[Path] = []
    others: Counter[str] = Counter()
    reason = None
    try:
        for item in folder.iterdir():
            other = _why_left_out(item)
            if other is None:
                found.append(item)
            else:
                others[other] += 1
    except OSError as problem:
        reason = problem.strerror or "not readable"
    left_out = ", ".join(counted(others[kind], *words) for kind, words in _LEFT_OUT.items() if others[kind])
    if reason is None and not found:
        reason = f"no XML files ({left_out} left out)" if left_out else "no XML files"
    if len(found) > MAX_FOLDER_FILES:
        reason = f"{len(found)} XML files"
    if reason is not None:
        raise InputError(
            source=str(folder),
            where="folder",
            found=reason,
            expected=f"1 to {MAX_FOLDER_FILES} files that end in .xml",
            next_step="Name the folder of a server export, or the files themselves.",
        )
    if left_out:
        notes.append(
            str(
                InputError(
                    source=str(folder),
                    where="folder",
                    found=f"{left_out} left out",
                    expected="files that end in .xml",
                    next_step="Name a subfolder or a file itself to have it inspected.",
                )
            )
        )
    return sorted(found)


def _why_left_out(item: Path) -> str | None:
    """Why an entry of a folder is left out, `None` for what is inspected."""
    is_xml = item.suffix.lower() == ".xml"
    try:
        mode = item.stat().st_mode
    except OSError:
        if item.is_symlink():
            return "link"
        return None if is_xml else "other"  # it will tell itself why it cannot be read
    if stat.S_ISDIR(mode):
        return "folder"
    if not stat.S_ISREG(mode):
        return "special"
    return None if is_xml else "other"
