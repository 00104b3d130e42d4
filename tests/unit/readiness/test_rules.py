"""Each rule finds what it is for, with its severity, and leaves an ordinary management agent alone."""

import pytest
from export_builder import (
    ANCHOR,
    BINARY,
    BOOLEAN,
    COLOUR,
    MA_ID,
    NUMBER,
    PASSWORD,
    PLAIN_BITS,
    REFERENCE,
    Attribute,
    Definition,
    Dsml,
    Partition,
    Step,
    Value,
    export,
    import_flow,
    ma_data,
)

from mim2ecma.documents.errors import UsageError
from mim2ecma.documents.schemas import validate
from mim2ecma.readiness import Options, compare_assembly_version, inspect
from mim2ecma.readiness.catalogue import NEVER_ACCEPTED, RULES


def judged(text=None, *, judge_by=None, **options):
    result = inspect((text if text is not None else export(**options)).encode(), options=judge_by)
    validate("inspection", result.to_dict())
    return result


def rules(result, severity=None):
    return [item.id for item in result.findings if severity is None or item.severity.value == severity]


def only(result, rule):
    found = [item for item in result.findings if item.id == rule]
    assert len(found) == 1, result.findings
    return found[0]


def test_an_ordinary_management_agent_is_ready():
    result = judged()
    assert result.verdict.value == "ready"
    assert rules(result) == ["R14", "R20"]
    assert not result.unreadable


def test_every_rule_of_the_catalogue_is_documented(pytestconfig):
    text = (pytestconfig.rootpath / "docs" / "readiness-rules.md").read_text("utf-8")
    for rule in RULES:
        assert f"### {rule} " in text


# R2 to R6: what the file is --------------------------------------------------------------------------------------

FLOW = "{99999999-0000-0000-0000-000000000000}"
WRONG = [
    (
        export(wrapper="saved-ma-configuration"),
        "R2",
        "one file of a whole-server export",
        "use Export Management Agent.",
    ),
    (export(wrapper="ma-data"), "R2", "a bare ma-data", "use Export Management Agent"),
    ("<saved-mv-configuration/>", "R2", "the metaverse file", "use Export Management Agent."),
    (
        "<Configuration><Connectors/></Configuration>",
        "R2",
        "a configuration of the ECMA Connector Host itself",
        "Use Import in",
    ),
    ("<a/>", "R2", "'a'", "This is no export of MIM."),
    ("<export-ma server='A'/>", "R2", "export-ma without ma-data", "use Export Management Agent."),
    (export(server=None), "R2", "export-ma without the name of a server", "use Export Management Agent."),
    (export(ma_data() + ma_data()), "R2", "2 management agents", "use Export Management Agent."),
    (
        export(packaged=True, name=None, server=None),
        "R3",
        "a packaged template",
        "configure it and export that one.",
    ),
    (export(name=None), "R3", "no name", "use Export Management Agent."),
    (export(name="  \n "), "R3", "no name", "use Export Management Agent."),
    (
        export(category="MSSQL"),
        "R4",
        "'MSSQL', a management agent that is not ECMA2",
        "Generic SQL connector.",
    ),
    (export(category="oracle"), "R4", "'oracle'", "Generic SQL connector."),
    (export(category="ADAM"), "R4", "'ADAM'", "Generic LDAP connector."),
    (export(category="AD"), "R4", "'AD'", "Active Directory is no target of this host."),
    (export(category="Delimited"), "R4", "'Delimited'", "PowerShell connector or a CSV connector."),
    (
        export(category="Extensible"),
        "R4",
        "'Extensible'",
        "an ECMA1 management agent; ask its maker for an ECMA2 version.",
    ),
    (export(category="FIM"), "R4", "'FIM'", "the MIM Service is no target of this host."),
    (export(category="Notes"), "R4", "'Notes'", "an ECMA2 connector for the same system, if there is one."),
    (export(category=""), "R4", "no category", "if there is one."),
    (export(filename=None), "R5", "no file name", "export it again."),
    (export(filename=" "), "R5", "no file name", "export it again."),
    (export(filename="..\\evil.dll"), "R5", "holds a path separator", "export it again."),
    (export(filename="NUL.dll"), "R5", "is the name of a Windows device", "export it again."),
    (export(filename="connector.exe"), "R5", "does not end in .dll", "export it again."),
    (export(export_enabled="0", export_mode=""), "R6", "export is switched off", "export it again."),
    (export(export_enabled=None), "R6", "no word on export", "export it again."),
    (
        export(filename="Microsoft.Azure.ActiveDirectory.Connector.dll"),
        "R27",
        "the connector of Entra Connect",
        "does its work.",
    ),
]


