"""`winlab pins`: a pin belongs to a twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from winlab import modules, pins

pytest.importorskip("ansible_collections", reason="the PyPI package ansible is not installed")
ORPHAN = "ansible.windows.win_dsc"


@pytest.fixture
def orphan(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {**pins.pinned(), ORPHAN: pins.Pin("0" * 64)}
    load = pins._load
    monkeypatch.setattr(pins, "_load", lambda: known)
    monkeypatch.setattr(pins._load, "cache_clear", load.cache_clear, raising=False)


def test_no_pin_is_unused() -> None:
    assert pins.unused(modules.names()) == []
    assert set(modules.names()) <= set(pins.pinned())


@pytest.mark.usefixtures("orphan")
def test_a_pin_without_a_twin_is_told() -> None:
    assert pins.check(modules.names()) == [
        f"{ORPHAN}: a pin without a twin; expected none. Remove it from winlab/modules/pins.json: "
        "`winlab pins --update` of any other module does."
    ]


@pytest.mark.usefixtures("orphan")
def test_an_update_drops_what_is_unused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pins.importlib.resources, "files", lambda package: tmp_path)
    text = pins.update(["ansible.windows.win_ping"], modules.names()).read_text(encoding="utf-8")
    assert ORPHAN not in text
    assert "ansible.windows.win_ping" in text
