"""State on disk and the life of a lab when something goes wrong: full disks, kills, spoilt files, resets in between."""

from __future__ import annotations

import base64
import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from winlab.errors import WinlabError
from winlab.execution import CommandRequest, Streams
from winlab.execution.streams import Output, Stdin
from winlab.host.model import STATE_FILE, Host
from winlab.lab import StateFolder, load_definition, read_secrets
from winrm.protocol import Protocol

from winlab import control, daemon, execution
from winlab import lab as labs

from .conftest import Lab

pytestmark = pytest.mark.lab

NEXT_STEP = "Run `winlab reset`, or `winlab reset NAME` for a snapshot."
DONE = "-EncodedCommand " + base64.b64encode("exit 0".encode("utf-16-le")).decode()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host("win01", {}, tmp_path / "win01")
    made.files.write_bytes("C:\\first.txt", b"1")
    made.save()
    return made


def fill_disk(host: Host) -> None:
    """What is written next meets a device that is full (full(4))."""
    (host.state_dir / STATE_FILE).with_suffix(".new").symlink_to("/dev/full")


def reloaded(host: Host) -> Host:
    again = Host(host.name, {}, host.state_dir)
    assert again.load()
    return again


def test_a_full_disk_is_said_once_and_the_next_save_has_everything(host: Host) -> None:
    host.files.write_bytes("C:\\second.txt", b"2")
    fill_disk(host)
    with pytest.raises(WinlabError) as caught:
        host.save()
    assert str(caught.value) == (
        f"{host.state_dir / STATE_FILE}: state of win01: {os.strerror(errno.ENOSPC)}; expected it saved. "
        "Make room on the controller: what was done is kept in memory only."
    )
    assert "second.txt" not in (host.state_dir / STATE_FILE).read_text()
    assert host.save()
    assert reloaded(host).files.read_bytes("C:\\second.txt") == b"2"


def test_a_command_whose_change_cannot_be_saved_fails(host: Host) -> None:
    session = host.accounts.token(host.accounts.resolve("Administrator").sid, "network")
    fill_disk(host)
    stdin, output = Stdin(), Output()
    stdin.close()
    assert execution.run(host, session, CommandRequest("PowerShell", DONE), Streams(stdin, output)) == 1
    output.finish(1)
    taken = output.take(10_000, 1)
    assert taken is not None
    assert b"expected it saved. Make room on the controller" in b"".join(data for _, data in taken[0])


def test_a_process_that_is_killed_while_it_saves_leaves_the_state_before(host: Host) -> None:
    program = (
        "import os, sys; from pathlib import Path; from winlab.host.model import Host\n"
        "host = Host('win01', {}, Path(sys.argv[1])); host.load()\n"
        "host.files.write_bytes('C:\\\\first.txt', b'other'); host.files.write_bytes('C:\\\\half.txt', b'2')\n"
        "Path.replace = lambda *_: os._exit(9)\n"
        "host.save()\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(host.state_dir)], check=False)
    assert done.returncode == 9
    assert (host.state_dir / STATE_FILE).with_suffix(".new").exists()
    again = reloaded(host)
    assert again.files.read_bytes("C:\\first.txt") == b"1"
    assert not again.files.exists("C:\\half.txt")
    again.files.write_bytes("C:\\third.txt", b"3")
    assert again.save()


def _without(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda state: {name: value for name, value in state.items() if name != key}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: b"",
        lambda state: json.dumps(state).encode()[:-200],
        lambda state: b"\xff\xfe\0",
        lambda state: [],
        lambda state: {**state, "format": 99},
        _without("format"),
        _without("host"),
        lambda state: {**state, "host": {}},
        lambda state: {**state, "files": "none"},
        lambda state: {**state, "registry": ["none"]},
        lambda state: {**state, "accounts": {}},
        lambda state: {**state, "services": {"services": [{"nme": "x"}]}},
    ],
    ids=["empty", "cut", "binary", "list", "format", "no-format", "no-host", "host", "files", "registry", "accounts", "services"],
)  # fmt: skip
def test_a_spoilt_state_is_refused_in_one_sentence(
    host: Host, spoil: Callable[[dict[str, Any]], Any]
) -> None:
    assert host.registry.key_exists("HKLM\\SOFTWARE")
    host.touch()
    host.save()
    path = host.state_dir / STATE_FILE
    content = spoil(json.loads(path.read_text()))
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(WinlabError) as caught:
        Host("win01", {}, host.state_dir).load()
    text = str(caught.value)
    assert text.startswith(f"{path}: state of win01: ")
    assert text.endswith(NEXT_STEP)
    assert "\n" not in text


