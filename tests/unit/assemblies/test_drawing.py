"""The drawing of a closure."""

from __future__ import annotations

import pytest
from lxml import etree

from mim2ecma.assemblies import drawing
from mim2ecma.assemblies.request import drawing as draw
from mim2ecma.documents.errors import UsageError

SVG = "{http://www.w3.org/2000/svg}"


def boxes(text: str) -> list[str]:
    return [title.text or "" for title in etree.fromstring(text).iterfind(f"{SVG}g/{SVG}title")]


def test_each_library_is_a_box_and_each_reference_a_line(closure) -> None:
    text = draw(closure("chain/Chain.Connector.dll"))
    assert boxes(text) == [
        "Chain.Connector.dll 1.2.3.4 (connector)",
        "Chain.Middle 1.0.0.0 (brought along)",
        "Microsoft.MetadirectoryServicesEx 4.1.4.0 (supplied by the host)",
        "Chain.Leaf 1.0.0.0 (brought along)",
    ]
    assert len(etree.fromstring(text).findall(f"{SVG}path")) == 3


def test_cycles_missing_native_and_embedded_ones_are_drawn(closure) -> None:
    assert len(etree.fromstring(draw(closure("cycle/Cycle.Connector.dll"))).findall(f"{SVG}path")) == 4
    assert "Left.Out 1.0.0.0 (missing)" in boxes(draw(closure("embedded/Embedded.Connector.dll")))
    native = boxes(draw(closure("pinvoke/PInvoke.Connector.dll")))
    assert "Private.Native.dll (native module)" in native
    assert "nowhere.dll (missing)" in native
    assert not any("kernel32" in name for name in native)


def test_names_from_files_are_text_only(closure) -> None:
    document = closure("missing/Missing.Connector.dll")
    document["missing"][0]["assembly"] = '</text><script>alert("x")</script>\x1b[31m'
    text = draw(document)
    assert "<script" not in text
    assert "\x1b" not in text
    assert etree.fromstring(text).find(f".//{SVG}script") is None


def test_a_flood_of_boxes_is_cut_and_counted(closure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "DRAWN_LIMIT", 2)
    text = draw(closure("chain/Chain.Connector.dll"))
    assert len(boxes(text)) == 2
    assert "2 more are not drawn." in text


def test_the_same_closure_gives_the_same_drawing(closure) -> None:
    assert draw(closure("clash/Clash.Connector.dll")) == draw(closure("clash/Clash.Connector.dll"))


def test_something_else_is_refused() -> None:
    with pytest.raises(UsageError, match="Give the result of assembly_closure"):
        draw({})
