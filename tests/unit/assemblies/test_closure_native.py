"""Native code that a connector calls: where it is looked for, and where it is staged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mim2ecma.assemblies.request import closure_document


def test_private_native_modules_are_staged_with_what_they_import(closure) -> None:
    document = closure("pinvoke/PInvoke.Connector.dll")
    assert {entry["module"]: entry["status"] for entry in document["native"]} == {
        "kernel32": "windows",
        "msvcr120.dll": "redistributable",
        "nowhere.dll": "missing",
        "Private.Native.dll": "staged",
        "Private.Deeper.dll": "staged",
    }
    assert [entry["file"] for entry in document["companions"]] == ["Private.Deeper.dll", "Private.Native.dll"]


@pytest.mark.parametrize("folder", ["x64", "AMD64", "runtimes/win-x64/native"])
def test_native_code_for_64_bit_keeps_the_folder_it_is_looked_for_in(
    fixtures: Path, tmp_path: Path, folder: str
) -> None:
    shutil.copytree(fixtures / "pinvoke", tmp_path / "e")
    (tmp_path / "e" / folder).mkdir(parents=True)
    (tmp_path / "e/x86").mkdir()
    shutil.copy(tmp_path / "e/Private.Native.dll", tmp_path / "e/x86")
    (tmp_path / "e/Private.Native.dll").rename(tmp_path / "e" / folder / "Private.Native.dll")
    document = closure_document(str(tmp_path / "e/PInvoke.Connector.dll"))
    assert {entry["file"] for entry in document["companions"]} == {
        "Private.Deeper.dll",
        folder.replace("/", "\\") + "\\Private.Native.dll",
    }
    assert {entry["module"]: entry["status"] for entry in document["native"]}[
        "Private.Native.dll"
    ] == "staged"


def test_native_code_below_the_program_folder_is_not_what_a_connector_calls(
    fixtures: Path, tmp_path: Path
) -> None:
    shutil.copytree(fixtures / "pinvoke", tmp_path / "e")
    (tmp_path / "bin/x64").mkdir(parents=True)
    (tmp_path / "e/Private.Native.dll").rename(tmp_path / "bin/x64/Private.Native.dll")
    document = closure_document(str(tmp_path / "e/PInvoke.Connector.dll"), bin=str(tmp_path / "bin"))
    assert {entry["module"]: entry["status"] for entry in document["native"]}[
        "Private.Native.dll"
    ] == "missing"


def test_native_code_that_is_called_by_a_path_is_not_looked_for(fixtures: Path, tmp_path: Path) -> None:
    data = (fixtures / "pinvoke/PInvoke.Connector.dll").read_bytes()
    (tmp_path / "P.dll").write_bytes(data.replace(b"\0Private.Native.dll\0", b"\0bin/Private.Na.dll\0"))
    (tmp_path / "bin").mkdir()
    shutil.copy(fixtures / "pinvoke/Private.Deeper.dll", tmp_path / "bin/Private.Na.dll")
    document = closure_document(str(tmp_path / "P.dll"))
    assert document["companions"] == []
    [finding] = [item for item in document["findings"] if "Private" in item["found"]]
    assert (finding["id"], finding["found"]) == (
        "C22",
        "calls into 'bin/Private.Na.dll', a path, which is not followed",
    )
