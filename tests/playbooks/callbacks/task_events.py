"""Writes one JSON line for each time that a task ran on a host, so that a test can count round trips."""

from __future__ import annotations

import json
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_events
type: aggregate
short_description: Write down which task ran where
description:
  - One line for each module run, so a loop of three items is three lines; skipped ones are left out.
options:
  path:
    description: File to append to.
    required: true
    env:
      - name: TASK_EVENTS
"""

CONTROLLER_ACTIONS = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "ansible.builtin.")
    for name in (
        "add_host",
        "assert",
        "debug",
        "fail",
        "group_by",
        "include_role",
        "include_tasks",
        "include_vars",
        "meta",
        "pause",
        "set_fact",
        "set_stats",
        "validate_argument_spec",
    )
)
"""Actions that never open a connection."""


class CallbackModule(CallbackBase):
    """Collects the events of a run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_events"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result):
        self._note(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._note(result)

    def _note(self, result):
        task, content = result._task, result._result
        if task.action in CONTROLLER_ACTIONS:
            return
        items = content.get("results") if task.loop is not None or task.loop_with else None
        for item in items if items is not None else [content]:
            if item.get("skipped"):
                continue
            line = {
                "host": task.delegate_to or result._host.get_name(),
                "action": task.action,
                "task": task.get_name(),
            }
            with Path(self.get_option("path")).open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
