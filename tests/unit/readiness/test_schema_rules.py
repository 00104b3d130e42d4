"""R7 to R13, R19, R31, R32 and R34: object types, attributes and partitions."""

import pytest
from export_builder import (
    ANCHOR,
    BINARY,
    BOOLEAN,
    COLOUR,
    NUMBER,
    PASSWORD,
    REFERENCE,
    Attribute,
    Partition,
    export,
)
from judging import judged, only, rules

from mim2ecma.readiness import Options


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


ACCEPTED = Options(accept={"R7": "Employee is what we call people"})


@pytest.mark.parametrize(
    ("employee", "selected", "verdict", "others"),
    [
        ([ANCHOR, COLOUR], ["Employee"], "ready-with-warnings", []),
        ([ANCHOR, Attribute("a", operations="ImportOnly")], ["Employee"], "not-ready", ["R8"]),
        ([Attribute("colour", selected=False), ANCHOR], ["Employee"], "ready-with-warnings", ["R8b"]),
        ([COLOUR], ["Employee"], "ready-with-warnings", ["R9"]),
        ([ANCHOR, COLOUR], ["Employee", "Badge"], "ready-with-warnings", ["R8", "R19"]),
        ([ANCHOR, COLOUR], [], "ready-with-warnings", ["R7b", "R8"]),
    ],
)
def test_whoever_accepts_other_object_types_has_them_judged(employee, selected, verdict, others):
    result = judged(
        classes={"Employee": employee, "Badge": [ANCHOR]},
        partitions=[Partition(object_types=selected)],
        judge_by=ACCEPTED,
    )
    assert result.verdict.value == verdict
    assert sorted(rules(result, "error") + rules(result, "warning")) == sorted(["R7", *others])


def test_accepting_other_object_types_changes_nothing_where_there_is_a_usual_one():
    classes = {"person": [ANCHOR, COLOUR], "Badge": [ANCHOR]}
    assert judged(classes=classes, judge_by=ACCEPTED) == judged(classes=classes)


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
    result = judged(export().replace('ref="#colour"', 'ref="#gone"'))
    found = {item.where: (item.severity.value, item.found) for item in result.findings if item.id == "R13"}
    assert found == {
        "schema": ("warning", "references to attribute types that do not exist: person/gone"),
        "attribute-inclusion": ("warning", "selected attributes that the schema does not have: colour"),
    }
