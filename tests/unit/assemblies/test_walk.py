"""The walk over libraries that exist only as metadata: what no compiler at hand can build, and graphs of any
shape."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mim2ecma.assemblies import walk
from mim2ecma.assemblies.assembly import Assembly, ModuleReference
from mim2ecma.assemblies.names import AssemblyName, Version
from mim2ecma.assemblies.request import closure_document

MICROSOFT, WPF, MINE = "b03f5f7f11d50a3a", "31bf3856ad364e35", "0123456789abcdef"
LISTS = ("stage", "host_supplied", "in_box", "windows", "embedded", "missing")
CONNECTOR = ("IMAExtensible2CallExport", "IMAExtensible2GetSchema")


def name(text: str, version: Version = (1, 0, 0, 0), token: str = "") -> AssemblyName:
    return AssemblyName(text, version, "", token)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return a function that lays libraries down and closes over the first."""

    def make(
        *assemblies: tuple[AssemblyName, tuple[AssemblyName, ...], dict[str, Any]],
        cached: dict[Path, AssemblyName] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        known: dict[Path, Assembly] = {
            path: Assembly(path, 1, "managed", "anycpu", identity, sha256="1" * 64)
            for path, identity in (cached or {}).items()
        }
        for identity, references, more in assemblies:
            path = tmp_path / f"{identity.name}.dll"
            path.write_bytes(b"")
            values = {"kind": "managed", "architecture": "anycpu", "sha256": "0" * 64} | more
            known[path] = Assembly(path=path, length=1, identity=identity, references=references, **values)
        monkeypatch.setattr(walk, "read_assembly", lambda path, **_: known[path])
        connector = tmp_path / f"{assemblies[0][0].name}.dll"
        return closure_document(str(connector), search=[str(tmp_path)], **options)

    return make


def connector(
    *references: AssemblyName, **more: Any
) -> tuple[AssemblyName, tuple[AssemblyName, ...], dict[str, Any]]:
    return name("Connector"), references, {"interfaces": CONNECTOR} | more


def library(
    identity: AssemblyName, *references: AssemblyName, **more: Any
) -> tuple[AssemblyName, tuple[AssemblyName, ...], dict[str, Any]]:
    return identity, references, more


def ids(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(finding["id"], finding["severity"]) for finding in document["findings"]]


def test_a_facade_newer_than_the_frameworks_own_is_staged(world) -> None:
    facade = name("System.Runtime", (4, 2, 2, 0), MICROSOFT)
    document = world(connector(facade), library(facade))
    assert [entry["file"] for entry in document["stage"]] == ["Connector.dll", "System.Runtime.dll"]
    assert ids(document) == [("C25", "information")]


def test_a_facade_that_the_framework_has_is_not_staged_although_it_lies_there(world) -> None:
    document = world(
        connector(name("System.Runtime", (4, 0, 0, 0), MICROSOFT)),
        library(name("System.Runtime", (4, 2, 2, 0), MICROSOFT)),
    )
    assert [entry["file"] for entry in document["stage"]] == ["Connector.dll"]
    assert [entry["assembly"] for entry in document["in_box"]] == ["System.Runtime"]


def test_a_facade_that_is_newer_and_missing_says_what_the_framework_has(world) -> None:
    [finding] = world(connector(name("System.Runtime", (4, 2, 2, 0), MICROSOFT)))["findings"]
    assert finding["found"].endswith("; .NET Framework 4.8 has version 4.1.2.0 only")


def test_an_older_framework_on_the_host_lacks_later_facades(world) -> None:
    reference = name("netstandard", (2, 0, 0, 0), "cc7b13ffcd2ddd51")
    assert ids(world(connector(reference), framework="4.8")) == []
    assert ids(world(connector(reference), framework="4.6.2")) == [("C1", "error")]


def test_windows_powershell_is_part_of_windows_even_when_a_copy_lies_beside(world) -> None:
    reference = name("System.Management.Automation", (3, 0, 0, 0), WPF)
    document = world(connector(reference), library(reference))
    assert [entry["assembly"] for entry in document["windows"]] == ["System.Management.Automation"]
    assert ids(document) == []


def test_a_windows_feature_is_named(world) -> None:
    document = world(connector(name("Microsoft.ActiveDirectory.Management", (10, 0, 0, 0), WPF)))
    assert document["windows"][0]["needs"] == "feature RSAT-AD-PowerShell"
    assert ids(document) == [("C23", "warning")]


def test_the_engine_of_azure_ad_connect_is_newer_than_any_mim(world) -> None:
    document = world(connector(name("Microsoft.MetadirectoryServicesEx", (4, 2, 0, 0), WPF)))
    assert ids(document) == [("C11", "warning")]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (".NETFramework,Version=v4.8", []),
        (".NETFramework,Version=v4.0,Profile=Client", []),
        (".NETFramework,Version=v4.8.1", [("C14", "warning")]),
        (".NETStandard,Version=v2.0", [("C14", "warning")]),
        (".NETCoreApp,Version=v8.0", [("C14", "error")]),
        (None, []),
    ],
)
def test_the_target_framework_is_judged(world, target: str | None, expected: list[tuple[str, str]]) -> None:
    assert ids(world(connector(target_framework=target))) == expected


