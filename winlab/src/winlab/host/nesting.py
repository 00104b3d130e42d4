"""Trees in a state file: nested as far as JSON can be nested safely, below that a list with depths.

The depth is limited by Python's recursion in `json`; the registry has 512 levels, a path 16,000 names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
State = dict[str, Any]

# Levels that are nested; each takes two of JSON's.
NESTED = 100
_DEEP = "deep"
_DEPTH = "d"


def to_state(top: T, own: Callable[[T], State], below: Callable[[T], Iterable[T]], key: str) -> State:
    """Return a tree ready for JSON.

    Args:
        top: its root.
        own: gives the state of a node without what lies below it.
        below: gives the nodes directly below one, in their order.
        key: under which they stand in its state.
    """
    result = own(top)
    waiting = [(top, result, 0)]
    while waiting:
        node, state, depth = waiting.pop()
        nodes = list(below(node))
        if nodes and depth == NESTED:
            state[_DEEP] = _listed(nodes, own, below)
        elif nodes:
            state[key] = [own(one) for one in nodes]
            waiting.extend((one, found, depth + 1) for one, found in zip(nodes, state[key], strict=True))
    return result


def from_state(state: State, own: Callable[[State, T | None], T], parent: T | None, key: str) -> T:
    """Build a tree from what `to_state` returned.

    Args:
        state: the state.
        own: makes a node of its own state, attached to the node above it.
        parent: what the root is attached to.
        key: as for `to_state`.
    """
    top = own(state, parent)
    waiting = [(top, state)]
    while waiting:
        node, found = waiting.pop()
        waiting.extend((own(item, node), item) for item in found.get(key, ()))
        trail = [node]
        for item in found.get(_DEEP, ()):
            del trail[item[_DEPTH] :]
            trail.append(own(item, trail[-1]))
    return top


def _listed(nodes: list[T], own: Callable[[T], State], below: Callable[[T], Iterable[T]]) -> list[State]:
    result = []
    waiting = [(node, 1) for node in reversed(nodes)]
    while waiting:
        node, depth = waiting.pop()
        result.append({_DEPTH: depth, **own(node)})
        waiting.extend((one, depth + 1) for one in reversed(list(below(node))))
    return result
