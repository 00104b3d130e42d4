"""What the closure tells a person: findings C1, C2, ..., each with its next step. docs/closure.md lists them.

A finding weighs `error` when the connector will not load or not work on the ECMA host, `warning` when it may
not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mim2ecma.documents.errors import Mim2EcmaError
from mim2ecma.documents.findings import Finding, Severity

from . import known
from .assembly import RULES_EXTENSION_INTERFACES, Assembly, Resource
from .bindings import Bindings
from .host import HostFile
from .names import AssemblyName, format_version, parse_version

_FRAMEWORK = re.compile(r"\.NETFramework,Version=v([0-9.]+)")
_SIGN_TEXTS = {
    "late-binding": "it loads assemblies by name while it runs",
    "registry": "it reads the registry",
    "process": "it starts other programs",
    "named-pipe": "it talks to another program by a named pipe",
    "compiler": "it compiles code while it runs",
}
_STRANGE_TO_64_BIT = frozenset({"x86", "arm", "arm64", "ia64"})


def missing(reference: AssemblyName, label: str, framework: str, *, direct: bool) -> Finding:
    """C1: a reference that nothing answers.

    An indirect one is a warning: packages reference more than they use.
    """
    in_box = known.in_box(reference, framework)
    found = f"no file for '{reference}'"
    if in_box is not None:
        found += f"; .NET Framework {framework} has version {format_version(in_box.version)} only"
    return Finding(
        id="C1",
        severity=Severity.ERROR if direct else Severity.WARNING,
        where=label,
        found=found,
        expected=(
            "a file in Extensions, Bin or the global assembly cache of MIM, or an assembly of the ECMA host"
        ),
        next_step=(
            "Get the library from the connector's author and put it beside the connector (in Extensions of "
            "the MIM host, or the searched folder). Accept C1 with a reason if the connector never uses it."
        ),
    )


def about_place(reference: AssemblyName, place: str, label: str) -> Iterator[Finding]:
    """C2 and C3: found, but not where the connector lies."""
    if place == "gac":
        yield Finding(
            id="C2",
            severity=Severity.WARNING,
            where=label,
            found=f"'{reference.name}' only in the global assembly cache of MIM",
            expected="the library beside the connector",
            next_step=(
                "It is staged beside the connector; if it needs the cache (see its author), install it "
                "there on the ECMA host."
            ),
        )
    elif place in {"bin", "bin-assemblies"}:
        yield Finding(
            id="C3",
            severity=Severity.WARNING,
            where=label,
            found=f"'{reference.name}' in the program folder of MIM ({place})",
            expected="the library beside the connector",
            next_step=(
                "It belongs to MIM; check on the ECMA host whether the agent package brings it before it is "
                "staged."
            ),
        )


def about_binding(
    reference: AssemblyName,
    staged: Assembly,
    label: str,
    *,
    mim: Bindings | None,
    service: Bindings | None,
    wizard: Bindings | None,
    direct: bool,
) -> Iterator[Finding]:
    """C4 to C7.

    A strong name binds to exactly its version unless the program's own configuration redirects it. What only
    another library refers to is a warning where nothing redirects it, as it is where it is missing (C1).
    """
    identity = staged.identity
    if identity is None or not reference.is_strong:
        return
    if identity.public_key_token != reference.public_key_token:
        yield Finding(
            id="C4",
            severity=Severity.ERROR,
            where=label,
            found=f"'{staged.path.name}' with public key token '{identity.public_key_token or 'null'}'",
            expected=f"'{reference.public_key_token}'",
            next_step="Get the library of that publisher; the runtime refuses another one.",
        )
        return

    def reaches(bindings: Bindings) -> bool:
        return bindings.apply(reference).version == identity.version

    found = f"'{reference.name}' {identity.version_text}, wanted is {reference.version_text}"
    exact = identity.version == reference.version
    programs = {"service": service, "wizard": wizard}
    reached = {name: reaches(bindings) for name, bindings in programs.items() if bindings is not None}
    if len(set(reached.values())) == 2:
        good = next(name for name, value in reached.items() if value)
        bad = next(name for name, value in reached.items() if not value)
        yield Finding(
            id="C6",
            severity=Severity.ERROR,
            where=label,
            found=f"{found}; the configuration of the {good} binds to it, that of the {bad} does not",
            expected="the same binding in both programs of the ECMA host",
            next_step=f"Take over the binding redirect into the configuration of the {bad}.",
        )
        return
    if exact and (not reached or all(reached.values())):
        return
    if reached and all(reached.values()):
        return
    if exact:
        yield Finding(
            id="C7",
            severity=Severity.ERROR,
            where=label,
            found=f"{found}; the ECMA host redirects it to another version",
            expected="the version that the ECMA host redirects to",
            next_step="Bring the version that the host's configuration names.",
        )
    elif mim is not None and reaches(mim):
        yield Finding(
            id="C5",
            severity=Severity.ERROR if reached else Severity.WARNING,
            where=label,
            found=f"{found}; only the redirect in {mim.source} makes it work on MIM",
            expected="the same redirect in the configuration of the ECMA host's service and wizard",
            next_step=(
                "Add the binding redirect to both .exe.config files, or get a build against the version at "
                "hand."
            ),
        )
    else:
        yield Finding(
            id="C4",
            severity=Severity.ERROR if reached and direct else Severity.WARNING,
            where=label,
            found=f"{found}; no redirect is known",
            expected="the exact version, since the name is strong",
            next_step="Get the library in that version, or add a binding redirect to service and wizard.",
        )


def two_versions(reference: AssemblyName, staged: Assembly, label: str, place: str) -> Finding:
    """C8: two versions of one library, but one file name in one folder."""
    version = staged.identity.version_text if staged.identity else "unknown"
    return Finding(
        id="C8",
        severity=Severity.ERROR,
        where=label,
        found=f"'{reference.name}' {reference.version_text} (there is one in {place}) besides {version}",
        expected="one version of each library, as the ECMA folder is flat",
        next_step=(
            "Install one of the two into the global assembly cache of the ECMA host, or redirect to the "
            "newer one."
        ),
    )


def differs_on_host(name: str, version: str | None, on_host: HostFile, relation: str) -> Finding:
    """C9: the ECMA folder has another file of that name; it stays."""
    texts = {
        "older": "an older version",
        "newer": "a newer version",
        "same-version": "the same version with other content",
        "different": "other content",
        "unknown": "content that the listing does not tell",
    }
    host_version = f" {format_version(on_host.version)}" if on_host.version else ""
    return Finding(
        id="C9",
        severity=Severity.WARNING,
        where=f"ECMA folder, {on_host.name}",
        found=f"{texts[relation]}{host_version}",
        expected=f"'{name}' {version or ''}".rstrip() + " as on MIM",
        next_step="The file of the ECMA host stays; test the connector with it.",
    )


def about_host_version(
    reference: AssemblyName,
    on_host: HostFile,
    service: Bindings | None,
    wizard: Bindings | None,
    label: str,
    *,
    direct: bool,
) -> Iterator[Finding]:
    """C10: what the host has is not the version that a strong name asks for."""
    if not reference.is_strong or on_host.version is None or on_host.version == reference.version:
        return
    programs = [bindings for bindings in (service, wizard) if bindings is not None]
    if programs and all(bindings.apply(reference).version == on_host.version for bindings in programs):
        return
    yield Finding(
        id="C10",
        severity=Severity.ERROR if programs and direct else Severity.WARNING,
        where=label,
        found=(
            f"'{reference.name}' {format_version(on_host.version)} in the ECMA folder, wanted is "
            f"{reference.version_text}"
        ),
        expected="that version, or a redirect in the configuration of service and wizard",
        next_step=(
            "Look for the redirect in both .exe.config files of the ECMA host; without one the library does "
            "not bind."
        ),
    )


def about_extension_reference(reference: AssemblyName, label: str) -> Iterator[Finding]:
    """C11: a build against an engine that is newer than any MIM."""
    if reference.version > known.NEWEST_EXTENSION_VERSION:
        yield Finding(
            id="C11",
            severity=Severity.WARNING,
            where=label,
            found=f"'{reference.name}' {reference.version_text}",
            expected=f"at most {format_version(known.NEWEST_EXTENSION_VERSION)}, the version of MIM",
            next_step="The library was built for Azure AD Connect; ask its author for the MIM build.",
        )


def about_connector(connector: Assembly, framework: str) -> Iterator[Finding]:
    """C12 to C14: whether the file is a connector, and one that can do what the ECMA host asks of it."""
    label = connector.path.name
    if connector.identity is None:
        yield Finding(
            id="C12",
            severity=Severity.ERROR,
            where=label,
            found=f"a file of kind '{connector.kind}'",
            expected="a managed library",
            next_step="Name the connector's own DLL.",
        )
    elif connector.is_rules_extension:
        names = ", ".join(sorted(RULES_EXTENSION_INTERFACES & set(connector.interfaces)))
        yield Finding(
            id="C12",
            severity=Severity.ERROR,
            where=label,
            found=f"a rules extension ({names})",
            expected="a connector (IMAExtensible2 interfaces)",
            next_step="Name the connector's own DLL; rules extensions have no use on the ECMA host.",
        )
    elif not connector.is_connector:
        yield Finding(
            id="C12",
            severity=Severity.WARNING,
            where=label,
            found="no class that implements an interface of ECMA 2 itself",
            expected="IMAExtensible2CallExport and its companions",
            next_step=(
                "Its classes may inherit them from a staged library; check that this is the connector's own "
                "DLL."
            ),
        )
    elif "IMAExtensible2CallExport" not in connector.interfaces:
        yield Finding(
            id="C13",
            severity=Severity.WARNING if connector.inherits else Severity.ERROR,
            where=label,
            found=f"interfaces {', '.join(connector.interfaces)}",
            expected="IMAExtensible2CallExport",
            next_step=(
                "Its class may inherit it from one that is not seen here; ask the author whether it exports."
                if connector.inherits
                else "The connector cannot export, which the ECMA host needs; ask its author."
            ),
        )
    target = connector.target_framework or ""
    if target.startswith((".NETCoreApp", ".NETStandard")) and connector.is_connector:
        yield Finding(
            id="C14",
            severity=Severity.ERROR if target.startswith(".NETCoreApp") else Severity.WARNING,
            where=label,
            found=f"a build for {target}",
            expected=f"a build for .NET Framework {framework} or older",
            next_step="The ECMA host runs on .NET Framework; ask the author for such a build.",
        )


def about_file(assembly: Assembly, label: str, installed: str) -> Iterator[Finding]:
    """C14 to C18: what a file to be staged says about itself.

    `installed` is the version of .NET Framework on the ECMA host.
    """
    yield from _about_target(assembly, label, installed)
    if assembly.architecture in _STRANGE_TO_64_BIT or assembly.architecture.startswith("machine-"):
        yield Finding(
            id="C15",
            severity=Severity.ERROR,
            where=label,
            found=f"a build for {assembly.architecture}",
            expected="x64 or any CPU, since the ECMA host is a 64-bit program",
            next_step="Ask the author for such a build.",
        )
    if assembly.signs:
        texts = "; ".join(_SIGN_TEXTS[sign] for sign in assembly.signs)
        yield Finding(
            id="C16",
            severity=Severity.WARNING
            if {"late-binding", "process", "named-pipe"} & set(assembly.signs)
            else Severity.INFORMATION,
            where=label,
            found=texts,
            expected="all libraries as references",
            next_step=(
                "Ask the author what else it needs (plug-ins, programs, registry values) and declare it as "
                "extra payload."
            ),
        )
    if assembly.strong_name == "delay-signed" and assembly.kind != "module":
        yield Finding(
            id="C17",
            severity=Severity.INFORMATION,
            where=label,
            found="a public key without a signature",
            expected="a signed library, or none",
            next_step="It loads in full trust only; ask the author when the host refuses it.",
        )
    for warning in assembly.warnings:
        yield Finding(
            id="C18",
            severity=Severity.WARNING,
            where=label,
            found=warning,
            expected="metadata as ECMA-335 says",
            next_step=(
                "Fetch the file again; if it stays so, an obfuscator has changed it and the closure may "
                "lack a file."
            ),
        )


def unreadable(label: str, error: Mim2EcmaError) -> Finding:
    """C19: a file of the wanted name that cannot be read."""
    return Finding(
        id="C19",
        severity=Severity.WARNING,
        where=f"{label}, {error.where}",
        found=error.found,
        expected=error.expected,
        next_step=error.next_step,
    )


def unreadable_embedded(holder: str, resource: Resource, problem: str) -> Finding:
    """C19: an embedded library that cannot be unpacked, so that its references stay unknown."""
    return Finding(
        id="C19",
        severity=Severity.WARNING,
        where=f"{holder}, resource {resource.name}",
        found=problem,
        expected="a library that can be unpacked",
        next_step="Ask the author what the embedded library needs.",
    )


def embedded_by_hand(holder: str, resource: Resource, reference: AssemblyName) -> Finding:
    """C28: a library in a resource that no packer has named: only the author's own code can load it."""
    return Finding(
        id="C28",
        severity=Severity.INFORMATION,
        where=f"{holder}, resource {resource.name}",
        found=f"{reference.name} embedded under a name that no packer gives",
        expected="a library that the connector's own code loads (AppDomain.AssemblyResolve)",
        next_step="Nothing to stage; watch the first import on the ECMA host, as that code was not read.",
    )