@pytest.mark.parametrize(
    ("target", "installed", "expected", "next_step"),
    [
        (
            "4.8",
            "4.7.2",
            "4.7.2, which the ECMA host has",
            "Install .NET Framework 4.8 on the ECMA host, or ",
        ),
        ("4.8.1", "4.7.2", "4.7.2, which the ECMA host has", "Test every run profile on the ECMA host, or "),
        (
            "4.8.1",
            "4.8",
            "4.8, the newest for Windows Server 2016",
            "Test every run profile on the ECMA host",
        ),
        ("4.7.2", "4.7.2", None, ""),
        ("4.8.1", "4.8.1", None, ""),
        ("4.7.1", "4.7.2", None, ""),
    ],
)
def test_the_target_framework_is_held_against_what_the_host_has(
    world, target: str, installed: str, expected: str | None, next_step: str
) -> None:
    reference = name("Library")
    there = library(reference, target_framework=f".NETFramework,Version=v{target}")
    findings = world(connector(reference), there, framework=installed)["findings"]
    assert [(item["id"], item["severity"], item["where"], item["expected"]) for item in findings] == (
        [("C14", "warning", "Library.dll", f"at most .NET Framework {expected}")] if expected else []
    )
    assert all(item["next_step"].startswith(next_step) for item in findings)


def test_a_library_from_nuget_may_be_netstandard(world) -> None:
    reference = name("Library")
    document = world(connector(reference), library(reference, target_framework=".NETStandard,Version=v2.0"))
    assert ids(document) == []


