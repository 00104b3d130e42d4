"""The tables of evidence are what the sources say now, and a target that has passed stays passed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from winlab.behaviours import BEHAVIOURS, Behaviour

from winlab import cli, evidence, modules, pins, upstream_results

pytest.importorskip("ansible_collections", reason="the PyPI package ansible is not installed")
# Targets that have passed once: their number only grows, and none of them may become anything else.
GROUPS = json.loads(Path(__file__).with_name("passed.json").read_text(encoding="utf-8"))
PASSED = sorted(name for names in GROUPS.values() for name in names)
ENTRY: dict[str, Any] = {"passed": 3, "failed": 0, "not_reached": 0, "skipped": 1, "own_passed": 2}


def test_the_tables_are_not_stale() -> None:
    assert evidence.check(evidence.default_folder()) == []


@pytest.mark.parametrize("name", PASSED)
def test_a_target_that_has_passed_never_becomes_anything_else(name: str) -> None:
    entry = evidence.results().get(name)
    assert entry is not None, f"{name} is no longer in {evidence.RESULTS_FILE}"
    assert evidence.status_of(entry) == "passed", entry["first_failure"]


def test_the_list_of_what_is_lent_is_that_of_the_harness() -> None:
    code = "import json, upstream_host, upstream_lent; print(json.dumps(upstream_lent.LENT))"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment, stdout=subprocess.PIPE, text=True
    ).stdout
    assert json.loads(found) == upstream_results.lent(), "run tools/run_upstream_targets.py"


def test_what_a_target_took_is_in_the_list() -> None:
    taken = {
        (kind, name)
        for entry in evidence.results().values()
        for kind, names in entry.get("lent", {}).items()
        for name in names
    }
    listed = {(kind, name) for kind, names in upstream_results.lent().items() for name in names}
    assert taken <= listed
    assert {kind for kind, _ in listed} == set(upstream_results.KINDS)


def test_each_group_is_run_by_a_file_of_its_own() -> None:
    here = Path(__file__).parent
    assert {f"test_targets_of_{group}.py" for group in GROUPS} == {
        path.name for path in here.glob("test_targets_of_*.py")
    }
    assert len(set(PASSED)) == len(PASSED)


def test_every_target_that_passes_is_kept_in_the_list() -> None:
    now = {name for name, entry in evidence.results().items() if evidence.status_of(entry) == "passed"}
    assert now <= set(PASSED), "add them to passed.json"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "passed"),
        ({"failed": 1}, "partly"),
        ({"not_reached": 1}, "partly"),
        ({"not_reached": 1, "own_passed": 0}, "not run"),
        ({"passed": 0, "own_passed": 0}, "not run"),
    ],
)
def test_the_status_of_a_target(changes: dict[str, int], status: str) -> None:
    assert evidence.status_of({**ENTRY, **changes}) == status


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (evidence.OptionEvidence("a", "m.ps1:1", True), "source line"),
        (evidence.OptionEvidence("a", "m.ps1:1", False), "assumption"),
        (evidence.OptionEvidence("a", "", True), "assumption"),
        (evidence.OptionEvidence("a", "m.ps1:1", True, "win_m: a task"), "upstream test"),
        (evidence.OptionEvidence("a", "m.ps1:1", True, "win_m: a task", "2016.jsonl"), "transcript"),
    ],
)
def test_the_strongest_evidence_counts(row: evidence.OptionEvidence, kind: str) -> None:
    assert row.kind == kind


@pytest.mark.parametrize("row", BEHAVIOURS, ids=lambda row: row.what)
def test_a_behaviour_that_upstream_alone_shows_says_so_where_it_is_done(row: Behaviour) -> None:
    text = (Path(str(evidence.__file__)).parent / row.file).read_text(encoding="utf-8")
    assert f"upstream's target {row.target}" in " ".join(text.replace("#", " ").split())
    assert evidence.results()[row.target]["own_passed"]


def test_options_have_the_line_that_declares_them() -> None:
    rows = {row.option: row for row in evidence.of_module("ansible.windows.win_package")}
    assert rows["product_id"].source.startswith("win_package.ps1:")
    assert rows["url_method"].source.startswith("WebRequest.psm1:")
    nested = [row.option for row in evidence.of_module("ansible.windows.win_powershell")]
    assert "sensitive_parameters.username" in nested
    legacy = {row.option: row for row in evidence.of_module("ansible.windows.win_acl")}
    assert legacy["rights"].source.startswith("win_acl.ps1:")


def test_each_assumption_says_what_is_assumed_and_the_guide_says_how_many_there_are() -> None:
    rows = {
        (name, row.option)
        for name in sorted(set(modules.names()) & set(pins.pinned()))
        for row in evidence.of_module(name)
        if row.kind == "assumption"
    }
    assert rows == set(evidence.ASSUMED)
    guide = evidence.default_folder().parents[1] / "docs" / "simulated-hosts.md"
    assert f"rest on assumption: {len(rows)}" in guide.read_text(encoding="utf-8")


def test_a_stale_or_missing_table_is_an_error_that_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evidence", "--check", "--docs", str(tmp_path)]) == 1
    assert (
        "missing; expected what the sources say now. Run `winlab evidence --write`."
        in capsys.readouterr().out
    )
    assert cli.main(["evidence", "--write", "--docs", str(tmp_path)]) == 0
    assert cli.main(["evidence", "--check", "--docs", str(tmp_path)]) == 0
    table = tmp_path / evidence.EVIDENCE_FILE
    table.write_text(table.read_text(encoding="utf-8") + "x", encoding="utf-8")
    assert cli.main(["evidence", "--check", "--docs", str(tmp_path)]) == 1
    assert f"{table}: stale;" in capsys.readouterr().out
