"""Which answer each reference gets, and what a person is told. One case a folder of the fixtures."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mim2ecma.assemblies import reader, walk
from mim2ecma.assemblies.assembly import AssemblyError
from mim2ecma.assemblies.request import closure_document
from mim2ecma.documents.errors import UsageError
from mim2ecma.documents.schemas import schema

LISTS = ("stage", "host_supplied", "in_box", "windows", "embedded", "missing")

REDIRECT = """<?xml version="1.0" encoding="utf-8"?>
<configuration><runtime><assemblyBinding xmlns="urn:schemas-microsoft-com:asm.v1"><dependentAssembly>
<assemblyIdentity name="Redirect.Library" publicKeyToken="48fcdbbf177042f4" culture="neutral"/>
<bindingRedirect oldVersion="0.0.0.0-{high}"
newVersion="2.0.0.0"/></dependentAssembly></assemblyBinding></runtime></configuration>
"""


def files(document: dict[str, Any]) -> list[str]:
    return [entry["file"] for entry in document["stage"]]


def found(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(finding["id"], finding["severity"]) for finding in document["findings"]]


@pytest.mark.parametrize(
    ("connector", "staged"),
    [
        ("plain/Plain.Connector.dll", ["Plain.Connector.dll"]),
        ("chain/Chain.Connector.dll", ["Chain.Connector.dll", "Chain.Leaf.dll", "Chain.Middle.dll"]),
        ("cycle/Cycle.Connector.dll", ["Cycle.Connector.dll", "Cycle.One.dll", "Cycle.Two.dll"]),
        ("case/Mixed.Connector.dll", ["Mixed.Connector.dll", "MIXED.library.DLL"]),
        ("blank/Blank In Name.dll", ["Blank In Name.dll", "Blank Library.dll"]),
        ("satellite/Satellite.Connector.dll", ["Satellite.Connector.dll"]),
        ("x86/X64.Connector.dll", ["X64.Connector.dll"]),
        ("bases/Inner.Connector.dll", ["Inner.Connector.dll"]),
    ],
)
def test_everything_that_is_needed_is_staged_and_nothing_else(
    closure, connector: str, staged: list[str]
) -> None:
    document = closure(connector)
    assert files(document) == staged
    assert document["missing"] == []
    assert document["findings"] == []


@pytest.mark.parametrize(
    ("connector", "findings"),
    [
        ("missing/Missing.Connector.dll", [("C1", "error")]),
        ("missing/Indirect.Connector.dll", [("C1", "warning")]),
        ("embedded/Embedded.Connector.dll", [("C1", "warning")]),
        ("strong/Strong.Connector.dll", [("C17", "information")]),
        ("strong/Impostor.Connector.dll", [("C4", "error")]),
        ("redirect/Redirect.Connector.dll", [("C4", "warning")]),
        ("rules/Rules.Extension.dll", [("C12", "error")]),
        ("noexport/NoExport.Connector.dll", [("C13", "error")]),
        ("bases/Outer.Connector.dll", [("C13", "warning")]),
        ("bases/Generic.Connector.dll", [("C13", "warning")]),
        ("chain/Chain.Leaf.dll", [("C12", "warning")]),
        ("net481/Net481.Connector.dll", [("C14", "warning")]),
        ("x86/X86.Connector.dll", [("C15", "error")]),
        ("x86/Uses.Connector.dll", [("C15", "error")]),
        ("late/Late.Connector.dll", [("C16", "warning")]),
        ("renamed/Renamed.Connector.dll", [("C1", "error"), ("C20", "warning")]),
        ("pinvoke/PInvoke.Connector.dll", [("C22", "warning"), ("C22", "warning")]),
    ],
)
def test_each_trap_has_its_finding(closure, connector: str, findings: list[tuple[str, str]]) -> None:
    document = closure(connector)
    assert found(document) == findings
    assert all(finding["next_step"].endswith(".") for finding in document["findings"])


def test_interfaces_of_base_classes_in_the_same_file_count(closure) -> None:
    entry = closure("bases/Inner.Connector.dll")["connector"]
    assert entry["interfaces"] == [
        f"IMAExtensible2{name}" for name in ("CallExport", "CallImport", "GetCapabilities", "GetSchema")
    ]
    assert entry["types"] == ["Fixture.Connector"]


def test_the_text_of_a_missing_library_says_who_wants_it_and_what_to_do(closure) -> None:
    [finding] = closure("missing/Missing.Connector.dll")["findings"]
    assert finding["where"] == "Missing.Connector.dll"
    assert (
        finding["found"]
        == "no file for 'Missing.Library, Version=1.0.0.0, Culture=neutral, PublicKeyToken=null'"
    )
    assert finding["next_step"] == (
        "Get the library from the connector's author and put it beside the connector (in Extensions of the MIM "
        "host, or the searched folder). Accept C1 with a reason if the connector never uses it."
    )


@pytest.mark.parametrize(
    "connector",
    [
        "chain/Chain.Connector.dll",
        "cycle/Cycle.Connector.dll",
        "clash/Clash.Connector.dll",
        "embedded/ByHand.Connector.dll",
        "embedded/Embedded.Connector.dll",
        "missing/Indirect.Connector.dll",
        "late/Late.Connector.dll",
    ],
)
def test_each_reference_of_each_staged_file_is_in_exactly_one_list(
    closure, fixtures: Path, connector: str
) -> None:
    document = closure(connector)
    folder = (fixtures / connector).parent
    for staged in document["stage"]:
        for reference in reader.read_assembly(folder / staged["file"]).references:
            holding = [
                name
                for name in LISTS
                if any(
                    entry["assembly"].casefold() == reference.key
                    and staged["file"] in entry["wanted_by"]
                    and (name == "stage" or entry["version"] == reference.version_text)
                    for entry in document[name]
                )
            ]
            assert len(holding) == 1, (staged["file"], str(reference), holding)


def test_the_engines_own_library_is_never_staged_even_when_it_lies_beside(
    tmp_path: Path, fixtures: Path
) -> None:
    for path in ("plain/Plain.Connector.dll", "sdk/Microsoft.MetadirectoryServicesEx.dll"):
        shutil.copy(fixtures / path, tmp_path)
    document = closure_document(str(tmp_path / "Plain.Connector.dll"), search=[str(tmp_path)])
    assert files(document) == ["Plain.Connector.dll"]
    assert [entry["assembly"] for entry in document["host_supplied"]] == ["Microsoft.MetadirectoryServicesEx"]


def test_an_embedded_library_needs_no_staging_but_what_the_packer_left_out_is_missed(closure) -> None:
    document = closure("embedded/Embedded.Connector.dll")
    assert files(document) == ["Embedded.Connector.dll"]
    [embedded] = document["embedded"]
    assert (embedded["assembly"], embedded["in"]) == ("Packed.Library", "Embedded.Connector.dll")
    [missing] = document["missing"]
    assert missing["assembly"] == "Left.Out"
    assert missing["wanted_by"] == ["Packed.Library (embedded in Embedded.Connector.dll)"]


def test_a_library_embedded_in_an_embedded_one_is_found(closure) -> None:
    document = closure("embedded/Nested.Connector.dll")
    assert [(entry["assembly"], entry["in"]) for entry in document["embedded"]] == [
        ("Inner.Library", "Outer.Library (embedded in Nested.Connector.dll)"),
        ("Outer.Library", "Nested.Connector.dll"),
    ]
    assert found(document) == []


def test_a_library_embedded_by_hand_is_known_by_its_metadata_not_by_the_resource_name(closure) -> None:
    document = closure("embedded/ByHand.Connector.dll")
    assert files(document) == ["ByHand.Connector.dll"]
    [embedded] = document["embedded"]
    assert (embedded["assembly"], embedded["in"]) == ("Hand.Library", "ByHand.Connector.dll")
    assert embedded["resource"] == "Fixture.Resources.Hand.Library.dll"
    assert document["missing"] == []
    assert found(document) == [("C28", "information")]


def test_a_resource_that_is_only_named_like_a_library_leaves_it_missing(
    tmp_path: Path, fixtures: Path
) -> None:
    data = (fixtures / "embedded/ByHand.Connector.dll").read_bytes()
    name = b"Fixture.Resources.Hand.Library.dll"
    assert data.count(name) == 1
    (tmp_path / "ByHand.Connector.dll").write_bytes(data.replace(name, name[:-4] + b".txt"))
    document = closure_document(str(tmp_path / "ByHand.Connector.dll"))
    assert [entry["assembly"] for entry in document["missing"]] == ["Hand.Library"]
    assert found(document) == [("C1", "error")]


def test_an_embedded_library_that_cannot_be_unpacked_is_a_finding(tmp_path: Path, fixtures: Path) -> None:
    data = bytearray((fixtures / "embedded/Embedded.Connector.dll").read_bytes())
    [resource] = reader.read_assembly(fixtures / "embedded/Embedded.Connector.dll").resources
    packed = reader.read_resource(fixtures / "embedded/Embedded.Connector.dll", resource)
    import zlib

    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = data.find(deflate.compress(packed) + deflate.flush())
    assert start > 0
    data[start : start + 8] = b"\xff" * 8
    (tmp_path / "Embedded.Connector.dll").write_bytes(data)
    document = closure_document(str(tmp_path / "Embedded.Connector.dll"))
    assert found(document) == [("C19", "warning")]


def test_companions_come_along(tmp_path: Path, fixtures: Path) -> None:
    shutil.copytree(fixtures / "satellite", tmp_path / "e")
    (tmp_path / "e" / "Satellite.Connector.DLL.config").write_text("<configuration/>")
    (tmp_path / "e" / "Other.dll.config").write_text("<configuration/>")
    (tmp_path / "e" / "people.csv").write_text("a")
    document = closure_document(
        str(tmp_path / "e" / "Satellite.Connector.dll"), declared=["People.CSV", "gone.txt"]
    )
    assert [(entry["file"], entry["kind"]) for entry in document["companions"]] == [
        ("de\\Satellite.Connector.resources.dll", "satellite"),
        ("people.csv", "declared"),
        ("Satellite.Connector.DLL.config", "config"),
    ]
    assert found(document) == [("C24", "warning")]


def test_a_library_only_in_the_global_assembly_cache_is_staged_and_said_so(closure, fixtures: Path) -> None:
    without = closure("gac/Extensions/Gac.Connector.dll")
    assert found(without) == [("C1", "error")]
    document = closure("gac/Extensions/Gac.Connector.dll", gac=[str(fixtures / "gac/root")])
    assert files(document) == ["Gac.Connector.dll", "Gac.Library.dll"]
    assert document["stage"][1]["place"] == "gac"
    assert document["stage"][1]["source"].endswith("Gac.Library.dll")
    assert found(document) == [("C2", "warning")]


def test_two_versions_of_one_library_cannot_both_lie_in_one_folder(closure, fixtures: Path) -> None:
    document = closure("clash/Clash.Connector.dll", gac=[str(fixtures / "clash/root")])
    assert [entry["kind"] for entry in document["conflicts"]] == ["two-versions"]
    assert found(document) == [("C8", "error"), ("C4", "warning")]


def write_configs(folder: Path, **programs: str) -> dict[str, str]:
    options = {}
    for name, high in programs.items():
        path = folder / f"{name}.exe.config"
        path.write_text(REDIRECT.format(high=high))
        options[f"{name}_config"] = str(path)
    return options


@pytest.mark.parametrize(
    ("redirects", "findings"),
    [
        ({}, [("C4", "warning")]),
        ({"mim": "2.0.0.0"}, [("C5", "warning")]),
        ({"mim": "2.0.0.0", "service": "0.5", "wizard": "0.5"}, [("C5", "error")]),
        ({"mim": "2.0.0.0", "service": "2.0.0.0", "wizard": "0.5"}, [("C6", "error")]),
        ({"mim": "2.0.0.0", "service": "0.5", "wizard": "2.0.0.0"}, [("C6", "error")]),
        ({"mim": "2.0.0.0", "service": "2.0.0.0", "wizard": "2.0.0.0"}, []),
        ({"service": "2.0.0.0", "wizard": "2.0.0.0"}, []),
        ({"mim": "0.5", "service": "0.5", "wizard": "0.5"}, [("C4", "error")]),
    ],
)
def test_a_redirect_has_to_be_in_both_programs_of_the_host(
    closure, tmp_path: Path, redirects: dict[str, str], findings: list[tuple[str, str]]
) -> None:
    document = closure("redirect/Redirect.Connector.dll", **write_configs(tmp_path, **redirects))
    assert found(document) == findings


def test_the_wizard_without_the_services_redirect_is_named(closure, tmp_path: Path) -> None:
    options = write_configs(tmp_path, mim="2.0.0.0", service="2.0.0.0", wizard="0.5")
    [finding] = closure("redirect/Redirect.Connector.dll", **options)["findings"]
    assert finding["next_step"] == "Take over the binding redirect into the configuration of the wizard."


def host_file(path: Path, **more: str) -> dict[str, str]:
    import hashlib

    return {
        "path": f"C:\\Program Files\\Microsoft ECMA2Host\\Service\\ECMA\\{path.name.upper()}",
        "checksum": hashlib.sha256(path.read_bytes()).hexdigest(),
        **more,
    }


@pytest.mark.parametrize(
    ("more", "relation", "findings"),
    [
        ({}, None, []),
        ({"checksum": "0" * 64}, "different", [("C9", "warning")]),
        ({"checksum": "0" * 64, "version": "0.9.0.0"}, "older", [("C9", "warning")]),
        ({"checksum": "0" * 64, "version": "1.1.0.0"}, "newer", [("C9", "warning")]),
        ({"checksum": "0" * 64, "version": "1.0.0.0"}, "same-version", [("C9", "warning")]),
        ({"checksum": ""}, "unknown", [("C9", "warning")]),
    ],
)
def test_what_the_ecma_folder_has_is_compared_and_stays(
    closure, fixtures: Path, more: dict[str, str], relation: str | None, findings: list[tuple[str, str]]
) -> None:
    host = [host_file(fixtures / "chain/Chain.Middle.dll", **more)]
    document = closure("chain/Chain.Connector.dll", host=host)
    assert files(document) == ["Chain.Connector.dll", *([] if relation else ["Chain.Leaf.dll"])]
    assert "Chain.Middle" in [entry["assembly"] for entry in document["host_supplied"]]
    assert [entry["host_is"] for entry in document["conflicts"]] == ([relation] if relation else [])
    assert found(document) == findings


def test_what_we_staged_ourselves_does_not_count_as_the_hosts(closure, fixtures: Path) -> None:
    host = [host_file(fixtures / f"chain/{name}") for name in ("Chain.Middle.dll", "Chain.Leaf.dll")]
    ours = [{"path": entry["path"], "sha256": entry["checksum"]} for entry in host]
    first = closure("chain/Chain.Connector.dll")
    assert closure("chain/Chain.Connector.dll", host=host, ours=ours) == first


@pytest.mark.parametrize(("version", "findings"), [("1.0.0.0", []), ("2.0.0.0", [("C10", "warning")])])
def test_a_strong_name_does_not_bind_to_another_version_on_the_host(
    closure, version: str, findings: list[tuple[str, str]]
) -> None:
    host = [
        {"path": "Strong.Signed.dll", "version": version},
        {"path": "Strong.Delayed.dll", "version": "1.0.0.0"},
    ]
    document = closure("strong/Strong.Connector.dll", host=host)
    assert [item for item in found(document) if item[0] == "C10"] == findings


@pytest.mark.parametrize(
    "host", [[], [{"path": "Microsoft.IAM.Connector.GenericSql.dll", "version": "1.1.0.0"}]]
)
def test_microsofts_own_connector_is_the_hosts(
    tmp_path: Path, fixtures: Path, host: list[dict[str, str]]
) -> None:
    path = tmp_path / "Microsoft.IAM.Connector.GenericSql.dll"
    shutil.copy(fixtures / "missing/Missing.Connector.dll", path)
    document = closure_document(str(path), host=host)
    assert document["connector"]["supplied_by_host"] is True
    assert document["stage"] == []
    assert document["missing"] == []


def test_projects_of_the_web_services_connector_come_along_although_the_host_has_it(
    tmp_path: Path, fixtures: Path
) -> None:
    path = tmp_path / "Microsoft.IdentityManagement.MA.WebServices.dll"
    shutil.copy(fixtures / "plain/Plain.Connector.dll", path)
    (tmp_path / "sap.wsconfig").write_text("")
    document = closure_document(str(path))
    assert document["stage"] == []
    assert [entry["file"] for entry in document["companions"]] == ["sap.wsconfig"]


def test_a_connector_that_somebody_put_on_the_host_by_hand_is_still_walked(closure, fixtures: Path) -> None:
    host = [host_file(fixtures / "chain/Chain.Connector.dll")]
    document = closure("chain/Chain.Connector.dll", host=host)
    assert files(document) == ["Chain.Connector.dll", "Chain.Leaf.dll", "Chain.Middle.dll"]
    assert document["connector"]["supplied_by_host"] is False


def test_copies_of_the_service_and_data_are_not_what_the_host_supplies(closure, fixtures: Path) -> None:
    middle = host_file(fixtures / "chain/Chain.Middle.dll")["path"]
    folder, _, name = middle.rpartition("\\")
    host = [f"{folder}\\{part}\\{name}" for part in ("Cache\\hr", "Cache\\hr\\AutosyncService", "MAData\\hr")]
    assert "Chain.Middle.dll" in files(closure("chain/Chain.Connector.dll", host=host))


def test_what_an_identical_file_on_the_host_needs_is_brought(closure, fixtures: Path) -> None:
    document = closure("chain/Chain.Connector.dll", host=[host_file(fixtures / "chain/Chain.Middle.dll")])
    assert files(document) == ["Chain.Connector.dll", "Chain.Leaf.dll"]


@pytest.mark.parametrize("name", ["chain.CONNECTOR.dll", "Chain.Connector.DLL", "Chain.Connector.dll"])
def test_the_connector_is_found_by_its_bare_name_in_any_case(fixtures: Path, name: str) -> None:
    document = closure_document(name, search=[str(fixtures / "plain"), str(fixtures / "chain")])
    assert document["connector"]["file"] == "Chain.Connector.dll"
    assert closure_document(str(fixtures / "chain" / name))["connector"]["file"] == "Chain.Connector.dll"


def test_a_file_of_that_name_in_the_current_folder_is_another_one(
    tmp_path: Path, fixtures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(fixtures / "plain/Plain.Connector.dll", tmp_path / "Chain.Connector.dll")
    monkeypatch.chdir(tmp_path)
    document = closure_document("Chain.Connector.dll", search=[str(fixtures / "chain")])
    assert document["connector"]["assembly"] == "Chain.Connector"
    with pytest.raises(AssemblyError, match="No such file"):
        closure_document("Chain.Connector.dll", search=[str(fixtures / "plain")])


@pytest.mark.parametrize("name", ["..\\..\\evil.dll", "C:evil.dll", "NUL", "a.dll."])
def test_a_connector_with_a_hostile_name_is_refused(fixtures: Path, name: str) -> None:
    with pytest.raises(UsageError, match="extension-config/filename"):
        closure_document(name, search=[str(fixtures / "chain")])


def test_a_listing_without_microsofts_connector_means_that_it_is_not_there(
    tmp_path: Path, fixtures: Path
) -> None:
    path = tmp_path / "Microsoft.IAM.Connector.GenericSql.dll"
    shutil.copy(fixtures / "plain/Plain.Connector.dll", path)
    document = closure_document(str(path), host=["Other.dll"])
    assert document["connector"]["supplied_by_host"] is False


def test_a_file_of_the_wanted_name_that_cannot_be_read_is_a_finding(tmp_path: Path, fixtures: Path) -> None:
    shutil.copy(fixtures / "chain/Chain.Connector.dll", tmp_path)
    (tmp_path / "Chain.Middle.dll").write_bytes(b"MZ nothing")
    document = closure_document(str(tmp_path / "Chain.Connector.dll"))
    assert found(document) == [("C1", "error"), ("C19", "warning")]


def test_only_what_is_reached_is_read(
    tmp_path: Path, fixtures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (fixtures / "chain").iterdir():
        shutil.copy(path, tmp_path)
    for number in range(300):
        shutil.copy(fixtures / "chain/Unrelated.dll", tmp_path / f"Unrelated{number}.dll")
    read: list[str] = []
    original = walk.read_assembly

    def counting(path: Path, **options: Any) -> Any:
        read.append(path.name)
        return original(path, **options)

    monkeypatch.setattr(walk, "read_assembly", counting)
    closure_document(str(tmp_path / "Chain.Connector.dll"))
    assert sorted(read) == ["Chain.Connector.dll", "Chain.Leaf.dll", "Chain.Middle.dll"]


def test_a_second_run_gives_the_same_bytes(closure) -> None:
    assert json.dumps(closure("clash/Clash.Connector.dll")) == json.dumps(
        closure("clash/Clash.Connector.dll")
    )


@pytest.mark.parametrize(
    "connector",
    [
        "plain/Plain.Connector.dll",
        "clash/Clash.Connector.dll",
        "pinvoke/PInvoke.Connector.dll",
        "embedded/Embedded.Connector.dll",
    ],
)
def test_the_document_follows_its_schema(closure, connector: str) -> None:
    rules = copy.deepcopy(dict(schema("closure")))
    # Findings of the closure have ids of their own, C1, C2, ...
    rules["properties"]["findings"]["items"]["properties"]["id"]["pattern"] = "^[RC][1-9][0-9]*[a-z]?$"
    Draft202012Validator(rules).validate(closure(connector))


def test_the_connector_entry_says_what_the_file_is(closure) -> None:
    entry = closure("strong/Strong.Connector.dll")["connector"]
    assert entry["assembly"] == "Strong.Connector"
    assert entry["version"] == "1.2.3.4"
    assert entry["strong_name"] == "signed"
    assert len(entry["sha256"]) == 64


@pytest.mark.parametrize(
    "host",
    [
        [r"C:\ECMA\before\Chain.Middle.dll", r"C:\ECMA\Other.dll"],
        [r"before\Chain.Middle.dll"],
    ],
)
def test_a_copy_in_a_folder_below_is_not_what_the_host_supplies(closure, host: list[str]) -> None:
    # An administrator kept the old files beside the new ones; nothing is loaded from there.
    assert "Chain.Middle.dll" in files(closure("chain/Chain.Connector.dll", host=host))


@pytest.mark.parametrize("host", [[r"C:\ECMA\chain.middle.DLL", r"C:\ECMA\de\x.dll"], ["Chain.Middle.dll"]])
def test_a_file_of_the_folder_itself_is_what_the_host_supplies(closure, host: list[str]) -> None:
    assert "Chain.Middle.dll" not in files(closure("chain/Chain.Connector.dll", host=host))
