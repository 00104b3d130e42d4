"""A bare host."""

from __future__ import annotations

from pathlib import Path

import pytest
from winlab.host.model import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host("win01", {}, tmp_path / "host")
