r"""The local security database: users, groups, rights, policy, and who a name or SID stands for.

Sources: MS-SAMR 3.1.1 (attributes of users and aliases), MS-LSAT 3.1.4 (how names are looked up), MS-LSAD
3.1.4.5 (rights), Microsoft's page "Password must meet complexity requirements".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from winlab.errors import Win32Error
from winlab.host import logons, passwords, sids
from winlab.host.rights import DEFAULT_RIGHTS, canonical_right
from winlab.host.sam import (
    ERROR_ALIAS_EXISTS,
    ERROR_INVALID_MEMBER,
    ERROR_MEMBER_IN_ALIAS,
    ERROR_MEMBER_NOT_IN_ALIAS,
    ERROR_NO_SUCH_ALIAS,
    ERROR_NO_SUCH_MEMBER,
    ERROR_NO_SUCH_PRIVILEGE,
    ERROR_NO_SUCH_USER,
    ERROR_NONE_MAPPED,
    ERROR_PASSWORD_RESTRICTION,
    ERROR_SPECIAL_ACCOUNT,
    ERROR_USER_EXISTS,
    GROUP_NAME_LIMIT,
    USER_NAME_LIMIT,
    Group,
    User,
    check_name,
)
from winlab.host.sessions import Session
from winlab.host.sids import Principal

if TYPE_CHECKING:
    from winlab.host.model import Host

__all__ = ["Accounts", "Group", "Principal", "Session", "User"]


class Accounts:
    """Users, groups and rights of one host.

    Args:
        host: the host they belong to.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self.machine_sid = sids.machine_sid(host.computer_name)
        self.policy = passwords.PasswordPolicy()
        self._users: dict[str, User] = {}
        self._groups: dict[str, Group] = {}
        self._next_rid = sids.FIRST_FREE_RID
        self._next_logon_id = logons.FIRST_LOGON_ID
        self.rights: dict[str, set[str]] = {name: set(holders) for name, holders in DEFAULT_RIGHTS.items()}
        self._seed()

    def _seed(self) -> None:
        for rid, name, description in (
            (
                sids.ADMINISTRATOR_RID,
                "Administrator",
                "Built-in account for administering the computer/domain",
            ),
            (sids.GUEST_RID, "Guest", "Built-in account for guest access to the computer/domain"),
            (sids.DEFAULT_ACCOUNT_RID, "DefaultAccount", "A user account managed by the system."),
        ):
            # Every built-in account starts disabled; the lab definition enables the administrator by a
            # password.
            user = User(
                name,
                f"{self.machine_sid}-{rid}",
                description=description,
                disabled=True,
                password_never_expires=rid != sids.ADMINISTRATOR_RID,
                user_cannot_change_password=rid == sids.GUEST_RID,
            )
            self._users[name.lower()] = user
        members = {
            sids.ADMINISTRATORS: (f"{self.machine_sid}-{sids.ADMINISTRATOR_RID}",),
            sids.USERS: (sids.INTERACTIVE, sids.AUTHENTICATED_USERS),
            sids.GUESTS: (f"{self.machine_sid}-{sids.GUEST_RID}",),
            sids.SYSTEM_MANAGED_ACCOUNTS: (f"{self.machine_sid}-{sids.DEFAULT_ACCOUNT_RID}",),
            "S-1-5-32-568": ("S-1-5-17",),
        }
        for sid, (name, description) in sids.BUILTIN_GROUPS.items():
            self._groups[name.lower()] = Group(name, sid, description, members.get(sid, ()))

    # Looking up -----------------------------------------------------------------------------------

    def users(self) -> list[User]:
        """All users, sorted by name."""
        return [self._users[key] for key in sorted(self._users)]

    def groups(self) -> list[Group]:
        """All local groups, sorted by name."""
        return [self._groups[key] for key in sorted(self._groups)]

    def user(self, name: str) -> User | None:
        r"""A local user by `name`, `.\name` or `HOST\name`, by SID, or None."""
        if sids.is_sid(name):
            return next((user for user in self._users.values() if user.sid == name.upper()), None)
        local = self._local_name(name)
        return self._users.get(local.lower()) if local is not None else None

    def group(self, name: str) -> Group | None:
        r"""A local group by `name`, `.\name`, `HOST\name`, `BUILTIN\name`, by SID, or None."""
        if sids.is_sid(name):
            return next((group for group in self._groups.values() if group.sid == name.upper()), None)
        authority, _, rest = name.rpartition("\\")
        if authority.upper() == "BUILTIN":
            group = self._groups.get(rest.lower())
            return group if group is not None and group.builtin else None
        local = self._local_name(name)
        return self._groups.get(local.lower()) if local is not None else None

    def _local_name(self, name: str) -> str | None:
        authority, _, rest = name.rpartition("\\")
        if authority and authority != "." and authority.upper() != self._host.computer_name.upper():
            return None
        return rest

    def resolve(self, name_or_sid: str) -> Principal:
        r"""Who a name or SID stands for.

        Args:
            name_or_sid: `user`, `.\user`, `HOST\user`, `BUILTIN\Administrators`, `NT SERVICE\x`, or a SID.

        Raises:
            Win32Error: 1332 when nothing has that name.
        """
        if sids.is_sid(name_or_sid):
            return self._by_sid(name_or_sid.upper(), name_or_sid)
        found = self._by_name(name_or_sid)
        if found is None:
            raise Win32Error(ERROR_NONE_MAPPED, name_or_sid)
        return found

    def display(self, sid: str) -> str:
        r"""`DOMAIN\name` of a SID, or the SID itself when nothing has it (as most modules show it)."""
        try:
            return self._by_sid(sid.upper(), sid).account
        except Win32Error:
            return sid

    def _by_sid(self, sid: str, typed: str) -> Principal:
        if sid in sids.WELL_KNOWN:
            return sids.WELL_KNOWN[sid]
        for group in self._groups.values():
            if group.sid == sid:
                return self._group_principal(group)
        for user in self._users.values():
            if user.sid == sid:
                return Principal(sid, user.name, self._host.computer_name, "user")
        if sid.startswith("S-1-5-80-"):
            for service in self._host.services.all():
                if sids.service_sid(service.name) == sid:
                    return Principal(sid, service.name, "NT SERVICE", "well_known_group")
        raise Win32Error(ERROR_NONE_MAPPED, typed)

    def _group_principal(self, group: Group) -> Principal:
        domain = "BUILTIN" if group.builtin else self._host.computer_name
        return Principal(group.sid, group.name, domain, "alias")

    def _by_name(self, name: str) -> Principal | None:
        authority, separator, rest = name.rpartition("\\")
        wanted, domain = rest.lower(), authority.upper()
        if domain in ("NT AUTHORITY", "NT SERVICE") or not separator:
            # The service control manager's spelling of the two service accounts has no blank.
            spelling = {"localservice": "local service", "networkservice": "network service"}
            known = spelling.get(wanted, wanted)
            for principal in sids.WELL_KNOWN.values():
                if principal.name.lower() == known and (not separator or principal.domain == domain):
                    return principal
        if domain == "NT SERVICE":
            service = self._host.services.get(rest)
            if service is None:
                return None
            return Principal(sids.service_sid(rest), service.name, "NT SERVICE", "well_known_group")
        group = self.group(name)
        # LSA knows a built-in group by `BUILTIN\x` or by the bare name, not by the machine's name.
        if group is not None and not (group.builtin and domain not in ("", "BUILTIN")):
            return self._group_principal(group)
        user = self.user(name)
        if user is not None:
            return Principal(user.sid, user.name, self._host.computer_name, "user")
        return None

    # Changing -------------------------------------------------------------------------------------

    def create_user(self, name: str, password: str = "", **attributes: Any) -> User:
        """Create a local user. The caller decides about groups: SAM itself puts a new user in none.

        Args:
            name: 1 to 20 characters.
            password: checked against the policy.
            attributes: further fields of `User`.

        Raises:
            Win32Error: 1316, 1379 name taken; 2202 no possible name; 2245 password against the policy.
        """
        self._check_name(name, USER_NAME_LIMIT)
        if name.lower() in self._users:
            raise Win32Error(ERROR_USER_EXISTS, name)
        full_name = str(attributes.get("full_name", ""))
        if not passwords.acceptable(password, name, full_name, self.policy):
            raise Win32Error(ERROR_PASSWORD_RESTRICTION, name)
        sid = f"{self.machine_sid}-{self._take_rid()}"
        user = User(
            name=name, sid=sid, password=password, password_last_set=self._host.clock.now(), **attributes
        )
        self._users[name.lower()] = user
        self._host.touch("accounts")
        self._host.audit.user_created(user)
        return user

    def update_user(self, name: str, **changes: Any) -> User:
        """Change fields of a user (not the password). Returns the new state.

        Raises:
            Win32Error: 1317 no such user.
        """
        user = self._require_user(name)
        updated = replace(user, **changes)
        del self._users[user.name.lower()]
        self._users[updated.name.lower()] = updated
        self._host.touch("accounts")
        return updated

    def set_password(self, name: str, password: str) -> User:
        """Set a password as an administrator does: policy applies and `must change` ends.

        Raises:
            Win32Error: 1317 no such user; 2245 against the policy.
        """
        user = self._require_user(name)
        if not passwords.acceptable(password, user.name, user.full_name, self.policy):
            raise Win32Error(ERROR_PASSWORD_RESTRICTION, name)
        return self.update_user(
            name, password=password, password_expired=False, password_last_set=self._host.clock.now()
        )

    def delete_user(self, name: str) -> None:
        """Delete a user; memberships go, rights and ACL entries keep the orphaned SID as on Windows.

        Raises:
            Win32Error: 1317 no such user; 1371 for accounts that came with Windows.
        """
        user = self._require_user(name)
        if user.rid < sids.FIRST_FREE_RID:
            raise Win32Error(ERROR_SPECIAL_ACCOUNT, name)
        del self._users[user.name.lower()]
        for key, group in self._groups.items():
            if user.sid in group.members:
                remaining = tuple(member for member in group.members if member != user.sid)
                self._groups[key] = replace(group, members=remaining)
        self._host.touch("accounts")

    def create_group(self, name: str, description: str = "") -> Group:
        """Create a local group.

        Raises:
            Win32Error: 1379 or 1316 name taken; 2202 no possible name.
        """
        self._check_name(name, GROUP_NAME_LIMIT)
        if name.lower() in self._groups:
            raise Win32Error(ERROR_ALIAS_EXISTS, name)
        group = Group(name, f"{self.machine_sid}-{self._take_rid()}", description)
        self._groups[name.lower()] = group
        self._host.touch("accounts")
        return group

    def update_group(self, name: str, **changes: Any) -> Group:
        """Change fields of a group. Returns the new state.

        Raises:
            Win32Error: 1376 no such group.
        """
        group = self._require_group(name)
        updated = replace(group, **changes)
        del self._groups[group.name.lower()]
        self._groups[updated.name.lower()] = updated
        self._host.touch("accounts")
        return updated

    def delete_group(self, name: str) -> None:
        """Delete a local group.

        Raises:
            Win32Error: 1376 no such group; 1371 for groups that came with Windows.
        """
        group = self._require_group(name)
        if group.builtin:
            raise Win32Error(ERROR_SPECIAL_ACCOUNT, name)
        del self._groups[group.name.lower()]
        self._host.touch("accounts")

    def add_member(self, group: str, sid: str) -> None:
        """Put a SID into a local group.

        Raises:
            Win32Error: 1376 no such group; 1378 already in it; 1387 nobody has the SID; 1388 a local group.
        """
        target = self._require_group(group)
        try:
            principal = self._by_sid(sid, sid)
        except Win32Error:
            raise Win32Error(ERROR_NO_SUCH_MEMBER, sid) from None
        if principal.kind == "alias":
            raise Win32Error(ERROR_INVALID_MEMBER, sid)
        if sid in target.members:
            raise Win32Error(ERROR_MEMBER_IN_ALIAS, sid)
        self.update_group(target.name, members=(*target.members, sid))
        self._host.audit.member_changed(target, sid, added=True)

    def remove_member(self, group: str, sid: str) -> None:
        """Take a SID out of a local group.

        Raises:
            Win32Error: 1376 no such group; 1377 not in it; 1371 the built-in administrator stays in
                Administrators ([MS-SAMR] 3.1.5.8.2).
        """
        target = self._require_group(group)
        if sid not in target.members:
            raise Win32Error(ERROR_MEMBER_NOT_IN_ALIAS, sid)
        if target.sid == sids.ADMINISTRATORS and sid == f"{self.machine_sid}-{sids.ADMINISTRATOR_RID}":
            raise Win32Error(ERROR_SPECIAL_ACCOUNT, sid)
        self.update_group(target.name, members=tuple(member for member in target.members if member != sid))
        self._host.audit.member_changed(target, sid, added=False)

    def members(self, group: str) -> list[str]:
        """SIDs in a local group, in the order they were added.

        Raises:
            Win32Error: 1376 no such group.
        """
        return list(self._require_group(group).members)

    def groups_of(self, sid: str) -> list[Group]:
        """The local groups that name this SID as a member, sorted by name."""
        return [group for group in self.groups() if sid in group.members]

    def _check_name(self, name: str, limit: int) -> None:
        check_name(name, limit)
        if name.lower() in self._groups:
            raise Win32Error(ERROR_ALIAS_EXISTS, name)
        if name.lower() in self._users:
            raise Win32Error(ERROR_USER_EXISTS, name)

    def _take_rid(self) -> int:
        self._next_rid += 1
        return self._next_rid - 1

    def _require_user(self, name: str) -> User:
        user = self.user(name)
        if user is None:
            raise Win32Error(ERROR_NO_SUCH_USER, name)
        return user

    def _require_group(self, name: str) -> Group:
        group = self.group(name)
        if group is None:
            raise Win32Error(ERROR_NO_SUCH_ALIAS, name)
        return group

    # Rights ---------------------------------------------------------------------------------------

    def _right(self, right: str) -> str:
        name = canonical_right(right)
        if name is None:
            raise Win32Error(ERROR_NO_SUCH_PRIVILEGE, right)
        return name

    def holders(self, right: str) -> list[str]:
        """SIDs that hold a right, sorted.

        Raises:
            Win32Error: 1313 no such right.
        """
        return sorted(self.rights[self._right(right)])

    def grant(self, right: str, sid: str) -> None:
        """Give a right to a SID; giving it again is no error.

        Raises:
            Win32Error: 1313 no such right.
        """
        name = self._right(right)
        if sid not in self.rights[name]:
            self.rights[name].add(sid)
            self._host.audit.right_changed(name, sid, granted=True)
        self._host.touch("accounts")

    def revoke(self, right: str, sid: str) -> None:
        """Take a right from a SID; taking it again is no error.

        Raises:
            Win32Error: 1313 no such right.
        """
        name = self._right(right)
        if sid in self.rights[name]:
            self.rights[name].discard(sid)
            self._host.audit.right_changed(name, sid, granted=False)
        self._host.touch("accounts")

    def rights_of(self, holders: Iterable[str]) -> frozenset[str]:
        """Every right that one of these SIDs holds."""
        wanted = set(holders)
        return frozenset(right for right, who in self.rights.items() if wanted & who)

    # Logging on -----------------------------------------------------------------------------------

    def logon(self, user: str, password: str, logon_type: str) -> Session:
        """Log on with a password; see `logons.logon`."""
        return logons.logon(self._host, user, password, logon_type)

    def authenticated(self, user: str, logon_type: str) -> Session:
        """Log on somebody whose password was proven otherwise (NTLM); see `logons.authenticated`."""
        return logons.authenticated(self._host, user, logon_type)

    def refused(self, user: str) -> None:
        """Count a wrong password that somebody else has noticed (NTLM); see `logons.refused`."""
        logons.refused(self._host, user)

    def token(self, sid: str, logon_type: str = "service") -> Session:
        """A session without password and without checks, for services and tests; see `logons.token`."""
        return logons.token(self._host, sid, logon_type)

    def is_locked(self, user: User) -> bool:
        """Whether the account is locked out now."""
        if not user.locked_since:
            return False
        duration = self.policy.lockout_minutes * 60
        return duration == 0 or self._host.clock.now() < user.locked_since + duration

    def next_logon_id(self) -> int:
        """A fresh logon id (LUID)."""
        self._next_logon_id += 1
        return self._next_logon_id - 1

    # State ----------------------------------------------------------------------------------------

    def to_state(self) -> dict[str, Any]:
        """JSON-able state. Holds the passwords, since NTLM needs them: the file has mode 0600."""
        return {
            "machine_sid": self.machine_sid,
            "policy": asdict(self.policy),
            "users": [asdict(user) for user in self.users()],
            "groups": [asdict(group) for group in self.groups()],
            "rights": {right: sorted(holders) for right, holders in sorted(self.rights.items())},
            "next_rid": self._next_rid,
            "next_logon_id": self._next_logon_id,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `to_state` gave."""
        self.machine_sid = state["machine_sid"]
        self.policy = passwords.PasswordPolicy(**state["policy"])
        self._users = {item["name"].lower(): User(**item) for item in state["users"]}
        self._groups = {
            item["name"].lower(): Group(**{**item, "members": tuple(item["members"])})
            for item in state["groups"]
        }
        self.rights = {right: set(holders) for right, holders in state["rights"].items()}
        self._next_rid = state["next_rid"]
        self._next_logon_id = state["next_logon_id"]
