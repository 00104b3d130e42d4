"""A served host for the real `connection: psrp`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..served import PSRP, Served, serve

__all__ = ["PSRP", "Served"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serve(tmp_path) as found:
        yield found
