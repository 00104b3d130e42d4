"""User rights: which exist, and who holds them on a fresh Windows Server 2016 that is in no domain.

Sources: Microsoft's page "User Rights Assignment" (constants, stand-alone server defaults); MS-LSAD 3.1.1.2.1
(privileges) and 3.1.1.2.2 (account rights).
"""

from __future__ import annotations

from winlab.host import sids

_ADMINISTRATORS = (sids.ADMINISTRATORS,)
_SERVICES = (sids.LOCAL_SERVICE, sids.NETWORK_SERVICE)

DEFAULT_RIGHTS: dict[str, tuple[str, ...]] = {
    "SeAssignPrimaryTokenPrivilege": _SERVICES,
    "SeAuditPrivilege": _SERVICES,
    "SeBackupPrivilege": (sids.ADMINISTRATORS, sids.BACKUP_OPERATORS),
    "SeBatchLogonRight": (sids.ADMINISTRATORS, sids.BACKUP_OPERATORS, sids.PERFORMANCE_LOG_USERS),
    "SeChangeNotifyPrivilege": (
        sids.EVERYONE,
        *_SERVICES,
        sids.ADMINISTRATORS,
        sids.USERS,
        sids.BACKUP_OPERATORS,
    ),
    "SeCreateGlobalPrivilege": (*_SERVICES, sids.ADMINISTRATORS, sids.SERVICE),
    "SeCreatePagefilePrivilege": _ADMINISTRATORS,
    "SeCreatePermanentPrivilege": (),
    "SeCreateSymbolicLinkPrivilege": _ADMINISTRATORS,
    "SeCreateTokenPrivilege": (),
    "SeDebugPrivilege": _ADMINISTRATORS,
    "SeDelegateSessionUserImpersonatePrivilege": _ADMINISTRATORS,
    "SeDenyBatchLogonRight": (),
    "SeDenyInteractiveLogonRight": (),
    "SeDenyNetworkLogonRight": (),
    "SeDenyRemoteInteractiveLogonRight": (),
    "SeDenyServiceLogonRight": (),
    "SeEnableDelegationPrivilege": (),
    "SeImpersonatePrivilege": (*_SERVICES, sids.ADMINISTRATORS, sids.SERVICE),
    "SeIncreaseBasePriorityPrivilege": _ADMINISTRATORS,
    "SeIncreaseQuotaPrivilege": (*_SERVICES, sids.ADMINISTRATORS),
    "SeIncreaseWorkingSetPrivilege": (sids.USERS,),
    "SeInteractiveLogonRight": (sids.ADMINISTRATORS, sids.USERS, sids.BACKUP_OPERATORS),
    "SeLoadDriverPrivilege": _ADMINISTRATORS,
    "SeLockMemoryPrivilege": (),
    "SeMachineAccountPrivilege": (),
    "SeManageVolumePrivilege": _ADMINISTRATORS,
    "SeNetworkLogonRight": (sids.EVERYONE, sids.ADMINISTRATORS, sids.USERS, sids.BACKUP_OPERATORS),
    "SeProfileSingleProcessPrivilege": _ADMINISTRATORS,
    "SeRelabelPrivilege": (),
    "SeRemoteInteractiveLogonRight": (sids.ADMINISTRATORS, sids.REMOTE_DESKTOP_USERS),
    "SeRemoteShutdownPrivilege": _ADMINISTRATORS,
    "SeRestorePrivilege": (sids.ADMINISTRATORS, sids.BACKUP_OPERATORS),
    "SeSecurityPrivilege": _ADMINISTRATORS,
    "SeServiceLogonRight": (sids.ALL_SERVICES,),
    "SeShutdownPrivilege": (sids.ADMINISTRATORS, sids.BACKUP_OPERATORS),
    "SeSyncAgentPrivilege": (),
    "SeSystemEnvironmentPrivilege": _ADMINISTRATORS,
    "SeSystemProfilePrivilege": (sids.ADMINISTRATORS, sids.service_sid("WdiServiceHost")),
    "SeSystemtimePrivilege": (sids.LOCAL_SERVICE, sids.ADMINISTRATORS),
    "SeTakeOwnershipPrivilege": _ADMINISTRATORS,
    "SeTcbPrivilege": (),
    "SeTimeZonePrivilege": (sids.LOCAL_SERVICE, sids.ADMINISTRATORS),
    "SeTrustedCredManAccessPrivilege": (),
    "SeUndockPrivilege": _ADMINISTRATORS,
}

# Which right a logon type asks for, and which one refuses it (Microsoft, LogonUser and "Logon rights").
LOGON_RIGHTS: dict[str, tuple[str, str]] = {
    "network": ("SeNetworkLogonRight", "SeDenyNetworkLogonRight"),
    "network_cleartext": ("SeNetworkLogonRight", "SeDenyNetworkLogonRight"),
    "batch": ("SeBatchLogonRight", "SeDenyBatchLogonRight"),
    "service": ("SeServiceLogonRight", "SeDenyServiceLogonRight"),
    "interactive": ("SeInteractiveLogonRight", "SeDenyInteractiveLogonRight"),
}

# The canonical spelling by its lower-case form: LSA compares without case.
_SPELLING = {right.lower(): right for right in DEFAULT_RIGHTS}


def canonical_right(name: str) -> str | None:
    """The right's own spelling, or None when LSA knows no such right."""
    return _SPELLING.get(name.lower())
