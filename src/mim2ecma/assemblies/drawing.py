"""A drawing of the closure: boxes in columns by distance from the connector, lines for references.

Plain SVG 1.1 without script, style sheet or font file, so that a report can hold it and a browser needs
nothing else. All text comes from untrusted files and is escaped.
"""

from __future__ import annotations

import ntpath
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from unicodedata import east_asian_width

from mim2ecma.documents.printable import printable

BOX_HEIGHT, COLUMN_GAP, ROW_GAP, MARGIN = 26, 80, 10, 20
NARROWEST, WIDEST = 160, 330
"""Boxes are as wide as the longest name needs, between these."""
CHARACTER_WIDTH, VERSION_CHARACTER_WIDTH = 6.8, 6.2
"""Width of an average character at 12 and at 10 pixels of a common sans-serif font, rounded up."""
PADDING = 8
ROWS = 40
"""A longer column is continued beside itself."""
CROWDED = 60
"""From so many boxes on, lines are fainter, so that names stay readable."""
DRAWN_LIMIT = 400
"""More boxes than that are no drawing; the rest is counted below it."""

# Fill, and a dash pattern so that the drawing can be read without colours.
_STYLES = {
    "connector": ("#1f4e79", "#ffffff", ""),
    "stage": ("#d9ead3", "#000000", ""),
    "host_supplied": ("#d0e0f0", "#000000", ""),
    "embedded": ("#ead9f0", "#000000", "4 2"),
    "windows": ("#eeeeee", "#000000", "2 2"),
    "missing": ("#f4cccc", "#000000", "8 3"),
    "native": ("#fff2cc", "#000000", "1 3"),
}
_NAMES = {
    "connector": "connector",
    "stage": "brought along",
    "host_supplied": "supplied by the host",
    "embedded": "embedded",
    "windows": "part of Windows",
    "missing": "missing",
    "native": "native module",
}
_ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 1L8 4L0 7z" fill="#666666"/></marker></defs>'
)
_LISTS = ("stage", "host_supplied", "embedded", "windows", "missing")


