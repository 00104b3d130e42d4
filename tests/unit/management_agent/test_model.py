"""What stands in an export stands in the model: schema, configuration, capabilities, partitions, rules."""

import pytest
from export_builder import (
    ANCHOR,
    BINARY,
    BOOLEAN,
    COLOUR,
    MA_ID,
    NUMBER,
    PARTITION_ID,
    PASSWORD,
    REFERENCE,
    STRING,
    Attribute,
    Definition,
    Partition,
    Step,
    Value,
    export,
    import_flow,
)

from mim2ecma.management_agent import read
from mim2ecma.management_agent.capabilities import DnStyle, decode, read_capabilities
from mim2ecma.management_agent.elements import is_true, whole_number
from mim2ecma.management_agent.model import Operations, ValueType


def agent(**options):
    result = read(export(**options).encode())
    assert result.agent is not None, result.findings
    return result.agent


def attribute(item):
    return agent(attributes=[item]).schema.object_types[0].attributes[1]


# Schema (domain/ma_xml.md 6) -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("syntax", "kind"),
    [
        (STRING, "string"),
        ("1.3.6.1.4.1.1466.115.121.1.44", "string"),
        ("1.2.840.113556.1.4.1221", "string"),
        (BINARY, "binary"),
        (BOOLEAN, "boolean"),
        (NUMBER, "number"),
        ("1.2.840.113556.1.4.906", "number"),
        (REFERENCE, "reference"),
        ("1.3.6.1.4.1.1466.115.121.1.24", "datetime"),
        ("1.2.3", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_syntax_is_a_kind_of_value(syntax, kind):
    assert attribute(Attribute("a", syntax=syntax)).type is ValueType(kind)


@pytest.mark.parametrize(
    ("operation", "operations"),
    [
        (None, Operations.IMPORT_EXPORT),
        ("ImportExport", Operations.IMPORT_EXPORT),
        ("ImportOnly", Operations.IMPORT_ONLY),
        ("exportonly", Operations.EXPORT_ONLY),
        ("Sideways", Operations.UNKNOWN),
    ],
)
def test_directions_come_from_the_reference(operation, operations):
    assert attribute(Attribute("a", operations=operation)).operations is operations


@pytest.mark.parametrize(("single", "expected"), [("true", True), ("false", False), (None, False)])
def test_single_valued_is_said_by_the_type(single, expected):
    assert attribute(Attribute("a", single=single)).single_valued is expected


@pytest.mark.parametrize(
    ("item", "usable"),
    [
        (Attribute("a"), True),
        (Attribute("a", selected=False), True),
        (Attribute("a", single="false"), False),
        (Attribute("a", syntax=NUMBER), False),
        (Attribute("a", operations="ImportOnly"), False),
        (Attribute("a", operations="ExportOnly"), False),
        (Attribute("a", anchor=True), False),
    ],
)
def test_usable_is_single_valued_string_both_ways_and_not_the_anchor(item, usable):
    assert attribute(item).usable is usable


def test_export_password_is_never_usable():
    items = {item.name: item for item in agent().schema.object_types[0].attributes}
    assert not items["export_password"].usable
    assert items["export_password"].encrypted


def test_the_name_counts_and_the_id_only_leads_to_it():
    named = Attribute("mail", id="A17")
    schema = agent(classes={"Person": [named]}, class_ids={"Person": "C0"}).schema
    assert schema.object_types[0].name == "Person"
    assert schema.object_types[0].attributes[0].name == "mail"
    assert schema.object_types[0].attributes[0].selected


def test_one_attribute_has_another_direction_in_another_class():
    classes = {"person": [ANCHOR, COLOUR], "badge": [Attribute("colour", operations="ImportOnly")]}
    person, badge = agent(classes=classes).schema.object_types
    assert person.attributes[1].operations is Operations.IMPORT_EXPORT
    assert badge.attributes[0].operations is Operations.IMPORT_ONLY


def test_anchors_are_those_marked_else_those_of_the_wizard():
    assert agent().schema.object_types[0].anchor == ("badgeNo",)
    unmarked = {"person": [Attribute("badgeNo", anchor=None), Attribute("colour", anchor=None)]}
    settings = (
        "<importing><per-class-settings><class><name>person</name><anchor><attribute>colour</attribute>"
        "</anchor></class></per-class-settings></importing>"
    )
    assert agent(classes=unmarked, private_xml=settings).schema.object_types[0].anchor == ("colour",)
    older = "<importing><anchor><attribute object_class='person'>badgeNo</attribute></anchor></importing>"
    assert agent(classes=unmarked, private_xml=older).schema.object_types[0].anchor == ("badgeNo",)
    assert agent(classes=unmarked).schema.object_types[0].anchor == ()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (('ref="#colour"', 'ref="#gone"'), "references to attribute types that do not exist: person/gone"),
        (('ref="#colour"', 'ref="#badgeNo"'), "the same name or id more than once: reference person/badgeNo"),
        (
            ('attribute-type id="colour"', 'attribute-type id="badgeNo"'),
            "more than once: attribute type badgeNo",
        ),
        (
            ('ref="#colour"', 'ref="#colour" ms-dsml:allowedOperation="?"'),
            "an unknown allowedOperation: person/colour",
        ),
    ],
)
def test_what_does_not_fit_together_is_a_finding_and_no_crash(change, found):
    text = export()
    assert change[0] in text
    findings = read(text.replace(*change).encode()).findings
    assert [(item.id, item.severity.value) for item in findings][:1] == [("R13", "warning")]
    assert any(found in item.found for item in findings)


