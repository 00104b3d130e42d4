"""`mim2ecma inspect`: what may be named on the command line, and what is told of the rest."""

import json
import os
import re
import socket
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from export_builder import Attribute, export

from mim2ecma import cli
from mim2ecma.documents.schemas import validate

READY = export()


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.xml"
    path.write_text(READY)
    return str(path)


@pytest.fixture
def empty(tmp_path):
    path = tmp_path / "empty"
    path.mkdir()
    return str(path)


def run(capsys, *arguments):
    code = cli.main(["inspect", *arguments])
    output = capsys.readouterr()
    assert "Traceback" not in output.err
    return code, output.out, output.err


# A file that cannot be opened ------------------------------------------------------------------------------------


def test_a_missing_file_is_an_error_and_no_verdict(tmp_path, capsys):
    path = tmp_path / "none.xml"
    assert run(capsys, str(path)) == (
        2,
        "",
        f"{path}: file: No such file or directory; expected a readable file. "
        "Check the path and the permissions.\n",
    )


@pytest.mark.parametrize("method", ["stat", "open"])
def test_a_file_without_permission_is_an_error_and_no_verdict(good, capsys, monkeypatch, method):
    real = getattr(Path, method)

    def refuse(path, *arguments, **options):
        if str(path) == good:
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, method, refuse)
    code, out, err = run(capsys, good)
    assert (code, out) == (2, "")
    assert err.startswith(f"{good}: file: Permission denied; expected a readable file.")


def test_a_name_that_is_too_long_is_an_error_about_that_name(capsys):
    code, out, err = run(capsys, "x" * 5000)
    assert (code, out) == (2, "")
    assert ": file: File name too long; expected a readable file." in err


def test_a_file_that_is_there_keeps_its_verdict_and_finding(tmp_path, capsys):
    path = tmp_path / "page.xml"
    path.write_text("no XML")
    code, out, err = run(capsys, str(path))
    assert (code, err) == (2, "")
    assert out.startswith(f"{path}: not-ready\n")
    assert "error R1 " in out


def test_an_unreadable_file_among_others_is_called_so(tmp_path, good, capsys):
    (tmp_path / "page.xml").write_text("no XML")
    (tmp_path / "gone.xml").symlink_to(tmp_path / "nowhere")
    code, out, err = run(capsys, good, str(tmp_path / "page.xml"), str(tmp_path / "none.xml"))
    lines = out.splitlines()
    assert (code, err) == (2, "")
    assert [line.split()[0] for line in lines[:3]] == ["ready", "unreadable", "unreadable"]
    assert lines[1].endswith("errors=1 warnings=0  R1 text that does not begin with '<'")
    assert lines[2].endswith("errors=1 warnings=0  R1 No such file or directory")
    assert lines[3] == "3 files: 1 ready, 2 unreadable"
    code, out, err = run(capsys, good, str(tmp_path / "none.xml"), "--json")
    assert (code, err) == (2, "")
    documents = json.loads(out)
    assert [item["verdict"] for item in documents] == ["ready", "not-ready"]
    for item in documents:
        validate("inspection", item)


# What is no file -------------------------------------------------------------------------------------------------


def a_socket(path):
    folder = os.open(path.parent, os.O_RDONLY)  # the whole path may be longer than a socket's may be
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)
    return listener


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path, good, capsys):
    path = tmp_path / "pipe.xml"
    os.mkfifo(path)
    assert run(capsys, str(path)) == (
        2,
        "",
        f"{path}: file: a pipe (FIFO); expected a regular file. Save the export as a file and name that.\n",
    )
    code, out, _ = run(capsys, str(path), good)
    assert code == 2
    assert "R1 a pipe (FIFO)" in out.splitlines()[0]
    code, out, _ = run(capsys, str(path), "--json")
    document = json.loads(out)
    validate("inspection", document)
    assert (code, document["source"]["path"], document["findings"][0]["found"]) == (
        2,
        str(path),
        "a pipe (FIFO)",
    )


def test_a_device_and_a_socket_are_refused(tmp_path, capsys):
    assert "/dev/zero: file: a device; expected a regular file." in run(capsys, "/dev/zero")[2]
    with a_socket(tmp_path / "s.xml"):
        assert "s.xml: file: a socket; expected a regular file." in run(capsys, str(tmp_path / "s.xml"))[2]


@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_standard_input_is_refused(good, capsys, name):
    code, out, err = run(capsys, name)
    assert (code, out) == (2, "")
    assert err.startswith(
        f"mim2ecma inspect: argument '{name}': standard input or another open file; "
        "expected the path of a file or a folder. Save the export as a file and name that"
    )
    code, out, err = run(capsys, name, good)
    assert code == 2
    assert "1 file: 1 ready, and 1 argument refused\n" in out
    assert f"argument '{name}': standard input" in err


