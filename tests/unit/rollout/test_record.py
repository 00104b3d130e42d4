import json

import pytest

from mim2ecma.rollout import record


@pytest.fixture
def run():
    run = record.Run("abc123", "2026-11-23T05:00:00Z", check_mode=False, inventory="lab", ticket="CHG-1")
    run.learn("mim01", {"ansible_system_vendor": "winlab", "ansible_kernel": "10.0.14393.0"})
    run.learn("ecma01", {"ansible_system_vendor": "VMware, Inc.", "ansible_kernel": "10.0.20348.0"})
    run.learn("other", {})
    run.accepted = {"R11": "agreed in CHG-1"}
    phase = run.phase("stage")
    phase.tasks, phase.changed = 7, 2
    return run


def test_a_record_says_what_its_evidence_is_worth(run, tmp_path):
    folder = tmp_path / "hr-1" / "to" / "ecma01"
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text("{}")
    (tmp_path / "hr-1" / "export").mkdir()
    (tmp_path / "hr-1" / "export" / "hr.xml").write_text("<x/>")
    path = record.write(run, folder, ["ecma01", "mim01", "other"], "2026-11-23T05:01:00Z")
    content = json.loads(path.read_text())
    assert content["hosts"] == [
        {"name": "ecma01", "evidence": "windows 10.0.20348.0"},
        {"name": "mim01", "evidence": "simulated"},
    ]
    assert content["phases"] == [{"name": "stage", "changed": 2, "failed": 0, "tasks": 7}]
    assert [entry["path"] for entry in content["artefacts"]] == ["export/hr.xml", "to/ecma01/plan.json"]
    assert content["outcome"] == "complete"
    assert content["ticket"] == "CHG-1"
    assert content["accepted"] == {"R11": "agreed in CHG-1"}
    assert (folder / "records" / "20261123T050000Z-abc123.json").read_text() == path.read_text()


def test_records_are_append_only(run, tmp_path):
    folder = tmp_path / "hr-1" / "to" / "ecma01"
    record.write(run, folder, ["mim01"], "2026-11-23T05:01:00Z")
    run.run_id = "def456"
    record.write(run, folder, ["mim01"], "2026-11-23T05:02:00Z")
    assert len(list((folder / "records").iterdir())) == 2


@pytest.mark.parametrize(
    ("check", "failed", "refused", "narrowed", "outcome"),
    [
        (False, 0, False, False, "complete"),
        (False, 0, False, True, "partly"),
        (True, 0, False, False, "predicted"),
        (True, 0, False, True, "predicted"),
        (False, 1, False, False, "failed"),
        (False, 1, False, True, "failed"),
        (False, 1, True, False, "refused"),
        (True, 1, True, False, "refused"),
    ],
)
def test_the_outcome_is_one_word(run, check, failed, refused, narrowed, outcome):
    run.check_mode, run.refused, run.narrowed = check, refused, narrowed
    run.phase("stage").failed = failed
    assert run.outcome() == outcome


def test_a_run_without_a_management_agent_leaves_a_record_too(run, tmp_path):
    path = record.write_unplaced(run, tmp_path / "lab", "2026-11-23T05:01:00Z")
    assert path == tmp_path / "lab" / "records" / "20261123T050000Z-abc123.json"
    assert json.loads(path.read_text())["artefacts"] == []
