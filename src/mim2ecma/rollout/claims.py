"""One run at a time for each host: two that swap files at once would each undo what the other has done.

A run claims a host with the number of its process and when that began. A claim ends with its process, so a
run that was killed leaves nothing to be cleared. Runs of other controllers are not seen.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from pathlib import Path

from mim2ecma.documents.errors import UsageError
from mim2ecma.rollout.folders import FILE_MODE, check_relative, make_folder

CLAIMS = ".claims"
_PROCESSES = Path("/proc")
_ENDED = "ZX"
"""States of a process that has ended (proc(5))."""
_BEGAN = 19
"""Place of `starttime` behind the name of the program in `/proc/PID/stat` (proc(5))."""


def claim(root: Path, host: str, process: int) -> None:
    """Claim a host for a run, and find out whether its folders can be written at all.

    Args:
        root: `<runs>/<inventory id>`; made when missing.
        host: Inventory name.
        process: The run's process. A host that it has claimed already stays its own.

    Raises:
        UsageError: A run that still goes on has claimed the host.
        InputError: The host's name is no plain file name.
        OSError: The folder cannot be written.
    """
    make_folder(root / CLAIMS)
    path = root / CLAIMS / check_relative(host, "inventory")
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE), "r+") as stream:
        # For two runs that look at the same time; a file system without locks leaves them a short moment.
        with contextlib.suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)
        holder = _holder(stream.read())
        if holder is not None and holder != process:
            raise UsageError(
                source=host,
                where=f"run folders {root}",
                found=f"process {holder} of this controller works on this host",
                expected="one run at a time",
                next_step="Wait until that run has ended, or end it where it hangs, and run again.",
            )
        stream.seek(0)
        stream.truncate()
        stream.write(json.dumps({"process": process, "began": _began(process)}) + "\n")


def _holder(text: str) -> int | None:
    """The process that has claimed the host and still goes on."""
    try:
        found = json.loads(text)
        process, began = int(found["process"]), found["began"]
    except (ValueError, TypeError, KeyError):
        return None  # a new file, or one that was cut short
    return process if began is not None and _began(process) == began else None


def _began(process: int) -> str | None:
    """When a process began, None when it has ended; numbers of processes are used again."""
    try:
        fields = (_PROCESSES / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in _ENDED else fields[_BEGAN]
