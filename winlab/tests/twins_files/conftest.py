"""Twins that work on files: helpers around a bare host."""

from __future__ import annotations

from pathlib import Path

import pytest
from winlab.host.sessions import Session

from .. import called
from ..called import NOW, PASSWORD

__all__ = ["NOW", "PASSWORD", "Windows"]


class Windows(called.Windows):
    """A bare host with helpers for files."""

    @property
    def admin(self) -> Session:
        return self.session

    def write(self, path: str, data: bytes = b"x") -> None:
        """Put a file down as the administrator, with the folders above it."""
        self.host.files.mkdir(path.rpartition("\\")[0] + "\\", session=self.admin)
        self.host.files.write_bytes(path, data, self.admin)

    def read(self, path: str) -> bytes:
        return self.host.files.read_bytes(path)

    def user(self, name: str) -> Session:
        """Make a local user without rights and log on."""
        sid = self.host.accounts.create_user(name, PASSWORD).sid
        self.host.accounts.add_member("Users", sid)
        return self.host.accounts.token(sid, "network")

    def tree(self, path: str) -> list[str]:
        """Return the paths below a folder, relative to it."""
        return [entry.path[len(path) + 1 :] for entry in self.host.files.walk(path)]


@pytest.fixture
def windows(tmp_path: Path) -> Windows:
    return Windows(*called.bare_host(tmp_path))
