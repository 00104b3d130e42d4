r"""What connectors need from their MIM host beyond `Extensions`: files of `Bin` and of the assembly cache.

`Extensions` is fetched whole. `Bin` and the global assembly cache hold thousands of files that no connector
needs, so only those are fetched that a reference leads to which `Extensions` does not settle: exactly the
files that `mim2ecma.assemblies.search` would look at (domain/mim_sync.md 5, domain/ma_xml.md 13.3). A file
that was fetched may need others; the role asks again until nothing new is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from mim2ecma.assemblies import request
from mim2ecma.assemblies.bindings import read_bindings
from mim2ecma.assemblies.closure import Sought
from mim2ecma.assemblies.names import AssemblyName
from mim2ecma.assemblies.search import GAC_KINDS, LIBRARY_SUFFIXES
from mim2ecma.documents.errors import InputError, Mim2EcmaError
from mim2ecma.readiness import inspect
from mim2ecma.rollout.exports import listing
from mim2ecma.rollout.folders import sha256, synchronise
from mim2ecma.rollout.run_folder import MIRROR, export_name, read_index
from mim2ecma.staging.archive import unpack

BIN = "Bin"
CACHES = ("GAC/v4", "GAC/v2")
r"""Mirrors of the two roots: `Microsoft.NET\assembly` first, which a program of CLR 4 looks into first."""
CONFIGURATION = "miiserver.exe.config"
NAMES_LIMIT = 1000
"""More names than that to look for on a server come from no connector; the largest has about 80 libraries."""


@dataclass(frozen=True)
class Fetched:
    """Folders of one MIM host on the controller as arguments of `assembly_closure`; empty where none is."""

    search: tuple[str, ...]
    bin: str = ""
    gac: tuple[str, ...] = ()
    mim_config: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For playbooks."""
        return {
            "search": list(self.search),
            "bin": self.bin,
            "gac": list(self.gac),
            "mim_config": self.mim_config,
        }


@dataclass(frozen=True)
class Need:
    """What is to be looked for and fetched.

    Attributes:
        patterns: Regular expressions for `win_find` over the assembly cache; empty when `Extensions` and
            `Bin` are all that is needed.
        wanted: Path below the host's mirrors to SHA-256 of each file that belongs there.
        fetch: (path on the host, path below the mirrors) of those that are not there yet.
        stale: Whether the mirrors hold anything else.
    """

    patterns: tuple[str, ...]
    wanted: Mapping[str, str] = field(default_factory=dict)
    fetch: tuple[tuple[str, str], ...] = ()
    stale: bool = False


def fetched(host_folder: Path) -> Fetched:
    """Say what was fetched from a MIM host.

    Args:
        host_folder: `<runs>/<inventory id>/<MIM host>`.
    """
    configuration = host_folder / BIN / CONFIGURATION
    return Fetched(
        search=(str(host_folder / MIRROR),),
        bin=str(host_folder / BIN) if (host_folder / BIN).is_dir() else "",
        gac=tuple(str(host_folder / name) for name in CACHES if (host_folder / name).is_dir()),
        mim_config=str(configuration) if configuration.is_file() else "",
    )


def need(
    host_folder: Path,
    exports: Iterable[Mapping[str, Any]],
    files: Sequence[Mapping[str, Any]],
    bin_root: str,
    cache_roots: Sequence[str],
) -> Need:
    """Compare what the connectors of some exports need with what was fetched.

    Args:
        host_folder: `<runs>/<inventory id>/<MIM host>`.
        exports: `management_agent` and `folder` of each, as `exports.store` gives them.
        files: Listing (`path`, `checksum`) of `Bin` and, as far as it was looked through, of the assembly
            cache.
        bin_root: Path of `Bin` on the host.
        cache_roots: Paths of the two roots of the assembly cache, the one of CLR 4 first.

    Raises:
        InputError: A name in the listing is no plain path, or there are too many names to look for.
    """
    sought = _sought(host_folder, exports)
    if len(sought) > NAMES_LIMIT:
        raise InputError(
            source=host_folder.name,
            where="references of the connectors",
            found=f"{len(sought)} names that Extensions does not have",
            expected=f"at most {NAMES_LIMIT}",
            next_step="Look at the connector's DLL with mim2ecma closure; it is none that could work.",
        )
    probing = _probing(host_folder)
    roots = {bin_root: BIN, **dict(zip(cache_roots, CACHES, strict=True))}
    paths: dict[str, str] = {}
    wanted: dict[str, str] = {}
    for root, mirror in roots.items():
        prefix = root.rstrip("\\").casefold() + "\\"
        below = [file for file in files if str(file["path"]).casefold().startswith(prefix)]
        reached = partial(_reached, mirror=mirror, sought=sought, probing=probing)
        for name, digest in listing(below, root, wanted=reached).items():
            wanted[f"{mirror}/{name}"] = digest
            paths[f"{mirror}/{name}"] = root.rstrip("\\") + "\\" + name.replace("/", "\\")
    present = _present(host_folder)
    fetch = tuple(
        (paths[name], name)
        for name, digest in sorted(wanted.items())
        if name not in present or sha256(present[name]) != digest
    )
    return Need(_patterns(sought), wanted, fetch, stale=bool(set(present) - set(wanted)))