@pytest.mark.parametrize(
    ("text", "rule", "found", "next_step"), WRONG, ids=[f"{case[1]} {case[2]}" for case in WRONG]
)
def test_what_the_host_cannot_take_is_an_error_with_the_next_step(text, rule, found, next_step):
    result = judged(text)
    item = only(result, rule)
    assert item.severity.value == "error"
    assert found in item.found
    assert next_step in item.next_step
    assert result.verdict.value == "not-ready"


def test_a_template_is_told_once():
    assert rules(judged(export(packaged=True, name=None, server=None)), "error") == ["R3"]


def test_the_category_counts_in_any_case():
    assert judged(category="extensible2").verdict.value == "ready"


def test_a_dll_name_may_hold_blanks():
    assert judged(filename="Fabrikam People.DLL").verdict.value == "ready"


@pytest.mark.parametrize(("value", "found"), [("0", "import is switched off"), (None, "no word on import")])
def test_import_switched_off_is_a_warning(value, found):
    result = judged(import_enabled=value)
    item = only(result, "R6")
    assert (item.severity.value, item.found) == ("warning", found)
    assert result.verdict.value == "ready-with-warnings"


def test_other_modes_than_call_based_are_a_warning():
    result = judged(import_mode="file-based", export_mode="call-export")
    assert [(item.where, item.severity.value) for item in result.findings if item.id == "R21"] == [
        ("extension-config/export-mode", "warning"),
        ("extension-config/import-mode", "warning"),
    ]


def test_a_connector_that_comes_with_the_host_is_named():
    assert (
        only(judged(filename="Microsoft.IAM.Connector.GenericSql.dll"), "R30").severity.value == "information"
    )


# R7 to R12: schema and selection ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["user", "User", "PERSON", "inetOrgPerson"])
def test_usual_object_types_are_accepted_in_any_case(name):
    result = judged(classes={name: [ANCHOR, COLOUR, PASSWORD]}, partitions=[Partition(object_types=[name])])
    assert result.verdict.value == "ready"


EMPLOYEE = {
    "classes": {"Employee": [ANCHOR, COLOUR], "Badge": [ANCHOR]},
    "partitions": [Partition(object_types=["Employee"])],
}


def test_another_object_type_is_an_error_that_names_the_option():
    item = only(judged(**EMPLOYEE), "R7")
    assert item.severity.value == "error"
    assert item.found == "object types Employee, Badge"
    assert "--object-type 'Employee', or object_types: ['Employee'] with ma_inspect." in item.next_step


def test_the_option_accepts_another_object_type():
    assert judged(**EMPLOYEE, judge_by=Options(object_types=("employee",))).verdict.value == "ready"


def test_an_option_that_is_not_in_the_schema_leaves_the_usual_ones():
    assert judged(judge_by=Options(object_types=("Employee",))).verdict.value == "ready"


def test_a_named_object_type_comes_before_the_usual_ones():
    classes = {"person": [ANCHOR, COLOUR], "Employee": [ANCHOR]}
    options = {"classes": classes, "partitions": [Partition(object_types=["person", "Employee"])]}
    assert "R8" not in rules(judged(**options))
    assert (
        only(judged(**options, judge_by=Options(object_types=("Employee",))), "R8").where == "schema/Employee"
    )


