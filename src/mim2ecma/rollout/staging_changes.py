"""From plans to the few lists that a playbook loops over, and from a host's listing back to what differs."""

from __future__ import annotations

import json
import ntpath
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mim2ecma.documents.errors import UsageError
from mim2ecma.documents.printable import printable
from mim2ecma.rollout.folders import check_relative

ADD = "add"
REPLACE = "replace"
KEEP = "keep"
REFUSE = "refuse"


def changes(plans: Iterable[Mapping[str, Any]], ecma_folder: str) -> dict[str, Any]:
    """Sum up the plans of one host.

    Args:
        plans: `{"management_agent", "plan", "source"}` each; `source` is the folder that the sources of
            the plan's files are relative to.
        ecma_folder: Folder of the connectors on the host; every target lies below it.

    Returns:
        `payload` (path relative to the folder, with `/`, to the file on the controller), `added`, `replaced`
        (targets), `replaced_relative`, `backup_folders` (relative, with backslashes), `refused` (files of the
        plans).

    Raises:
        UsageError: A target lies elsewhere, or two plans want different bytes in one place.
    """
    payload: dict[str, str] = {}
    digests: dict[str, tuple[str, str]] = {}
    added: set[str] = set()
    replaced: set[str] = set()
    refused: list[dict[str, Any]] = []
    for entry in plans:
        for file in entry["plan"]["files"]:
            if file["action"] == REFUSE:
                refused.append({**file, "management_agent": entry["management_agent"]})
                continue
            relative = _relative(file["target"], ecma_folder)
            key = relative.casefold()
            earlier = digests.setdefault(key, (file["sha256"], entry["management_agent"]))
            if earlier[0] != file["sha256"]:
                raise UsageError(
                    source=file["target"],
                    where=f"{earlier[1]} and {entry['management_agent']}",
                    found="two different files for one place",
                    expected="the same bytes from both management agents",
                    next_step="Bring both connectors to the same build of this file, or use two hosts.",
                )
            if file["action"] in {ADD, REPLACE}:
                payload[relative] = str(Path(entry["source"]) / file["source"])
                (added if file["action"] == ADD else replaced).add(file["target"])
    replaced_relative = sorted(ntpath.relpath(target, ecma_folder) for target in replaced)
    return {
        "payload": dict(sorted(payload.items())),
        "added": sorted(added),
        "replaced": sorted(replaced),
        "replaced_relative": replaced_relative,
        "backup_folders": sorted({ntpath.dirname(name) for name in replaced_relative}),
        "refused": refused,
    }


def differences(plans: Iterable[Mapping[str, Any]], listing: Iterable[Mapping[str, Any]]) -> list[str]:
    """Compare what should lie on a host with what does.

    Args:
        plans: As for `changes`, or bare plans.
        listing: Files of `ansible.windows.win_find` with SHA-256 checksums.

    Returns:
        Targets that are missing or have other bytes, sorted.
    """
    present = {str(file["path"]).casefold(): str(file.get("checksum", "")).lower() for file in listing}
    wanted = {
        file["target"]: file["sha256"]
        for entry in plans
        for file in entry.get("plan", entry)["files"]
        if file["action"] in {ADD, REPLACE, KEEP} and file["sha256"] and file["source"]
    }
    return sorted(target for target, digest in wanted.items() if present.get(target.casefold()) != digest)


def manifest(plans: Iterable[Mapping[str, Any]], earlier: Sequence[Mapping[str, Any]]) -> str:
    """Text of the file that says what on a host is ours.

    Args:
        plans: As for `changes`.
        earlier: What the manifest held before: `{"path", "sha256"}` each.

    Returns:
        JSON, sorted by path, so that the same state gives the same bytes.
    """
    entries = {str(entry["path"]).casefold(): dict(entry) for entry in earlier}
    for item in plans:
        for file in item["plan"]["files"]:
            ours = file["action"] in {ADD, REPLACE} or (file["action"] == KEEP and file["owner"] == "ours")
            if ours and file["sha256"]:
                entries[file["target"].casefold()] = {"path": file["target"], "sha256": file["sha256"]}
    return json.dumps([entries[key] for key in sorted(entries)], indent=1) + "\n"


def refusal(file: Mapping[str, Any], host: str) -> str:
    """One refused file as one error."""
    return printable(
        f"{host}: {file['target']}: {file['reason']}; expected a place that is free or ours for "
        f"{file['management_agent']}. Look at who brought that file, and leave it out of the connector's "
        "folder or use another host.",
        None,
    )


def service_folder(image: str) -> str:
    """Folder of a service's program.

    Args:
        image: `path_name` of the service: quoted or not, with arguments or without.

    Returns:
        The folder, without a separator at its end.
    """
    text = image.strip()
    if text.startswith('"'):
        text = text[1:].split('"', 1)[0]
    else:
        lowered = text.lower()
        end = lowered.find(".exe")
        text = text[: end + len(".exe")] if end >= 0 else text
    return ntpath.dirname(text)


def closure_files(closure: Mapping[str, Any], mirror: str, export: str) -> dict[str, str]:
    """Files that belong together with an export: the XML, the connector, what is staged with it.

    Args:
        closure: The closure document.
        mirror: Folder on the controller that holds the host's `Extensions`.
        export: The exported XML.

    Returns:
        Path below `export/` to the file on the controller.

    Raises:
        InputError: A name in the closure is no plain path below `Extensions`.
    """
    files = {Path(export).name: export}
    named = [closure["connector"], *closure["stage"], *closure["companions"]]
    for entry in named:
        details = entry if isinstance(entry, Mapping) else {"file": entry}
        relative = str(check_relative(str(details["file"]).replace("\\", "/"), "closure.json"))
        # What was not found in Extensions says itself where on the controller it lies.
        files[f"Extensions/{relative}"] = str(details.get("source") or Path(mirror) / relative)
    return files


def _relative(target: str, folder: str) -> str:
    prefix = folder.rstrip("\\") + "\\"
    if not target.casefold().startswith(prefix.casefold()):
        raise UsageError(
            source=target,
            where="target",
            found="a place elsewhere",
            expected=f"a file below {folder}",
            next_step="This is a defect of the plan; please report it.",
        )
    return str(check_relative(target[len(prefix) :].replace("\\", "/"), target))
