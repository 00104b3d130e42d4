r"""A Windows Server 2016 that looks lived in.

What is Windows' own: version, features, services, system programs. What belongs to others and must survive
whatever a role
does: an invented backup agent and an invented monitoring agent with folders, services, accounts, groups,
    rights, registry
values, a file with rules of its own, a long path, a hidden file. Sources: registry values and services of a
fresh Windows Server 2016 (1607, build 14393); .NET release numbers from Microsoft's page "How to determine
which .NET Framework versions are installed".
"""

from __future__ import annotations

import secrets as randomness
from typing import TYPE_CHECKING

from winlab import programs, system_programs
from winlab.host import acl, sids
from winlab.host.packages import Product
from winlab.host.registry import Value
from winlab.host.services import Service, register_service_behaviour
from winlab.products import media

if TYPE_CHECKING:
    from winlab.host.model import Host

VERSION_KEY = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
DOTNET_KEY = r"HKLM\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full"
DOTNET_4_6_2, DOTNET_4_8 = (394802, "4.6.01586"), (528049, "4.8.03761")  # 4.6.2 comes with Server 2016
BUILD = 14393
MONTH = 30 * 86_400.0

_CLR4_CACHE = r"C:\Windows\Microsoft.NET\assembly"
_CACHES = {
    _CLR4_CACHE: ("GAC_32", "GAC_64", "GAC_MSIL"),
    r"C:\Windows\assembly": ("GAC", "GAC_32", "GAC_64", "GAC_MSIL"),
}
_SVCHOST = r"C:\Windows\System32\svchost.exe -k "
_SYSTEM, _LOCAL, _NETWORK = "LocalSystem", r"NT AUTHORITY\LocalService", r"NT AUTHORITY\NetworkService"
# Name, display name, group of svchost, account, start mode, what it depends on. Those that start by
# themselves run.
_SERVICES: tuple[tuple[str, str, str, str, str, tuple[str, ...]], ...] = (
    ("RpcSs", "Remote Procedure Call (RPC)", "rpcss", _NETWORK, "auto", ()),
    ("BFE", "Base Filtering Engine", "LocalServiceNoNetwork", _LOCAL, "auto", ("RpcSs",)),
    ("BITS", "Background Intelligent Transfer Service", "netsvcs", _SYSTEM, "manual", ("RpcSs",)),
    ("CryptSvc", "Cryptographic Services", "NetworkService", _NETWORK, "auto", ("RpcSs",)),
    ("Dhcp", "DHCP Client", "LocalServiceNetworkRestricted", _LOCAL, "auto", ()),
    ("Dnscache", "DNS Client", "NetworkService", _NETWORK, "auto", ()),
    ("EventLog", "Windows Event Log", "LocalServiceNetworkRestricted", _LOCAL, "auto", ()),
    ("LanmanServer", "Server", "netsvcs", _SYSTEM, "auto", ()),
    ("LanmanWorkstation", "Workstation", "NetworkService", _NETWORK, "auto", ()),
    ("MpsSvc", "Windows Firewall", "LocalServiceNoNetwork", _LOCAL, "auto", ("BFE",)),
    ("RemoteRegistry", "Remote Registry", "localService", _LOCAL, "auto", ("RpcSs",)),
    ("Schedule", "Task Scheduler", "netsvcs", _SYSTEM, "auto", ("RpcSs",)),
    ("TermService", "Remote Desktop Services", "NetworkService", _NETWORK, "manual", ("RpcSs",)),
    ("W32Time", "Windows Time", "LocalService", _LOCAL, "manual", ()),
    ("Winmgmt", "Windows Management Instrumentation", "netsvcs", _SYSTEM, "auto", ("RpcSs",)),
    ("WinRM", "Windows Remote Management (WS-Management)", "NetworkService", _NETWORK, "auto", ("RpcSs",)),
    ("wuauserv", "Windows Update", "netsvcs", _SYSTEM, "manual", ("RpcSs",)),
)
_FEATURES = {
    "FileAndStorage-Services": True,
    "NET-Framework-45-Core": True,
    "NET-Framework-45-Features": True,
    "NET-Framework-45-ASPNET": False,
    "NET-Framework-Core": False,
    "NET-Framework-Features": False,
    "PowerShell": True,
    "PowerShell-ISE": True,
    "RSAT": False,
    "Server-Gui-Mgmt-Infra": True,
    "Server-Gui-Shell": True,
    "Telnet-Client": False,
    "Web-Server": False,
    "Windows-Defender": True,
    "Windows-Defender-Gui": True,
}

