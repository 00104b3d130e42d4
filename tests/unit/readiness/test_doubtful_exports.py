"""Exports that say something twice, nothing at all, or what leads nowhere; and what nobody can accept."""

import pytest
from export_builder import ANCHOR, COLOUR, PASSWORD, Attribute, Definition, Partition, Value, export, ma_data
from judging import judged, only, rules

from mim2ecma.readiness import Options

ANYTHING = {"R2": "known", "R7": "known"}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            "<category>Extensible2</category>",
            "<category>Extensible2</category><category>AD</category>",
            "more than one ma-data/category",
        ),
        (
            "<filename>Example.Connector.dll</filename>",
            "<filename>Example.Connector.dll</filename><filename>Evil.dll</filename>",
            "more than one extension-config/filename",
        ),
        (
            "</MAConfig></private-configuration>",
            "</MAConfig></private-configuration><private-configuration/>",
            "more than one ma-data/private-configuration",
        ),
        (
            "</MAConfig>",
            "<parameter-values><parameter name='p'>x</parameter></parameter-values></MAConfig>",
            "more than one MAConfig/parameter-values",
        ),
        (
            "<filename>Example.Connector.dll</filename>",
            "<filename>Example.Connector.dll<b/>\\..\\evil</filename>",
            "elements inside filename",
        ),
    ],
)
def test_what_stands_twice_or_holds_more_than_a_text_is_told(old, new, found):
    text = export()
    assert text.count(old) == 1
    item = only(judged(text.replace(old, new)), "R36")
    assert (item.severity.value, item.found) == ("warning", found)


def test_a_selection_that_leads_nowhere_is_told():
    result = judged(
        selected=["badgeNo", "colour", "ghost", "Export_Password"],
        partitions=[Partition(object_types=["person", "Spectre"]), Partition("off", False, ["nobody"])],
    )
    found = {item.where: item.found for item in result.findings if item.id == "R13"}
    assert found == {
        "attribute-inclusion": "selected attributes that the schema does not have: ghost",
        "ma-partition-data": "selected object types that the schema does not have: Spectre",
    }


def test_a_block_that_is_missing_is_told_once():
    text = export()
    begin, end = text.index("<extension-config>"), text.index("</extension-config>")
    result = judged(text[:begin] + text[end + len("</extension-config>") :])
    assert rules(result, "error") == ["R5"]
    assert only(result, "R5").found == "missing, or empty"


def test_the_object_type_without_a_usable_attribute_is_told_beside_one_that_has_some():
    result = judged(
        classes={"user": [ANCHOR], "person": [ANCHOR, COLOUR]},
        partitions=[Partition(object_types=["user", "person"])],
    )
    item = only(result, "R8")
    assert (item.severity.value, item.where) == ("warning", "schema/user")


def test_a_password_like_attribute_is_not_usable():
    hidden = Attribute("hidden", extra='{ms}:encrypted="true"')
    assert rules(judged(attributes=[hidden]), "error") == ["R8"]
    assert rules(judged(attributes=[Attribute("Export_Password")]), "error") == ["R8"]


@pytest.mark.parametrize("text", ["true", " True ", "-1", "1"])
def test_every_spelling_of_true_counts(text):
    changed = export().replace("<selected>1</selected>", f"<selected>{text}</selected>")
    changed = changed.replace('isAnchor="true"', f'isAnchor="{text}"')
    assert judged(changed).verdict.value == "ready"


def test_blanks_around_an_operation_do_not_count():
    assert rules(judged(attributes=[COLOUR, Attribute("mail", operations=" ImportOnly ")])) == rules(
        judged(attributes=[COLOUR, Attribute("mail", operations="ImportOnly")])
    )


def test_an_object_type_of_the_options_that_no_schema_has_is_told():
    item = only(judged(judge_by=Options(object_types=("Emploie",))), "R7")
    assert item.severity.value == "information"
    assert item.text == (
        "options/object types: Emploie, not in this schema; expected one of person. "
        "Judged was person; correct the name if that is wrong."
    )


@pytest.mark.parametrize(
    "name", ["Staff'; touch x; echo '", "{{ lookup('pipe','id') }}", 'a"b', "Sta\u202eff"]
)
def test_the_advice_holds_no_line_made_of_a_strange_name(name):
    item = only(judged(classes={name: [ANCHOR, COLOUR]}, partitions=[Partition(object_types=[name])]), "R7")
    assert item.next_step == (
        "If one of them stands for people, name it with --object-type (object_types with ma_inspect), quoted "
        "for your shell: its name holds unusual characters."
    )


@pytest.mark.parametrize(
    "text",
    [
        "<a/>",
        "<export-ma server='A'/>",
        "<saved-mv-configuration/>",
        export(ma_data() + ma_data()),
        export(classes={}),
    ],
)
def test_what_holds_nothing_to_migrate_cannot_be_accepted(text):
    result = judged(text, judge_by=Options(accept=ANYTHING))
    assert result.verdict.value == "not-ready"
    assert "This cannot be accepted: there is nothing that could be migrated." in result.findings[0].next_step


def test_a_bare_management_agent_can_be_accepted():
    result = judged(export(wrapper="ma-data"), judge_by=Options(accept=ANYTHING))
    assert result.verdict.value == "ready-with-warnings"


@pytest.mark.parametrize(
    ("filename", "severity"),
    [("Example.Connector.dll", "warning"), ("Microsoft.IAM.Connector.GenericSql.dll", "information")],
)
def test_a_password_in_the_first_export_pass_weighs_more_for_a_custom_connector(filename, severity):
    bits = 0x81060008 | 0x10000000
    item = only(judged(filename=filename, bits=str(bits), mask=f"{bits:x}"), "R25")
    assert item.severity.value == severity


def test_a_template_is_told_what_it_is_and_not_what_only_a_configured_one_has():
    result = judged(export(packaged=True, name=None, partitions=[], runs={}, selected=[]))
    assert {"R3"} <= set(rules(result))
    assert not {"R7b", "R8b", "R11", "R26"} & set(rules(result))


def test_an_anchor_that_the_wizard_stored_otherwise_is_told():
    xml = (
        "<importing><per-class-settings><class><name>person</name><anchor><attribute>colour</attribute></anchor>"
        "</class></per-class-settings></importing>"
    )
    found = only(judged(private_xml=xml), "R18").found
    assert found == "the anchor of person is colour in importing and badgeNo in schema"


def test_encrypted_parameters_are_known_in_any_case():
    result = judged(
        definitions=[Definition("Key of the store", "Encrypted-String")],
        values=[Value("Hostname", "db01.test.example")],
        attributes=[COLOUR, PASSWORD],
    )
    assert result.secrets_to_reenter == ("Key of the store",)
