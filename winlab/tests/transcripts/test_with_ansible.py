"""The real ansible-playbook, recorded on one winlab, replayed by another, held against the twins."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from winlab.transcripts import format as files
from winlab.transcripts import plugin, replay

from winlab import cli

from .conftest import Controller, Target
from .test_redaction import CANARY, assert_clean

pytestmark = pytest.mark.lab

psrp = pytest.param(
    "http_psrp",
    marks=pytest.mark.skipif(
        find_spec("winlab.server.psrp") is None, reason="winlab does not serve psrp yet"
    ),
)
TASKS: list[dict[str, Any]] = [
    {"name": "facts", "setup": None},
    {"name": "ping", "ansible.windows.win_ping": {"data": "{{ item }}"}, "loop": ["pong", "\u00fc\u2019"]},
    {"name": "stat", "ansible.windows.win_stat": {"path": "C:\\Windows"}},
    {
        "name": "user",
        "ansible.windows.win_user": {"name": "somebody", "password": CANARY, "description": CANARY, "groups": ["Users"]},
    },
    {"name": "copy", "ansible.windows.win_copy": {"src": "canary.txt", "dest": "C:\\some.txt"}},
    {"name": "again", "ansible.windows.win_stat": {"path": "C:\\some.txt"}},
    {"name": "fetch", "fetch": {"src": "C:\\some.txt", "dest": "got/"}},
    {
        "name": "system",
        "ansible.windows.win_whoami": None,
        "become": True,
        "vars": {"ansible_become_method": "runas", "ansible_become_user": "SYSTEM"},
    },
    {"name": "reboot", "ansible.windows.win_reboot": {"reboot_timeout": 30}},
    {"name": "silent", "ansible.windows.win_stat": {"path": f"C:\\{CANARY}"}, "no_log": True},
    {"name": "refused", "ansible.windows.win_stat": {CANARY: CANARY}, "ignore_errors": True},
]  # fmt: skip


def record(controller: Controller, transport: str) -> dict[str, Any]:
    (controller.folder / "canary.txt").write_text(f"{CANARY} in a file")
    code, results, text = controller.play(transport, TASKS)
    assert code == 0, text
    return results


@pytest.mark.parametrize("transport", ["https_basic", "http_ntlm", psrp])
def test_a_recorded_play_is_clean_replays_the_same_and_agrees_with_the_twins(
    transport: str, controller: Controller, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = record(controller, transport)
    path = controller.transcript()
    assert_clean(controller.transcripts)
    transcript = files.read(path)
    assert transcript.build == "10.0.14393.0"
    assert transcript.header["connection"] == ("psrp" if "psrp" in transport else "winrm")
    kinds = {call.call["kind"] for call in transcript.calls}
    assert {"module", "helper", "put", "fetch", "script"} <= kinds

    with replay.serve(transcript) as served:
        variables = yaml.safe_load(served.inventory.read_text())["all"]["hosts"][replay.HOST_NAME]
        target = Target(served.address, dict(served.ports), served.ca, variables["ansible_password"])
        second = Controller(tmp_path / "another and longer folder", target)
        (second.folder / "canary.txt").write_text(f"{CANARY} in a file")
        code, replayed, text = second.play("http_ntlm" if "psrp" in transport else transport, TASKS)
        assert code == 0, text
        for name, result in results.items():
            for key in ("changed", "failed"):
                assert replayed[name].get(key) == result.get(key), name
        assert [item["ping"] for item in replayed["ping"]["results"]] == ["pong", "\u00fc\u2019"]
        assert replayed["facts"]["ansible_facts"]["ansible_distribution_version"] == "10.0.14393.0"
        (fetched,) = (second.folder / "got").rglob("some.txt")
        assert fetched.read_text() == f"{CANARY} in a file"
        if "psrp" not in transport:
            assert [call.title for call in served.player.tape.unplayed] == []

    assert cli.main(["compare", str(path)]) == 0, capsys.readouterr().out
    assert " 0 different" in capsys.readouterr().out


def test_a_job_in_the_background_is_recorded_with_the_fields_of_its_module_and_replays(
    controller: Controller, tmp_path: Path
) -> None:
    tasks: list[dict[str, Any]] = [
        {"name": "job", "ansible.windows.win_ping": {"data": "pong"}, "async": 30, "poll": 1}
    ]
    code, _, text = controller.play("http_ntlm", tasks)
    assert code == 0, text
    with replay.serve(files.read(controller.transcript())) as served:
        variables = yaml.safe_load(served.inventory.read_text())["all"]["hosts"][replay.HOST_NAME]
        target = Target(served.address, dict(served.ports), served.ca, variables["ansible_password"])
        code, results, text = Controller(tmp_path / "second", target).play("http_ntlm", tasks)
    assert code == 0, text
    assert results["job"]["ping"] == "pong"


def test_all_tasks_of_a_play_write_one_transcript_for_each_host(controller: Controller) -> None:
    tasks = [{"name": f"ping {index}", "ansible.windows.win_ping": None} for index in range(3)]
    code, _, text = controller.play("http_ntlm", tasks)
    assert code == 0, text
    assert len(files.read(controller.transcript()).calls) == 3


def test_a_folder_that_cannot_be_written_stops_the_play_before_it_touches_the_host(
    controller: Controller,
) -> None:
    (controller.folder / "file").write_text("")
    code, results, text = controller.play(
        "http_ntlm", [{"name": "ping", "ansible.windows.win_ping": None}], ansible_transcript_dir="file"
    )
    assert code != 0
    assert "Choose another folder with the variable ansible_transcript_dir" in text, results


def test_variables_of_the_real_plugin_reach_it(controller: Controller) -> None:
    code, _, text = controller.play(
        "http_ntlm",
        [{"name": "ping", "ansible.windows.win_ping": None}],
        ansible_winrm_operation_timeout_sec=500,
        ansible_winrm_read_timeout_sec=1,
    )
    assert code != 0
    assert "read_timeout_sec must exceed operation_timeout_sec" in text


def test_calls_that_were_not_recorded_fail_and_say_what_is_nearest(
    controller: Controller, tmp_path: Path
) -> None:
    code, _, text = controller.play(
        "http_ntlm", [{"name": "s", "ansible.windows.win_stat": {"path": "C:\\Windows"}}]
    )
    assert code == 0, text
    with replay.serve(files.read(controller.transcript())) as served:
        variables = yaml.safe_load(served.inventory.read_text())["all"]["hosts"][replay.HOST_NAME]
        target = Target(served.address, dict(served.ports), served.ca, variables["ansible_password"])
        second = Controller(tmp_path / "second", target)
        tasks: list[dict[str, Any]] = [
            {"name": "other path", "ansible.windows.win_stat": {"path": f"C:\\{CANARY}"}},
            {"name": "other module", "ansible.windows.win_ping": None},
            {"name": "raw", "raw": f"echo {CANARY}"},
            {"name": "check", "ansible.windows.win_stat": {"path": "C:\\Windows"}, "check_mode": True},
        ]
        code, results, text = second.play("https_basic", [{**task, "ignore_errors": True} for task in tasks])
    assert code == 0, text
    assert "recorded 1 times, never with these arguments (path) and flags" in results["other path"]["msg"]
    assert "ansible.windows.win_ping: no call of that name was recorded" in results["other module"]["msg"]
    assert "script text: no call of that name was recorded" in results["raw"]["stderr"]
    assert "never with these arguments" in results["check"]["msg"]
    assert CANARY not in results["other path"]["msg"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_replay_serves_until_it_is_ended_and_names_what_nobody_asked_for(
    controller: Controller, tmp_path: Path, number: signal.Signals
) -> None:
    code, _, text = controller.play("http_ntlm", [{"name": "ping", "ansible.windows.win_ping": None}])
    assert code == 0, text
    inventory = tmp_path / "replay.yml"
    command = [
        sys.executable,
        "-m",
        "winlab.cli",
        "replay",
        str(controller.transcript()),
        "--inventory",
        str(inventory),
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    assert lines[0].startswith("http://127.")
    assert lines[1].startswith("https://127.")
    assert inventory.stat().st_mode & 0o077 == 0
    process.send_signal(number)
    rest = process.communicate(timeout=30)[0]
    assert process.returncode == 0
    assert rest == "not asked for: call 1: module ansible.windows.win_ping\n"
    assert not list(tmp_path.glob("winlab-replay-*"))


def test_the_printed_folder_holds_the_plugins(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plugins"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert folder == plugin.folder()
    assert {"recorded_winrm.py", "recorded_psrp.py"} <= {path.name for path in folder.iterdir()}


Change = Callable[[dict[str, Any]], None]


def _result(record: dict[str, Any]) -> Any:
    return record["answer"]["stdout"]["json"]


def _missing(record: dict[str, Any]) -> None:
    _result(record)["stat"]["sharename"] = {"$redacted": "str", "length": 3, "n": 900}
    _result(record)["stat"]["isencrypted"] = False


def _type(record: dict[str, Any]) -> None:
    _result(record)["stat"]["nlink"] = {"$redacted": "str", "length": 1, "n": 900}


def _value(record: dict[str, Any]) -> None:
    _result(record)["stat"]["isdir"] = False


def _additional(record: dict[str, Any]) -> None:
    del _result(record)["stat"]["owner"]


def _code(record: dict[str, Any]) -> None:
    record["answer"]["rc"] = 5


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (_missing, "  stat.isencrypted: missing key: recorded boolean, twin nothing"),
        (_type, "  stat.nlink: other type: recorded text, twin number"),
        (_value, "  stat.isdir: other value: recorded False, twin True"),
        (_additional, "  stat.owner: additional key: recorded nothing, twin text"),
        (_code, "  rc: other value: recorded 5, twin 0"),
    ],
)
def test_compare_names_each_difference_and_exits_with_1(
    change: Change, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], stat_transcript: Path
) -> None:
    lines = [json.loads(text) for text in stat_transcript.read_text().splitlines()]
    change(lines[1])
    path = tmp_path / "changed.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in lines))
    assert cli.main(["compare", str(path), "--template", "windows-server-2016"]) == 1
    assert line in capsys.readouterr().out.splitlines()


def test_compare_of_an_untouched_transcript_finds_nothing(
    stat_transcript: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", str(stat_transcript), "--template", "windows-server-2016"]) == 0
    assert capsys.readouterr().out == "1 same, 0 different, 0 undecided, 0 not compared\n"


def test_compare_without_a_known_build_asks_for_a_template(
    stat_transcript: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", str(stat_transcript)]) == 1
    assert "build: unknown, no facts were recorded; expected one of 14393." in capsys.readouterr().err


def test_a_redacted_argument_leaves_a_call_undecided_until_its_value_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], record_stat: Callable[[str], Path]
) -> None:
    path = record_stat("C:\\Windows\\System32\\net.exe")
    arguments = ["compare", str(path), "--template", "windows-server-2016"]
    assert cli.main(arguments) == 1
    out = capsys.readouterr().out
    assert "undecided (arguments are redacted; name them with --values)" in out
    number = files.read(path).calls[0].call["arguments"]["path"]["n"]
    values = tmp_path / "values.json"
    values.write_text(json.dumps({number: "C:\\Windows\\System32\\net.exe"}))
    assert cli.main([*arguments, "--values", str(values)]) == 0, capsys.readouterr().out


def test_a_missing_key_counts_with_redacted_arguments_too_when_all_kept_values_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], record_stat: Callable[[str], Path]
) -> None:
    lines = [json.loads(text) for text in record_stat("C:\\never\\there").read_text().splitlines()]
    path = tmp_path / "changed.jsonl"
    for key, code in (("exists", 0), ("checksum", 1)):
        _result(lines[1])["stat"].setdefault(key, {"$redacted": "str", "length": 40, "n": 900})
        path.write_text("".join(json.dumps(item) + "\n" for item in lines))
        assert cli.main(["compare", str(path), "--template", "windows-server-2016"]) == code
    assert "  stat.checksum: missing key: recorded text, twin nothing" in capsys.readouterr().out


def test_compare_builds_the_host_of_a_definition(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stat_transcript: Path
) -> None:
    definition = tmp_path / "lab.yml"
    administrator = {"name": "Administrator", "password": "p"}
    host = {"template": "windows-server-2016", "administrator": administrator}
    definition.write_text(yaml.safe_dump({"secrets": ["p"], "hosts": {"a": host, "b": host}}))
    command = ["compare", str(stat_transcript), "--definition", str(definition)]
    assert cli.main(command) == 1
    assert "expected one of a, b. Name it with --host." in capsys.readouterr().err
    assert cli.main([*command, "--host", "b", "--json"]) == 0
    (outcome,) = json.loads(capsys.readouterr().out)
    assert outcome["verdict"] == "same"


def test_another_version_of_a_module_is_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stat_transcript: Path
) -> None:
    lines = [json.loads(text) for text in stat_transcript.read_text().splitlines()]
    lines[1]["call"]["sha256"] = "0" * 64
    path = tmp_path / "changed.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in lines))
    assert cli.main(["compare", str(path), "--template", "windows-server-2016"]) == 1
    assert "not compared (recorded with another version: SHA-256 0000" in capsys.readouterr().out


@pytest.fixture
def record_stat(tmp_path: Path) -> Callable[[str], Path]:
    """Record win_stat on a host of the usual template, without a wire."""
    from winlab.transcripts import compare
    from winlab.transcripts.recorder import Recorder

    from .builders import stdin_of
    from .conftest import template_host

    def make(path: str) -> Path:
        host = template_host(tmp_path / "recorded")
        session = host.accounts.authenticated("Administrator", "network")
        recorder = Recorder(tmp_path / "t", "host", "winrm")
        stdin = stdin_of("ansible.windows.win_stat", {"path": path})
        recorder.exec_command("x", stdin, lambda: compare.run(host, session, stdin))
        return recorder.path

    return make


@pytest.fixture
def stat_transcript(record_stat: Callable[[str], Path]) -> Path:
    return record_stat("C:\\Windows")


@pytest.fixture
def record_calls(tmp_path: Path) -> Callable[..., Path]:
    """Record modules on a served-like host of the usual template, without a wire."""
    from winlab.lab import StateFolder
    from winlab.transcripts import compare
    from winlab.transcripts.recorder import Recorder

    from winlab import pki

    from .builders import stdin_of
    from .conftest import template_host

    def make(*calls: tuple[str, dict[str, Any]]) -> Path:
        folder = StateFolder(tmp_path / "lab")
        host = template_host(folder.hosts / "recorded")
        pki.ensure_ca(folder.ca)
        pki.issue(folder.ca, host.name, "127.0.0.1", folder.certificate(host.name))
        session = host.accounts.authenticated("Administrator", "network")
        recorder = Recorder(tmp_path / "t", "host", "winrm")
        for module, arguments in calls:
            stdin = stdin_of(module, arguments)
            recorder.exec_command("x", stdin, lambda stdin=stdin: compare.run(host, session, stdin))
        return recorder.path

    return make


def test_a_play_of_winlab_differs_nowhere_from_its_twins(
    record_calls: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, user = {"path": "C:\\secretproject"}, {"name": "someuser", "password": "Topsecret-123x"}
    path = record_calls(
        ("ansible.windows.setup", {}),
        ("ansible.windows.win_file", {"path": "C:\\secretproject\\x", "state": "directory"}),
        ("ansible.windows.win_user", {**user, "groups": ["Users"]}),
        # Fails for its password there, and for another reason with a password that is made up.
        ("ansible.windows.win_user", {"name": "other", "password": "short", "groups": ["Nowhere"]}),
        # The result repeats its arguments: those that are made up are no more real for that.
        ("ansible.windows.win_find", {"paths": [folder["path"]]}),
        ("ansible.windows.win_acl", {**folder, "user": "someuser", "rights": "Read", "type": "allow"}),
        ("ansible.windows.win_uri", {"url": "http://somewhere.example/x?token=y", "return_content": True}),
    )
    assert cli.main(["compare", str(path)]) == 0, capsys.readouterr().out
    out = capsys.readouterr().out
    assert " 0 different, " in out
    assert "call 6: module ansible.windows.win_acl: undecided" in out