def test_up_refuses_a_spoilt_state_and_reset_helps(lab: Lab) -> None:
    lab.up()
    lab.run("down")
    (lab.state / "hosts/win02/state.json").write_text('{"format": 1}')
    code, out, err = lab.up()
    assert (code, out) == (1, "")
    assert err.startswith(f"{lab.state}/hosts/win02/state.json: state of win02: ")
    assert NEXT_STEP in err
    assert "Traceback" not in err
    assert lab.run("status")[0] == 3
    assert lab.run("reset")[0] == 0
    assert lab.up()[0] == 0


def test_what_a_dead_process_has_left_hinders_nobody(lab: Lab) -> None:
    lab.up()
    lab.run("down")
    endpoints = json.loads((lab.state / "endpoints.json").read_text())
    # The number belongs to somebody else by now.
    (lab.state / "endpoints.json").write_text(json.dumps({**endpoints, "pid": os.getpid()}))
    (lab.state / "control.sock").write_text("left over")
    (lab.state / "hosts/win01/state.new").write_text("half of a st")
    assert lab.run("status") == (3, "down\n", "")
    assert lab.run("down") == (0, "The lab was down already.\n", "")
    assert lab.up()[0] == 0
    assert lab.pid() != os.getpid()


def test_status_of_a_folder_that_is_not_there_is_down(lab: Lab) -> None:
    assert not lab.state.exists()
    assert lab.run("status")[0] == 3


