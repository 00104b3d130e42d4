"""The filters register always, check what they get, and hand out data that Ansible never templates."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from export_builder import ANCHOR, Attribute, Definition, Partition, Step, Value, export

import mim2ecma
from mim2ecma.readiness import inspect

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = ROOT / "filter_plugins" / "readiness.py"
NAMES = ("ma_findings", "ma_inspect", "ma_verdict")


def load():
    spec = importlib.util.spec_from_file_location("readiness_filters", PLUGIN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def filters():
    return load().FilterModule().filters()


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "export.xml"
    target.write_text(export(import_enabled="0"))
    return str(target)


def test_the_version_is_that_of_the_package():
    assert mim2ecma.__version__ == load().VERSION


def test_an_inspection_is_the_document_of_the_command_line(filters, path):
    assert filters["ma_inspect"](path) == inspect(Path(path)).to_dict()


def test_options_reach_the_rules(filters, path):
    assert filters["ma_verdict"](filters["ma_inspect"](path, accept={"R6": "empty target"})) == "ready"
    Path(path).write_text(export(attributes=[Attribute("a", selected=False)]))
    assert filters["ma_verdict"](filters["ma_inspect"](path, strict=True)) == "not-ready"
    Path(path).write_text(export(classes={"Employee": [ANCHOR, Attribute("a")]}))
    assert (
        filters["ma_verdict"](filters["ma_inspect"](path, object_types="Employee")) == "ready-with-warnings"
    )
    assert (
        filters["ma_verdict"](filters["ma_inspect"](path, object_types=["Employee"])) == "ready-with-warnings"
    )


def test_findings_are_taken_by_severity(filters, path):
    inspection = filters["ma_inspect"](path)
    assert [item["id"] for item in filters["ma_findings"](inspection)] == ["R6", "R14", "R20"]
    assert [item["id"] for item in filters["ma_findings"](inspection, "warning")] == ["R6"]
    assert filters["ma_findings"](inspection, severity="error") == []


def test_an_unreadable_file_has_a_verdict(filters, tmp_path):
    target = tmp_path / "a.xml"
    target.write_bytes(b"<html>")
    assert filters["ma_verdict"](filters["ma_inspect"](str(target))) == "not-ready"


@pytest.mark.parametrize(
    ("name", "arguments", "options", "message"),
    [
        ("ma_inspect", (3,), {}, "ma_inspect: input: int; expected the path of a file on the controller."),
        (
            "ma_inspect",
            ("none.xml",),
            {},
            "none.xml: file: No such file or directory; expected a readable file.",
        ),
        (
            "ma_inspect",
            ("a",),
            {"object_types": 3},
            "ma_inspect: object_types: int; expected a list of names.",
        ),
        (
            "ma_inspect",
            ("a",),
            {"object_types": [3]},
            "ma_inspect: object_types: list; expected a list of names.",
        ),
        ("ma_inspect", ("a",), {"strict": "yes"}, "ma_inspect: strict: str; expected true or false."),
        (
            "ma_inspect",
            ("a",),
            {"accept": ["R2"]},
            "ma_inspect: accept: list; expected a dictionary of rule to reason.",
        ),
        (
            "ma_inspect",
            ("a",),
            {"accept": {"R2": 3}},
            "ma_inspect: accept: dict; expected a dictionary of rule to reason.",
        ),
        ("ma_inspect", ("a",), {"accept": {"R1": "x"}}, "options: accept: rule R1; expected one of R2,"),
        ("ma_inspect", ("",), {}, "ma_inspect: input: an empty str; expected the path of a file"),
        (
            "ma_inspect",
            ("a",),
            {"object_types": 0},
            "ma_inspect: object_types: int; expected a list of names.",
        ),
        ("ma_inspect", ("a",), {"accept": False}, "ma_inspect: accept: bool; expected a dictionary of rule"),
        ("ma_inspect", ("a",), {"accept": []}, "ma_inspect: accept: an empty list; expected a dictionary of"),
        ("ma_inspect", ("a",), {"accept": {"R2": "!"}}, "options: accept R2: no reason; expected a reason,"),
        ("ma_findings", ({},), {}, "ma_findings: input: an empty dict; expected the result of ma_inspect."),
        ("ma_findings", ({"findings": ["x"]}, "error"), {}, "ma_findings: input: dict; expected the result"),
        ("ma_findings", ({"findings": [{}]},), {}, "ma_findings: input: dict; expected the result"),
        (
            "ma_findings",
            ({"findings": []}, "fatal"),
            {},
            "ma_findings: severity: another word; expected error or warning or information.",
        ),
        ("ma_findings", ({"findings": []}, ["error"]), {}, "ma_findings: severity: list; expected error or"),
        ("ma_verdict", ("ready",), {}, "ma_verdict: input: str; expected the result of ma_inspect."),
        ("ma_verdict", (None,), {}, "ma_verdict: input: NoneType; expected the result of ma_inspect."),
    ],
)
def test_a_wrong_argument_says_what_was_expected(filters, name, arguments, options, message):
    with pytest.raises(AnsibleFilterError) as caught:
        filters[name](*arguments, **options)
    assert str(caught.value).startswith(message)


def test_kinds_are_those_that_playbooks_know(filters):
    class LazyTemplateDict(dict):
        """As Ansible passes them."""

    with pytest.raises(AnsibleFilterError, match=r"^ma_verdict: input: dict; expected"):
        filters["ma_verdict"](LazyTemplateDict(a=1))


def test_a_pipe_is_refused_and_not_waited_for(filters, tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "a.xml")
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(
        AnsibleFilterError, match=r"a\.xml: file: a pipe \(FIFO\); expected a regular file\. Save"
    ):
        filters["ma_inspect"](str(tmp_path / "a.xml"))


def test_without_the_package_each_filter_registers_and_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "mim2ecma", None)
    filters = load().FilterModule().filters()
    assert tuple(sorted(filters)) == NAMES
    for function in filters.values():
        with pytest.raises(AnsibleFilterError) as caught:
            function({})
        assert str(caught.value) == (
            f"mim2ecma: not importable by {sys.executable}; expected {mim2ecma.__version__}. "
            "Install it there or build execution-environment.yml."
        )


def test_another_version_is_refused(monkeypatch):
    monkeypatch.setattr(mim2ecma, "__version__", "9.9.9")
    for function in load().FilterModule().filters().values():
        with pytest.raises(
            AnsibleFilterError, match=r"^mim2ecma: version 9\.9\.9 by .*; expected 0\.1\.0\. Install it"
        ):
            function({})


# The real engine -------------------------------------------------------------------------------------------------


def play(folder, tasks, **variables):
    """Run tasks with ansible-playbook; return its output."""
    playbook = folder / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    (folder / "vars.json").write_text(json.dumps(variables))
    (folder / "ansible.cfg").write_text("[defaults]\n")
    environment = {
        **os.environ,
        "ANSIBLE_FILTER_PLUGINS": str(ROOT / "filter_plugins"),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
    }
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "localhost,",
            "-c",
            "local",
            "-e",
            f"@{folder / 'vars.json'}",
            "-e",
            f"ansible_python_interpreter={sys.executable}",
            str(playbook),
        ],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def examples():
    for name in NAMES:
        document = yaml.safe_load((ROOT / "filter_plugins" / f"{name}.yml").read_text("utf-8"))
        assert document["DOCUMENTATION"]["name"] == name
        for block in re.split(r"(?m)^(?=- name:)", document["EXAMPLES"]):
            if block.strip():
                stated = re.search(r"# => (.*)", block)
                yield name, yaml.safe_load(block)[0], yaml.safe_load(stated[1]) if stated else None


def test_the_examples_of_the_documentation_give_what_they_state(tmp_path):
    target = tmp_path / "export.xml"
    target.write_text(export())
    found = list(examples())
    assert len(found) >= 7
    tasks = []
    for number, (_, task, stated) in enumerate(found):
        tasks.append({**task, "register": f"result{number}"})
        if stated is not None:
            check = {"that": f"result{number}.msg == stated[{number}]"}
            tasks.append({"name": f"Check {task['name']}", "ansible.builtin.assert": check})
    output = play(tmp_path, tasks, export=str(target), stated=[stated for _, _, stated in found])
    assert output.count("ok:") >= len(tasks)


def test_nothing_from_an_export_is_ever_templated(tmp_path):
    touched = tmp_path / "touched"
    evil = "{{ lookup('pipe', 'touch " + str(touched) + "') }}"
    unsafe = "{% set x = lookup('pipe', 'touch " + str(touched) + "') %}"
    target = tmp_path / "export.xml"
    target.write_text(
        export(
            name=evil,
            server=evil.replace("'", "&apos;"),
            date=unsafe.replace("'", "&apos;"),
            description=evil,
            list_name=evil,
            classes={evil: [Attribute(evil, anchor=True), Attribute(unsafe), Attribute(evil + ".")]},
            values=[
                Value(evil, evil),
                Value(unsafe, "C:\\" + unsafe + ".ps1", "text"),
                Value("Password " + evil, "hunter22"),
            ],
            definitions=[Definition(evil, "encrypted-string")],
            partitions=[Partition(evil, object_types=[evil]), Partition(unsafe)],
            runs={evil: [Step(evil)]},
            filename=evil + ".dll",
            assembly_version=evil,
            password_dll=evil,
            rules_dll=evil,
            bits=evil,
            category="Extensible2",
        )
    )
    tasks = [
        {"name": "Keep", "ansible.builtin.set_fact": {"kept": "{{ export | ma_inspect }}"}},
        {
            "name": "Show",
            "ansible.builtin.debug": {"msg": "{{ kept | ma_findings | map(attribute='found') | list }}"},
        },
        {"name": "Show all", "ansible.builtin.debug": {"var": "kept"}},
        {
            "name": "Loop",
            "ansible.builtin.debug": {"msg": "{{ item.where }} {{ item.found }}"},
            "loop": "{{ kept.findings }}",
        },
        {
            "name": "Join",
            "ansible.builtin.debug": {
                "msg": "{{ kept | ma_findings('error') | map(attribute='next_step') | join(' ') }}"
            },
        },
        {"name": "Again", "ansible.builtin.set_fact": {"again": "{{ kept.management_agent.name }}"}},
        {
            "name": "Use",
            "ansible.builtin.debug": {"msg": "{{ again }} {{ kept.parameters }} {{ kept.source.server }}"},
        },
        {
            "name": "Write",
            "ansible.builtin.copy": {
                "content": "{{ kept | to_json }}",
                "dest": str(tmp_path / "kept.json"),
                "mode": "0600",
            },
        },
        {
            "name": "Stop",
            "ansible.builtin.assert": {
                "that": "kept | ma_verdict == 'not-ready'",
                "fail_msg": "{{ kept.findings | map(attribute='found') | list }}",
            },
        },
    ]
    output = play(tmp_path, tasks, export=str(target))
    assert not touched.exists()
    assert "lookup('pipe'" in output
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert kept["management_agent"]["name"] == evil
    assert kept["source"]["server"] == evil
    assert kept["object_types"][0]["attributes"][1]["name"] == unsafe
    assert "hunter22" not in output
