"""The fixtures are what their sources say."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
SUFFIXES = {".dll", ".exe"}


def binaries(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix.casefold() in SUFFIXES
    }


@pytest.mark.skipif(shutil.which("mcs") is None, reason="mono's C# compiler mcs is not installed")
def test_a_rebuild_gives_the_same_bytes(tmp_path: Path, fixtures: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        "build_fixtures", REPOSITORY / "tools" / "build_fixtures.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["build_fixtures"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    for row in module.TABLE:
        (tmp_path / row.path.format(token="x")).parent.mkdir(parents=True, exist_ok=True)

    module.build(tmp_path)

    rebuilt, committed = binaries(tmp_path), binaries(fixtures)
    assert sorted(rebuilt) == sorted(committed)
    assert [name for name in rebuilt if rebuilt[name] != committed[name]] == []