def test_a_class_twice_is_a_finding():
    findings = read(export(classes={"person": [ANCHOR, COLOUR], "Person": [ANCHOR]}).encode()).findings
    assert [item.found for item in findings] == ["object types of the same name: Person"]


def test_many_dangling_references_are_counted():
    text = export(attributes=[Attribute(f"a{number}") for number in range(30)]).replace(
        'ref="#a', 'ref="#gone'
    )
    assert read(text.encode()).findings[0].found.endswith("person/gone9 and 20 more")


def test_other_categories_are_counted_not_modelled():
    schema = agent(category="AD").schema
    assert (schema.object_types, schema.object_type_count, schema.attribute_type_count) == ((), 1, 3)
    assert agent(category="AD", schema_xml="").schema.object_type_count == 0


def test_an_absent_schema_is_empty():
    assert agent(schema_xml="").schema.object_types == ()


# Configuration (7) -----------------------------------------------------------------------------------------------


def test_extension_config_is_read_and_trimmed():
    extension = agent(
        filename="  With blank.dll \n",
        extension_xml="<discovery-partition>extensibility</discovery-partition>"
        "<password-management-enabled>1</password-management-enabled>"
        "<import-max-page-size>500</import-max-page-size><discovery-schema> </discovery-schema>",
    ).configuration.extension
    assert extension.filename == "With blank.dll"
    assert extension.assembly_version == "1.2.3.4"
    assert (extension.import_enabled, extension.export_enabled) == (True, True)
    assert (extension.import_mode, extension.export_mode) == ("call-based", "call-based")
    assert (extension.discovers_partitions, extension.discovers_schema, extension.discovers_hierarchy) == (
        True,
        False,
        False,
    )
    assert extension.manages_passwords
    assert extension.page_sizes == {"import-max-page-size": "500"}


def test_parameters_come_with_page_and_encryption():
    values = [
        Value("Host: [a] 'b'?", "x"),
        Value("Key", "id", "drop-down", "schema", page=2),
        Value("Secret", "", "encrypted-string", encrypted=True),
        Value("Older", "", "string", encrypted=True),
    ]
    parameters = agent(values=values).configuration.parameters
    assert [
        (item.name, item.use, item.page, item.type, item.encrypted, item.text) for item in parameters
    ] == [
        ("Host: [a] 'b'?", "connectivity", None, "string", False, "x"),
        ("Key", "schema", 2, "drop-down", False, "id"),
        ("Secret", "connectivity", None, "encrypted-string", True, ""),
        ("Older", "connectivity", None, "string", True, ""),
    ]


