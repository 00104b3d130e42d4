"""The installation media of winlab: package data in `winlab/media`, built by tools/build_media.py."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from winlab.host import images


def folder() -> Path:
    """The folder of the media on the controller: `mim-sync`, `connectors`, `agent`, `assemblies`."""
    return Path(str(files("winlab") / "media"))


def assembly(path: str) -> bytes:
    """One of our assemblies, such as `connectors/Contoso.Json.dll`."""
    return (folder() / "assemblies" / path).read_bytes()


@cache
def _catalogue() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder() / "catalogue.json").read_text(encoding="utf-8"))
    return document


def compiler() -> str:
    """The compiler that the committed assemblies were made with."""
    return str(_catalogue()["compiler"])


def known_program(name: str) -> str:
    """Make a real executable of the media behave as the program `name`; returns its SHA-256."""
    digest = str(_catalogue()["programs"][name]["sha256"])
    images.register_content(digest, name)
    return digest
