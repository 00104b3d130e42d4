"""`mim2ecma inspect` of several files: lines that name the right reason and that nobody can forge."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from export_builder import ANCHOR, export
from rich.cells import cell_len

from mim2ecma import cli
from mim2ecma.commands._text import cells, fold
from mim2ecma.documents.printable import counted

READY = export(definitions=(), values=())
WARNED = export(import_enabled="0")
FORGED = "a" + "x" * 46 + " ready                hr.xml  Payroll"
COLOUR = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def run(capsys, *arguments):
    code = cli.main(["inspect", *arguments])
    output = capsys.readouterr()
    return code, output.out, output.err


def on_a_terminal(*arguments, columns, **variables):
    """Run the command on a terminal of that width, which no variable tells; return the lines it shows."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", **variables}
    for name in {"NO_COLOR", "COLUMNS"} - set(variables):
        environment.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-m", "mim2ecma", "inspect", *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment,
    )
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 65536):
            shown += piece
    except OSError:
        pass
    os.close(leader)
    process.wait()
    return shown.decode(variables.get("PYTHONIOENCODING", "utf-8"))


def rows(shown):
    """The lines without colours and without the bar, which is drawn over."""
    lines = [COLOUR.sub("", line).split("\r")[-1] for line in re.split(r"\r*\n", shown)]
    return [line.rstrip() for line in lines if line.strip() and not line.startswith("inspect ")]


@pytest.fixture
def write(tmp_path):
    def write_file(text, name):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write_file


# The reason ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            export(wrapper="saved-ma-configuration", category="AD"),
            "R4 'AD', a management agent that is not ECMA2",
        ),
        (export(wrapper="saved-ma-configuration"), "R2 one file of a whole-server export"),
        (
            export(
                wrapper="saved-ma-configuration", filename="Microsoft.Azure.ActiveDirectory.Connector.dll"
            ),
            "R27 the connector of Entra Connect",
        ),
        (export(packaged=True, wrapper="saved-ma-configuration"), "R3 a packaged template"),
        (WARNED, "R6 import is switched off"),
        ("<export-ma>", "R1 "),
    ],
)
def test_a_line_names_what_decides(write, capsys, text, reason):
    path = write(text, "a.xml")
    _, out, _ = run(capsys, path, path)
    assert f"  {reason}" in out.splitlines()[0]


def test_a_line_of_what_is_ready_names_no_reason(write, capsys):
    path = write(READY, "a.xml")
    _, out, _ = run(capsys, path, path)
    assert out.splitlines()[0].endswith("errors=0 warnings=0")


def test_the_summary_ends_with_how_to_see_more(write, capsys):
    path = write(READY, "a.xml")
    assert run(capsys, path, path)[1].splitlines()[-1] == "Details: mim2ecma inspect FILE"
    assert "Details" not in run(capsys, path, path, "--json")[1]


def test_one_file_is_called_one_file(write, capsys, tmp_path):
    write(READY, "a.xml")
    assert "\n1 file: 1 ready\n" in run(capsys, str(tmp_path))[1]


def test_counted_object_types_say_why_they_have_no_names(write, capsys):
    _, out, _ = run(capsys, write(export(category="AD"), "a.xml"))
    assert "  object types: 1, names not read (only those of Extensible2 matter)\n" in out


# On a terminal ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [20, 40, 80, 81, 100, 200])
@pytest.mark.parametrize(
    "variables", [{}, {"COLUMNS": "300"}, {"TERM": "dumb"}, {"PYTHONIOENCODING": "ascii"}]
)
def test_no_name_makes_a_line_of_its_own(write, tmp_path, columns, variables):
    names = [FORGED, *(f"{'日本' * shift}{'x' * shift} ready  hr.xml" for shift in (3, 11, 17))]
    for number, name in enumerate(names):
        write(export(name=name), f"{number}.xml")
    shown = rows(on_a_terminal(str(tmp_path), columns=columns, **variables))
    assert max(map(cells, shown)) <= columns
    own = ("ready-with-warnings ", "ready ")
    starts = [line for line in shown if not line.startswith(" ")]
    assert sum(line.startswith(own) or line in {"ready", "ready-with-warnings"} for line in starts) == len(
        names
    )
    assert starts[len(names)].startswith("4 files: 4 ready"[:columns])
    assert starts[-1].startswith("Details:")


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("variables", [{}, {"PYTHONIOENCODING": "ascii"}])
@pytest.mark.parametrize("sign", ["y", "日"])
def test_no_name_makes_a_line_of_its_own_in_the_details(write, columns, variables, sign):
    name = sign * 500 + FORGED
    text = export(name=name, definitions=(), values=())
    shown = rows(on_a_terminal(write(text, "a.xml"), columns=columns, **variables))
    starts = [line for line in shown if not line.startswith(" ")]
    assert starts == [shown[0]] * len(starts)
    assert max(map(len, shown)) <= columns


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_table_keeps_its_edges_whatever_the_terminal_can_show(write, encoding):
    path = write(export(classes={"日本é" * 30: [ANCHOR]}), "a.xml")
    shown = rows(on_a_terminal(path, columns=80, PYTHONIOENCODING=encoding))
    inner = [line for line in shown if line[:1] in "|│"]
    assert len(inner) > 5
    assert all(line[-1] == line[0] for line in inner)
    assert max(map(cells, shown)) <= 80 if encoding == "ascii" else max(map(cell_len, shown)) == 80


def test_a_dumb_terminal_gets_no_bar_and_no_empty_line(write):
    path = write(READY, "a.xml")
    shown = on_a_terminal(path, path, columns=200, TERM="dumb")
    assert [line.split("  ")[0] for line in shown.splitlines()] == [
        "ready",
        "ready",
        "2 files: 2 ready",
        "Details: mim2ecma inspect FILE",
    ]


def test_verdicts_have_colours_on_a_terminal(write, tmp_path):
    for number, text in enumerate((READY, WARNED, export(wrapper="ma-data"), "no XML")):
        write(text, f"{number}.xml")
    shown = on_a_terminal(str(tmp_path), columns=200)
    for colour, verdict in (
        ("32", "ready"),
        ("33", "ready-with-warnings"),
        ("31", "not-ready"),
        ("31", "unreadable"),
    ):
        assert re.search(rf"\x1b\[1;{colour}m{verdict} *\x1b\[0m", shown)
    assert "4 files: 1 not-ready, 1 ready, 1 ready-with-warnings, 1 unreadable" in shown
    without = on_a_terminal(str(tmp_path), columns=200, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", without)
    assert rows(without) == rows(shown)


def test_lines_in_a_file_are_not_folded(write, tmp_path, capsys):
    write(export(name=FORGED), "a.xml")
    _, out, _ = run(capsys, str(tmp_path))
    assert out.splitlines()[0].startswith("ready ")
    assert "1 file: " in out.splitlines()[1]


# Words and widths ------------------------------------------------------------------------------------------------


def test_numbers_and_words_agree():
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert counted(2, "is", "are") == "2 are"


@pytest.mark.parametrize("width", [1, 2, 5, 13, 60])
@pytest.mark.parametrize("text", ["", "a b  c", "x" * 100, "word " * 20, "日本語" * 9, "é" * 30])
def test_folded_lines_fit_and_lose_nothing(text, width):
    lines = fold(text, width)
    assert all(cells(line) <= max(width, 2) for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_deciding_rules_are_rules():
    from mim2ecma.commands.inspect import DECIDING
    from mim2ecma.readiness.catalogue import RULES

    assert set(DECIDING) <= set(RULES)
