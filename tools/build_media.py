#!/usr/bin/env python3
"""Build the installation media of the simulated products from their sources.

Media are small, real files of ours: .NET assemblies compiled with mono's `mcs`, Windows Installer packages
made with msitools' `wixl`, and a set-up program that is an assembly with its payload appended. Everything
below `winlab/src/winlab/media` but `sources/` is written by this script, so that anyone can see how each
byte came about. `mcs` writes the same bytes for the same input; `wixl` stamps time and a random package
code, so packages are compared by content (`winlab.products.windows_installer.read_package`).

    tools/build_media.py                     rebuild in place
    tools/build_media.py --output FOLDER     build somewhere else, for comparison
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

REPOSITORY = Path(__file__).resolve().parent.parent
MEDIA = REPOSITORY / "winlab" / "src" / "winlab" / "media"
SOURCES = MEDIA / "sources"

FRAMEWORK = "4.6.2"  # what current connectors are built for (domain/mim_sync.md 4)
STAND_IN_COMPANY = "winlab (stand-in, not a Microsoft product)"
SYNC_VERSION = "4.6.34.0"  # baseline of MIM 2016 SP2 (domain/mim_sync.md 1.1)
AGENT_VERSION = "1.1.2102.0"  # a released build (domain/ecma_host.md 6)
CONNECTOR_VERSION = "1.1.2057.0"  # newest build that is listed (domain/mim_sync.md 4)
SDK_VERSION = "4.1.4.0"  # assembly version from FIM R2's last hotfix to MIM SP2 (domain/ma_xml.md 13.2)

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can state; a fixed one keeps the bytes the same
CAPI_RSA_SIGN = 0x00002400  # CALG_RSA_SIGN, in the header of a CAPI private key (wincrypt.h)
CAPI_PRIVATE_KEY = 7  # PRIVATEKEYBLOB
KEY_BITS = 1024  # what `sn -k` makes; a strong name is an identity, no protection


@dataclass(frozen=True)
class Assembly:
    """One assembly to compile.

    Attributes:
        path: where it goes, below `media/assemblies`.
        source: its C# file in `sources`.
        version: assembly version; `file_version` where that differs.
        references: paths of other assemblies of this table.
        company: what the file says about its maker.
        key: the strong-name key, or an empty string for none.
        behaviour: the name under which winlab runs it, for programs it imitates.
    """

    path: str
    source: str
    version: str
    file_version: str = ""
    references: tuple[str, ...] = ()
    company: str = STAND_IN_COMPANY
    title: str = ""
    key: str = "winlab.snk"
    behaviour: str = ""

    @property
    def name(self) -> str:
        """The file name."""
        return self.path.rsplit("/", 1)[-1]


SDK = "sdk/Microsoft.MetadirectoryServicesEx.dll"
CONTOSO_JSON = "connectors/Contoso.Json.dll"
CONTOSO_PROTOCOL = "connectors/Contoso.Hr.Protocol.dll"
FABRIKAM_CLIENT = "connectors/Fabrikam.Badge.Client.dll"


def _program(path: str, version: str, behaviour: str = "", title: str = "") -> Assembly:
    return Assembly(path, "StandInProgram.cs", version, behaviour=behaviour, title=title)


def _library(path: str, version: str, file_version: str = "") -> Assembly:
    return Assembly(path, "StandInLibrary.cs", version, file_version)


def _connector(path: str, version: str = "1.1.0.0", file_version: str = CONNECTOR_VERSION) -> Assembly:
    return Assembly(path, "StandInConnector.cs", version, file_version, references=(SDK,))


ASSEMBLIES: tuple[Assembly, ...] = (
    Assembly(SDK, "MetadirectoryServicesEx.cs", SDK_VERSION, "4.6.34.0"),
    # MIM Synchronization Service
    _program("sync/miiserver.exe", SYNC_VERSION, "miiserver", "Synchronization Service"),
    _program("sync/maexport.exe", SYNC_VERSION, "maexport"),
    _program("sync/svrexport.exe", SYNC_VERSION, "svrexport"),
    _program("sync/miisclient.exe", SYNC_VERSION),
    _library("sync/Microsoft.DirectoryServices.MetadirectoryServices.Config.dll", "4.4.0.0", SYNC_VERSION),
    _library("sync/PropertySheetBase.dll", "4.4.0.0", SYNC_VERSION),
    # Part of Windows; connectors written for PowerShell need it (domain/ma_xml.md 13.3).
    _library("windows/System.Management.Automation.dll", "3.0.0.0", "10.0.14393.0"),
    # Connectors of invented vendors
    Assembly(CONTOSO_JSON, "ContosoJson.cs", "9.1.0.0", company="Contoso (invented)", key="contoso.snk"),
    Assembly(
        CONTOSO_PROTOCOL,
        "ContosoHrProtocol.cs",
        "1.4.0.0",
        references=(CONTOSO_JSON,),
        company="Contoso (invented)",
        key="contoso.snk",
    ),
    Assembly(
        "connectors/Contoso.Hr.Connector.dll",
        "ContosoHrConnector.cs",
        "2.3.0.0",
        "2.3.417.0",
        references=(SDK, CONTOSO_PROTOCOL),
        company="Contoso (invented)",
        key="contoso.snk",
    ),
    Assembly(FABRIKAM_CLIENT, "FabrikamBadgeClient.cs", "3.0.2.0", company="Fabrikam (invented)", key=""),
    Assembly(
        "connectors/Fabrikam.Badge.Connector.dll",
        "FabrikamBadgeConnector.cs",
        "3.0.2.0",
        references=(SDK, FABRIKAM_CLIENT),
        company="Fabrikam (invented)",
        key="",
    ),
    Assembly(
        "connectors/Northwind.Erp.Connector.dll",
        "StandInConnector.cs",
        "5.7.1.0",
        references=(SDK,),
        company="Northwind (invented)",
        key="",
    ),
    Assembly(
        "connectors/Adatum.Sync.Rules.dll",
        "AdatumSyncRules.cs",
        "1.0.0.0",
        references=(SDK,),
        company="Adatum (invented)",
        key="",
    ),
    Assembly(
        "connectors/StandIn.Connector.dll",  # for management agents whose connector nobody here has
        "StandInConnector.cs",
        "1.0.0.0",
        references=(SDK,),
        company="winlab (stand-in for any connector)",
        key="",
    ),
    # Provisioning agent and ECMA Connector Host
    _program("agent/AADConnectProvisioningAgent.exe", AGENT_VERSION, "provisioning-agent"),
    _program("agent/AADConnectProvisioningAgentWizard.exe", AGENT_VERSION),
    _library("agent/Microsoft.CloudSync.PowerShell.dll", AGENT_VERSION),
    _program("agent/AzureADConnectAgentUpdater.exe", AGENT_VERSION, "agent-updater"),
    _program("agent/Microsoft.ECMA2Host.Service.exe", AGENT_VERSION, "ecma2host-service", "ECMA2Host"),
    _program("agent/Microsoft.ECMA2Host.ConfigWizard.exe", AGENT_VERSION),
    _program("agent/wsconfigTool.exe", AGENT_VERSION),
    _connector("microsoft/Microsoft.IAM.Connector.GenericSql.dll"),
    _connector("microsoft/Microsoft.IAM.Connector.GenericLdap.dll"),
    _connector("microsoft/Microsoft.IAM.Connector.PowerShell.dll"),
    _connector("microsoft/Microsoft.IdentityManagement.MA.WebServices.dll"),
    _library("microsoft/Microsoft.IdentityManagement.ManagedLogger.dll", "1.1.0.0", CONNECTOR_VERSION),
)

SETUP = _program(
    "AADConnectProvisioningAgentSetup.exe", AGENT_VERSION, "provisioning-agent-setup", "Provisioning agent"
)

# What the agent package lays below C:\Program Files (domain/ecma_host.md 1.1).
_AGENT = "Microsoft Azure AD Connect Provisioning Agent"
_UPDATER = "Microsoft Azure AD Connect Provisioning Agent Updater"
_HOST = "Microsoft ECMA2Host"
AGENT_PAYLOAD: dict[str, str] = {
    f"{_AGENT}/AADConnectProvisioningAgent.exe": "agent/AADConnectProvisioningAgent.exe",
    f"{_AGENT}/AADConnectProvisioningAgent.exe.config": "config/AADConnectProvisioningAgent.exe.config",
    f"{_AGENT}/AADConnectProvisioningAgentWizard.exe": "agent/AADConnectProvisioningAgentWizard.exe",
    f"{_AGENT}/Microsoft.CloudSync.PowerShell.dll": "agent/Microsoft.CloudSync.PowerShell.dll",
    f"{_UPDATER}/AzureADConnectAgentUpdater.exe": "agent/AzureADConnectAgentUpdater.exe",
    f"{_HOST}/Service/Microsoft.ECMA2Host.Service.exe": "agent/Microsoft.ECMA2Host.Service.exe",
    f"{_HOST}/Service/Microsoft.ECMA2Host.Service.exe.config": "config/ECMA2Host.exe.config",
    f"{_HOST}/Service/ECMA/Microsoft.MetadirectoryServicesEx.dll": SDK,
    f"{_HOST}/Wizard/Microsoft.ECMA2Host.ConfigWizard.exe": "agent/Microsoft.ECMA2Host.ConfigWizard.exe",
    f"{_HOST}/Wizard/Microsoft.ECMA2Host.ConfigWizard.exe.config": "config/ECMA2Host.exe.config",
    f"{_HOST}/Troubleshooting/TestECMA2HostConnection.ps1": "config/TestECMA2HostConnection.ps1",
    f"{_HOST}/Troubleshooting/CollectTroubleshootingInfo.ps1": "config/CollectTroubleshootingInfo.ps1",
    f"{_HOST}/Web Service Configuration Tool/wsconfigTool.exe": "agent/wsconfigTool.exe",
} | {
    f"{_HOST}/Service/ECMA/{assembly.name}": assembly.path
    for assembly in ASSEMBLIES
    if assembly.path.startswith("microsoft/")
}


class BuildError(Exception):
    """A tool is missing or refused; the text is for the person at the command line."""


def run(arguments: list[str], cwd: Path) -> bytes:
    """Run a build tool and return what it wrote; raise BuildError with its words when it fails."""
    program = shutil.which(arguments[0])
    if program is None:
        raise BuildError(
            f"build_media: {arguments[0]}: not found on PATH; expected mono-mcs, wixl and msitools (Debian). "
            "Install them and try again."
        )
    done = subprocess.run([program, *arguments[1:]], cwd=cwd, capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise BuildError(f"build_media: {' '.join(arguments)}: exit {done.returncode}; {said}")
    return done.stdout


def compiler_version() -> str:
    """The compiler's own words; other versions may write other bytes."""
    return run(["mcs", "--version"], REPOSITORY).decode().strip()


