"""Files that a person declares beside what the closure finds.

Scripts, data source names, projects, data folders.

No reference walk can see them (domain/ecma_host.md 3.2: "related software can be more than DLLs"), so they
are named in the inventory.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from mim2ecma.documents.errors import InputError, UsageError
from mim2ecma.documents.safe_names import bare_file_name_problem

from .plan import Wanted

KEYS = frozenset({"source", "target", "management_agent"})
FILES_LIMIT = 10_000
"""More files in declared folders are a mistake in the path."""
_STEP = 1024 * 1024


def wanted_file(path: Path, target: str, source: str, what: str, *, declared: bool = False) -> Wanted:
    """Hash a file of the controller and make it a wanted file.

    Raises:
        InputError: it cannot be read.
    """
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as file:
            while step := file.read(_STEP):
                digest.update(step)
                size += len(step)
    except OSError as error:
        raise InputError(
            source=str(path),
            where="file",
            found=error.strerror or "an input error",
            expected="a readable file",
            next_step="Correct the path.",
        ) from error
    return Wanted(target, source, digest.hexdigest(), size, what, declared)


def declared_payload(items: Iterable[object]) -> list[Wanted]:
    r"""Read the declared payload.

    Args:
        items: Mappings with `source` (file or folder on the controller) and, where it is not the same name in
            the ECMA folder, `target` (path below the ECMA folder, or absolute).

    Raises:
        UsageError: an item has another form.
        InputError: a source cannot be read, or holds a link.
    """
    found: list[Wanted] = []
    for number, item in enumerate(items, start=1):
        found_instead = _item_problem(item)
        if found_instead is not None or not isinstance(item, Mapping):
            raise UsageError(
                source="extra payload",
                where=f"item {number}",
                found=found_instead or "no mapping",
                expected="source, and target where it differs",
                next_step="Correct the variable.",
            )
        source = Path(item["source"])
        target = str(item.get("target") or source.name)
        if target.endswith("\\") and not source.is_dir():
            target += source.name
        if source.is_dir():
            found += _folder(source, target)
        else:
            found.append(wanted_file(source, target, str(source), "declared payload", declared=True))
        if len(found) > FILES_LIMIT:
            raise _unfit(source, f"more than {FILES_LIMIT} files")
    return found


def _item_problem(item: object) -> str | None:
    """Say what is wrong with an item. An empty source would mean the folder of the run."""
    if not isinstance(item, Mapping):
        return type(item).__name__
    unknown = sorted(str(key) for key in set(item) - KEYS)
    if unknown:
        return f"the key '{unknown[0]}'"
    source = item.get("source")
    if not isinstance(source, str) or not source.strip():
        return "no source" if source is None or isinstance(source, str) else f"source {type(source).__name__}"
    return None


def _folder(source: Path, target: str) -> Iterable[Wanted]:
    for folder, folders, files in os.walk(source):
        folders.sort()
        for name in [*folders, *sorted(files)]:
            path = Path(folder) / name
            if path.is_symlink():
                raise _unfit(path, "a symbolic link")
            problem = bare_file_name_problem(name)
            if problem is not None:
                raise _unfit(path, f"a name that {problem}")
        for name in sorted(files):
            path = Path(folder) / name
            parts = path.relative_to(source).parts
            inner = "\\".join([target.rstrip("\\"), *parts])
            yield wanted_file(path, inner, str(path), "declared payload", declared=True)


def _unfit(path: Path, found: str) -> InputError:
    return InputError(
        source=str(path),
        where="declared payload",
        found=found,
        expected="plain files and folders that Windows can hold",
        next_step="Correct the folder or declare single files.",
    )
