"""`mim2ecma inspect`: what it prints and how it ends."""

import io
import json
import os
import pty
import re
import subprocess
import sys

import pytest
from export_builder import ANCHOR, Attribute, Value, export

from mim2ecma import __version__, cli
from mim2ecma.commands import _inspect_files
from mim2ecma.commands import inspect as command
from mim2ecma.documents.errors import UsageError
from mim2ecma.documents.schemas import validate

READY = export()
WARNED = export(import_enabled="0")
NOT_READY = export(wrapper="saved-ma-configuration")
BROKEN = "<export-ma>"
EMPLOYEE = export(classes={"Employee": [ANCHOR, Attribute("a")]}).replace(">person<", ">Employee<")


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="export.xml"):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return str(path)

    return write_file


def run(capsys, *arguments):
    code = cli.main(["inspect", *arguments])
    output = capsys.readouterr()
    assert "Traceback" not in output.err
    return code, output.out, output.err


CASES = [
    (READY, 0, "ready"),
    (WARNED, 0, "ready-with-warnings"),
    (NOT_READY, 1, "not-ready"),
    (BROKEN, 2, "not-ready"),
]


@pytest.mark.parametrize(("text", "code", "verdict"), CASES)
def test_the_exit_code_says_the_verdict(write, capsys, text, code, verdict):
    path = write(text)
    result, out, err = run(capsys, path)
    assert result == code
    assert out.splitlines()[0] == f"{path}: {verdict}"
    assert err == ""


@pytest.mark.parametrize(("text", "code", "verdict"), CASES)
def test_json_is_the_document_in_every_case(write, capsys, text, code, verdict):
    path = write(text)
    result, out, err = run(capsys, path, "--json")
    document = json.loads(out)
    validate("inspection", document)
    assert (result, document["verdict"], document["source"]["path"], err) == (code, verdict, path, "")


def test_a_missing_file_gives_a_document_too(tmp_path, capsys):
    code, out, _ = run(capsys, str(tmp_path / "none.xml"), "--json")
    document = json.loads(out)
    validate("inspection", document)
    assert code == 2
    assert document["findings"][0]["found"] == "No such file or directory"
    assert run(capsys, str(tmp_path / "none.xml"))[0] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: EXPORT.xml"),
        (["a.xml", "--no-such"], "unrecognized arguments: --no-such"),
        (["a.xml", "--str"], "unrecognized arguments: --str"),
        (["a.xml", "--accept", "R2"], "mim2ecma inspect: --accept: R2; expected RULE=REASON."),
        (["a.xml", "--accept", "R1=x"], "options: accept: rule R1; expected one of R2,"),
        (["a.xml", "--accept", "R2="], "mim2ecma inspect: --accept R2: no reason; expected a reason"),
        (["a.xml", "--object-type", ""], "options: object type: an empty name"),
    ],
)
def test_wrong_usage_says_what_was_expected(capsys, arguments, message):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == 2
    document = json.loads(out)
    validate("inspection", document)
    assert document["verdict"] == "not-ready"


def test_findings_and_facts_are_printed_with_rule_and_weight(write, capsys):
    _, out, _ = run(capsys, write(WARNED))
    assert "  management agent: HR people\n" in out
    assert "  connector: Example.Connector.dll 1.2.3.4\n" in out
    assert "  object types: person (1 usable attribute)\n" in out
    assert "  from: MIM01 2025-01-02 03:04:05.678\n" in out
    assert "  warning R6 extension-config/import-enabled: import is switched off; expected 1:" in out


def test_options_reach_the_rules(write, capsys):
    path = write(EMPLOYEE)
    assert run(capsys, path)[0] == 1
    assert run(capsys, path, "--object-type", "Employee")[0] == 0
    unselected = write(export(attributes=[Attribute("a", selected=False)]), "b.xml")
    assert run(capsys, unselected)[0] == 0
    assert run(capsys, unselected, "--strict")[0] == 1
    code, out, _ = run(capsys, write(NOT_READY, "c.xml"), "--accept", "R2=a test host took it = yes")
    assert code == 0
    assert "Accepted knowingly (otherwise an error): a test host took it = yes" in out


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x85\u202egnp.exe", "\\x85\\u202egnp.exe"),
        ("a\u009b31mred", "a\\x9b31mred"),
        ("line\ntwo", "line\\x0atwo"),
    ],
)
def test_no_text_from_a_file_acts_on_a_terminal(write, capsys, text, shown):
    path = write(export(name=f"x{text}x", filename=f"x{text}.dll"))
    _, out, _ = run(capsys, path)
    assert f"management agent: x{shown}x" in out
    assert not set(text) & {"\x85", "\u202e", "\x9b"} & set(out)


