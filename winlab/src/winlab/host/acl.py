"""Access control: rules, inheritance and the question whether a logon may do a thing.

The names and numbers are those of `System.Security.AccessControl` in the .NET Framework, because the modules
print and compare them. Inherited rules are worked out from the parents each time; Windows writes them down
when a folder's rules change. The difference shows only after a move, which keeps the old rules (`Node.kept`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Protocol

from winlab.host import sids

ALL_APPLICATION_PACKAGES = "S-1-15-2-1"


class Inheritance(IntFlag):
    """`InheritanceFlags`."""

    NONE = 0
    CONTAINER = 1
    OBJECT = 2
    BOTH = 3


class Propagation(IntFlag):
    """`PropagationFlags`."""

    NONE = 0
    NO_PROPAGATE = 1
    INHERIT_ONLY = 2


# `FileSystemRights`; several names may stand for one number. Order as in the .NET reference source.
FILE_RIGHTS: dict[str, int] = {
    "ListDirectory": 0x1,
    "ReadData": 0x1,
    "WriteData": 0x2,
    "CreateFiles": 0x2,
    "CreateDirectories": 0x4,
    "AppendData": 0x4,
    "ReadExtendedAttributes": 0x8,
    "WriteExtendedAttributes": 0x10,
    "ExecuteFile": 0x20,
    "Traverse": 0x20,
    "DeleteSubdirectoriesAndFiles": 0x40,
    "ReadAttributes": 0x80,
    "WriteAttributes": 0x100,
    "Write": 0x116,
    "Delete": 0x10000,
    "ReadPermissions": 0x20000,
    "Read": 0x20089,
    "ReadAndExecute": 0x200A9,
    "Modify": 0x301BF,
    "ChangePermissions": 0x40000,
    "TakeOwnership": 0x80000,
    "Synchronize": 0x100000,
    "FullControl": 0x1F01FF,
}
# `RegistryRights`.
REGISTRY_RIGHTS: dict[str, int] = {
    "QueryValues": 0x1,
    "SetValue": 0x2,
    "CreateSubKey": 0x4,
    "EnumerateSubKeys": 0x8,
    "Notify": 0x10,
    "CreateLink": 0x20,
    "Delete": 0x10000,
    "ReadPermissions": 0x20000,
    "WriteKey": 0x20006,
    "ReadKey": 0x20019,
    "ExecuteKey": 0x20019,
    "ChangePermissions": 0x40000,
    "TakeOwnership": 0x80000,
    "FullControl": 0xF003F,
}

READ_DATA = FILE_RIGHTS["ReadData"]
WRITE_DATA = FILE_RIGHTS["WriteData"]
APPEND_DATA = FILE_RIGHTS["AppendData"]
DELETE_CHILD = FILE_RIGHTS["DeleteSubdirectoriesAndFiles"]
READ_ATTRIBUTES = FILE_RIGHTS["ReadAttributes"]
WRITE_ATTRIBUTES = FILE_RIGHTS["WriteAttributes"]
DELETE = FILE_RIGHTS["Delete"]
READ_PERMISSIONS = FILE_RIGHTS["ReadPermissions"]
CHANGE_PERMISSIONS = FILE_RIGHTS["ChangePermissions"]
TAKE_OWNERSHIP = FILE_RIGHTS["TakeOwnership"]
SYNCHRONIZE = FILE_RIGHTS["Synchronize"]
FULL_CONTROL = FILE_RIGHTS["FullControl"]
MODIFY = FILE_RIGHTS["Modify"] | SYNCHRONIZE
READ_AND_EXECUTE = FILE_RIGHTS["ReadAndExecute"] | SYNCHRONIZE
KEY_WRITE = REGISTRY_RIGHTS["WriteKey"]
KEY_READ = REGISTRY_RIGHTS["ReadKey"]
KEY_ALL = REGISTRY_RIGHTS["FullControl"]


class Caller(Protocol):
    """The part of a `Session` that access depends on."""

    @property
    def sid(self) -> str:
        """The logged-on account."""

    @property
    def groups(self) -> Iterable[str]:
        """The groups of the logon."""

    @property
    def deny_only(self) -> Iterable[str]:
        """Groups that only refuse."""

    @property
    def is_admin(self) -> bool:
        """Whether the token holds Administrators in force."""


@dataclass(frozen=True, slots=True)
class Ace:
    """One access rule.

    Attributes:
        sid: whom it is about.
        mask: access mask.
        allow: False for a rule that denies.
        inheritance: who below gets it.
        propagation: how it goes down.
        inherited: True when it comes from a parent.
    """

    sid: str
    mask: int
    allow: bool = True
    inheritance: Inheritance = Inheritance.NONE
    propagation: Propagation = Propagation.NONE
    inherited: bool = False

    def to_text(self) -> str:
        """Return the rule as one line for the state file."""
        kind = "A" if self.allow else "D"
        return f"{kind};{int(self.inheritance)};{int(self.propagation)};{self.mask:#x};{self.sid}"

    @classmethod
    def from_text(cls, text: str) -> Ace:
        """Read what `to_text` wrote."""
        kind, inheritance, propagation, mask, sid = text.split(";")
        return cls(
            sid, int(mask, 16), kind == "A", Inheritance(int(inheritance)), Propagation(int(propagation))
        )


@dataclass(frozen=True, slots=True)
class Acl:
    """The rules of an object, explicit and inherited, in canonical order.

    Attributes:
        aces: explicit before inherited, each with "deny" first.
        protected: True when nothing is inherited.
    """

    aces: tuple[Ace, ...] = ()
    protected: bool = False

    @property
    def explicit(self) -> tuple[Ace, ...]:
        """The rules of the object itself."""
        return tuple(ace for ace in self.aces if not ace.inherited)

    def add(self, new: Ace) -> Acl:
        """Return the rules after `AddAccessRule`: rights join an explicit rule that is otherwise the same."""
        for position, ace in enumerate(self.aces):
            if not ace.inherited and _same_but_mask(ace, new):
                joined = replace(ace, mask=ace.mask | new.mask)
                return replace(self, aces=(*self.aces[:position], joined, *self.aces[position + 1 :]))
        return replace(self, aces=canonical((*self.aces, new)))

    def remove(self, gone: Ace) -> Acl:
        """Return the rules after `RemoveAccessRule`: rights leave explicit rules for the same account."""
        kept: list[Ace] = []
        for ace in self.aces:
            if ace.inherited or not _same_but_mask(ace, gone):
                kept.append(ace)
            elif ace.mask & ~gone.mask & ~SYNCHRONIZE:
                kept.append(replace(ace, mask=ace.mask & ~gone.mask))
        return replace(self, aces=tuple(kept))


def canonical(aces: Iterable[Ace]) -> tuple[Ace, ...]:
    """Return the rules in the order that Windows evaluates: explicit first, in each part "deny" first."""
    return tuple(sorted(aces, key=lambda ace: (ace.inherited, ace.allow)))


def inherit(parent: Iterable[Ace], owner: str, is_container: bool) -> tuple[Ace, ...]:
    """Return the rules that an object gets from its parent folder or key.

    Source: Microsoft Learn, "ACE Inheritance Rules". CREATOR OWNER becomes the owner for the object itself
    and stays as an inherit-only rule for what will be created below.

    Args:
        parent: the parent's rules, inherited ones included.
        owner: SID of the new object's owner.
        is_container: False for a file.
    """
    result: list[Ace] = []
    for ace in parent:
        applies = ace.inheritance & (Inheritance.CONTAINER if is_container else Inheritance.OBJECT)
        passes = is_container and ace.inheritance and not ace.propagation & Propagation.NO_PROPAGATE
        if not applies and not passes:
            continue
        onward = ace.inheritance if passes else Inheritance.NONE
        is_creator = ace.sid == sids.CREATOR_OWNER
        if applies and is_creator:
            result.append(Ace(owner, ace.mask, ace.allow, inherited=True))
        if is_creator or not applies:
            if passes:
                result.append(replace(ace, propagation=Propagation.INHERIT_ONLY, inherited=True))
            continue
        result.append(Ace(ace.sid, ace.mask, ace.allow, onward, Propagation.NONE, True))
    return tuple(result)


def down(rules: tuple[Ace, ...], heirs: Iterable[tuple[tuple[Ace, ...], str, bool]]) -> tuple[Ace, ...]:
    """Return the rules at the end of a line of heirs, each given by own rules, owner and `is_container`.

    In a deep tree the rules soon stay the same from one heir to the next: those are passed over.
    """
    settled = None
    for own, owner, is_container in heirs:
        if not own and settled == (owner, is_container):
            continue
        below = canonical((*own, *inherit(rules, owner, is_container)))
        settled = (owner, is_container) if not own and below == rules else None
        rules = below
    return rules


def allows(aces: Iterable[Ace], owner: str, caller: Caller, wanted: int) -> bool:
    """Tell whether a logon gets all rights of the mask `wanted`.

    Source: Microsoft Learn, "How AccessCheck Works". The owner may always read and change the rules.
    """
    held = {caller.sid, sids.EVERYONE, *caller.groups}
    refused = held | set(caller.deny_only)
    missing = wanted & ~SYNCHRONIZE
    if owner in held:
        missing &= ~(READ_PERMISSIONS | CHANGE_PERMISSIONS)
    for ace in aces:
        if not missing:
            break
        if ace.propagation & Propagation.INHERIT_ONLY:
            continue
        if ace.allow and ace.sid in held:
            missing &= ~ace.mask
        elif not ace.allow and ace.sid in refused and ace.mask & missing:
            return False
    return not missing


def default_owner(caller: Caller | None) -> str:
    """Return who owns what this logon creates: Administrators for the system and elevated administrators."""
    if caller is None or caller.is_admin or caller.sid == sids.SYSTEM:
        return sids.ADMINISTRATORS
    return caller.sid


def both(sid: str, mask: int) -> Ace:
    """Return a rule for this folder, subfolders and files."""
    return Ace(sid, mask, True, Inheritance.BOTH)


def below(sid: str, mask: int, inheritance: Inheritance = Inheritance.BOTH) -> Ace:
    """Return a rule for what lies below only."""
    return Ace(sid, mask, True, inheritance, Propagation.INHERIT_ONLY)


# Rules of a fresh Windows Server 2016, as `icacls` prints them for these folders.
VOLUME_ROOT: tuple[Ace, ...] = (
    both(sids.SYSTEM, FULL_CONTROL),
    both(sids.ADMINISTRATORS, FULL_CONTROL),
    both(sids.USERS, READ_AND_EXECUTE),
    Ace(sids.USERS, APPEND_DATA, True, Inheritance.CONTAINER),
    below(sids.USERS, WRITE_DATA, Inheritance.CONTAINER),
    below(sids.CREATOR_OWNER, FULL_CONTROL),
)
SYSTEM_FOLDER: tuple[Ace, ...] = (
    Ace(sids.TRUSTED_INSTALLER, FULL_CONTROL),
    below(sids.TRUSTED_INSTALLER, FULL_CONTROL, Inheritance.CONTAINER),
    Ace(sids.SYSTEM, MODIFY),
    below(sids.SYSTEM, FULL_CONTROL),
    Ace(sids.ADMINISTRATORS, MODIFY),
    below(sids.ADMINISTRATORS, FULL_CONTROL),
    both(sids.USERS, READ_AND_EXECUTE),
    below(sids.CREATOR_OWNER, FULL_CONTROL),
    both(ALL_APPLICATION_PACKAGES, READ_AND_EXECUTE),
)
USERS_FOLDER: tuple[Ace, ...] = (
    both(sids.SYSTEM, FULL_CONTROL),
    both(sids.ADMINISTRATORS, FULL_CONTROL),
    both(sids.USERS, READ_AND_EXECUTE),
    both(sids.EVERYONE, READ_AND_EXECUTE),
)
PROGRAM_DATA: tuple[Ace, ...] = (
    both(sids.SYSTEM, FULL_CONTROL),
    both(sids.ADMINISTRATORS, FULL_CONTROL),
    below(sids.CREATOR_OWNER, FULL_CONTROL),
    both(sids.USERS, READ_AND_EXECUTE),
    Ace(sids.USERS, FILE_RIGHTS["Write"], True, Inheritance.CONTAINER),
)
WINDOWS_TEMP: tuple[Ace, ...] = (
    Ace(
        sids.USERS,
        FILE_RIGHTS["CreateFiles"] | APPEND_DATA | FILE_RIGHTS["Traverse"],
        True,
        Inheritance.CONTAINER,
    ),
    both(sids.ADMINISTRATORS, FULL_CONTROL),
    both(sids.SYSTEM, FULL_CONTROL),
    below(sids.CREATOR_OWNER, FULL_CONTROL),
)
MACHINE_KEYS: tuple[Ace, ...] = (
    Ace(sids.SYSTEM, KEY_ALL, True, Inheritance.CONTAINER),
    Ace(sids.ADMINISTRATORS, KEY_ALL, True, Inheritance.CONTAINER),
    Ace(sids.EVERYONE, KEY_READ, True, Inheritance.CONTAINER),
    Ace(sids.USERS, KEY_READ, True, Inheritance.CONTAINER),
)
# HKLM\SAM\SAM and HKLM\SECURITY: administrators may read and change the rules, nothing else.
SECRET_KEYS: tuple[Ace, ...] = (
    Ace(sids.SYSTEM, KEY_ALL, True, Inheritance.CONTAINER),
    Ace(sids.ADMINISTRATORS, READ_PERMISSIONS | CHANGE_PERMISSIONS, True, Inheritance.CONTAINER),
)


def profile(sid: str) -> tuple[Ace, ...]:
    r"""Return the rules of a user's profile folder (``C:\Users\x``) or hive."""
    return (both(sids.SYSTEM, FULL_CONTROL), both(sids.ADMINISTRATORS, FULL_CONTROL), both(sid, FULL_CONTROL))


def _same_but_mask(one: Ace, other: Ace) -> bool:
    return (one.sid, one.allow, one.inheritance, one.propagation) == (
        other.sid,
        other.allow,
        other.inheritance,
        other.propagation,
    )
