"""Helpers for the tests of the closure: the fixtures' folder, and a closure of one of its cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mim2ecma.assemblies.request import closure_document

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "assemblies"


@pytest.fixture
def fixtures() -> Path:
    return FIXTURES


@pytest.fixture
def closure():
    """Return the closure document of a connector of the fixtures, searched for in its own folder."""

    def make(path: str, **options: Any) -> dict[str, Any]:
        connector = FIXTURES / path
        options.setdefault("search", [str(connector.parent)])
        return closure_document(str(connector), **options)

    return make
