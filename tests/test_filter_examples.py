"""The examples of the filters' documentation are executed: each says its result."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
SIDECARS = sorted((ROOT / "filter_plugins").glob("*.yml"))


def documented(path):
    return yaml.safe_load(path.read_text("utf-8"))


def registered():
    names = set()
    for path in sorted((ROOT / "filter_plugins").glob("*.py")):
        namespace = {"__name__": path.stem}
        exec(compile(path.read_text("utf-8"), str(path), "exec"), namespace)
        names |= set(namespace["FilterModule"]().filters())
    return names


def test_every_filter_has_a_sidecar_and_every_sidecar_a_filter():
    assert {path.stem for path in SIDECARS} == registered()


@pytest.mark.parametrize("path", SIDECARS, ids=lambda path: path.stem)
def test_a_sidecar_documents_its_filter(path):
    content = documented(path)
    assert content["DOCUMENTATION"]["name"] == path.stem
    assert content["RETURN"]["_value"]["type"]
    assert "# " in content["EXAMPLES"], "an example states its result in a comment"


def cases():
    for path in SIDECARS:
        text = documented(path)["EXAMPLES"]
        content = yaml.safe_load(text)
        if isinstance(content, dict) and set(content) == {"result"}:
            yield path.stem, content["result"], text.split("# Result: ", 1)[1].splitlines()[0]


def test_the_examples_of_the_rollout_filters_give_what_they_say(tmp_path):
    found = list(cases())
    assert len(found) >= 10
    playbook = tmp_path / "play.yml"
    tasks = [
        {
            "name": name,
            "ansible.builtin.assert": {"that": "__got == __wanted", "fail_msg": name},
            "vars": {"__got": expression, "__wanted": "{{ " + wanted + " }}"},
        }
        for name, expression, wanted in found
    ]
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    done = subprocess.run(
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
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