def wrong_identity(file: str, identity: AssemblyName, reference: AssemblyName) -> Finding:
    """C20: the file is named like the reference and is another assembly."""
    return Finding(
        id="C20",
        severity=Severity.WARNING,
        where=file,
        found=f"assembly '{identity.name}'",
        expected=f"'{reference.name}'",
        next_step="The file was renamed; get the right library.",
    )


def unusable_name(label: str, name: str, problem: str) -> Finding:
    """C21: a name in the metadata that could leave the folder or means a device.

    It is never used as a path.
    """
    return Finding(
        id="C21",
        severity=Severity.ERROR,
        where=label,
        found=f"a reference to '{name}', which {problem}",
        expected="a plain file name",
        next_step="Check where the file comes from before anything of it is used.",
    )


def about_windows(windows: known.Known, label: str) -> Iterator[Finding]:
    """C23: part of Windows, but not from the start."""
    if windows.needs:
        yield Finding(
            id="C23",
            severity=Severity.WARNING,
            where=label,
            found=f"'{windows.name}', which needs the {windows.needs}",
            expected="that feature on the ECMA host",
            next_step="Install the feature on the ECMA host.",
        )


def about_facade(reference: AssemblyName, staged: Assembly, framework: str) -> Iterator[Finding]:
    """C25: .NET Framework has the name too, in an older version.

    The one from MIM is staged (domain/ma_xml.md 13.3).
    """
    in_box = known.in_box(reference, framework)
    if in_box is not None:
        yield Finding(
            id="C25",
            severity=Severity.INFORMATION,
            where=staged.path.name,
            found=(
                f"version {reference.version_text} is wanted, .NET Framework {framework} has "
                f"{format_version(in_box.version)}"
            ),
            expected="the newer one beside the connector",
            next_step="Nothing to do: the library from MIM is staged.",
        )


