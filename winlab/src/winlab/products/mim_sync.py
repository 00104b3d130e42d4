"""MIM Synchronization Service: its set-up and its service.

Sources: domain/mim_sync.md 1 (set-up, properties, registry), 2 (accounts, groups, sessions), 5 (folders), 7
    (failures).
Where a source is uncertain the worse case is modelled: ACCEPT_EULA is enforced, a database that exists is
refused, the log shows the service password. Texts other than "Error 25009" are ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winlab.errors import Win32Error
from winlab.host.registry import Value
from winlab.host.services import ServiceRun, register_service_behaviour
from winlab.products import media, mim_configuration, sql_server
from winlab.products.mim_configuration import STATE, SyncConfiguration
from winlab.products.mim_scripts import import_server_configuration, list_management_agents
from winlab.products.msi_installation import (
    Installation,
    PackageBehaviour,
    SetupError,
    register_package_behaviour,
)
from winlab.products.sql_server import check_sql_server

if TYPE_CHECKING:
    from winlab.host.model import Host

__all__ = ["SERVICE", "check_sql_server", "import_server_configuration", "list_management_agents"]

UPGRADE_CODE = "{C0A6F3E2-6B1D-4E57-9D0A-57A1AB040600}"  # of our stand-in package
SERVICE = "FIMSynchronizationService"
PARAMETERS_KEY = rf"HKLM\SYSTEM\CurrentControlSet\Services\{SERVICE}\Parameters"
DEFAULT_FOLDER = r"C:\Program Files\Microsoft Forefront Identity Manager\2010\Synchronization Service"
VERSION_KEY = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
DOTNET_KEY = r"HKLM\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full"
# .NET Framework 4.6 (domain/mim_sync.md 1.5) as Microsoft numbers it.
DOTNET_4_6 = 393295
ERROR_SERVICE_REQUEST_TIMEOUT = 1053
# domain/mim_sync.md 2: role, property of the package, default name, what the group is for.
GROUPS: tuple[tuple[str, str, str, str], ...] = (
    ("administrators", "GROUPADMINS", "FIMSyncAdmins", "Full access to the Synchronization Service"),
    ("operators", "GROUPOPERATORS", "FIMSyncOperators", "Run management agents and read run history"),
    ("account_joiners", "GROUPACCOUNTJOINERS", "FIMSyncJoiners", "Joiner and metaverse search"),
    ("browse", "GROUPBROWSE", "FIMSyncBrowse", "Read lineage through WMI"),
    ("passwordset", "GROUPPASSWORDSET", "FIMSyncPasswordSet", "Password operations through WMI"),
)
_CANNOT_CONFIGURE = (
    "The Microsoft Identity Manager Synchronization Service setup wizard cannot configure the specified "
    "database. "
)


def _start(run: ServiceRun) -> None:
    """Start of miiserver.exe: the database must answer; what lies in Extensions now is what can be used."""
    state = run.host.products.get(STATE)
    if state is None:
        raise Win32Error(ERROR_SERVICE_REQUEST_TIMEOUT, SERVICE)
    try:
        sql_server.connect(run.host, run.session, state["server"], state["instance"])
    except sql_server.SqlError as error:
        run.host.events.write("Application", SERVICE, 6208, "error", str(error))
        raise Win32Error(ERROR_SERVICE_REQUEST_TIMEOUT, SERVICE) from error
    remember_extensions(run.host)
    lock_connectors(run.host)


def extensions_folder(host: Host) -> str:
    """The folder that connectors are loaded from."""
    return str(host.products[STATE]["folder"]) + r"\Extensions"


def remember_extensions(host: Host) -> None:
    """Note which files a just started service finds: a connector that comes later needs a restart."""
    folder = extensions_folder(host)
    found = {}
    for name in host.files.listdir(folder):
        path = rf"{folder}\{name}"
        if host.files.is_file(path):
            found[name.lower()] = host.files.digest(path, "sha256")
    host.products[STATE]["loaded"] = found
    host.touch("host")


def lock_connectors(host: Host) -> None:
    """Hold the connectors of all management agents, as the process that has loaded them does."""
    folder = extensions_folder(host)
    for agent in SyncConfiguration(host).agents():
        path = rf"{folder}\{agent.dll}"
        if agent.dll and host.files.is_file(path):
            host.files.lock(path, host.services.holder(SERVICE), image=True)


def check(run: Installation) -> None:
    """Refuse what the set-up refuses, before anything is changed."""
    if run.public("ACCEPT_EULA") != "1":
        raise SetupError(0, "The license agreement was not accepted. Set ACCEPT_EULA=1.")
    kind = run.host.registry.get(VERSION_KEY, "InstallationType")
    if kind is not None and kind.data == "Server Core":
        raise SetupError(0, "This product needs a Server with Desktop Experience.")
    release = run.host.registry.get(DOTNET_KEY, "Release")
    if release is None or not isinstance(release.data, int) or release.data < DOTNET_4_6:
        raise SetupError(0, "Microsoft .NET Framework 4.6 or later is required.")
    _check_database(run)
    for name in ("SERVICEACCOUNT", "SERVICEDOMAIN"):
        if not run.public(name):
            raise SetupError(0, f"The service account is not specified. Set {name}.")
    _check_service_account(run)
    for _role, name, default, _purpose in GROUPS:
        _local_name(run, run.public(name, default))


def _check_database(run: Installation) -> None:
    server = run.public("STORESERVER", "localhost")
    if not any("native client" in product.name.lower() for product in run.host.packages.all()):
        raise SetupError(0, "Setup cannot query SQL Server: SQL Server Native Client is not installed.")
    if "," in server:
        raise SetupError(0, f"The name of SQL Server cannot hold a port: '{server}'. Use an alias.")
    instance = run.public("SQLINSTANCE").rpartition("\\")[2]
    try:
        login = sql_server.connect(run.host, run.session, server, instance)
    except sql_server.SqlError as error:
        raise SetupError(25009, _CANNOT_CONFIGURE + str(error)) from error
    if not login.sysadmin:
        raise SetupError(25009, _CANNOT_CONFIGURE + "A required privilege is not held by the client.")
    database = run.public("SQLDB", "FIMSynchronizationService")
    if login.has_database(database):
        raise SetupError(
            25009,
            _CANNOT_CONFIGURE + f"The database '{database}' exists and its encryption keys were not given.",
        )


def _check_service_account(run: Installation) -> None:
    # An unattended set-up learns about a wrong password or a missing right when the service starts (1920).
    account = rf"{run.public('SERVICEDOMAIN')}\{run.public('SERVICEACCOUNT')}"
    try:
        kind = run.host.accounts.resolve(account).kind
    except Win32Error as error:
        raise SetupError(0, f"The service account '{account}' was not found.") from error
    if kind != "user":
        raise SetupError(0, f"The service account '{account}' is not a user.")


def _local_name(run: Installation, name: str) -> str:
    domain, _, bare = name.rpartition("\\")
    if domain and domain != "." and domain.upper() != run.host.computer_name.upper():
        raise SetupError(0, f"The group '{name}' was not found.")
    return bare


def configure(run: Installation) -> None:
    """Groups, database, registry source, and the product's own state."""
    host = run.host
    sids = {
        role: _group(run, role, run.public(name, default), purpose) for role, name, default, purpose in GROUPS
    }
    server, database = run.public("STORESERVER", "localhost"), run.public("SQLDB")
    account = host.accounts.resolve(rf"{run.public('SERVICEDOMAIN')}\{run.public('SERVICEACCOUNT')}")
    sql_server.create_database(host, server, database, account.sid)
    run.undo(lambda: sql_server.drop_database(host, server, database))
    host.events.create_log("Application", (SERVICE,))
    host.products[STATE] = new_state(
        folder=run.folder("INSTALLDIR"),
        server=server,
        instance=run.public("SQLINSTANCE").rpartition("\\")[2],
        database=database,
        groups=sids,
    )
    run.undo(lambda: _forget(host))
    host.touch("host")


