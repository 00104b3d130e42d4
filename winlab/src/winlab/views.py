"""What people and tests may see of a host's state: everything but secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from winlab.errors import WinlabError
from winlab.host.model import STATE_FILE
from winlab.lab import StateFolder

HIDDEN = "<hidden>"
# Keys whose values are secrets whatever their content; an empty one is shown, so that "no password" can be
# seen.
_SECRET_KEYS = ("password", "secret", "private_key")
# A short generated word could be part of any text; replaced inside texts from this length on.
_SHORTEST = 8


def public_state(folder: StateFolder, name: str, secrets: Mapping[str, str]) -> dict[str, Any]:
    """The saved state of a host without secrets.

    Args:
        folder: the lab's state folder.
        name: the host.
        secrets: the lab's generated passwords, hidden wherever they stand.

    Raises:
        WinlabError: there is no state of that name.
    """
    path = folder.hosts / name / STATE_FILE
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(found.name for found in folder.hosts.glob("*")))
        wanted = f"one of {known}. Check the name." if known else "a host that was up once. Run `winlab up`."
        raise WinlabError(f"{name}: host: no state in {folder.hosts}; expected {wanted}") from error
    except ValueError:
        state = None
    if not isinstance(state, dict):
        raise WinlabError(
            f"{path}: state of {name}: no JSON object; expected what `winlab up` has written. "
            "Run `winlab reset`, or `winlab reset NAME` for a snapshot."
        )
    words = {value for value in secrets.values() if value} | set(_passwords(state))
    return dict(_hidden(state, sorted(words, key=len, reverse=True)))


def _passwords(value: Any) -> list[str]:
    """Every text under a key that names a secret, so that copies of it elsewhere are hidden too."""
    found: list[str] = []
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and item and _is_secret(key):
                found.append(item)
            else:
                found += _passwords(item)
    elif isinstance(value, list):
        for item in value:
            found += _passwords(item)
    return found


def _hidden(value: Any, words: list[str]) -> Any:
    if isinstance(value, dict):
        return {
            key: HIDDEN if isinstance(item, str) and item and _is_secret(key) else _hidden(item, words)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_hidden(item, words) for item in value]
    if isinstance(value, str):
        for word in words:
            if value == word:
                return HIDDEN
            if len(word) >= _SHORTEST and word in value:
                value = value.replace(word, HIDDEN)
    return value


def _is_secret(key: str) -> bool:
    folded = key.lower()
    return any(folded.endswith(word) for word in _SECRET_KEYS)