def too_many(limit: int) -> Finding:
    """C26: the walk was stopped."""
    return Finding(
        id="C26",
        severity=Severity.ERROR,
        where="closure",
        found=f"more than {limit} files",
        expected="the files of one connector",
        next_step="Check what lies in the fetched folder; the list is not complete.",
    )


def _about_target(assembly: Assembly, label: str, installed: str) -> Iterator[Finding]:
    target = assembly.target_framework or ""
    if target.startswith(".NETCoreApp") and not assembly.is_connector:  # a connector: see `about_connector`
        yield Finding(
            id="C14",
            severity=Severity.WARNING,
            where=label,
            found=f"a build for {target}",
            expected="a build for .NET Framework or .NET Standard 2.0, which MIM and the ECMA host can load",
            next_step="Take the library from the package's folder net4x or netstandard2.0.",
        )
    match = _FRAMEWORK.match(target)
    version = parse_version(match[1]) if match else None
    limit, newest = parse_version(installed), parse_version(known.DEFAULT_FRAMEWORK)
    if version is None or limit is None or newest is None or version <= limit:
        return
    # The loader does not enforce the attribute for libraries; what is missing fails late
    # (domain/ma_xml.md 13.1).
    whose = "the newest for Windows Server 2016" if limit == newest else "which the ECMA host has"
    yield Finding(
        id="C14",
        severity=Severity.WARNING,
        where=label,
        found=f"a build for {assembly.target_framework}",
        expected=f"at most .NET Framework {installed}, {whose}",
        next_step=(
            f"Install .NET Framework {known.DEFAULT_FRAMEWORK} on the ECMA host, or ask for an older build."
            if limit < newest and version <= newest
            else "Test every run profile on the ECMA host, or ask for a build for an older version."
        ),
    )
