"""Security identifiers that every Windows has, and how the others are made.

Sources: MS-DTYP 2.4.2.4 (well-known SIDs), Microsoft's page "Security identifiers" (relative identifiers of
local groups), and for `NT SERVICE` accounts the same page: S-1-5-80 followed by the SHA-1 of the upper-case
name.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass

EVERYONE = "S-1-1-0"
LOCAL = "S-1-2-0"
CREATOR_OWNER = "S-1-3-0"
NETWORK = "S-1-5-2"
BATCH = "S-1-5-3"
INTERACTIVE = "S-1-5-4"
SERVICE = "S-1-5-6"
ANONYMOUS = "S-1-5-7"
AUTHENTICATED_USERS = "S-1-5-11"
THIS_ORGANIZATION = "S-1-5-15"
SYSTEM = "S-1-5-18"
LOCAL_SERVICE = "S-1-5-19"
NETWORK_SERVICE = "S-1-5-20"
NTLM_AUTHENTICATION = "S-1-5-64-10"
LOCAL_ACCOUNT = "S-1-5-113"
LOCAL_ACCOUNT_ADMINISTRATOR = "S-1-5-114"
CONSOLE_LOGON = "S-1-2-1"
ALL_SERVICES = "S-1-5-80-0"
TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"

ADMINISTRATORS = "S-1-5-32-544"
USERS = "S-1-5-32-545"
GUESTS = "S-1-5-32-546"
BACKUP_OPERATORS = "S-1-5-32-551"
REMOTE_DESKTOP_USERS = "S-1-5-32-555"
PERFORMANCE_LOG_USERS = "S-1-5-32-559"
REMOTE_MANAGEMENT_USERS = "S-1-5-32-580"
SYSTEM_MANAGED_ACCOUNTS = "S-1-5-32-581"

MEDIUM_LABEL = "S-1-16-8192"
HIGH_LABEL = "S-1-16-12288"
SYSTEM_LABEL = "S-1-16-16384"

ADMINISTRATOR_RID = 500
GUEST_RID = 501
DEFAULT_ACCOUNT_RID = 503
FIRST_FREE_RID = 1000

SERVICE_ACCOUNTS = frozenset({SYSTEM, LOCAL_SERVICE, NETWORK_SERVICE})

_SID = re.compile(r"S-1-(?:\d{1,15}|0x[0-9a-f]{1,12})(?:-\d{1,10}){1,15}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Principal:
    """Something a SID stands for.

    Attributes:
        sid: the SID as text.
        name: account name without domain.
        domain: authority (`BUILTIN`, `NT AUTHORITY`, the host's name, or empty as for `Everyone`).
        kind: `user`, `alias` (a local group), `well_known_group`, `label`.
    """

    sid: str
    name: str
    domain: str
    kind: str

    @property
    def account(self) -> str:
        r"""`DOMAIN\name`, or the bare name where there is no authority, as NTAccount translation gives it."""
        return f"{self.domain}\\{self.name}" if self.domain else self.name


def _authority(sid: str, name: str) -> Principal:
    return Principal(sid, name, "NT AUTHORITY", "well_known_group")


WELL_KNOWN: dict[str, Principal] = {
    principal.sid: principal
    for principal in (
        Principal("S-1-0-0", "NULL SID", "", "well_known_group"),
        Principal(EVERYONE, "Everyone", "", "well_known_group"),
        Principal(LOCAL, "LOCAL", "", "well_known_group"),
        Principal(CONSOLE_LOGON, "CONSOLE LOGON", "", "well_known_group"),
        Principal(CREATOR_OWNER, "CREATOR OWNER", "", "well_known_group"),
        Principal("S-1-3-1", "CREATOR GROUP", "", "well_known_group"),
        Principal("S-1-3-4", "OWNER RIGHTS", "", "well_known_group"),
        _authority("S-1-5-1", "DIALUP"),
        _authority(NETWORK, "NETWORK"),
        _authority(BATCH, "BATCH"),
        _authority(INTERACTIVE, "INTERACTIVE"),
        _authority(SERVICE, "SERVICE"),
        _authority(ANONYMOUS, "ANONYMOUS LOGON"),
        _authority("S-1-5-9", "ENTERPRISE DOMAIN CONTROLLERS"),
        _authority("S-1-5-10", "SELF"),
        _authority(AUTHENTICATED_USERS, "Authenticated Users"),
        _authority("S-1-5-12", "RESTRICTED"),
        _authority("S-1-5-13", "TERMINAL SERVER USER"),
        _authority("S-1-5-14", "REMOTE INTERACTIVE LOGON"),
        _authority(THIS_ORGANIZATION, "This Organization"),
        _authority("S-1-5-17", "IUSR"),
        _authority(SYSTEM, "SYSTEM"),
        _authority(LOCAL_SERVICE, "LOCAL SERVICE"),
        _authority(NETWORK_SERVICE, "NETWORK SERVICE"),
        _authority("S-1-5-33", "WRITE RESTRICTED"),
        _authority(NTLM_AUTHENTICATION, "NTLM Authentication"),
        _authority("S-1-5-64-14", "SChannel Authentication"),
        _authority("S-1-5-64-21", "Digest Authentication"),
        _authority(LOCAL_ACCOUNT, "Local account"),
        _authority(LOCAL_ACCOUNT_ADMINISTRATOR, "Local account and member of Administrators group"),
        Principal(ALL_SERVICES, "ALL SERVICES", "NT SERVICE", "well_known_group"),
        Principal(TRUSTED_INSTALLER, "TrustedInstaller", "NT SERVICE", "well_known_group"),
        Principal(
            "S-1-15-2-1",
            "ALL APPLICATION PACKAGES",
            "APPLICATION PACKAGE AUTHORITY",
            "well_known_group",
        ),
        Principal("S-1-16-4096", "Low Mandatory Level", "Mandatory Label", "label"),
        Principal(MEDIUM_LABEL, "Medium Mandatory Level", "Mandatory Label", "label"),
        Principal(HIGH_LABEL, "High Mandatory Level", "Mandatory Label", "label"),
        Principal(SYSTEM_LABEL, "System Mandatory Level", "Mandatory Label", "label"),
    )
}

# Local groups of a Windows Server 2016 that is no domain controller: name and description as `net localgroup`
# prints them.
BUILTIN_GROUPS: dict[str, tuple[str, str]] = {
    "S-1-5-32-544": (
        "Administrators",
        "Administrators have complete and unrestricted access to the computer/domain",
    ),
    "S-1-5-32-545": (
        "Users",
        "Users are prevented from making accidental or intentional system-wide changes and can run most "
        "applications",
    ),
    "S-1-5-32-546": (
        "Guests",
        "Guests have the same access as members of the Users group by default, except for the Guest account "
        "which is further restricted",
    ),
    "S-1-5-32-547": (
        "Power Users",
        "Power Users are included for backwards compatibility and possess limited administrative powers",
    ),
    "S-1-5-32-550": (
        "Print Operators",
        "Members can administer printers installed on domain controllers",
    ),
    "S-1-5-32-551": (
        "Backup Operators",
        "Backup Operators can override security restrictions for the sole purpose of backing up or restoring "
        "files",
    ),
    "S-1-5-32-552": ("Replicator", "Supports file replication in a domain"),
    "S-1-5-32-555": (
        "Remote Desktop Users",
        "Members in this group are granted the right to logon remotely",
    ),
    "S-1-5-32-556": (
        "Network Configuration Operators",
        "Members in this group can have some administrative privileges to manage configuration of networking "
        "features",
    ),
    "S-1-5-32-558": (
        "Performance Monitor Users",
        "Members of this group can access performance counter data locally and remotely",
    ),
    "S-1-5-32-559": (
        "Performance Log Users",
        "Members of this group may schedule logging of performance counters, enable trace providers, and "
        "collect event traces both locally and via remote access to this computer",
    ),
    "S-1-5-32-562": (
        "Distributed COM Users",
        "Members are allowed to launch, activate and use Distributed COM objects on this machine.",
    ),
    "S-1-5-32-568": ("IIS_IUSRS", "Built-in group used by Internet Information Services."),
    "S-1-5-32-569": (
        "Cryptographic Operators",
        "Members are authorized to perform cryptographic operations.",
    ),
    "S-1-5-32-573": (
        "Event Log Readers",
        "Members of this group can read event logs from local machine",
    ),
    "S-1-5-32-574": (
        "Certificate Service DCOM Access",
        "Members of this group are allowed to connect to Certification Authorities in the enterprise",
    ),
    "S-1-5-32-575": (
        "RDS Remote Access Servers",
        "Servers in this group enable users of RemoteApp programs and personal virtual desktops access to "
        "these resources.",
    ),
    "S-1-5-32-576": (
        "RDS Endpoint Servers",
        "Servers in this group run virtual machines and host sessions where users RemoteApp programs and "
        "personal virtual desktops run.",
    ),
    "S-1-5-32-577": (
        "RDS Management Servers",
        "Servers in this group can perform routine administrative actions on servers running Remote Desktop "
        "Services.",
    ),
    "S-1-5-32-578": (
        "Hyper-V Administrators",
        "Members of this group have complete and unrestricted access to all features of Hyper-V.",
    ),
    "S-1-5-32-579": (
        "Access Control Assistance Operators",
        "Members of this group can remotely query authorization attributes and permissions for resources on "
        "this computer.",
    ),
    "S-1-5-32-580": (
        "Remote Management Users",
        "Members of this group can access WMI resources over management protocols (such as WS-Management via "
        "the Windows Remote Management service).",
    ),
    "S-1-5-32-581": (
        "System Managed Accounts Group",
        "Members of this group are managed by the system.",
    ),
    "S-1-5-32-582": (
        "Storage Replica Administrators",
        "Members of this group have complete and unrestricted access to all features of Storage Replica.",
    ),
}


def is_sid(text: str) -> bool:
    """Whether `text` has the string form of a SID (MS-DTYP 2.4.2.1)."""
    return _SID.fullmatch(text) is not None


def machine_sid(host_name: str) -> str:
    """The SID of a machine, the same each time for one name, so that a reset host keeps its identity."""
    digest = hashlib.sha256(f"winlab machine {host_name.upper()}".encode()).digest()
    return "S-1-5-21-" + "-".join(str(part) for part in struct.unpack("<3I", digest[:12]))


def service_sid(service_name: str) -> str:
    r"""The SID of `NT SERVICE\<name>`, which Windows computes from the name alone."""
    digest = hashlib.sha1(service_name.upper().encode("utf-16-le"), usedforsecurity=False).digest()
    return "S-1-5-80-" + "-".join(str(part) for part in struct.unpack("<5I", digest))
