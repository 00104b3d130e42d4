"""Windows paths as text. Sources: "Naming Files, Paths, and Namespaces", "File path formats on Windows systems"."""

from __future__ import annotations

import pytest
from winlab.errors import NotModelled, Win32Error
from winlab.host import paths


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("C:\\a\\b", "C:\\a\\b"),
        ("c:/a//b/", "C:\\a\\b"),
        ("C:\\", "C:\\"),
        ("C:\\a\\.\\b\\..\\c", "C:\\a\\c"),
        ("C:\\..\\..\\a", "C:\\a"),
        ("C:\\tmp\\ansible-tmp-1\\.", "C:\\tmp\\ansible-tmp-1"),
        ("C:rel", "C:\\Users\\x\\rel"),
        ("D:rel", "D:\\rel"),
        ("\\root", "C:\\root"),
        ("rel\\f", "C:\\Users\\x\\rel\\f"),
        ("C:\\a. .", "C:\\a"),
        ("C:\\a.\\b", "C:\\a\\b"),
        ("C:\\a...\\b", "C:\\a...\\b"),
        ("\\\\Server\\Share\\a\\..\\b", "\\\\Server\\Share\\b"),
        ("\\\\server\\share\\", "\\\\server\\share"),
        ("\\\\?\\C:\\a\\b", "C:\\a\\b"),
        ("\\\\?\\UNC\\server\\share\\x", "\\\\server\\share\\x"),
        ("C:\\a.txt:Zone.Identifier", "C:\\a.txt:Zone.Identifier"),
        ("C:\\a.txt::$DATA", "C:\\a.txt::$DATA"),
        ("C:\\console.txt", "C:\\console.txt"),
        ("C:\\COM10", "C:\\COM10"),
    ],
)
def test_every_form_has_one_absolute_form(given, expected):
    assert paths.normalise(given, "C:\\Users\\x") == expected


@pytest.mark.parametrize(
    "given",
    [
        "",
        "   ",
        "C:\\a<b",
        'C:\\a"',
        "C:\\a|b",
        "C:\\a?",
        "C:\\*.txt",
        "C:\\a\tb",
        "C:\\CON",
        "C:\\sub\\nul.txt",
        "C:\\COM1",
        "C:\\lpt9.log\\x",
        "C:\\COM²",
        "C:\\a:b\\c",
        "C:\\a:b:c",
        "C:\\a:",
        "\\\\server",
        "\\\\.\\PhysicalDrive0",
        "C:\\" + "x" * 256,
    ],
)
def test_what_no_path_can_be_is_refused(given):
    with pytest.raises(Win32Error) as caught:
        paths.normalise(given)
    assert caught.value.code == 123
    assert not paths.is_valid(given)


def long_path(length: int) -> str:
    text = "C:\\" + "\\".join(["d" * 49] * 6)
    return text[:length]


def test_259_characters_are_the_limit_without_the_prefix():
    assert len(paths.normalise(long_path(259))) == 259
    with pytest.raises(Win32Error) as caught:
        paths.normalise(long_path(260))
    assert caught.value.code == 206
    assert paths.normalise("\\\\?\\" + long_path(260)) == long_path(260)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("C:\\Straße", "c:\\STRAßE", True),
        ("C:\\straße", "C:\\STRASSE", False),
        ("C:\\äÖ", "C:\\Äö", True),
        ("C:\\a", "D:\\a", False),
    ],
)
def test_comparison_ignores_case_as_ntfs_does(one, other, equal):
    assert paths.same(one, other) is equal


@pytest.mark.parametrize(
    ("path", "drive", "root", "parent", "name"),
    [
        ("C:\\a\\b.txt", "C", "C:\\", "C:\\a", "b.txt"),
        ("C:\\a", "C", "C:\\", "C:\\", "a"),
        ("C:\\", "C", "C:\\", "C:\\", ""),
        ("\\\\s\\h\\a", "", "\\\\s\\h", "\\\\s\\h", "a"),
        ("\\\\s\\h", "", "\\\\s\\h", "\\\\s\\h", ""),
    ],
)
def test_parts_of_a_path(path, drive, root, parent, name):
    assert (paths.drive(path), paths.root(path), paths.parent(path), paths.name(path)) == (
        drive,
        root,
        parent,
        name,
    )


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.txt", ".txt"),
        ("a.tar.gz", ".gz"),
        ("a", ""),
        ("a.", ""),
        (".hidden", ".hidden"),
        ("C:\\a.b\\c", ""),
    ],
)
def test_suffix_is_what_get_extension_returns(name, suffix):
    assert paths.suffix(name) == suffix


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("C:\\a.txt", ("C:\\a.txt", None)),
        ("C:\\a.txt:s", ("C:\\a.txt", "s")),
        ("C:\\a.txt:s:$DATA", ("C:\\a.txt", "s")),
        ("C:\\a.txt::$DATA", ("C:\\a.txt", None)),
    ],
)
def test_a_stream_is_split_off(path, expected):
    assert paths.split_stream(path) == expected


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("foo", 2),
        ("foo\\bar", 3),
        ("\\srv\\share", 123),
        ("", 123),
        ("C:\\a\\..\\b", 123),
        ("C:\\a\\.", 123),
        ("C:\\a/b", 123),
        ("C:\\a\\\\b", 123),
        ("C:/a", 123),
        ("UNC\\srv", 123),
        ("UNC\\srv\\share\\..\\x", 123),
    ],
)
def test_what_follows_the_long_prefix_is_taken_as_it_is(given, code):
    with pytest.raises(Win32Error) as caught:
        paths.normalise("\\\\?\\" + given)
    assert caught.value.code == code


@pytest.mark.parametrize("given", ["Volume{1}\\x", "GLOBALROOT\\Device\\x", "C:", "PhysicalDrive0"])
def test_devices_behind_the_long_prefix_are_named(given):
    with pytest.raises(NotModelled, match="device path"):
        paths.normalise("\\\\?\\" + given)


@pytest.mark.parametrize("path", ["C:\\a\\b", "C:\\", "\\\\srv\\share\\a"])
def test_the_long_prefix_comes_and_goes(path):
    assert paths.is_extended(paths.extended(path))
    assert paths.normalise(paths.extended(path)) == path


@pytest.mark.parametrize(
    ("one", "other"), [("W\u0131ndows", "WINDOWS"), ("U\u017fers", "USERS"), ("stra\u00dfe", "STRASSE")]
)
def test_letters_that_ntfs_does_not_fold_stay_apart(one, other):
    assert paths.fold(one) != other
    assert paths.fold("\u00e4\u00f1\u03c3") == "\u00c4\u00d1\u03a3"
