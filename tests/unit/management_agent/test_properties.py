"""For generated agents: what goes into an export comes out of it. For mutated ones: nothing but documented errors."""

import random
import string

import pytest
from export_builder import (
    ANCHOR,
    Attribute,
    Definition,
    Dsml,
    Partition,
    Step,
    Value,
    export,
    import_flow,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import mutate

from mim2ecma.documents.schemas import validate
from mim2ecma.management_agent import read
from mim2ecma.management_agent.model import Operations
from mim2ecma.readiness import inspect

# Characters that XML 1.0 can hold; names are trimmed when read, so they begin and end with something visible.
CHARACTERS = st.characters(
    min_codepoint=0x20, max_codepoint=0x2FFFF, exclude_categories=("Cs", "Cc", "Cn", "Co")
)
TEXTS = st.text(CHARACTERS, max_size=20).map(str.strip)
NAMES = st.text(CHARACTERS, min_size=1, max_size=20).map(lambda text: f"n{text}n")
SYNTAXES = {
    "string": "1.3.6.1.4.1.1466.115.121.1.15",
    "binary": "1.3.6.1.4.1.1466.115.121.1.5",
    "boolean": "1.3.6.1.4.1.1466.115.121.1.7",
    "number": "1.3.6.1.4.1.1466.115.121.1.27",
    "reference": "1.3.6.1.4.1.1466.115.121.1.12",
    "unknown": "1.2.3.4",
}
OPERATIONS = {
    None: Operations.IMPORT_EXPORT,
    "ImportOnly": Operations.IMPORT_ONLY,
    "ExportOnly": Operations.EXPORT_ONLY,
    "ImportExport": Operations.IMPORT_EXPORT,
}
ATTRIBUTES = st.builds(
    Attribute,
    name=NAMES,
    syntax=st.sampled_from(sorted(SYNTAXES.values())),
    single=st.sampled_from(["true", "false", None]),
    operations=st.sampled_from(list(OPERATIONS)),
    anchor=st.booleans(),
    required=st.booleans(),
    selected=st.booleans(),
)
VALUES = st.builds(
    Value,
    name=NAMES,
    text=TEXTS,
    type=st.sampled_from(["string", "text", "checkbox", "drop-down", "encrypted-string"]),
    use=st.sampled_from(["connectivity", "global", "schema"]),
    page=st.one_of(st.none(), st.integers(0, 99)),
    encrypted=st.booleans(),
)
DSMLS = st.sampled_from([Dsml(), Dsml("d", "x"), Dsml("", "m")])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=NAMES,
    description=TEXTS,
    attributes=st.lists(ATTRIBUTES, max_size=6, unique_by=lambda item: item.name),
    values=st.lists(VALUES, max_size=4),
    definitions=st.lists(st.builds(Definition, name=NAMES, default=TEXTS, validation=TEXTS), max_size=3),
    partitions=st.lists(
        st.builds(Partition, name=NAMES, selected=st.booleans(), object_types=st.lists(NAMES, max_size=3)),
        max_size=3,
    ),
    runs=st.dictionaries(NAMES, st.lists(st.builds(Step, type=NAMES), max_size=2), max_size=3),
    dsml=DSMLS,
    flows=st.integers(0, 5),
)
def test_what_goes_into_an_export_comes_out(
    name, description, attributes, values, definitions, partitions, runs, dsml, flows
):
    class_name = name + "class"
    text = export(
        name=name,
        description=description,
        classes={class_name: attributes, "other": [ANCHOR]},
        values=values,
        definitions=definitions,
        partitions=partitions,
        runs=runs,
        dsml=dsml,
        metaverse=import_flow("{77777777-0000-0000-0000-000000000000}") * flows,
    )
    result = read(text.encode())
    # What is selected was drawn at random, so it need not be in the schema; everything else fits together.
    assert [item for item in result.findings if item.where != "ma-partition-data"] == []
    agent = result.agent
    kinds = {oid: kind for kind, oid in SYNTAXES.items()}
    assert agent.name == name
    assert agent.description == (description or None)
    assert [item.name for item in agent.schema.object_types] == [class_name, "other"]
    assert [
        (
            item.name,
            item.type.value,
            item.single_valued,
            item.operations,
            item.anchor,
            item.required,
            item.selected,
        )
        for item in agent.schema.object_types[0].attributes
    ] == [
        (
            item.name,
            kinds[item.syntax],
            item.single == "true",
            OPERATIONS[item.operations],
            item.anchor,
            item.required,
            item.selected,
        )
        for item in attributes
    ]
    assert [
        (item.name, item.use, item.page, item.type, item.text) for item in agent.configuration.parameters
    ] == [(item.name, item.use, item.page, item.type, item.text) for item in values]
    assert [item.encrypted for item in agent.configuration.parameters] == [
        item.encrypted or item.type == "encrypted-string" for item in values
    ]
    assert [(item.name, item.default, item.validation) for item in agent.configuration.definitions] == [
        (item.name, item.default, item.validation) for item in definitions
    ]
    assert [(item.name, item.selected, list(item.object_types)) for item in agent.partitions] == [
        (item.name, item.selected, list(item.object_types)) for item in partitions
    ]
    assert [(item.name, [step.type for step in item.steps]) for item in agent.run_profiles] == [
        (profile, [step.type for step in steps]) for profile, steps in runs.items()
    ]
    assert agent.rules.foreign_import_flows == flows


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(VALUES, max_size=4),
    secret=st.text(string.ascii_letters + string.digits, min_size=12, max_size=20).map("s3cr-".__add__),
)
def test_no_document_holds_an_encrypted_value(values, secret):
    hidden = [Value(f"p{number}", secret, "encrypted-string", encrypted=True) for number in range(2)]
    document = inspect(
        export(values=[*values, *hidden], partitions=[Partition(values=hidden)]).encode()
    ).to_dict()
    validate("inspection", document)
    if not any(secret in item.text or secret in item.name for item in values):
        assert secret not in str(document)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_give_a_document(content):
    validate("inspection", inspect(content).to_dict())


SEEDS = range(250)


@pytest.mark.parametrize("number", range(4))
def test_a_mutated_export_never_raises_anything(number):
    base = export(
        attributes=[Attribute("colour"), Attribute("size", operations="ImportOnly")],
        values=[
            Value("Script", "Import-Module A\n$x = 'C:\\a.ps1'", "text"),
            Value("Url", "https://a.example:1/b"),
        ],
        metaverse=import_flow("{77777777-0000-0000-0000-000000000000}"),
        packaged=number == 1,
        category="AD" if number == 2 else "Extensible2",
        wrapper="ma-data" if number == 3 else "export-ma",
    ).encode()
    for seed in SEEDS:
        generator = random.Random(seed * 4 + number)
        validate("inspection", inspect(mutate(base, generator)).to_dict())
