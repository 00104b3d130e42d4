"""Calls of twins with the argument check of the installed module's source, on a real host, without a network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from winlab.errors import ModuleFailure, NotModelled, Win32Error
from winlab.host.model import Host
from winlab.host.sessions import Session
from winlab.manifest import Script

from winlab import arguments, modules

PASSWORD = "Corr3ct-horse"
NOW = 1_700_000_000.0


@lru_cache
def plugins(collection: str) -> Path:
    collections = pytest.importorskip(
        "ansible_collections", reason="the PyPI package ansible is not installed"
    )
    for root in collections.__path__:
        folder = Path(root, *collection.split("."), "plugins")
        if folder.is_dir():
            return folder
    pytest.skip(f"the collection {collection} is not installed")


@lru_cache
def sources(module: str) -> tuple[Script, dict[str, Script]]:
    """A module's source, and all that comes with it."""
    collection, _, name = module.rpartition(".")
    folder = plugins(collection)
    key = f"ansible_collections.{collection}.plugins.modules.{name}.ps1"
    path = folder / "modules" / f"{name}.ps1"
    script = Script(key, str(path), path.read_bytes())
    # Some names of a manifest carry the extension, as ansible-core finds the file.
    utils = {
        f"ansible_collections.{collection}.plugins.module_utils.{name}": Script(
            name, str(util), util.read_bytes()
        )
        for util in (folder / "module_utils").glob("*.psm1")
        for name in (util.stem, util.name)
    }
    return script, {key: script, **utils}


class Resolver:
    """What option types need to know about the host."""

    def __init__(self, host: Host, variables: dict[str, str]) -> None:
        self._host, self._variables = host, variables

    def expand(self, text: str) -> str:
        return modules.expand_variables(text, self._variables)

    def sid(self, name: str) -> str:
        return self._host.accounts.resolve(name).sid


@dataclass
class Windows:
    """A host, a logon of its administrator, and the clock that the test moves."""

    host: Host
    session: Session
    clock: list[float]

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
        """Return what execution would print, without `invocation`."""
        name = module if "." in module else f"ansible.windows.{module}"
        script, scripts = sources(name)
        who = session or self.session
        variables = self.host.environment.block(who, environment)
        given = {**options, "_ansible_check_mode": check, "_ansible_diff": diff}
        try:
            checked = arguments.check(name, script, scripts, given, Resolver(self.host, variables))
        except arguments.Finished as finished:
            return {key: value for key, value in finished.result.items() if key != "invocation"}
        call = modules.Call(
            host=self.host,
            session=who,
            name=name,
            params=checked.params,
            raw=options,
            check_mode=checked.check_mode,
            diff_mode=checked.diff_mode,
            environment=environment or {},
            variables=variables,
        )
        try:
            result = {"changed": False, **modules.lookup(name).function(call)}
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


def bare_host(folder: Path) -> tuple[Host, Session, list[float]]:
    """A host with nothing but its environment, a logon of its administrator, and its clock."""
    clock = [NOW]
    host = Host("win01", {}, folder / "host", clock_source=lambda: clock[0])
    host.environment.seed()
    host.files.mkdir(r"C:\Users\Administrator\AppData\Local\Temp")
    admin = host.accounts.token(host.accounts.resolve("Administrator").sid, "network")
    assert admin.is_admin
    return host, admin, clock