def draw(closure: Mapping[str, object]) -> str:
    """Draw a closure document.

    Assemblies of .NET Framework are left out: each library has some, and none of them moves.

    Args:
        closure: The document, as `Closure.to_dict` gives it.

    Returns:
        SVG text; the same closure gives the same text.
    """
    kinds, edges, labels = _graph(closure)
    columns = _columns(kinds, edges)
    box = _box_width(labels)
    places = _places(columns, box)
    shown = dict.fromkeys(kinds[name] for name in places)
    legend, legend_width = _legend([kind for kind in _NAMES if kind in shown])
    width = max([*_right_ends(edges, places, box), legend_width]) + MARGIN
    height = max(y for _, y in places.values()) + BOX_HEIGHT + 2 * MARGIN
    body = [*legend, *_lines(edges, places, box), *_boxes(kinds, labels, places, box)]
    left_out = len(kinds) - len(places)
    if left_out:
        body.append(f'<text x="{MARGIN}" y="{height - 6}">{left_out} more are not drawn.</text>')
    title = escape(f"Closure of {printable(_text(_mapping(closure.get('connector')).get('file')))}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" direction="ltr" role="img">'
        f"<title>{title}</title>\n{_ARROW}\n"
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _graph(
    closure: Mapping[str, object],
) -> tuple[dict[str, str], list[tuple[str, str]], dict[str, tuple[str, str]]]:
    """Return the kind of each box, the references, and what stands in each box: name and version."""
    connector = _mapping(closure.get("connector"))
    root = _text(connector.get("file"))
    kinds = {root: "connector"}
    labels = {root: _label(root, connector.get("version"))}
    edges: list[tuple[str, str]] = []
    files: dict[str, str] = {}  # what wants something is written as a file, in whatever case
    for kind in _LISTS:
        for entry in _entries(closure, kind):
            name = _text(entry.get("file")) if kind == "stage" else _text(entry.get("assembly"))
            if name != root:
                kinds.setdefault(name, kind)
                labels.setdefault(name, _label(_text(entry.get("assembly")), entry.get("version")))
            files.setdefault(_text(entry.get("file")).casefold(), name)
            edges += [(label, name) for label in _texts(entry.get("wanted_by"))]
    for entry in _entries(closure, "native"):
        if entry.get("status") in {"windows", "other-system"}:
            continue
        name = _text(entry.get("module"))
        kinds.setdefault(name, "missing" if entry.get("status") == "missing" else "native")
        labels.setdefault(name, _label(name, None))
        file = ntpath.basename(name).casefold()
        files.setdefault(file if "." in file else f"{file}.dll", name)
        edges += [(label, name) for label in _texts(entry.get("wanted_by"))]
    # What lies inside another library is written "X (embedded in Y)" where it wants something.
    inner = {f"{name} (embedded in": name for name, kind in kinds.items() if kind == "embedded"}

    def box(label: str) -> str:
        embedded = (name for start, name in inner.items() if label.startswith(start))
        return label if label in kinds else next(embedded, files.get(label.casefold(), label))

    known = [(box(a), b) for a, b in edges]
    return kinds, sorted({(a, b) for a, b in known if a in kinds and b in kinds and a != b}), labels


def _columns(kinds: Mapping[str, str], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Sort boxes into columns by the shortest way from the connector; what nothing leads to comes last.

    Within a column a box stands about where those stand that want it, so that lines cross less.
    """
    root = next(name for name, kind in kinds.items() if kind == "connector")
    wants: dict[str, list[str]] = {}
    for a, b in edges:
        wants.setdefault(a, []).append(b)
    columns, seen, front = [], {root}, [root]
    while front:
        columns.append(front)
        height: dict[str, list[float]] = {}
        for row, name in enumerate(front):
            for wanted in set(wants.get(name, ())) - seen:
                height.setdefault(wanted, []).append(row / len(front))
        front = sorted(height, key=lambda name: (sum(height[name]) / len(height[name]), name.casefold()))
        seen.update(front)
    rest = sorted(set(kinds) - seen, key=str.casefold)
    return [*columns, rest] if rest else columns


def _places(columns: Sequence[Sequence[str]], box: int) -> dict[str, tuple[int, int]]:
    """Return the upper left corner of each box that is drawn."""
    places: dict[str, tuple[int, int]] = {}
    top, x = MARGIN + 2 * BOX_HEIGHT, MARGIN
    for column in columns:
        for start in range(0, len(column), ROWS):
            for row, name in enumerate(column[start : start + ROWS]):
                if len(places) == DRAWN_LIMIT:
                    return places
                places[name] = (x, top + row * (BOX_HEIGHT + ROW_GAP))
            x += box + (COLUMN_GAP if start + ROWS >= len(column) else COLUMN_GAP // 4)
    return places


def _box_width(labels: Mapping[str, tuple[str, str]]) -> int:
    longest = max(_text_width(name) + _version_width(version) for name, version in labels.values())
    return round(min(max(longest + 2 * PADDING, NARROWEST), WIDEST))


def _text_width(text: str) -> float:
    """Width of a name: East Asian characters are as wide as two."""
    return CHARACTER_WIDTH * sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _version_width(version: str) -> float:
    return VERSION_CHARACTER_WIDTH * len(version) + PADDING if version else 0


def _fit(name: str, width: float) -> str:
    """Leave out the middle of a name that is too wide: beginning and end tell libraries apart."""
    if _text_width(name) <= width:
        return name
    head, tail = name, name
    while head and _text_width(head) + _text_width(tail) > width - CHARACTER_WIDTH:
        head, tail = (head[:-1], tail) if len(head) > len(tail) else (head, tail[1:])
    return f"{head}…{tail}"


def _boxes(
    kinds: Mapping[str, str],
    labels: Mapping[str, tuple[str, str]],
    places: Mapping[str, tuple[int, int]],
    box: int,
) -> list[str]:
    found = []
    for key, (x, y) in places.items():
        fill, ink, dash = _STYLES[kinds[key]]
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        name, version = labels[key]
        room = box - 2 * PADDING - _version_width(version)
        number = (
            f'<text x="{x + box - PADDING}" y="{y + 17}" fill="{ink}" font-size="10" text-anchor="end">'
            f"{escape(version)}</text>"
            if version
            else ""
        )
        # The inner `svg` cuts what is wider than its estimate, in whatever font.
        found.append(
            f"<g><title>{escape(f'{name} {version}'.rstrip())} ({_NAMES[kinds[key]]})</title>"
            f'<rect x="{x}" y="{y}" width="{box}" height="{BOX_HEIGHT}" rx="4" '
            f'fill="{fill}" stroke="#444444"{dashes}/>'
            f'<svg x="{x + PADDING}" y="{y}" width="{room:.0f}" height="{BOX_HEIGHT}">'
            f'<text y="17" fill="{ink}" unicode-bidi="embed">{escape(_fit(name, room))}</text></svg>'
            f"{number}</g>"
        )
    return found


def _lines(edges: Sequence[tuple[str, str]], places: Mapping[str, tuple[int, int]], box: int) -> list[str]:
    found = []
    faint = ' stroke-opacity="0.45"' if len(places) > CROWDED else ""
    for a, b in edges:
        if a not in places or b not in places:
            continue
        (ax, ay), (bx, by) = places[a], places[b]
        x1, y1, x2, y2 = ax + box, ay + BOX_HEIGHT // 2, bx, by + BOX_HEIGHT // 2
        if bx <= ax:  # back or within a column: leave and arrive on the right
            x2 = bx + box
        bend = COLUMN_GAP // 2
        end = x2 - bend if bx > ax else x2 + bend
        path = f"M{x1} {y1}C{x1 + bend} {y1} {end} {y2} {x2} {y2}"
        found.append(f'<path d="{path}" fill="none" stroke="#888888"{faint} marker-end="url(#arrow)"/>')
    return found


def _right_ends(
    edges: Sequence[tuple[str, str]], places: Mapping[str, tuple[int, int]], box: int
) -> Iterator[int]:
    """How far boxes reach to the right, and lines that leave and arrive there."""
    yield from (x + box for x, _ in places.values())
    for a, b in edges:
        if a in places and b in places and places[b][0] <= places[a][0]:
            yield places[a][0] + box + COLUMN_GAP // 2


def _legend(kinds: Sequence[str]) -> tuple[list[str], int]:
    found, x = [], MARGIN
    for kind in kinds:
        name = _NAMES[kind]
        fill, _, dash = _STYLES[kind]
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        found.append(
            f'<rect x="{x}" y="{MARGIN - 10}" width="14" height="14" fill="{fill}" stroke="#444444"{dashes}/>'
        )
        found.append(f'<text x="{x + 19}" y="{MARGIN + 2}">{name}</text>')
        x += 40 + round(CHARACTER_WIDTH * len(name))
    return found, x


def _label(name: str, version: object) -> tuple[str, str]:
    """What stands in a box, made harmless: names come from untrusted files."""
    return printable(name), printable(str(version)) if version else ""


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _entries(closure: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    value = closure.get(name)
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list | tuple) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list | tuple) else []