def test_a_library_for_net_cannot_be_loaded_by_net_framework(world) -> None:
    reference = name("Library")
    document = world(connector(reference), library(reference, target_framework=".NETCoreApp,Version=v6.0"))
    [finding] = document["findings"]
    assert (finding["id"], finding["severity"], finding["where"]) == ("C14", "warning", "Library.dll")
    assert finding["found"] == "a build for .NETCoreApp,Version=v6.0"


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("mixed", {"architecture": "x64"}, []),
        ("mixed", {"architecture": "x86"}, [("C15", "error")]),
        ("managed", {"architecture": "arm64"}, [("C15", "error")]),
        ("managed", {"architecture": "machine-0xfd1d"}, [("C15", "error")]),
        ("managed", {"architecture": "anycpu-32bit-preferred"}, []),
        ("managed", {"signs": ("registry",)}, [("C16", "information")]),
        ("managed", {"warnings": ("Blob: damaged",)}, [("C18", "warning")]),
    ],
)
def test_what_a_library_says_of_itself_is_passed_on(
    world, kind: str, more: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    reference = name("Library")
    assert ids(world(connector(reference), library(reference, kind=kind, **more))) == expected


def test_the_host_redirecting_away_from_the_version_at_hand_is_an_error(world, tmp_path: Path) -> None:
    reference = name("Library", token=MINE)
    config = tmp_path / "service.config"
    config.write_text(
        '<configuration><runtime><assemblyBinding xmlns="urn:schemas-microsoft-com:asm.v1"><dependentAssembly>'
        f'<assemblyIdentity name="Library" publicKeyToken="{MINE}"/>'
        '<bindingRedirect oldVersion="0.0-9.0" newVersion="9.0"/></dependentAssembly></assemblyBinding></runtime></configuration>'
    )
    document = world(
        connector(reference), library(reference), service_config=str(config), wizard_config=str(config)
    )
    assert ids(document) == [("C7", "error")]


def test_logging_configuration_comes_with_the_library_that_reads_it(world, tmp_path: Path) -> None:
    for file in ("log4net.hr.config", "Hr.Log4Net.xml", "NLog.config", "mylog4net.config", "other.config"):
        (tmp_path / file).write_text("<a/>")
    document = world(connector(name("log4net")), library(name("log4net")))
    assert [(entry["file"], entry["kind"]) for entry in document["companions"]] == [
        ("Hr.Log4Net.xml", "logging"),
        ("log4net.hr.config", "logging"),
    ]


def test_logging_configuration_comes_along_although_the_host_has_the_library(world, tmp_path: Path) -> None:
    (tmp_path / "log4net.hr.config").write_text("<a/>")
    document = world(connector(name("log4net")), library(name("log4net")), host=["log4net.dll"])
    assert [entry["file"] for entry in document["stage"]] == ["Connector.dll"]
    assert [(entry["file"], entry["of"]) for entry in document["companions"]] == [
        ("log4net.hr.config", "Connector.dll")
    ]


def test_what_belongs_to_a_library_comes_along_although_the_host_has_the_same_one(
    world, tmp_path: Path
) -> None:
    (tmp_path / "Library.dll.config").write_text("<a/>")
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "Library.resources.dll").write_bytes(b"")
    same = {"path": r"C:\ECMA\Library.dll", "sha256": "0" * 64}
    document = world(connector(name("Library")), library(name("Library")), host=[same])
    assert [entry["file"] for entry in document["stage"]] == ["Connector.dll"]
    assert [entry["file"] for entry in document["companions"]] == [
        "de\\Library.resources.dll",
        "Library.dll.config",
    ]


@pytest.mark.parametrize(("direct", "severity"), [(True, "error"), (False, "warning")])
def test_a_version_that_nothing_redirects_to_weighs_like_a_missing_library(
    world, tmp_path: Path, direct: bool, severity: str
) -> None:
    config = tmp_path / "service.config"
    config.write_text("<configuration/>")
    newer, older = name("Json", (13, 0, 0, 0), MINE), name("Json", (9, 0, 0, 0), MINE)
    document = world(
        connector(older if direct else newer, name("Client")),
        library(name("Client"), newer if direct else older),
        library(newer),
        service_config=str(config),
        wizard_config=str(config),
    )
    assert ids(document) == [("C4", severity)]


def test_a_conflict_names_all_that_want_the_other_version(world, tmp_path: Path) -> None:
    newer, older = name("Json", (13, 0, 0, 0), MINE), name("Json", (9, 0, 0, 0), MINE)
    cache = tmp_path / "gac/GAC_MSIL/Json" / f"v4.0_9.0.0.0__{MINE}"
    cache.mkdir(parents=True)
    (cache / "Json.dll").write_bytes(b"")
    document = world(
        connector(newer, name("One"), name("Two")),
        library(name("One"), older),
        library(name("Two"), older),
        library(newer),
        cached={cache / "Json.dll": older},
        gac=[str(tmp_path / "gac")],
    )
    [conflict] = document["conflicts"]
    assert conflict["wanted_by"] == ["One.dll", "Two.dll"]


def test_projects_of_the_web_services_connector_come_along(world, tmp_path: Path) -> None:
    (tmp_path / "sap.WsConfig").write_text("")
    own = name("Microsoft.IdentityManagement.MA.WebServices")
    document = world((own, (), {"interfaces": CONNECTOR}), host=["Other.dll"])
    assert [(entry["file"], entry["kind"]) for entry in document["companions"]] == [
        ("sap.WsConfig", "wsconfig")
    ]


