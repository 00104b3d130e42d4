"""Values to placeholders: what the allow-list does not name leaves its type, its length and a number behind.

Equal values get equal numbers within one transcript, so that a path that goes in and comes out again is still
seen to be the same path.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Protocol, TypeGuard

from winlab.transcripts.rules import CONTROLLER, NOTHING, RANDOM, SECRET, SECRET_NAMES, Rule

MARK = "$redacted"
KEY_MARK = "$key:"
# What Ansible.Basic.cs of ansible-core prints in place of a no_log value: public, and not the value.
MASKED = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# What a text looks like, so that a replay and a comparison can make one of the same form; first match counts.
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("sid", re.compile(r"S-1-\d+(?:-\d+)+", re.ASCII)),
    ("guid", re.compile(r"\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", re.ASCII | re.IGNORECASE)),
    # action/__init__.py of ansible-core removes only folders with `-tmp-` in their name.
    ("temporary", re.compile(r"[A-Za-z]:\\(?:.*\\)?ansible-tmp-[\d.-]+", re.ASCII)),
    ("path", re.compile(r"[A-Za-z]:[\\/].*")),
    ("unc", re.compile(r"\\\\.+")),
    ("registry", re.compile(r"HK(?:LM|CU|CR|U|CC|EY_\w+)(?::\\|\\|:).*", re.IGNORECASE)),
    ("digits", re.compile(r"\d+", re.ASCII)),
    ("hex", re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})", re.ASCII | re.IGNORECASE)),
    ("lines", re.compile(r".*\n.*", re.DOTALL)),
)


class Numbers(Protocol):
    """Gives values their numbers."""

    def number(self, value: bytes, secret: bool) -> tuple[int, bool]:
        """The number of a value, and whether it is known to be a secret."""


class MemoryNumbers:
    """Numbers that nobody keeps: of digests under a key that never leaves the process.

    Args:
        key: the key of the digests.
        known: digests that have a number already, in the order of their numbers.
    """

    def __init__(self, key: bytes, known: Iterable[tuple[str, bool]] = ()) -> None:
        self._key = key
        self._known = {digest: (index, secret) for index, (digest, secret) in enumerate(known, 1)}
        self.added: list[tuple[str, bool]] = []

    def number(self, value: bytes, secret: bool) -> tuple[int, bool]:
        """The number of a value, a new one at its first time."""
        digest = hmac.new(self._key, value, sha256).hexdigest()
        if digest not in self._known:
            self._known[digest] = (len(self._known) + 1, secret)
            self.added.append((digest, secret))
        return self._known[digest]


class Redactor:
    """Walks values with the allow-list.

    Args:
        numbers: gives equal values equal numbers.
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def value(self, value: Any, rule: Rule | None, source: str = "", secret: bool = False) -> Any:
        """A JSON value with everything redacted that the rule does not let stay.

        Args:
            value: what `json.loads` gives.
            rule: the rule of the place, None where nothing is known.
            source: the module's public source, for the kind `source`.
            secret: whether even lengths are withheld.
        """
        rule = rule or NOTHING
        secret = secret or rule.kind == SECRET
        if value is None or (value == "" and isinstance(value, str)):
            return value
        if isinstance(value, list):
            return [self.value(item, rule, source, secret) for item in value]
        if isinstance(value, dict):
            return self._mapping(value, rule, source, secret)
        if not secret and rule.allows(value, source):
            return value
        shown = self._placeholder(value, secret)
        if rule.kind == CONTROLLER:
            return {key: shown[key] for key in (MARK, "n") if key in shown}
        return shown

    def text(self, text: str, secret: bool = False) -> Any:
        """A text of which nothing is known to be harmless; empty stays empty."""
        return self.value(text, None, secret=secret)

    def content(self, length: int, digests: Mapping[str, str]) -> dict[str, Any]:
        """Placeholder of a file's content, which stands for the texts of its digests too.

        Args:
            length: bytes.
            digests: hexadecimal digests by algorithm.
        """
        found: dict[str, Any] = {MARK: "bytes", "length": length}
        for name, digest in sorted(digests.items()):
            found[name] = self.value(digest, None)
        return found

    def _mapping(self, value: Mapping[str, Any], rule: Rule, source: str, secret: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in value.items():
            below = rule.below(str(key))
            if below is not None and below.kind == RANDOM:
                continue
            if rule.knows(str(key)):
                name = str(key)
            else:
                name = f"{KEY_MARK}{self._number('str', str(key), False)[0]}"
            hidden = secret or (below is None and SECRET_NAMES.search(str(key)) is not None)
            found[name] = self.value(item, below, source, hidden)
        return found

    def _placeholder(self, value: Any, secret: bool) -> dict[str, Any]:
        kind = type(value).__name__
        if isinstance(value, bool):
            return {MARK: kind}  # a number would tell which of the two it is
        number, known_secret = self._number(kind, value, secret)
        if not isinstance(value, str):
            return {MARK: kind, "n": number}
        if known_secret:
            return {MARK: kind, "secret": True, "n": number}
        form = form_of(value)
        return {MARK: kind, **({"form": form} if form else {}), "length": len(value), "n": number}

    def _number(self, kind: str, value: Any, secret: bool) -> tuple[int, bool]:
        return self._numbers.number(f"{kind}:{json.dumps(value)}".encode(), secret)


def form_of(text: str) -> str:
    """What a text looks like, empty when it looks like nothing in particular."""
    return next((name for name, pattern in _FORMS if pattern.fullmatch(text)), "")


def is_placeholder(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a value of a transcript is a placeholder."""
    return isinstance(value, dict) and MARK in value


def has_placeholder(value: Any) -> bool:
    """Whether anything in a value, its keys included, is redacted."""
    if isinstance(value, dict):
        return is_placeholder(value) or any(
            key.startswith(KEY_MARK) or has_placeholder(item) for key, item in value.items()
        )
    return isinstance(value, list) and any(map(has_placeholder, value))
