"""For every test of both distributions: which belong together, and in which order they run.

The folder `winlab/` is named like the package: imported by path, its tests would make a second, empty
`winlab` unless the real package is there before them.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

import winlab as _winlab  # noqa: F401  (see above)

WAITING = 1
"""Workers more than processors: labs wait for hosts that restart, and for faults to end."""
TESTS = Path(__file__).parent / "tests"


def pytest_configure() -> None:
    """Let processes that tests start be interrupted.

    What is started in the background (nohup, a shell's `&`) inherits that interruptions are ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many workers `-n auto` means."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return own + WAITING


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests of the package, and put files with a test marked `lab` before the others.

    Whole files, otherwise as they were found: no worker is left alone with a lab at the end.
    """
    for item in items:
        if TESTS in item.path.parents and not item.get_closest_marker("lab"):
            item.add_marker("package")
    slow = {item.path for item in items if item.get_closest_marker("lab")}
    items.sort(key=lambda item: item.path not in slow)
