"""Payload that a person declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from mim2ecma.documents.errors import InputError, UsageError
from mim2ecma.staging import payload
from mim2ecma.staging.payload import declared_payload


def test_files_and_folders_become_wanted_files(tmp_path: Path) -> None:
    (tmp_path / "data" / "inner").mkdir(parents=True)
    (tmp_path / "data" / "b.csv").write_text("b")
    (tmp_path / "data" / "inner" / "a.csv").write_text("a")
    (tmp_path / "hr.dsn").write_text("d")
    found = declared_payload(
        [
            {"source": str(tmp_path / "hr.dsn"), "target": "C:\\DSN\\hr.dsn"},
            {"source": str(tmp_path / "data"), "target": "MAData\\hr"},
            {"source": str(tmp_path / "hr.dsn")},
        ]
    )
    assert [item.target for item in found] == [
        "C:\\DSN\\hr.dsn",
        "MAData\\hr\\b.csv",
        "MAData\\hr\\inner\\a.csv",
        "hr.dsn",
    ]
    assert found[1].bytes == 1
    assert found[1].sha256 == "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"


@pytest.mark.parametrize(
    ("items", "found"),
    [
        (["a"], "item 1: str"),
        ([{}], "item 1: no source"),
        ([{"source": 1}], "item 1: source int"),
        (
            [{"source": ""}],
            "item 1: no source",
        ),  # it would be the folder of the run, with all that lies there
        ([{"source": " "}], "item 1: no source"),
        ([{"source": "a", "traget": "D:\\Data\\a"}], "item 1: the key 'traget'"),
    ],
)
def test_another_form_is_refused(items: list[object], found: str) -> None:
    with pytest.raises(UsageError, match=f"^extra payload: {found}; expected source, and target where it"):
        declared_payload(items)


def test_a_missing_source_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file or directory; expected a readable file"):
        declared_payload([{"source": str(tmp_path / "gone")}])


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to("/etc")
    with pytest.raises(InputError, match="a symbolic link"):
        declared_payload([{"source": str(tmp_path / "data")}])


def test_a_name_that_windows_cannot_hold_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "aux.txt").write_text("")
    with pytest.raises(InputError, match="is the name of a Windows device"):
        declared_payload([{"source": str(tmp_path / "data")}])


def test_a_flood_of_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "FILES_LIMIT", 1)
    for name in "ab":
        (tmp_path / name).write_text("")
    with pytest.raises(InputError, match="more than 1 files"):
        declared_payload([{"source": str(tmp_path)}])
