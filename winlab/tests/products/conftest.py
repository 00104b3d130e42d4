"""A Windows Server of the template, with people who log on and media on its disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from winlab.host import logons
from winlab.host.model import Host
from winlab.host.sessions import Session
from winlab.products import media, mim_sync, sql_server, templates, windows_server
from winlab.programs import ProcessResult
from winlab.scripts import ScriptCall

from winlab import programs

REPOSITORY = Path(__file__).resolve().parents[3]
SERVER_CONFIGURATION = REPOSITORY / "inventories/lab/files/server-configuration"
EXPORTS = REPOSITORY / "inventories/lab/files/management-agents"
PASSWORD = "Corr3ct-horse 1"
SYNC_MSI = r"C:\media\mim-sync\Synchronization Service.msi"
HR_MSI = r"C:\media\connectors\ContosoHrConnector.msi"
AGENT_SETUP = r"C:\media\agent\AADConnectProvisioningAgentSetup.exe"


@dataclass
class Box:
    """A host and what tests do with it."""

    host: Host
    log: str = r"C:\media\setup.log"

    def admin(self, logon_type: str = "interactive") -> Session:
        return logons.unfiltered(
            self.host, self.host.accounts.token(self.host.accounts.resolve("Administrator").sid, logon_type)
        )

    def person(self, name: str, *groups: str) -> Session:
        if self.host.accounts.user(name) is None:
            self.host.accounts.create_user(name, PASSWORD)
        sid = self.host.accounts.resolve(name).sid
        for group in groups:
            if sid not in self.host.accounts.members(group):
                self.host.accounts.add_member(group, sid)
        return logons.unfiltered(self.host, self.host.accounts.token(sid, "network"))

    def run(self, command: str | list[str], session: Session | None = None) -> ProcessResult:
        return programs.run(self.host, session or self.admin(), command, cwd="C:\\")

    def msiexec(self, words: str, session: Session | None = None) -> int:
        return self.run(f"msiexec.exe {words}", session).rc

    def sync_command(self, **changes: str | None) -> str:
        values: dict[str, str | None] = {
            "ACCEPT_EULA": "1",
            "STORESERVER": "localhost",
            "SERVICEACCOUNT": "mimsync",
            "SERVICEDOMAIN": self.host.computer_name,
            "SERVICEPASSWORD": f'"{PASSWORD}"',
            **changes,
        }
        words = " ".join(f"{name}={value}" for name, value in values.items() if value is not None)
        return f'/i "{SYNC_MSI}" /qn /norestart /L*v {self.log} {words}'

    def ready_for_sync(self) -> None:
        sql_server.install(self.host)
        sid = self.host.accounts.create_user("mimsync", PASSWORD).sid
        self.host.accounts.grant("SeServiceLogonRight", sid)

    def install_sync(self, session: Session | None = None) -> None:
        self.ready_for_sync()
        assert self.msiexec(self.sync_command(), session) == 0, self.log_text()

    def with_connector(self) -> Session:
        """MIM Sync with the HR connector, restarted, and a fresh logon of the administrator."""
        self.install_sync()
        assert self.msiexec(f"/i {HR_MSI} /qn") == 0
        self.restart_sync()
        return self.admin()

    def restart_sync(self) -> None:
        self.host.services.stop(mim_sync.SERVICE)
        self.host.services.start(mim_sync.SERVICE)

    def log_text(self) -> str:
        return self.host.files.read_bytes(self.log).decode("utf-16")

    def put(self, source: Path, folder: str) -> None:
        self.host.files.mkdir(folder)
        for path in sorted(source.iterdir()):
            if not path.name.startswith("."):
                self.host.files.write_bytes(rf"{folder}\{path.name}", path.read_bytes())

    def script(self, session: Session, check_mode: bool = False, **parameters: Any) -> ScriptCall:
        return ScriptCall(self.host, session, "", parameters, check_mode=check_mode)

    def again(self) -> Box:
        """Save, and load into a new object, as after `winlab down` and `up`."""
        self.host.save()
        host = Host(self.host.name, self.host.definition, self.host.state_dir)
        assert host.load()
        return Box(host)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Box]:
    def build(name: str = "mim01", **definition: Any) -> Box:
        entry = {"administrator": {"name": "Administrator", "password": "admin"}, **definition}
        host = Host(name, entry, tmp_path / name)
        templates.build(host, entry, {"admin": PASSWORD}, REPOSITORY / "inventories/lab")
        box = Box(host)
        for folder in ("mim-sync", "connectors", "agent"):
            box.put(media.folder() / folder, rf"C:\media\{folder}")
        return box

    return build


@pytest.fixture
def box(make: Callable[..., Box]) -> Box:
    return make()


@pytest.fixture
def dotnet_4_8(box: Box) -> Box:
    windows_server.dotnet(box.host, windows_server.DOTNET_4_8)
    return box
