"""A drawing of the closure: boxes in columns by distance from the connector, lines for references.

Plain SVG 1.1 without script, style sheet or font file, so that a report can hold it and a browser needs
nothing else. All text comes from untrusted files and is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from mim2ecma.documents.printable import printable

BOX_WIDTH, BOX_HEIGHT = 250, 26
COLUMN_GAP, ROW_GAP, MARGIN = 90, 10, 20
TEXT_LENGTH = 36
"""Characters of a name that fit into a box at 12 pixels."""
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
    drawn = [name for column in columns for name in column][:DRAWN_LIMIT]
    places: dict[str, tuple[int, int]] = {}
    for x, column in enumerate(columns):
        for y, name in enumerate(name for name in column if name in set(drawn)):
            places[name] = (
                MARGIN + x * (BOX_WIDTH + COLUMN_GAP),
                MARGIN + 2 * BOX_HEIGHT + y * (BOX_HEIGHT + ROW_GAP),
            )
    width = MARGIN + len(columns) * (BOX_WIDTH + COLUMN_GAP)
    height = max((y for _, y in places.values()), default=0) + BOX_HEIGHT + 2 * MARGIN
    body = [*_legend(width), *_lines(edges, places), *_boxes(kinds, labels, places)]
    left_out = len(kinds) - len(places)
    if left_out:
        body.append(f'<text x="{MARGIN}" y="{height - 6}">{left_out} more are not drawn.</text>')
    title = escape(f"Closure of {printable(_text(_mapping(closure.get('connector')).get('file')))}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12" role="img"><title>{title}</title>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _graph(closure: Mapping[str, object]) -> tuple[dict[str, str], list[tuple[str, str]], dict[str, str]]:
    connector = _mapping(closure.get("connector"))
    root = _text(connector.get("file"))
    kinds = {root: "connector"}
    labels = {root: _label(root, connector.get("version"))}
    edges: list[tuple[str, str]] = []
    for kind in _LISTS:
        for entry in _entries(closure, kind):
            name = _text(entry.get("file")) if kind == "stage" else _text(entry.get("assembly"))
            if name != root:
                kinds.setdefault(name, kind)
                labels.setdefault(name, _label(_text(entry.get("assembly")), entry.get("version")))
            edges += [(label, name) for label in _texts(entry.get("wanted_by"))]
    for entry in _entries(closure, "native"):
        if entry.get("status") == "windows":
            continue
        name = _text(entry.get("module"))
        kinds.setdefault(name, "missing" if entry.get("status") == "missing" else "native")
        labels.setdefault(name, _label(name, None))
        edges += [(label, name) for label in _texts(entry.get("wanted_by"))]
    # What lies inside another library is written "X (embedded in Y)" where it wants something.
    inner = {f"{name} (embedded in": name for name, kind in kinds.items() if kind == "embedded"}
    known = [(next((full for start, full in inner.items() if a.startswith(start)), a), b) for a, b in edges]
    return kinds, sorted({(a, b) for a, b in known if a in kinds and b in kinds and a != b}), labels


def _columns(kinds: Mapping[str, str], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Sort boxes into columns by the shortest way from the connector; what nothing leads to comes last."""
    root = next(name for name, kind in kinds.items() if kind == "connector")
    wants: dict[str, list[str]] = {}
    for a, b in edges:
        wants.setdefault(a, []).append(b)
    columns, seen, front = [], {root}, [root]
    while front:
        columns.append(front)
        front = sorted({b for a in front for b in wants.get(a, ())} - seen, key=str.casefold)
        seen.update(front)
    rest = sorted(set(kinds) - seen, key=str.casefold)
    return [*columns, rest] if rest else columns


def _boxes(
    kinds: Mapping[str, str], labels: Mapping[str, str], places: Mapping[str, tuple[int, int]]
) -> list[str]:
    found = []
    for name, (x, y) in places.items():
        fill, ink, dash = _STYLES[kinds[name]]
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        full, short = escape(printable(labels[name])), escape(printable(labels[name], TEXT_LENGTH))
        found.append(
            f"<g><title>{full} ({_NAMES[kinds[name]]})</title>"
            f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="4" '
            f'fill="{fill}" stroke="#444444"{dashes}/>'
            f'<text x="{x + 8}" y="{y + 17}" fill="{ink}">{short}</text></g>'
        )
    return found


def _lines(edges: Sequence[tuple[str, str]], places: Mapping[str, tuple[int, int]]) -> list[str]:
    found = []
    for a, b in edges:
        if a not in places or b not in places:
            continue
        (ax, ay), (bx, by) = places[a], places[b]
        x1, y1, x2, y2 = ax + BOX_WIDTH, ay + BOX_HEIGHT // 2, bx, by + BOX_HEIGHT // 2
        if bx <= ax:  # back or within a column: leave and arrive on the right
            x2 = bx + BOX_WIDTH
        bend = COLUMN_GAP // 2
        end = x2 - bend if bx > ax else x2 + bend
        path = f"M{x1} {y1}C{x1 + bend} {y1} {end} {y2} {x2} {y2}"
        found.append(f'<path d="{path}" fill="none" stroke="#888888"/>')
    return found


def _legend(width: int) -> list[str]:
    found, x = [], MARGIN
    for kind, name in _NAMES.items():
        fill, _, dash = _STYLES[kind]
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        found.append(
            f'<rect x="{x}" y="{MARGIN - 10}" width="14" height="14" fill="{fill}" stroke="#444444"{dashes}/>'
        )
        found.append(f'<text x="{x + 19}" y="{MARGIN + 2}">{name}</text>')
        x += 40 + 7 * len(name)
        if x > max(width, 600) - 100:
            break
    return found


def _label(name: str, version: object) -> str:
    return f"{name} {version}" if version else name


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _entries(closure: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    value = closure.get(name)
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list | tuple) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list | tuple) else []