def test_no_schema_is_an_error():
    assert only(judged(schema_xml=""), "R7").found == "no object types"


@pytest.mark.parametrize(
    "partitions",
    [[Partition(object_types=[])], [Partition(object_types=["group"])], [Partition(selected=False)]],
)
def test_an_object_type_that_is_not_selected_is_a_warning(partitions):
    assert only(judged(partitions=partitions), "R7b").severity.value == "warning"


def test_several_selected_object_types_are_a_warning():
    classes = {"person": [ANCHOR, COLOUR], "group": [ANCHOR]}
    result = judged(classes=classes, partitions=[Partition(object_types=["person", "group"])])
    assert only(result, "R19").found == "2 object types selected: person, group"
    assert only(result, "R19").severity.value == "warning"


@pytest.mark.parametrize(
    "attributes",
    [
        [],
        [Attribute("a", single="false")],
        [Attribute("a", single=None)],
        [Attribute("a", syntax=BINARY)],
        [Attribute("a", operations="ImportOnly"), Attribute("b", operations="ExportOnly")],
    ],
    ids=["none", "multi-valued", "nothing said", "binary", "one way each"],
)
def test_without_a_usable_attribute_it_is_an_error(attributes):
    assert only(judged(attributes=attributes), "R8").severity.value == "error"


def test_the_class_decides_on_the_direction_not_the_type():
    classes = {"person": [ANCHOR, COLOUR], "badge": [Attribute("colour", operations="ImportOnly")]}
    assert "R8" not in rules(judged(classes=classes))
    classes = {"badge": [ANCHOR, COLOUR], "person": [Attribute("colour", operations="ImportOnly")]}
    assert "R8" in rules(judged(classes=classes))


@pytest.mark.parametrize(("strict", "severity"), [(False, "warning"), (True, "error")])
def test_usable_attributes_that_are_not_selected_weigh_by_strictness(strict, severity):
    result = judged(attributes=[Attribute("a", selected=False)], judge_by=Options(strict=strict))
    assert only(result, "R8b").severity.value == severity


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ([Attribute("a", anchor=True), Attribute("b", anchor=True), COLOUR], "2 anchor attributes: a, b"),
        ([Attribute("a"), COLOUR], "no anchor attribute"),
    ],
)
def test_not_exactly_one_anchor_is_a_warning(items, found):
    item = only(judged(classes={"person": items}), "R9")
    assert (item.severity.value, item.found) == ("warning", found)


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (Attribute("a", anchor=True, single="false"), "an anchor that is multi-valued string"),
        (Attribute("a", anchor=True, syntax=BOOLEAN), "an anchor that is boolean"),
        (Attribute("a", anchor=True, syntax=NUMBER), None),
        (Attribute("a", anchor=True, syntax=BINARY), None),
    ],
)
def test_the_anchor_must_be_a_plain_value(item, found):
    result = judged(classes={"person": [item, COLOUR]})
    assert [finding.found for finding in result.findings if finding.id == "R31"] == ([found] if found else [])


@pytest.mark.parametrize("name", ["a.b", "a[0]"])
def test_unsupported_attribute_names_are_a_warning(name):
    assert name in only(judged(attributes=[COLOUR, Attribute(name)]), "R10").found


@pytest.mark.parametrize(
    ("partitions", "found"),
    [
        ([Partition("a"), Partition("b")], "2 selected partitions: a, b"),
        ([], "no selected partition"),
        ([Partition("a"), Partition("b", selected=False)], None),
    ],
)
@pytest.mark.parametrize(("strict", "severity"), [(False, "warning"), (True, "error")])
def test_one_partition_is_to_be_selected(partitions, found, strict, severity):
    result = judged(partitions=partitions, judge_by=Options(strict=strict))
    assert [(item.found, item.severity.value) for item in result.findings if item.id == "R11"] == (
        [(found, severity)] if found else []
    )


