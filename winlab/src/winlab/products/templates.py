"""Fresh hosts from a lab definition: a template and the roles on top of it.

Templates: `windows-server-2016`. Roles: `sql-server-2016`, `mim-sync` (a server that has run a connector for
    years), `ecma-host`,
`dotnet-4.8`, `server-core`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from winlab import programs
from winlab.errors import WinlabError
from winlab.host.registry import Value
from winlab.products import ecma_host, existing_sync, media, sql_server, windows_server

if TYPE_CHECKING:
    from winlab.host.model import Host

DEFAULT_TEMPLATE = "windows-server-2016"
TEMPLATES: dict[str, Callable[[Host], None]] = {DEFAULT_TEMPLATE: windows_server.install}


class _Context:
    """What a role may need besides the host."""

    def __init__(self, host: Host, definition: Mapping[str, Any], base_dir: Path) -> None:
        self.host = host
        self.definition = definition
        self.base_dir = base_dir

    def controller_file(self, where: str, path: str) -> bytes:
        """A file on the controller, relative to the definition."""
        full = self.base_dir / path
        try:
            return full.read_bytes()
        except OSError as error:
            raise WinlabError(
                f"{self.host.name}: {where}: {full}: {error.strerror}; expected a file. "
                "Correct the definition."
            ) from error


def _sql(context: _Context) -> None:
    sql_server.install(context.host)


def _mim(context: _Context) -> None:
    if sql_server.STATE not in context.host.products:
        sql_server.install(context.host)
    paths = [str(path) for path in context.definition.get("management_agents") or ()]
    exports = {path: context.controller_file("management_agents", path) for path in paths}
    existing_sync.install(context.host, exports)


def _ecma(context: _Context) -> None:
    host = context.host
    _dotnet(context)
    for key, name, data in ecma_host.TLS_VALUES:
        host.registry.set(key, name, Value("dword", data))
    folder = r"C:\Install\Provisioning agent"
    host.files.mkdir(folder)
    path = rf"{folder}\{ecma_host.SETUP}"
    host.files.write_bytes(path, (media.folder() / "agent" / ecma_host.SETUP).read_bytes())
    run_setup(host, [path, "/quiet"])


def _dotnet(context: _Context) -> None:
    windows_server.dotnet(context.host, windows_server.DOTNET_4_8)


def _core(context: _Context) -> None:
    host = context.host
    host.registry.set(windows_server.VERSION_KEY, "InstallationType", Value("string", "Server Core"))
    host.features.update({"Server-Gui-Mgmt-Infra": False, "Server-Gui-Shell": False})


ROLES: dict[str, Callable[[_Context], None]] = {
    "dotnet-4.8": _dotnet,
    "ecma-host": _ecma,
    "mim-sync": _mim,
    "server-core": _core,
    "sql-server-2016": _sql,
}


def build(host: Host, definition: Mapping[str, Any], secrets: Mapping[str, str], base_dir: Path) -> None:
    """Fill a new host.

    Args:
        host: a host without state.
        definition: its entry in the lab definition.
        secrets: the lab's secrets by name.
        base_dir: folder that paths in the definition are relative to.

    Raises:
        WinlabError: a template, role, secret or file that does not exist.
    """
    template = str(definition.get("template", DEFAULT_TEMPLATE))
    if template not in TEMPLATES:
        raise WinlabError(
            f"{host.name}: template: {template!r}; expected one of {', '.join(sorted(TEMPLATES))}. "
            "Correct the definition."
        )
    roles = [str(role) for role in definition.get("roles") or ()]
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise WinlabError(
            f"{host.name}: roles: {', '.join(unknown)}; expected some of {', '.join(sorted(ROLES))}. "
            "Correct the definition."
        )
    TEMPLATES[template](host)
    _administrator(host, definition, secrets)
    context = _Context(host, definition, base_dir)
    for role in roles:
        ROLES[role](context)
    for target, source in (definition.get("files") or {}).items():
        content = context.controller_file("files", str(source))
        host.files.mkdir(str(target).rpartition("\\")[0])
        host.files.write_bytes(str(target), content)
    host.touch()


def _administrator(host: Host, definition: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    wanted: Mapping[str, Any] = definition.get("administrator") or {}
    name, secret = str(wanted.get("name", "Administrator")), str(wanted.get("password", ""))
    if secret not in secrets:
        raise WinlabError(
            f"{host.name}: administrator.password: {secret or 'nothing'}; expected the name of a secret: "
            f"{', '.join(sorted(secrets)) or 'none is defined'}. List it under `secrets:`."
        )
    windows_server.enable_administrator(host, name, secrets[secret])


def run_setup(host: Host, command: list[str] | str) -> None:
    """Run a set-up as the built-in administrator at the console, as whoever built the server did.

    Raises:
        WinlabError: it does not end with 0.
    """
    result = programs.run(host, existing_sync.builder(host), command, cwd="C:\\")
    if result.rc != 0:
        shown = command if isinstance(command, str) else command[0]
        raise WinlabError(
            f"{host.name}: {shown.partition(' SERVICEPASSWORD')[0]}: exit {result.rc}; expected 0. "
            "Look at the roles of the host in the definition."
        )
