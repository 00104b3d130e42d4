"""Scenes of `ansible-playbook`, many at once: each has a host of its own, each step is one task for all of them.

A scene is a generator: it prepares its host, yields a task, and is sent what Ansible said. The steps of all
scenes run in rounds, one `ansible-playbook` a round, because that takes far longer to start than to run a task.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .served import FAILED, OK, UNREACHABLE, Fill, Served, enable_administrator, run_plays, serving

Task = dict[str, Any]
FORKS = 10


@dataclass(frozen=True)
class Said:
    """What Ansible said of one task.

    Attributes:
        code: OK, FAILED or UNREACHABLE.
        result: the task's result.
        text: the same as text, to look for messages.
    """

    code: int
    result: dict[str, Any]
    text: str


Play = Generator[Task, Said, None]


@dataclass(frozen=True)
class Scene:
    """A scene over one transport.

    Attributes:
        name: as the test is called.
        play: the generator function; it takes the served host.
        transport: one of `served.TRANSPORTS`.
        variables: of the inventory host.
    """

    name: str
    play: Callable[[Served], Play]
    transport: str
    variables: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


@dataclass
class _Running:
    scene: Scene
    served: Served
    steps: Play
    task: Task | None = None
    error: BaseException | None = None

    def go_on(self, said: Said | None) -> None:
        """Let the scene take what was said, up to its next task or its end."""
        try:
            self.task = next(self.steps) if said is None else self.steps.send(said)
        except StopIteration:
            self.task = None
        except (Exception, pytest.fail.Exception) as error:  # told by the test of this scene
            self.task, self.error = None, error


def chosen(request: pytest.FixtureRequest, scenes: Iterable[Scene]) -> list[Scene]:
    """The scenes that this session is to run."""
    names = {
        str(item.callspec.params["scene"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path and "scene" in _parameters(item)
    }
    return [scene for scene in scenes if scene.name in names]


def _parameters(item: pytest.Function) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def run(
    folder: Path, scenes: list[Scene], fill: Fill = enable_administrator
) -> dict[str, BaseException | None]:
    """Run scenes to their end, each on a host of its own.

    Returns:
        By name the error with which a scene ended, None when all was as it says.
    """
    with contextlib.ExitStack() as stack:
        serve = stack.enter_context(serving(folder, len(scenes)))
        running = []
        for number, scene in enumerate(scenes):
            served = serve(f"win{number}", fill)
            running.append(_Running(scene, served, scene.play(served)))
        for one in running:
            one.go_on(None)
        rounds = 0
        while waiting := [one for one in running if one.task is not None]:
            rounds += 1
            place = folder / f"round{rounds}"
            place.mkdir()
            told = _round(place, waiting)
            for one in waiting:
                one.go_on(told[one.scene.name])
    return {one.scene.name: one.error for one in running}


def _round(folder: Path, waiting: list[_Running]) -> dict[str, Said]:
    plays: dict[str, dict[str, Any]] = {}
    for one in waiting:
        # A host that fails must not end the plays of the others.
        play = {
            "hosts": [],
            "gather_facts": False,
            "ignore_errors": True,
            "ignore_unreachable": True,
            "tasks": [one.task],
        }
        plays.setdefault(json.dumps(one.task, sort_keys=True), play)["hosts"].append(one.served.host.name)
    hosts = {
        one.served.host.name: one.served.reached_by(one.scene.transport, **one.scene.variables)
        for one in waiting
    }
    outcome = run_plays(folder, hosts, list(plays.values()), environment={"ANSIBLE_FORKS": str(FORKS)})
    results = {name: result for _, by_host in outcome.tasks for name, result in by_host.items()}
    assert set(results) == set(hosts), outcome.text
    return {one.scene.name: _said(results[one.served.host.name]) for one in waiting}


def _said(result: dict[str, Any]) -> Said:
    code = UNREACHABLE if result.get("unreachable") else FAILED if result.get("failed") else OK
    return Said(code, result, json.dumps(result, ensure_ascii=False))
