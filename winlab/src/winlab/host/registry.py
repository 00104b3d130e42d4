r"""The registry of a host: keys, typed values, access rules.

Keys may be written ``HKLM:\X``, ``HKLM\X`` or ``HKEY_LOCAL_MACHINE\X``; case does not matter, the case a name
was made with is kept. HKCU is the hive of the session's user, HKCR stands for ``HKLM\SOFTWARE\Classes`` and
HKCC for the current hardware profile (Microsoft Learn, "Predefined Keys"; the per-user part of HKCR is not
modelled).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from winlab.errors import Win32Error
from winlab.host import acl, nesting, sids
from winlab.host.acl import Acl, Caller
from winlab.host.paths import fold

ERROR_FILE_NOT_FOUND = 2
ERROR_ACCESS_DENIED = 5
ERROR_INVALID_HANDLE = 6
ERROR_INVALID_PARAMETER = 87
ERROR_BADDB = 1009

# Microsoft Learn, "Registry Element Size Limits".
MAX_KEY_NAME = 255
MAX_KEY_LEVELS = 512
MAX_VALUE_NAME = 16383
# Hive files begin with this mark; what follows is winlab's own form, not that of Windows.
HIVE_MAGIC = b"regf"
_HIVE_OWNER = sids.ADMINISTRATORS
VALUE_TYPES = ("none", "string", "expandstring", "binary", "dword", "multistring", "qword")
_DATA_TYPES: dict[str, type] = {
    "none": bytes,
    "string": str,
    "expandstring": str,
    "binary": bytes,
    "dword": int,
    "multistring": list,
    "qword": int,
}

_HIVES = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKU": "HKEY_USERS",
    "HKCU": "HKEY_CURRENT_USER",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
_REAL_HIVES = ("HKEY_LOCAL_MACHINE", "HKEY_USERS")
_CLASSES = ("HKEY_LOCAL_MACHINE", "SOFTWARE", "Classes")
_HARDWARE_PROFILE = ("HKEY_LOCAL_MACHINE", "SYSTEM", "CurrentControlSet", "Hardware Profiles", "Current")
# The system account's own hive is at HKU\.DEFAULT and under its SID.
_DEFAULT_USER = ".DEFAULT"

# Keys that every Windows has.
_EVERYWHERE = (
    "HKLM\\SOFTWARE\\Classes\\*",
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall",
    "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion",
    "HKLM\\SYSTEM\\CurrentControlSet\\Services",
    "HKCC\\Software",
    "HKU\\.DEFAULT\\Software",
)

Data = str | int | bytes | list[str]


class TouchHost(Protocol):
    """The part of a `Host` that the registry needs."""

    def touch(self, component: str) -> None:
        """Say that the state of `component` changed."""


@dataclass(frozen=True, slots=True)
class Value:
    """A registry value.

    Attributes:
        type: one of `VALUE_TYPES`.
        data: `str` for string and expandstring (not expanded), `int` (unsigned) for dword and qword, `bytes`
            for binary and none, `list[str]` for multistring.
    """

    type: str
    data: Data

    def __post_init__(self) -> None:
        """Refuse data that the type cannot hold."""
        wanted = _DATA_TYPES.get(self.type)
        if wanted is None or not isinstance(self.data, wanted) or isinstance(self.data, bool):
            raise TypeError(
                f"registry value {self.type!r} with {self.data!r}; expected {VALUE_TYPES} and its data"
            )
        bits = {"dword": 32, "qword": 64}.get(self.type)
        if bits is not None and isinstance(self.data, int) and not 0 <= self.data < 1 << bits:
            raise Win32Error(ERROR_INVALID_PARAMETER, str(self.data))


@dataclass(slots=True, eq=False)
class _Key:
    name: str
    parent: _Key | None = None
    owner: str = sids.ADMINISTRATORS
    aces: tuple[acl.Ace, ...] = ()
    protected: bool = False
    keys: dict[str, _Key] = field(default_factory=dict)
    values: dict[str, tuple[str, Value]] = field(default_factory=dict)

    def effective(self) -> tuple[acl.Ace, ...]:
        heirs = []
        key = self
        while not key.protected and key.parent is not None:
            heirs.append(key)
            key = key.parent
        return acl.down(acl.canonical(key.aces), ((heir.aces, heir.owner, True) for heir in reversed(heirs)))

    def sorted_keys(self) -> list[_Key]:
        return [self.keys[name] for name in sorted(self.keys)]

    def to_state(self) -> dict[str, Any]:
        return nesting.to_state(self, _Key._own_state, lambda key: key.keys.values(), "k")

    def _own_state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"n": self.name, "o": self.owner}
        if self.aces:
            state["r"] = [ace.to_text() for ace in self.aces]
        if self.protected:
            state["p"] = True
        if self.values:
            state["v"] = [
                [name, value.type, value.data.hex() if isinstance(value.data, bytes) else value.data]
                for name, value in self.values.values()
            ]
        return state

    @classmethod
    def from_state(cls, state: dict[str, Any], parent: _Key | None = None) -> _Key:
        return nesting.from_state(state, cls._from_own_state, parent, "k")

    @classmethod
    def _from_own_state(cls, state: dict[str, Any], parent: _Key | None) -> _Key:
        key = cls(state["n"], parent, state["o"])
        key.aces = tuple(acl.Ace.from_text(text) for text in state.get("r", ()))
        key.protected = state.get("p", False)
        for name, kind, data in state.get("v", ()):
            value = Value(kind, bytes.fromhex(data) if kind in {"binary", "none"} else data)
            key.values[fold(name)] = (name, value)
        if parent is not None:
            parent.keys[fold(key.name)] = key
        return key


class Registry:
    """All hives of one host. With `session` a call is judged by the access rules of the keys."""

    def __init__(self, host: TouchHost) -> None:
        self._host = host
        self._hives = {name: _Key(name) for name in _REAL_HIVES}
        for hive in self._hives.values():
            hive.aces, hive.protected = acl.MACHINE_KEYS, True
        for key in _EVERYWHERE:
            self.create_key(key)
        for key in ("HKLM\\SAM\\SAM", "HKLM\\SECURITY"):
            self.create_key(key)
            secret = self._key(key, None)
            secret.aces, secret.protected = acl.SECRET_KEYS, True

    def normalise(self, path: str, session: Caller | None = None) -> str:
        r"""Return the one form of a key's path: ``HKEY_LOCAL_MACHINE\...`` or ``HKEY_USERS\<SID>\...``.

        Raises:
            Win32Error: 2 when the path starts with no hive.
        """
        return "\\".join(self._parts(path, session))

    def key_exists(self, path: str, session: Caller | None = None) -> bool:
        """Tell whether a key is there."""
        try:
            return self._find(path, session) is not None
        except Win32Error:
            return False

    def subkeys(self, path: str, session: Caller | None = None) -> list[str]:
        """Return the names of the keys below, sorted as the registry does."""
        key = self._key(path, session)
        self._require(key, session, acl.REGISTRY_RIGHTS["EnumerateSubKeys"])
        return [child.name for child in key.sorted_keys()]

    def walk(self, path: str) -> Iterator[str]:
        """Yield the paths of all keys below, depth first."""
        top = self._key(path, None)
        waiting = [(self.normalise(path), child) for child in reversed(top.sorted_keys())]
        while waiting:
            above, key = waiting.pop()
            below = f"{above}\\{key.name}"
            yield below
            waiting.extend((below, child) for child in reversed(key.sorted_keys()))

    def values(self, path: str, session: Caller | None = None) -> dict[str, Value]:
        """Return the values of a key in the order they were made; the default value has the name ``""``."""
        key = self._key(path, session)
        self._require(key, session, acl.REGISTRY_RIGHTS["QueryValues"])
        return dict(key.values.values())

    def get(self, path: str, name: str, session: Caller | None = None) -> Value | None:
        """Return a value, or None when key or value is missing."""
        key = self._find(path, session)
        if key is None:
            return None
        self._require(key, session, acl.REGISTRY_RIGHTS["QueryValues"])
        found = key.values.get(fold(name))
        return found[1] if found else None

    def create_key(self, path: str, session: Caller | None = None) -> bool:
        """Create a key and those above it; returns False when it was there.

        Raises:
            Win32Error: 5 refused (also for a key directly below a hive), 87 a name over 255 characters or
                more than 512 levels.
        """
        hive, *names = self._parts(path, session)
        if len(names) >= MAX_KEY_LEVELS:
            raise Win32Error(ERROR_INVALID_PARAMETER, path)
        key = self._hives[hive]
        created = False
        for name in names:
            child = key.keys.get(fold(name))
            if child is None:
                if len(name) > MAX_KEY_NAME:
                    raise Win32Error(ERROR_INVALID_PARAMETER, path)
                if session is not None and key.parent is None:
                    raise Win32Error(ERROR_ACCESS_DENIED, path)
                self._require(key, session, acl.REGISTRY_RIGHTS["CreateSubKey"])
                if _is_user_hive(name, key):
                    child = _user_hive(name, key)
                else:
                    child = _Key(name, key, acl.default_owner(session))
                key.keys[fold(name)] = child
                created = True
                self._host.touch("registry")
            key = child
        return created

    def set(self, path: str, name: str, value: Value, session: Caller | None = None) -> None:
        """Create or replace a value and missing keys; an existing name keeps its case."""
        if len(name) > MAX_VALUE_NAME:
            raise Win32Error(ERROR_INVALID_PARAMETER, name)
        self.create_key(path, session)
        key = self._key(path, session)
        self._require(key, session, acl.REGISTRY_RIGHTS["SetValue"])
        old = key.values.get(fold(name))
        key.values[fold(name)] = (old[0] if old else name, value)
        self._host.touch("registry")

    def delete_value(self, path: str, name: str, session: Caller | None = None) -> None:
        """Remove a value.

        Raises:
            Win32Error: 2 when key or value is missing, 5 refused.
        """
        key = self._key(path, session)
        self._require(key, session, acl.REGISTRY_RIGHTS["SetValue"])
        if key.values.pop(fold(name), None) is None:
            raise Win32Error(ERROR_FILE_NOT_FOUND, f"{path}\\{name}")
        self._host.touch("registry")

    def delete_key(self, path: str, recursive: bool = True, session: Caller | None = None) -> None:
        """Remove a key and, with `recursive`, those below.

        Raises:
            Win32Error: 2 missing, 5 refused, the root of a hive that is loaded, or (without `recursive`) not
                empty.
        """
        key = self._key(path, session)
        # What lies directly below HKLM and HKU is the root of a hive (Microsoft Learn, "Registry Hives").
        if key.parent is None or key.parent.parent is None or (key.keys and not recursive):
            raise Win32Error(ERROR_ACCESS_DENIED, path)
        doomed = [key]
        for parent in doomed:
            doomed.extend(parent.keys.values())
        for child in doomed:
            self._require(child, session, acl.DELETE)
        del key.parent.keys[fold(key.name)]
        self._host.touch("registry")

    def acl(self, path: str, session: Caller | None = None) -> Acl:
        """Return the access rules of a key, inherited ones included."""
        key = self._key(path, session)
        self._require(key, session, acl.READ_PERMISSIONS)
        return Acl(key.effective(), key.protected)

    def set_acl(self, path: str, rules: Acl, session: Caller | None = None) -> None:
        """Replace the key's own rules; inherited ones in `rules` are ignored, they follow from the parent."""
        key = self._key(path, session)
        self._require(key, session, acl.CHANGE_PERMISSIONS)
        key.aces, key.protected = acl.canonical(rules.explicit), rules.protected
        self._host.touch("registry")

    def owner(self, path: str) -> str:
        """Return the SID of a key's owner."""
        return self._key(path, None).owner

    def set_owner(self, path: str, sid: str, session: Caller | None = None) -> None:
        """Give a key to `sid`."""
        key = self._key(path, session)
        self._require(key, session, acl.TAKE_OWNERSHIP)
        key.owner = sid
        self._host.touch("registry")

    def allowed(self, path: str, session: Caller, mask: int) -> bool:
        """Tell whether a logon has all rights of `mask` on a key."""
        key = self._key(path, session)
        return acl.allows(key.effective(), key.owner, session, mask)

    def load_hive(self, sid: str) -> None:
        r"""Make a user's hive (``HKU\<sid>``) and its rules, as the first logon does, unless it is there."""
        if not self.key_exists(f"HKU\\{sid}"):
            self.create_key(f"HKU\\{sid}\\Software")

    def load_file(self, name: str, content: bytes) -> None:
        r"""Put the hive of a file at ``HKLM\<name>`` (`RegLoadKey`).

        Raises:
            Win32Error: 1009 when the content is no hive.
        """
        if not content.startswith(HIVE_MAGIC):
            raise Win32Error(ERROR_BADDB, name)
        hive = self._hives["HKEY_LOCAL_MACHINE"]
        text = content[len(HIVE_MAGIC) :]
        _Key.from_state({**json.loads(text or b"{}"), "n": name, "o": _HIVE_OWNER}, hive)
        self._host.touch("registry")

    def unload_file(self, name: str) -> bytes:
        r"""Take away ``HKLM\<name>`` and return what the file holds now (`RegUnLoadKey`)."""
        hive = self._hives["HKEY_LOCAL_MACHINE"].keys.pop(fold(name))
        self._host.touch("registry")
        return HIVE_MAGIC + json.dumps(hive.to_state(), sort_keys=True).encode()

    def to_state(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {"hives": [hive.to_state() for hive in self._hives.values()]}

    def load_state(self, state: dict[str, Any]) -> None:
        """Replace everything by what `to_state` returned."""
        hives = (_Key.from_state(item) for item in state["hives"])
        self._hives = {hive.name: hive for hive in hives}

    def _parts(self, path: str, session: Caller | None) -> list[str]:
        head, _, rest = path.partition("\\")
        hive = fold(head.rstrip(":"))
        hive = _HIVES.get(hive, hive)
        names = [name for name in rest.split("\\") if name]
        if hive == "HKEY_CURRENT_USER":
            user = session.sid if session is not None else sids.SYSTEM
            if user == sids.SYSTEM:
                return ["HKEY_USERS", _DEFAULT_USER, *names]
            self.load_hive(user)
            return ["HKEY_USERS", user, *names]
        if hive == "HKEY_CLASSES_ROOT":
            return [*_CLASSES, *names]
        if hive == "HKEY_CURRENT_CONFIG":
            return [*_HARDWARE_PROFILE, *names]
        if hive not in self._hives:
            raise Win32Error(ERROR_FILE_NOT_FOUND, path)
        if hive == "HKEY_USERS" and names and fold(names[0]) == sids.SYSTEM:
            names[0] = _DEFAULT_USER
        # CurrentControlSet is a link to the set that was booted.
        if [fold(name) for name in names[:2]] == ["SYSTEM", "CONTROLSET001"]:
            names[1] = "CurrentControlSet"
        return [hive, *names]

    def _find(self, path: str, session: Caller | None) -> _Key | None:
        hive, *names = self._parts(path, session)
        key: _Key | None = self._hives[hive]
        for name in names:
            key = key.keys.get(fold(name)) if key is not None else None
        return key

    def _key(self, path: str, session: Caller | None) -> _Key:
        key = self._find(path, session)
        if key is None:
            raise Win32Error(ERROR_FILE_NOT_FOUND, path)
        return key

    @staticmethod
    def _require(key: _Key, session: Caller | None, mask: int) -> None:
        if session is not None and not acl.allows(key.effective(), key.owner, session, mask):
            raise Win32Error(ERROR_ACCESS_DENIED, key.name)


def _is_user_hive(name: str, parent: _Key) -> bool:
    return parent.parent is None and parent.name == "HKEY_USERS" and fold(name).startswith("S-1-5-21-")


def _user_hive(sid: str, parent: _Key) -> _Key:
    """Return the empty hive of a user: his own, and nobody else's but the administrators'."""
    hive = _Key(sid, parent, owner=sid, protected=True)
    hive.aces = tuple(
        acl.Ace(account, acl.KEY_ALL, True, acl.Inheritance.CONTAINER)
        for account in (sids.SYSTEM, sids.ADMINISTRATORS, sid)
    )
    return hive
