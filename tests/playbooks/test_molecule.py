"""The roles' own scenarios: create, converge, idempotence, verify, destroy, on simulated hosts of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.lab
def test_every_molecule_scenario_passes() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "run_molecule.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout
    scenarios = [path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml")]
    assert scenarios
    for scenario in scenarios:
        assert f"== molecule {scenario}\n" in done.stdout