def test_selected_attributes_of_other_kinds_are_told():
    items = [
        COLOUR,
        Attribute("boss", syntax=REFERENCE),
        Attribute("photo", syntax=BINARY),
        Attribute("mail", single="false"),
        Attribute("age", syntax=NUMBER),
        Attribute("active", syntax=BOOLEAN),
        Attribute("odd", syntax="1.2.3"),
        Attribute("unselected", syntax=REFERENCE, selected=False),
    ]
    result = judged(attributes=items)
    assert only(result, "R12").found.endswith(
        ": boss (reference), mail (multi-valued string), photo (binary)"
    )
    assert only(result, "R34").found.endswith(": active, age")
    assert only(result, "R32").found.endswith(": odd")
    assert {only(result, rule).severity.value for rule in ("R12", "R34", "R32")} == {"information"}


def test_a_dangling_reference_is_a_warning():
    assert only(judged(export().replace('ref="#colour"', 'ref="#gone"')), "R13").severity.value == "warning"


# R14 to R16, R20: values -----------------------------------------------------------------------------------------

CANARY = "c4nary-Tr0ub4dor"


def test_secrets_to_type_again_come_from_definitions_and_values():
    result = judged(
        definitions=[
            Definition("Filled", "encrypted-string"),
            Definition("Never filled", "encrypted-string"),
            Definition("Plain"),
        ],
        values=[Value("Filled", type="encrypted-string", encrypted=True), Value("Only here", encrypted=True)],
    )
    assert result.secrets_to_reenter == ("Filled", "Never filled", "Only here")
    assert only(result, "R14").severity.value == "information"


CLEAR = [
    ({"values": [Value("Password", CANARY)]}, "parameter-values, parameter 'Password'"),
    (
        {"values": [Value("Connection", f"Server=a;Password={CANARY}")]},
        "parameter-values, parameter 'Connection'",
    ),
    (
        {"values": [Value("Script", f"$password = '{CANARY}'", "text")]},
        "parameter-values, parameter 'Script'",
    ),
    ({"values": [Value("S", CANARY, "encrypted-string", encrypted=True)]}, "parameter-values, parameter 'S'"),
    ({"values": [Value("S", CANARY, "string", encrypted=True)]}, "parameter-values, parameter 'S'"),
    (
        {"definitions": [Definition("C", default=f"Server=a;pwd={CANARY};")]},
        "parameter-definitions, default of 'C'",
    ),
    (
        {"definitions": [Definition("E", "encrypted-string", default=CANARY)]},
        "parameter-definitions, default of 'E'",
    ),
    (
        {"partitions": [Partition(values=[Value("Secret", CANARY)])]},
        "partition 'default', parameter 'Secret'",
    ),
    (
        {"runs": {"Go": [Step("full-import", [Value("Token", CANARY)])]}},
        "run profile 'Go', parameter 'Token'",
    ),
    (
        {
            "flows_xml": "<export-attribute-flow><export-flow-set cd-object-type='person'><export-flow cd-attribute='unicodePwd'>"
            f"<constant-mapping><constant-value>{CANARY}</constant-value></constant-mapping></export-flow></export-flow-set>"
            "</export-attribute-flow>"
        },
        "export-attribute-flow, constant for 'unicodePwd'",
    ),
    ({"description": f"uses password={CANARY}"}, "description"),
]


@pytest.mark.parametrize(("options", "place"), CLEAR, ids=[case[1] for case in CLEAR])
def test_a_secret_in_clear_text_is_a_warning_and_never_shown(options, place):
    result = judged(**options)
    item = only(result, "R15")
    assert item.severity.value == "warning"
    assert item.where.startswith(place)
    assert CANARY not in str(result.to_dict())
    assert CANARY not in repr(result)


