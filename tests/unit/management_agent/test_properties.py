"""For generated agents: what goes into an export comes out of it. For mutated ones: nothing but documented errors."""

import random
import string
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

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


SWITCHES = st.sampled_from(
    [(None, None), ("", None), ("0", False), ("1", True), ("-1", True), ("TRUE", True)]
)
MODES = st.sampled_from(["call-based", "file-based", "n"])
NUMBERS = st.one_of(st.none(), st.integers(0, 2**32 - 1))
FLOWS = st.lists(st.tuples(NAMES, NAMES, TEXTS), max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    filename=NAMES,
    imports=SWITCHES,
    exports=SWITCHES,
    modes=st.tuples(MODES, MODES),
    version=st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,4}){3}", fullmatch=True),
    bits=NUMBERS,
    mask=NUMBERS,
    discovered=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    constants=FLOWS,
    anchors=st.dictionaries(NAMES, st.lists(NAMES, min_size=1, max_size=2), max_size=3),
    chosen=st.one_of(st.none(), st.dictionaries(NAMES, st.booleans(), min_size=1, max_size=4)),
    rules_dll=TEXTS,
)
def test_settings_come_out_as_they_went_in(
    filename, imports, exports, modes, version, bits, mask, discovered, constants, anchors, chosen, rules_dll
):
    tags = ("discovery-schema", "discovery-partition", "discovery-hierarchy")
    importing = "".join(
        f"<class><name>{escape(name)}</name><anchor>"
        + "".join(f"<attribute>{escape(item)}</attribute>" for item in names)
        + "</anchor></class>"
        for name, names in anchors.items()
    )
    wizard = "".join(
        f"<attribute cd_name={quoteattr(name)} selected='{-int(on)}'/>" for name, on in (chosen or {}).items()
    )
    flows = "".join(
        f"<export-flow-set cd-object-type={quoteattr(kind)}><export-flow cd-attribute={quoteattr(attribute)}>"
        f"<constant-mapping><constant-value>{escape(text)}</constant-value></constant-mapping></export-flow>"
        "</export-flow-set>"
        for kind, attribute, text in constants
    )
    text = export(
        filename=filename,
        import_enabled=imports[0],
        export_enabled=exports[0],
        import_mode=modes[0],
        export_mode=modes[1],
        assembly_version=version,
        bits=None if bits is None else str(bits),
        mask=None if mask is None else f"{mask:x}",
        extension_xml="".join(
            f"<{tag}>extensibility</{tag}>" for tag, there in zip(tags, discovered, strict=True) if there
        ),
        private_xml=f"<importing><per-class-settings>{importing}</per-class-settings></importing>"
        f"<ui-data><xmlwizard><attributes>{wizard}</attributes></xmlwizard></ui-data>",
        flows_xml=f"<export-attribute-flow>{flows}</export-attribute-flow>",
        rules_dll=rules_dll,
    )
    agent = read(text.encode()).agent
    extension, capabilities = agent.configuration.extension, agent.capabilities
    assert extension.filename == filename
    assert (extension.import_enabled, extension.export_enabled) == (imports[1], exports[1])
    assert (extension.import_mode, extension.export_mode) == modes
    assert extension.assembly_version == version
    assert (
        extension.discovers_schema,
        extension.discovers_partitions,
        extension.discovers_hierarchy,
    ) == discovered
    assert (capabilities.bits and capabilities.bits.value) == bits
    assert (capabilities.mask and capabilities.mask.value) == mask
    assert [(item.object_type, item.attribute, item.text) for item in agent.rules.constants] == constants
    assert agent.configuration.anchors == {name: tuple(names) for name, names in anchors.items()}
    assert agent.configuration.selected_in_wizard == (
        None if chosen is None else {name for name, on in chosen.items() if on}
    )
    assert agent.rules.extension_dll == (rules_dll or None)


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


SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"
LARGEST_SAMPLE = 200_000  # bytes; the larger one is mutated in the slow suite, each time costs a second
SAMPLE_SEEDS = range(100)


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(SAMPLES.rglob("*.xml")) if path.stat().st_size <= LARGEST_SAMPLE]
    or [pytest.param(None, marks=pytest.mark.skip(reason=f"{SAMPLES} is not there"))],
    ids=lambda path: path.name if path else "none",
)
def test_a_mutated_sample_never_raises_anything(path):
    base = path.read_bytes()
    for seed in SAMPLE_SEEDS:
        validate("inspection", inspect(mutate(base, random.Random(seed))).to_dict())
