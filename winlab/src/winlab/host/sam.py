"""What SAM keeps: users and local groups, and which names they may have.

Sources: MS-SAMR 3.1.1 (attributes of users and aliases), Microsoft's page "NetUserAdd" (names).
"""

from __future__ import annotations

from dataclasses import dataclass

from winlab.errors import Win32Error
from winlab.host import sids

# Win32 codes of lmerr.h and winerror.h that belong to accounts.
ERROR_NONE_MAPPED = 1332
ERROR_NO_SUCH_PRIVILEGE = 1313
ERROR_NO_SUCH_USER = 1317
ERROR_SPECIAL_ACCOUNT = 1371
ERROR_MEMBER_NOT_IN_ALIAS = 1377
ERROR_MEMBER_IN_ALIAS = 1378
ERROR_ALIAS_EXISTS = 1379
ERROR_NO_SUCH_ALIAS = 1376
ERROR_NO_SUCH_MEMBER = 1387
ERROR_INVALID_MEMBER = 1388
ERROR_USER_EXISTS = 1316
ERROR_PASSWORD_RESTRICTION = 2245
NERR_BAD_USERNAME = 2202

# Microsoft, NetUserAdd: user names have at most 20 characters, and none of these. Group names: 256.
NAME_FORBIDDEN = frozenset('"/\\[]:;|=,+*?<>@')
USER_NAME_LIMIT = 20
GROUP_NAME_LIMIT = 256


@dataclass(frozen=True, slots=True)
class User:
    """A local user as SAM keeps it. Times are UTC seconds since 1970; 0 means never or not set."""

    name: str
    sid: str
    password: str = ""
    full_name: str = ""
    description: str = ""
    home_directory: str = ""
    login_script: str = ""
    profile_path: str = ""
    disabled: bool = False
    password_never_expires: bool = False
    user_cannot_change_password: bool = False
    password_expired: bool = False
    account_expires: float = 0.0
    password_last_set: float = 0.0
    last_logon: float = 0.0
    bad_password_count: int = 0
    last_bad_password: float = 0.0
    locked_since: float = 0.0

    @property
    def rid(self) -> int:
        """The last part of the SID."""
        return int(self.sid.rsplit("-", 1)[1])


@dataclass(frozen=True, slots=True)
class Group:
    """A local group (SAM calls it an alias); `members` are SIDs in the order they were added."""

    name: str
    sid: str
    description: str = ""
    members: tuple[str, ...] = ()

    @property
    def builtin(self) -> bool:
        """Whether the group came with Windows."""
        return self.sid in sids.BUILTIN_GROUPS


def check_name(name: str, limit: int) -> None:
    """Refuse what can be no account's name.

    Raises:
        Win32Error: 2202.
    """
    if not name.strip(" .") or len(name) > limit or any(c in NAME_FORBIDDEN or c < " " for c in name):
        raise Win32Error(NERR_BAD_USERNAME, name)