def test_a_suspicious_value_is_null_and_the_others_are_there():
    document = judged(values=[Value("Password", CANARY), Value("Hostname", "db01")]).to_dict()
    assert [(item["name"], item["value"]) for item in document["parameters"]] == [
        ("Password", None),
        ("Hostname", "db01"),
    ]


def test_other_files_and_needs_are_told():
    result = judged(
        values=[
            Value("Script path", "C:\\Scripts\\import.ps1"),
            Value("Schema", "schema.xml"),
            Value("URL", "https://api.example:8443/x"),
        ],
        password_dll="Passwords.dll",
        rules_dll="Rules.dll",
    )
    assert result.referenced_files == ("C:\\Scripts\\import.ps1", "schema.xml")
    assert only(result, "R16").found == (
        "password extension Passwords.dll (switched off), rules extension Rules.dll (not used by the host), "
        "file C:\\Scripts\\import.ps1, file schema.xml"
    )
    assert only(result, "R20").found == "address https://api.example:8443, file C:\\Scripts\\import.ps1"
    document = result.to_dict()
    assert document["referenced_files"] == ["C:\\Scripts\\import.ps1", "schema.xml"]
    assert document["management_agent"]["rules_extension_dll"] == "Rules.dll"
    assert document["management_agent"]["password_extension_dll"] == "Passwords.dll"


def test_a_password_extension_may_be_switched_on():
    text = export(password_dll="P.dll").replace("enabled>0</password", "enabled>1</password")
    assert "(switched on)" in only(judged(text), "R16").found


def test_no_needs_no_finding():
    assert not {"R16", "R20"} & set(rules(judged(values=[Value("Mode", "fast")])))


# R18, R22 to R29, R35 --------------------------------------------------------------------------------------------

CONTRADICTIONS = [
    ({"bits": str(PLAIN_BITS | 0x80)}, "capability no-export although export-enabled is 1"),
    ({"bits": str(PLAIN_BITS | 0x4)}, "capability no-import although import-enabled is 1"),
    (
        {
            "bits": str(PLAIN_BITS),
            "extension_xml": "<discovery-partition>extensibility</discovery-partition>",
        },
        "capability no-partitions although discovery-partition is set",
    ),
    (
        {
            "bits": str(PLAIN_BITS),
            "extension_xml": "<discovery-hierarchy>extensibility</discovery-hierarchy>",
        },
        "capability no-hierarchy although discovery-hierarchy is set",
    ),
    (
        {"extension_xml": "<password-management-enabled>1</password-management-enabled>"},
        "password-management-enabled is 1 without the capability password-operations",
    ),
    ({"bits": "abc"}, "capability-bits is no number"),
    ({"mask": "xyz"}, "capabilities-mask is no number"),
    ({"bits": str(PLAIN_BITS | 0x10)}, "capability-bits has an unknown DN style"),
    ({"bits": str(PLAIN_BITS | 0x1000)}, "capability-bits has delta-import, capabilities-mask has not"),
    ({"inner_export_type": "2"}, "export-type is 1 and 2 in extension-config"),
    ({"export_mode": ""}, "export-enabled is 1 without export-mode"),
    ({"file_type": "Delimited"}, "file-type is Delimited"),
]


@pytest.mark.parametrize(("options", "found"), CONTRADICTIONS, ids=[case[1] for case in CONTRADICTIONS])
def test_contradictions_are_told(options, found):
    item = only(judged(**options), "R18")
    assert found in item.found
    assert item.severity.value == "information"


@pytest.mark.parametrize(
    "options",
    [
        {"mask": f"{PLAIN_BITS | 0x2001:x}"},
        {"export_enabled": "0", "export_mode": "", "mask": f"{PLAIN_BITS | 0x80:x}"},
        {"bits": None},
        {"mask": None},
        {"bits": None, "mask": None},
    ],
    ids=["the engine adds bits", "no bit for no export", "mask only", "bits only", "neither"],
)
def test_a_missing_bit_proves_nothing(options):
    assert "R18" not in rules(judged(**options))


