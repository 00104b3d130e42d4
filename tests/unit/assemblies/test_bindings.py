"""Redirects and probing paths of `.exe.config` files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mim2ecma.assemblies.bindings import parse_bindings, read_bindings
from mim2ecma.assemblies.names import AssemblyName, Version
from mim2ecma.documents.errors import InputError

TOKEN = "31bf3856ad364e35"
CONFIG = f"""<?xml version="1.0"?>
<configuration>
  <runtime>
    <assemblyBinding xmlns="urn:schemas-microsoft-com:asm.v1">
      <probing privatePath="Assemblies; Extra\\More ;"/>
      <dependentAssembly>
        <assemblyIdentity name="Microsoft.MetadirectoryServicesEx" publicKeyToken="{TOKEN.upper()}"/>
        <bindingRedirect oldVersion="3.3.0.0-4.1.3.0" newVersion="4.1.4.0"/>
        <bindingRedirect oldVersion="9.0" newVersion="4.1.4.0"/>
        <bindingRedirect oldVersion="nonsense" newVersion="4.1.4.0"/>
      </dependentAssembly>
      <dependentAssembly><bindingRedirect oldVersion="1.0.0.0" newVersion="2.0.0.0"/></dependentAssembly>
    </assemblyBinding>
  </runtime>
</configuration>
""".encode()


@pytest.mark.parametrize(
    ("version", "token", "name", "expected"),
    [
        ((4, 0, 1, 0), TOKEN, "Microsoft.MetadirectoryServicesEx", (4, 1, 4, 0)),
        ((3, 3, 0, 0), TOKEN, "microsoft.metadirectoryservicesex", (4, 1, 4, 0)),
        ((4, 1, 3, 0), TOKEN, "Microsoft.MetadirectoryServicesEx", (4, 1, 4, 0)),
        ((9, 0, 0, 0), TOKEN, "Microsoft.MetadirectoryServicesEx", (4, 1, 4, 0)),
        ((4, 2, 0, 0), TOKEN, "Microsoft.MetadirectoryServicesEx", (4, 2, 0, 0)),
        (
            (4, 0, 1, 0),
            "",
            "Microsoft.MetadirectoryServicesEx",
            (4, 0, 1, 0),
        ),  # simple names are not redirected
        ((4, 0, 1, 0), TOKEN, "Another", (4, 0, 1, 0)),
    ],
)
def test_a_redirect_holds_for_its_name_key_and_range(
    version: Version, token: str, name: str, expected: Version
) -> None:
    bindings = parse_bindings(CONFIG, "miiserver.exe.config")
    assert bindings.apply(AssemblyName(name, version, "", token)).version == expected


@pytest.mark.parametrize(
    ("applies_to", "expected"),
    [("", 2), (' appliesTo="v4.0.30319"', 2), (' appliesTo="V4.0"', 2), (' appliesTo="v2.0.50727"', 1)],
)
def test_a_block_for_another_runtime_is_not_read(applies_to: str, expected: int) -> None:
    content = f"""<configuration><runtime><assemblyBinding xmlns="urn:schemas-microsoft-com:asm.v1"{applies_to}>
    <probing privatePath="More"/><dependentAssembly><assemblyIdentity name="A" publicKeyToken="{TOKEN}"/>
    <bindingRedirect oldVersion="1.0.0.0" newVersion="2.0.0.0"/></dependentAssembly></assemblyBinding></runtime>
    </configuration>""".encode()
    bindings = parse_bindings(content, "x")
    assert bindings.apply(AssemblyName("A", (1, 0, 0, 0), "", TOKEN)).version == (expected, 0, 0, 0)
    assert len(bindings.probing) == expected - 1


def test_probing_paths_are_split() -> None:
    assert parse_bindings(CONFIG, "x").probing == ("Assemblies", "Extra\\More")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<configuration", "x.config: XML: "),
        (b"<other/>", "x.config: root element: 'other'; expected 'configuration'."),
        (b"", "x.config: XML: Document is empty, line 1, column 1; expected well-formed XML. "),
    ],
)
def test_what_is_no_configuration_is_an_error_for_people(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_bindings(content, "x.config")
    assert str(error.value).startswith(message)
    assert str(error.value).endswith("Fetch the file again or leave it out.")


def test_entities_of_a_configuration_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    content = (
        f'<!DOCTYPE configuration [<!ENTITY a SYSTEM "file://{secret}">]><configuration><runtime>'
        '<assemblyBinding xmlns="urn:schemas-microsoft-com:asm.v1"><probing privatePath="b"/>&a;</assemblyBinding>'
        "</runtime></configuration>"
    )
    assert "canary" not in repr(parse_bindings(content.encode(), "x"))


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mim2ecma.assemblies.bindings.CONFIG_BYTES", 10)
    path = tmp_path / "a.config"
    path.write_bytes(CONFIG)
    with pytest.raises(InputError, match="more than 10 bytes"):
        read_bindings(path)