def start(lab: Lab) -> subprocess.Popen[str]:
    arguments = ["--state", str(lab.state), "up", "--definition", str(lab.definition)]
    return subprocess.Popen(
        [sys.executable, "-m", "winlab.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_ups_at_once_make_one_lab(lab: Lab) -> None:
    both = [start(lab), start(lab)]
    outputs = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum("The lab was up already." in out for out, _ in outputs) == 1, outputs


def test_two_checkouts_that_start_at_once_take_two_networks(make_lab: Callable[[str], Lab]) -> None:
    one, two = make_lab("one"), make_lab("two")
    for process in (start(one), start(two)):
        assert process.communicate(timeout=120)[1] == ""
    networks = {json.loads((lab.state / "endpoints.json").read_text())["network"] for lab in (one, two)}
    assert len(networks) == 2


@pytest.fixture
def server(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[daemon.Server]:
    """A lab's server in this process."""
    monkeypatch.syspath_prepend(lab.definition.parents[1] / "modules")
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
    folder = StateFolder(lab.state)
    folder.make()
    made = daemon.Server(labs.Lab(load_definition(lab.definition), folder))
    made.start()
    yield made
    made.close()


def test_a_command_that_outlives_a_reset_changes_nothing(lab: Lab, server: daemon.Server) -> None:
    started, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(host: Host, session: Any, request: CommandRequest, streams: Streams) -> int:
        started.set()
        go_on.wait(20)
        host.files.write_bytes("C:\\late.txt", b"late")
        host.save()
        ended.set()
        return 0

    server._services["win01"].shells._runner = slow
    endpoint = server._endpoint("win01")
    client = Protocol(
        f"https://{endpoint['address']}:{endpoint['https_port']}/wsman",
        transport="basic",
        username="Administrator",
        password=read_secrets(StateFolder(lab.state))["administrator_password"],
        ca_trust_path=str(lab.state / "ca/ca.pem"),
    )
    client.run_command(client.open_shell(), "PowerShell")
    assert started.wait(20)
    server._op_reset({})
    go_on.set()
    assert ended.wait(20)
    saved = (lab.state / "hosts/win01/state.json").read_text()
    assert "fresh.txt" in saved
    assert "late.txt" not in saved
    assert not server._hosts["win01"].files.exists("C:\\late.txt")


def test_a_lab_without_a_parent_ends_after_four_idle_hours(
    server: daemon.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert daemon.IDLE_SECONDS == 4 * 3600
    monkeypatch.setattr(daemon, "_POLL_SECONDS", 0.01)
    ends = threading.Thread(target=server.wait, daemon=True)
    ends.start()
    for service in server._services.values():
        service.last_request = time.monotonic() - 4 * 3600 + 600
    ends.join(0.3)
    assert ends.is_alive()
    for service in server._services.values():
        service.last_request = time.monotonic() - 4 * 3600 - 1
    ends.join(20)
    assert not ends.is_alive()


@pytest.mark.parametrize("parent", ["999999999", "0", "-1"])
def test_hosts_do_not_start_for_a_parent_that_does_not_run(lab: Lab, parent: str) -> None:
    assert lab.up("--parent", parent) == (
        1,
        "",
        f"{lab.state}: lab: --parent {parent}: no such process; expected one that runs, since the hosts end with "
        "it. Correct the number, or leave the option out.\n",
    )
    assert lab.run("status")[0] == 3


def test_a_process_that_does_not_answer_is_neither_down_nor_passed_over(lab: Lab) -> None:
    assert lab.up()[0] == 0
    pid = lab.pid()
    (lab.state / control.SOCKET_NAME).rename(lab.state / "aside")
    before = (lab.state / "hosts" / "win01" / STATE_FILE).read_bytes()
    text = (
        f"{lab.state}: lab: a process has it and does not answer; expected an answer, or nobody. Wait if it is "
        f"starting, else end it: `kill {pid}`.\n"
    )
    for command in (["down"], ["reset"], ["reset", "a"], ["snapshot", "a"]):
        assert lab.run(*command) == (1, "", text)
    assert (lab.state / "hosts" / "win01" / STATE_FILE).read_bytes() == before
    (lab.state / "aside").rename(lab.state / control.SOCKET_NAME)
    assert lab.run("down")[0] == 0


@pytest.mark.parametrize("is_up", [True, False])
def test_a_reset_that_cannot_delete_says_so_and_the_hosts_answer(lab: Lab, is_up: bool) -> None:
    assert lab.up()[0] == 0
    if not is_up:
        assert lab.run("down")[0] == 0
    # A link in the folder's place is what even root cannot delete as a folder.
    folder = lab.state / "hosts" / "win01" if is_up else lab.state / "hosts"
    folder.rename(lab.state / "aside")
    folder.symlink_to(lab.state / "aside")
    code, _, error = lab.run("reset")
    assert (code, error) == (
        1,
        f"{folder}: state: Cannot call rmtree on a symbolic link; expected to delete it. Delete it yourself.\n",
    )
    assert lab.run("show", "win01")[0] == 0
    assert lab.run("status")[0] == (0 if is_up else 3)


@pytest.mark.parametrize("content", ["{", "[1]", '"x"'])
def test_a_spoilt_state_is_told_from_one_that_is_not_there(lab: Lab, content: str) -> None:
    assert lab.run("show", "win01")[2] == (
        f"win01: host: no state in {lab.state}/hosts; expected a host that was up once. Run `winlab up`.\n"
    )
    folder = lab.state / "hosts" / "win01"
    folder.mkdir(parents=True)
    (folder / STATE_FILE).write_text(content)
    assert lab.run("show", "win01", "--json") == (
        1,
        "",
        f"{folder / STATE_FILE}: state of win01: no JSON object; expected what `winlab up` has written. "
        f"{NEXT_STEP}\n",
    )
    assert lab.run("show", "nobody")[2] == (
        f"nobody: host: no state in {lab.state}/hosts; expected one of win01. Check the name.\n"
    )


@pytest.mark.parametrize("content", ["{", "[]", '{"hosts": 1}', '{"hosts": {"win01": {}}}'])
def test_an_inventory_needs_endpoints_that_can_be_read(lab: Lab, content: str, tmp_path: Path) -> None:
    lab.state.mkdir()
    (lab.state / "endpoints.json").write_text(content)
    assert lab.run("inventory", "--output", str(tmp_path / "hosts.yml")) == (
        1,
        "",
        f"{lab.state}: inventory: no endpoints; expected a lab. Run `winlab up`.\n",
    )


def test_a_certificate_authority_that_is_none_is_named(lab: Lab) -> None:
    folder = lab.state / "ca"
    folder.mkdir(parents=True)
    for name in ("ca.pem", "ca.key"):
        (folder / name).write_text("x")
    code, _, error = lab.up()
    assert code == 1
    assert error == (
        f"{folder}: certificate authority: ValueError; expected a certificate and its key as `winlab up` has "
        "written them. Delete that folder and run `winlab up` again.\n"
    )


def test_wrong_arguments_are_named(lab: Lab, tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text("{}")
    operator = ("operator", "win01", "run-wizard", "--answers", str(answers), "--secret", "foo")
    assert lab.run(*operator)[2] == (
        "win01: --secret foo; expected PAGE/FIELD=NAME. See `winlab operator --help`.\n"
    )
    assert lab.run("compare", str(answers), "--host", "win01")[2] == (
        "--host win01: no lab; expected --definition with it. Name the lab, or leave it out.\n"
    )
    assert lab.run("pins", "--update", "win_ping")[2] == (
        "win_ping: pins: no full name of a module; expected NAMESPACE.COLLECTION.MODULE. `winlab modules` lists "
        "those that have a twin.\n"
    )
    assert lab.up()[0] == 0
    assert lab.run("inventory", "--output", str(tmp_path))[2] == (
        f"{tmp_path}: inventory: a folder; expected the name of a file. Name one in it.\n"
    )
    assert lab.run("inventory", "--output", ".")[2].startswith(".: inventory: a folder;")
