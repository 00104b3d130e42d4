"""R2 to R6, R21, R27 and R30: what the file is and which connector it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mim2ecma.documents.findings import Finding
from mim2ecma.documents.safe_names import bare_file_name_problem, is_guid
from mim2ecma.management_agent.model import Export, ExtensionConfig, ManagementAgent, Wrapper
from mim2ecma.readiness.subject import DELIVERED, Subject, error, information, warning

_EXPORT_SINGLY: Final = (
    "In Synchronization Service, Management Agents, select the management agent and "
    "use Export Management Agent."
)
_USELESS: Final = "Another export would not help: this management agent cannot move (R4)."
_ROOT: Final = "root element"

# domain/ma_xml.md 2: each wrapper has its own advice.
_WRAPPERS: Final[Mapping[Wrapper, tuple[str, str]]] = {
    Wrapper.SAVED_MA_CONFIGURATION: (
        "one file of a whole-server export (saved-ma-configuration)",
        _EXPORT_SINGLY,
    ),
    Wrapper.MA_DATA: (
        "a bare ma-data, as Entra Connect (Azure AD Connect) exports its connectors",
        "Entra Connect's own connectors do not move to the ECMA Connector Host; if this one comes from "
        "MIM, use Export "
        "Management Agent in Synchronization Service.",
    ),
    Wrapper.SAVED_MV_CONFIGURATION: (
        "the metaverse file of a whole-server export (saved-mv-configuration), which holds no management "
        "agent",
        _EXPORT_SINGLY,
    ),
    Wrapper.CONFIGURATION: (
        "a configuration of the ECMA Connector Host itself (Configuration), which is no MIM export",
        "Use Import in the host's configuration wizard for such a file; this check is for MIM exports.",
    ),
}

# domain/ma_xml.md 5: categories of built-in management agents and what takes their place.
_ALTERNATIVES: Final[Mapping[str, str]] = {
    "extensible": "an ECMA2 version of this ECMA1 connector, which its maker may have",
    "mssql": "Microsoft's Generic SQL connector",
    "oracle": "Microsoft's Generic SQL connector",
    "db2": "Microsoft's Generic SQL connector",
    "ad": "Microsoft Entra Connect or cloud sync, since Active Directory is no target of this host",
    "ad gal": "Microsoft Entra Connect or cloud sync, since Active Directory is no target of this host",
    "adam": "Microsoft's Generic LDAP connector",
    "delimited": "Microsoft's PowerShell connector or a CSV connector",
    "fixed": "Microsoft's PowerShell connector or a CSV connector",
    "avp": "Microsoft's PowerShell connector or a CSV connector",
    "ldif": "Microsoft's Generic LDAP connector",
    "dsml": "Microsoft's Generic LDAP connector",
    "fim": "nothing: the MIM Service is no target of this host",
}

_CALL_BASED: Final = "call-based"
_ENGINE_DLL: Final = "microsoft.metadirectoryservicesex.dll"  # domain/ma_xml.md 13.2
_ENTRA_DLL: Final = "microsoft.azure.activedirectory.connector.dll"


def wrapper_rules(export: Export) -> Iterator[Finding]:
    """R2: only `export-ma` is proven by the documented procedure (domain/ma_xml.md 2 and 16)."""
    source, agent = export.source, export.agent
    built_in = agent is not None and agent.category is not None and not agent.is_ecma2
    expected = "export-ma with the attribute server, as Export Management Agent writes it"
    if source.wrapper is Wrapper.UNKNOWN:
        yield error(
            "R2", _ROOT, f"'{source.root or 'none'}'", expected, f"This is no export of MIM. {_EXPORT_SINGLY}"
        ).not_acceptable(agent is None)
    elif source.wrapper in _WRAPPERS:
        found, advice = _WRAPPERS[source.wrapper]
        finding = error("R2", _ROOT, found, expected, _USELESS if built_in else advice)
        yield finding.not_acceptable(agent is None)
    elif source.wrapper is Wrapper.EXPORT_MA and agent is None:
        yield error("R2", _ROOT, "export-ma without ma-data", expected, _EXPORT_SINGLY).not_acceptable()
    elif source.wrapper is Wrapper.EXPORT_MA and not source.server:
        advice = _USELESS if built_in else _EXPORT_SINGLY
        yield error("R2", _ROOT, "export-ma without the name of a server", expected, advice)
    if source.agent_count > 1:
        yield error(
            "R2", _ROOT, f"{source.agent_count} management agents", "one management agent", _EXPORT_SINGLY
        ).not_acceptable()


def agent_rules(export: Export, agent: ManagementAgent) -> Iterator[Finding]:
    """R3, R4 and R33: a configured ECMA2 management agent."""
    if agent.packaged:
        yield error(
            "R3",
            "ma-data",
            "a packaged template, which its maker delivers",
            "a configured management agent",
            "Create a management agent from the template in MIM, configure it and export that one.",
        )
    elif agent.name is None:
        yield error(
            "R3", "ma-data/name", "no name", "the name of a configured management agent", _EXPORT_SINGLY
        )
    elif agent.is_ecma2 and not is_guid(agent.id or ""):
        yield error(
            "R3",
            "ma-data/id",
            f"'{agent.id}'" if agent.id else "no id",
            "a GUID, by which every management agent is known",
            _EXPORT_SINGLY,
        )
    if not agent.is_ecma2:
        instead = _ALTERNATIVES.get(
            (agent.category or "").lower(), "an ECMA2 connector for the same system, if there is one"
        )
        yield error(
            "R4",
            "ma-data/category",
            f"'{agent.category}', a management agent that is not ECMA2" if agent.category else "no category",
            "Extensible2",
            f"The ECMA Connector Host loads ECMA2 connectors only. In its place: {instead}."
            if agent.category
            else f"Something is missing from the file. {_EXPORT_SINGLY}",
        )
    if not agent.complete:
        yield information(
            "R33",
            "ma-data",
            "more than is read into memory; only the header was read",
            "an export of a few MiB",
            "Nothing to do, since management agents of this category do not move to the host.",
        )


def connector_rules(subject: Subject) -> Iterator[Finding]:
    """R5, R6, R21, R27 and R30: `extension-config` (domain/ma_xml.md 7.1)."""
    extension = subject.agent.configuration.extension
    where = "extension-config"
    if extension == ExtensionConfig():
        yield error(
            "R5",
            f"private-configuration/MAConfig/{where}",
            "missing, or empty",
            "what the management agent says about its connector: DLL, import and export",
            "Check the connector of the management agent in MIM and export it again.",
        )
        return
    problem = _file_name_problem(extension.filename)
    if problem:
        yield error(
            "R5",
            f"{where}/filename",
            problem,
            "the bare file name of the connector's DLL",
            "Check the connector of the management agent in MIM and export it again.",
        )
    if extension.export_enabled is not True:
        yield error(
            "R6",
            f"{where}/export-enabled",
            _switch(extension, "export"),
            "1, since provisioning is what the host does",
            "Enable export in the management agent, or use a connector that can export, and export it again.",
        )
    if extension.import_enabled is not True:
        yield warning(
            "R6",
            f"{where}/import-enabled",
            _switch(extension, "import"),
            "1: without import the host cannot see existing accounts and always creates",
            "Enable import, or be sure that the target has no accounts yet; the documented procedure asks "
            "for both.",
        )
    yield from _mode_rules(subject)
    name = (extension.filename or "").lower()
    if name == _ENTRA_DLL:
        yield error(
            "R27",
            f"{where}/filename",
            "the connector of Entra Connect, which brings users into Microsoft Entra",
            "a connector to an application, as the host provisions from Microsoft Entra to it",
            "Leave this management agent where it is; Entra Connect or cloud sync does its work.",
        )
    if name in DELIVERED:
        yield information(
            "R30",
            f"{where}/filename",
            f"{extension.filename}, which Microsoft delivers with the host",
            "the host's own version to be used",
            "Do not copy the DLL; check that it lies in the host's ECMA folder.",
        )


def _file_name_problem(name: str | None) -> str | None:
    if not name:
        return "no file name"
    problem = bare_file_name_problem(name)
    if problem is None and not name.lower().endswith(".dll"):
        problem = "does not end in .dll"
    elif problem is None and name.lower() == ".dll":
        problem = "has nothing before the ending"
    elif problem is None and name.lower() == _ENGINE_DLL:
        problem = "is the engine's own library, no connector"
    return f"'{name}' {problem}" if problem else None


def _switch(extension: ExtensionConfig, direction: str) -> str:
    if f"{direction}-enabled" in extension.unclear:
        return "neither 0 nor 1"
    enabled = extension.export_enabled if direction == "export" else extension.import_enabled
    return f"{direction} is switched off" if enabled is False else f"no word on {direction}"


def _mode_rules(subject: Subject) -> Iterator[Finding]:
    extension = subject.agent.configuration.extension
    for mode, text, enabled in (
        ("import-mode", extension.import_mode, extension.import_enabled),
        ("export-mode", extension.export_mode, extension.export_enabled),
    ):
        if enabled and text is not None and text.lower() != _CALL_BASED:
            yield warning(
                "R21",
                f"extension-config/{mode}",
                f"'{text}'",
                f"{_CALL_BASED}; nothing is documented about other modes on the host",
                "Ask the connector's maker for a call-based version, or try it on a test host first.",
            )
