"""A controller without the package, or with another version, says so in one sentence."""

import json
import os
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


@pytest.mark.parametrize(
    "task",
    [
        {"mim2ecma_folder": {"path": "/nowhere", "files": {}}},
        {
            "mim2ecma_store_export": {
                "folder": "/nowhere",
                "operation": "compare",
                "extensions": [],
                "extensions_root": "C:\\",
            }
        },
    ],
    ids=["mim2ecma_folder", "mim2ecma_store_export"],
)
def test_each_module_says_what_is_missing(tmp_path, task):
    done = run(
        tmp_path,
        STUBS["no package"][0],
        {"name": "use it", **task, "vars": {"ansible_python_interpreter": sys.executable}},
    )
    output = " ".join((done.stdout).split())
    assert done.returncode == 2
    assert "mim2ecma: not importable by" in output
    assert "Install it there or build execution-environment.yml." in output


def test_there_are_filters_to_check():
    assert len(FILTERS) >= 10
