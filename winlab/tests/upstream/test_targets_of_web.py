"""Upstream's targets about the web that have passed once still pass, unmodified."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

NAMES = json.loads(Path(__file__).with_name("passed.json").read_text(encoding="utf-8"))["web"]


@pytest.mark.lab
@pytest.mark.parametrize("name", NAMES)
def test_a_target_still_passes(run_target: Callable[[str], None], name: str) -> None:
    run_target(name)
