"""Twins at the level of a call: real arguments check with the installed module's source, a real host, no network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from winlab.errors import ModuleFailure, NotModelled, Win32Error
from winlab.host.model import Host
from winlab.host.registry import Value
from winlab.host.sessions import Session
from winlab.manifest import Script

from winlab import arguments, modules, system_programs

ansible_windows = pytest.importorskip(
    "ansible_collections.ansible.windows", reason="ansible is not installed"
)
COLLECTION = Path(next(iter(ansible_windows.__path__))) / "plugins"
PASSWORD = "Corr3ct-horse"
NOW = 1_700_000_000.0


class Resolver:
    def __init__(self, host: Host, variables: dict[str, str]) -> None:
        self._host, self._variables = host, variables

    def expand(self, text: str) -> str:
        return modules.expand_variables(text, self._variables)

    def sid(self, name: str) -> str:
        return self._host.accounts.resolve(name).sid


@dataclass
class Windows:
    """A host with helpers; `run` gives what execution would print, without `invocation`."""

    host: Host
    session: Session

    def run(
        self,
        module: str,
        /,
        *,
        check: bool = False,
        diff: bool = False,
        session: Session | None = None,
        environment: dict[str, str] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        full = module if "." in module else f"ansible.windows.{module}"
        who = session or self.session
        source = COLLECTION / "modules" / f"{full.rpartition('.')[2]}.ps1"
        key = f"ansible_collections.{full.rpartition('.')[0]}.plugins.modules.{source.name}"
        script = Script(key, str(source), source.read_bytes())
        utils = {
            f"ansible_collections.ansible.windows.plugins.module_utils.{path.name}": Script(
                path.name, str(path), path.read_bytes()
            )
            for path in (COLLECTION / "module_utils").glob("*.psm1")
        }
        scripts = {key: script, **utils, **{name.removesuffix(".psm1"): util for name, util in utils.items()}}
        given = {**options, "_ansible_check_mode": check, "_ansible_diff": diff}
        variables = self.host.environment.block(who, environment)
        try:
            checked = arguments.check(full, script, scripts, given, Resolver(self.host, variables))
        except arguments.Finished as finished:
            return {key: value for key, value in finished.result.items() if key != "invocation"}
        call = modules.Call(
            host=self.host,
            session=who,
            name=full,
            params=checked.params,
            raw=options,
            check_mode=checked.check_mode,
            diff_mode=checked.diff_mode,
            environment=environment or {},
            variables=variables,
        )
        try:
            result = {"changed": False, **modules.lookup(full).function(call)}
        except ModuleFailure as error:
            result = {"changed": False, **error.result, "failed": True, "msg": error.msg}
        except Win32Error as error:
            where = f": {error.path}" if error.path else ""
            return {
                "failed": True,
                "msg": f"Unhandled exception while executing module: {error.message}{where}",
            }
        except NotModelled as error:
            result = {"changed": False, "failed": True, "msg": str(error)}
        result = checked.dress(result)
        result.pop("invocation", None)
        return result

    def logon(self, user: str, logon_type: str = "network") -> Session:
        return self.host.accounts.token(self.host.accounts.resolve(user).sid, logon_type)

    def user(self, name: str, *groups: str) -> str:
        sid = self.host.accounts.create_user(name, PASSWORD).sid
        for group in groups:
            self.host.accounts.add_member(group, sid)
        return sid


@pytest.fixture
def windows(tmp_path: Path) -> Iterator[Windows]:
    time = [NOW]
    host = Host("win01", {}, tmp_path / "host", clock_source=lambda: time[0])
    host.environment.seed()
    system_programs.install(host)
    host.registry.set(
        r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System",
        "LocalAccountTokenFilterPolicy",
        Value("dword", 1),
    )
    host.accounts.update_user("Administrator", disabled=False)
    host.accounts.set_password("Administrator", "Lab-Adm1n!")
    for folder in (r"C:\Users\Administrator\AppData\Local\Temp", r"C:\Windows\Temp", r"C:\Users\Public"):
        host.files.mkdir(folder)
    windows = Windows(host, host.accounts.token(host.accounts.resolve("Administrator").sid, "network"))
    yield windows
