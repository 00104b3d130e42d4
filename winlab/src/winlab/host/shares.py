r"""The network in paths: what a logon may do through the host's own shares, and whether others accept it.

Sources: Microsoft's pages "Share and NTFS Permissions on a File Server" (both hold, the stricter one
decides), "Administrative shares" (administrators only) and "Making the second hop"; [MS-SMB2] 3.3.5.7 (a
connection to a share that grants nothing is refused).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from winlab.errors import Win32Error
from winlab.host import acl, sids
from winlab.host.drives import Share

ERROR_ACCESS_DENIED = 5

# What `Get-SmbShareAccess` calls Full, Change and Read, as rights of files.
_MASKS = {"full": acl.FULL_CONTROL, "change": acl.MODIFY, "read": acl.READ_AND_EXECUTE}
_ADMINISTRATORS_ONLY = (acl.Ace(sids.ADMINISTRATORS, acl.FULL_CONTROL),)


class Caller(acl.Caller, Protocol):
    """The part of a `Session` that file access depends on."""

    @property
    def reaches_machines(self) -> bool:
        """Whether other machines accept this logon."""

    @property
    def profile(self) -> str:
        """The folder of its profile, whose hive is loaded while it lasts."""

    def holds(self, right: str) -> bool:
        """Whether its token carries a privilege."""


@dataclass(frozen=True, slots=True)
class ThroughShare:
    """A logon that works through shares of the host: it may do what each of them grants, and no more.

    Attributes:
        caller: the logon.
        shares: those that its path has gone through.
    """

    caller: Caller
    shares: tuple[Share, ...]

    @property
    def sid(self) -> str:
        """The logged-on account."""
        return self.caller.sid

    @property
    def groups(self) -> Iterable[str]:
        """The groups of the logon."""
        return self.caller.groups

    @property
    def deny_only(self) -> Iterable[str]:
        """Groups that only refuse."""
        return self.caller.deny_only

    @property
    def is_admin(self) -> bool:
        """Whether the token holds Administrators in force."""
        return self.caller.is_admin

    @property
    def reaches_machines(self) -> bool:
        """Whether other machines accept this logon."""
        return self.caller.reaches_machines

    @property
    def profile(self) -> str:
        """The folder of its profile."""
        return self.caller.profile

    def holds(self, right: str) -> bool:
        """Whether its token carries a privilege."""
        return self.caller.holds(right)


@dataclass(slots=True)
class Way:
    """The way of a logon along a path.

    Attributes:
        caller: the logon.
        shares: the host's own shares that the path has entered.
    """

    caller: Caller
    shares: list[Share] = field(default_factory=list)

    def enter(self, share: Share, path: str) -> None:
        """Connect to one of the host's own shares.

        Raises:
            Win32Error: 5, it does not even let the logon read.
        """
        if not _allows(share, self.caller, acl.READ_DATA):
            raise Win32Error(ERROR_ACCESS_DENIED, path)
        self.shares.append(share)

    def leave(self, path: str) -> None:
        """Connect to another machine (the "second hop").

        Raises:
            Win32Error: 5, it would not accept the logon.
        """
        if not self.caller.reaches_machines:
            raise Win32Error(ERROR_ACCESS_DENIED, path)

    def arrived(self) -> Caller:
        """The logon as it may act at the end of the way."""
        return ThroughShare(self.caller, tuple(self.shares)) if self.shares else self.caller


def grants(caller: Caller, mask: int) -> bool:
    """Tell whether the shares that a logon has gone through let it do this."""
    return not isinstance(caller, ThroughShare) or all(
        _allows(share, caller.caller, mask) for share in caller.shares
    )


def _allows(share: Share, caller: Caller, mask: int) -> bool:
    return acl.allows(_rules(share), "", caller, mask)


def _rules(share: Share) -> tuple[acl.Ace, ...]:
    if share.special:
        return _ADMINISTRATORS_ONLY
    rules = (text.split(":", 2) for text in share.shown_access)
    return acl.canonical(acl.Ace(sid, _MASKS[right], kind == "allow") for kind, right, sid in rules)
