"""A bare host, the runner of upstream's targets, and a lab for them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from winlab.host.model import Host

from winlab import evidence

ROOT = Path(__file__).resolve().parents[3]
# Set where a missing source distribution must not pass for a reason to skip (.ci/run).
REQUIRED = "WINLAB_UPSTREAM_REQUIRED"
# Targets that wait most of their time (win_reboot: for a time-out of two minutes) have a host of their own, beside
# the others of their file.
WAITING = {"win_reboot"}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host("win01", {}, tmp_path / "host")


@pytest.fixture(scope="session")
def tool() -> ModuleType:
    path = ROOT / "tools" / "run_upstream_targets.py"
    if not path.is_file():
        pytest.skip("the runner is not part of this distribution")
    spec = importlib.util.spec_from_file_location("run_upstream_targets", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def known_targets(tool: ModuleType) -> Any:
    """The targets of the source distribution, which pip fetches once."""
    try:
        return tool.targets(tool.sources())
    except subprocess.CalledProcessError as error:
        reason = f"pip cannot fetch the source distribution of ansible ({error}); set WINLAB_UPSTREAM to a folder with it"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="module")
def run_target(
    request: pytest.FixtureRequest,
    tool: ModuleType,
    known_targets: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], None]]:
    """Run a target on a bare host: each task that the committed table counts as passed passes."""
    chosen = {
        item.callspec.params.get("name")
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module and hasattr(item, "callspec")
    }

    def run_alone(name: str) -> dict[str, Any]:
        with tool.Lab(tmp_path_factory.mktemp(name)) as lab:
            entry: dict[str, Any] = tool.record(known_targets[name], lab.run(known_targets[name]))
            return entry

    with ThreadPoolExecutor() as pool, tool.Lab(tmp_path_factory.mktemp("upstream")) as lab:
        waiting = {name: pool.submit(run_alone, name) for name in WAITING & chosen}

        def run(name: str) -> None:
            if name in waiting:
                entry = waiting[name].result()
            else:
                entry = tool.record(known_targets[name], lab.run(known_targets[name]))
            assert evidence.status_of(entry) == "passed", entry["first_failure"]
            assert entry["passed"] >= evidence.results()[name]["passed"]

        yield run
