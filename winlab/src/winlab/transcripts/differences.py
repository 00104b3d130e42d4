"""Where two redacted results differ: a key that one lacks, another type, another value that was kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from winlab.transcripts.redaction import KEY_MARK, MARK, is_placeholder

MISSING, EXTRA, TYPE, VALUE = "missing key", "additional key", "other type", "other value"


@dataclass(frozen=True)
class Difference:
    """One difference; `recorded` and `twin` are texts for people.

    Attributes:
        kind: `missing key`, `additional key`, `other type` or `other value`.
        path: where, such as `stat.exists`.
        recorded: what the transcript has.
        twin: what the twin gave.
    """

    kind: str
    path: str
    recorded: str
    twin: str

    def __str__(self) -> str:
        return f"{self.path}: {self.kind}: recorded {self.recorded}, twin {self.twin}"


def between(recorded: Any, twin: Any, path: str = "") -> Iterator[Difference]:
    """Every difference, in the order of the recorded keys.

    Keys that are redacted, and the number of items in lists of objects, depend on the host: of those the
    items are compared as one, whose keys are those of all. A missing value (null) has every type.
    """
    one, other = kind_of(recorded), kind_of(twin)
    if "null" in (one, other) and one != other:
        if not is_placeholder(recorded) and not is_placeholder(twin) and _is_scalar(recorded, twin):
            yield Difference(VALUE, path, shown(recorded), shown(twin))
    elif one != other:
        yield Difference(TYPE, path, one, other)
    elif one == "object":
        yield from _objects(recorded, twin, path)
    elif one == "list":
        yield from _lists(recorded, twin, path)
    elif not is_placeholder(recorded) and not is_placeholder(twin) and recorded != twin:
        yield Difference(VALUE, path, shown(recorded), shown(twin))


def kind_of(value: Any) -> str:
    """The JSON type of a value, redacted or not."""
    if is_placeholder(value):
        return {"str": "text", "int": "number", "float": "number", "bool": "boolean"}[value[MARK]]
    names = {dict: "object", list: "list", str: "text", bool: "boolean", int: "number", float: "number"}
    return "null" if value is None else names[type(value)]


def shown(value: Any) -> str:
    """A value for people."""
    return "redacted" if is_placeholder(value) else repr(value)


def _is_scalar(recorded: Any, twin: Any) -> bool:
    return not isinstance(recorded, (dict, list)) and not isinstance(twin, (dict, list))


def _objects(recorded: Mapping[str, Any], twin: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for key, item in _named(recorded).items():
        where = f"{path}.{key}" if path else key
        if key in twin:
            yield from between(item, twin[key], where)
        else:
            yield Difference(MISSING, where, kind_of(item), "nothing")
    for key, item in _named(twin).items():
        if key not in recorded:
            yield Difference(EXTRA, f"{path}.{key}" if path else key, "nothing", kind_of(item))
    hidden, others = _hidden(recorded), _hidden(twin)
    if hidden and others:
        yield from between(_merged(hidden), _merged(others), f"{path}.*" if path else "*")


def _lists(recorded: Sequence[Any], twin: Sequence[Any], path: str) -> Iterator[Difference]:
    if not recorded or not twin:
        return
    items, others = list(recorded), list(twin)
    if all(isinstance(item, (str, int, float)) for item in (*items, *others)):
        if items != others:
            yield Difference(VALUE, path, shown(items), shown(others))
        return
    yield from between(_merged(items), _merged(others), f"{path}[]")


def _merged(items: Sequence[Any]) -> Any:
    """One item with the keys of all; values that are not the same everywhere are taken as redacted."""
    if all(isinstance(item, dict) and not is_placeholder(item) for item in items):
        found: dict[str, Any] = {}
        for item in items:
            for key, value in item.items():
                found[key] = _merged([found[key], value]) if key in found else value
        return found
    first = next((item for item in items if item is not None), None)
    if any(item != first for item in items if not isinstance(item, list)):
        kinds = {"text": "str", "number": "int", "boolean": "bool"}
        kind = kinds.get(kind_of(first))
        return {MARK: kind} if kind else first
    return first


def _named(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if not key.startswith(KEY_MARK)}


def _hidden(value: Mapping[str, Any]) -> list[Any]:
    return [item for key, item in value.items() if key.startswith(KEY_MARK)]