def new_state(
    folder: str, server: str, instance: str, database: str, groups: dict[str, str]
) -> dict[str, Any]:
    """The product's state right after its installation."""
    return {
        "folder": folder,
        "server": server,
        "instance": instance,
        "database": database,
        "groups": groups,
        "agents": [],
        "metaverse": mim_configuration.EMPTY_METAVERSE,
        "loaded": {},
        "run_history": [],
    }


def _group(run: Installation, role: str, name: str, purpose: str) -> str:
    """The SID of a role's group, made when it is not there.

    Set-up puts the installing user into the administrators' group only when it made that group itself
    (domain/mim_sync.md 0.7).
    """
    accounts, bare = run.host.accounts, _local_name(run, name)
    group = accounts.group(bare)
    if group is not None:
        return group.sid
    group = accounts.create_group(bare, purpose)
    run.undo(lambda: accounts.delete_group(bare))
    if role == "administrators":
        accounts.add_member(bare, run.session.sid)
    return group.sid


def depend_on_sql(run: Installation) -> None:
    """Let the service wait for a local SQL Server at boot."""
    if sql_server.is_local(run.host, run.host.products[STATE]["server"]):
        run.host.services.configure(SERVICE, depends_on=(sql_server.SERVICE,))


def _forget(host: Host) -> None:
    host.products.pop(STATE, None)
    host.touch("host")


register_package_behaviour(
    UPGRADE_CODE, PackageBehaviour(check=check, configure=configure, services=depend_on_sql, remove=_forget)
)
register_service_behaviour("miiserver", start=_start)
media.known_program("miiserver")


def parameters(host: Host, folder: str, server: str, instance: str, database: str) -> None:
    """Write the registry values of the set-up (domain/mim_sync.md 1.3) for a server that is there already."""
    for name, value in (
        ("Path", folder + "\\"),
        ("Server", server),
        ("SQLInstance", instance),
        ("DBName", database),
    ):
        host.registry.set(PARAMETERS_KEY, name, Value("string", value))
    location = folder.rpartition("\\")[0] + "\\"
    key = r"HKLM\SOFTWARE\Microsoft\Forefront Identity Manager\2010\Synchronization Service"
    host.registry.set(key, "Location", Value("string", location))
