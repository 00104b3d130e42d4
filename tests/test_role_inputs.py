"""Inputs of roles: what is written on the command line (-e name=false) arrives as text, and "false" is true to Jinja."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
SPECIFICATIONS = sorted(ROOT.glob("roles/*/meta/argument_specs.yml"))


def booleans():
    for path in SPECIFICATIONS:
        for entry in yaml.safe_load(path.read_text("utf-8"))["argument_specs"].values():
            for name, option in (entry.get("options") or {}).items():
                if option["type"] == "bool":
                    yield name


NAMES = sorted(set(booleans()))


def uses(name):
    for pattern in ("roles/*/tasks/*.yml", "roles/*/vars/*.yml", "roles/*/handlers/*.yml", "playbooks/*.yml"):
        for path in sorted(ROOT.glob(pattern)):
            yield from (
                (path, line)
                for line in path.read_text("utf-8").splitlines()
                if re.search(rf"\b{name}\b", line)
            )


@pytest.mark.parametrize("name", NAMES)
def test_a_boolean_input_is_converted_wherever_it_is_used(name):
    expressions = [
        (path.name, line.strip())
        for path, line in uses(name)
        if re.search(r"\{\{|that:|when:|^\s*- (?!where)[^:]*$", line)
    ]
    assert expressions, f"{name} is used nowhere"
    wrong = [
        (path, line)
        for path, line in expressions
        if len(re.findall(rf"\b{name}\b(?!:)", line))
        != len(re.findall(rf"\b{name}\b(?: \| default\(\w+\))? \| bool\b", line))
    ]
    assert not wrong


def test_the_tasks_whose_failure_is_a_refusal_exist():
    source = (ROOT / "callback_plugins" / "mim2ecma_record.py").read_text("utf-8")
    names = re.findall(r'^    "(Check [^"]+)",$', source, re.M)
    assert len(names) >= 5
    tasks = "\n".join(path.read_text("utf-8") for path in ROOT.glob("roles/*/tasks/*.yml"))
    assert [name for name in names if f"- name: {name}\n" not in tasks] == []
