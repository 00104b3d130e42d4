"""Sorts the tests: those of the package alone, and first among the others those with simulated hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent / "tests"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests of the package, and put files with a test marked `lab` before the others.

    Whole files, otherwise as they were found: no worker is left alone with a lab at the end.
    """
    for item in items:
        if TESTS in item.path.parents and not item.get_closest_marker("lab"):
            item.add_marker("package")
    slow = {item.path for item in items if item.get_closest_marker("lab")}
    items.sort(key=lambda item: item.path not in slow)