def test_names_hierarchy_and_partitions_are_a_warning():
    ldap = str(PLAIN_BITS & ~0x01000008 | 0x70)
    result = judged(
        bits=ldap,
        mask=f"{int(ldap):x}",
        extension_xml="<discovery-partition>extensibility</discovery-partition><discovery-hierarchy>extensibility</discovery-hierarchy>",
    )
    assert only(result, "R22").found == "the connector has LDAP style names, a hierarchy, partitions"
    assert only(result, "R22").severity.value == "warning"


@pytest.mark.parametrize(
    "options",
    [
        {"bits": str(PLAIN_BITS | 0x800), "mask": f"{PLAIN_BITS | 0x800:x}"},
        {"extension_xml": "<password-management-enabled>1</password-management-enabled>"},
    ],
)
def test_password_management_is_a_warning(options):
    assert only(judged(**options), "R23").severity.value == "warning"


@pytest.mark.parametrize("options", [{"export_type": "5"}, {"export_type": "1", "inner_export_type": "5"}])
def test_an_export_type_with_references_is_a_warning(options):
    assert only(judged(**options), "R24").severity.value == "warning"


def test_capabilities_without_use_are_told():
    result = judged(bits=str(PLAIN_BITS | 0x02088000), mask=f"{PLAIN_BITS | 0x02088000:x}")
    assert only(result, "R25").found.endswith(": full-export, normalise-upper-case, concurrent-operation")


def test_a_missing_full_import_is_told_when_import_is_on():
    assert only(judged(runs={}), "R26").severity.value == "information"
    assert "R26" not in rules(judged(runs={"a": [Step("full-import-reevaluate-rules")]}))
    assert "R26" not in rules(judged(runs={}, import_enabled="0"))


def test_rules_left_behind_and_foreign_flows_are_told():
    result = judged(
        flows_xml="<join><join-profile/></join><projection><class-mapping/></projection>",
        metaverse=import_flow(MA_ID) + import_flow(FLOW),
    )
    assert (
        only(result, "R28").found == "synchronization rules: 1 join profiles, 1 projections, 1 import flows"
    )
    assert only(result, "R29").found == "1 import flows of 1 other management agents"


def test_another_selection_of_the_wizard_is_told():
    wizard = "<ui-data><xmlwizard><attributes><attribute cd_name='size' selected='-1'/></attributes></xmlwizard></ui-data>"
    assert only(judged(private_xml=wizard), "R35").found.endswith(": badgeNo, colour, size")
    same = (
        "<ui-data><xmlwizard><attributes><attribute cd_name='badgeNo' selected='-1'/>"
        "<attribute cd_name='colour' selected='-1'/></attributes></xmlwizard></ui-data>"
    )
    assert "R35" not in rules(judged(private_xml=same))


def test_a_large_agent_that_is_not_ecma2_says_that_it_was_not_read(monkeypatch):
    monkeypatch.setattr("mim2ecma.documents.limits.MAX_TREE_BYTES", 100_000)
    result = judged(category="AD", attributes=[Attribute(f"a{number}") for number in range(2000)])
    assert rules(result) == ["R4", "R33"]


# R17 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "staged", "found"),
    [
        ("1.2.3.4", "1.2.3.4", None),
        ("1.2.3.4", "1.10.0.0", None),
        ("1.2", "1.2.0.0", None),
        ("1.10.0.0", "1.9.0.0", "assembly version 1.9.0.0, older than the 1.10.0.0"),
        ("1.2.3.4", "2.0.0.0", "assembly version 2.0.0.0, of another major version than the 1.2.3.4"),
        ("2.0.0.0", "1.0.0.0", "assembly version 1.0.0.0, older than the 2.0.0.0"),
        (None, "1.0.0.0", None),
        ("unknown", "1.0.0.0", None),
        ("1.0.0.0", "", None),
    ],
)
def test_an_older_dll_or_another_major_version_is_a_warning(recorded, staged, found):
    item = compare_assembly_version(recorded, staged, "Example.dll")
    if found is None:
        assert item is None
    else:
        assert item is not None
        assert (item.id, item.severity.value, item.where) == ("R17", "warning", "Example.dll")
        assert found in item.found


