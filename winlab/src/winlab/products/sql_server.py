r"""SQL Server as set-ups and connectors meet it: reachable or not, who may do what, which databases.

A default instance of SQL Server 2016 is a role of a host (`install`); other servers are named in a host's
definition (`sql_servers: {sql01: {sysadmins: [...], databases: [...]}}`). Sources: domain/mim_sync.md 1.2,
1.5, 2 and 7; the Azure image of that version makes BUILTIN\Administrators a sysadmin. Texts of errors are
those of SqlClient, shortened.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winlab.host import sids
from winlab.host.packages import Product
from winlab.host.registry import Value
from winlab.host.services import Service, ServiceRun, register_service_behaviour
from winlab.programs import install as install_program
from winlab.scripts import ScriptCall, ScriptResult

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

STATE = "sql_server"
SERVICE = "MSSQLSERVER"
ROOT = r"C:\Program Files\Microsoft SQL Server\MSSQL13.MSSQLSERVER\MSSQL"
# SQL Server 2016 SP1 (Azure image "SQL Server 2016 SP1 Standard on Windows Server 2016", domain/mim_sync.md
# 1.5).
VERSION_2016_SP1 = "13.00.4001"
SYSTEM_DATABASES = ("master", "model", "msdb", "tempdb")
# Names by which a machine speaks to its own default instance.
LOCAL_NAMES = frozenset({".", "(local)", "localhost", "127.0.0.1"})
PROGRAM = "sqlservr"

REMOTE = "sql_server_remote"  # what was created on other machines
NATIVE_CLIENT_CODE = "{B9274744-8BAE-4874-8E59-2610919CD419}"  # ours; the real one is not needed


class SqlError(Exception):
    """A connection that was refused or never came about."""


@dataclass(frozen=True)
class SqlLogin:
    """A connection as one logon sees it.

    Attributes:
        local: whether the server is this machine.
        version: what the server says about itself.
        sysadmin: whether the logon is a sysadmin.
        databases: names of all databases.
    """

    local: bool
    version: str
    sysadmin: bool
    databases: frozenset[str]

    def has_database(self, name: str) -> bool:
        """Whether a database exists; names do not depend on case under the default collation."""
        return name.lower() in {known.lower() for known in self.databases}


def install(host: Host, sysadmins: Iterable[str] = (sids.ADMINISTRATORS,)) -> None:
    """Make a default instance of SQL Server 2016 part of a host, running.

    Args:
        host: the host.
        sysadmins: SIDs that get the server role.
    """
    host.files.mkdir(ROOT + r"\Binn")
    host.files.mkdir(ROOT + r"\DATA")
    install_program(host, ROOT + r"\Binn\sqlservr.exe", PROGRAM)
    for name in SYSTEM_DATABASES:
        _create_files(host, name)
    host.services.create(
        Service(
            name=SERVICE,
            display_name="SQL Server (MSSQLSERVER)",
            description="Provides storage, processing and controlled access of data.",
            image_path=rf'"{ROOT}\Binn\sqlservr.exe" -sMSSQLSERVER',
            account=rf"NT SERVICE\{SERVICE}",
            start_mode="auto",
        )
    )
    key = r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server"
    host.registry.set(rf"{key}\Instance Names\SQL", "MSSQLSERVER", Value("string", "MSSQL13.MSSQLSERVER"))
    host.registry.set(rf"{key}\MSSQL13.MSSQLSERVER\Setup", "Version", Value("string", "13.1.4001.0"))
    for code, name, version in (
        ("{18B2A97C-92C3-4AC7-BE72-F823E0BC895B}", "SQL Server 2016 Database Engine Services", "13.1.4001.0"),
        (NATIVE_CLIENT_CODE, "Microsoft SQL Server 2012 Native Client ", "11.3.6538.0"),
    ):
        host.packages.install(Product(code, name, version, "winlab (stand-in)"))
    host.products[STATE] = {
        "version": VERSION_2016_SP1,
        "sysadmins": sorted(sysadmins),
        "logins": [],
        "databases": {name: {} for name in SYSTEM_DATABASES},
    }
    host.touch("host")
    host.services.start(SERVICE)


def _data_files(name: str) -> tuple[str, str]:
    return rf"{ROOT}\DATA\{name}.mdf", rf"{ROOT}\DATA\{name}_log.ldf"


def _create_files(host: Host, name: str) -> None:
    for path in _data_files(name):
        host.files.write_bytes(path, f"winlab database {name}\n".encode())


def _lock_files(host: Host) -> None:
    """Hold the files of all databases, as the running server does: nobody else may even read them."""
    holder = host.services.holder(SERVICE)
    host.files.unlock_all(holder)
    for name in host.products[STATE]["databases"]:
        for path in _data_files(name):
            host.files.lock(path, holder, exclusive=True)


def _start(run: ServiceRun) -> None:
    _lock_files(run.host)


register_service_behaviour(PROGRAM, start=_start)


def is_local(host: Host, server: str) -> bool:
    """Whether a name stands for the machine itself."""
    return server.lower() in LOCAL_NAMES or server.upper() == host.computer_name.upper()


def connect(host: Host, session: Session, server: str, instance: str = "") -> SqlLogin:
    """Connect with Windows authentication.

    Raises:
        SqlError: no such server or instance, not running, or the logon is refused.
    """
    if is_local(host, server):
        return _connect_local(host, session, instance)
    servers: dict[str, Any] = host.definition.get("sql_servers") or {}
    remote = next((entry or {} for name, entry in servers.items() if name.lower() == server.lower()), None)
    if remote is None or not remote.get("reachable", True) or str(remote.get("instance", "")) != instance:
        raise SqlError(_NOT_REACHED)
    if not session.reaches_machines:
        # The second hop of a network logon arrives as nobody (domain/mim_sync.md 2), and so does a machine.
        raise SqlError(r"Login failed for user 'NT AUTHORITY\ANONYMOUS LOGON'.")
    known = {name.lower() for name in remote.get("sysadmins", [])}
    made = host.products.get(REMOTE, {}).get(server.lower(), [])
    return SqlLogin(
        local=False,
        version=str(remote.get("version", VERSION_2016_SP1)),
        sysadmin=session.user.lower() in known or session.account.lower() in known,
        databases=frozenset([*SYSTEM_DATABASES, *remote.get("databases", []), *made]),
    )


_NOT_REACHED = (
    "A network-related or instance-specific error occurred while establishing a connection to SQL Server. "
    "The server was not found or was not accessible."
)


def _connect_local(host: Host, session: Session, instance: str) -> SqlLogin:
    state = host.products.get(STATE)
    service = host.services.get(SERVICE)
    if state is None or service is None or service.state != "running":
        raise SqlError(_NOT_REACHED)
    if instance and instance.upper() != SERVICE:
        raise SqlError(_NOT_REACHED)
    holders = session.all_sids
    sysadmin = bool(holders.intersection(state["sysadmins"]))
    # SYSTEM has a login without a role ("What's New in SQL Server Installation", SQL Server 2012); that it is
    # an administrator counts where those are sysadmins.
    if not sysadmin and not session.is_system and not holders.intersection(state["logins"]):
        raise SqlError(f"Login failed for user '{session.account}'.")
    return SqlLogin(True, str(state["version"]), sysadmin, frozenset(state["databases"]))


def create_database(host: Host, server: str, name: str, owner: str) -> None:
    """Create a database and let `owner` (a SID) log on."""
    if is_local(host, server):
        state = host.products[STATE]
        state["databases"][name] = {"owner": owner}
        if owner not in state["logins"]:
            state["logins"] = sorted([*state["logins"], owner])
        _create_files(host, name)
        _lock_files(host)
    else:
        made = host.products.setdefault(REMOTE, {}).setdefault(server.lower(), [])
        made.append(name)
    host.touch("host")


def drop_database(host: Host, server: str, name: str) -> None:
    """Remove a database that `create_database` made."""
    if is_local(host, server):
        host.products[STATE]["databases"].pop(name, None)
        _lock_files(host)
        for path in _data_files(name):
            host.files.delete(path, force=True)
    else:
        host.products[REMOTE][server.lower()].remove(name)
    host.touch("host")


def check_sql_server(call: ScriptCall) -> ScriptResult:
    """What the account that runs a script may do on a SQL Server.

    Parameters of the script: `Server`, `Instance`, `Database`. Its output is one object with `reachable`,
    `version`, `sysadmin`, `database_exists`, `detail`; nothing is changed, nothing thrown.
    """
    answer: dict[str, Any] = {
        "reachable": False,
        "sysadmin": False,
        "database_exists": False,
        "version": "",
        "detail": "",
    }
    server, _, in_name = str(call.parameter("Server", "")).partition("\\")
    try:
        login = connect(call.host, call.session, server, str(call.parameter("Instance", "") or in_name))
    except SqlError as error:
        answer["detail"] = str(error)
    else:
        answer.update(
            reachable=True,
            version=login.version,
            sysadmin=login.sysadmin,
            database_exists=login.has_database(str(call.parameter("Database", ""))),
        )
    return ScriptResult(output=[answer], changed=False)
