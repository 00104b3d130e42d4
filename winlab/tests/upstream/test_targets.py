"""How upstream's targets are counted, and, where their source distribution is at hand, that one still passes."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from winlab import evidence

ROOT = Path(__file__).resolve().parents[3]
TASKS = """
- name: one
  win_ping:
- block:
  - name: two
    win_ping:
  - include_tasks: more.yml
  rescue:
  - win_stat:
      path: x
- set_fact: {a: b}
- name: four
  win_ping:
"""


@pytest.fixture(scope="module")
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


def line(path: Path, number: int, outcome: str, name: str = "t") -> str:
    entry = {
        "path": f"{path}:{number}",
        "name": name,
        "action": "ansible.windows.win_ping",
        "outcome": outcome,
    }
    return json.dumps({**entry, "options": ["data"], "message": "why" if outcome == "failed" else ""})


def test_each_task_counts_once_and_by_its_worst_outcome(tool: ModuleType, tmp_path: Path) -> None:
    main = tmp_path / "win_ping" / "tasks" / "main.yml"
    main.parent.mkdir(parents=True)
    main.write_text(TASKS)
    target = tool.Target("ansible.windows", "win_ping", tmp_path / "win_ping")
    assert list(target.tasks().values()) == ["one", "two", "(no name)", "four"]
    lines = [
        line(main, 2, "passed"),
        line(main, 5, "passed"),
        line(main, 5, "failed"),
        line(main, 12, "skipped"),
    ]
    entry = tool.record(target, tool.read_outcome(target, lines))
    counts = {
        key: entry[key] for key in ("tasks", "passed", "failed", "skipped", "not_reached", "own_passed")
    }
    assert counts == {"tasks": 4, "passed": 1, "failed": 1, "skipped": 1, "not_reached": 1, "own_passed": 1}
    assert entry["first_failure"] == "tasks/main.yml:5 'two': why"
    assert entry["options"] == {"ansible.windows.win_ping": {"data": "t"}}


def test_a_failure_of_the_preparation_is_the_reason(tool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "win_ping" / "tasks").mkdir(parents=True)
    target = tool.Target("ansible.windows", "win_ping", tmp_path / "win_ping")
    outcome = tool.read_outcome(
        target, [line(tmp_path / "setup" / "tasks" / "main.yml", 1, "failed", "setup : x")]
    )
    assert tool.record(target, outcome)["first_failure"] == "'setup : x': why"


@pytest.mark.slow
def test_a_target_passes_from_the_source_distribution(tool: ModuleType, tmp_path: Path) -> None:
    version = tool.importlib.metadata.version("ansible")
    if not (tool.CACHE / f"ansible-{version}").is_dir():
        pytest.skip("no source distribution of ansible; tools/run_upstream_targets.py --list fetches it")
    target = tool.targets(tool.sources())["win_ping"]
    with tool.Lab(tmp_path / "lab") as lab:
        entry = tool.record(target, lab.run(target))
    assert evidence.status_of(entry) == "passed", entry["first_failure"]
    assert entry["passed"] == evidence.results()["win_ping"]["passed"]
