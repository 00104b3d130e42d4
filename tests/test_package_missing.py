"""A controller without the package, or with another version, says so in one sentence."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILTERS = sorted(path.stem for path in (ROOT / "filter_plugins").glob("*.yml"))
STUBS = {
    "no package": ("raise ImportError('not here')", "mim2ecma: not importable by {python}; expected 0.1.0. "),
    "another version": ("__version__ = '9.9.9'", "mim2ecma: version 9.9.9 by {python}; expected 0.1.0. "),
}


def run(tmp_path, stub, *tasks):
    shadow = tmp_path / "shadow" / "mim2ecma"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text(stub)
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "localhost,",
            "-c",
            "local",
            str(playbook),
        ],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "PYTHONPATH": str(tmp_path / "shadow"),
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "400",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("stub", "message"), STUBS.values(), ids=STUBS)
def test_each_filter_says_what_is_missing(tmp_path, stub, message):
    tasks = [
        {"name": name, "debug": {"msg": "{{ {} | " + name + " }}"}, "ignore_errors": True} for name in FILTERS
    ]
    done = run(tmp_path, stub, *tasks)
    output = " ".join((done.stdout).split())
    sentence = message.format(python=sys.executable) + "Install it there or build execution-environment.yml."
    for name in FILTERS:
        told = output.split(f"TASK [{name}]", 1)[1].split("TASK [", 1)[0]
        assert sentence in told, f"{name}: {told}"
    assert "Traceback" not in output


TASKS = {
    "mim2ecma_beyond_extensions": {
        "folder": "/nowhere",
        "exports": [],
        "files": [],
        "bin_root": "C:\\",
        "cache_roots": [],
        "operation": "compare",
    },
    "mim2ecma_claim": {"folder": "/nowhere", "host": "h"},
    "mim2ecma_documents": {"folder": "/nowhere", "documents": {}},
    "mim2ecma_folder": {"path": "/nowhere", "files": {}},
    "mim2ecma_store_export": {
        "folder": "/nowhere",
        "operation": "compare",
        "extensions": [],
        "extensions_root": "C:\\",
    },
}


@pytest.mark.parametrize(("stub", "message"), STUBS.values(), ids=STUBS)
def test_each_action_says_what_is_missing(tmp_path, stub, message):
    assert {path.stem for path in (ROOT / "action_plugins").glob("*.py")} == set(TASKS)
    done = run(
        tmp_path,
        stub,
        *({"name": name, name: options, "ignore_errors": True} for name, options in TASKS.items()),
    )
    output = " ".join((done.stdout).split())
    sentence = message.format(python=sys.executable) + "Install it there or build execution-environment.yml."
    for name in TASKS:
        told = output.split(f"TASK [{name}]", 1)[1].split("TASK [", 1)[0]
        assert sentence in told, f"{name}: {told}"
    assert "Traceback" not in output


def test_the_options_of_each_action_are_those_that_library_documents(tmp_path):
    for name in TASKS:
        shown = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-doc")), "-t", "module", "-j", name],
            env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        documented = json.loads(shown)[name]["doc"]["options"]
        options = runpy.run_path(str(ROOT / "action_plugins" / f"{name}.py"))["OPTIONS"]
        assert set(documented) == set(options)
        for option, given in options.items():
            about = documented[option]
            assert about["type"] == given["type"], option
            assert about.get("required", False) == given.get("required", False), option
            assert about.get("choices") == given.get("choices"), option
            assert about.get("default") == given.get("default"), option
            assert about.get("elements") == given.get("elements"), option


def test_there_are_filters_to_check():
    assert len(FILTERS) >= 10
