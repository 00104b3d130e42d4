import json
import os
import subprocess
import sys

import pytest

from mim2ecma.documents.errors import InputError, UsageError
from mim2ecma.rollout.claims import claim


def content(root):
    return json.loads((root / ".claims" / "ecma01").read_text())


def test_a_host_is_claimed_once_and_again_by_the_same_run(tmp_path):
    claim(tmp_path / "runs" / "lab", "ecma01", os.getpid())
    claim(tmp_path / "runs" / "lab", "ecma01", os.getpid())
    assert content(tmp_path / "runs" / "lab")["process"] == os.getpid()
    assert (tmp_path / "runs").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "runs" / "lab" / ".claims" / "ecma01").stat().st_mode & 0o777 == 0o600


def test_another_run_that_goes_on_is_told(tmp_path):
    claim(tmp_path, "ecma01", os.getppid())
    claim(tmp_path, "mim01", os.getpid())
    with pytest.raises(UsageError) as caught:
        claim(tmp_path, "ecma01", os.getpid())
    assert str(caught.value) == (
        f"ecma01: run folders {tmp_path}: process {os.getppid()} of this controller works on this host; "
        "expected one run at a time. Wait until that run has ended, or end it where it hangs, and run again."
    )
    assert content(tmp_path)["process"] == os.getppid()


def test_a_run_that_has_ended_claims_nothing_also_before_its_parent_has_noticed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as run:
        claim(tmp_path, "ecma01", run.pid)
        with pytest.raises(UsageError):
            claim(tmp_path, "ecma01", os.getpid())
        run.kill()
        os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the list of processes
        claim(tmp_path, "ecma01", os.getpid())
    assert content(tmp_path)["process"] == os.getpid()


def test_the_number_of_an_ended_run_may_be_used_again(tmp_path):
    claim(tmp_path, "ecma01", os.getppid())
    path = tmp_path / ".claims" / "ecma01"
    path.write_text(json.dumps({**content(tmp_path), "began": "1"}))
    claim(tmp_path, "ecma01", os.getpid())


@pytest.mark.parametrize("text", ["", "{", "7", "[]", '{"process": "x", "began": "1"}', '{"process": 1}'])
def test_a_damaged_claim_is_none(tmp_path, text):
    claim(tmp_path, "ecma01", os.getppid())
    (tmp_path / ".claims" / "ecma01").write_text(text)
    claim(tmp_path, "ecma01", os.getpid())
    assert content(tmp_path)["process"] == os.getpid()


def test_a_name_that_leaves_the_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="plain file names"):
        claim(tmp_path, "../ecma01", os.getpid())
