"""Other machines that a simulated host can reach: those that the definition's `web` names, and no others.

    web:
      intranet.example: {address: 127.0.0.1, ports: {443: 8443}}   # somebody on the controller listens there
      files.example: {files: path/on/controller}                   # a folder, as plain HTTP on port 80

A name leads to a loopback address of the controller or to a folder; anything else does not resolve. Without
`ports`, a port is the one that was asked for; with it, ports that it does not name are closed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from winlab.errors import WinlabError

if TYPE_CHECKING:
    from winlab.host.model import Host

KEY = "web"
# The only port of a machine that is a folder: it has no certificate that could be judged.
FILES_PORT = 80
_KEYS = frozenset({"address", "files", "ports"})
_MAX_PORT = 65535


@dataclass(frozen=True)
class Neighbour:
    """One machine.

    Attributes:
        name: its name, in lower case.
        address: the loopback address that stands for it, empty for a folder.
        ports: port asked for -> port at the address; None when they are the same.
        files: the folder, None for an address.
    """

    name: str
    address: str = ""
    ports: Mapping[int, int] | None = field(default=None)
    files: Path | None = None

    def port(self, wanted: int) -> int | None:
        """The port at the address that stands for `wanted`, None when it is closed."""
        return wanted if self.ports is None else self.ports.get(wanted)


def find(host: Host, name: str) -> Neighbour | None:
    """The machine that a name resolves to, None when it does not.

    Raises:
        WinlabError: its address is not loopback; the definition is checked when it is read, but nothing
            leaves this machine whoever made the host.
    """
    entries = host.definition.get(KEY) or {}
    for known, entry in entries.items():
        if str(known).lower() == name.lower():
            ports = entry.get("ports")
            if "files" not in entry and not _is_loopback(entry.get("address")):
                found = f"{host.name}: {KEY}.{known}: {entry.get('address')}"
                raise WinlabError(f"{found}; expected a loopback address. Correct the definition.")
            return Neighbour(
                str(known).lower(),
                str(entry.get("address") or ""),
                {int(key): int(value) for key, value in ports.items()} if ports is not None else None,
                Path(entry["files"]) if "files" in entry else None,
            )
    return None


def checked(path: Path, where: str, entries: Any) -> dict[str, Any]:
    """The definition's `web` of one host, with absolute folders.

    Args:
        path: the definition.
        where: the host in it, for messages.
        entries: what stands there.

    Raises:
        WinlabError: it is no mapping of that form, or an address is not the controller's own.
    """
    if not isinstance(entries, dict):
        raise _wrong(path, where, type(entries).__name__, "a mapping of names")
    return {str(name): _checked(path, f"{where}.{name}", entry) for name, entry in entries.items()}


def _checked(path: Path, where: str, entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict) or not set(entry) <= _KEYS:
        found = ", ".join(sorted(map(str, entry))) if isinstance(entry, dict) else type(entry).__name__
        raise _wrong(path, where, found, f"a mapping with {', '.join(sorted(_KEYS))}")
    if ("files" in entry) == ("address" in entry) or ("files" in entry and "ports" in entry):
        raise _wrong(path, where, ", ".join(sorted(entry)), "either files, or address with or without ports")
    if "files" in entry:
        folder = (path.resolve().parent / str(entry["files"])).resolve()
        if not folder.is_dir():
            raise _wrong(path, f"{where}.files", str(folder), "a folder")
        return {"files": str(folder)}
    if not _is_loopback(entry["address"]):
        raise _wrong(path, f"{where}.address", repr(entry["address"]), "a loopback address such as 127.0.0.1")
    ports = entry.get("ports")
    if ports is not None and not _are_ports(ports):
        raise _wrong(path, f"{where}.ports", repr(ports), "a mapping of port numbers to port numbers")
    return dict(entry)


def _is_loopback(address: Any) -> bool:
    try:
        return ipaddress.ip_address(str(address)).is_loopback
    except ValueError:
        return False


def _are_ports(ports: Any) -> bool:
    return isinstance(ports, dict) and all(
        isinstance(number, int) and not isinstance(number, bool) and 0 < number <= _MAX_PORT
        for pair in ports.items()
        for number in pair
    )


def _wrong(path: Path, where: str, found: str, expected: str) -> WinlabError:
    return WinlabError(f"{path}: {where}: {found}; expected {expected}. Correct it.")
