r"""A server on which people have run MIM Synchronization Service with a connector for years.

It is installed by the real package of the media, into the folder that one user's server has
(domain/mim_sync.md 1.3), so that nobody relies on the default. Then come the traces of use: management agents
from export files, connectors of several vendors, a rules extension, left-overs, run history, and a mark of
the web that the service tolerates and an ECMA host would not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from winlab import programs
from winlab.errors import WinlabError
from winlab.host import logons
from winlab.products import media, mim_sync
from winlab.products.mim_configuration import (
    STATE,
    ConfigurationError,
    ManagementAgent,
    SyncConfiguration,
    element_text,
    read_management_agent,
)
from winlab.products.windows_server import MONTH, random_password

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

SOURCE_FOLDER = r"C:\Install\MIM2016SP2\Synchronization Service"
FOLDER = r"C:\Program Files\Microsoft Forefront Identity Manager\2016\Synchronization Service"
SERVICE_ACCOUNT = "svc-mimsync"
STAND_IN = "connectors/StandIn.Connector.dll"
# [MS-FSCC] 2.6: zone 3 is the internet.
MARK_OF_THE_WEB = b"[ZoneTransfer]\r\nZoneId=3\r\n"
MARKED_DLL = "Fabrikam.Badge.Client.dll"
_RUNS_KEPT = 6

_LOGGER = "Microsoft.IdentityManagement.ManagedLogger.dll"

# What lies in Extensions besides the connectors of the management agents: file name to assembly of the media.
_EXTENSIONS = {
    "Adatum.Sync.Rules.dll": "connectors/Adatum.Sync.Rules.dll",
    "Microsoft.IAM.Connector.GenericLdap.dll": "microsoft/Microsoft.IAM.Connector.GenericLdap.dll",
    "Microsoft.IAM.Connector.GenericSql.dll": "microsoft/Microsoft.IAM.Connector.GenericSql.dll",
    _LOGGER: f"microsoft/{_LOGGER}",
    "Northwind.Erp.Connector.dll": "connectors/Northwind.Erp.Connector.dll",
}
# Connectors of the media and what they need beside them.
_CONNECTORS: dict[str, tuple[str, ...]] = {
    "Contoso.Hr.Connector.dll": ("Contoso.Hr.Protocol.dll", "Contoso.Json.dll"),
    "Fabrikam.Badge.Connector.dll": (MARKED_DLL,),
}


def builder(host: Host) -> Session:
    """The host's administrator at the console, elevated."""
    name = str(host.products["windows"]["administrator"])
    session = host.accounts.token(host.accounts.resolve(name).sid, "interactive")
    return logons.unfiltered(host, session)


def install(host: Host, exports: Mapping[str, bytes]) -> None:
    """Make a host such a server.

    Args:
        host: a Windows Server with SQL Server.
        exports: management agents, path on the controller to content (`export-ma` or
            `saved-ma-configuration`).

    Raises:
        WinlabError: an export that the product could not hold, or a set-up that fails.
    """
    _set_up(host)
    configuration = SyncConfiguration(host)
    agents = [_read(host, path, data) for path, data in exports.items()]
    host.services.stop(mim_sync.SERVICE)
    _extensions(host, agents)
    for agent in agents:
        configuration.add(agent)
        _traces(host, agent)
    _metaverse(host, agents)
    host.products[STATE]["run_history"] = _run_history(host, agents)
    host.services.start(mim_sync.SERVICE)


def _set_up(host: Host) -> None:
    host.files.mkdir(SOURCE_FOLDER)
    for path in sorted((media.folder() / "mim-sync").iterdir()):
        host.files.write_bytes(rf"{SOURCE_FOLDER}\{path.name}", path.read_bytes())
    password = random_password()
    user = host.accounts.create_user(
        SERVICE_ACCOUNT, password, description="MIM Synchronization Service", password_never_expires=True
    )
    host.accounts.grant("SeServiceLogonRight", user.sid)
    command = (
        rf'msiexec.exe /i "{SOURCE_FOLDER}\Synchronization Service.msi" /qn /norestart ACCEPT_EULA=1 '
        rf'STORESERVER=localhost INSTALLDIR="{FOLDER}" SERVICEACCOUNT={SERVICE_ACCOUNT} '
        rf"SERVICEDOMAIN={host.computer_name} SERVICEPASSWORD={password}"
    )
    result = programs.run(host, builder(host), command, cwd="C:\\")
    if result.rc != 0:
        raise WinlabError(
            f"{host.name}: role mim-sync: set-up ended with {result.rc}; expected 0. "
            "Look at the host's other roles."
        )
    host.accounts.create_user(
        "o.lang", random_password(), full_name="Oskar Lang", description="Identity team"
    )
    host.accounts.add_member("FIMSyncOperators", host.accounts.resolve("o.lang").sid)


