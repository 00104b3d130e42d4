"""Which version of a module each twin was written for."""

from __future__ import annotations

from collections.abc import Mapping

from winlab.manifest import Script


def require(name: str, script: Script, scripts: Mapping[str, Script]) -> None:
    """Refuse a module, or module_utils, that the twin was not written for."""
