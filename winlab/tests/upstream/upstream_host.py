"""The host that upstream's targets run against: the lab's server, and what `upstream_lent` says."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import upstream_lent
from winlab.host.model import Host
from winlab.products import templates

# Each registers what it lends when it is imported.
LENDERS = ("certificates", "files", "ftp", "modules", "powershell", "programs", "shell", "system", "web")
if upstream_lent.lending():
    for _name in LENDERS:
        importlib.import_module(f"upstream_{_name}")


def build(host: Host, entry: Mapping[str, Any], secrets: Mapping[str, str], base: Path) -> None:
    """Build the template of the lab; called by its full name from the definition."""
    if upstream_lent.lending():
        upstream_lent.put_files(host)
    templates.build(host, {**entry, "template": templates.DEFAULT_TEMPLATE}, secrets, base)
    if "upstream_trusted_ca" in entry:
        importlib.import_module("upstream_web").trust(host, entry["upstream_trusted_ca"])
