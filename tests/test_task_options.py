"""Every option of every Windows task exists: the common linter skips modules that are written in PowerShell."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(
    path
    for pattern in (
        "roles/*/tasks/*.yml",
        "roles/*/handlers/*.yml",
        "playbooks/*.yml",
        "molecule/**/*.yml",
        "migrate.yml",
    )
    for path in ROOT.glob(pattern)
    if path.parent.name != "inventory" and path.name != "molecule.yml"
)
COLLECTIONS = ("ansible.windows.", "community.windows.")
ACTIONS_ONLY = {"ansible.windows.win_reboot", "ansible.windows.win_template"}
"""Documented like modules, implemented as action plugins; ansible-doc knows their options too."""


def tasks(node):
    if isinstance(node, list):
        for item in node:
            yield from tasks(item)
    elif isinstance(node, dict):
        yield node
        for key in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
            yield from tasks(node.get(key, []))


def windows_tasks(path):
    for task in tasks(yaml.safe_load(path.read_text("utf-8"))):
        for module, options in task.items():
            if module.startswith(COLLECTIONS):
                merged = dict(options or {})
                merged.update(task.get("args", {}))
                yield task.get("name", "?"), module, merged


def problems(module, options, documentation):
    known = documentation[module]
    names = {name.lower() for name in known} | {
        alias.lower() for option in known.values() for alias in option.get("aliases", [])
    }
    unknown = sorted(name for name in options if name.lower() not in names)
    missing = sorted(
        name
        for name, option in known.items()
        if option.get("required") and not {name, *option.get("aliases", [])} & set(options)
    )
    return [f"unknown option {name}" for name in unknown] + [f"missing option {name}" for name in missing]


@pytest.fixture(scope="module")
def documentation():
    used = sorted({module for path in FILES for _, module, _ in windows_tasks(path)})
    text = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-doc")), "-t", "module", "--json", *used],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout
    return {name: entry["doc"]["options"] for name, entry in json.loads(text).items()}


def test_the_roles_use_windows_modules():
    assert sum(1 for path in FILES for _ in windows_tasks(path)) > 30


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_is_one_of_the_module_and_none_is_missing(path, documentation):
    found = [
        f"{name}: {module}: {problem}"
        for name, module, options in windows_tasks(path)
        for problem in problems(module, options, documentation)
    ]
    assert found == []


def test_a_typo_and_a_missing_option_are_found(documentation):
    assert problems("ansible.windows.win_file", {"pth": "x"}, documentation) == [
        "unknown option pth",
        "missing option path",
    ]
