"""The record of a run: who was touched, what changed, what the evidence is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mim2ecma.documents.schemas import dumps, schema_name
from mim2ecma.rollout.folders import sha256, write_text

SIMULATED_VENDOR = "winlab"
"""What a simulated host gives as its system vendor (docs/architecture.md, "Rules for simulated hosts")."""

_ARTEFACTS = ("export", "inspection.json", "closure.json", "SHA256SUMS")


@dataclass
class Phase:
    """Counts of one phase: results that changed something, results that failed, results in all."""

    name: str
    changed: int = 0
    failed: int = 0
    tasks: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Keys as in docs/architecture.md."""
        return {"name": self.name, "changed": self.changed, "failed": self.failed, "tasks": self.tasks}


@dataclass
class Run:
    """What the callback collects while a run goes on.

    Attributes:
        run_id: Identifies the run.
        started: UTC, ISO 8601.
        check_mode: Whether nothing was to be changed.
        inventory: Its id.
        ticket: Number of the change, if one was given.
        evidence: Host to `simulated` or `windows <build>`.
        phases: In the order in which they began.
        refused: Whether a judgement stopped the run, not an accident.
        accepted: Rules of readiness that somebody accepted knowingly, each with the reason.
        narrowed: Whether hosts or tasks were left out by the command line (`--limit`, `--tags` and the like).
    """

    run_id: str
    started: str
    check_mode: bool
    inventory: str | None = None
    ticket: str | None = None
    evidence: dict[str, str] = field(default_factory=dict)
    phases: dict[str, Phase] = field(default_factory=dict)
    refused: bool = False
    accepted: dict[str, str] = field(default_factory=dict)
    narrowed: bool = False

    def phase(self, name: str) -> Phase:
        """The phase of that name, made when it is new."""
        return self.phases.setdefault(name, Phase(name))

    def learn(self, host: str, facts: Mapping[str, Any]) -> None:
        """Note what kind of machine a host is, from the facts that Ansible gathered."""
        kernel = str(facts.get("ansible_kernel") or "")
        vendor = str(facts.get("ansible_system_vendor") or "")
        if vendor.casefold() == SIMULATED_VENDOR:
            self.evidence[host] = "simulated"
        elif kernel:
            self.evidence[host] = f"windows {kernel}"

    def outcome(self) -> str:
        """How the run ended, one word of the record's list."""
        failed = any(phase.failed for phase in self.phases.values())
        if failed:
            return "refused" if self.refused else "failed"
        if self.check_mode:
            return "predicted"
        return "partly" if self.narrowed else "complete"

    def to_dict(
        self, finished: str, hosts: Iterable[str], artefacts: Iterable[Mapping[str, str]]
    ) -> dict[str, Any]:
        """The record document for one run folder.

        Args:
            finished: UTC, ISO 8601.
            hosts: Hosts that it speaks of.
            artefacts: `path` and `sha256` of the files that the run rests on.
        """
        return {
            "schema": schema_name("record"),
            "run_id": self.run_id,
            "ticket": self.ticket,
            "started": self.started,
            "finished": finished,
            "check_mode": self.check_mode,
            "inventory": self.inventory,
            "hosts": [
                {"name": host, "evidence": self.evidence[host]}
                for host in sorted(hosts)
                if host in self.evidence
            ],
            "phases": [phase.to_dict() for phase in self.phases.values()],
            "artefacts": list(artefacts),
            "accepted": dict(sorted(self.accepted.items())),
            "outcome": self.outcome(),
        }


def write(run: Run, folder: Path, hosts: Iterable[str], finished: str) -> Path:
    """Write the record of one ECMA host, and keep it among the earlier ones.

    Args:
        run: What was collected.
        folder: `to/<ECMA host>` of a run folder.
        hosts: The hosts that this record speaks of.
        finished: UTC, ISO 8601.

    Returns:
        The record's path.
    """
    text = dumps(
        "record", run.to_dict(finished, hosts, artefacts(folder)), source=str(folder / "record.json")
    )
    write_text(folder / "records" / _file_name(run), text)
    write_text(folder / "record.json", text)
    return folder / "record.json"


def write_unplaced(run: Run, root: Path, finished: str) -> Path:
    """Write the record of a run that ended before it was about any management agent.

    Args:
        run: What was collected.
        root: `<runs>/<inventory id>`.
        finished: UTC, ISO 8601.

    Returns:
        The record's path, in `records/` of the inventory's folder.
    """
    path = root / "records" / _file_name(run)
    write_text(path, dumps("record", run.to_dict(finished, run.evidence, []), source=str(path)))
    return path


def _file_name(run: Run) -> str:
    stamp = run.started.replace("-", "").replace(":", "")
    return f"{stamp}-{run.run_id}.json"


def artefacts(folder: Path) -> list[dict[str, str]]:
    """Files of the run folder that a record of `to/<ECMA host>` rests on, with their SHA-256, sorted."""
    agent = folder.parent.parent
    files = [folder / "plan.json"]
    for name in _ARTEFACTS:
        path = agent / name
        files += sorted(path.rglob("*")) if path.is_dir() else [path]
    return sorted(
        (
            {"path": path.relative_to(agent).as_posix(), "sha256": sha256(path)}
            for path in files
            if path.is_file()
        ),
        key=lambda entry: entry["path"],
    )