def _read(host: Host, path: str, data: bytes) -> ManagementAgent:
    try:
        agent = read_management_agent(data, "export-ma", "saved-ma-configuration")
        if any(char in '<>:"/\\|?*' or ord(char) < 32 for char in agent.dll):
            raise ConfigurationError(f"connector {agent.dll!r} is no file name")
        return agent
    except ConfigurationError as error:
        raise WinlabError(
            f"{host.name}: management_agents: {path}: {error}; expected an exported management agent. "
            "Give another file."
        ) from error


def connector_content(name: str) -> bytes:
    """The assembly for a connector: ours when the media have one of that name, else a stand-in."""
    for folder in ("connectors", "microsoft"):
        # Names are compared, never joined: this one comes from an export.
        for path in (media.folder() / "assemblies" / folder).iterdir():
            if path.name.lower() == name.lower():
                return path.read_bytes()
    return media.assembly(STAND_IN)


def _extensions(host: Host, agents: list[ManagementAgent]) -> None:
    folder, files = rf"{FOLDER}\Extensions", host.files
    contents = {name: media.assembly(path) for name, path in _EXTENSIONS.items()}
    for agent in agents:
        if agent.dll:
            contents[agent.dll] = connector_content(agent.dll)
            for needed in _CONNECTORS.get(agent.dll, ()):
                contents[needed] = connector_content(needed)
    for name, data in contents.items():
        files.write_bytes(rf"{folder}\{name}", data)
    if MARKED_DLL in contents:
        files.write_stream_named(rf"{folder}\{MARKED_DLL}", "Zone.Identifier", MARK_OF_THE_WEB)
        _tolerate_marked_files(host)
        files.write_bytes(rf"{folder}\Fabrikam.Badge.Connector.dll.config", b"<configuration />\r\n")
    files.mkdir(rf"{folder}\old")
    files.write_bytes(rf"{folder}\old\Northwind.Erp.Connector.dll", media.assembly(STAND_IN))
    files.write_bytes(
        rf"{folder}\do not delete.txt", b"Ask the identity team before you touch anything here.\r\n"
    )
    now = host.clock.now()
    for entry in list(files.walk(folder)):
        files.set_times(entry.path, created=now - 40 * MONTH, modified=now - 36 * MONTH)


def _tolerate_marked_files(host: Host) -> None:
    """Somebody once let the service load files from the internet zone; the ECMA host has no such setting."""
    path = rf"{FOLDER}\Bin\miiserver.exe.config"
    text = host.files.read_bytes(path).decode("utf-8")
    changed = text.replace("<runtime>", '<runtime>\n    <loadFromRemoteSources enabled="true" />', 1)
    host.files.write_bytes(path, changed.encode("utf-8"))


def _traces(host: Host, agent: ManagementAgent) -> None:
    folder = rf"{FOLDER}\MaData\{_folder_name(agent.name)}"
    host.files.mkdir(folder)
    host.files.write_bytes(rf"{folder}\last run.log", b"finished\r\n")
    if agent.dll:
        host.files.mkdir(rf"{FOLDER}\ExtensionsCache\{agent.guid}")
        host.files.write_bytes(
            rf"{FOLDER}\ExtensionsCache\{agent.guid}\{agent.dll}", connector_content(agent.dll)
        )


def _folder_name(name: str) -> str:
    """A management agent's name as a folder's: what NTFS forbids becomes an underscore."""
    return "".join("_" if char in '<>:"/\\|?*' or ord(char) < 32 else char for char in name).rstrip(". ")


def _metaverse(host: Host, agents: list[ManagementAgent]) -> None:
    """Take the import flows of the whole server from the first export that has them."""
    flows = next(
        (found for agent in agents if (found := element_text(agent.mv_data, "import-attribute-flow"))), ""
    )
    state = host.products[STATE]
    own = element_text(state["metaverse"], "import-attribute-flow")
    if flows and own:
        state["metaverse"] = str(state["metaverse"]).replace(own, flows)
    host.touch("host")


def _run_history(host: Host, agents: list[ManagementAgent]) -> list[dict[str, Any]]:
    """The last runs of each management agent, nightly, as MIIS_RunHistory lists them."""
    midnight = datetime.fromtimestamp(host.clock.now(), UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return [
        {
            "MaName": agent.name,
            "MaGuid": agent.guid,
            "RunProfile": profile,
            "RunNumber": str(2000 + number),
            "RunStatus": "success" if number % 5 else "completed-export-errors",
            "RunStartTime": f"{midnight - timedelta(days=_RUNS_KEPT - number):%Y-%m-%d 01:00:00.000}",
        }
        for agent in agents
        for number, profile in enumerate(("Full Import", "Full Synchronization", "Export") * 2)
    ]
