"""R2 to R6, R21, R27 and R30: what the file is and which connector it belongs to."""

import pytest
from export_builder import (
    export,
    ma_data,
)
from judging import judged, only, rules

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
        "an ECMA2 version of this ECMA1 connector, which its maker may have.",
    ),
    (export(category="FIM"), "R4", "'FIM'", "the MIM Service is no target of this host."),
    (export(category="Notes"), "R4", "'Notes'", "an ECMA2 connector for the same system, if there is one."),
    (export(category=""), "R4", "no category", "Something is missing from the file."),
    (export(filename=None), "R5", "no file name", "export it again."),
    (export(filename=" "), "R5", "no file name", "export it again."),
    (export(filename="..\\evil.dll"), "R5", "holds a path separator", "export it again."),
    (export(filename="NUL.dll"), "R5", "is the name of a Windows device", "export it again."),
    (export(filename=".dll"), "R5", "has nothing before the ending", "export it again."),
    (
        export(filename="Microsoft.MetadirectoryServicesEx.dll"),
        "R5",
        "is the engine's own library",
        "export it again.",
    ),
    (export(export_enabled="yes"), "R6", "neither 0 nor 1", "export it again."),
    (export(agent_id=""), "R3", "no id", "use Export Management Agent."),
    (export(agent_id="HR"), "R3", "'HR'", "use Export Management Agent."),
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


@pytest.mark.parametrize("wrapper", ["saved-ma-configuration", "ma-data"])
def test_nobody_is_sent_to_export_again_what_cannot_move(wrapper):
    useless = "Another export would not help: this management agent cannot move (R4)."
    assert only(judged(wrapper=wrapper, category="MSSQL"), "R2").next_step == useless
    assert only(judged(server=None, category="MSSQL"), "R2").next_step == useless
    for other in ("Extensible2", ""):
        assert "Export Management Agent" in only(judged(wrapper=wrapper, category=other), "R2").next_step


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