CONFIG_FOLDER = r"C:\Windows\System32\config"
PAGE_FILE = r"C:\pagefile.sys"
KERNEL = "System"  # the process that has the hives and the page file open, from boot to shutdown

BACKUP_FOLDER = r"C:\Program Files\Tailspin Backup"
MONITOR_FOLDER = r"C:\Program Files\Adventure Monitoring Agent"
register_service_behaviour("print-spooler")
register_service_behaviour("tailspin-backup")
register_service_behaviour("adventure-monitor")


# Programs of every Windows Server ("Windows Commands" of Microsoft's documentation, A-Z) that nobody has
# modelled: they are there, and one that is started is refused by name instead of being called missing.
_UNMODELLED = (
    "arp", "attrib", "auditpol", "bcdedit", "bitsadmin", "cacls", "certreq", "certutil", "chkdsk",
    "chkntfs", "choice", "cipher", "clip", "cmdkey", "comp", "compact", "convert", "cscript", "diskpart",
    "dism", "doskey", "driverquery", "esentutl", "eventcreate", "expand", "fc", "find", "findstr", "fltmc",
    "forfiles", "fsutil", "ftp", "getmac", "gpresult", "gpupdate", "icacls", "ipconfig", "klist", "ksetup",
    "label", "lodctr", "logman", "logoff", "makecab", "mmc", "mountvol", "mstsc", "nbtstat", "net1",
    "netstat", "nltest", "notepad", "nslookup", "odbcconf", "openfiles", "pathping", "ping", "pnputil",
    "print", "qprocess", "query", "quser", "recover", "regini", "regsvr32", "replace", "robocopy", "route",
    "rundll32", "runas", "schtasks", "secedit", "setx", "sfc", "subst", "systeminfo", "takeown", "taskkill",
    "tasklist", "timeout", "tracert", "typeperf", "unlodctr", "verifier", "vssadmin", "w32tm", "waitfor",
    "wbadmin", "wevtutil", "where", "winrs", "wscript", "wusa", "xcopy",
)  # fmt: skip


def install(host: Host) -> None:
    """Make a new host a Windows Server 2016 with the traces of its years."""
    _version(host)
    _programs(host)
    _assembly_caches(host)
    _held_files(host)
    _services(host)
    host.features.update(_FEATURES)
    _accounts(host)
    _backup_agent(host)
    _monitoring_agent(host)
    _odds_and_ends(host)
    host.environment.seed()
    host.touch("host")


def _version(host: Host) -> None:
    texts = {
        "ProductName": "Windows Server 2016 Standard",
        "InstallationType": "Server",
        "EditionID": "ServerStandard",
        "ReleaseId": "1607",
        "CurrentVersion": "6.3",
        "CurrentBuild": str(BUILD),
        "CurrentBuildNumber": str(BUILD),
        "SystemRoot": r"C:\Windows",
        "RegisteredOrganization": "winlab",
        "RegisteredOwner": "winlab, a simulated host",
    }
    for name, text in texts.items():
        host.registry.set(VERSION_KEY, name, Value("string", text))
    host.registry.set(VERSION_KEY, "CurrentMajorVersionNumber", Value("dword", 10))
    host.registry.set(VERSION_KEY, "CurrentMinorVersionNumber", Value("dword", 0))
    host.registry.set(VERSION_KEY, "UBR", Value("dword", 7428))
    dotnet(host, DOTNET_4_6_2)
    computer = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName"
    for key in ("ActiveComputerName", "ComputerName"):
        host.registry.set(rf"{computer}\{key}", "ComputerName", Value("string", host.computer_name))
    # What `winrm quickconfig` sets on a machine without a domain: local administrators keep their full token.
    policies = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
    host.registry.set(policies, "EnableLUA", Value("dword", 1))
    host.registry.set(policies, "LocalAccountTokenFilterPolicy", Value("dword", 1))