def private_key_blob(key: rsa.RSAPrivateKey) -> bytes:
    """Write a key as the PRIVATEKEYBLOB that strong-name tools read (wincrypt.h; 596 bytes for 1024 bits)."""
    numbers = key.private_numbers()
    public = numbers.public_numbers
    size = key.key_size // 8
    header = struct.pack("<BBHI", CAPI_PRIVATE_KEY, 2, 0, CAPI_RSA_SIGN)
    blob = header + b"RSA2" + struct.pack("<II", key.key_size, public.e) + public.n.to_bytes(size, "little")
    for number in (numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp):
        blob += number.to_bytes(size // 2, "little")
    return blob + numbers.d.to_bytes(size, "little")


def ensure_keys() -> None:
    """Make strong-name keys that are missing. They are committed: a new key would change every identity."""
    for name in ("winlab.snk", "contoso.snk"):
        path = SOURCES / "keys" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(private_key_blob(rsa.generate_private_key(65537, KEY_BITS)))


def assembly_info(assembly: Assembly) -> str:
    """The attributes that end up in the metadata and in the file's version resource."""
    title = assembly.title or assembly.name.rsplit(".", 1)[0]
    lines = [
        "using System.Reflection;",
        f'[assembly: AssemblyTitle("{title}")]',
        f'[assembly: AssemblyProduct("{title}")]',
        f'[assembly: AssemblyCompany("{assembly.company}")]',
        '[assembly: AssemblyDescription("Made for winlab, simulated Windows hosts")]',
        '[assembly: AssemblyCopyright("GPL-3.0-or-later")]',
        f'[assembly: AssemblyVersion("{assembly.version}")]',
        f'[assembly: AssemblyFileVersion("{assembly.file_version or assembly.version}")]',
        f'[assembly: System.Runtime.Versioning.TargetFramework(".NETFramework,Version=v{FRAMEWORK}", '
        f'FrameworkDisplayName=".NET Framework {FRAMEWORK}")]',
    ]
    return "\n".join(lines) + "\n"


def compile_assembly(assembly: Assembly, folder: Path) -> None:
    """Compile one assembly into `folder` (references must be there already)."""
    target = folder / assembly.path
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        info = Path(scratch) / "AssemblyInfo.cs"
        info.write_text(assembly_info(assembly), encoding="utf-8")
        arguments = ["mcs", "-nologo", "-debug-", "-optimize+", "-langversion:5"]
        arguments += [f"-target:{'exe' if target.suffix == '.exe' else 'library'}", f"-out:{target}"]
        arguments += [f"-reference:{folder / reference}" for reference in assembly.references]
        if assembly.key:
            arguments.append(f"-keyfile:{SOURCES / 'keys' / assembly.key}")
        run([*arguments, str(info), str(SOURCES / assembly.source)], REPOSITORY)


def build_agent_setup(assemblies: Path, folder: Path) -> None:
    """Compile the set-up program and append its payload as a stored ZIP, as bundles carry theirs."""
    target = folder / "agent" / SETUP.name
    with tempfile.TemporaryDirectory() as scratch:
        compile_assembly(SETUP, Path(scratch))
        program = (Path(scratch) / SETUP.path).read_bytes()
    payload = io.BytesIO()
    with zipfile.ZipFile(payload, "w", zipfile.ZIP_STORED) as archive:
        for name, origin in sorted(AGENT_PAYLOAD.items()):
            source = SOURCES / origin if origin.startswith("config/") else assemblies / origin
            archive.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), source.read_bytes())
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(program + payload.getvalue())


