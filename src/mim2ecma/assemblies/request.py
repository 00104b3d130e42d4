"""The closure as the outside asks for it: plain values in, the `closure` document out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from mim2ecma.documents.errors import UsageError
from mim2ecma.documents.findings import accepted, in_order, rule_number
from mim2ecma.documents.safe_names import bare_file_name_problem

from . import known
from .bindings import Bindings, read_bindings
from .closure import Sought, Surroundings
from .drawing import draw
from .host import read_listing
from .search import Folder, Place, Search
from .walk import close, what_the_host_has

ACCEPTABLE = frozenset(f"C{number}" for number in range(1, 26)) - {"C12", "C21"}
"""A file that is no connector, and a name that could leave its folder, are never accepted."""


def closure_document(
    connector: str,
    *,
    search: Iterable[str] = (),
    host: Iterable[object] = (),
    ours: Iterable[object] = (),
    bin: str = "",
    gac: Iterable[str] = (),
    framework: str = known.DEFAULT_FRAMEWORK,
    mim_config: str = "",
    service_config: str = "",
    wizard_config: str = "",
    declared: Iterable[str] = (),
    accept: Mapping[str, str] | None = None,
) -> dict[str, object]:
    r"""Make the `closure` document.

    Args:
        connector: The connector's DLL on the controller, or its bare name, which is then looked for in
            `search`. The name may be written in another case than the file's, as Windows allows
            (domain/ma_xml.md 0.4).
        search: Folders fetched from MIM's `Extensions`, best first.
        host: Names or listing of what lies in the ECMA folder.
        ours: What earlier runs staged there: `path` and `sha256` each.
        bin: Folder fetched from MIM's `Bin`; its `Assemblies` folder is searched too.
        gac: Fetched roots of the global assembly cache (`%windir%\assembly`,
            `%windir%\Microsoft.NET\assembly`).
        framework: Version of .NET Framework on the ECMA host.
        mim_config: Fetched `miiserver.exe.config`.
        service_config: Fetched configuration of the ECMA host's service.
        wizard_config: Fetched configuration of its wizard.
        declared: Names of further files to bring from the searched folders.
        accept: Findings accepted knowingly, id to reason; they stand in the document too. An accepted error
            becomes a warning, an accepted warning an information.

    Raises:
        AssemblyError: the connector cannot be read.
        InputError: a folder or configuration cannot be read.
        UsageError: an argument makes no sense.
    """
    extensions = [Path(folder) for folder in search]
    path = _locate(connector, extensions)
    folders, mim = _mim_folders(extensions or [path.parent], bin, gac, mim_config)
    surroundings = Surroundings(
        search=Search(folders),
        host=what_the_host_has(read_listing(host, "ECMA folder"), read_listing(ours, "staged files")),
        framework=nearest_framework(framework),
        installed=framework,
        mim=mim,
        service=_bindings(service_config),
        wizard=_bindings(wizard_config),
        declared=tuple(declared),
    )
    _check_accepted(accept or {})
    closure = close(path, surroundings)
    findings = in_order(accepted(closure.findings, accept or {}))
    return replace(closure, findings=findings).to_dict() | {"accepted": dict(sorted((accept or {}).items()))}


def unsettled(
    connector: str, *, search: Iterable[str], bin: str = "", gac: Iterable[str] = (), mim_config: str = ""
) -> tuple[Sought, ...]:
    """Say which names a connector needs that `Extensions` does not settle, whatever the ECMA host has.

    Args:
        connector: As for `closure_document`, and so are the others.
        search: Folder fetched from `Extensions`.
        bin: What was fetched of `Bin`.
        gac: What was fetched of the assembly cache.
        mim_config: Fetched `miiserver.exe.config`.

    Raises:
        AssemblyError: the connector cannot be read.
        InputError: a folder or configuration cannot be read.
        UsageError: an argument makes no sense.
    """
    folders, mim = _mim_folders([Path(folder) for folder in search], bin, gac, mim_config)
    path = _locate(connector, [folder for folder, place in folders if place is Place.EXTENSIONS])
    return close(path, Surroundings(search=Search(folders), mim=mim)).unsettled


def drawing(closure: Mapping[str, object]) -> str:
    """Draw a `closure` document as SVG.

    Raises:
        UsageError: it is no closure document.
    """
    connector = closure.get("connector")
    if not isinstance(connector, Mapping) or not isinstance(connector.get("file"), str):
        raise UsageError(
            source="closure_drawing",
            where="input",
            found="something else",
            expected="a closure document",
            next_step="Give the result of assembly_closure.",
        )
    return draw(closure)


def nearest_framework(version: str) -> str:
    """Return the newest listed version that is not above the given one (4.7.1 is judged as 4.6.2)."""
    wanted = tuple(int(part) for part in version.split(".") if part.isdigit())
    fitting = [name for name in known.frameworks() if tuple(map(int, name.split("."))) <= wanted]
    if not fitting or wanted[0] != 4:
        raise UsageError(
            source="framework",
            where="version",
            found=f"'{version}'",
            expected=f"{known.frameworks()[0]} or a newer 4.x",
            next_step="Give the version of .NET Framework on the ECMA host, such as 4.8.",
        )
    return fitting[-1]


def _locate(connector: str, folders: list[Path]) -> Path:
    """Find the connector.

    A bare name, as it comes from an export, is looked for in the searched folders alone where there are any:
    a file of that name in the folder in which the program happens to run is another one.
    """
    path = Path(connector)
    bare = path.name == connector
    if path.exists() and not (bare and folders):
        return path
    if bare and bare_file_name_problem(connector) is not None:
        raise UsageError(
            source="closure",
            where="connector",
            found=f"the name '{connector}', which {bare_file_name_problem(connector)}",
            expected="the plain name of a file",
            next_step="Check the management agent's extension-config/filename.",
        )
    for folder in folders if bare else [path.parent]:
        found = Folder(folder, Place.EXTENSIONS).file(path.name) if folder.is_dir() else None
        if found is not None:
            return found
    # Reading it says what is wrong; in a searched folder, so that no other file of that name is read.
    return folders[0] / connector if bare and folders else path


def _mim_folders(
    extensions: list[Path], bin_folder: str, gac: Iterable[str], mim_config: str
) -> tuple[list[tuple[Path, Place]], Bindings | None]:
    mim = _bindings(mim_config)
    folders = [(folder, Place.EXTENSIONS) for folder in extensions]
    if bin_folder:
        folders.append((Path(bin_folder), Place.BIN))
        folders += _below_bin(Path(bin_folder), mim)
    folders += [(Path(root), Place.GAC) for root in gac]
    return folders, mim


def _below_bin(folder: Path, mim: Bindings | None) -> list[tuple[Path, Place]]:
    r"""Return `Bin\Assemblies` and the probing paths of `miiserver.exe.config`, as far as they were fetched.

    A probing path is taken part by part from listings, so that none leads out of the folder.
    """
    found = []
    for path in dict.fromkeys(("Assemblies", *(mim.probing if mim else ()))):
        inner: Folder | None = Folder(folder, Place.BIN)
        for part in path.replace("\\", "/").split("/"):
            inner = inner.folder(part) if inner else None
        if inner is not None:
            found.append((inner.path, Place.BIN_ASSEMBLIES))
    return found


def _check_accepted(accept: Mapping[str, str]) -> None:
    for name, reason in accept.items():
        if name not in ACCEPTABLE or not reason.strip():
            raise UsageError(
                source="accept",
                where=name,
                found="no reason" if name in ACCEPTABLE else "no finding that can be accepted",
                expected=f"a reason for one of {', '.join(sorted(ACCEPTABLE, key=rule_number))}",
                next_step="docs/closure.md says what each finding means.",
            )


def _bindings(path: str) -> Bindings | None:
    return read_bindings(Path(path)) if path else None
