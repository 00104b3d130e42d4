"""What stays in a transcript and what does not."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from winlab.errors import WinlabError
from winlab.transcripts import format as files
from winlab.transcripts import rules
from winlab.transcripts.recorder import Recorder
from winlab.transcripts.redaction import MemoryNumbers, Redactor
from winlab.transcripts.rules import Rule, allowed

from .builders import printed, stdin_of, with_become

CANARY = "cAnAry-7.tweet"
NUMBER_CANARY = 918_273_645
ALL = sorted(allowed().modules())


def traces() -> list[bytes]:
    """Everything that would give the canaries away."""
    found = [str(NUMBER_CANARY).encode()]
    for text in (CANARY, CANARY.lower(), CANARY[::-1]):
        data = text.encode()
        found += [data, text.encode("utf-16-le"), data.hex().encode()]
        # Base64 at each of the three positions in a group, without the characters that neighbours change.
        found += [base64.b64encode(b"x" * shift + data)[4:-4] for shift in range(3)]
        found += [
            hashlib.new(name, data, usedforsecurity=False).hexdigest().encode()
            for name in ("md5", "sha1", "sha256")
        ]
    return found


def assert_clean(folder: Path) -> None:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    assert paths
    for path in paths:
        data = path.read_bytes() + str(path.relative_to(folder)).encode()
        for trace in traces():
            assert trace not in data, path


def with_canaries(rule: Rule, leaf: Any) -> Any:
    """A value with a canary in each field of a rule."""
    if not rule.fields:
        return leaf
    return {
        **{name: with_canaries(item, leaf) for name, item in rule.fields.items()},
        f"{CANARY} as a key": leaf,
    }


def shapes(rule: Rule) -> Iterator[dict[str, Any]]:
    yield {name: with_canaries(item, CANARY) for name, item in rule.fields.items()} | {
        f"{CANARY} as a key": CANARY
    }
    yield {name: [with_canaries(item, CANARY)] for name, item in rule.fields.items()}
    yield {name: {CANARY: CANARY, "x": [CANARY, {"y": CANARY}]} for name in rule.fields}
    yield dict.fromkeys(rule.fields, f"before {CANARY} after\r\nC:\\{CANARY}\\x")
    yield dict.fromkeys(rule.fields, NUMBER_CANARY)


@pytest.mark.parametrize("module", ALL)
def test_no_canary_in_any_argument_or_result_of_any_module_reaches_the_disk(
    module: str, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path, "host", "winrm")
    results = list(shapes(allowed().results(module)))
    for index, arguments in enumerate(shapes(allowed().arguments(module))):
        stdin = with_become(
            stdin_of(module, arguments, {CANARY: CANARY, "PATH": CANARY}), CANARY, f"{CANARY} password"
        )
        answer = printed({**results[index], CANARY: CANARY, "invocation": {"module_args": arguments}})
        noise = f"{CANARY} noise\r\n".encode()
        recorder.exec_command(
            "PowerShell -EncodedCommand x", stdin, lambda a=answer, n=noise: (1, n + a + n, n)
        )  # type: ignore[misc]
    assert_clean(tmp_path)
    assert len(files.read(recorder.path).calls) == len(results)


@pytest.mark.parametrize("module", ["ansible.windows.win_updates", "community.windows.win_toast"])
def test_a_module_that_is_not_listed_keeps_nothing_but_its_name_and_common_fields(
    module: str, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path, "host", "winrm")
    stdin = stdin_of(module, {"password": CANARY, "msg": CANARY, CANARY: [CANARY]})
    recorder.exec_command(
        "x", stdin, lambda: (0, printed({"changed": True, "found": CANARY, "count": 3}), b"")
    )
    assert_clean(tmp_path)
    (call,) = files.read(recorder.path).calls
    assert call.call["name"] == module
    assert call.result is not None
    assert call.result.pop("changed") is True
    assert all(
        key.startswith("$key:")
        for key in [*call.call["arguments"], *[k for k in call.result if k != "changed"]]
    )


@pytest.mark.parametrize(
    "command",
    [CANARY, f"net user x {CANARY}", f"Remove-Item '{CANARY}' -Force -Recurse;", f"type '{CANARY}' | x"],
)
def test_raw_commands_and_their_output_leave_no_canary(command: str, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, CANARY.replace("cAnAry", "host").replace("tweet", "x"), "winrm")
    encoded = base64.b64encode(command.encode("utf-16-le")).decode()
    for line in (command, f"PowerShell -NoProfile -EncodedCommand {encoded}"):
        recorder.exec_command(line, None, lambda: (1, CANARY.encode(), f"error {CANARY}".encode()))
        recorder.exec_command(line, f"no manifest {CANARY}".encode(), lambda: (1, b"", b""))
    assert_clean(tmp_path)


def test_transferred_files_leave_no_canary(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text(CANARY)
    recorder = Recorder(tmp_path / "t", "host", "winrm")
    recorder.put_file(source, f"C:\\{CANARY}", lambda: None)
    recorder.fetch_file(f"C:\\{CANARY}", source, lambda: None)
    assert_clean(tmp_path / "t")


def test_an_exception_is_kept_by_its_class_and_raised(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "host", "winrm")

    def fail() -> Any:
        raise ValueError(CANARY)

    with pytest.raises(ValueError, match=CANARY):
        recorder.exec_command("x", None, fail)
    assert_clean(tmp_path)
    assert files.read(recorder.path).calls[0].answer == {"error": "ValueError"}


def test_no_other_file_is_opened_for_writing_while_recording(tmp_path: Path) -> None:
    opened: list[str] = []
    watching = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if (
            watching and event == "open" and isinstance(arguments[2], int) and arguments[2] & 3
        ):  # O_WRONLY or O_RDWR
            opened.append(str(arguments[0]))

    stdin = stdin_of("ansible.windows.win_user", {"name": CANARY, "password": CANARY})
    recorder = Recorder(tmp_path, "host", "winrm")
    sys.addaudithook(hook)
    try:
        recorder.exec_command("x", stdin, lambda: (0, printed({"changed": True}), b""))
    finally:
        watching = False
    assert set(opened) == {str(recorder.path), str(recorder.path.with_suffix(".numbers"))}


def test_transcripts_are_for_their_owner_alone(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "t", "host", "winrm")
    recorder.exec_command("x", None, lambda: (0, b"out", b""))
    for path in (tmp_path / "t").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


CASES: list[tuple[str, Any, Any]] = [
    ("switch", True, True),
    ("switch", "yes", "yes"),
    ("switch", "maybe", {"$redacted": "str", "length": 5, "n": 1}),
    ("choice", "Present", "Present"),
    ("choice", "absent!", {"$redacted": "str", "length": 7, "n": 1}),
    ("count", 30, 30),
    ("count", 918_273_645, {"$redacted": "int", "n": 1}),
    ("count", True, {"$redacted": "bool"}),
    ("version", "10.0.14393.0", "10.0.14393.0"),
    ("version", "10.0 (secret)", {"$redacted": "str", "length": 13, "n": 1}),
    ("well_known", "c:\\windows", "c:\\windows"),
    ("well_known", "C:\\Data", {"$redacted": "str", "form": "path", "length": 7, "n": 1}),
    ("source", "The path is not a folder", "The path is not a folder"),
    ("source", "short", {"$redacted": "str", "length": 5, "n": 1}),
    ("source", "The path is C:\\Data of somebody", {"$redacted": "str", "length": 31, "n": 1}),
    ("secret", "word", {"$redacted": "str", "secret": True, "n": 1}),
    ("secret", ["word"], [{"$redacted": "str", "secret": True, "n": 1}]),
    ("controller", "/home/x", {"$redacted": "str", "n": 1}),
    ("name", None, None),
    ("name", "", ""),
    ("name", 3, {"$redacted": "int", "n": 1}),
    ("name", "S-1-5-21-1-2-3-500", {"$redacted": "str", "form": "sid", "length": 18, "n": 1}),
    ("name", {"a": 1}, {"$key:1": {"$redacted": "int", "n": 2}}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "expected"), CASES)
def test_each_kind_lets_its_own_values_stay(kind: str, value: Any, expected: Any) -> None:
    redactor = Redactor(MemoryNumbers(b"key"))
    rule = Rule(kind, frozenset({"present"}))
    assert redactor.value(value, rule, 'Fail "The path is not a folder"; short') == expected


def test_equal_values_have_equal_numbers_and_others_do_not() -> None:
    redactor = Redactor(MemoryNumbers(b"key"))
    shown = redactor.value(["a", "b", "a", 1, "1"], None)
    assert [item["n"] for item in shown] == [1, 2, 1, 3, 4]


def test_the_length_of_a_secret_is_not_told_by_the_answer_either(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "host", "winrm")
    stdin = stdin_of("ansible.windows.win_user", {"name": "x", "password": CANARY})
    recorder.exec_command("x", stdin, lambda: (0, printed({"description": CANARY}), b""))
    (call,) = files.read(recorder.path).calls
    assert call.result is not None
    assert call.result["description"] == call.call["arguments"]["password"]
    assert "length" not in call.result["description"]


def test_no_log_tasks_keep_only_that_they_ran(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "host", "winrm")
    stdin = stdin_of("ansible.windows.win_service", {"name": "Spooler", "state": "started"})
    hidden = stdin.replace(b'\\"_ansible_no_log\\": false', b'\\"_ansible_no_log\\": true').replace(
        b'"_ansible_no_log": false', b'"_ansible_no_log": true'
    )
    recorder.exec_command("x", hidden, lambda: (0, printed({"changed": True, "state": "started"}), b""))
    text = recorder.path.read_text()
    assert '"no_log":true' in text
    assert "started" not in text
    assert "Spooler" not in text


def test_workers_share_numbers_through_the_file(tmp_path: Path) -> None:
    key = b"k" * 32
    for _ in range(2):
        worker = Recorder(tmp_path, "host", "winrm", run="run", key=key)
        worker.exec_command("same text", None, lambda: (0, b"", b""))
    first, second = files.read(worker.path).calls
    assert first.call["arguments"] == second.call["arguments"]


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recorder = Recorder(tmp_path / "file", "host", "winrm")
    with pytest.raises(Exception, match="Choose another folder with the variable ansible_transcript_dir"):
        recorder.prepare()


def test_a_call_that_was_done_and_cannot_be_kept_is_a_warning(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "file").write_text("")
    recorder = Recorder(tmp_path / "file", "host", "winrm", warn=said.append)
    assert recorder.exec_command(CANARY, None, lambda: (3, b"", b"")) == (3, b"", b"")
    assert "a call of script text is missing" in said[0]
    assert CANARY not in said[0]


def test_every_entry_of_the_allow_list_has_a_kind_with_a_reason() -> None:
    document = rules.document()
    used = set()
    for module in document["modules"].values():
        for fields in module.values():
            used |= {entry if isinstance(entry, str) else next(iter(entry)) for entry in fields.values()}
    assert used <= set(document["kinds"])
    assert all(len(reason) > 10 for reason in document["kinds"].values())
    assert all(item["why"] for item in document["scripts"].values())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: 'an empty file'"),
        ('{"record":"transcript","format":"winlab.transcript/9"}\n', "line 1: 'winlab.transcript/9'"),
        ('{"record":"transcript","format":"winlab.transcript/1"}\n{"rec', "line 2: no JSON"),
        (
            '{"record":"transcript","format":"winlab.transcript/1"}\n{"record":"call"}\n',
            "line 2: a call without `call`",
        ),
        ('{"record":"transcript","format":"winlab.transcript/1"}\n{"record":"x"}\n', "line 2: record 'x'"),
    ],
)
def test_a_damaged_transcript_is_refused_with_its_line(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(content)
    with pytest.raises(Exception, match=message):
        files.read(path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"become": "x"}, "become that is no mapping; expected a mapping."),
        ({"environment": ["x"]}, "environment that is no mapping; expected a mapping."),
        *[
            (
                {"arguments": {"a": [placeholder]}},
                f"the placeholder {json.dumps(placeholder)}; expected a placeholder",
            )
            for placeholder in (
                {"$redacted": "str"},
                {"$redacted": "str", "n": "x"},
                {"$redacted": "int", "n": True},
                {"$redacted": "str", "length": -5, "n": 1},
                {"$redacted": 5, "n": 1},
            )
        ],
        ({"arguments": {"$key:x": 1}}, "the name $key:x; expected a placeholder"),
    ],
)
def test_what_no_recorder_has_written_is_refused_with_its_line(call, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    header = {"record": "transcript", "format": files.FORMAT}
    whole = {"record": "call", "call": {"kind": "module", "name": "x", **call}, "answer": {}}
    path.write_text(f"{json.dumps(header)}\n{json.dumps(whole)}\n")
    with pytest.raises(WinlabError) as caught:
        files.read(path)
    assert str(caught.value).startswith(f"{path}: line 2: {message}")


def test_lines_are_json_and_ascii() -> None:
    assert json.loads(files.line("call", text="\u00fc")) == {"record": "call", "text": "\u00fc"}
    assert files.line("call", text="\u00fc").isascii()
