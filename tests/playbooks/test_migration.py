"""The whole line on simulated hosts, with the real Ansible over real WinRM."""

import hashlib
import os
import subprocess

import pytest

from .conftest import BINARIES, ROOT

HOSTS = ["mim01", "mim02", "ecma01"]
PHASES = ["preflight", "prepare", "export", "assess", "stage", "verify"]
ECMA = r"C:\Program Files\Microsoft ECMA2Host\Service\ECMA"


def test_the_migration_runs_and_leaves_its_documents(migrated, migrated_once):
    assert all(not counts["failed"] and not counts["unreachable"] for counts in migrated_once.recap.values())
    for host in ("mim01/contoso-hr-*", "mim02/fabrikam-badges-*"):
        inspection = migrated.document(f"{host}/inspection.json")
        assert inspection["verdict"] in {"ready", "ready-with-warnings"}
        plan = migrated.document(f"{host}/to/ecma01/plan.json")
        assert {file["action"] for file in plan["files"]} >= {"add"}
        record = migrated.document(f"{host}/to/ecma01/record.json")
        assert record["outcome"] == "complete"
        assert record["check_mode"] is False
        assert {entry["evidence"] for entry in record["hosts"]} == {"simulated"}
        assert [phase["name"] for phase in record["phases"]] == PHASES


def test_the_kept_files_have_the_sums_of_sha256sums(migrated):
    for sums in (migrated.runs / "lab").glob("*/*/SHA256SUMS"):
        done = subprocess.run(
            ["sha256sum", "--check", "--strict", "--quiet", sums.name], cwd=sums.parent, check=False
        )
        assert done.returncode == 0
        assert len(sums.read_text().splitlines()) >= 2


def test_the_run_folders_are_for_the_owner_alone(migrated):
    modes = {path: path.stat().st_mode & 0o777 for path in (migrated.runs / "lab").rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}, modes


def test_the_xml_arrives_byte_for_byte(migrated):
    on_host = migrated.files("ecma01")
    for export in (migrated.runs / "lab").glob("*/*/export/*.xml"):
        assert on_host[f"{ECMA}\\{export.name}".lower()] == hashlib.sha256(export.read_bytes()).hexdigest()


def test_every_file_of_the_closure_arrives(migrated):
    on_host = migrated.files("ecma01")
    for folder in (migrated.runs / "lab").glob("*/*/export/Extensions"):
        for path in folder.rglob("*"):
            if path.is_file():
                target = f"{ECMA}\\{path.relative_to(folder)}".replace("/", "\\").lower()
                assert on_host[target] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_second_run_changes_nothing(migrated):
    again = migrated.play("migrate.yml")
    assert again.code == 0, again.output
    assert set(again.changed.values()) == {0}


def test_nothing_of_ours_stays_in_a_temporary_folder_of_a_mim_host(migrated):
    for host in ("mim01", "mim02"):
        left = [path for path in migrated.files(host) if "mim2ecma." in path and "\\temp\\" in path]
        assert left == []


def test_the_existing_mim_host_is_only_read(lab):
    before = lab.lasting("mim02")
    assert lab.play("migrate.yml").code == 0
    assert lab.lasting("mim02") == before


def test_a_prediction_on_bare_hosts_ends_well_and_changes_nothing(lab):
    before = {host: lab.lasting(host) for host in HOSTS}
    result = lab.play("migrate.yml", "--check", "--diff")
    assert result.code == 0, result.output
    assert "unknown until" in result.flat
    for host, state in before.items():
        assert lab.lasting(host) == state
    inspection = lab.document("mim02/*/prediction/inspection.json")
    assert inspection["management_agent"]["name"] == "Fabrikam Badges (plant & campus)"
    assert not list((lab.runs / "lab").glob("*/*/export"))


def test_a_prediction_on_finished_hosts_predicts_nothing(migrated):
    before = {host: migrated.lasting(host) for host in HOSTS}
    result = migrated.play("migrate.yml", "--check", "--diff")
    assert result.code == 0, result.output
    assert set(result.changed.values()) == {0}
    assert {host: migrated.lasting(host) for host in HOSTS} == before


def test_each_phase_runs_alone(lab):
    for phase in PHASES:
        result = lab.play(f"playbooks/{phase}.yml")
        assert result.code == 0, f"{phase}: {result.output}"
    assert lab.document("mim01/*/to/ecma01/record.json")["outcome"] == "complete"
    limited = lab.play("playbooks/stage.yml", "--limit", "ecma01")
    assert limited.code == 0, limited.output
    assert lab.document("mim01/*/to/ecma01/record.json")["outcome"] == "partly"


def test_each_phase_runs_under_ansible_runner(migrated, tmp_path):
    runner = pytest.importorskip("ansible_runner")

    for phase in PHASES:
        result = runner.run(
            private_data_dir=str(tmp_path),
            project_dir=str(ROOT),
            inventory=str(ROOT / "inventories" / "lab"),
            playbook=f"playbooks/{phase}.yml",
            extravars={"mim2ecma_runs_dir": str(migrated.runs)},
            envvars={
                key: migrated.environment[key]
                for key in ("WINLAB_STATE", "ANSIBLE_CONFIG", "ANSIBLE_HOME", "NO_PROXY")
            }
            | {"PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}"},
            quiet=True,
        )
        assert result.status == "successful", result.stdout.read()
        assert sum(result.stats["changed"].values()) == 0
