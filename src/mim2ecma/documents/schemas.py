"""JSON Schemas of the documents, shipped as package data, and the check that runs before one is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from mim2ecma.documents.errors import DocumentError

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

DOCUMENTS: Final = ("inspection", "closure", "plan", "record")
"""Documents with a schema here (docs/architecture.md, "The run folder")."""


@cache
def schema(document: str) -> Mapping[str, Any]:
    """Read the JSON Schema of one document.

    Args:
        document: One of `DOCUMENTS`.

    Returns:
        The schema as parsed JSON; treat it as read-only.

    Raises:
        KeyError: When there is no such document.
    """
    if document not in DOCUMENTS:
        raise KeyError(document)
    from importlib import resources  # noqa: PLC0415  (slow to import, needed only when writing)

    text = (
        resources.files("mim2ecma.documents")
        .joinpath("schemas", f"{document}.schema.json")
        .read_text("utf-8")
    )
    loaded: Mapping[str, Any] = json.loads(text)
    return loaded


def schema_name(document: str) -> str:
    """The value of a document's `schema` key: `mim2ecma.<document>/1`."""
    return f"mim2ecma.{document}/1"


def validate(document: str, content: Mapping[str, Any], *, source: str = "document") -> None:
    """Check a document against its schema; call it right before writing.

    Args:
        document: One of `DOCUMENTS`.
        content: The document.
        source: File or host to name in the error.

    Raises:
        DocumentError: Naming the first place, in document order, that does not follow the schema. Values are
            not quoted, since a document may hold what must not be shown.
    """
    errors = sorted(
        _validator(document).iter_errors(content), key=lambda error: [str(part) for part in error.path]
    )
    if errors:
        first = errors[0]
        place = "/".join(str(part) for part in first.absolute_path) or "(top)"
        raise DocumentError(
            source=source,
            where=place,
            found=f"a value that breaks the rule '{first.validator}' of the schema {schema_name(document)}",
            expected=_expectation(str(first.validator), first.validator_value),
            next_step="This is a defect of the program that made the document; please report it.",
        )


def dumps(document: str, content: Mapping[str, Any], *, source: str = "document") -> str:
    """Validate a document and turn it into its one textual form.

    Args:
        document: One of `DOCUMENTS`.
        content: The document.
        source: File or host to name in the error.

    Returns:
        JSON in ASCII with two blanks of indentation and a final line feed; same content, same bytes.

    Raises:
        DocumentError: As `validate`.
    """
    validate(document, content, source=source)
    return json.dumps(content, indent=2, ensure_ascii=True) + "\n"


def _expectation(rule: str, value: object) -> str:
    if rule in {"enum", "const", "type", "pattern", "required", "minLength"}:
        return f"{rule} {json.dumps(value)}"
    return f"what the schema's '{rule}' says"


@cache
def _validator(document: str) -> Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415  (slow to import, needed only when writing)

    return Draft202012Validator(dict(schema(document)))
