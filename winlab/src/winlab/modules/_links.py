"""What `Get-Link` of Ansible.ModuleUtils.LinkUtil.psm1 (ansible-core 2.19) says of a path."""

from __future__ import annotations

from dataclasses import dataclass

from winlab.host import paths
from winlab.host.files import Entry
from winlab.modules._dotnet import Disk


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """A symbolic link or junction.

    Attributes:
        type: `SymbolicLink` or `JunctionPoint`.
        target_path: what the link names, as it was written.
        absolute_path: the same, absolute.
    """

    type: str
    target_path: str
    absolute_path: str


def link_info(disk: Disk, entry: Entry) -> LinkInfo | None:
    """Return what an entry links to, or None; hard links are `Entry.hard_links`."""
    if entry.link_type is None or entry.link_target is None:
        return None
    absolute = paths.normalise(entry.link_target, paths.parent(entry.path))
    return LinkInfo(entry.link_type, entry.link_target, absolute)
