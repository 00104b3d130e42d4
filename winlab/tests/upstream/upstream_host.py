"""The host that upstream's targets run against: a plain server, and the scripts with which the targets look at it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import upstream_certificates  # noqa: F401  (registers scripts, as do the next ones)
import upstream_files  # noqa: F401
import upstream_modules  # noqa: F401
import upstream_programs  # noqa: F401
import upstream_shell  # noqa: F401
import upstream_system  # noqa: F401
from winlab.host.model import Host
from winlab.products import templates

EXPLORER_BYTES = 4_673_304  # explorer.exe of Windows Server 2016


def build(host: Host, entry: Mapping[str, Any], secrets: Mapping[str, str], base: Path) -> None:
    """Build the template of the lab; called by its full name from the definition."""
    # win_slurp reads it as a large file; only its size is like the real one's.
    host.files.write_bytes(r"C:\Windows\explorer.exe", b"MZ".ljust(EXPLORER_BYTES, b"\0"))
    host.files.write_bytes(r"C:\pagefile.sys", b"")
    host.files.set_attributes(r"C:\pagefile.sys", {"Archive", "Hidden", "System"})
    templates.build(host, {**entry, "template": templates.DEFAULT_TEMPLATE}, secrets, base)