# Options ---------------------------------------------------------------------------------------------------------


def test_an_accepted_error_becomes_a_warning_with_the_reason():
    result = judged(
        export(wrapper="saved-ma-configuration"), judge_by=Options(accept={"R2": "tried on a test host"})
    )
    item = only(result, "R2")
    assert item.severity.value == "warning"
    assert item.next_step == "Accepted knowingly (otherwise an error): tried on a test host"
    assert result.verdict.value == "ready-with-warnings"


def test_an_accepted_warning_becomes_information():
    result = judged(import_enabled="0", judge_by=Options(accept={"R6": " empty target "}))
    item = only(result, "R6")
    assert (item.severity.value, item.next_step) == (
        "information",
        "Accepted knowingly (otherwise a warning): empty target",
    )
    assert result.verdict.value == "ready"


def test_an_accepted_information_stays():
    assert only(judged(judge_by=Options(accept={"R14": "known"})), "R14").next_step.startswith(
        "Have them at hand"
    )


@pytest.mark.parametrize("rule", [*sorted(NEVER_ACCEPTED), "R0", "R99", "r2", ""])
def test_some_rules_cannot_be_accepted(rule):
    with pytest.raises(UsageError, match=f"options: accept: rule {rule}; expected one of R2, R6, "):
        Options(accept={rule: "because"})


def test_accepting_needs_a_reason():
    with pytest.raises(UsageError, match="options: accept R2: no reason; expected a reason"):
        Options(accept={"R2": " "})


def test_an_object_type_needs_a_name():
    with pytest.raises(UsageError, match="options: object type: an empty name"):
        Options(object_types=("",))


# ma_xml.md 15: the quirks together -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (export(list_name=""), "ready"),
        (export(list_name="PowerShell (Microsoft)"), "ready"),
        (export(dsml=Dsml("", "m")), "ready"),
        (export(attributes=[]), "not-ready"),
        (export(attributes=[Attribute("a.b")]), "ready-with-warnings"),
        (export(values=[Value("Name: with [brackets] 'and' \"quotes\"?", "x")]), "ready"),
        (export(values=[Value("Script", "Write-Host 'x'\n" * 8000, "text")]), "ready"),
        (export(partitions=[Partition(object_types=[])]), "ready-with-warnings"),
        (export(metaverse=import_flow(FLOW)), "ready"),
        (export().replace("\n", "\r\n"), "ready"),
        (export(definitions=[Definition("C", default="Server=a;Password=hunter22;")]), "ready-with-warnings"),
    ],
)
def test_quirks_of_real_files_get_their_verdict(text, verdict):
    assert judged(text).verdict.value == verdict


NASTY = [
    "{{ lookup('pipe', 'touch pwned') }}",
    "a'b\"c`d$(e)",
    "..\\..\\a/b",
    "NUL",
    "\u202egnp.exe\u202c\u200f",
    "x" * 10_000,
    "]]>--></name>",
]


@pytest.mark.parametrize("name", NASTY)
def test_nasty_names_are_only_data(name):
    result = judged(
        name=name,
        classes={name: [Attribute(name, anchor=True), Attribute(name + "2")]},
        values=[Value(name, name)],
        partitions=[Partition(name, object_types=[name])],
        runs={name: [Step(name)]},
        filename=name,
        description=name,
    )
    document = result.to_dict()
    assert document["management_agent"]["name"] == name.strip()
    assert document["object_types"][0]["name"] == name.strip()
    for item in result.findings:
        assert "\u202e" not in item.text
        assert len(item.found) <= 1000
