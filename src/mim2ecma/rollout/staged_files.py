"""The list of what is ours on an ECMA host, and what a run that was cut short has left in it.

While files are swapped the list holds both, what was ours and what is about to be, and the state that the
service is to have again. So a run that is cut short at any moment leaves nothing behind that the next one
would take for somebody else's, nor a service that stays stopped.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mim2ecma.assemblies.host import path_key
from mim2ecma.documents.errors import InputError
from mim2ecma.rollout.staging_changes import ADD, KEEP, REPLACE

BEFORE = "before"
FILES = "files"
SERVICE = "service"


def read(content: str, listing: Iterable[Mapping[str, Any]], host: str, path: str) -> dict[str, Any]:
    """Read the list.

    Args:
        content: Its bytes in base64, as `slurp` gives them; empty where there is no list.
        listing: Files that lie on the host, with SHA-256 checksums.
        host: Inventory name.
        path: Path of the list on the host.

    Returns:
        `ours` (`path` and `sha256` each), `interrupted` (whether the run that wrote it was cut short) and
        `service` (the state that the service had before that run, else empty).

    Raises:
        InputError: It is no list that a run wrote.
    """
    if not content:
        return {"ours": [], "interrupted": False, SERVICE: ""}
    try:
        found = json.loads(base64.b64decode(content).decode("utf-8-sig"))
        if isinstance(found, list):
            return {"ours": _entries(found), "interrupted": False, SERVICE: ""}
        before, files = _entries(found[BEFORE]), _entries(found[FILES])
        service = str(found[SERVICE])
    except (ValueError, TypeError, KeyError):
        raise InputError(
            source=host,
            where=path,
            found="not the list that a run writes",
            expected="JSON with path and sha256 of each file that was staged",
            next_step="Find out who changed it; a backup of the host may have it. Without one, remove the "
            "file: each file that was staged is then told as unknown, and ecma_stage_replace takes it over.",
        ) from None
    return {"ours": _resolved(before, files, listing), "interrupted": True, SERVICE: service}


def begun(plans: Iterable[Mapping[str, Any]], before: Sequence[Mapping[str, Any]], service: str) -> str:
    """Text of the list while files are swapped.

    Args:
        plans: As for `staging_changes.changes`: what is ours once all files are in place.
        before: What is ours until then: `path` and `sha256` each.
        service: State that the service is to have again.
    """
    return _text({BEFORE: list(before), FILES: _after(plans, before), SERVICE: service})


def finished(plans: Iterable[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> str:
    """Text of the list once all files are in place; arguments as for `begun`.

    Returns:
        JSON, sorted by path, so that the same state gives the same bytes.
    """
    return _text(_after(plans, before))


def _text(content: object) -> str:
    return json.dumps(content, indent=1) + "\n"


def _after(plans: Iterable[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    result = {path_key(str(entry["path"])): dict(entry) for entry in before}
    for item in plans:
        for file in item["plan"]["files"]:
            ours = file["action"] in {ADD, REPLACE} or (file["action"] == KEEP and file["owner"] == "ours")
            if ours and file["sha256"]:
                result[path_key(file["target"])] = {"path": file["target"], "sha256": file["sha256"]}
    return [result[key] for key in sorted(result)]


def _entries(found: object) -> list[dict[str, str]]:
    if not isinstance(found, list):
        raise TypeError
    return [{"path": str(entry["path"]), "sha256": str(entry["sha256"])} for entry in found]


def _resolved(
    before: list[dict[str, str]], files: list[dict[str, str]], listing: Iterable[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """What is ours in each place: the earlier file where it still lies there, else the one to come."""
    present = {path_key(str(file["path"])): str(file.get("checksum") or "").lower() for file in listing}
    result = {path_key(entry["path"]): entry for entry in files}
    for entry in before:
        key = path_key(entry["path"])
        if key not in result or present.get(key) == entry["sha256"]:
            result[key] = entry
    return [result[key] for key in sorted(result)]
