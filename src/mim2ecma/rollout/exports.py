"""Keep what was fetched from a MIM host: exports by their identity, connectors' files by their SHA-256."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mim2ecma.documents.errors import InputError
from mim2ecma.documents.safe_names import agent_folder_name
from mim2ecma.readiness import Inspection, inspect
from mim2ecma.rollout.folders import check_relative, make_folder, sha256, synchronise, write_copy, write_text
from mim2ecma.rollout.run_folder import INDEX, MIRROR, PREDICTION, export_name, read_index
from mim2ecma.staging.archive import unpack


@dataclass(frozen=True)
class StoredExport:
    """One export in its run folder; `kept` when the stored file is the same management agent and stayed."""

    management_agent: str
    folder: Path
    ma_sha256: str
    kept: bool

    def to_dict(self) -> dict[str, Any]:
        """For playbooks."""
        return {
            "management_agent": self.management_agent,
            "folder": str(self.folder),
            "ma_sha256": self.ma_sha256,
            "kept": self.kept,
        }


@dataclass(frozen=True)
class Stored:
    """What was kept of an archive, and whether anything differed from before."""

    exports: tuple[StoredExport, ...]
    changed: bool


def listing(
    files: Iterable[Mapping[str, Any]],
    root: str,
    other_roots: Sequence[str] = (),
    *,
    wanted: Callable[[str], bool] = lambda name: True,
) -> dict[str, str]:
    """Turn a host's listing into relative names and SHA-256.

    Args:
        files: `path` and `checksum` of each, as `ansible.windows.win_find` gives them.
        root: The folder that was listed.
        other_roots: Folders that were listed with it; what lies below them is left out.
        wanted: Says of a path below the folder whether the file is needed; the others are left out.

    Returns:
        Path below the folder, with `/`, to SHA-256 in lower case.

    Raises:
        InputError: A path is not below the folder, a part of it is no plain file name, or a wanted file could
            not be read, so that `win_find` has no sum of it.
    """
    prefix = root.rstrip("\\") + "\\"
    others = tuple(other.rstrip("\\").casefold() + "\\" for other in other_roots)
    result = {}
    for file in files:
        path = str(file["path"])
        if path.casefold().startswith(others):
            continue
        if not path.casefold().startswith(prefix.casefold()):
            raise InputError(
                source=path,
                where="listing",
                found="a file elsewhere",
                expected=f"files below {root}",
                next_step="Look for a junction in that folder of the host.",
            )
        name = str(check_relative(path[len(prefix) :].replace("\\", "/"), path))
        if not wanted(name):
            continue
        if not file.get("checksum"):
            raise InputError(
                source=path,
                where="listing",
                found="no SHA-256, so that its content cannot be read",
                expected="a file that the account of this run may read and no program holds",
                next_step=(
                    "Give the account the right to read it, end the program that holds it, or move it "
                    "away if no connector needs it; then run playbooks/export.yml again."
                ),
            )
        result[name] = str(file["checksum"]).lower()
    return result


def same_extensions(host_folder: Path, wanted: Mapping[str, str]) -> bool:
    """Whether the mirror of a host's `Extensions` holds exactly the files that the host has."""
    mirror = host_folder / MIRROR
    present = {path.relative_to(mirror).as_posix(): path for path in mirror.rglob("*") if path.is_file()}
    return set(present) == set(wanted) and all(sha256(path) == wanted[name] for name, path in present.items())


def store(
    host_folder: Path,
    archive: Path,
    management_agents: Sequence[str],
    wanted: Mapping[str, str],
    *,
    prediction: bool = False,
) -> Stored:
    """Keep what an archive holds; nothing is written unless all of it is as expected.

    Args:
        host_folder: `<runs>/<inventory id>/<MIM host>`.
        archive: ZIP with `ma-<n>.xml` for each management agent and, when its files were to be fetched,
            `Extensions`.
        management_agents: Names, in the order of those files.
        wanted: What `Extensions` of the host holds, from `listing`.
        prediction: Keep the exports in the `prediction` folders.

    Returns:
        Where each export lies and whether anything changed.

    Raises:
        InputError: The archive, an export or a connector's file is not what was asked for.
    """
    make_folder(host_folder)
    with tempfile.TemporaryDirectory(dir=host_folder, prefix=".incoming-") as name:
        incoming = Path(name) / "archive"
        unpack(archive, incoming)
        inspections = [
            _read_export(incoming / f"ma-{index}.xml", agent, host_folder.name)
            for index, agent in enumerate(management_agents)
        ]
        changed = _store_extensions(host_folder, incoming / MIRROR, wanted)
        exports = []
        index_entries = read_index(host_folder)
        for number, (agent, inspection) in enumerate(zip(management_agents, inspections, strict=True)):
            stored = _store_export(
                host_folder, incoming / f"ma-{number}.xml", agent, inspection, prediction=prediction
            )
            index_entries[agent] = stored.folder.parent.name if prediction else stored.folder.name
            exports.append(stored)
            changed = changed or not stored.kept
        write_text(
            host_folder / INDEX, json.dumps({"agents": dict(sorted(index_entries.items()))}, indent=1) + "\n"
        )
    return Stored(tuple(exports), changed)


