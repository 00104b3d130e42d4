"""The answer sheet as an operator uses it: `pages[{page, fields[{field, value, ...}]}]`.

Pages and fields are those of the ECMA host's wizard (domain/ecma_host.md 2.1); case and runs of blanks do not
matter, nor does a remark in brackets after one of the wizard's own fields ("Autosync timer (minutes)"). The
names of a connector's parameters are taken whole: real ones differ in their brackets alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from winlab.errors import WinlabError

_REMARK = re.compile(r"\s*\([^()]*\)\s*$")
_TRUE = frozenset({"1", "true", "yes", "on", "ticked", "selected"})
_FALSE = frozenset({"0", "false", "no", "off", "unticked", "not selected", ""})


class Answers:
    """What stands on the sheet; remembers what was asked for.

    Args:
        document: the parsed JSON.
        source: its name, for messages.

    Raises:
        WinlabError: it is no answer sheet.
    """

    def __init__(self, document: Any, source: str = "answers") -> None:
        self.source = source
        self._values: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._shown: dict[tuple[str, str], str] = {}
        self._asked: set[tuple[str, str]] = set()
        pages = document.get("pages") if isinstance(document, dict) else None
        if not isinstance(pages, list):
            raise WinlabError(
                f"{source}: answers: no list `pages`; expected pages[{{page, fields[]}}]. Name another file."
            )
        for page in pages:
            self._read_page(page)

    def _read_page(self, page: Any) -> None:
        fields = page.get("fields") if isinstance(page, dict) else None
        if not isinstance(fields, list) or not isinstance(page.get("page"), str):
            raise WinlabError(
                f"{self.source}: pages: an entry without `page` and `fields`; expected both. Correct it."
            )
        for field in fields:
            if not isinstance(field, dict) or not isinstance(field.get("field"), str):
                raise WinlabError(
                    f"{self.source}: {page['page']}: a field without a name; expected `field`. Correct it."
                )
            key = _normal(page["page"]), _normal(field["field"])
            if key in self._values:
                raise WinlabError(
                    f"{self.source}: {page['page']}: {field['field']}: answered twice; expected one answer. "
                    "Remove one."
                )
            self._values[key] = field
            self._shown[key] = f"{page['page']}: {field['field']}"

    def type_in(self, page: str, field: str, value: str) -> None:
        """Put in what the sheet leaves to the operator, such as a secret."""
        key = _normal(page), _normal(field)
        self._values[key] = {**self._values.get(key, {}), "value": value}
        self._shown.setdefault(key, f"{page}: {field}")

    def parameter(self, page: str, name: str) -> Mapping[str, Any] | None:
        """The field of exactly that name, if it is on the sheet."""
        key = _normal(page), _normal(name)
        if key not in self._values:
            return None
        self._asked.add(key)
        return self._values[key]

    def field(self, page: str, name: str) -> Mapping[str, Any] | None:
        """One of the wizard's own fields, if it is on the sheet, with or without a remark in brackets."""
        wanted = _normal(page), _normal(name)
        for key in (wanted, *self._values):
            if key in self._values and (key[0], _normal(_REMARK.sub("", key[1]))) == wanted:
                self._asked.add(key)
                return self._values[key]
        return None

    def text(self, page: str, name: str) -> str:
        """The answer to one of the wizard's own fields as text, empty for nothing written."""
        found = self.field(page, name)
        return "" if found is None else as_text(found.get("value"))

    def ticked(self, page: str, name: str, default: bool = False) -> bool:
        """The answer as a tick.

        Raises:
            WinlabError: it is neither yes nor no.
        """
        found = self.field(page, name)
        if found is None or found.get("value") is None:
            return default
        return self.as_tick(page, name, found["value"])

    def as_tick(self, page: str, name: str, value: Any) -> bool:
        """A value as a tick."""
        word = str(value).strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise WinlabError(f"{self.source}: {page}: {name}: {value!r}; expected true or false. Correct it.")

    def fields(self, page: str) -> list[Mapping[str, Any]]:
        """All fields of a page in their order."""
        found = [key for key in self._values if key[0] == _normal(page)]
        self._asked.update(found)
        return [self._values[key] for key in found]

    def unused(self) -> list[str]:
        """What stands on the sheet and was never asked for, `page: field`."""
        return [self._shown[key] for key in self._values if key not in self._asked]


def as_text(value: Any) -> str:
    """A value as the connector gets it: a tick is 1 or 0."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else str(value)


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()
