"""The run folder: what was exported from which host, and what was found out about it.

`<runs>/<inventory id>/<MIM host>/` holds `agents.json` (which management agent lies in which folder),
`Extensions/` (a mirror of that folder of the host) and one folder for each management agent
(docs/architecture.md, "The run folder").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mim2ecma.documents.errors import InputError
from mim2ecma.documents.safe_names import slug
from mim2ecma.rollout.folders import sha256

INDEX = "agents.json"
MIRROR = "Extensions"
PREDICTION = "prediction"
FOLDER_MODE = 0o700
FILE_MODE = 0o600


@dataclass(frozen=True)
class RunFolder:
    """Where one management agent lies, and what is known of it already.

    Attributes:
        folder: Its folder, or the `prediction` folder in it.
        export: The exported XML; it need not exist.
        exists: Whether there is an export.
        inspection: Content of `inspection.json`, or `None`.
        closure: Content of `closure.json`, or `None`.
    """

    folder: Path
    export: Path
    exists: bool
    inspection: dict[str, Any] | None
    closure: dict[str, Any] | None

    @property
    def assessed(self) -> bool:
        """Whether the inspection is of the very file that lies there, with a closure unless it is not ready.

        A later export leaves the documents of the one before beside it; they say nothing about it.
        """
        if self.inspection is None or not self.exists:
            return False
        if self.inspection.get("verdict") != "not-ready" and self.closure is None:
            return False
        source = self.inspection.get("source")
        return isinstance(source, dict) and source.get("sha256") == sha256(self.export)

    def to_dict(self) -> dict[str, Any]:
        """For playbooks: paths as text, and `assessed` when the export that lies there has been judged."""
        return {
            "folder": str(self.folder),
            "export": str(self.export),
            "exists": self.exists,
            "assessed": self.assessed,
            "inspection": self.inspection,
            "closure": self.closure,
        }


def read_index(host_folder: Path) -> dict[str, str]:
    """Read which management agent lies in which folder.

    Args:
        host_folder: `<runs>/<inventory id>/<MIM host>`.

    Returns:
        Name of the management agent to folder name; empty when nothing was exported from that host.

    Raises:
        InputError: The index cannot be read or names something outside.
    """
    path = host_folder / INDEX
    content = _read_json(path)
    if content is None:
        return {}
    agents = content.get("agents")
    if not isinstance(agents, dict) or any(
        not isinstance(folder, str) or Path(folder).name != folder or folder in {"", ".", ".."}
        for folder in agents.values()
    ):
        raise InputError(
            source=str(path),
            where="agents",
            found="something else than names of folders",
            expected="the index that an export writes",
            next_step="Remove the file and run playbooks/export.yml again.",
        )
    return dict(agents)


def find(host_folder: Path, management_agent: str, *, prediction: bool = False) -> RunFolder:
    """Find what is known of a management agent.

    Args:
        host_folder: `<runs>/<inventory id>/<MIM host>`.
        management_agent: Its name, as the inventory has it.
        prediction: Look at what a check-mode run exported; where none has since the last real export, look at
            that one, so that each phase alone can be predicted. `folder` is the `prediction` folder then too.

    Returns:
        The folder; `exists` is false when nothing was exported.

    Raises:
        InputError: A document in it cannot be read.
    """
    name = read_index(host_folder).get(management_agent)
    if name is None:
        nowhere = host_folder / slug(management_agent)
        return RunFolder(nowhere, nowhere / "export" / export_name(management_agent), False, None, None)
    folder = host_folder / name / PREDICTION if prediction else host_folder / name
    source = folder
    if prediction and not (folder / "export" / export_name(management_agent)).is_file():
        source = host_folder / name
    export = source / "export" / export_name(management_agent)
    return RunFolder(
        folder,
        export,
        export.is_file(),
        _read_json(source / "inspection.json"),
        _read_json(source / "closure.json"),
    )


def export_name(management_agent: str) -> str:
    """File name of an export: from the agent's name, but safe on both systems."""
    return f"{slug(management_agent)}.xml"


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise InputError(
            source=str(path),
            where="file",
            found=f"not readable as JSON ({type(problem).__name__})",
            expected="a document that this program wrote",
            next_step="Remove the file and run the phase before again.",
        ) from problem
    if not isinstance(content, dict):
        raise InputError(
            source=str(path),
            where="top",
            found=f"a {type(content).__name__}",
            expected="an object",
            next_step="Remove the file and run the phase before again.",
        )
    return content


def plans(
    inventory_folder: Path, migrations: Iterable[Mapping[str, Any]], host: str, *, prediction: bool = False
) -> list[dict[str, Any]]:
    """Read the plans of one ECMA host.

    Args:
        inventory_folder: `<runs>/<inventory id>`.
        migrations: Those that go to the host: `management_agent` and `from` each.
        host: The ECMA host's inventory name.
        prediction: Read what a check-mode run wrote.

    Returns:
        The plans that are there.

    Raises:
        InputError: A plan is missing (not in a prediction) or cannot be read.
    """
    result = []
    for migration in migrations:
        run = find(
            inventory_folder / str(migration["from"]),
            str(migration["management_agent"]),
            prediction=prediction,
        )
        path = run.folder / "to" / host / "plan.json"
        plan = _read_json(path)
        if plan is not None:
            result.append(plan)
        elif not prediction:
            raise InputError(
                source=host,
                where=str(migration["management_agent"]),
                found=f"no plan {path}",
                expected="the plan of an earlier staging",
                next_step="Run playbooks/stage.yml first.",
            )
    return result
