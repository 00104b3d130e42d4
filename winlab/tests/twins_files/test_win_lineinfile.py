"""win_lineinfile: insertion, replacement, removal, encodings."""

from __future__ import annotations

import codecs

import pytest

from .conftest import NOW

NAME = "community.windows.win_lineinfile"
F = "C:\\data\\f.txt"
FIVE = b"one\ntwo\nthree\nfour\nfive\n"


def edit(windows, data: bytes | None = FIVE, **options):
    if data is not None:
        windows.write(F, data)
    return windows.run(NAME, **{"path": F, **options})


@pytest.mark.parametrize(
    ("options", "expected", "message"),
    [
        ({"line": "new"}, "one two three four five new", "line added"),
        ({"line": "new", "insertafter": "EOF"}, "one two three four five new", "line added"),
        ({"line": "new", "insertbefore": "BOF"}, "new one two three four five", "line added"),
        ({"line": "new", "insertafter": "bof"}, "new one two three four five", "line added"),
        ({"line": "new", "insertafter": "^two$"}, "one two new three four five", "line added"),
        ({"line": "new", "insertafter": "^t"}, "one two three new four five", "line added"),
        ({"line": "new", "insertbefore": "^t"}, "one two new three four five", "line added"),
        ({"line": "new", "insertafter": "^none$"}, "one two three four five new", "line added"),
        ({"line": "2", "regexp": "^two$"}, "one 2 three four five", "line replaced"),
        ({"line": "x", "regexp": "^t"}, "one two x four five", "line replaced"),
        (
            {"line": "$1-$1", "regexp": "^(t)wo$", "backrefs": True},
            "one t-t three four five",
            "line replaced",
        ),
        ({"line": "x", "regexp": "^none$", "backrefs": True}, None, ""),
        ({"line": "two"}, None, ""),
        ({"line": "Two"}, "one two three four five Two", "line added"),
        ({"line": "two", "regexp": "^tw"}, None, ""),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_present(windows, options, expected, message, check):
    result = edit(windows, check=check, **options)
    assert (result["changed"], result["msg"]) == (expected is not None, message)
    assert (result["backup"], result["encoding"]) == ("", "utf-8")
    written = (expected or "").replace(" ", "\r\n").encode() + b"\r\n"
    assert windows.read(F) == (FIVE if check or expected is None else written)


@pytest.mark.parametrize(
    ("options", "expected", "found"),
    [
        ({"line": "two"}, "one three four five", 1),
        ({"regexp": "^t"}, "one four five", 2),
        ({"regexp": "^none"}, None, 0),
        ({"line": "TWO"}, None, 0),
    ],
)
def test_absent(windows, options, expected, found):
    result = edit(windows, state="absent", **options)
    assert (result["changed"], result["found"]) == (found > 0, found)
    assert result["msg"] == f"{found} line(s) removed"
    if expected:
        assert windows.read(F) == expected.replace(" ", "\r\n").encode() + b"\r\n"


@pytest.mark.parametrize(
    ("data", "options", "expected"),
    [
        (b"one\ntwo", {}, b"one\r\ntwo\r\nnew"),
        (b"", {}, b"new"),
        (b"one\r\n", {"newline": "unix"}, b"one\nnew\n"),
        (b"one\rtwo\r", {}, b"one\r\ntwo\r\nnew\r\n"),
        (None, {"create": True, "insertbefore": "BOF"}, b"new\r\n"),
        (None, {"create": True}, b"\r\nnew"),
        (None, {"create": True, "newline": "unix", "insertbefore": "BOF"}, b"new\n"),
    ],
)
def test_line_breaks_and_new_files(windows, data, options, expected):
    windows.host.files.mkdir("C:\\data")
    assert edit(windows, data, line="new", **options)["changed"]
    assert windows.read(F) == expected


@pytest.mark.parametrize(
    ("mark", "codec", "name"),
    [
        (codecs.BOM_UTF8, "utf-8", "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16BE"),
        (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32BE"),
        (b"", "utf-8", "utf-8"),
    ],
)
def test_the_encoding_of_the_file_is_kept(windows, mark, codec, name):
    result = edit(windows, mark + "ä\r\n".encode(codec), line="ö")
    assert result["encoding"] == name
    assert windows.read(F) == mark + "ä\r\nö\r\n".encode(codec)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", codecs.BOM_UTF8 + b"x\r\n"),
        ("utf-16", codecs.BOM_UTF16_LE + "x\r\n".encode("utf-16-le")),
        ("windows-1252", b"x\r\n"),
    ],
)
def test_an_encoding_that_is_asked_for_is_written_with_its_mark(windows, encoding, expected):
    windows.host.files.mkdir("C:\\data")
    edit(windows, None, line="x", create=True, insertbefore="BOF", encoding=encoding)
    assert windows.read(F) == expected


def test_diff_and_backup(windows):
    result = edit(windows, b"one\n", line="two", backup=True, diff=True)
    assert result["diff"] == {"before": "one\r\n", "after": "one\r\ntwo\r\n"}
    assert windows.read(result["backup_file"]) == b"one\n"
    assert windows.host.files.entry(F).created == NOW


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "C:\\none", "line": "x"}, "Path C:\\none does not exist !"),
        ({"path": "C:\\Windows", "line": "x"}, "Path C:\\Windows is a directory"),
        ({"state": "present"}, "line= is required with state=present"),
        ({"line": "x", "backrefs": True}, "regexp= is required with backrefs=true"),
        ({"state": "absent"}, "one of line= or regexp= is required with state=absent"),
        ({"line": "x", "validate": "sort.exe"}, "validate must contain %s: sort.exe"),
        ({}, "line= is required with state=present"),
    ],
)
def test_refusals(windows, options, message):
    assert edit(windows, **options)["msg"] == message
    assert windows.read(F) == FIVE


def test_both_places_warn_and_the_first_wins(windows):
    result = edit(windows, line="x", insertafter="two", insertbefore="four")
    assert result["warnings"] == [
        'Both insertbefore and insertafter parameters found, ignoring "insertafter=two"'
    ]


def test_an_unknown_encoding_is_said_in_nets_words(windows):
    assert "'klingon' is not a supported encoding name." in edit(windows, line="x", encoding="klingon")["msg"]


def test_a_locked_file_stays(windows):
    windows.write(F, FIVE)
    windows.host.files.lock(F, "svc")
    result = edit(windows, None, line="x")
    assert result["msg"].startswith(f"Cannot write to: {F} (The process cannot access the file")
    assert windows.read(F) == FIVE