def test_a_file_name_does_not_act_on_a_terminal(tmp_path, capsys):
    path = tmp_path / "a\x1b[31m\u202e.xml"
    path.write_text(READY)
    _, out, _ = run(capsys, str(path))
    assert "\x1b" not in out
    assert "a\\x1b[31m\\u202e.xml: ready" in out


def test_a_file_name_in_no_encoding_is_shown(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.xml"
    with open(path, "wb") as stream:  # noqa: PTH123  (a name that Path cannot print)
        stream.write(READY.encode())
    for arguments, expected in (
        ([], b"\\udcff.xml: ready"),
        (["--json"], b"\\udcff.xml"),
        (["nope"], b"\\udcff.xml  HR"),
    ):
        done = subprocess.run(
            [
                sys.executable.encode(),
                b"-m",
                b"mim2ecma",
                b"inspect",
                path,
                *[item.encode() for item in arguments],
            ],
            capture_output=True,
            check=False,
        )
        assert expected in done.stdout
        assert b"Traceback" not in done.stderr


# Several files ---------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for number, text in enumerate((READY, NOT_READY, WARNED, "<saved-mv-configuration/>")):
        (tmp_path / f"MA-{number}.XML").write_text(text)
    (tmp_path / "notes.txt").write_text("not looked at")
    (tmp_path / "deeper.xml").mkdir()
    return tmp_path


def test_a_folder_gives_a_line_each_and_a_sum(folder, capsys):
    code, out, _ = run(capsys, str(folder))
    lines = out.splitlines()
    assert code == 1
    assert [line.split()[0] for line in lines[:4]] == [
        "ready",
        "not-ready",
        "ready-with-warnings",
        "not-ready",
    ]
    assert lines[0].endswith("MA-0.XML  HR people  Extensible2  Example.Connector.dll  errors=0 warnings=0")
    assert "R2 one file of a whole-server export" in lines[1]
    assert lines[4] == "4 files: 2 not-ready, 1 ready, 1 ready-with-warnings"


def test_several_files_as_json_are_a_list(folder, capsys):
    code, out, _ = run(capsys, str(folder), str(folder / "MA-0.XML"), "--json")
    documents = json.loads(out)
    assert code == 1
    assert [item["verdict"] for item in documents] == [
        "ready",
        "not-ready",
        "ready-with-warnings",
        "not-ready",
        "ready",
    ]
    for item in documents:
        validate("inspection", item)


def test_the_heaviest_file_decides_the_exit_code(folder, write, capsys):
    ready, warned = str(folder / "MA-0.XML"), str(folder / "MA-2.XML")
    assert run(capsys, ready, warned)[0] == 0
    assert run(capsys, ready, str(folder / "MA-1.XML"))[0] == 1
    assert run(capsys, str(folder / "MA-1.XML"), write(BROKEN, "z.xml"), ready)[0] == 2
    assert run(capsys, ready, str(folder / "none.xml"))[0] == 2


def test_an_empty_folder_is_wrong_usage(tmp_path, capsys):
    code, _, err = run(capsys, str(tmp_path))
    assert code == 2
    assert f"{tmp_path}: folder: no XML files; expected 1 to 100000 files that end in .xml." in err


def test_a_folder_that_cannot_be_read_is_wrong_usage(tmp_path, capsys, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(command.Path, "iterdir", refuse)
    code, _, err = run(capsys, str(tmp_path))
    assert code == 2
    assert "folder: Permission denied" in err


def test_a_folder_of_too_many_files_is_refused(folder, capsys, monkeypatch):
    monkeypatch.setattr(_inspect_files, "MAX_FOLDER_FILES", 3)
    assert "folder: 4 XML files; expected 1 to 3" in run(capsys, str(folder))[2]


@pytest.mark.parametrize("cores", [1, 2])
def test_many_files_keep_their_order_on_any_number_of_cores(tmp_path, capsys, monkeypatch, cores):
    monkeypatch.setattr(command.os, "sched_getaffinity", lambda _: set(range(cores)))
    for number in range(40):
        (tmp_path / f"{number:02}.xml").write_text(
            export(name=f"Agent {number}", values=[Value("Password", "hunter22")])
        )
    code, out, _ = run(capsys, str(tmp_path), "--json")
    documents = json.loads(out)
    assert code == 0
    assert [item["management_agent"]["name"] for item in documents] == [
        f"Agent {number}" for number in range(40)
    ]
    assert "hunter22" not in out


# The program -----------------------------------------------------------------------------------------------------


def on_a_terminal(*arguments, columns=100):
    """Run the command with a terminal for its output; return what it shows."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns)}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "mim2ecma", "inspect", *arguments],
        stdout=follower,
        stderr=follower,
        env=environment,
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(leader)
    return process.wait(), shown.decode()


def test_a_terminal_gets_a_table_in_colours(write):
    code, shown = on_a_terminal(write(export(import_enabled="0", name="x\u202ey")))
    assert code == 0
    assert "\x1b[1;33mready-with-warnings" in shown
    assert "R6" in shown
    assert "x\\u202ey" in shown
    assert "\u202e" not in shown


def pretend_terminal(monkeypatch):
    """Both outputs claim to be a terminal; what they get is still captured."""
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")


def test_the_table_has_a_row_for_each_finding(write, capsys, monkeypatch):
    pretend_terminal(monkeypatch)
    code, out, _ = run(capsys, write(WARNED))
    assert code == 0
    for text in ("Rule", "R6", "warning", "R14", "R20", "expected: ", "next: "):
        assert text in out
    assert out.rstrip().endswith(": 1 warning, 2 information")
    assert "Rule" not in run(capsys, write(export(definitions=(), values=())))[1]


def test_the_table_leaves_most_of_a_narrow_terminal_to_the_text(write):
    _, shown = on_a_terminal(write(NOT_READY), columns=80)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert max(len(line) for line in plain.splitlines() if line.startswith(("│", "┃"))) == 80
    assert "root element: one file of a whole-server export" in plain
    assert plain.rstrip().endswith("not-ready: 1 error, 2 information")


def test_the_bar_stands_under_the_lines(folder, capsys, monkeypatch):
    pretend_terminal(monkeypatch)
    code, out, err = run(capsys, str(folder))
    assert code == 1
    assert "inspect" in err
    assert "4 files: " in out


def test_the_bar_leaves_the_output_to_a_file_alone(folder, capsys, monkeypatch):
    pretend_terminal(monkeypatch)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    code, out, err = run(capsys, str(folder), "--json")
    assert code == 1
    assert len(json.loads(out)) == 4
    assert "inspect" in err


def test_a_document_on_the_terminal_has_no_bar(folder, capsys, monkeypatch):
    pretend_terminal(monkeypatch)
    _, out, err = run(capsys, str(folder), "--json")
    assert len(json.loads(out)) == 4
    assert err.startswith(f"{folder}: folder: 1 subfolder, ")
    assert err.count("\n") == 1


def test_a_failure_in_the_middle_prints_no_sum(folder, capsys, monkeypatch):
    pretend_terminal(monkeypatch)

    def fail(*_, **__):
        raise UsageError(source="a", where="b", found="c", expected="d", next_step="e")

    monkeypatch.setattr(command, "inspect_file", fail)
    code, out, err = run(capsys, str(folder))
    assert (code, out) == (2, "")
    assert "a: b: c; expected d. e" in err


def test_a_reader_that_leaves_ends_the_program(write, monkeypatch, tmp_path):
    def leave(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr(command, "inspect_file", leave)
    with (tmp_path / "out").open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert cli.main(["inspect", write(READY)]) == 2


def test_output_without_an_encoding_is_taken_as_it_is(write, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    assert cli.main(["inspect", write(READY)]) == 0
    assert ": ready" in stream.getvalue()


def test_a_terminal_gets_no_table_without_findings(write):
    text = export(definitions=(), values=())
    code, shown = on_a_terminal(write(text))
    assert code == 0
    assert "Rule" not in shown


def test_a_terminal_gets_a_progress_bar_for_a_folder(folder):
    code, shown = on_a_terminal(str(folder))
    assert code == 1
    assert "inspect" in shown
    assert "4 files: 2 not-ready" in shown


def test_plain_output_has_no_colours_and_no_bar(folder):
    done = subprocess.run(
        [sys.executable, "-m", "mim2ecma", "inspect", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


def test_a_reader_that_leaves_is_no_traceback(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.xml").write_text(
            export(attributes=[Attribute(f"a{item}") for item in range(300)])
        )
    program = f"{sys.executable} -m mim2ecma inspect --json {tmp_path} | head -c 10"
    done = subprocess.run(["/bin/sh", "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_an_interruption_is_no_traceback(write, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "inspect_file", interrupt)
    assert run(capsys, write(READY))[0] == 130


def test_the_program_says_its_version_and_commands(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"mim2ecma {__version__}\n"
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "inspect" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["explode"]])
def test_an_unknown_command_is_wrong_usage(arguments, capsys):
    assert cli.main(arguments) == 2
    assert "mim2ecma: arguments: " in capsys.readouterr().err


def test_inspecting_imports_nothing_slow(write):
    """Libraries that only some commands need are imported there (docs/architecture.md, "Command line")."""
    program = (
        "import sys; from mim2ecma import cli; cli.main(sys.argv[1:]); "
        "print([name for name in ('rich', 'jsonschema', 'jinja2', 'dnfile', 'pefile', 'ansible', 'multiprocessing') "
        "if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "inspect", write(READY)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
