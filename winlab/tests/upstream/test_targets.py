"""How the outcome of upstream's targets is counted."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

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
