"""The staging plan: one decision for each file, with its reason.

The services that stand still meanwhile; what is backed up.

Nothing of Microsoft's and nothing of unknown origin is ever replaced. Copies of a connector's files that the
service made in `Cache` (one for the service, one below it for the automatic synchronization, found by name)
follow the file they were made from, because otherwise the host goes on with the old one (domain/ecma_host.md
3.2, 3.3).
"""

from __future__ import annotations

import ntpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mim2ecma.assemblies.host import COPY_FOLDERS, HostFile, path_key
from mim2ecma.assemblies.known import is_product_name
from mim2ecma.documents.errors import Mim2EcmaError
from mim2ecma.documents.schemas import schema_name

from .owners import Owner, Owners
from .targets import declared_target_problem

SPARE_BYTES = 100 * 1024 * 1024
"""Left free on the disk beyond what is written: the service copies each connector into its cache twice."""

UNREADABLE = "its content cannot be read: the listing has no SHA-256 of it"
"""Reason of a refusal; `win_find` leaves out the sum of a file that it may not open."""

JsonObject = dict[str, object]


class Action(StrEnum):
    """What is done to a file."""

    ADD = "add"
    REPLACE = "replace"
    KEEP = "keep"
    REFUSE = "refuse"


class StagingError(Mim2EcmaError):
    """No plan can be made."""


@dataclass(frozen=True, slots=True)
class Wanted:
    r"""A file that shall lie on the host.

    Attributes:
        target: Path below the ECMA folder with `\`, or an absolute path.
        source: Path below the exported bundle with `/`.
        what: What the file is, for the reason.
        declared: Named by a person; only then may the target be an absolute path.
    """

    target: str
    source: str
    sha256: str
    bytes: int
    what: str
    declared: bool = False


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One decision."""

    target: str
    source: str | None
    sha256: str | None
    bytes: int
    action: Action
    owner: Owner
    reason: str
    replaces: HostFile | None = None

    def to_dict(self) -> JsonObject:
        """The JSON form."""
        return {
            "target": self.target,
            "source": self.source,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "action": self.action.value,
            "owner": self.owner.value,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class HostState:
    """What is known of the ECMA host.

    Attributes:
        name: Name in the inventory.
        folder: The ECMA folder.
        files: Listing of that folder with everything below it.
        ours: What earlier runs of ours staged: path and SHA-256.
        vendor: What the agent package brought, where it was listed before anything was staged.
        service: Name of the host's service, empty when unknown.
        service_state: Its state, empty when unknown.
        free_bytes: Free space of the disk, None when unknown.
    """

    name: str
    folder: str
    files: tuple[HostFile, ...]
    ours: tuple[HostFile, ...] = ()
    vendor: tuple[HostFile, ...] = ()
    service: str = ""
    service_state: str = ""
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All decisions for one management agent and one host."""

    host: HostState
    files: tuple[PlannedFile, ...]
    backup_folder: str

    @property
    def changes(self) -> tuple[PlannedFile, ...]:
        """Files that are written."""
        return tuple(file for file in self.files if file.action in {Action.ADD, Action.REPLACE})

    def to_dict(self) -> JsonObject:
        """The JSON form, keys as in docs/architecture.md (`plan`)."""
        replaced = [file.replaces for file in self.files if file.action is Action.REPLACE and file.replaces]
        return {
            "schema": schema_name("plan"),
            "host": self.host.name,
            "files": [file.to_dict() for file in self.files],
            "services": self._services(),
            "backup": {
                "folder": self.backup_folder,
                "files": [
                    {"path": file.path, "sha256": file.sha256, "bytes": file.bytes} for file in replaced
                ],
                "remove_on_rollback": [file.target for file in self.files if file.action is Action.ADD],
                "bytes": sum(file.bytes or 0 for file in replaced),
            },
        }

    def _services(self) -> list[JsonObject]:
        if not self.changes:
            return []
        stands = self.host.service_state == "stopped"
        change = "1 file changes" if len(self.changes) == 1 else f"{len(self.changes)} files change"
        return [
            {
                "name": self.host.service,
                "state": self.host.service_state or None,
                "action": "leave stopped" if stands else "stop, then start",
                "reason": (
                    f"{change}; the service does not run, ecma_stage_start_service alone starts it"
                    if stands
                    else f"{change}; a running service holds its files and keeps copies"
                ),
            }
        ]