def dotnet(host: Host, release: tuple[int, str]) -> None:
    """State which .NET Framework 4.x is installed."""
    host.registry.set(DOTNET_KEY, "Release", Value("dword", release[0]))
    host.registry.set(DOTNET_KEY, "Version", Value("string", release[1]))
    host.registry.set(DOTNET_KEY, "Install", Value("dword", 1))


def _programs(host: Host) -> None:
    system_programs.install(host)
    programs.install(host, rf"{programs.SYSTEM32}\msiexec.exe", "msiexec")
    for name in _UNMODELLED:
        programs.install(host, rf"{programs.SYSTEM32}\{name}.exe", name)
    for name in ("explorer", "notepad", "regedit"):
        programs.install(host, rf"C:\Windows\{name}.exe", name)
    for folder in (r"C:\PerfLogs", r"C:\Users\Public", r"C:\Windows\Temp"):
        host.files.mkdir(folder)
    host.files.mkdir(r"C:\Windows\System32\drivers\etc")
    host.files.write_bytes(
        r"C:\Windows\System32\drivers\etc\hosts", b"# winlab\r\n127.0.0.1       localhost\r\n"
    )


def _assembly_caches(host: Host) -> None:
    r"""Both roots of the global assembly cache, with one of the assemblies that Windows itself has there.

    CLR 4 keeps `<kind>\<name>\v4.0_<version>_<culture>_<token>`, CLR 2 the same without `v4.0_`. The assembly
    and its version are what connectors for PowerShell need (domain/ma_xml.md 13.3). The content is a stand-in
    and has another public key than the folder says.
    """
    for root, kinds in _CACHES.items():
        for kind in kinds:
            host.files.mkdir(rf"{root}\{kind}")
    name = "System.Management.Automation"
    folder = rf"{_CLR4_CACHE}\GAC_MSIL\{name}\v4.0_3.0.0.0__31bf3856ad364e35"
    host.files.mkdir(folder)
    host.files.write_bytes(rf"{folder}\{name}.dll", media.assembly(f"windows/{name}.dll"))


def _held_files(host: Host) -> None:
    """What the kernel has open for itself: hives of the machine and of service accounts, the page file.

    Microsoft, "Registry Hives" and "Introduction to the page file"; the sizes are not modelled.
    """
    files = host.files
    rules = (acl.both(sids.SYSTEM, acl.FULL_CONTROL), acl.both(sids.ADMINISTRATORS, acl.FULL_CONTROL))
    files.mkdir(CONFIG_FOLDER)
    for name in ("DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"):
        host.make_hive_file(rf"{CONFIG_FOLDER}\{name}", KERNEL)
        files.set_acl(rf"{CONFIG_FOLDER}\{name}", acl.Acl(rules, True))
    for name, sid in (("LocalService", sids.LOCAL_SERVICE), ("NetworkService", sids.NETWORK_SERVICE)):
        folder = rf"C:\Windows\ServiceProfiles\{name}"
        files.mkdir(folder)
        files.set_acl(folder, acl.Acl(acl.profile(sid), True))
        host.make_hive_file(rf"{folder}\NTUSER.DAT", KERNEL)
    files.write_bytes(PAGE_FILE, b"")
    files.set_attributes(PAGE_FILE, {"Hidden", "System", "Archive"})
    files.lock(PAGE_FILE, KERNEL, exclusive=True)


