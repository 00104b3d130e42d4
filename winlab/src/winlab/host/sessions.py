"""A logon: who, with which groups and rights *as they were when it began*."""

from __future__ import annotations

from dataclasses import dataclass

from winlab.host import sids

# Privileges that a filtered token loses (Microsoft, "How User Account Control works": the administrative
# privileges are removed, these five stay).
STANDARD_PRIVILEGES = frozenset(
    {
        "SeChangeNotifyPrivilege",
        "SeIncreaseWorkingSetPrivilege",
        "SeShutdownPrivilege",
        "SeTimeZonePrivilege",
        "SeUndockPrivilege",
    }
)

_VIRTUAL_ACCOUNTS = "S-1-5-80-"
LOGON_TYPES = ("network", "network_cleartext", "batch", "interactive", "service", "new_credentials")


@dataclass(frozen=True, slots=True)
class Session:
    r"""One logon session and the token that every process in it carries.

    Attributes:
        host_name: the machine.
        user: account name without domain (`SYSTEM` for the machine itself).
        domain: `NT AUTHORITY` or the machine's name.
        sid: the account's SID.
        groups: SIDs that are enabled in the token, fixed at logon.
        rights: logon rights and privileges, fixed at logon.
        logon_type: one of `LOGON_TYPES`.
        elevated: whether administrative groups and privileges are in force.
        profile: folder of the profile, such as `C:\Users\mimsync`.
        logon_id: identifies the logon session on this host.
        can_delegate: whether the logon holds credentials of its account. A network logon does not.
        deny_only: groups that only refuse (UAC left them in the token but not in force).
        logon_time: UTC seconds since 1970.
        authentication_package: `NTLM` or `Negotiate`, as LsaGetLogonSessionData reports it.
    """

    host_name: str
    user: str
    domain: str
    sid: str
    groups: frozenset[str]
    rights: frozenset[str]
    logon_type: str
    elevated: bool
    profile: str
    logon_id: int
    can_delegate: bool
    deny_only: frozenset[str] = frozenset()
    logon_time: float = 0.0
    authentication_package: str = "NTLM"

    @property
    def account(self) -> str:
        r"""`DOMAIN\user`."""
        return f"{self.domain}\\{self.user}"

    @property
    def is_system(self) -> bool:
        """Whether this is the machine itself."""
        return self.sid == sids.SYSTEM

    @property
    def reaches_machines(self) -> bool:
        """Whether other machines accept this logon.

        SYSTEM, the service accounts and virtual accounts go there as the machine (LOCAL SERVICE as nobody),
        and no other machine knows one that is in no domain (Microsoft, "LocalSystem Account").
        """
        is_machine = self.sid in sids.SERVICE_ACCOUNTS or self.sid.startswith(_VIRTUAL_ACCOUNTS)
        return self.can_delegate and (self.logon_type == "new_credentials" or not is_machine)

    @property
    def is_admin(self) -> bool:
        """Whether the token has the Administrators group in force, as `IsInRole(Administrator)` asks."""
        return self.is_system or (self.elevated and sids.ADMINISTRATORS in self.groups)

    @property
    def all_sids(self) -> frozenset[str]:
        """Every SID that an access check may match with an allow entry."""
        return self.groups | {self.sid}

    @property
    def integrity(self) -> str:
        """SID of the mandatory label."""
        if self.sid in sids.SERVICE_ACCOUNTS:
            return sids.SYSTEM_LABEL
        return sids.HIGH_LABEL if self.elevated else sids.MEDIUM_LABEL

    def holds(self, right: str) -> bool:
        """Whether the token carries a privilege or logon right."""
        return right in self.rights

    def in_group(self, sid: str) -> bool:
        """Whether the token had this group in force when it was made."""
        return sid in self.groups