def make_plan(
    wanted: Iterable[Wanted],
    host: HostState,
    *,
    backup_folder: str = "",
    replace: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> Plan:
    """Decide for each wanted file.

    Args:
        wanted: The files.
        host: The host.
        backup_folder: Where on the host replaced files are kept.
        replace: Targets (paths below the ECMA folder) of foreign files that a person has allowed to replace.
        keep: Targets where a person has decided that the host's file stays.

    Raises:
        StagingError: two wanted files have one target, a target is no plain path, or the disk is too full.
    """
    owners = Owners(host.ours, host.vendor)
    inventory = {file.key: file for file in host.files}
    copies = _copies(host)
    decided = _decisions(host, replace, keep)
    planned: dict[str, PlannedFile] = {}
    sources: dict[str, str] = {}
    for item in sorted(wanted, key=lambda item: (path_key(item.target), item.source)):
        target = _target(item, host)
        key = path_key(target)
        if key in planned:
            if planned[key].sha256 == item.sha256 or planned[key].action is Action.KEEP:
                continue
            raise _error(
                host.name,
                item.target,
                f"two different files for one target, '{sources[key]}' and '{item.source}'",
                "one",
                "Leave one of the two out.",
            )
        sources[key] = item.source
        existing = inventory.get(key)
        decision = _decide(item, target, existing, owners, decided.get(key))
        planned[key] = decision
        for copy in _copies_of(target, host, copies):
            if copy.key != key:
                planned[copy.key] = _decide_copy(item, copy, decision, owners)
    plan = Plan(host, tuple(planned[key] for key in sorted(planned)), backup_folder)
    _check_space(plan)
    return plan


def wanted_files(
    closure: Mapping[str, object], *, export: Wanted | None = None, bundle: str = "Extensions"
) -> list[Wanted]:
    """Turn a closure document into wanted files.

    Args:
        closure: The document, as `Closure.to_dict` gives it.
        export: The exported management agent.
        bundle: Folder of the bundle in which the fetched files lie.
    """
    found = [export] if export else []
    connector = _object(closure.get("connector"))
    name = str(connector.get("file"))
    if connector.get("supplied_by_host"):
        found.append(
            Wanted(
                name,
                f"{bundle}/{name}",
                str(connector.get("sha256")),
                _number(connector.get("bytes")),
                "the connector",
            )
        )
    for entry in _objects(closure.get("stage")):
        file = str(entry["file"])
        by = ", ".join(str(label) for label in _list(entry.get("wanted_by")))
        what = "the connector" if file == name else f"a library that {by} needs"
        found.append(
            Wanted(file, f"{bundle}/{file}", str(entry["sha256"]), _number(entry.get("bytes")), what)
        )
    for entry in _objects(closure.get("companions")):
        file = str(entry["file"])
        of = f" of {entry['of']}" if entry.get("of") else ""
        source = f"{bundle}/{file}".replace("\\", "/")
        what = f"a companion ({entry.get('kind', 'declared')}){of}"
        found.append(Wanted(file, source, str(entry["sha256"]), _number(entry.get("bytes")), what))
    return found


def _decide(
    item: Wanted, target: str, existing: HostFile | None, owners: Owners, decided: Action | None
) -> PlannedFile:
    """Decide for one target; `decided` is what a person has said about it beforehand."""
    if existing is None:
        product = (
            is_product_name(ntpath.basename(target))
            and target.casefold().endswith(".dll")
            and decided is not Action.REPLACE
        )
        reason = (
            "Microsoft delivers it with the agent package and it is not there"
            if product
            else "not on the host"
        )
        return PlannedFile(
            target=target,
            source=item.source,
            sha256=item.sha256,
            bytes=item.bytes,
            action=Action.REFUSE if product else Action.ADD,
            owner=Owner.VENDOR if product else Owner.OURS,
            reason=f"{item.what}; {reason}",
        )
    owner = owners.of(existing)
    action, reason = _judge(item, existing, owner, decided, owners.was_ours(existing.path))
    # What stays although it differs is described by what lies there: nothing is copied, so it has no source.
    stays = action is Action.KEEP and existing.sha256 != item.sha256
    return PlannedFile(
        target=existing.path,
        source=None if stays else item.source,
        sha256=existing.sha256 if stays else item.sha256,
        bytes=item.bytes,
        action=action,
        owner=owner,
        reason=f"{item.what}; {reason}",
        replaces=existing if action is Action.REPLACE else None,
    )


def _judge(
    item: Wanted, existing: HostFile, owner: Owner, decided: Action | None, was_ours: bool
) -> tuple[Action, str]:
    if existing.sha256 is None:
        answer = Action.REFUSE, UNREADABLE
    elif existing.sha256 == item.sha256:
        answer = Action.KEEP, "the host has the same file"
    elif decided is Action.KEEP:
        answer = Action.KEEP, "the host's own file stays, as decided"
    elif owner is Owner.OURS:
        answer = Action.REPLACE, "an earlier run staged another build"
    elif owner is Owner.VENDOR and is_product_name(existing.name):
        answer = Action.KEEP, "Microsoft's own file of the host stays"
    elif owner is Owner.VENDOR:
        answer = Action.REFUSE, "the agent package brought another file of that name"
    elif decided is Action.REPLACE:
        answer = Action.REPLACE, "replacing the foreign file was allowed"
    elif was_ours:
        answer = Action.REFUSE, "somebody changed the file that we staged"
    else:
        answer = Action.REFUSE, "a file of unknown origin is there"
    return answer


def _decide_copy(item: Wanted, copy: HostFile, main: PlannedFile, owners: Owners) -> PlannedFile:
    same = copy.sha256 == item.sha256
    if main.action is Action.REFUSE:
        action, reason = Action.REFUSE, f"copy of a file that is refused: {main.reason}"
    elif copy.sha256 is None and main.source is not None:
        action, reason = Action.REFUSE, f"{item.what}; {UNREADABLE}"
    elif main.owner is Owner.VENDOR or main.source is None:
        action, reason = Action.KEEP, "copy of the host's own file; the service keeps it up to date"
    elif same:
        action, reason = Action.KEEP, f"{item.what}; the copy of the service is the same"
    else:
        action, reason = Action.REPLACE, f"{item.what}; the copy of the service is another build"
    # A copy belongs to whom the file belongs that the service made it from.
    return PlannedFile(
        target=copy.path,
        source=item.source if main.source is not None else None,
        sha256=item.sha256 if main.source is not None else copy.sha256,
        bytes=item.bytes,
        action=action,
        owner=Owner.OURS if main.action is Action.ADD else main.owner,
        reason=reason,
        replaces=copy if action is Action.REPLACE else None,
    )


def _decisions(host: HostState, replace: Sequence[str], keep: Sequence[str]) -> dict[str, Action]:
    r"""What a person has decided, by the whole path; a name without a drive is below the ECMA folder."""
    found: dict[str, Action] = {}
    for names, action in ((replace, Action.REPLACE), (keep, Action.KEEP)):
        for name in names:
            problem = declared_target_problem(name, host.folder)
            key = path_key(ntpath.join(host.folder, name))
            if problem is not None or found.get(key, action) is not action:
                raise _error(
                    host.name,
                    f"decision about '{name}'",
                    f"a path that {problem}" if problem else "both keep and replace",
                    "one decision for a path below the ECMA folder or a declared one",
                    "Correct ecma_stage_keep or ecma_stage_replace.",
                )
            found[key] = action
    return found


def _copies_of(target: str, host: HostState, copies: Mapping[str, list[HostFile]]) -> list[HostFile]:
    r"""Return the copies that the service made of a file below the ECMA folder.

    They keep the part of the path below that folder, so that `de\X.resources.dll` is no copy of
    `fr\X.resources.dll`.
    """
    prefix = path_key(host.folder) + "\\"
    key = path_key(target)
    if not key.startswith(prefix):
        return []
    named = copies.get(ntpath.basename(target).casefold(), [])
    return [copy for copy in named if copy.key.endswith("\\" + key[len(prefix) :])]


def _copies(host: HostState) -> dict[str, list[HostFile]]:
    prefix = path_key(host.folder) + "\\"
    found: dict[str, list[HostFile]] = {}
    for file in host.files:
        if not file.key.startswith(prefix):
            continue
        folders = file.key[len(prefix) :].split("\\")[:-1]
        if COPY_FOLDERS & set(folders):
            found.setdefault(file.name.casefold(), []).append(file)
    return found


def _target(item: Wanted, host: HostState) -> str:
    problem = declared_target_problem(item.target, host.folder)
    if (
        problem is None
        and not item.declared
        and (ntpath.splitdrive(item.target)[0] or item.target[0] in "\\/")
    ):
        problem = "is not below the ECMA folder"
    if problem is not None:
        raise _error(
            host.name,
            f"target '{item.target}'",
            f"a path that {problem}",
            "a path below the ECMA folder, or a declared one outside of Windows and Microsoft's products",
            "Correct the target in ecma_stage_payload."
            if item.declared
            else "Rename the file on the MIM host.",
        )
    # `join` keeps a whole path as it is.
    return ntpath.normpath(ntpath.join(host.folder, item.target))


def _check_space(plan: Plan) -> None:
    free = plan.host.free_bytes
    if free is None or not plan.changes:
        return
    kept = sum(file.replaces.bytes or 0 for file in plan.files if file.replaces)
    needed = sum(file.bytes for file in plan.changes) + kept + SPARE_BYTES
    if free < needed:
        raise _error(
            plan.host.name,
            "disk of the ECMA folder",
            f"{free} bytes free",
            f"{needed} for new files and the backup",
            "Free space on the disk, then run again.",
        )


def _error(host: str, where: str, found: str, expected: str, next_step: str) -> StagingError:
    return StagingError(source=host, where=where, found=found, expected=expected, next_step=next_step)


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _objects(value: object) -> list[Mapping[str, object]]:
    return [entry for entry in _list(value) if isinstance(entry, Mapping)]


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