# Drivers that every Windows has: type, start and group as the INF files (cdrom.inf, nettcpip.inf) set them.
_TCPIP = Service(
    "Tcpip",
    "TCP/IP Protocol Driver",
    image_path=r"System32\drivers\tcpip.sys",
    service_type="kernel_driver",
    start_mode="boot",
    load_order_group="PNP_TDI",
)
_CDROM = Service(
    "cdrom",
    "CD-ROM Driver",
    image_path=r"\SystemRoot\System32\drivers\cdrom.sys",
    service_type="kernel_driver",
    start_mode="system",
    load_order_group="SCSI CDROM Class",
)


def _services(host: Host) -> None:
    host.services.create(_CDROM)
    host.services.create(_TCPIP)
    host.services.start(_TCPIP.name)
    for name, shown, group, account, mode, needs in _SERVICES:
        host.services.create(
            Service(
                name,
                shown,
                image_path=_SVCHOST + group,
                account=account,
                start_mode=mode,
                depends_on=needs,
                service_type="win32_share_process",
            )
        )
        if mode == "auto":
            host.services.start(name)
    spooler = rf"{programs.SYSTEM32}\spoolsv.exe"
    programs.install(host, spooler, "print-spooler")
    host.services.create(
        Service(
            "Spooler",
            "Print Spooler",
            image_path=spooler,
            account=_SYSTEM,
            start_mode="auto",
            depends_on=("RpcSs",),
        )
    )
    host.services.start("Spooler")


def random_password() -> str:
    """A password that nobody needs to know."""
    return randomness.token_urlsafe(24) + "aA1-"


def _accounts(host: Host) -> None:
    accounts = host.accounts
    for name, shown, description in (
        ("svc-backup", "Tailspin Backup", "Service account of the backup agent"),
        ("svc-deploy", "Deployment", "Used by the software distribution"),
        ("k.berg", "Katrin Berg", "Local account from before the migration to the directory"),
    ):
        accounts.create_user(name, random_password(), full_name=shown, description=description)
        accounts.add_member("Users", accounts.resolve(name).sid)
    accounts.update_user("k.berg", disabled=True)
    accounts.create_group("Tailspin Operators", "May start restores")
    accounts.add_member("Tailspin Operators", accounts.resolve("svc-deploy").sid)
    backup = accounts.resolve("svc-backup").sid
    accounts.add_member("Backup Operators", backup)
    for right in ("SeServiceLogonRight", "SeBatchLogonRight"):
        accounts.grant(right, backup)
    accounts.grant("SeDenyRemoteInteractiveLogonRight", backup)
    # The right of somebody who left: entries like this one must survive a change of the same right.
    accounts.grant("SeServiceLogonRight", f"{accounts.machine_sid}-1777")


def _backup_agent(host: Host) -> None:
    files = host.files
    files.mkdir(BACKUP_FOLDER)
    programs.install(host, rf"{BACKUP_FOLDER}\tbagent.exe", "tailspin-backup")
    files.write_bytes(rf"{BACKUP_FOLDER}\agent.ini", b"[server]\r\nname=backup.test.example\r\nport=9910\r\n")
    # A file that administrators may only read.
    rules = acl.Acl(
        (acl.both(sids.SYSTEM, acl.FULL_CONTROL), acl.both(sids.ADMINISTRATORS, acl.FILE_RIGHTS["Read"])),
        True,
    )
    files.write_bytes(rf"{BACKUP_FOLDER}\agent.key", b"not a real key\r\n")
    files.set_acl(rf"{BACKUP_FOLDER}\agent.key", rules)
    password = random_password()
    host.accounts.set_password("svc-backup", password)
    host.services.create(
        Service(
            "TailspinBackup",
            "Tailspin Backup Agent",
            "Saves this computer every night.",
            rf'"{BACKUP_FOLDER}\tbagent.exe" --service',
            account=r".\svc-backup",
            password=password,
            start_mode="auto",
        )
    )
    host.services.start("TailspinBackup")
    host.packages.install(
        Product(
            "{3B1F9D52-77F4-4A56-9C1A-7A115B1A0007}",
            "Tailspin Backup Agent",
            "7.2.118",
            "Tailspin (invented)",
            install_location=BACKUP_FOLDER + "\\",
        )
    )
    host.registry.set(r"HKLM\SOFTWARE\Tailspin\Backup", "Server", Value("string", "backup.test.example"))
    host.registry.set(r"HKLM\SOFTWARE\Tailspin\Backup", "LastRun", Value("qword", 133_500_000_000_000_000))


