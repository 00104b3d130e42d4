"""The program ends without a traceback: outputs that are closed or full, readers that leave, Ctrl-C."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from export_builder import Attribute, export

from mim2ecma.documents.schemas import validate

PROGRAM = [sys.executable, "-m", "mim2ecma", "inspect"]
TWO_CORES = """
import os, sys
os.sched_getaffinity = lambda _: {0, 1}
from mim2ecma import cli
if __name__ == "__main__":
    sys.exit(cli.main())
"""


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


def test_endless_input_ends(tmp_path, monkeypatch, capsys):
    from mim2ecma import cli
    from mim2ecma.documents import limits

    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 10_000_000)
    with (tmp_path / "zeros.xml").open("wb") as stream:
        stream.truncate(1_000_000_000_000)
    assert cli.main(["inspect", str(tmp_path / "zeros.xml")]) == 2
    assert "error R1 first bytes: binary data" in capsys.readouterr().out


def kill_a_worker(process):
    """Kill the first of its worker processes; say whether there was one."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        with suppress(OSError):
            for child in children.read_text().split():
                if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                    os.kill(int(child), signal.SIGKILL)
                    return True
        time.sleep(0.01)
    return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_worker_that_is_killed_is_one_error(folder, more):
    for number in range(60, 1000):
        (folder / f"MA-{number}.xml").symlink_to(folder / "MA-00.xml")
    process = subprocess.Popen(
        [sys.executable, "-c", TWO_CORES, "inspect", str(folder), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert kill_a_worker(process)
    out, err = process.communicate()
    assert process.returncode == 2
    assert re.fullmatch(
        "mim2ecma inspect: worker process: ended from outside after [0-9]+ files? of 1000; "
        "expected every one to run to its end. "
        "Most often memory was short: free some, or name fewer files at once.\n",
        err,
    )
    assert "files: " not in out
    if more:
        documents = json.loads(out)
        for item in documents:
            validate("inspection", item)
        assert documents[-1]["findings"][0]["where"] == "worker process"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_a_command_that_is_killed(folder, number):
    for link in range(60, 1000):
        (folder / f"MA-{link}.xml").symlink_to(folder / "MA-00.xml")
    process = subprocess.Popen(
        [sys.executable, "-c", TWO_CORES, "inspect", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert process.stdout.readline()  # so the workers are at work
        process.send_signal(number)
        process.communicate(timeout=60)  # until the last process that could write has ended
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == -number


NO_THREAD = TWO_CORES.replace(
    'if __name__ == "__main__":',
    """
import threading
start = threading.Thread.start
def refuse(self):
    if type(self).__name__ == "_ExecutorManagerThread":
        raise RuntimeError("can't start new thread")
    start(self)
if __name__ == "__main__":
    threading.Thread.start = refuse""",
)


def test_a_thread_that_cannot_be_started_is_one_error_and_an_end(folder):
    done = subprocess.run(
        [sys.executable, "-c", NO_THREAD, "inspect", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("mim2ecma inspect: worker process: not started after 0 files of 60; ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("started", [0, 1])
def test_a_worker_that_cannot_be_started_is_one_error(folder, capsys, monkeypatch, started):
    from multiprocessing.context import SpawnProcess

    from mim2ecma import cli

    begun = []
    start = SpawnProcess.start

    def refuse(self):
        if len(begun) == started:
            raise OSError(11, "Resource temporarily unavailable")
        begun.append(self)
        start(self)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(SpawnProcess, "start", refuse)
    assert cli.main(["inspect", str(folder)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(
        "mim2ecma inspect: worker process: Resource temporarily unavailable after 0 files of 60; expected "
    )
