"""The drawing of a closure."""

from __future__ import annotations

import re

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


def test_what_a_file_of_the_host_or_a_native_module_wants_is_joined_to_its_box() -> None:
    document = {
        "connector": {"file": "A.dll"},
        "host_supplied": [{"assembly": "Json", "file": "JSON.dll", "wanted_by": ["A.dll"]}],
        "windows": [{"assembly": "X", "wanted_by": ["Json.dll"]}],
        "native": [
            {"module": "sqlite3", "wanted_by": ["A.dll"], "status": "staged"},
            {"module": "deep.dll", "wanted_by": ["sqlite3.dll"], "status": "staged"},
            {"module": r"x64\\crypt.dll", "wanted_by": ["A.dll"], "status": "staged"},
            {"module": "deeper.dll", "wanted_by": ["Crypt.dll"], "status": "missing"},
        ],
    }
    assert len(etree.fromstring(draw(document)).findall(f"{SVG}path")) == 6


def test_names_from_files_are_text_only(closure) -> None:
    document = closure("missing/Missing.Connector.dll")
    document["missing"][0]["assembly"] = '</text><script>alert("x")</script>\x1b[31m'
    text = draw(document)
    assert "<script" not in text
    assert "\x1b" not in text
    assert etree.fromstring(text).find(f".//{SVG}script") is None


def corners(text: str) -> list[tuple[int, int]]:
    found = etree.fromstring(text).iterfind(f"{SVG}g/{SVG}rect")
    return [(int(box.get("x") or 0), int(box.get("y") or 0)) for box in found]


def flood(number: int, name: str = "Library{}") -> dict[str, object]:
    """A connector that wants so many libraries itself."""
    names = [name.format(index) for index in range(number)]
    wanted = [
        {"file": f"{item}.dll", "assembly": item, "version": "1.0.0.0", "wanted_by": ["A.dll"]}
        for item in names
    ]
    return {"connector": {"file": "A.dll", "version": "1.0.0.0"}, "stage": wanted}


def test_a_long_column_goes_on_beside_itself_and_nothing_leaves_the_drawing() -> None:
    text = draw(flood(200))
    root = etree.fromstring(text)
    found = corners(text)
    assert len(set(found)) == 201
    columns = {x for x, _ in found}
    assert len(columns) == 1 + 200 // drawing.ROWS
    assert max(y for _, y in found) + drawing.BOX_HEIGHT < int(root.get("height") or 0)
    box = int(root.findall(f"{SVG}g/{SVG}rect")[0].get("width") or 0)
    assert max(columns) + box + drawing.MARGIN == int(root.get("width") or 0)


def test_a_long_name_keeps_its_beginning_its_end_and_its_version() -> None:
    name = "Contoso.Very.Long.Library.Name.Of.Somebody.Who.Likes.Names.Version{}"
    group = etree.fromstring(draw(flood(1, name))).findall(f"{SVG}g")[1]
    short = group.findtext(f"{SVG}svg/{SVG}text")
    assert short is not None and short.startswith("Contoso.Very") and short.endswith("Version0")
    assert "\u2026" in short
    assert [element.text for element in group.iterfind(f"{SVG}text")] == ["1.0.0.0"]
    assert group.findtext(f"{SVG}title") == name.format(0) + " 1.0.0.0 (brought along)"


def test_marks_that_turn_text_around_are_shown_as_escapes() -> None:
    text = draw(flood(1, "evil\u202egpj\u2067{}"))
    assert "\u202e" not in text and "\u2067" not in text
    assert "evil\\u202egpj\\u2067" in text


def test_lines_say_which_way_they_lead(closure) -> None:
    lines = etree.fromstring(draw(closure("chain/Chain.Connector.dll"))).findall(f"{SVG}path")
    assert {line.get("marker-end") for line in lines} == {"url(#arrow)"}


@pytest.mark.parametrize("connector", ["clash/Clash.Connector.dll", "cycle/Cycle.Connector.dll"])
def test_a_line_within_the_last_column_stays_in_the_drawing(closure, connector: str) -> None:
    root = etree.fromstring(draw(closure(connector)))
    ends = [
        float(number)
        for path in root.iterfind(f"{SVG}path")
        for number in re.findall(r"[MC ]([0-9.]+) [0-9.]+", path.get("d") or "")
    ]
    right = max(
        float(box.get("x") or 0) + float(box.get("width") or 0) for box in root.iterfind(f"{SVG}g/{SVG}rect")
    )
    assert right < max(ends) <= float(root.get("width") or 0)


def test_the_legend_names_what_is_drawn_and_nothing_else(closure) -> None:
    root = etree.fromstring(draw(closure("chain/Chain.Connector.dll")))
    assert [text.text for text in root.findall(f"{SVG}text")] == [
        "connector",
        "brought along",
        "supplied by the host",
    ]


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
