"""Twins: Python imitations of Windows modules, one a module, found by the name in Ansible's manifest.

A twin module lies beside this file and registers itself with `@twin`; the files are imported at the first
look-up.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from winlab import returns
from winlab.errors import NotModelled, WinlabError

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

TwinFunction = Callable[["Call"], dict[str, Any]]

# `ansible_collections.<namespace>.<collection>.plugins.modules.<name>.ps1`, the manifest's Script key
# (module_manifest.py of ansible-core 2.19, winrm_wire.md 1.5).
_SCRIPT_KEY = re.compile(
    r"\Aansible_collections\.(?P<collection>\w+\.\w+)\.plugins\.modules\.(?P<name>[\w.]+)\.ps1\Z"
)
# A module that a role brings along in its folder `library`.
_OWN_KEY = re.compile(r"\A(?P<name>ansible\.legacy\.\w+)\.ps1\Z")


@dataclass(frozen=True)
class Call:
    """One invocation of a module on a host.

    Attributes:
        host: the host that is changed.
        session: the logon the module runs in (after become).
        name: the module's full name, such as `ansible.windows.win_stat`.
        params: arguments after the check (defaults, conversions, aliases); for legacy modules as typed.
        raw: arguments exactly as typed, without Ansible's own `_ansible_*` keys.
        check_mode: whether nothing may be changed.
        diff_mode: whether a diff is wanted.
        verbosity: number of `-v`.
        environment: the task's `environment:`.
        tmpdir: `_ansible_tmpdir`, empty when the action made none.
        sources: source texts that came with the manifest, by name (module_utils too).
        internal: Ansible's own arguments, without their `_ansible_` prefix.
        variables: the environment variables that the module's process sees.
    """

    host: Host
    session: Session
    name: str
    params: dict[str, Any]
    raw: dict[str, Any]
    check_mode: bool = False
    diff_mode: bool = False
    verbosity: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    tmpdir: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    internal: dict[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    def expand(self, text: str) -> str:
        """Replace each `%NAME%` that is set, as ExpandEnvironmentVariables does."""
        return expand_variables(text, self.variables)


def expand_variables(text: str, variables: Mapping[str, str]) -> str:
    """Replace each `%NAME%` that is set; names are case-insensitive, unknown ones stay as they are."""
    folded = {name.casefold(): value for name, value in variables.items()}
    parts = text.split("%")
    out = [parts[0]]
    position = 1
    while position < len(parts):
        value = folded.get(parts[position].casefold()) if position + 1 < len(parts) else None
        if value is None:
            out.append("%" + parts[position])
            position += 1
        else:
            out.append(value + parts[position + 1])
            position += 2
    return "".join(out)


@dataclass(frozen=True)
class Twin:
    """A registered imitation.

    Attributes:
        name: the module's full name.
        function: what is called.
        locked: whether the host's lock is held during the call; one that waits takes the lock itself.
    """

    name: str
    function: TwinFunction
    locked: bool


_twins: dict[str, Twin] = {}
_load_lock = threading.Lock()
_loaded = threading.Event()


def twin(name: str, *, locked: bool = True) -> Callable[[TwinFunction], TwinFunction]:
    """Register the decorated function as the imitation of a module.

    Args:
        name: `<namespace>.<collection>.<module>`, as in the manifest.
        locked: whether the host's lock is held while it runs; False for modules that wait for something.

    Raises:
        ValueError: another function has that name already.
    """

    def register(function: TwinFunction) -> TwinFunction:
        known = _twins.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            raise ValueError(
                f"twin {name}: registered by {known.function.__module__} and {function.__module__}"
            )
        _twins[name] = Twin(name, returns.checked(name, function), locked)
        return function

    return register


def lookup(name: str) -> Twin:
    """The twin of a module.

    Raises:
        NotModelled: winlab has no twin of that name.
    """
    if name not in _twins:
        _import(name.rpartition(".")[2])
    if name not in _twins:
        load()
    try:
        return _twins[name]
    except KeyError:
        raise NotModelled(
            f"module {name}",
            "`winlab modules` lists the twins; a new one is a function with @twin in winlab/modules/.",
        ) from None


def names() -> list[str]:
    """The full names of all twins, sorted."""
    load()
    return sorted(_twins)


def load() -> None:
    """Import every module of this package once, so that its twins register."""
    if _loaded.is_set():
        return
    with _load_lock:
        if _loaded.is_set():
            return
        for info in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
            _import(info.name)
        _loaded.set()


def _import(module: str) -> None:
    """Import one file of this package, if it is there."""
    if importlib.util.find_spec(f"{__name__}.{module}") is None:
        return
    try:
        importlib.import_module(f"{__name__}.{module}")
    except (ImportError, SyntaxError) as error:
        raise WinlabError(
            f"winlab/modules/{module}.py: import: {error}; expected a module with twins. "
            "Mend the file; nothing that it registers is there until then."
        ) from error


def module_name(script_key: str) -> str | None:
    """The module's name for a manifest's Script key, None when the key is no module's."""
    if match := _OWN_KEY.match(script_key):
        return match["name"]
    match = _SCRIPT_KEY.match(script_key)
    return f"{match['collection']}.{match['name']}" if match else None