def test_another_file_of_a_multi_file_assembly_comes_along(world) -> None:
    reference = name("Library")
    modules = (ModuleReference("Part.dll", 0, "file"),)
    module = (name("Part"), (), {"kind": "module"})
    document = world(connector(reference), library(reference, modules=modules), module)
    assert [(entry["file"], entry["kind"]) for entry in document["companions"]] == [("Part.dll", "module")]


@pytest.mark.parametrize(
    ("module", "status", "expected"),
    [
        ("/System/Library/Frameworks/Security.framework/Security", "other-system", []),
        ("/usr/lib/libSystem.dylib", "other-system", []),
        ("libdl.so.2", "other-system", []),
        ("libsecret-1.so.0", "other-system", []),
        ("libc", "other-system", []),
        ("libobjc.dylib", "other-system", []),
        (r"x64\Vendor.dll", "path", [("C22", "warning")]),
        ("lib/Vendor", "path", [("C22", "warning")]),
        (r"C:\Program Files\Vendor\Vendor.dll", "path", [("C22", "warning")]),
        (r"\\server\share\Vendor.dll", "path", [("C22", "warning")]),
        (r"..\Vendor.dll", "unusable-name", [("C21", "error")]),
        (r"x64\..\..\Vendor.dll", "unusable-name", [("C21", "error")]),
        (r"x64\nul", "unusable-name", [("C21", "error")]),
        ("Vendor.dll:stream", "unusable-name", [("C21", "error")]),
        ("libcurl.dll", "missing", [("C22", "warning")]),
        ("vcruntime140_clr0400", "windows", []),
        ("certcli.dll", "windows", []),
    ],
)
def test_a_module_that_is_called_is_told_by_its_name(
    world, module: str, status: str, expected: list[tuple[str, str]]
) -> None:
    reference = name("Library")
    document = world(
        connector(reference), library(reference, modules=(ModuleReference(module, 1, "invoke"),))
    )
    assert document["native"] == [{"module": module, "wanted_by": ["Library.dll"], "status": status}]
    assert ids(document) == expected
    assert document["companions"] == []


def test_a_path_as_a_part_of_an_assembly_is_no_name(world) -> None:
    document = world(connector(modules=(ModuleReference(r"x64\Part.dll", 0, "file"),)))
    assert [entry["status"] for entry in document["native"]] == ["unusable-name"]
    assert ids(document) == [("C21", "error")]


def test_too_many_files_are_said(world, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "FILES_LIMIT", 1)
    chain = [name(f"L{number}") for number in range(4)]
    document = world(
        connector(chain[0]), *(library(a, b) for a, b in zip(chain, [*chain[1:], name("End")], strict=True))
    )
    assert ("C26", "error") in ids(document)


@pytest.mark.parametrize("seed", range(40))
def test_in_any_graph_each_reference_is_in_exactly_one_list_and_all_reached_are_staged(
    world, seed: int
) -> None:
    source = random.Random(seed)
    names = [name(f"Lib{number}", token=source.choice(("", MINE))) for number in range(source.randint(1, 12))]
    there = {identity: source.random() < 0.8 for identity in names}
    wants = {
        identity: tuple(source.sample(names, source.randint(0, min(4, len(names))))) for identity in names
    }
    first = tuple(source.sample(names, source.randint(0, min(3, len(names)))))

    document = world(
        connector(*first), *(library(identity, *wants[identity]) for identity in names if there[identity])
    )

    reached, front = set(), list(first)
    while front:
        item = front.pop()
        if item not in reached and there[item]:
            reached.add(item)
            front += wants[item]
    assert {entry["assembly"] for entry in document["stage"]} == {"Connector"} | {
        item.name for item in reached
    }
    for wanter, wanted in [
        ("Connector.dll", first),
        *((f"{item.name}.dll", wants[item]) for item in reached),
    ]:
        for reference in wanted:
            holding = [
                kind
                for kind in LISTS
                for entry in document[kind]
                if entry["assembly"] == reference.name and wanter in entry["wanted_by"]
            ]
            assert len(holding) == 1
