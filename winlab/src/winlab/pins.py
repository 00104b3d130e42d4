"""Which version of a module each twin is for: digests of its source, module_utils and action plugin.

The module and the utilities arrive with every task and are compared there; the action plugin runs on the
controller and is compared by `winlab pins --check` alone.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from winlab.errors import WinlabError
from winlab.manifest import Script

PINS_FILE = "pins.json"
# How module_manifest.py of ansible-core 2.19 finds the utilities that a source names.
_IN_POWERSHELL = (
    (re.compile(r"(?im)^#\s*requires\s+-modules?\s*(?P<name>Ansible\.ModuleUtils\.\S+)"), ".psm1"),
    (re.compile(r"(?im)^#\s*ansiblerequires\s+-powershell\s+(?P<name>[\w.]+)"), ".psm1"),
    (re.compile(r"(?im)^#\s*ansiblerequires\s+-csharputil\s+(?P<name>[\w.]+)"), ".cs"),
)
_IN_CSHARP = (
    (
        re.compile(r"(?im)^using\s(?P<name>Ansible\.[\w.]+|ansible_collections\.[\w.]+);\s*$"),
        ".cs",
    ),
)
_ADD_TYPE = "Ansible.ModuleUtils.AddType.psm1"
# Of a full name: namespace, collection, module.
_DOTS = 2


@dataclass(frozen=True)
class Pin:
    """Digests of one module's sources, SHA-256 in hexadecimal.

    Attributes:
        module: of the `.ps1` file.
        utils: by name, as the manifest names them.
        action: of the action plugin of the same name, empty when there is none.
    """

    module: str
    utils: Mapping[str, str] = field(default_factory=dict)
    action: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"module": self.module, "utils": dict(sorted(self.utils.items())), "action": self.action}

    def differences(self, other: Pin) -> list[str]:
        """What differs, one phrase each."""
        found = [] if self.module == other.module else ["module source"]
        for name in sorted({*self.utils, *other.utils}):
            if self.utils.get(name) != other.utils.get(name):
                found.append(f"module_utils {name}")
        return found if self.action == other.action else [*found, "action plugin"]


def pinned() -> dict[str, Pin]:
    """All pins by module name."""
    return dict(_load())


@functools.cache
def _load() -> Mapping[str, Pin]:
    text = importlib.resources.files("winlab.modules").joinpath(PINS_FILE).read_text(encoding="utf-8")
    return {
        name: Pin(item["module"], item["utils"], item.get("action", ""))
        for name, item in json.loads(text).items()
    }


_added: dict[str, Pin] = {}


def add(name: str, pin: Pin) -> None:
    """Pin a module of somebody else's, whose twin is registered outside this package."""
    _added[name] = pin


def require(name: str, script: Script, scripts: Mapping[str, Script]) -> None:
    """Refuse a module, or module_utils, that the twin was not written for.

    Args:
        name: the module's full name.
        script: its source as it came over the wire.
        scripts: everything that came with it.

    Raises:
        WinlabError: another version, or no pin at all.
    """
    pin = _load().get(name) or _added.get(name)
    if pin is None:
        raise WinlabError(
            f"winlab: {name}: a twin without a pin; expected one in winlab/modules/{PINS_FILE}. "
            f"Run `winlab pins --update {name}` once the twin has been held against the module's source."
        )
    if _digest(script) != pin.module:
        raise _other_version(name, "module source", _digest(script), pin.module)
    for util, wanted in pin.utils.items():
        found = scripts.get(util)
        if found is None or _digest(found) != wanted:
            raise _other_version(name, f"module_utils {util}", _digest(found) if found else "nothing", wanted)


def installed(name: str, search: list[Path] | None = None) -> Pin:
    """The digests of what is installed on this controller.

    Args:
        name: `<namespace>.<collection>.<module>`.
        search: folders that hold `ansible_collections`; `sys.path` without it.

    Raises:
        WinlabError: the module, or a utility that it names, is not installed.
    """
    path = module_path(name, search)
    action = path.parents[1] / "action" / f"{path.stem}.py"
    return Pin(
        module=_file_digest(path),
        utils={util: _file_digest(where) for util, where in _util_paths(name, path, search).items()},
        action=_file_digest(action) if action.is_file() else "",
    )


def module_path(name: str, search: list[Path] | None = None) -> Path:
    """The source of an installed module.

    Raises:
        WinlabError: it is not installed.
    """
    if name.count(".") < _DOTS:
        raise WinlabError(
            f"{name}: pins: no full name of a module; expected NAMESPACE.COLLECTION.MODULE. `winlab modules` "
            "lists those that have a twin."
        )
    namespace, collection, module = name.split(".", 2)
    path = _collection(namespace, collection, search) / "plugins" / "modules" / f"{module}.ps1"
    if not path.is_file():
        raise WinlabError(f"{path}: pins: no such file; expected the module {name}. Install its collection.")
    return path


def util_scripts(name: str) -> dict[str, Script]:
    """The module_utils that an installed module names, by name with and without ending."""
    found = _util_paths(name, module_path(name), None)
    scripts = {util: Script(where.name, str(where), where.read_bytes()) for util, where in found.items()}
    return {**scripts, **{util.rpartition(".")[0]: script for util, script in scripts.items()}}