def _read_export(path: Path, agent: str, host: str) -> Inspection:
    if not path.is_file():
        raise InputError(
            source=host,
            where=f"management agent {agent}",
            found="no file from maexport.exe",
            expected="one XML file",
            next_step="Run maexport.exe on the host by hand and read what it says.",
        )
    inspection = inspect(path)
    if inspection.unreadable:
        finding = inspection.findings[0]
        raise InputError(
            source=f"{host}: export of {agent}",
            where=finding.where,
            found=finding.found,
            expected=finding.expected,
            next_step=finding.next_step,
        )
    name = inspection.management_agent.name if inspection.management_agent else None
    if name != agent or not inspection.management_agent or not inspection.management_agent.id:
        raise InputError(
            source=f"{host}: export of {agent}",
            where="ma-data/name",
            found=f"{name!r}" if name else "no management agent",
            expected=f"{agent!r} with its GUID",
            next_step="Run maexport.exe on the host by hand and look at the file.",
        )
    return inspection


def _store_extensions(host_folder: Path, fetched: Path, wanted: Mapping[str, str]) -> bool:
    if not fetched.is_dir():
        if wanted and not same_extensions(host_folder, wanted):
            raise InputError(
                source=host_folder.name,
                where="Extensions",
                found="files that changed while they were read",
                expected="the files of the listing",
                next_step="Run playbooks/export.yml again when nobody works on that server.",
            )
        return False
    names = {path.relative_to(fetched).as_posix(): path for path in fetched.rglob("*") if path.is_file()}
    wrong = sorted(
        name for name in {*names, *wanted} if name not in names or sha256(names[name]) != wanted.get(name)
    )
    if wrong:
        raise InputError(
            source=host_folder.name,
            where=f"Extensions\\{wrong[0]}",
            found="other bytes than the host listed",
            expected="the SHA-256 of the listing",
            next_step="Run playbooks/export.yml again when nobody works on that server.",
        )
    return bool(synchronise(host_folder / MIRROR, names))


def _store_export(
    host_folder: Path, source: Path, agent: str, inspection: Inspection, *, prediction: bool
) -> StoredExport:
    description = inspection.management_agent
    assert description is not None  # noqa: S101 - _read_export has refused exports without one
    try:
        folder = host_folder / agent_folder_name(agent, description.id or "")
    except ValueError as problem:
        raise InputError(
            source=f"{host_folder.name}: export of {agent}",
            where="ma-data/id",
            found=description.id or "nothing",
            expected="a GUID in braces",
            next_step="Run maexport.exe on the host by hand and look at the file.",
        ) from problem
    identity = inspection.source.ma_sha256
    stored = folder / "export" / export_name(agent)
    if prediction:
        folder = folder / PREDICTION
        if _same(stored, identity):
            # A real run would keep the stored file, time stamp and all; so it is what is predicted.
            source = stored
    target = folder / "export" / export_name(agent)
    kept = _same(target, identity) and not (prediction and source == stored)
    if not kept:
        kept = target.is_file() and sha256(target) == sha256(source)
    if not kept:
        write_copy(source, target)
    if not prediction:
        # What was predicted before says nothing any more; run_folder.find then predicts from this export.
        (folder / PREDICTION / "export" / export_name(agent)).unlink(missing_ok=True)
    return StoredExport(agent, folder, identity or "", kept)


def _same(export: Path, identity: str | None) -> bool:
    """Whether a stored file is the management agent of that identity; without one, nothing is the same."""
    return identity is not None and export.is_file() and inspect(export).source.ma_sha256 == identity