def test_an_empty_name_does_not_mean_the_current_folder(tmp_path, good, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "")
    assert (code, out) == (2, "")
    assert err == (
        "mim2ecma inspect: argument '': an empty name; expected the path of a file or a folder. "
        "Name one; the current folder is '.'.\n"
    )
    code, out, _ = run(capsys, "", good, "--json")
    documents = json.loads(out)
    assert (code, [item["verdict"] for item in documents]) == (2, ["not-ready", "ready"])


# Folders ---------------------------------------------------------------------------------------------------------


def test_a_bad_folder_leaves_the_rest_to_be_inspected(good, empty, capsys):
    code, out, err = run(capsys, empty, good, f"{empty}/no/such", empty)
    lines = out.splitlines()
    assert code == 2
    assert [line.split()[0] for line in lines[:2]] == ["ready", "unreadable"]
    assert lines[2] == "2 files: 1 ready, 1 unreadable, and 2 arguments refused"
    problem = (
        f"{empty}: folder: no XML files; expected 1 to 100000 files that end in .xml. "
        "Name the folder of a server export, or the files themselves.\n"
    )
    assert err == problem * 2


def test_a_bad_folder_has_its_place_in_the_list(good, empty, capsys):
    code, out, err = run(capsys, good, empty, good, "--json")
    documents = json.loads(out)
    assert code == 2
    assert [item["source"]["path"] for item in documents] == [good, empty, good]
    assert [item["verdict"] for item in documents] == ["ready", "not-ready", "ready"]
    for item in documents:
        validate("inspection", item)
    assert err.startswith(f"{empty}: folder: no XML files; ")


def test_a_bad_folder_alone_is_a_list_too(empty, capsys):
    code, out, _ = run(capsys, empty, "--json")
    assert code == 2
    assert [item["source"]["path"] for item in json.loads(out)] == [empty]
    assert run(capsys, empty)[:2] == (2, "")


def test_what_a_folder_holds_besides_is_counted(tmp_path, good, capsys):
    for name in ("one", "two.xml"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken.xml").symlink_to("nowhere")
    (tmp_path / "circle.xml").symlink_to("circle.xml")
    os.mkfifo(tmp_path / "pipe.xml")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "again.xml").symlink_to(good)
    left_out = (
        "2 subfolders, 2 broken links, 1 pipe, device or socket, 1 file that does not end in .xml left out"
    )
    with a_socket(tmp_path / "s.xml"):
        code, out, err = run(capsys, str(tmp_path))
    assert (code, err) == (0, "")
    left_out = left_out.replace("1 pipe, device or socket", "2 pipes, devices or sockets")
    assert f"2 files: 2 ready\n{tmp_path}: folder: {left_out}; expected files that end in .xml." in out
    (tmp_path / "s.xml").unlink()
    left_out = left_out.replace("2 pipes, devices or sockets", "1 pipe, device or socket")
    code, out, err = run(capsys, str(tmp_path), "--json")
    assert (code, len(json.loads(out))) == (0, 2)
    assert err == (
        f"{tmp_path}: folder: {left_out}; expected files that end in .xml. "
        "Name a subfolder or a file itself to have it inspected.\n"
    )


def test_a_folder_of_other_things_says_what_they_are(tmp_path, capsys):
    (tmp_path / "deeper").mkdir()
    code, _, err = run(capsys, str(tmp_path))
    assert code == 2
    assert f"{tmp_path}: folder: no XML files (1 subfolder left out); expected 1 to 100000 files" in err


# --accept --------------------------------------------------------------------------------------------------------


def test_a_rule_is_accepted_once(good, capsys):
    code, out, err = run(capsys, good, "--accept", "R11=x", "--accept", "R11=y")
    assert (code, out) == (2, "")
    assert err == (
        "mim2ecma inspect: --accept R11: given 2 times; expected one reason for a rule. "
        "Put everything that is to be said into one reason.\n"
    )


@pytest.mark.parametrize("reason", ["", "  ", "\u200b", "-"])
def test_a_reason_says_something(good, capsys, reason):
    code, out, err = run(capsys, good, "--accept", f"R11={reason}")
    assert (code, out) == (2, "")
    assert err.startswith(
        "mim2ecma inspect: --accept R11: no reason; expected a reason, which goes into the record."
    )


