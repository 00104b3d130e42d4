"""Write the outcome of each task as one JSON line, for tools/run_upstream_targets.py."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import filter_loader, test_loader

DOCUMENTATION = """
name: upstream_outcomes
type: aggregate
short_description: write task outcomes as JSON lines
description: One line for each task and host, into the file that WINLAB_OUTCOMES names.
requirements: [enable in configuration]
"""

# What winlab says when it does not imitate something (errors.py): never a pass, even where a failure is expected.
REFUSALS = ("is not modelled", "winlab: ", "No twin of")
_SHOWN = 1500


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Collects nothing, writes at once: a run that is cut short leaves what it reached."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "upstream_outcomes"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._path = os.environ.get("WINLAB_OUTCOMES", "")
        # Loaded here once, these plugins are there in the process that is forked for each task.
        filter_loader.get("ansible.builtin.default")
        test_loader.get("ansible.builtin.defined")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write(result, "passed")

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._write(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write(result, "failed")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write(result, "passed" if ignore_errors else "failed")

    def _write(self, result: Any, outcome: str) -> None:
        task, data = result.task, result.result
        refusal = _refusal(data)
        if refusal:
            outcome = "failed"
        line = {
            "path": str(task.get_path() or ""),
            "name": str(task.get_name()),
            "action": str(task.resolved_action or task.action),
            "options": sorted(set(_options(task.args))),
            "outcome": outcome,
            "message": (refusal or _message(data)) if outcome == "failed" else "",
        }
        with Path(self._path).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, sort_keys=True) + "\n")


def _options(value: Any, prefix: str = "") -> list[str]:
    """Names of the options that a task gives, those of nested ones with a dot."""
    found: list[str] = []
    if isinstance(value, Mapping):
        for key, inner in value.items():
            found += [f"{prefix}{key}", *_options(inner, f"{prefix}{key}.")]
    elif prefix and isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            found += _options(inner, prefix)
    return found


def _message(data: Mapping[str, Any]) -> str:
    parts = [str(data.get(key) or "") for key in ("msg", "assertion", "stderr", "module_stderr", "exception")]
    parts += [
        _message(item)
        for item in data.get("results") or []
        if isinstance(item, Mapping) and item.get("failed")
    ]
    return " | ".join(part for part in parts if part)[:_SHOWN]


def _refusal(data: Any) -> str:
    """The sentence with which winlab refused, wherever it stands in a result."""
    if isinstance(data, str):
        return data[:_SHOWN] if any(mark in data for mark in REFUSALS) else ""
    if isinstance(data, Mapping):
        # A fact `system_vendor: winlab` or an invocation is no refusal.
        values = [inner for key, inner in data.items() if key not in ("invocation", "ansible_facts")]
        return next((text for text in map(_refusal, values) if text), "")
    if isinstance(data, Sequence):
        return next((text for text in map(_refusal, data) if text), "")
    return ""
