"""Documents are checked against the schemas in the package before they are written."""

import json

import pytest
from jsonschema import Draft202012Validator

from mim2ecma.documents.errors import DocumentError
from mim2ecma.documents.schemas import DOCUMENTS, dumps, schema, schema_name, validate
from mim2ecma.management_agent.model import Source
from mim2ecma.readiness import Inspection


@pytest.fixture
def document():
    return Inspection(Source(path="a.xml"), None, ()).to_dict()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_schema_is_a_valid_schema_of_its_document(name):
    content = schema(name)
    Draft202012Validator.check_schema(dict(content))
    assert content["properties"]["schema"]["const"] == schema_name(name) == f"mim2ecma.{name}/1"


def test_there_is_no_other_document():
    with pytest.raises(KeyError):
        schema("../inspection")


def test_an_inspection_follows_its_schema(document):
    validate("inspection", document)


def test_a_document_is_written_in_one_way(document):
    text = dumps("inspection", document)
    assert json.loads(text) == document
    assert text == dumps("inspection", json.loads(text))
    assert text.endswith("}\n")
    assert text.isascii()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verdict": "perhaps"}, "out.json: verdict: a value that breaks the rule 'enum'"),
        ({"more": 1}, "out.json: (top): a value that breaks the rule 'additionalProperties'"),
        ({"findings": [{}]}, "out.json: findings/0: a value that breaks the rule 'required'"),
    ],
)
def test_a_wrong_document_is_not_written_and_not_quoted(document, change, message):
    with pytest.raises(DocumentError) as caught:
        dumps("inspection", {**document, **change}, source="out.json")
    assert str(caught.value).startswith(message)
    assert "perhaps" not in str(caught.value)


def test_a_secret_in_a_wrong_document_is_not_in_the_error(document):
    document["source"]["bytes"] = "hunter2"
    with pytest.raises(DocumentError) as caught:
        validate("inspection", document)
    assert "hunter2" not in str(caught.value)
