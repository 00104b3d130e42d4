"""Windows paths as text. Sources: "Naming Files, Paths, and Namespaces", "File path formats on Windows systems"."""

from __future__ import annotations

import pytest
from winlab.errors import Win32Error
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
