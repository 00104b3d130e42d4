"""What the harness lends to the host, beyond a plain simulated server, and a note of what a target took.

With WINLAB_UPSTREAM_LEND=nothing nothing is lent: that run says how much of upstream's targets passes without.
The runner reads the notes from the file that WINLAB_LENT names.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from winlab.host.model import Host

SCRIPT, MODULE, PROGRAM, DOWNLOAD, FILE, WEB = "script", "module", "program", "download", "file", "web"
# explorer.exe of Windows Server 2016.
_EXPLORER_BYTES = 4_673_304
FILES = {r"C:\Windows\explorer.exe": "as large as the real one, filled with zeros"}
# kind -> name -> what it is
LENT: dict[str, dict[str, str]] = {
    SCRIPT: {},
    MODULE: {},
    PROGRAM: {},
    DOWNLOAD: {},
    FILE: dict(FILES),
    WEB: {},
}


def lending() -> bool:
    """Whether anything is lent at all."""
    return os.environ.get("WINLAB_UPSTREAM_LEND", "") != "nothing"


def declare(kind: str, name: str, text: str) -> None:
    """Say that something is lent."""
    LENT[kind][name] = text


def note(kind: str, name: str, file: Path | None = None) -> None:
    """Note that the running target took something."""
    path = file or os.environ.get("WINLAB_LENT")
    if path:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps([kind, name]) + "\n")


def put_files(host: Host) -> None:
    """The files that targets expect of every server."""
    # win_slurp reads explorer.exe as a large file; only its size is like the real one's.
    host.files.write_bytes(r"C:\Windows\explorer.exe", b"MZ".ljust(_EXPLORER_BYTES, b"\0"))
