"""A host with files, and logons of three kinds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from winlab.host.files import FileSystem
from winlab.host.model import Host
from winlab.host.sessions import Session

NOW = 1_700_000_000.0


@dataclass
class Box:
    host: Host
    clock: list[float]

    @property
    def files(self) -> FileSystem:
        return self.host.files

    def admin(self) -> Session:
        return self.host.accounts.token(self.host.accounts.resolve("Administrator").sid, "network")

    def user(self, name: str = "bob") -> Session:
        sid = self.host.accounts.create_user(name, "Corr3ct-horse").sid
        self.host.accounts.add_member("Users", sid)
        return self.host.accounts.token(sid, "network")

    def again(self) -> Host:
        """Save, and load into a new object."""
        self.host.save()
        host = Host(self.host.name, self.host.definition, self.host.state_dir)
        assert host.load()
        return host


@pytest.fixture
def box(tmp_path: Path) -> Box:
    clock = [NOW]
    definition = {
        "drives": {"D": {"label": "Data", "size_gib": 10, "free_gib": 1}},
        "shares": ["\\\\fs01\\media"],
    }
    host = Host("win01", definition, tmp_path / "host", clock_source=lambda: clock[0])
    host.files.mkdir("C:\\data")
    return Box(host, clock)
