#!/usr/bin/env python3
"""Write the list of assemblies that come with .NET Framework, from Debian's mono reference assemblies.

    apt-get download mono-devel && dpkg -x mono-devel_*.deb extracted
    python tools/build_inbox_assemblies.py extracted/usr/lib/mono [--check]

With `--check` nothing is written; exit code 1 says that the list is not what would be written.

Debian package mono-devel (source package mono) holds, for each version of .NET Framework, reference
assemblies that have the names, versions and keys of Microsoft's (`4.8-api` and its facades). Three things are
put right here, each with its reason: what mono adds and .NET Framework does not have, what .NET Framework has
and mono lacks, and versions where mono's file differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
from mim2ecma.assemblies.reader import read_assembly

TARGET = Path(__file__).resolve().parent.parent / "src/mim2ecma/assemblies/data/inbox_assemblies.json"
FRAMEWORKS = ("4.6.2", "4.7.2", "4.8")

ECMA, MICROSOFT, WPF, OPEN = "b77a5c561934e089", "b03f5f7f11d50a3a", "31bf3856ad364e35", "cc7b13ffcd2ddd51"
FRAMEWORK_KEYS = {ECMA, MICROSOFT, WPF, OPEN}

# Delivered by mono under Microsoft's keys, in Microsoft's world by NuGet or by other products (ASP.NET MVC
# and Web API, WebMatrix, Reactive Extensions, TPL Dataflow); so a connector has to bring them.
NOT_IN_BOX = (
    "System.Json",
    "System.Net.Http.Formatting",
    "System.Reactive.",
    "System.Threading.Tasks.Dataflow",
    "System.Web.Http",
    "System.Web.Mvc",
    "System.Web.Razor",
    "System.Web.WebPages",
    "Microsoft.Web.Infrastructure",
    "RabbitMQ.",
    "WebMatrix.",
)

# Not in mono; in the global assembly cache of .NET Framework 4.x (issue text; names, versions and keys as in
# the redistribution list of .NET Framework 4, `RedistList/FrameworkList.xml`, which the tests of MSBuild's
# ResolveAssemblyReference repeat; the parts of WPF and of the Windows Runtime that came with 4.5 beside it).
# All have assembly version 4.0.0.0 unless said otherwise.
LACKING: dict[str, tuple[str, ...]] = {
    WPF: (
        "PresentationBuildTasks",
        "PresentationCore",
        "PresentationFramework",
        "PresentationFramework.Aero",
        "PresentationFramework.Aero2",
        "PresentationFramework.AeroLite",
        "PresentationFramework.Classic",
        "PresentationFramework.Luna",
        "PresentationFramework.Royale",
        "PresentationUI",
        "ReachFramework",
        "System.Activities",
        "System.Activities.Core.Presentation",
        "System.Activities.DurableInstancing",
        "System.Activities.Presentation",
        "System.Printing",
        "System.ServiceModel.Activities",
        "System.ServiceModel.Channels",
        "System.Speech",
        "System.Web.DataVisualization",
        "System.Web.DataVisualization.Design",
        "System.Web.DynamicData.Design",
        "System.Windows.Forms.DataVisualization.Design",
        "System.WorkflowServices",
        "UIAutomationClient",
        "UIAutomationClientsideProviders",
        "UIAutomationProvider",
        "UIAutomationTypes",
        "WindowsFormsIntegration",
        "XamlBuildTask",
    ),
    ECMA: (
        "PresentationFramework-SystemCore",
        "PresentationFramework-SystemData",
        "PresentationFramework-SystemDrawing",
        "PresentationFramework-SystemXml",
        "PresentationFramework-SystemXmlLinq",
        "System.AddIn",
        "System.Data.Entity.Design",
        "System.Data.Services.Design",
        "System.Data.SqlXml",
        "System.Device",
        "System.DirectoryServices.AccountManagement",
        "System.IdentityModel.Services",
        "System.Management.Instrumentation",
        "System.Runtime.WindowsRuntime",
        "System.Web.Entity",
        "System.Web.Entity.Design",
        "System.Windows.Controls.Ribbon",
        "System.Windows.Input.Manipulations",
        "System.Windows.Presentation",
    ),
    MICROSOFT: (
        "ISymWrapper",
        "Microsoft.Build.Conversion.v4.0",
        "System.AddIn.Contract",
        "System.IO.Log",
        "sysglobl",
    ),
}
LACKING_OTHER = {
    "Microsoft.JScript": ("10.0.0.0", MICROSOFT),
    "Microsoft.VisualBasic.Compatibility": ("10.0.0.0", MICROSOFT),
    "Microsoft.VisualBasic.Compatibility.Data": ("10.0.0.0", MICROSOFT),
    "Microsoft.VisualC.STLCLR": ("2.0.0.0", MICROSOFT),
}

# mono gives these version 0.0.0.0 or another key; .NET Framework's own are:
CORRECTED = {
    "SMDiagnostics": ("4.0.0.0", ECMA),
    "System.ServiceModel.Internals": ("4.0.0.0", WPF),
    "cscompmgd": ("8.0.0.0", MICROSOFT),
}


def main() -> int:
    """Read the folder named on the command line; write the data file, or compare with it."""
    options = argparse.ArgumentParser(description="Write the list of assemblies of .NET Framework.")
    options.add_argument("root", type=Path, metavar="extracted/usr/lib/mono")
    options.add_argument("--check", action="store_true", help="write nothing, compare")
    arguments = options.parse_args()
    text = as_text(arguments.root)
    same = TARGET.read_text("utf-8") == text
    if not arguments.check:
        TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET.name}: {'as it was' if same else 'differs' if arguments.check else 'written anew'}")
    return 1 if arguments.check and not same else 0


def as_text(root: Path) -> str:
    """Make the content of the data file from the folder with the reference assemblies."""
    assemblies: dict[str, dict[str, str]] = {}
    for framework in FRAMEWORKS:
        folder = root / f"{framework}-api"
        if not folder.is_dir():
            raise SystemExit(f"{folder}: no folder; expected the reference assemblies of package mono-devel.")
        for path in sorted([*folder.glob("*.dll"), *folder.glob("Facades/*.dll")]):
            identity = read_assembly(path).identity
            if identity is None or identity.public_key_token not in FRAMEWORK_KEYS:
                continue
            if identity.name.startswith(NOT_IN_BOX) or identity.name.startswith("Mono."):
                continue
            entry = assemblies.setdefault(identity.name, {"token": identity.public_key_token})
            entry[framework] = identity.version_text
    for token, names in LACKING.items():
        for name in names:
            assemblies.setdefault(name, {"token": token} | dict.fromkeys(FRAMEWORKS, "4.0.0.0"))
    for name, (version, token) in (LACKING_OTHER | CORRECTED).items():
        assemblies[name] = {"token": token} | dict.fromkeys(FRAMEWORKS, version)
    content = {
        "origin": (
            "tools/build_inbox_assemblies.py: reference assemblies of Debian package mono-devel 6.8.0.105, "
            "completed as that script says"
        ),
        "frameworks": FRAMEWORKS,
        "assemblies": dict(sorted(assemblies.items(), key=lambda item: item[0].casefold())),
    }
    return json.dumps(content, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
