r"""The profile that Windows makes at somebody's first logon (Microsoft, "About User Profiles")."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING

from winlab.errors import Win32Error
from winlab.host import acl
from winlab.host.profile_list import PROFILE_LIST
from winlab.host.registry import Value
from winlab.host.volumes import ERROR_DISK_FULL, USER_HIVE_FILE

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

_FOLDERS = (r"AppData\Local\Temp", r"AppData\Roaming", "Desktop", "Documents", "Downloads")


def ensure_profile(host: Host, session: Session) -> None:
    """Make the profile folder and its entry in the registry when they are not there."""
    files = host.files
    hive = ntpath.join(session.profile, USER_HIVE_FILE)
    if not session.sid.startswith(host.accounts.machine_sid):
        return
    # Under the lock only: a logon that comes meanwhile must not take a half-made profile for whole.
    with host.lock:
        if files.is_dir(session.profile):
            return
        files.mkdir(session.profile)
        files.set_acl(session.profile, acl.Acl(acl.canonical(acl.profile(session.sid)), protected=True))
        for folder in _FOLDERS:
            path = session.profile
            for part in folder.split("\\"):
                path = ntpath.join(path, part)
                if not files.is_dir(path):
                    files.mkdir(path)
                    files.set_owner(path, session.sid)
        try:
            host.make_hive_file(hive)
        except Win32Error as error:
            # On a full disk Windows logs on with a temporary profile, and so the logon itself goes on.
            if error.code != ERROR_DISK_FULL:
                raise
        key = rf"{PROFILE_LIST}\{session.sid}"
        host.registry.create_key(key)
        host.registry.set(key, "ProfileImagePath", Value("expandstring", session.profile))
