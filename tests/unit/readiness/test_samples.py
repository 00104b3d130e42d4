"""Real files get the verdict that the description of real exports implies. They lie beside the checkout, if at all."""

from pathlib import Path

import pytest

from mim2ecma.documents.schemas import validate
from mim2ecma.readiness import inspect

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"

CASES = [
    (
        "ecma2/powershell-psma.export-ma.xml",
        "export-ma",
        "ready-with-warnings",
        [],
        "Granfeldt.PowerShell.ManagementAgent.dll",
    ),
    (
        "ecma2/lync-powershell.export-ma.xml",
        "export-ma",
        "ready-with-warnings",
        [],
        "Microsoft.IAM.Connector.PowerShell.dll",
    ),
    (
        "ecma2/powershell-psma.packaged-template.xml",
        "packaged",
        "not-ready",
        ["R3"],
        "Granfeldt.PowerShell.ManagementAgent.dll",
    ),
    (
        "ecma2/sharepoint.saved-ma-configuration.xml",
        "saved-ma-configuration",
        "not-ready",
        ["R2"],
        "Microsoft.IdentityManagement.Connector.Sharepoint.dll",
    ),
    (
        "ecma2/azuread.bare-ma-data.xml",
        "ma-data",
        "not-ready",
        ["R2", "R27"],
        "Microsoft.Azure.ActiveDirectory.Connector.dll",
    ),
    ("ecma2host/configuration-csv.native.xml", "configuration", "not-ready", ["R2"], None),
    ("other/ad-2mb.saved-ma-configuration.xml", "saved-ma-configuration", "not-ready", ["R2", "R4"], None),
    (
        "other/delimited-text.saved-ma-configuration.xml",
        "saved-ma-configuration",
        "not-ready",
        ["R2", "R4"],
        None,
    ),
    ("other/mssql.saved-ma-configuration.xml", "saved-ma-configuration", "not-ready", ["R2", "R4"], None),
    ("other/metaverse.saved-mv-configuration.xml", "saved-mv-configuration", "not-ready", ["R2"], None),
]


# The other rules that speak up, by weight; whoever changes a rule sees here what it says of real files.
WARNINGS = {
    "ecma2/azuread.bare-ma-data.xml": "R19 R23",
    "ecma2/lync-powershell.export-ma.xml": "R19 R22 R23",
    "ecma2/powershell-psma.export-ma.xml": "R23",
    "ecma2/powershell-psma.packaged-template.xml": "R23",
    "ecma2/sharepoint.saved-ma-configuration.xml": "R19 R23",
}
INFORMATION = {
    "ecma2/azuread.bare-ma-data.xml": "R12 R14 R18 R25 R34",
    "ecma2/lync-powershell.export-ma.xml": "R12 R14 R16 R18 R20 R25 R29 R30 R34",
    "ecma2/powershell-psma.export-ma.xml": "R14 R16 R25 R26 R28 R29",
    "ecma2/powershell-psma.packaged-template.xml": "R14 R25",
    "ecma2/sharepoint.saved-ma-configuration.xml": "R12 R14 R16 R18 R20 R28 R35",
}


def inspected(name):
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return inspect(path)


@pytest.mark.parametrize(
    ("name", "wrapper", "verdict", "errors", "dll"), CASES, ids=[case[0] for case in CASES]
)
def test_a_real_file_gets_its_verdict(name, wrapper, verdict, errors, dll):
    result = inspected(name)
    document = result.to_dict()
    validate("inspection", document)
    assert document["source"]["wrapper"] == wrapper
    assert document["verdict"] == verdict
    told = {
        severity: [item["id"] for item in document["findings"] if item["severity"] == severity]
        for severity in ("error", "warning", "information")
    }
    assert told == {
        "error": errors,
        "warning": WARNINGS.get(name, "").split(),
        "information": INFORMATION.get(name, "").split(),
    }
    assert document["management_agent"]["connector_dll"] == dll


def test_every_sample_has_a_case():
    if not SAMPLES.is_dir():
        pytest.skip(f"{SAMPLES} is not there")
    assert {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*.xml")} == {
        case[0] for case in CASES
    }


def test_the_mask_of_lync_decodes_to_what_its_parameters_say_in_words():
    """The file states its capabilities in words as well (domain/ma_xml.md 8)."""
    result = inspected("ecma2/lync-powershell.export-ma.xml")
    agent = result.management_agent
    words = {item.name: item.text for item in agent.configuration.parameters if item.use == "capabilities"}
    capabilities = agent.capabilities
    assert words["Distinguished Name Style"].lower() == capabilities.bits.dn_style.value
    for parameter, name in (
        ("Enable Delta Import", "delta-import"),
        ("Enable Full Export", "full-export"),
        ("Enable Object Rename", "object-rename"),
        ("No Reference Values In First Export Pass", "no-references-in-first-export-pass"),
        ("Concurrent Operations Of Several Connectors", "concurrent-operation"),
        ("Delete-Add As Replace", "delete-add-as-replace"),
    ):
        assert (words[parameter] == "1") is capabilities.has(name), parameter


def test_a_real_file_shows_what_it_needs():
    result = inspected("ecma2/powershell-psma.export-ma.xml")
    assert any(name.endswith("\\export.ps1") for name in result.referenced_files)
    assert "Password" in result.secrets_to_reenter
    assert result.management_agent.rules.foreign_agents == 4
