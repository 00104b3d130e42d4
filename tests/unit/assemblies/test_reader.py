"""What is read from one file."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from mim2ecma.assemblies.assembly import AssemblyError, Resource
from mim2ecma.assemblies.image import DamagedImageError
from mim2ecma.assemblies.names import AssemblyName, parse_version, token_of_key
from mim2ecma.assemblies.reader import read_assembly, read_embedded, read_resource

ALL = (
    "IMAExtensible2CallExport",
    "IMAExtensible2CallImport",
    "IMAExtensible2GetCapabilities",
    "IMAExtensible2GetParameters",
    "IMAExtensible2GetSchema",
)


def test_a_connector_says_what_it_is(fixtures: Path) -> None:
    found = read_assembly(fixtures / "plain/Plain.Connector.dll", digest=True)

    assert str(found.identity) == "Plain.Connector, Version=1.2.3.4, Culture=neutral, PublicKeyToken=null"
    assert found.kind == "managed"
    assert found.architecture == "anycpu"
    assert found.file_version == "1.2.0.77"
    assert found.target_framework == ".NETFramework,Version=v4.6.2"
    assert found.runtime_version == "v4.0.30319"
    assert found.interfaces == ALL
    assert found.connector_types == ("Fixture.Connector",)
    assert {reference.name: reference.version_text for reference in found.references} == {
        "mscorlib": "4.0.0.0",
        "Microsoft.MetadirectoryServicesEx": "4.1.4.0",
    }
    assert not found.authenticode
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("file", "architecture"),
    [
        ("plain/Plain.Connector.dll", "anycpu"),
        ("x86/X86.Connector.dll", "x86"),
        ("x86/X64.Connector.dll", "x64"),
        ("x86/Preferred.Connector.exe", "anycpu-32bit-preferred"),
        ("pinvoke/Private.Native.dll", "x64"),
    ],
)
def test_the_architecture_comes_from_machine_and_flags(fixtures: Path, file: str, architecture: str) -> None:
    assert read_assembly(fixtures / file).architecture == architecture


@pytest.mark.parametrize(
    ("file", "state", "has_token"),
    [
        ("strong/Strong.Signed.dll", "signed", True),
        ("strong/Strong.Delayed.dll", "delay-signed", True),
        ("chain/Chain.Leaf.dll", "none", False),
    ],
)
def test_a_strong_name_is_signed_delayed_or_missing(
    fixtures: Path, file: str, state: str, has_token: bool
) -> None:
    found = read_assembly(fixtures / file)
    assert found.strong_name == state
    assert found.identity is not None
    assert bool(found.identity.public_key_token) is has_token


def test_the_token_of_a_definition_is_the_one_that_references_hold(fixtures: Path) -> None:
    signed = read_assembly(fixtures / "strong/Strong.Signed.dll").identity
    references = read_assembly(fixtures / "strong/Strong.Connector.dll").references
    assert signed in references


def test_a_public_key_token_is_the_end_of_the_hash_reversed() -> None:
    # ECMA-335 II.6.3; the standard public key of II.6.2.1.3 has the token that all of .NET refers to.
    assert token_of_key(bytes.fromhex("00000000000000000400000000000000")) == "b77a5c561934e089"


@pytest.mark.parametrize(
    ("file", "connector", "rules"),
    [
        ("plain/Plain.Connector.dll", True, False),
        ("noexport/NoExport.Connector.dll", True, False),
        ("rules/Rules.Extension.dll", False, True),
        ("chain/Chain.Leaf.dll", False, False),
    ],
)
def test_interfaces_tell_connectors_from_rules_extensions(
    fixtures: Path, file: str, connector: bool, rules: bool
) -> None:
    found = read_assembly(fixtures / file)
    assert (found.is_connector, found.is_rules_extension) == (connector, rules)


def test_platform_invoke_names_its_modules_and_counts_calls(fixtures: Path) -> None:
    found = read_assembly(fixtures / "pinvoke/PInvoke.Connector.dll")
    assert sorted((module.name, module.kind, module.functions) for module in found.modules) == [
        ("Private.Native.dll", "invoke", 1),
        ("kernel32", "invoke", 1),
        ("msvcr120.dll", "invoke", 1),
        ("nowhere.dll", "invoke", 1),
    ]


def test_a_native_library_lists_its_imports(fixtures: Path) -> None:
    found = read_assembly(fixtures / "pinvoke/Private.Native.dll")
    assert found.kind == "native"
    assert found.identity is None
    assert [module.name for module in found.modules] == ["KERNEL32.dll", "Private.Deeper.dll"]


def test_signs_of_late_binding_are_seen(fixtures: Path) -> None:
    assert read_assembly(fixtures / "late/Late.Connector.dll").signs == (
        "late-binding",
        "process",
        "registry",
    )
    assert read_assembly(fixtures / "plain/Plain.Connector.dll").signs == ()


def folded(data: bytes, *names: bytes) -> bytes:
    """Let names end the one before them, as Roslyn writes `Process` when there is a `StartProcess`."""
    for name in names:
        assert data.count(b"\0" + name + b"\0") == 1
        data = data.replace(b"\0" + name + b"\0", b"x" + name + b"\0")
    return data


def test_a_sign_is_seen_although_its_name_ends_another(fixtures: Path) -> None:
    data = (fixtures / "late/Late.Connector.dll").read_bytes().replace(b"\0LoadFrom\0", b"\0Elsewher\0")
    assert read_embedded(folded(data, b"Process", b"Registry"), "late.dll").signs == ("process", "registry")


def test_a_connector_is_seen_although_the_namespace_ends_another(fixtures: Path) -> None:
    data = (fixtures / "plain/Plain.Connector.dll").read_bytes()
    found = read_embedded(folded(data, b"Microsoft.MetadirectoryServices"), "plain.dll")
    assert "IMAExtensible2CallExport" in found.interfaces
    assert found.is_connector


def test_a_satellite_has_a_culture(fixtures: Path) -> None:
    identity = read_assembly(fixtures / "satellite/de/Satellite.Connector.resources.dll").identity
    assert identity is not None
    assert identity.culture == "de"


def test_an_embedded_library_can_be_taken_out(fixtures: Path) -> None:
    path = fixtures / "embedded/Embedded.Connector.dll"
    [resource] = read_assembly(path).resources
    assert (resource.name, resource.library) == ("costura.packed.library.dll.compressed", "packed.library")
    assert read_resource(path, resource)[:2] == b"MZ"


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("costura.Packed.Library.dll.compressed", "packed.library"),
        ("costura64.packed.dll", "packed"),
        ("costura_win_x64.packed.dll.compressed", "packed"),
        ("costura32.packed.dll.compressed", None),
        ("costura_win_x86.packed.dll.compressed", None),
        ("Own.Packed.dll", "own.packed"),
        ("costura.packed.pdb.compressed", None),
        ("costura..dll", None),
    ],
)
def test_a_resource_is_a_library_for_a_64_bit_program_by_its_name(name: str, library: str | None) -> None:
    assert Resource(name, 0, embedded=True).library == library


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("costura.a.b.dll.compressed", "a.b"),
        ("costura.a.b.dll.zip", "a.b"),
        ("costura64.Native.dll.compressed", "native"),
        ("Some.Namespace.Lib.dll", "some.namespace.lib"),
        ("Fixture.Texts.resources", None),
        ("costura.a.b.pdb.compressed", None),
        ("costura..dll", None),
    ],
)
def test_resource_names_tell_embedded_libraries(name: str, library: str | None) -> None:
    assert Resource(name, 0, True).library == library


def test_a_resource_that_unpacks_without_end_is_refused(
    fixtures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mim2ecma.assemblies.reader.UNPACKED_LIMIT", 1000)
    path = fixtures / "embedded/Embedded.Connector.dll"
    with pytest.raises(DamagedImageError, match="more than 1000 bytes"):
        read_resource(path, read_assembly(path).resources[0])


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1", (1, 0, 0, 0)),
        ("1.2.3.4", (1, 2, 3, 4)),
        ("", None),
        ("1.2.3.4.5", None),
        ("1.-2", None),
        ("١", None),
    ],
)
def test_versions_are_one_to_four_numbers(text: str, version: tuple[int, ...] | None) -> None:
    assert parse_version(text) == version


def test_a_web_page_is_no_library_and_the_message_says_so(tmp_path: Path) -> None:
    page = tmp_path / "Connector.dll"
    page.write_text("<!DOCTYPE html>")
    with pytest.raises(AssemblyError) as error:
        read_assembly(page)
    assert str(error.value) == (
        "Connector.dll: file: first bytes b'<!'; expected 'MZ', the start of a Windows executable. "
        "Check where the file comes from; a download may be a web page."
    )


def test_a_missing_file_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(
        AssemblyError, match=r"gone\.dll: file: No such file or directory; expected a readable file"
    ):
        read_assembly(tmp_path / "gone.dll")


@pytest.mark.skipif(shutil.which("monodis") is None, reason="monodis is not installed")
@pytest.mark.parametrize(
    "file", ["plain/Plain.Connector.dll", "strong/Strong.Connector.dll", "chain/Chain.Middle.dll"]
)
def test_references_are_those_that_monodis_lists(fixtures: Path, file: str) -> None:
    output = subprocess.run(
        ["monodis", "--assemblyref", str(fixtures / file)], capture_output=True, text=True, check=True
    ).stdout
    names = [line.split("=", 1)[1] for line in output.splitlines() if line.strip().startswith("Name=")]
    versions = [line.split("=", 1)[1] for line in output.splitlines() if "Version=" in line]
    found = read_assembly(fixtures / file).references
    assert [(reference.name, reference.version_text) for reference in found] == list(
        zip(names, versions, strict=True)
    )


def test_names_compare_without_regard_to_case() -> None:
    assert AssemblyName("Mixed.Library").key == AssemblyName("MIXED.library").key


def test_a_certificate_table_counts_only_inside_the_file(fixtures: Path, tmp_path: Path) -> None:
    # The security directory is the fifth of the optional header (PE and COFF specification).
    data = bytearray((fixtures / "plain/Plain.Connector.dll").read_bytes())
    header = struct.unpack_from("<I", data, 60)[0] + 24
    for offset, size, expected in ((64, 32, True), (len(data), 8, False), (0, 0, False)):
        struct.pack_into("<II", data, header + 96 + 4 * 8, offset, size)
        path = tmp_path / "a.dll"
        path.write_bytes(data)
        assert read_assembly(path).authenticode is expected
