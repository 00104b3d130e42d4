"""Command lines, conditions and formatted text of Windows Installer, case by case."""

from __future__ import annotations

import pytest
from winlab.products.msi_command_line import (
    BadCommandLineError,
    MsiCommand,
    UnknownOptionError,
    parse,
    without_program,
)
from winlab.products.msi_conditions import BadConditionError, evaluate, format_text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (r"/i C:\a.msi /qn", MsiCommand("install", r"C:\a.msi", ui="n")),
        (r'/I "C:\a b.msi" /QN', MsiCommand("install", r"C:\a b.msi", ui="n")),
        (r"/package a.msi /quiet", MsiCommand("install", "a.msi", ui="n")),
        ("/x{0F6C2B5D-3E0C-4C0B-9C1E-A0E21AB02102} /q", None),
        (r"/i a.msi /qb- /norestart", MsiCommand("install", "a.msi", ui="b", restart="never")),
        (r"-i a.msi -qn -forcerestart", MsiCommand("install", "a.msi", ui="n", restart="always")),
        (r"/i a.msi /L*v b.log", MsiCommand("install", "a.msi", log="b.log", log_flags="*v")),
        (r"/i a.msi /log b.log", MsiCommand("install", "a.msi", log="b.log", log_flags="*")),
        (r"/i a.msi /l b.log", MsiCommand("install", "a.msi", log="b.log", log_flags="iwearmo")),
        ("/i a.msi A=1", MsiCommand("install", "a.msi", properties={"A": "1"})),
        ("/i a.msi SQLServerStore=x", MsiCommand("install", "a.msi", properties={"SQLSERVERSTORE": "x"})),
        ('/i a.msi A="b c"', MsiCommand("install", "a.msi", properties={"A": "b c"})),
        ('/i a.msi A="say ""hi"""', MsiCommand("install", "a.msi", properties={"A": 'say "hi"'})),
        ('/i a.msi A="" B=', MsiCommand("install", "a.msi", properties={"A": "", "B": ""})),
        ("/i a.msi A=b=c", MsiCommand("install", "a.msi", properties={"A": "b=c"})),
        (
            r'/i a.msi A="C:\end\" B=1',
            MsiCommand("install", "a.msi", properties={"A": "C:\\end\\", "B": "1"}),
        ),
        ("/i a.msi REMOVE=ALL", MsiCommand("uninstall", "a.msi", properties={"REMOVE": "ALL"})),
    ],
)
def test_command_line_is_read_as_msiexec_reads_it(words: str, expected: MsiCommand | None) -> None:
    command = parse(words)
    if expected is None:
        assert command.action == "uninstall" and command.by_code and command.ui == "n"
    else:
        assert command == expected


@pytest.mark.parametrize(
    "words",
    [
        "",
        "/qn",
        "/i",
        "/i a.msi /x b.msi",
        "/i a.msi /nonsense",
        "/i a.msi oops",
        '/i "a.msi',
        "/i a.msi /L*v",
    ],
)
def test_command_line_that_msiexec_refuses(words: str) -> None:
    with pytest.raises(BadCommandLineError):
        parse(words)


@pytest.mark.parametrize("words", ["/fa a.msi", "/a a.msi", "/jm a.msi"])
def test_real_option_that_is_not_imitated_is_named(words: str) -> None:
    with pytest.raises(UnknownOptionError):
        parse(words)


@pytest.mark.parametrize(
    ("line", "rest"),
    [("msiexec /i a", "/i a"), (r'"C:\a b\msiexec.exe" /i a', " /i a"), ("msiexec", "")],
)
def test_program_name_is_cut_off(line: str, rest: str) -> None:
    assert without_program(line) == rest


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("", True),
        ("A", True),
        ("NONE", False),
        ("NOT NONE", True),
        ("NOT NOT A", True),
        ('A = "x"', True),
        ('A = "X"', False),
        ('A ~= "X"', True),
        ("N >= 603", True),
        ("N > 603", False),
        ("N < 1000 AND A", True),
        ("NONE OR A AND NONE", False),
        ("(NONE OR A) AND A", True),
        ("A XOR A", False),
        ("NONE IMP A", True),
        ("A EQV NONE", False),
        ('A >< "x"', True),
        ('LONG << "be" AND LONG >> "ing"', True),
        ('A <> "x"', False),
        ('%TEMP = "C:\\t"', True),
        ("N < A", False),
        ("1", True),
        ("0", False),
    ],
)
def test_condition(condition: str, holds: bool) -> None:
    properties = {"A": "x", "N": "603", "LONG": "being"}
    assert evaluate(condition, properties, {"Temp": r"C:\t"}) is holds


@pytest.mark.parametrize("condition", ["A =", "(A", "A B", "&Feature = 3", "= 1"])
def test_condition_that_cannot_be_read_is_refused(condition: str) -> None:
    with pytest.raises(BadConditionError):
        evaluate(condition, {"A": "1", "B": "1"}, {})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[A]b", "xb"),
        ("[NONE]b", "b"),
        (r"[\[]A[\]]", "[A]"),
        ("[%TEMP]", r"C:\t"),
        ("a[~]b", "a\0b"),
        ("{[NONE] gone}{[A] stays}", "x stays"),
        ("[#file]", r"C:\p\f.dll"),
        ("[$component]", "C:\\p\\"),
        ("{00000000-0000-0000-0000-000000000000}", "{00000000-0000-0000-0000-000000000000}"),
        ("[SELF]", "[A]"),
    ],
)
def test_formatted_text(source: str, expected: str) -> None:
    found = format_text(
        source, {"A": "x", "SELF": "[A]"}, {"TEMP": r"C:\t"}, lambda key: r"C:\p\f.dll", lambda key: "C:\\p\\"
    )
    assert found == expected
