"""The program ends without a traceback: outputs that are closed or full, readers that leave, Ctrl-C."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from export_builder import Attribute, export

PROGRAM = [sys.executable, "-m", "mim2ecma", "inspect"]


@pytest.fixture
def folder(tmp_path):
    """More files than one process reads alone."""
    for number in range(60):
        text = export(attributes=[Attribute(f"a{item}") for item in range(50)])
        (tmp_path / f"MA-{number:02}.xml").write_text(text)
    return tmp_path


def in_a_shell(command):
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("option", ["", "--json"])
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_a_closed_output_leaves_the_exit_code(folder, option, several, closed):
    target = folder if several else folder / "MA-00.xml"
    done = in_a_shell(f"{' '.join(PROGRAM)} {option} {target} {closed}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_wrong_usage_with_closed_outputs_still_ends_with_2():
    assert in_a_shell(f"{' '.join(PROGRAM)} --json >&- 2>&-").returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("option", ["", "--json"])
@pytest.mark.parametrize("several", [False, True])
def test_a_full_disk_is_one_clear_error(folder, option, several):
    target = folder if several else folder / "MA-00.xml"
    done = in_a_shell(f"{' '.join(PROGRAM)} {option} {target} >/dev/full")
    assert done.returncode == 2
    assert done.stderr == (
        "mim2ecma: output: No space left on device; expected an output that takes the result. "
        "Write it elsewhere, or make room.\n"
    )


def test_a_reader_that_leaves_many_files_is_no_traceback(folder):
    done = in_a_shell(f"{' '.join(PROGRAM)} {folder} | head -1")
    assert done.stdout.startswith("ready ")
    assert done.stderr == ""


@pytest.mark.parametrize("seconds", [0.6, 0.9, 1.2, 1.6, 2.0])
def test_an_interruption_of_a_folder_reaches_no_other_process(folder, seconds):
    """As a terminal sends it: to the whole process group, whichever of its processes has just begun."""
    for number in range(60, 1000):
        (folder / f"MA-{number}.xml").symlink_to(folder / "MA-00.xml")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, str(folder)], stdout=follower, stderr=follower, stdin=follower, start_new_session=True
    )
    os.close(follower)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    shown = b""
    try:
        while piece := os.read(leader, 65536):
            shown += piece
    except OSError:  # the last process has closed its end
        pass
    os.close(leader)
    assert process.wait() in {0, 130}  # it may have been done already
    assert b"Traceback" not in shown


def test_endless_input_ends(monkeypatch, capsys):
    from mim2ecma import cli
    from mim2ecma.documents import limits

    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 10_000_000)
    assert cli.main(["inspect", "/dev/zero"]) == 2
    assert "error R1 first bytes: binary data" in capsys.readouterr().out
