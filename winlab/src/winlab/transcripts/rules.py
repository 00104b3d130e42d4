"""Which fields may stay in a transcript: the allow-list of `allowed.json`, as trees to walk values with.

A field is named by its path, `stat.exists`; lists are walked through without a mark, `*` stands for any key.
Whatever has no path there is redacted, its name included.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FILE = "allowed.json"
ANY_KEY = "*"
SECRET = "secret"  # noqa: S105  (a kind of rule)
RANDOM = "random"
SOURCE = "source"
CONTROLLER = "controller"
# Exit codes and seconds; a larger number may be a telephone number, a PIN or a date.
LARGEST_CODE = 65_535
# A shorter text may stand in a module's source by accident.
SHORTEST_SOURCE_TEXT = 16
_VERSION = re.compile(r"\d{1,5}(?:\.\d{1,6}){0,3}", re.ASCII)
_SWITCH_WORDS = frozenset({"yes", "no", "true", "false", "on", "off"})  # what Ansible takes for a boolean
# Names of options that hold secrets in modules that the list does not know.
SECRET_NAMES = re.compile(r"pass|secret|token|credential|private|key|pin\b|cert", re.IGNORECASE)


@dataclass
class Rule:
    """What may stay at one place, and below it.

    Attributes:
        kind: a kind of `allowed.json`, None for nothing at all.
        words: the words of kind `choice`, in lower case.
        fields: rules of the keys that are known.
    """

    kind: str | None = None
    words: frozenset[str] = frozenset()
    fields: dict[str, Rule] = field(default_factory=dict)

    def below(self, key: str) -> Rule | None:
        """The rule of a key, None when the key itself is not known to be harmless."""
        return self.fields.get(key) or self.fields.get(ANY_KEY)

    def knows(self, key: str) -> bool:
        """Whether the key may stay as it is."""
        return key in self.fields

    def allows(self, value: Any, source: str = "") -> bool:  # noqa: PLR0911  (a table of kinds)
        """Whether the value may stay as it is. `source` is the public text of the module."""
        kind = self.kind
        if kind == "switch":
            # async_wrapper.ps1 writes 0 and 1.
            return value in (0, 1) or (isinstance(value, str) and value.lower() in _SWITCH_WORDS)
        if kind in ("code", "count"):
            return _is_small(value)
        if not isinstance(value, str):
            return False
        if kind == "choice":
            return value.lower() in self.words
        if kind == "version":
            return _VERSION.fullmatch(value) is not None
        if kind == "well_known":
            return value.lower() in allowed().well_known
        return kind == SOURCE and len(value) >= SHORTEST_SOURCE_TEXT and " " in value and value in source


NOTHING = Rule()
ONLY_SWITCHES = Rule(
    fields={name: Rule("switch") for name in ("changed", "failed", "skipped", "unreachable")}
)


@dataclass(frozen=True)
class KnownScript:
    """A PowerShell text that Ansible itself builds; its named groups are redacted."""

    name: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Allowed:
    """The whole allow-list."""

    well_known: frozenset[str]
    helpers: Mapping[str, Rule]
    scripts: tuple[KnownScript, ...]
    _arguments: Mapping[str, Rule]
    _results: Mapping[str, Rule]
    _common: Rule

    def arguments(self, module: str) -> Rule:
        """The rule of a module's arguments."""
        return self._arguments.get(module, NOTHING)

    def results(self, module: str, job: str = "") -> Rule:
        """The rule of what a module prints: its own fields, those of every module, its arguments once more.

        Args:
            module: the module.
            job: for async_status, the module whose result it hands on.
        """
        own, handed = self._results.get(module, NOTHING), self._results.get(job, NOTHING)
        invocation = Rule("name", fields={"module_args": self.arguments(job or module)})
        return Rule(fields={**self._common.fields, **handed.fields, **own.fields, "invocation": invocation})

    def modules(self) -> list[str]:
        """The modules that have rules of their own."""
        return sorted(self._arguments)


@functools.cache
def allowed() -> Allowed:
    """The allow-list of this version of winlab."""
    data = document()
    return Allowed(
        well_known=frozenset(text.lower() for text in data["well_known"]),
        helpers={name: _tree(fields) for name, fields in data["helpers"].items()},
        scripts=tuple(
            KnownScript(name, re.compile(item["pattern"])) for name, item in sorted(data["scripts"].items())
        ),
        _arguments={name: _tree(item["arguments"]) for name, item in data["modules"].items()},
        _results={name: _tree(item["results"]) for name, item in data["modules"].items()},
        _common=_tree(data["common"]["results"]),
    )


def document() -> dict[str, Any]:
    """The data as it is written."""
    text = importlib.resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def _tree(fields: Mapping[str, Any]) -> Rule:
    root = Rule()
    for path, entry in fields.items():
        node = root
        for part in path.split("."):
            node = node.fields.setdefault(part, Rule())
        if isinstance(entry, dict):
            node.kind, node.words = "choice", frozenset(word.lower() for word in entry["choice"])
        else:
            node.kind = entry
    return root


def _is_small(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        return value.isascii() and value.isdigit() and len(value) <= len(str(LARGEST_CODE))
    return isinstance(value, int) and -1 <= value <= LARGEST_CODE
