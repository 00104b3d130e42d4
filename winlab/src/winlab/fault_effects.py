"""Faults that change a host while they are set: a full disk, a locked file, a locked account and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winlab.errors import WinlabError
from winlab.host import acl, sids

if TYPE_CHECKING:
    from winlab.faults import Fault, Undo
    from winlab.host.model import Host

HOLDER = "winlab fault"


def attach(host: Host) -> None:
    """Let the faults of a host act on it."""
    effects = {
        "disk-full": _disk_full,
        "locked": _locked,
        "denied": _denied,
        "reboot": _reboot,
        "service": _service,
        "account": _account,
    }
    for kind, effect in effects.items():
        host.faults.on(kind, lambda fault, effect=effect: _guarded(host, effect(host, fault)))  # type: ignore[misc]


def _guarded(host: Host, undo: Undo) -> Undo:
    def locked() -> None:
        with host.lock:
            undo()

    return locked


def _disk_full(host: Host, fault: Fault) -> Undo:
    letter = str(fault.values["drive"])[:1].upper()
    with host.lock:
        before = host.files.free_bytes(letter)
        free = int(fault.values["bytes"])
        host.files.set_free_bytes(letter, free)

    def undo() -> None:
        # What was written or deleted meanwhile counts.
        host.files.set_free_bytes(letter, before + host.files.free_bytes(letter) - free)

    return undo


def _locked(host: Host, fault: Fault) -> Undo:
    holder = f"{HOLDER} {fault.number}"
    with host.lock:
        host.files.lock(str(fault.values["path"]), holder)
    return lambda: host.files.unlock_all(holder)


def _denied(host: Host, fault: Fault) -> Undo:
    path = str(fault.values["path"])
    with host.lock:
        before = host.files.acl(path)
        # A denial stands before everything that is granted; Everyone holds for each logon.
        below = acl.Inheritance.BOTH if host.files.is_dir(path) else acl.Inheritance.NONE
        deny = acl.Ace(sids.EVERYONE, acl.FULL_CONTROL, allow=False, inheritance=below)
        host.files.set_acl(path, acl.Acl(acl.canonical([deny, *before.aces]), protected=before.protected))

    def undo() -> None:
        if host.files.exists(path):
            host.files.set_acl(path, before)

    return undo


def _reboot(host: Host, fault: Fault) -> Undo:
    with host.lock:
        host.reboot(float(fault.values["seconds"]))
    return lambda: None


def _service(host: Host, fault: Fault) -> Undo:
    with host.lock:
        name = host.services.require(str(fault.values["name"])).name.lower()
        already = name in host.services.stubborn
        host.services.stubborn.add(name)
    return (lambda: None) if already else (lambda: host.services.stubborn.discard(name))


def _account(host: Host, fault: Fault) -> Undo:
    name = str(fault.values["name"])
    with host.lock:
        user = host.accounts.user(name)
        if user is None:
            raise WinlabError(
                f"{host.name}: fault account: no user {name}; expected a local account. "
                f"`winlab show {host.name}` lists them."
            )
        host.accounts.update_user(user.name, locked_since=host.clock.now())

    def undo() -> None:
        if host.accounts.user(name) is not None:
            host.accounts.update_user(name, locked_since=0.0)

    return undo
