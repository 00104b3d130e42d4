"""A run that is cut short leaves nothing behind that the next one does not end."""

import hashlib
import json
import os
import signal
import subprocess

import pytest

from .conftest import BINARIES, ROOT

FOLDER = r"C:\ProgramData\mim2ecma\ecma"
PLACE = r"C:\Program Files\Microsoft ECMA2Host\Service\ECMA"


def kill_at(lab, task, playbook, variables):
    """Start a playbook and kill it with all its workers as soon as it announces a task."""
    command = [
        str(BINARIES / "ansible-playbook"),
        "-i",
        "inventories/lab",
        playbook,
        "-e",
        json.dumps(variables),
    ]
    process = subprocess.Popen(
        command,
        env=lab.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    output = []
    for line in process.stdout:
        output.append(line)
        if line.startswith(f"TASK [{task}]"):
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL, "".join(output)


def service_of(lab):
    services = lab.show("ecma01")["services"]["services"]
    return next(service["state"] for service in services if service["name"] == "ECMA2Host")


@pytest.mark.parametrize("task", ["Stop the service", "List what lies there now"])
def test_the_next_run_ends_the_swap_and_starts_the_service(migrated, tmp_path, task):
    old, new = tmp_path / "old" / "hr.wsconfig", tmp_path / "new" / "hr.wsconfig"
    for path, content in ((old, b"old"), (new, b"new")):
        path.parent.mkdir()
        path.write_bytes(content)
    first = {"ecma_stage_payload": [{"source": str(old)}]}
    assert migrated.play("playbooks/stage.yml", variables=first).code == 0
    assert service_of(migrated) == "running"

    second = {"ecma_stage_payload": [{"source": str(new)}]}
    kill_at(
        migrated,
        f"ecma_stage : {task}",
        "playbooks/stage.yml",
        {"mim2ecma_runs_dir": str(migrated.runs), **second},
    )
    predicted = migrated.play("playbooks/stage.yml", "--check", variables=second)
    assert predicted.code == 0, predicted.output
    assert predicted.changed["ecma01"] > 0, predicted.output
    again = migrated.play("playbooks/stage.yml", variables=second)
    assert again.code == 0, again.output
    assert service_of(migrated) == "running"
    uncut = migrated.play("playbooks/stage.yml", variables=second)
    assert (uncut.code, uncut.changed) == (0, {"ecma01": 0}), uncut.output
    files = migrated.files("ecma01")
    assert files[rf"{PLACE}\hr.wsconfig".lower()] == hashlib.sha256(b"new").hexdigest()
    assert not [path for path in files if path.startswith(rf"{FOLDER}\incoming".lower())]
