"""Twins that work on accounts, services and processes: helpers around a host with system programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from winlab.host.registry import Value
from winlab.host.sessions import Session

from winlab import system_programs

from .. import called
from ..called import NOW, PASSWORD

__all__ = ["NOW", "PASSWORD", "Windows"]
ADMIN_PASSWORD = "Lab-Adm1n!"
POLICIES = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"


class Windows(called.Windows):
    """A host whose administrator can log on, with helpers for accounts."""

    def logon(self, user: str, logon_type: str = "network") -> Session:
        return self.host.accounts.token(self.host.accounts.resolve(user).sid, logon_type)

    def user(self, name: str, *groups: str) -> str:
        """Make a local user in some groups; its SID."""
        sid = self.host.accounts.create_user(name, PASSWORD).sid
        for group in groups:
            self.host.accounts.add_member(group, sid)
        return sid


@pytest.fixture
def windows(tmp_path: Path) -> Windows:
    host, _, clock = called.bare_host(tmp_path)
    system_programs.install(host)
    host.registry.set(POLICIES, "LocalAccountTokenFilterPolicy", Value("dword", 1))
    host.accounts.update_user("Administrator", disabled=False)
    host.accounts.set_password("Administrator", ADMIN_PASSWORD)
    for folder in (r"C:\Windows\Temp", r"C:\Users\Public"):
        host.files.mkdir(folder)
    admin = host.accounts.token(host.accounts.resolve("Administrator").sid, "network")
    return Windows(host, admin, clock)


@pytest.fixture
def here(windows: Windows) -> object:
    """A host with certificate files; keys are generated only where they are asked for."""
    from .certificates import fill  # keys are made at import

    return fill(windows)