def store(host_folder: Path, found: Need, archive: Path | None) -> bool:
    """Keep what was fetched; nothing is written unless all of it is as the host listed it.

    Args:
        host_folder: `<runs>/<inventory id>/<MIM host>`.
        found: The need that was answered.
        archive: ZIP with each file of `found.fetch` in a folder of its number (`0`, `1`, ...), None when only
            stale files are to go.

    Returns:
        Whether anything changed.

    Raises:
        InputError: The archive or a file in it is not what was asked for.
    """
    incoming = host_folder / ".incoming-beyond"
    sources = dict(_present(host_folder))
    try:
        if archive is not None:
            unpack(archive, incoming)
        for number, (path, name) in enumerate(found.fetch):
            source = incoming / str(number) / PurePosixPath(name).name
            if not source.is_file() or sha256(source) != found.wanted[name]:
                raise InputError(
                    source=host_folder.name,
                    where=path,
                    found="other bytes than the host listed",
                    expected="the SHA-256 of the listing",
                    next_step="Run playbooks/export.yml again when nobody works on that server.",
                )
            sources[name] = source
        changed = False
        for mirror in (BIN, *CACHES):
            inside = {
                name.removeprefix(f"{mirror}/"): sources[name]
                for name in found.wanted
                if name.startswith(f"{mirror}/")
            }
            if inside or (host_folder / mirror).is_dir():
                changed = bool(synchronise(host_folder / mirror, inside)) or changed
    finally:
        _remove(incoming)
    return changed


def _sought(host_folder: Path, exports: Iterable[Mapping[str, Any]]) -> tuple[Sought, ...]:
    """Walk the connectors of these exports and of earlier ones, which share the mirrors."""
    options = fetched(host_folder).to_dict()
    folders = {agent: host_folder / folder for agent, folder in read_index(host_folder).items()}
    folders |= {str(export["management_agent"]): Path(str(export["folder"])) for export in exports}
    found: dict[Sought, None] = {}
    for agent, folder in sorted(folders.items()):
        path = folder / "export" / export_name(agent)
        if not path.is_file():
            continue
        inspection = inspect(path)
        connector = (
            inspection.management_agent.configuration.extension.filename
            if inspection.management_agent
            else None
        )
        if not connector:
            continue
        try:
            found |= dict.fromkeys(request.unsettled(connector, **options))
        except Mim2EcmaError:
            continue  # the assessment reads the same connector and says what is wrong with it
    return tuple(found)


def _probing(host_folder: Path) -> tuple[str, ...]:
    path = host_folder / BIN / CONFIGURATION
    try:
        probing = read_bindings(path).probing if path.is_file() else ()
    except Mim2EcmaError:
        probing = ()  # told by the assessment, which reads it again
    return tuple(part.replace("\\", "/").strip("/").casefold() for part in ("Assemblies", *probing))


def _reached(name: str, mirror: str, sought: Iterable[Sought], probing: Sequence[str]) -> bool:
    """Whether the search for one of the names would look at this file."""
    key = name.casefold()
    if mirror != BIN:
        return any(_in_cache(key, entry.name) for entry in sought if not entry.module)
    if key == CONFIGURATION:
        return True
    folder, _, file = key.rpartition("/")
    for entry in sought:
        names = [entry.name.key] if entry.module else [entry.name.key + suffix for suffix in LIBRARY_SUFFIXES]
        inner = "" if entry.module else entry.name.key
        for place in ("", *probing):
            if file in names and folder in {place, f"{place}/{inner}".strip("/")}:
                return True
    return False


def _in_cache(key: str, name: AssemblyName) -> bool:
    r"""Whether a path is `<kind>\<name>\[v4.0_]<version>_<culture>_<token>\<name>.dll` of this very name."""
    parts = key.split("/")
    if not name.is_strong or len(parts) != 4 or parts[0] not in {kind.casefold() for kind in GAC_KINDS}:
        return False
    identity = f"{name.version_text}_{name.culture}_{name.public_key_token}".casefold()
    return (
        parts[1] == name.key
        and parts[2] in {identity, f"v4.0_{identity}"}
        and parts[3] in {name.key + suffix for suffix in LIBRARY_SUFFIXES}
    )


def _patterns(sought: Iterable[Sought]) -> tuple[str, ...]:
    """Names to look for in the assembly cache; native code and weak names are not in it."""
    names = sorted({entry.name.name for entry in sought if not entry.module and entry.name.is_strong})
    return tuple(rf"^{re.escape(name)}\.(dll|exe)$" for name in names)


def _present(host_folder: Path) -> dict[str, Path]:
    return {
        path.relative_to(host_folder).as_posix(): path
        for mirror in (BIN, *CACHES)
        for path in (host_folder / mirror).rglob("*")
        if path.is_file()
    }


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    if folder.is_dir():
        folder.rmdir()
