"""Where references are looked for, and in which order."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mim2ecma.assemblies import search as search_module
from mim2ecma.assemblies.names import AssemblyName
from mim2ecma.assemblies.request import closure_document
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


def test_bin_its_assemblies_and_the_probing_paths_of_mim_are_searched(tmp_path: Path, fixtures: Path) -> None:
    for folder in ("e", "bin/ASSEMBLIES", "bin/Extra/More", "outside"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(fixtures / "chain/Chain.Connector.dll", tmp_path / "e")
    shutil.copy(fixtures / "chain/Chain.Middle.dll", tmp_path / "bin/ASSEMBLIES")
    shutil.copy(fixtures / "chain/Chain.Leaf.dll", tmp_path / "bin/Extra/More")
    shutil.copy(fixtures / "chain/Chain.Leaf.dll", tmp_path / "outside")
    config = tmp_path / "miiserver.exe.config"
    config.write_text(
        '<configuration><runtime><assemblyBinding xmlns="urn:schemas-microsoft-com:asm.v1">'
        '<probing privatePath="..\\outside;extra\\more"/></assemblyBinding></runtime></configuration>'
    )
    document = closure_document(
        str(tmp_path / "e/Chain.Connector.dll"),
        search=[str(tmp_path / "e")],
        bin=str(tmp_path / "bin"),
        mim_config=str(config),
    )
    assert [(entry["file"], entry["place"]) for entry in document["stage"]] == [
        ("Chain.Connector.dll", "extensions"),
        ("Chain.Leaf.dll", "bin-assemblies"),
        ("Chain.Middle.dll", "bin-assemblies"),
    ]
    assert document["stage"][1]["source"] == str(tmp_path / "bin/Extra/More/Chain.Leaf.dll")
    assert [finding["id"] for finding in document["findings"]] == ["C3", "C3"]


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