def test_a_value_never_shows_in_a_representation():
    result = agent(
        values=[Value("Secret", "hunter2")],
        definitions=[Definition("d", default="hunter2")],
        flows_xml="<export-attribute-flow><export-flow-set cd-object-type='p'><export-flow cd-attribute='a'>"
        "<constant-mapping><constant-value>hunter2</constant-value></constant-mapping></export-flow>"
        "</export-flow-set></export-attribute-flow>",
    )
    assert result.rules.constants[0].text == "hunter2"
    assert "hunter2" not in repr(result)


def test_definitions_keep_choices_and_defaults():
    item = agent(
        definitions=[Definition("Mode", "drop-down", "global", "A", "A,B", 3)]
    ).configuration.definitions[0]
    assert (item.name, item.type, item.use, item.default, item.validation, item.page) == (
        "Mode",
        "drop-down",
        "global",
        "A",
        "A,B",
        3,
    )


def test_definitions_and_values_may_be_missing():
    text = export(values=(), definitions=()).replace("<parameter-values></parameter-values>", "")
    text = text.replace('<parameter-definitions refreshSchema="0"></parameter-definitions>', "")
    configuration = read(text.encode()).agent.configuration
    assert (configuration.definitions, configuration.parameters) == ((), ())


def test_a_second_dll_for_passwords_is_known():
    configuration = agent(password_dll="Second.dll").configuration
    assert (configuration.password_extension_dll, configuration.password_extension_enabled) == (
        "Second.dll",
        False,
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", True),
        ("-1", True),
        ("TRUE", True),
        ("0", False),
        ("false", False),
        ("", None),
        (None, None),
        ("2", None),
    ],
)
def test_booleans_come_in_several_spellings(text, value):
    assert is_true(text) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("007", 7),
        ("", None),
        (None, None),
        ("-1", None),
        ("١", None),
        ("9" * 5000, None),
        ("x", None),
    ],
)
def test_numbers_are_small_and_plain(text, value):
    assert whole_number(text) == value


# Capabilities (8) ------------------------------------------------------------------------------------------------


def test_a_mask_is_hexadecimal_and_bits_are_decimal():
    found = read_capabilities("82060010", "2181431312")
    assert found.mask.value == 0x82060010
    assert found.bits.value == 2181431312
    assert found.best is found.bits


@pytest.mark.parametrize(
    ("mask", "bits"), [("", ""), (None, None), ("0x1", "1.5"), ("g", "-1"), ("1" * 9, "9" * 11), (" 1", "١")]
)
def test_what_is_no_number_gives_no_capabilities(mask, bits):
    found = read_capabilities(mask, bits)
    assert (found.mask, found.bits, found.best) == (None, None, None)
    assert not found.has("no-export")


@pytest.mark.parametrize(
    ("value", "style"),
    [(0, DnStyle.NONE), (0x30, DnStyle.GENERIC), (0x70, DnStyle.LDAP), (0x10, None), (0x40, None)],
)
def test_the_dn_style_is_three_bits(value, style):
    assert decode(value).dn_style is style


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (0x00000001, ["immediate-export-confirmation"]),
        (0x00000084, ["no-import", "no-export"]),
        (0x01000008, ["no-hierarchy", "no-partitions"]),
        (0x00020000, ["attribute-list"]),
        (0x80000000, ["case-normalise-dn-for-anchor"]),
        (0x24000000, ["no-confirmation-of-add-and-delete"]),
        (0x04000000, ["no-confirmation-of-delete"]),
        (0x20000000, ["no-confirmation-of-delete"]),
    ],
)
def test_bits_have_names(value, names):
    assert list(decode(value).names) == names
    assert decode(value).unknown_bits == ()


def test_unknown_bits_are_listed():
    assert decode(0x00002102).unknown_bits == ("0x00000002", "0x00000100", "0x00002000")


