"""Names from files become folder names and file names only when they are safe."""

import pytest

from mim2ecma.documents.printable import printable
from mim2ecma.documents.safe_names import agent_folder_name, bare_file_name_problem, is_device_name, slug


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("HR people", "hr-people"),
        ("Zürich/../../etc", "zurich-etc"),
        ("  ..\\..\\x ", "x"),
        ("{{ lookup('pipe', 'id') }}", "lookup-pipe-id"),
        ("日本語", "ma"),
        ("", "ma"),
        ("CON", "ma-con"),
        ("a" * 100, "a" * 48),
        ("x" * 47 + " y", "x" * 47),
    ],
)
def test_a_slug_is_a_plain_folder_name(name, expected):
    assert slug(name) == expected


@pytest.mark.parametrize("name", ["NUL", "nul.txt", "Com1.dll", "LPT9 .log", "com²", "CONIN$"])
def test_device_names_are_known_with_any_ending(name):
    assert is_device_name(name)


@pytest.mark.parametrize("name", ["console.dll", "com10.dll", "null", "Nul2.dll"])
def test_names_like_devices_are_not_devices(name):
    assert not is_device_name(name)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is empty"),
        (" \t", "is empty"),
        ("..", "names a folder"),
        ("a/b.dll", "holds a path separator"),
        ("..\\b.dll", "holds a path separator"),
        ("c:b.dll", "holds a character that Windows does not allow in file names"),
        ("a?.dll", "holds a character that Windows does not allow in file names"),
        ("a\x00.dll", "holds a character that Windows does not allow in file names"),
        ("a\u202elld.exe", "holds an invisible or control character"),
        ("a\x85.dll", "holds an invisible or control character"),
        ("NUL.dll", "is the name of a Windows device"),
        ("a.dll.", "begins or ends with a blank, or ends with a dot"),
        (" a.dll", "begins or ends with a blank, or ends with a dot"),
        ("a" * 252 + ".dll", "is longer than 255 characters"),
        ("Fabrikam.MA.dll", None),
        ("With blank.dll", None),
        ("Ümläut.dll", None),
    ],
)
def test_a_bare_file_name_has_no_way_out_of_its_folder(name, problem):
    assert bare_file_name_problem(name) == problem


def test_the_folder_of_an_agent_carries_its_guid():
    assert agent_folder_name("HR people", "{44D74A23-B80A-4BBD-9F1A-70E0781A5C0D}") == "hr-people-44d74a23"


@pytest.mark.parametrize("guid", ["", "44D74A23", "../../../44D74A23-B80A-4BBD-9F1A-70E0781A5C0D"])
def test_no_folder_without_a_guid(guid):
    with pytest.raises(ValueError, match="not a GUID"):
        agent_folder_name("HR", guid)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä 日本", "plain ä 日本"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\r\nb\tc", "a\\x0d\\x0ab\\x09c"),
        ("\u202eabc\u202c", "\\u202eabc\\u202c"),
        ("\u2066x\u2069\u200f\u061c", "\\u2066x\\u2069\\u200f\\u061c"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\x9b31m", "\\x9b31m"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_text_is_shown_without_acting(text, shown):
    assert printable(text) == shown


def test_long_text_is_cut_where_a_length_is_given():
    assert printable("x" * 500) == "x" * 299 + "…"
    assert printable("x" * 500, None) == "x" * 500
