"""The wizard of the ECMA Connector Host: what it makes, and where it stops."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from lxml import etree
from winlab.errors import NotModelled, WinlabError
from winlab.host import certificate_store
from winlab.products import ecma_configuration, ecma_host, ecma_scim, ecma_source, ecma_wizard
from winlab.products.operator_answers import Answers

from .conftest import TOKEN, XML, Desk

SAMPLE = Path(__file__).resolve().parents[4] / "shared/samples/ecma2host/configuration-csv.native.xml"
MY, ROOT = certificate_store.MY, certificate_store.ROOT


def configuration(desk: Desk) -> Any:
    return etree.fromstring(desk.host.files.read_bytes(ecma_host.CONFIGURATION))


def written(desk: Desk) -> dict[str, str | None]:
    return {entry.path: entry.sha256 for entry in desk.host.files.walk(ecma_host.HOST_FOLDER)}


def test_wizard_writes_configuration_copies_certificate_and_event_log(desk: Desk) -> None:
    assert desk.host.events.log(ecma_scim.LOG) is None
    result = desk.wizard()
    assert result["url"] == "https://localhost:8585/ecma2host_Badges/scim"
    assert (result["generated"], result["restart_needed"], result["ignored"]) == (True, True, [])
    cache = rf"{ecma_host.ECMA_FOLDER}\Cache\Badges"
    for folder in (cache, rf"{cache}\AutosyncService"):
        source = rf"{ecma_host.ECMA_FOLDER}\Fabrikam.Badge.Connector.dll"
        copy = rf"{folder}\Fabrikam.Badge.Connector.dll"
        assert desk.host.files.digest(copy) == desk.host.files.digest(source)
        assert copy in result["files"]
    log = desk.host.events.log(ecma_scim.LOG)
    assert log is not None
    assert {"ECMA2Host", "ConnectorsLog"} <= set(log.sources)
    assert [item.thumbprint for item in certificate_store.all_of(desk.host, MY)] == [result["thumbprint"]]
    assert [item.thumbprint for item in certificate_store.all_of(desk.host, ROOT)] == [result["thumbprint"]]
    runs = [item for item in desk.host.processes.history() if item.image == ecma_wizard.WIZARD]
    assert len(runs) == 1


def test_generated_certificate_names_the_host_and_has_its_key_in_my_alone(desk: Desk) -> None:
    thumbprint = desk.wizard()["thumbprint"]
    mine, root = (certificate_store.get(desk.host, store, thumbprint) for store in (MY, ROOT))
    assert mine is not None
    assert root is not None
    names = x509.load_der_x509_certificate(mine.der).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == ["ECMA01"]
    assert b"PRIVATE KEY" in certificate_store.private_key(desk.host, mine)
    assert certificate_store.private_key(desk.host, root) == b""


def test_configuration_holds_what_the_sheet_says_and_what_the_export_brings(desk: Desk) -> None:
    thumbprint = desk.wizard()["thumbprint"]
    root = configuration(desk)
    values = {
        item.findtext("Name"): item.findtext("Value")
        for item in root.iterfind("Connectors/Connector/ConnectorConfig/Parameters/Parameter")
    }
    assert values == {
        "Badge server": "badges.new.test.example",
        "Operator": "mim-operator",
        "Operator password": "typed-again-1",
        "Second operator's password": "",
        "Zone plan": "Plant",
        "Write audit trail?": "1",
    }
    assert [item.findtext("Name") for item in root.iter("RunConfiguration")] == ["Export", "FullImport"]
    rows = {item.findtext("Name"): item.findtext("IsAnchor") for item in root.iter("AttributeSchema")}
    assert rows == {"badgeNumber": "true", "firstName": "false", "lastName": "false"}
    own = root.find("Connectors/Connector/ECMAConfig")
    assert own.findtext("LibraryName") == "Fabrikam.Badge.Connector"
    assert own.findtext("SecretToken") == TOKEN
    assert (root.findtext("Setting/Port"), root.findtext("Setting/Certificate")) == ("8585", thumbprint)
    assert root.findtext(".//DeprovisioningModel/HardDelete") == "TreatAsHard"
    assert root.findtext(".//DeprovisioningModel/SoftDelete") == "None"


@pytest.mark.skipif(not SAMPLE.exists(), reason="the published sample is not on this machine")
def test_configuration_has_the_elements_of_the_published_one_in_their_order(desk: Desk) -> None:
    def shape(node: Any) -> Any:
        """Tags in their order; of several children of one tag the first stands for all."""
        seen: dict[str, Any] = {}
        for child in node:
            seen.setdefault(child.tag, shape(child))
        return list(seen.items())

    desk.wizard()
    ours, real = shape(configuration(desk)), shape(etree.parse(SAMPLE).getroot())
    assert ours == real


def test_published_configuration_can_be_read() -> None:
    if not SAMPLE.exists():
        pytest.skip("the published sample is not on this machine")
    loaded = ecma_configuration.read(SAMPLE.read_bytes())
    (connector,) = loaded.connectors
    assert (loaded.port, connector.name, connector.anchor) == (8585, "CSV", "AzureObjectID")
    assert connector.full_import


def test_parameters_whose_names_differ_in_brackets_alone_are_told_apart() -> None:
    names = ("Password", "Password (auxiliary)", "Password  (impersonate)")
    fields = [{"field": name, "value": str(number)} for number, name in enumerate(names)]
    answers = Answers({"pages": [{"page": "Connectivity", "fields": fields}]})
    found = [answers.parameter("connectivity", name) for name in names]
    assert [item["value"] for item in found if item] == ["0", "1", "2"]
    assert answers.unused() == []


@pytest.mark.parametrize("name", ["lync-powershell", "powershell-psma"])
def test_management_agents_of_real_servers_go_through_the_wizard(desk: Desk, name: str) -> None:
    path = SAMPLE.parents[1] / f"ecma2/{name}.export-ma.xml"
    if not path.exists():
        pytest.skip("the published sample is not on this machine")
    source = ecma_source.read(path.read_bytes())
    desk.host.files.write_bytes(XML, path.read_bytes())
    desk.host.files.write_bytes(rf"{ecma_host.ECMA_FOLDER}\{source.dll}", b"MZ stand-in", force=True)
    target = "User" if "User" in source.classes else "person"
    first = source.classes[target][0].name
    desk.sheet["pages"] = [
        page for page in desk.sheet["pages"] if page["page"] not in ("Connectivity", "Select attributes")
    ]
    desk.put("Properties", "Extension DLL", None)
    desk.put("Object types", "Target object", target)
    desk.put("Object types", "Anchor", first)
    desk.put("Object types", "DN", first)
    desk.put("Select attributes", first, True)
    pages = {"connectivity": "Connectivity", "partition": "Partitions", "global": "Global"}
    for item in source.parameters:
        if item.encrypted:
            desk.put(pages[item.use], item.name, f"typed for {item.name}")
    assert desk.wizard()["ignored"] == []
    rows = {
        row.findtext("Name"): row.findtext("Value")
        for row in configuration(desk).iterfind("Connectors/Connector/ConnectorConfig/Parameters/Parameter")
    }
    for item in source.parameters:
        if item.use != "run-step":
            expected = f"typed for {item.name}" if item.encrypted else item.value
            assert (rows[item.name] or "").splitlines() == expected.splitlines()


REFUSALS: list[tuple[str, Callable[[Desk], object], str]] = [
    (
        "no XML named",
        lambda d: d.put("Start", "New connector", None),
        "Start: New connector: nothing; expected",
    ),
    (
        "XML not there",
        lambda d: d.host.files.delete(XML),
        "The system cannot find the file specified; expected",
    ),
    (
        "another root",
        lambda d: d.host.files.write_bytes(XML, b"<saved-ma-configuration/>"),
        "root element saved-ma-configuration; expected export-ma",
    ),
    ("a DTD", lambda d: d.host.files.write_bytes(XML, b"<!DOCTYPE a []><export-ma/>"), "DTD is prohibited"),
    (
        "no ECMA 2",
        lambda d: d.host.files.write_bytes(
            XML, d.host.files.read_bytes(XML).replace(b"<category>Extensible2<", b"<category>FIM<")
        ),
        "category FIM; expected Extensible2",
    ),
    (
        "DLL not staged",
        lambda d: d.host.files.delete(ecma_host.ECMA_FOLDER + r"\Fabrikam.Badge.Connector.dll"),
        "Extension DLL: Fabrikam.Badge.Connector.dll; expected one of the DLLs in",
    ),
    ("name empty", lambda d: d.put("Properties", "Name", ""), "Properties: Name: ''; expected letters"),
    (
        "name with slash",
        lambda d: d.put("Properties", "Name", "a/b"),
        "Properties: Name: 'a/b'; expected letters",
    ),
    ("name climbs", lambda d: d.put("Properties", "Name", ".."), "Properties: Name: '..'; expected letters"),
    (
        "short token",
        lambda d: d.put("Properties", "Secret token", "a" * 11),
        "Secret token: 11 characters; expected",
    ),
    ("no token", lambda d: d.put("Properties", "Secret token", ...), "Secret token: nothing typed; expected"),
    (
        "timer",
        lambda d: d.put("Properties", "Autosync timer (minutes)", 119),
        "Autosync timer: 119; expected minutes",
    ),
    ("port", lambda d: d.put("Settings", "Port", 65536), "Settings: Port: '65536'; expected 1 to 65535"),
    ("port taken", lambda d: d.put("Settings", "Port", 5985), "Port: 5985 is in use by service:winrm"),
    (
        "thumbprint",
        lambda d: d.put("Settings", "Certificate", "AB" * 20),
        r"in LocalMachine\My. Import it first",
    ),
    (
        "secret not typed again",
        lambda d: d.put("Connectivity", "Operator password", None),
        "Connectivity: Operator password: nothing typed; expected the value, which no export carries",
    ),
    ("no export", lambda d: d.put("Run profiles", "Export", False), "Run profiles: Export: off; expected on"),
    (
        "delta alone",
        lambda d: (d.put("Run profiles", "Full import", False), d.put("Run profiles", "Delta import", True)),
        "Delta import: on; expected a full import as its base",
    ),
    (
        "tick",
        lambda d: d.put("Run profiles", "Export", "perhaps"),
        "Export: 'perhaps'; expected true or false",
    ),
    (
        "object",
        lambda d: d.put("Object types", "Target object", "user"),
        "Target object: user; expected one of person",
    ),
    (
        "anchor",
        lambda d: d.put("Object types", "Anchor", "nothing"),
        "Anchor: nothing; expected an attribute",
    ),
    ("attribute", lambda d: d.put("Select attributes", "shoe", True), "shoe: not in the schema; expected"),
    (
        "no attribute",
        lambda d: (
            d.put("Select attributes", "firstName", False),
            d.put("Select attributes", "lastName", False),
        ),
        "Select attributes: none; expected at least one",
    ),
    (
        "flow",
        lambda d: d.put("Deprovisioning", "Delete flow", "Shred"),
        "Delete flow: Shred; expected None or Delete",
    ),
    (
        "not elevated",
        lambda d: None,
        "run by ECMA01\\Administrator without elevation; expected an elevated run",
    ),
]


@pytest.mark.parametrize(("spoil", "said"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_wizard_stops_where_the_real_one_would_and_writes_nothing(
    desk: Desk, spoil: Callable[[Desk], object], said: str
) -> None:
    spoil(desk)
    before = written(desk)
    with pytest.raises(WinlabError) as caught:
        desk.wizard(elevated="elevation" not in said)
    assert said in str(caught.value)
    assert str(caught.value).startswith(("ecma01: ", "answers: "))
    assert TOKEN not in str(caught.value)
    assert "typed-again" not in str(caught.value)
    assert written(desk) == before
    assert certificate_store.all_of(desk.host, MY) == []


def test_wizard_does_not_run_without_the_product(desk: Desk) -> None:
    desk.host.files.delete(ecma_wizard.WIZARD)
    with pytest.raises(WinlabError, match="not installed; expected the ECMA Connector Host"):
        desk.wizard()


def test_a_person_who_is_no_administrator_cannot_elevate(desk: Desk) -> None:
    desk.host.accounts.create_user("bob", "Corr3ct-horse 2")
    with pytest.raises(WinlabError, match=r"run by ECMA01.bob without elevation"):
        desk.wizard(user="bob")
    with pytest.raises(WinlabError, match=r"operator nobody: .*; expected an account of the host"):
        desk.wizard(user="nobody")


def test_answer_that_is_not_known_to_be_written_fails_loudly(desk: Desk) -> None:
    desk.put("Deprovisioning", "Disable flow", "Set attribute value")
    with pytest.raises(NotModelled):
        desk.wizard()


def test_names_are_unique_without_regard_to_case_and_the_port_is_asked_once(desk: Desk) -> None:
    first = desk.wizard()
    desk.put("Properties", "Name", "BADGES")
    with pytest.raises(WinlabError, match="Name: BADGES exists; expected a name of its own"):
        desk.wizard()
    desk.put("Properties", "Name", "Badges2")
    desk.put("Settings", "Port", 9000)
    with pytest.raises(WinlabError, match="expected 8585, which was set at the first run"):
        desk.wizard()
    desk.put("Settings", "Port", None)
    desk.put("Settings", "Certificate", None)
    second = desk.wizard()
    assert (second["port"], second["thumbprint"], second["generated"]) == (8585, first["thumbprint"], False)
    names = [
        item.name
        for item in ecma_configuration.read(desk.host.files.read_bytes(ecma_host.CONFIGURATION)).connectors
    ]
    assert names == ["Badges", "Badges2"]


def test_each_click_on_generate_leaves_one_more_certificate_in_both_stores(desk: Desk) -> None:
    desk.wizard()
    desk.put("Properties", "Name", "Badges2")
    desk.wizard()
    assert [len(certificate_store.all_of(desk.host, store)) for store in (MY, ROOT)] == [2, 2]


def test_an_expired_certificate_is_refused(desk: Desk) -> None:
    desk.put("Settings", "Certificate", desk.wizard()["thumbprint"])
    desk.put("Properties", "Name", "Badges2")
    desk.host.clock.jump(timedelta(days=3 * 365).total_seconds())
    with pytest.raises(WinlabError, match=r"expired on .*; expected a valid one"):
        desk.wizard()


def test_what_has_no_field_in_the_wizard_is_named_and_the_portals_part_is_not(desk: Desk) -> None:
    desk.put("Properties", "Colour", "red")
    desk.put("Portal", "Tenant URL", "https://localhost:8585/ecma2host_Badges/scim")
    assert desk.wizard()["ignored"] == ["Properties: Colour"]


def test_secrets_are_typed_from_elsewhere_when_the_sheet_leaves_them_out(desk: Desk) -> None:
    desk.put("Properties", "Secret token", None)
    desk.wizard(typed={"Properties/Secret token": TOKEN})
    assert configuration(desk).findtext(".//SecretToken") == TOKEN


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ([], "no list `pages`"),
        ({"pages": [{"page": "A"}]}, "without `page` and `fields`"),
        ({"pages": [{"page": "A", "fields": [{}]}]}, "a field without a name"),
        ({"pages": [{"page": "A", "fields": [{"field": "x"}, {"field": "X "}]}]}, "answered twice"),
    ],
)
def test_a_document_that_is_no_answer_sheet_is_refused(desk: Desk, sheet: Any, said: str) -> None:
    desk.sheet = sheet
    with pytest.raises(WinlabError, match=said):
        desk.wizard()


@pytest.mark.parametrize(("name", "kind"), [("Administrators", "alias"), ("Everyone", "well known group")])
def test_a_group_sits_at_no_screen(desk: Desk, name: str, kind: str) -> None:
    with pytest.raises(WinlabError) as caught:
        desk.wizard(user=name)
    assert str(caught.value) == (
        f"ecma01: operator {name}: {kind}; expected the account of a person. Name one with --user."
    )