def build_package(source: str, target: Path, assemblies: Path, external_cabinet: str = "") -> None:
    """Build an MSI; with `external_cabinet` its files lie in a cabinet beside it.

    `wixl` drops a cabinet that is not embedded, so the package is built twice and the cabinet taken out of
    the second one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        # wixl takes file names relative to the package's source only.
        work = Path(scratch)
        (work / "assemblies").symlink_to(assemblies)
        (work / "sources").symlink_to(SOURCES)
        shutil.copyfile(SOURCES / source, work / source)

        def wixl(output: Path, embed: str) -> None:
            run(["wixl", "-a", "x64", "-D", f"EMBED={embed}", "-o", str(output), source], work)

        wixl(target, "no" if external_cabinet else "yes")
        if external_cabinet:
            whole = work / "whole.msi"
            wixl(whole, "yes")
            cabinet = run(["msiinfo", "extract", str(whole), external_cabinet], work)
            (target.parent / external_cabinet).write_bytes(cabinet)


def build_catalogue(assemblies: Path, folder: Path) -> None:
    """Write which files winlab knows as programs, by SHA-256, and with what they were compiled."""
    programs: dict[str, dict[str, str]] = {}
    for assembly in (*ASSEMBLIES, SETUP):
        if assembly.behaviour:
            path = folder / "agent" / SETUP.name if assembly is SETUP else assemblies / assembly.path
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            programs[assembly.behaviour] = {"file": assembly.name, "sha256": digest}
    document = {"compiler": compiler_version(), "programs": dict(sorted(programs.items()))}
    (folder / "catalogue.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def build(folder: Path) -> None:
    """Build all media into `folder`."""
    ensure_keys()
    assemblies = folder / "assemblies"
    for assembly in ASSEMBLIES:
        compile_assembly(assembly, assemblies)
    build_package(
        "mim-sync.wxs", folder / "mim-sync" / "Synchronization Service.msi", assemblies, "Data1.cab"
    )
    shutil.copyfile(SOURCES / "mim-sync-readme.txt", folder / "mim-sync" / "readme.txt")
    build_package("contoso-hr.wxs", folder / "connectors" / "ContosoHrConnector.msi", assemblies)
    build_agent_setup(assemblies, folder)
    build_catalogue(assemblies, folder)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=MEDIA, help="folder to build into")
    options = parser.parse_args()
    os.umask(0o022)
    try:
        build(options.output.resolve())
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