# Partitions, run profiles, rules (10, 4) -------------------------------------------------------------------------


def test_partitions_keep_selection_and_values():
    first, second = agent(
        partitions=[
            Partition("a", True, ("person", "group"), [Value("p", "v", use="partition")]),
            Partition("b", False, ()),
        ]
    ).partitions
    assert (first.name, first.selected, first.object_types, first.id) == (
        "a",
        True,
        ("person", "group"),
        PARTITION_ID,
    )
    assert first.parameters[0].text == "v"
    assert (second.name, second.selected, second.object_types) == ("b", False, ())


def test_run_profiles_keep_their_steps():
    profile = agent(
        runs={"All": [Step("full-import", [Value("q", "select", "text", "run-step")]), Step("export")]}
    ).run_profiles[0]
    assert profile.name == "All"
    step = profile.steps[0]
    assert (step.type, step.subtype, step.partition, step.batch_size, step.timeout) == (
        "full-import",
        "to-cs",
        PARTITION_ID,
        "100",
        "0",
    )
    assert step.parameters[0].name == "q"
    assert profile.steps[1].type == "export"


def test_a_run_profile_may_be_hollow():
    text = export(runs={}).replace(
        "<ma-run-data>",
        "<ma-run-data><run-configuration/><run-configuration><configuration><step/></configuration></run-configuration>",
    )
    first, second = read(text.encode()).agent.run_profiles
    assert (first.name, first.steps) == ("", ())
    assert second.steps[0].type == ""


def test_rules_are_counted():
    flows = (
        "<stay-disconnector><filter-set><filter-alternative/><filter-alternative/></filter-set></stay-disconnector>"
        "<join><join-profile cd-object-type='person'/></join>"
        "<projection><class-mapping type='declared'/></projection>"
        "<export-attribute-flow><export-flow-set cd-object-type='person'>"
        "<export-flow cd-attribute='a'><direct-mapping/></export-flow>"
        "<export-flow cd-attribute='b'><scripted-mapping/></export-flow>"
        "<export-flow cd-attribute='c'><constant-mapping><constant-value>x</constant-value></constant-mapping></export-flow>"
        "</export-flow-set></export-attribute-flow>"
    )
    others = "{99999999-0000-0000-0000-000000000000}"
    metaverse = import_flow(MA_ID.lower()) + import_flow(others) * 2
    rules = agent(flows_xml=flows, rules_dll="Rules.dll", metaverse=metaverse).rules
    assert (rules.filters, rules.joins, rules.projections, rules.export_flows, rules.scripted_flows) == (
        2,
        1,
        1,
        3,
        1,
    )
    assert [(item.object_type, item.attribute, item.text) for item in rules.constants] == [
        ("person", "c", "x")
    ]
    assert rules.extension_dll == "Rules.dll"
    assert (rules.import_flows, rules.foreign_import_flows, rules.foreign_agents) == (1, 2, 1)


def test_a_constant_may_stand_anywhere():
    assert (
        agent(
            flows_xml="<export-attribute-flow><constant-mapping>x</constant-mapping></export-attribute-flow>"
        )
        .rules.constants[0]
        .text
        == "x"
    )


@pytest.mark.parametrize("data_owner", ["", ' data-owner="ISV"'])
def test_the_makers_marks_do_not_matter(data_owner):
    text = export().replace("<filename>", f"<filename{data_owner}>")
    assert read(text.encode()).agent.configuration.extension.filename == "Example.Connector.dll"


def test_the_wizards_selection_is_kept_apart():
    wizard = (
        "<ui-data><xmlwizard><attributes><attribute cd_name='colour' selected='-1'/><attribute cd_name='x' selected='0'/>"
        "</attributes></xmlwizard></ui-data>"
    )
    assert agent(private_xml=wizard).configuration.selected_in_wizard == frozenset({"colour"})
    assert agent().configuration.selected_in_wizard is None


def test_the_whole_schema_is_counted():
    assert agent(classes={"person": [ANCHOR, COLOUR, PASSWORD]}).schema.attribute_type_count == 3
