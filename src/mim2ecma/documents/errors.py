"""Errors for people: where it happened, what was found, what was expected, what to do next."""

from __future__ import annotations

from mim2ecma.documents.printable import printable


class Mim2EcmaError(Exception):
    """Base of every error that this package raises on purpose.

    The text is part of the interface: `<source>: <where>: <found>; expected <expected>. <next_step>`.
    Everything in it is made printable, because parts of it come from files and hosts.

    Attributes:
        source: File or host the error speaks of.
        where: Place inside it.
        found: What was found there.
        expected: What should have been there.
        next_step: What a person should do, a full sentence.
    """

    def __init__(self, *, source: str, where: str, found: str, expected: str, next_step: str) -> None:
        self.source = printable(source)
        self.where = printable(where)
        self.found = printable(found)
        self.expected = printable(expected)
        self.next_step = printable(next_step)
        super().__init__(source, where, found, expected, next_step)

    def __str__(self) -> str:
        return f"{self.source}: {self.where}: {self.found}; expected {self.expected}. {self.next_step}"

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders when a folder is read; keyword-only constructors need help there.
        keys = ("source", "where", "found", "expected", "next_step")
        return (_rebuild, (type(self), {key: getattr(self, key) for key in keys}))


def _rebuild(kind: type[Mim2EcmaError], values: dict[str, str]) -> Mim2EcmaError:
    return kind(**values)


class InputError(Mim2EcmaError):
    """A file cannot be read at all (missing, a folder, no permission)."""


class UsageError(Mim2EcmaError):
    """An option has a value that makes no sense."""


class DocumentError(Mim2EcmaError):
    """A document does not follow its JSON Schema; nothing is written then."""
