"""How often a run that has nothing to do asks the Windows hosts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from .conftest import ROOT

LIMIT = 40
"""docs/architecture.md, "Rules for roles": a no-change run of the whole migration."""


def windows_tasks(lab, playbook, folder):
    """Run a playbook; return (host, action, task) of each module run on a Windows host."""
    events = Path(folder) / "events.jsonl"
    result = lab.play(
        playbook,
        environment={
            "ANSIBLE_CALLBACK_PLUGINS": f"{ROOT}/callback_plugins:{ROOT}/tests/playbooks/callbacks",
            "ANSIBLE_CALLBACKS_ENABLED": "mim2ecma_record,task_events",
            "TASK_EVENTS": str(events),
        },
    )
    assert result.code == 0, result.output
    assert set(result.changed.values()) == {0}, result.output
    lines = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    return [
        (line["host"], line["action"], line["task"])
        for line in lines
        if line["host"] not in {"localhost", "127.0.0.1"}
    ]


def test_a_run_without_changes_asks_the_windows_hosts_at_most_forty_times(migrated, tmp_path):
    runs = windows_tasks(migrated, "migrate.yml", tmp_path)
    assert {host for host, _, _ in runs} == {"mim01", "mim02", "ecma01"}  # else nothing was counted
    told = "\n".join(f"{number} {entry}" for entry, number in Counter(runs).items())
    assert len(runs) <= LIMIT, told