def test_a_reason_without_a_rule_is_refused(good, capsys):
    assert (
        "mim2ecma inspect: --accept: =why; expected RULE=REASON." in run(capsys, good, "--accept", "=why")[2]
    )


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_reason_that_nothing_needed_is_told(tmp_path, good, capsys, more):
    told = (
        "mim2ecma inspect: --accept R11: no error or warning R11 was found; expected a rule that was. "
        "Leave it out, or correct the rule.\n"
    )
    for paths in ([good], [good, good]):
        code, out, err = run(capsys, *paths, "--accept", "R11=empty", *more)
        assert (code, err) == (0, told)
        assert "R11" not in out
    needed = tmp_path / "needed.xml"
    needed.write_text(export(wrapper="saved-ma-configuration"))
    for paths in ([str(needed)], [str(needed), good]):
        assert run(capsys, *paths, "--accept", "R2=a test host took it", *more)[2] == ""


def test_information_needs_no_acceptance(good, capsys):
    _, out, err = run(capsys, good, "--accept", "R14=known")
    assert "information R14" in out
    assert "no error or warning R14 was found" in err


# Unexpected ends -------------------------------------------------------------------------------------------------


def raising(kind):
    def fail(*_, **__):
        raise kind("hunter22")

    return fail


@pytest.mark.parametrize("several", [False, True])
def test_a_file_that_memory_does_not_hold_is_unreadable(good, capsys, monkeypatch, several):
    from mim2ecma import readiness

    monkeypatch.setattr(readiness, "inspect", raising(MemoryError))
    code, out, err = run(capsys, *([good, good] if several else [good]))
    assert code == 2
    if several:
        assert "2 files: 2 unreadable" in out
    else:
        assert out == ""
        assert err == (
            f"{good}: file: more than the memory holds; expected a file that fits into the memory. "
            "Free memory, or use a machine that has more.\n"
        )


def test_a_mistake_of_ours_is_one_error_without_values(good, capsys, monkeypatch):
    from mim2ecma import readiness

    monkeypatch.setattr(readiness, "inspect", raising(ValueError))
    code, out, err = run(capsys, good)
    assert (code, out) == (2, "")
    assert re.fullmatch(
        f"{re.escape(good)}: inspect.py line [0-9]+: an unexpected ValueError; expected none. "
        "This is a mistake in mim2ecma: please report this line.\n",
        err,
    )
    code, out, err = run(capsys, good, good)
    assert (code, err) == (2, "")
    assert "R1 an unexpected ValueError\n2 files: 2 unreadable\n" in out
    code, out, err = run(capsys, good, "--json")
    validate("inspection", json.loads(out))
    assert (code, err) == (2, "")
    assert "hunter22" not in out


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_mistake_of_ours_elsewhere_is_one_error_too(good, capsys, monkeypatch, more):
    from mim2ecma.commands import inspect

    monkeypatch.setattr(inspect, "_run_one", raising(KeyError))
    code, out, err = run(capsys, good, *more)
    assert code == 2
    assert re.match(r"mim2ecma: inspect\.py line [0-9]+: an unexpected KeyError; expected none\. ", err)
    assert "hunter22" not in out + err
    if more:
        validate("inspection", json.loads(out))
    else:
        assert out == ""


def test_memory_that_ends_between_documents_leaves_a_list(good, capsys, monkeypatch):
    from mim2ecma.commands import inspect

    real, calls = inspect.make_rows, []

    def once(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise MemoryError
        return real(*arguments, **options)

    monkeypatch.setattr(inspect, "make_rows", once)
    code, out, err = run(capsys, good, good, good, "--json")
    documents = json.loads(out)
    for item in documents:
        validate("inspection", item)
    assert (code, [item["verdict"] for item in documents]) == (2, ["ready", "not-ready"])
    assert err.startswith("mim2ecma: memory: used up; ")
    calls.clear()
    code, out, err = run(capsys, good, good, good)
    assert (code, out.count("\n")) == (2, 1)
    assert err.startswith("mim2ecma: memory: used up; ")


def test_memory_that_ends_elsewhere_is_one_error(good, capsys, monkeypatch):
    from mim2ecma.commands import _inspect_output

    monkeypatch.setattr(_inspect_output, "show", raising(MemoryError))
    code, _, err = run(capsys, good)
    assert code == 2
    assert err == (
        "mim2ecma: memory: used up; expected enough for what was asked. "
        "Name fewer files at once, free memory, or use a machine that has more.\n"
    )


def test_an_error_that_nobody_can_be_told_still_ends_with_2(tmp_path, monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with suppress(BrokenPipeError), os.fdopen(writer, "w", buffering=1) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        assert cli.main(["inspect", str(tmp_path / "none.xml")]) == 2
        monkeypatch.undo()


def test_attributes_are_counted_in_words(tmp_path, capsys):
    path = tmp_path / "a.xml"
    path.write_text(READY)
    assert "object types: person (1 usable attribute)\n" in run(capsys, str(path))[1]
    path.write_text(export(attributes=[Attribute("a"), Attribute("b")]))
    assert "object types: person (2 usable attributes)\n" in run(capsys, str(path))[1]
