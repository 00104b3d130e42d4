"""Free space, .NET Framework and marks of the web, as a script on the ECMA host is told."""

from __future__ import annotations

from typing import Any

import pytest
from winlab.products import ecma_scripts
from winlab.scripts import ScriptError

FOLDER = r"C:\ECMA"
DLL = rf"{FOLDER}\a.dll"
MARK = "Zone.Identifier"


@pytest.fixture
def marked(box: Any) -> Any:
    box.host.files.mkdir(rf"{FOLDER}\inner")
    for path in (DLL, rf"{FOLDER}\inner\b.dll"):
        box.host.files.write_bytes(path, b"MZ")
    box.host.files.write_stream_named(DLL, MARK, b"[ZoneTransfer]\r\nZoneId=3\r\n")
    return box


def described(box: Any, *folders: str) -> Any:
    result = ecma_scripts.describe_host(box.script(box.admin(), Folder=list(folders)))
    assert result.changed is False
    return result.output[0]


def test_free_space_framework_and_marked_files_are_told(marked: Any) -> None:
    told = described(marked, FOLDER, r"Q:\Data", r"C:\nowhere")
    assert told["Free"] == {"C:\\": marked.host.files.free_bytes("C"), "Q:\\": -1}
    assert told["Release"] > 394000
    assert told["Marked"] == [DLL]


def test_a_mark_is_taken_once(marked: Any) -> None:
    assert ecma_scripts.unblock_files(marked.script(marked.admin(), True, Path=[DLL])).changed is True
    assert MARK in marked.host.files.streams(DLL)  # check mode
    assert ecma_scripts.unblock_files(marked.script(marked.admin(), Path=[DLL])).changed is True
    assert MARK not in marked.host.files.streams(DLL)
    assert ecma_scripts.unblock_files(marked.script(marked.admin(), Path=[DLL])).changed is False


def test_who_may_not_write_is_refused(marked: Any) -> None:
    person = marked.person("nobody.special")
    with pytest.raises(ScriptError, match="Access is denied"):
        ecma_scripts.unblock_files(marked.script(person, Path=[DLL]))
    assert MARK in marked.host.files.streams(DLL)
