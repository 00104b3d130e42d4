r"""Which folder is whose profile (Microsoft, "About User Profiles"; `ProfileList` in the registry)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from winlab.host import paths

if TYPE_CHECKING:
    from winlab.host.model import Host

PROFILE_LIST = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
PROFILES = r"C:\Users"
# After NAME and NAME.COMPUTER come NAME.COMPUTER.000 to .999.
_LAST_NUMBER = 999


def profile_folder(host: Host, sid: str, name: str) -> str:
    r"""The profile folder of an account: the one it has, or the one that its first logon will make.

    A folder of that name that is another's (an account that was deleted leaves its own behind) is in the way:
    the profile gets `C:\Users\NAME.COMPUTER` then.
    """
    found = _folders(host)
    if sid in found:
        return found[sid]
    taken = {paths.fold(folder) for folder in found.values()}
    return next(
        folder
        for folder in (rf"{PROFILES}\{candidate}" for candidate in _candidates(name, host.computer_name))
        if paths.fold(folder) not in taken and not _is_anothers(host, folder, sid)
    )


def _folders(host: Host) -> dict[str, str]:
    if not host.registry.key_exists(PROFILE_LIST):
        return {}
    values = {
        sid: host.registry.get(rf"{PROFILE_LIST}\{sid}", "ProfileImagePath")
        for sid in host.registry.subkeys(PROFILE_LIST)
    }
    return {sid: value.data for sid, value in values.items() if value and isinstance(value.data, str)}


def _is_anothers(host: Host, folder: str, sid: str) -> bool:
    """Tell whether the rules of a folder are for other accounts of the machine than this one."""
    if not host.files.is_dir(folder):
        return False
    named = {ace.sid for ace in host.files.acl(folder).aces if ace.sid.startswith(host.accounts.machine_sid)}
    return bool(named) and sid not in named


def _candidates(name: str, computer: str) -> Iterator[str]:
    yield name
    yield f"{name}.{computer}"
    for number in range(_LAST_NUMBER + 1):
        yield f"{name}.{computer}.{number:03}"
