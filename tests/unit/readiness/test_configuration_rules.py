"""R18, R22 to R29, R33 and R35: capabilities, settings and what stays behind."""

import pytest
from export_builder import (
    MA_ID,
    PLAIN_BITS,
    Attribute,
    Step,
    import_flow,
)
from judging import judged, only, rules

CONTRADICTIONS = [
    (
        {"bits": str(PLAIN_BITS | 0x80)},
        "capability no-export in capability-bits although export-enabled is 1",
    ),
    ({"bits": str(PLAIN_BITS | 0x4)}, "capability no-import in capability-bits although import-enabled is 1"),
    (
        {
            "bits": str(PLAIN_BITS),
            "extension_xml": "<discovery-partition>extensibility</discovery-partition>",
        },
        "capability no-partitions in capabilities-mask and capability-bits although discovery-partition is set",
    ),
    (
        {
            "bits": str(PLAIN_BITS),
            "extension_xml": "<discovery-hierarchy>extensibility</discovery-hierarchy>",
        },
        "capability no-hierarchy in capabilities-mask and capability-bits although discovery-hierarchy is set",
    ),
    (
        {"extension_xml": "<password-management-enabled>1</password-management-enabled>"},
        "password-management-enabled is 1 without the capability password-operations",
    ),
    ({"bits": "abc"}, "capability-bits is no decimal number of 32 bits"),
    ({"bits": "-5"}, "capability-bits is no decimal number of 32 bits"),
    ({"bits": "9999999999"}, "capability-bits is no decimal number of 32 bits"),
    ({"mask": "xyz"}, "capabilities-mask is no hexadecimal number of 32 bits"),
    (
        {"mask": f"{PLAIN_BITS | 0x80:x}"},
        "capability no-export in capabilities-mask although export-enabled is 1",
    ),
    (
        {"mask": f"{PLAIN_BITS | 0x70:x}", "bits": str(PLAIN_BITS | 0x30)},
        "DN style is ldap in capabilities-mask and generic in capability-bits",
    ),
    (
        {"export_enabled": "0", "mask": f"{PLAIN_BITS | 0x1:x}"},
        "export-enabled is 0 although capabilities-mask has immediate-export-confirmation",
    ),
    (
        {"bits": str(PLAIN_BITS | 0x800), "mask": f"{PLAIN_BITS | 0x800:x}"},
        "capability password-operations although password-management-enabled is not 1",
    ),
    ({"assembly_version": "banana"}, "assembly-version is no version (banana)"),
    ({"bits": str(PLAIN_BITS | 0x10)}, "capability-bits has an unknown DN style"),
    ({"bits": str(PLAIN_BITS | 0x1000)}, "capability-bits has delta-import, capabilities-mask has not"),
    ({"inner_export_type": "2"}, "export-type is 1 and 2 in extension-config"),
    ({"export_mode": ""}, "export-enabled is 1 without export-mode"),
    ({"file_type": "Delimited"}, "file-type is Delimited"),
]

OTHER_AGENT = "{99999999-0000-0000-0000-000000000000}"


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
        metaverse=import_flow(MA_ID) + import_flow(OTHER_AGENT),
    )
    assert (
        only(result, "R28").found == "synchronization rules: join profiles 1, projections 1, import flows 1"
    )
    assert only(result, "R29").found == "1 import flow of 1 other management agent"


def test_another_selection_of_the_wizard_is_told():
    wizard = "<ui-data><xmlwizard><attributes><attribute cd_name='size' selected='-1'/></attributes></xmlwizard></ui-data>"
    assert only(judged(private_xml=wizard), "R35").found == (
        "selected in attribute-inclusion alone: badgeNo, colour; selected in ui-data alone: size"
    )
    more = wizard.replace("</attributes>", "<attribute cd_name='colour' selected='-1'/></attributes>")
    assert (
        only(judged(selected=["colour"], private_xml=more), "R35").found == "selected in ui-data alone: size"
    )
    same = (
        "<ui-data><xmlwizard><attributes><attribute cd_name='badgeNo' selected='-1'/>"
        "<attribute cd_name='colour' selected='-1'/></attributes></xmlwizard></ui-data>"
    )
    assert "R35" not in rules(judged(private_xml=same))


def test_a_large_agent_that_is_not_ecma2_says_that_it_was_not_read(monkeypatch):
    monkeypatch.setattr("mim2ecma.documents.limits.MAX_TREE_BYTES", 100_000)
    result = judged(category="AD", attributes=[Attribute(f"a{number}") for number in range(2000)])
    assert rules(result) == ["R4", "R33"]
