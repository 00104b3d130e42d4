"""Twins of the small modules that some targets bring along (`library/` of the target), pinned to their text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import upstream_lent
from winlab.arguments.legacy import param
from winlab.host import proxies
from winlab.host.model import Host
from winlab.modules import Call
from winlab.modules._dotnet import Disk
from winlab.modules._registry import is_drive_path
from winlab.pins import Pin

from winlab import modules, pins


def helper(name: str, sha256: str) -> Any:
    """Register the twin of a target's own module."""
    full = f"ansible.legacy.{name}"
    pins.add(full, Pin(sha256))

    def add(function: Callable[[Call], dict[str, Any]]) -> Callable[[Call], dict[str, Any]]:
        upstream_lent.declare(upstream_lent.MODULE, name, (function.__doc__ or "").partition("\n")[0])

        def run(call: Call) -> dict[str, Any]:
            upstream_lent.note(upstream_lent.MODULE, name)
            return function(call)

        modules.twin(full)(run)
        return function

    return add


@helper("test_symlink_file", "03236c7fa11df820aa1f94bc7774d66abe30e7290a57e4b2f1f2033f14c284f2")
def test_symlink_file(call: Call) -> dict[str, Any]:
    """win_stat: make or remove a symbolic link."""
    disk = Disk(call)
    state = param(call, "state", type="str", default="present", validateset=("absent", "present"))
    src: str = param(call, "src", type="path", failifempty=True)
    target = param(call, "target", type="path", failifempty=state == "present")
    if disk.test(src) == (state == "present"):
        return {"changed": False}
    if state == "present":
        disk.files.make_link(disk.full(src), target, "SymbolicLink", disk.is_container(target))
    else:
        disk.files.delete(disk.full(src), session=disk.session, force=True)
    return {"changed": True}


@helper("test_get_right", "05e36cbb716b23cc8602f492cb642333b55c1dfafdcc3e1fd6bcbc6bab864de8")
def test_get_right(call: Call) -> dict[str, Any]:
    """win_user_right: who holds a right, read from what `secedit /export` writes (lines 26-45 of the module)."""
    name: str = param(call, "name", type="str", failifempty=True)
    users: list[str] = []
    for line in privilege_rights(call.host):
        if line.lower().startswith(f"{name.lower()} = "):
            for user in line.split("=")[-1].strip().split(","):
                users.append(call.host.accounts.display(user[1:]) if user.startswith("*S") else user)
    return {"changed": False, "users": users}


def privilege_rights(host: Host) -> list[str]:
    """The section Privilege Rights of `secedit /export`; a right that nobody holds has no line.

    [MS-GPSB] 2.2.6: an entry is `*` and a SID, or a name of up to 20 characters, among which is no backslash: a
    name never has a domain. That local users are the ones written by name is assumed; upstream's tests.yml (lines 99
    and 215) shows it.
    """
    accounts = host.accounts
    named = {user.sid: user.name for user in accounts.users()}
    lines = []
    for right in sorted(accounts.rights):
        entries = [named.get(sid) or f"*{sid}" for sid in accounts.holders(right)]
        if entries:
            lines.append(f"{right} = {','.join(entries)}")
    return lines


# The digest is that of the text on the wire: Ansible puts its own code in for the line POWERSHELL_COMMON.
@helper("test_get_acl", "e90fa9ad72449f73316bbc2cb2662bd9facb81d641d6ab4fb90449f534a598ab")
def test_get_acl(call: Call) -> dict[str, Any]:
    """win_acl_inheritance: whether a path inherits rules, and for each account whether its last rule is inherited."""
    path: str = call.expand(param(call, "path", type="str", failifempty=True))
    if is_drive_path(path):
        rules = call.host.registry.acl(path, call.session)
    else:
        rules = call.host.files.acl(Disk(call).full(path), call.session)
    details = {ace.sid: {"isinherited": ace.inherited} for ace in rules.aces}
    return {"changed": False, "inherited": not rules.protected, "user_details": details}


@helper("prereq_setup", "84964d92f1dbd3ba241ff9324c585d181a028c18a15c23a7bec678a12367f444")
def prereq_setup(call: Call) -> dict[str, Any]:
    """win_package: only Windows Server 2025 over PSRP needs anything (the comment in the module)."""
    return {"changed": False}


@helper("win_defender_exclusion", "6d0d569a33fb8c5dac08f90fabd0b931f847163546a3e1cdccf179d28e5ed914")
def win_defender_exclusion(call: Call) -> dict[str, Any]:
    """win_get_url: a server without Windows Defender, on which the module skips itself (lines 17-22)."""
    return {"changed": False, "skipped": True, "msg": "Skip as cannot set exclusion rule"}


@helper("win_inet_proxy_info", "d8dc6e3a2400e0e84f217ae62073adaa904db15e6b2a5a8c804fb8bbef225f0b")
def win_inet_proxy_info(call: Call) -> dict[str, Any]:
    """win_inet_proxy: what WinINet uses on a connection."""
    found = proxies.wininet(call.host, call.session, call.params["connection"])
    return {
        "changed": False,
        "auto_config_url": found.auto_config_url,
        "auto_detect": found.auto_detect,
        "proxy": found.proxy,
        "bypass": found.bypass,
    }


@helper("win_phonebook_entry", "696e116bbc4ef77ea59e805c6a1679c88a714bb748071722e3f8b1454c5e0660")
def win_phonebook_entry(call: Call) -> dict[str, Any]:
    """win_inet_proxy: make or remove an entry of the machine's phone book; only its name is kept."""
    disk, name = Disk(call), str(call.params["name"])
    path = proxies.phonebook(r"C:\ProgramData")
    exists = proxies.has_phonebook_entry(call.host, call.session, name)
    if exists == (call.params["state"] == "present"):
        return {"changed": False}
    known = disk.files.read_bytes(path).decode().splitlines() if disk.test(path) else []
    lines = [line for line in known if line.lower() != f"[{name.lower()}]"]
    if not exists:
        lines.append(f"[{name}]")
    disk.files.mkdir(path.rpartition("\\")[0])
    disk.files.write_bytes(path, "".join(f"{line}\r\n" for line in lines).encode())
    return {"changed": True}
