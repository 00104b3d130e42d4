"""Where references are looked for, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from mim2ecma.assemblies import search as search_module
from mim2ecma.assemblies.names import AssemblyName
from mim2ecma.assemblies.search import Place, Search
from mim2ecma.documents.errors import InputError


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")


def candidates(search: Search, name: str, root: Path) -> list[str]:
    return [str(found.path.relative_to(root)) for found in search.candidates(AssemblyName(name))]


def test_extensions_come_before_bin_before_the_cache(tmp_path: Path) -> None:
    make(
        tmp_path,
        "e/lib.DLL",
        "e/Lib/Lib.dll",
        "bin/Lib.dll",
        "bin/Assemblies/Lib.dll",
        "gac/GAC_MSIL/lib/v4.0_1.0.0.0__aa/Lib.dll",
        "gac/GAC_MSIL/lib/v4.0_2.0.0.0__aa/Lib.dll",
        "gac/GAC_32/lib/v4.0_1.0.0.0__aa/Lib.dll",
    )
    search = Search(
        [
            (tmp_path / "gac", Place.GAC),
            (tmp_path / "bin" / "Assemblies", Place.BIN_ASSEMBLIES),
            (tmp_path / "bin", Place.BIN),
            (tmp_path / "e", Place.EXTENSIONS),
        ]
    )
    assert candidates(search, "Lib", tmp_path) == [
        "e/lib.DLL",
        "e/Lib/Lib.dll",
        "bin/Lib.dll",
        "bin/Assemblies/Lib.dll",
        "gac/GAC_MSIL/lib/v4.0_2.0.0.0__aa/Lib.dll",
        "gac/GAC_MSIL/lib/v4.0_1.0.0.0__aa/Lib.dll",
    ]


def test_a_folder_that_is_named_twice_is_searched_once(tmp_path: Path) -> None:
    make(tmp_path, "Lib.dll")
    search = Search([(tmp_path, Place.EXTENSIONS), (tmp_path / ".", Place.BIN)])
    assert len(search.folders) == 1


def test_a_file_by_name_is_not_taken_from_the_cache(tmp_path: Path) -> None:
    make(tmp_path, "gac/native.dll")
    assert Search([(tmp_path / "gac", Place.GAC)]).file("native.dll") is None


def test_names_that_windows_cannot_hold_are_not_seen(tmp_path: Path) -> None:
    make(tmp_path, "NUL.dll", "a\\b.dll", "c:d.dll", "good.dll")
    [folder] = Search([(tmp_path, Place.EXTENSIONS)]).folders
    assert list(folder.files()) == ["good.dll"]


def test_a_missing_folder_is_an_error_for_people(tmp_path: Path) -> None:
    search = Search([(tmp_path / "gone", Place.EXTENSIONS)])
    with pytest.raises(
        InputError, match=r"gone: folder: No such file or directory; expected a readable folder"
    ):
        search.file("a.dll")


def test_a_folder_with_a_flood_of_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "FOLDER_LIMIT", 1)
    make(tmp_path, "a.dll", "b.dll")
    with pytest.raises(InputError, match="more than 1 entries"):
        Search([(tmp_path, Place.EXTENSIONS)]).file("a.dll")
