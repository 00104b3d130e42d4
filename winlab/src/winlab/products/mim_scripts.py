"""Scripts that speak to MIM Synchronization Service: list management agents, import a configuration.

Sources: domain/mim_sync.md 2 (who may), 3.1 (WMI provider), 3.3 (Import-MIISServerConfig), 5 (loading, mark
    of the web), 7.
The scripts themselves belong to the roles; a lab definition names these functions as their behaviours.
"""

from __future__ import annotations

import ntpath
import re
from typing import TYPE_CHECKING, Any

from winlab.products.mim_configuration import (
    STATE,
    ConfigurationError,
    ManagementAgent,
    SyncConfiguration,
    read_management_agent,
    read_metaverse,
)
from winlab.products.mim_tools import SERVICE, SyncAccessError, is_member, require
from winlab.scripts import ErrorRecord, ScriptCall, ScriptError, ScriptResult

if TYPE_CHECKING:
    from winlab.host.model import Host

_CIM = "Microsoft.Management.Infrastructure.CimException"
_CIM_ID = "Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand"
_MA_FILE = re.compile(r"MA-.+\.XML", re.IGNORECASE)
_MARK_OF_THE_WEB = "Zone.Identifier"
# A connector type whose configuration cannot be imported without a fix-up of the file (domain/mim_sync.md
# 3.3).
_WEB_SERVICE = "web service"


def list_management_agents(call: ScriptCall) -> ScriptResult:
    """`MIIS_ManagementAgent` through WMI: objects with Name, Guid and Type, sorted by name.

    Raises:
        ScriptError: no such namespace, no access, or the service does not run.
    """
    agents = _through_wmi(call)
    output: list[Any] = [
        {"Name": agent.name, "Guid": agent.guid, "Type": agent.category} for agent in agents.agents()
    ]
    return ScriptResult(output=output, changed=False)


def import_server_configuration(call: ScriptCall) -> ScriptResult:
    """Import-MIISServerConfig on a server without management agents.

    Parameters of the script: `Path`; `AllowReplace` lets it replace what is there.

    Raises:
        ScriptError: as `list_management_agents`; management agents are there; the import refuses.
    """
    configuration = _through_wmi(call)
    path = str(call.parameter("Path", ""))
    present = configuration.agents()
    if present and not call.parameter("AllowReplace", False):
        raise ScriptError(
            f"the server has {len(present)} management agents; expected none, "
            "for the import replaces all of them"
        )
    if call.check_mode:
        return ScriptResult(changed=True)
    _require_administrator(call)
    try:
        agents, metaverse = read_folder(call, path)
        for agent in agents:
            check_connector(call.host, agent)
    except ConfigurationError as error:
        call.host.events.write("Application", SERVICE, 6401, "error", str(error))
        raise ScriptError(
            ErrorRecord(
                str(error),
                exception_type="System.InvalidOperationException",
                fully_qualified_error_id="ImportServerConfig",
                category="InvalidOperation",
                activity="Import-MIISServerConfig",
                target=path,
            )
        ) from error
    if [agent.ma_data for agent in agents] == [agent.ma_data for agent in present]:
        return ScriptResult(changed=configuration.metaverse != metaverse)
    configuration.replace_all(agents, metaverse)
    for agent in agents:
        if agent.dll:
            dll = rf"{call.host.products[STATE]['folder']}\Extensions\{agent.dll}"
            call.host.files.lock(dll, call.host.services.holder(SERVICE), image=True)
    return ScriptResult(changed=True)


def read_folder(call: ScriptCall, path: str) -> tuple[list[ManagementAgent], str]:
    """Read the folder of a server export: MV.xml and MA-*.XML, and nothing else (domain/mim_sync.md 3.3).

    Raises:
        ConfigurationError: what the import refuses.
    """
    files = call.host.files
    if not files.is_dir(path, call.session):
        raise ConfigurationError(f"{path}: no such folder")
    names = files.listdir(path, call.session)
    others = [name for name in names if name.lower() != "mv.xml" and not _MA_FILE.fullmatch(name)]
    if others or "mv.xml" not in (name.lower() for name in names):
        raise ConfigurationError(
            f"{path}: holds {', '.join(names) or 'nothing'}; expected MV.xml and MA-*.XML only"
        )
    agents, metaverse = [], ""
    for name in names:
        data = files.read_bytes(ntpath.join(path, name), call.session)
        try:
            if name.lower() == "mv.xml":
                metaverse = read_metaverse(data)
            else:
                agents.append(read_management_agent(data, "saved-ma-configuration"))
        except ConfigurationError as error:
            raise ConfigurationError(f"{name}: {error}") from error
    return sorted(agents, key=lambda agent: agent.name), metaverse


def check_connector(host: Host, agent: ManagementAgent) -> None:
    """Whether the running service can load a management agent's connector.

    Raises:
        ConfigurationError: file missing, come since the service started, blocked, or of a kind that fails.
    """
    if agent.category.lower() != "extensible2":
        return
    state = host.products[STATE]
    path = rf"{state['folder']}\Extensions\{agent.dll}"
    failed = f"{agent.name}: Unable to retrieve configuration parameters from the extension {agent.dll}: "
    if not agent.dll or not host.files.is_file(path):
        raise ConfigurationError(failed + "stopped-extension-dll-file-not-found")
    if state["loaded"].get(agent.dll.lower()) != host.files.digest(path, "sha256"):
        raise ConfigurationError(
            failed + "stopped-extension-dll-load. The service was not restarted since it came."
        )
    if _MARK_OF_THE_WEB in host.files.streams(path):
        raise ConfigurationError(failed + "Operation is not supported. (Exception from HRESULT: 0x80131515)")
    if agent.list_name.lower().startswith(_WEB_SERVICE):
        raise ConfigurationError(failed + "the project list of the file was not fixed up.")


def _through_wmi(call: ScriptCall) -> SyncConfiguration:
    if call.host.products.get(STATE) is None:
        raise _cim_error("Invalid namespace ", "0x8004100e", "ObjectNotFound")
    if not is_member(call.host, call.session, "administrators", "operators"):
        raise _cim_error("Access denied ", "0x80041003", "PermissionDenied")
    try:
        return require(call.host, call.session, "administrators", "operators")
    except SyncAccessError as error:
        raise _cim_error("Provider load failure ", "0x80041013", "NotSpecified") from error


def _cim_error(message: str, hresult: str, category: str) -> ScriptError:
    return ScriptError(
        ErrorRecord(
            message,
            exception_type=_CIM,
            fully_qualified_error_id=f"HRESULT {hresult},{_CIM_ID}",
            category=category,
            activity="Get-CimInstance",
            target="root/MicrosoftIdentityIntegrationServer:MIIS_ManagementAgent",
        )
    )


def _require_administrator(call: ScriptCall) -> None:
    if not is_member(call.host, call.session, "administrators"):
        raise ScriptError(
            ErrorRecord(
                "Access is denied. (Exception from HRESULT: 0x80070005 (E_ACCESSDENIED))",
                exception_type="System.UnauthorizedAccessException",
                category="PermissionDenied",
                activity="Import-MIISServerConfig",
            )
        )
