"""The staging plan as the outside asks for it: plain values in, the `plan` document out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mim2ecma.assemblies.host import read_listing

from .payload import declared_payload, wanted_file
from .plan import HostState, StagingError, make_plan, wanted_files


def plan_document(
    inspection: Mapping[str, Any],
    closure: Mapping[str, Any],
    inventory: Iterable[object],
    *,
    host: str,
    ecma_folder: str,
    export: str = "",
    ours: Iterable[object] = (),
    vendor: Iterable[object] = (),
    service: str = "",
    service_state: str = "",
    backup: str = "",
    free_bytes: int | None = None,
    payload: Iterable[object] = (),
    replace: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> dict[str, object]:
    """Make the `plan` document.

    Args:
        inspection: The `inspection` document of the management agent.
        closure: The `closure` document of its connector.
        inventory: Listing of the ECMA folder with all below it (`ansible.windows.win_find`, SHA-256).
        host: Name of the ECMA host.
        ecma_folder: Its ECMA folder.
        export: Exported XML on the controller; planned under its own name when given.
        ours: What earlier runs staged: `path` and `sha256` each.
        vendor: What the agent package brought, where known.
        service: Name of the host's service.
        service_state: Its state.
        backup: Folder on the host for what is replaced.
        free_bytes: Free space of the disk of the ECMA folder.
        payload: Declared payload, `source` and `target` each; an item with a `management_agent` is for that
            one alone.
        replace: Foreign files that may be replaced.
        keep: Files of the host that stay, as a person decided.

    Raises:
        StagingError: closure and inspection do not belong together, or no plan can be made.
        UsageError: an argument has another form.
        InputError: a file of the controller cannot be read.
    """
    _check_pair(inspection, closure, host)
    xml = None
    if export:
        path = Path(export)
        xml = wanted_file(path, path.name, path.name, "the exported management agent")
    state = HostState(
        name=host,
        folder=ecma_folder,
        files=read_listing(inventory, host),
        ours=read_listing(ours, f"{host}, staged files"),
        vendor=read_listing(vendor, f"{host}, files of the agent package"),
        service=service,
        service_state=service_state,
        free_bytes=None if free_bytes is None else int(free_bytes),
    )
    agent = str((inspection.get("management_agent") or {}).get("name") or "")
    wanted = [*wanted_files(closure, export=xml), *declared_payload(_of_agent(payload, agent))]
    return make_plan(wanted, state, backup_folder=backup, replace=replace, keep=keep).to_dict()


def _of_agent(payload: Iterable[object], agent: str) -> list[object]:
    return [
        item
        for item in payload
        if not isinstance(item, Mapping) or item.get("management_agent") in {None, "", agent}
    ]


def _check_pair(inspection: Mapping[str, Any], closure: Mapping[str, Any], host: str) -> None:
    agent = inspection.get("management_agent") or {}
    named = str(agent.get("connector_dll") or "")
    file = str((closure.get("connector") or {}).get("file") or "")
    if named.casefold() != file.casefold():
        raise StagingError(
            source=host,
            where="closure",
            found=f"the connector '{file}'",
            expected=f"'{named}', which the management agent names",
            next_step="Run playbooks/assess.yml again.",
        )