def _util_paths(name: str, path: Path, search: list[Path] | None) -> dict[str, Path]:
    namespace, collection, module = name.split(".", 2)
    return _utils(path, f"ansible_collections.{namespace}.{collection}.plugins.modules.{module}", search)


def unused(names: Iterable[str]) -> list[str]:
    """The pins of modules that have no twin, sorted."""
    return sorted(set(_load()) - set(names))


def check(names: list[str]) -> list[str]:
    """What differs between pins, twins and installation, one line a module."""
    pins = _load()
    lines = [
        f"{name}: a pin without a twin; expected none. Remove it from winlab/modules/{PINS_FILE}: "
        "`winlab pins --update` of any other module does."
        for name in unused(names)
    ]
    for name in names:
        pin = pins.get(name)
        if pin is None:
            lines.append(f"{name}: no pin; expected one. Run `winlab pins --update {name}`.")
        elif differing := pin.differences(installed(name)):
            lines.append(
                f"{name}: {', '.join(differing)} differ from what the twin was written for; expected "
                "the pinned "
                f"version. Hold the twin against the new source, then run `winlab pins --update {name}`."
            )
    return lines


def update(names: list[str], twins: Iterable[str]) -> Path:
    """Write the digests of what is installed into the pin file, and drop pins that are unused.

    Args:
        names: modules to pin; a twin may be pinned before it is written.
        twins: names of all twins.

    Returns:
        The path of the file.
    """
    kept = {name: pin for name, pin in _load().items() if name not in unused(twins)}
    pins = {**kept, **{name: installed(name) for name in names}}
    path = Path(str(importlib.resources.files("winlab.modules").joinpath(PINS_FILE)))
    content = {name: pin.to_dict() for name, pin in sorted(pins.items())}
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    _load.cache_clear()
    return path


def _other_version(name: str, what: str, found: str, wanted: str) -> WinlabError:
    return WinlabError(
        f"winlab: {name}: {what}: SHA-256 {found}; expected {wanted}, the version that the twin was "
        "written for. "
        "Install that version, or hold the twin against the new source and run `winlab pins --update "
        f"{name}`."
    )


# The same bytes arrive with every task; hashing 300 kB each time would cost more than the twin itself.
_known_digests: dict[int, tuple[bytes, str]] = {}
_KNOWN_LIMIT = 512


def _digest(script: Script) -> str:
    key = hash(script.content)
    known = _known_digests.get(key)
    if known is not None and known[0] == script.content:
        return known[1]
    digest = script.sha256
    if len(_known_digests) >= _KNOWN_LIMIT:
        _known_digests.clear()
    _known_digests[key] = (script.content, digest)
    return digest


def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _collection(namespace: str, collection: str, search: list[Path] | None) -> Path:
    for folder in search if search is not None else [Path(entry) for entry in sys.path if entry]:
        path = folder / "ansible_collections" / namespace / collection
        if path.is_dir():
            return path
    raise WinlabError(
        f"{namespace}.{collection}: pins: collection not found on sys.path; expected it to be installed. "
        "Install the Python package `ansible`, or name its folder with PYTHONPATH."
    )


def _utils(path: Path, fqn: str, search: list[Path] | None) -> dict[str, Path]:
    found: dict[str, Path] = {}
    pending: list[tuple[Path, str]] = [(path, fqn)]
    while pending:
        source, owner = pending.pop()
        for name, where, qualified in _named_utils(source, owner, search):
            if name not in found:
                found[name] = where
                pending.append((where, qualified))
    return found


def _named_utils(source: Path, fqn: str, search: list[Path] | None) -> Iterator[tuple[str, Path, str]]:
    text = source.read_text(encoding="utf-8-sig")
    for pattern, extension in _IN_CSHARP if source.suffix == ".cs" else _IN_POWERSHELL:
        for match in pattern.finditer(text):
            name = match["name"]
            if name.startswith("."):
                dots = len(name) - len(name.lstrip("."))
                name = ".".join([*fqn.split(".")[:-dots], name[dots:]])
            yield f"{name}{extension}", _util_path(name, extension, search), name
    if source.suffix == ".cs":
        yield _ADD_TYPE, _util_path(_ADD_TYPE.removesuffix(".psm1"), ".psm1", search), _ADD_TYPE


def _util_path(name: str, extension: str, search: list[Path] | None) -> Path:
    if name.startswith("ansible_collections."):
        _, namespace, collection, *rest = name.split(".")
        path = _collection(namespace, collection, search).joinpath(*rest).with_name(rest[-1] + extension)
    else:
        spec = importlib.util.find_spec("ansible")
        if spec is None or not spec.submodule_search_locations:
            raise WinlabError("ansible: pins: not importable; expected ansible-core. Install it.")
        folder = "csharp" if extension == ".cs" else "powershell"
        path = Path(spec.submodule_search_locations[0]) / "module_utils" / folder / f"{name}{extension}"
    if not path.is_file():
        raise WinlabError(
            f"{path}: pins: no such file; expected module_utils {name}. Reinstall ansible-core."
        )
    return path
