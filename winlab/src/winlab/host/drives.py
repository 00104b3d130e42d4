"""Volumes of a host: sizes, labels, and network shares that it publishes or reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from winlab.host import sids

GIB = 1 << 30
NOBODY_HAS_ACCESS = f"deny:full:{sids.EVERYONE}"
# A usual virtual machine: 127 GiB is what Hyper-V offers, the rest is an operating system's worth of files.
DEFAULT_SIZE = 127 * GIB
DEFAULT_RESERVED = 31 * GIB


@dataclass(slots=True)
class Drive:
    """One lettered volume.

    Attributes:
        letter: ``C``.
        label: what Explorer shows.
        size: capacity in bytes.
        reserved: bytes that are in use by files winlab does not hold.
        used: bytes of the files it does hold.
        file_system: ``NTFS``.
    """

    letter: str
    label: str = ""
    size: int = DEFAULT_SIZE
    reserved: int = DEFAULT_RESERVED
    used: int = 0
    file_system: str = "NTFS"

    @property
    def free(self) -> int:
        """Bytes that can still be written."""
        return max(0, self.size - self.reserved - self.used)

    def set_free(self, free: int) -> None:
        """Make exactly `free` bytes available, as a disk that others have filled."""
        self.reserved = self.size - self.used - free

    def to_state(self) -> dict[str, Any]:
        """Return the volume for the state file; `used` is counted again on loading."""
        state = asdict(self)
        del state["used"]
        return state


@dataclass(frozen=True, slots=True)
class Share:
    r"""A folder that the host publishes by SMB.

    Attributes:
        name: ``media`` of ``\\host\media``.
        path: the local folder; ``""`` for IPC$.
        description: the remark.
        special: True for the administrative ones, which nobody made.
        settings: further properties of ``Get-SmbShare`` (CachingMode, EncryptData, FolderEnumerationMode).
        access: access rules as text, ``allow|deny:full|change|read:SID``.
    """

    name: str
    path: str
    description: str = ""
    special: bool = False
    settings: tuple[tuple[str, str], ...] = ()
    access: tuple[str, ...] = ()

    @property
    def shown_access(self) -> tuple[str, ...]:
        """The rules that `Get-SmbShareAccess` lists, refusals first as in every canonical list of rules.

        A share without any rule has an entry that refuses Everyone all (win_share.ps1 lines 175-176 spare it
        when it is the only one).
        """
        return self.access or (NOBODY_HAS_ACCESS,)


def drives_of(definition: Mapping[str, Any]) -> dict[str, Drive]:
    """Return the volumes that a host definition asks for; drive C is always there.

    The key ``drives`` maps a letter to ``{label, size_gib, free_gib}``, each of them optional.
    """
    wanted: Mapping[str, Any] = definition.get("drives") or {}
    result = {"C": Drive("C")}
    for letter, options in wanted.items():
        settings: Mapping[str, Any] = options or {}
        drive = Drive(letter.rstrip(":\\").upper(), str(settings.get("label", "")))
        drive.size = int(float(settings.get("size_gib", DEFAULT_SIZE / GIB)) * GIB)
        drive.reserved = min(DEFAULT_RESERVED, drive.size) if drive.letter == "C" else 0
        if "free_gib" in settings:
            drive.set_free(int(float(settings["free_gib"]) * GIB))
        result[drive.letter] = drive
    return result


def default_shares() -> dict[str, Share]:
    """Return the administrative shares that every server has, by folded name."""
    shares = (
        Share("ADMIN$", "C:\\Windows", "Remote Admin", True),
        Share("C$", "C:\\", "Default share", True),
        Share("IPC$", "", "Remote IPC", True),
    )
    return {share.name.upper(): share for share in shares}
