"""From plans to the few lists that a playbook loops over, and from a host's listing back to what differs."""

from __future__ import annotations

import ntpath
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mim2ecma.assemblies.host import path_key, read_listing
from mim2ecma.documents.errors import UsageError
from mim2ecma.documents.printable import printable
from mim2ecma.rollout.folders import check_relative
from mim2ecma.staging.owners import Owner, Owners
from mim2ecma.staging.payload import declared_payload
from mim2ecma.staging.plan import UNREADABLE
from mim2ecma.staging.targets import declared_target_problem

_UNREADABLE = (
    "Give the account of this run the right to read it, or end the program that holds it, and run again."
)
_ADVICE = {
    "vendor": "Microsoft's files are never replaced; use a build of the connector that goes with this one.",
    "ours": "An earlier run staged it; look at the other files of the plan.",
    "foreign": (
        "Find out who brought that file. If it may go, name it in ecma_stage_replace; if it is to stay, in "
        "ecma_stage_keep."
    ),
}
ADD = "add"
REPLACE = "replace"
KEEP = "keep"
REFUSE = "refuse"


def changes(plans: Iterable[Mapping[str, Any]], ecma_folder: str) -> dict[str, Any]:
    r"""Sum up the plans of one host.

    Every file has a slot: a path below one folder that serves for what is brought and for what is backed up,
    `ecma/...` for the ECMA folder and `drives/C/...` for declared targets elsewhere.

    Args:
        plans: `{"management_agent", "plan", "source"}` each; `source` is the folder that the sources of
            the plan's files are relative to.
        ecma_folder: Folder of the connectors on the host.

    Returns:
        `payload` (slot to the file on the controller), `moves` (`from`: folder of slots with backslashes,
        `to`: folder on the host), `added`, `replaced` (targets), `backups` (`target` and `folder`, the slot's
        folder with backslashes), `folders` (those that may have to be made, outermost first), `refused`
        (files of the plans).

    Raises:
        UsageError: Two plans want different bytes in one place.
        InputError: A target is no plain path.
    """
    payload: dict[str, str] = {}
    digests: dict[str, tuple[str, str]] = {}
    added: dict[str, str] = {}
    replaced: dict[str, str] = {}
    refused: list[dict[str, Any]] = []
    for entry in plans:
        for file in entry["plan"]["files"]:
            if file["action"] == REFUSE:
                refused.append({**file, "management_agent": entry["management_agent"]})
                continue
            target = str(file["target"])
            earlier = digests.setdefault(path_key(target), (file["sha256"], entry["management_agent"]))
            if earlier[0] != file["sha256"]:
                raise UsageError(
                    source=target,
                    where=f"{earlier[1]} and {entry['management_agent']}",
                    found="two different files for one place",
                    expected="the same bytes from both management agents",
                    next_step="Bring both connectors to the same build of this file, or use two hosts.",
                )
            slot = _slot(target, ecma_folder)
            if file["action"] in {ADD, REPLACE}:
                payload[slot] = str(Path(entry["source"]) / file["source"])
                (added if file["action"] == ADD else replaced)[target] = slot
    return {
        "payload": dict(sorted(payload.items())),
        "moves": _moves(payload, ecma_folder),
        "added": sorted(added),
        "replaced": sorted(replaced),
        "backups": [
            {"target": target, "folder": ntpath.dirname(slot.replace("/", "\\"))}
            for target, slot in sorted(replaced.items())
        ],
        "folders": _folders(added, ecma_folder),
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


def refusal(file: Mapping[str, Any], host: str) -> str:
    """One refused file as one error."""
    advice = _ADVICE.get(str(file.get("owner")), _ADVICE["foreign"])
    if UNREADABLE in str(file["reason"]):
        advice = _UNREADABLE
    return printable(
        f"{host}: {file['target']}: {file['reason']}; expected a place that is free or ours for "
        f"{file['management_agent']}. {advice}",
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


def vendor_files(
    listing: Iterable[Mapping[str, Any]], ecma_folder: str, ours: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Files of the ECMA folder that the agent package brought: what a connector need not bring.

    Files of unknown origin are left out: the plan must say what it does about each of them. So is what lies
    in a folder below, where nothing looks for a library.

    Args:
        listing: Files of `ansible.windows.win_find` with SHA-256 checksums.
        ecma_folder: Folder of the connectors on the host.
        ours: What earlier runs staged: `path` and `sha256` each.
    """
    owners = Owners(read_listing(ours, "staged files"))
    found = read_listing(below(listing, ecma_folder), "ECMA folder")
    return [
        {"path": file.path, "sha256": file.sha256}
        for file in found
        if path_key(ntpath.dirname(file.path)) == path_key(ecma_folder) and owners.of(file) is Owner.VENDOR
    ]


def below(listing: Iterable[Mapping[str, Any]], *folders: str) -> list[Mapping[str, Any]]:
    """Files of a listing that lie below one of some folders of the host."""
    prefixes = tuple(path_key(folder) + "\\" for folder in folders)
    return [file for file in listing if path_key(str(file["path"])).startswith(prefixes)]


def target_folders(plans: Iterable[Mapping[str, Any]], ecma_folder: str) -> list[str]:
    """Folders outside the ECMA folder that planned files lie in, to be listed; sorted.

    Args:
        plans: As for `changes`, or bare plans.
        ecma_folder: Folder of the connectors on the host.
    """
    targets = {str(file["target"]) for entry in plans for file in entry.get("plan", entry)["files"]}
    return sorted({ntpath.dirname(target) for target in targets if not _inside(target, ecma_folder)})


def payload_folders(payload: Iterable[object], ecma_folder: str, host: str) -> list[str]:
    """Folders outside the ECMA folder that declared files go to; sorted.

    Args:
        payload: Declared payload, `source` and `target` each.
        ecma_folder: Folder of the connectors on the host.
        host: Its name.

    Raises:
        UsageError: An item has another form, or a target is where no file of ours may lie.
        InputError: A source cannot be read.
    """
    folders = set()
    for item in declared_payload(payload):
        problem = declared_target_problem(item.target, ecma_folder)
        if problem is not None:
            raise UsageError(
                source=host,
                where=f"ecma_stage_payload, target '{item.target}'",
                found=f"a path that {problem}",
                expected="a path below the ECMA folder, or one outside of Windows and Microsoft's products",
                next_step="Correct the target.",
            )
        target = ntpath.normpath(ntpath.join(ecma_folder, item.target))
        if not _inside(target, ecma_folder):
            folders.add(ntpath.dirname(target))
    return sorted(folders)


def planned_among(plans: Iterable[Mapping[str, Any]], paths: Iterable[str]) -> list[str]:
    """Those of some paths of a host that the plans bring, or keep as the wanted bytes; sorted."""
    wanted = {
        path_key(str(file["target"]))
        for entry in plans
        for file in entry.get("plan", entry)["files"]
        if file["action"] != REFUSE and file["source"]
    }
    return sorted(str(path) for path in paths if path_key(str(path)) in wanted)


def _slot(target: str, ecma_folder: str) -> str:
    if _inside(target, ecma_folder):
        slot = "ecma\\" + ntpath.normpath(target)[len(ntpath.normpath(ecma_folder)) + 1 :]
    else:
        problem = declared_target_problem(target, ecma_folder)
        if problem is not None:
            raise UsageError(
                source=target,
                where="target",
                found=f"a path that {problem}",
                expected=f"a file below {ecma_folder}, or one on a local drive outside of Windows",
                next_step="This is a defect of the plan; please report it.",
            )
        drive, rest = ntpath.splitdrive(target)
        slot = f"drives\\{drive[0].upper()}{rest}"
    return str(check_relative(slot.replace("\\", "/"), target))


def _inside(target: str, folder: str) -> bool:
    return path_key(target).startswith(path_key(folder) + "\\")


def _moves(payload: Mapping[str, str], ecma_folder: str) -> list[dict[str, str]]:
    drives = sorted({slot.split("/")[1] for slot in payload if slot.startswith("drives/")})
    moves = [{"from": "ecma", "to": ecma_folder}] if any(slot.startswith("ecma/") for slot in payload) else []
    return moves + [{"from": f"drives\\{drive}", "to": f"{drive}:"} for drive in drives]


def _folders(targets: Iterable[str], ecma_folder: str) -> list[str]:
    """Every folder above a target, down from the ECMA folder or the root of the drive."""
    found: dict[str, str] = {}
    for target in targets:
        folder = ntpath.dirname(target)
        while path_key(folder) != path_key(ecma_folder) and ntpath.splitdrive(folder)[1] != "\\":
            found[path_key(folder)] = folder
            folder = ntpath.dirname(folder)
    return [found[key] for key in sorted(found)]