def _monitoring_agent(host: Host) -> None:
    files = host.files
    files.mkdir(rf"{MONITOR_FOLDER}\plugins\databases")
    programs.install(host, rf"{MONITOR_FOLDER}\amagent.exe", "adventure-monitor")
    files.write_bytes(rf"{MONITOR_FOLDER}\plugins\databases\read me.txt", b"Plug-ins go here.\r\n")
    files.mkdir(r"C:\ProgramData\Adventure Monitoring")
    files.write_bytes(r"C:\ProgramData\Adventure Monitoring\.state", b"sequence=88123\r\n")
    files.set_attributes(r"C:\ProgramData\Adventure Monitoring\.state", {"Hidden", "Archive"})
    host.services.create(
        Service(
            "AdventureMonitor",
            "Adventure Monitoring Agent",
            "Reports to the operations centre.",
            rf'"{MONITOR_FOLDER}\amagent.exe"',
            account=_SYSTEM,
            start_mode="delayed",
            depends_on=("RpcSs",),
        )
    )
    host.services.start("AdventureMonitor")
    host.packages.install(
        Product(
            "Adventure Monitoring Agent",
            "Adventure Monitoring Agent 3.4",
            "3.4.0",
            "Adventure Works (invented)",
            kind="registry",
            wow64=True,
            uninstall_string=rf'"{MONITOR_FOLDER}\uninstall.exe"',
        )
    )
    host.registry.set(
        r"HKLM\SOFTWARE\WOW6432Node\Adventure\Monitor",
        "Tags",
        Value("multistring", ["identity", "Halle 3", "tier 0"]),
    )


def _odds_and_ends(host: Host) -> None:
    files = host.files
    files.mkdir(r"C:\Install\2019-04 old scripts")
    files.write_bytes(r"C:\Install\2019-04 old scripts\setup notes.txt", "Übergabe an Betrieb\r\n".encode())
    long_name = "\\".join(["C:\\Archive", *["a folder with a rather long name"] * 6])
    files.mkdir(long_name)
    files.write_bytes(rf"{long_name}\inventory.csv", b"name;owner\r\n")
    now = host.clock.now()
    for path in (r"C:\Install\2019-04 old scripts\setup notes.txt", rf"{BACKUP_FOLDER}\agent.ini"):
        files.set_times(path, created=now - 60 * MONTH, modified=now - 48 * MONTH)
    host.events.write("System", "EventLog", 6013, "information", "The system uptime is 259200 seconds.")
    host.events.write("Application", "Tailspin", 100, "information", "Backup finished.")


def enable_administrator(host: Host, name: str, password: str) -> None:
    """Give the host its administrator: the built-in account, or one of another name beside it."""
    accounts = host.accounts
    builtin = accounts.resolve(f"{accounts.machine_sid}-{sids.ADMINISTRATOR_RID}")
    if name.lower() == builtin.name.lower():
        accounts.set_password(name, password)
        accounts.update_user(name, disabled=False)
    else:
        accounts.create_user(name, password)
        accounts.add_member("Administrators", accounts.resolve(name).sid)
    files = host.files
    for folder in ("Desktop", "Documents", r"AppData\Local\Temp", r"AppData\Roaming"):
        files.mkdir(rf"C:\Users\{name}\{folder}")
    sid = accounts.resolve(name).sid
    files.set_acl(rf"C:\Users\{name}", acl.Acl(acl.profile(sid), True))
    host.make_hive_file(rf"C:\Users\{name}\NTUSER.DAT")
    host.products["windows"] = {"administrator": name}
    host.touch("host")
