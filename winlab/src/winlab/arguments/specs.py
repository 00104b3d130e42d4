"""The option specification of a module, read from the module's own source as it came over the wire.

Sources: `$spec` of each module, the web request fragment of ansible.windows' WebRequest.psm1, and for the
few values
that are no literals the lines named below. Merging and defaults follow Ansible.Basic.cs (ansible-core 2.19).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from winlab.arguments.psdata import DataError, Expression, read
from winlab.errors import NotModelled
from winlab.manifest import Script

BASIC_MARK = re.compile(r"^#AnsibleRequires\s+-CSharpUtil\s+Ansible\.Basic\b", re.IGNORECASE | re.MULTILINE)
_CREATE = re.compile(
    r"\[Ansible\.Basic\.AnsibleModule\]::Create\(\s*\$args\s*,\s*\$(?P<spec>\w+)\s*"
    r"(?:,\s*@\((?P<fragments>[^)]*)\)\s*)?\)"
)
_WINDOWS_UTILS = "ansible_collections.ansible.windows.plugins.module_utils"
_FRAGMENT_FUNCTIONS = {
    # function -> name of the util that defines it
    "Get-AnsibleWindowsWebRequestSpec": f"{_WINDOWS_UTILS}.WebRequest.psm1",
}
# Delegates in the real specification: win_service.ps1, [Func[[Object], [UInt32]]] { [UInt32]$args[0] }, and
# win_pssession_configuration.ps1 lines 9-22, one `Parse` of .NET each.
UINT32, GUID, VERSION, INT64, DOUBLE = "uint32", "guid", "version", "int64", "double"
DELEGATES = (UINT32, GUID, VERSION, INT64, DOUBLE)

# Values that are no literals, by their text: (module, expression) -> value.
_KNOWN_EXPRESSIONS: dict[tuple[str, str], Any] = {
    # win_service.ps1: $uint32Type
    ("ansible.windows.win_service", "$uint32Type"): UINT32,
    # win_certificate_info.ps1: the names of System.Security.Cryptography.X509Certificates.StoreLocation
    ("ansible.windows.win_certificate_info", "$store_location_values"): ["CurrentUser", "LocalMachine"],
    # win_package.ps1: keys of $providerInfo in its order, then auto
    ("ansible.windows.win_package", '$providerInfo.Keys + "auto"'): [
        "msi",
        "msix",
        "msp",
        "registry",
        "auto",
    ],
    **{
        ("community.windows.win_pssession_configuration", f"$type.{kind}"): kind
        for kind in (GUID, VERSION, INT64, DOUBLE)
    },
}
# `$a + $b`: a new hashtable with the keys of both.
_SUM = re.compile(r"\$\w+(?:\s*\+\s*\$\w+)+")
# setup.ps1 adds every option that it does not know as type raw before it creates the module.
TAKES_ANY_OPTION = frozenset({"ansible.windows.setup"})


@dataclass(frozen=True)
class Spec:
    """One level of a specification, a module's or that of an option; defaults are filled in."""

    options: Mapping[str, Spec] = field(default_factory=dict)
    type: str = "str"
    elements: str | None = None
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    aliases: tuple[str, ...] = ()
    deprecated_aliases: tuple[Mapping[str, Any], ...] = ()
    no_log: bool = False
    apply_defaults: bool = False
    supports_check_mode: bool = False
    mutually_exclusive: tuple[tuple[str, ...], ...] = ()
    required_together: tuple[tuple[str, ...], ...] = ()
    required_one_of: tuple[tuple[str, ...], ...] = ()
    required_if: tuple[tuple[Any, ...], ...] = ()
    required_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    removed_in_version: str | None = None
    removed_from_collection: str | None = None


_LISTS = ("mutually_exclusive", "required_together", "required_one_of")
_KNOWN_KEYS = frozenset(Spec.__dataclass_fields__) | {"removed_at_date"}


def is_basic(source: str) -> bool:
    """Whether a module uses Ansible.Basic; the others read their arguments with Get-AnsibleParam."""
    return BASIC_MARK.search(source) is not None and "[Ansible.Basic.AnsibleModule]::Create(" in source


def has_fragments(source: str) -> bool:
    """Whether the module merges option fragments of module_utils."""
    match = _CREATE.search(source)
    return match is not None and bool(match["fragments"])


def spec_of(name: str, script: Script, scripts: Mapping[str, Script]) -> Spec:
    """The specification of a module that uses Ansible.Basic.

    Args:
        name: the module's full name.
        script: its source.
        scripts: everything that came with it, for the fragments.

    Raises:
        NotModelled: the specification is made in a way that is not known.
    """
    return _read_spec(name, script.text, _fragment_sources(name, script, scripts))


def literals_of(
    name: str, script: Script, scripts: Mapping[str, Script]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The specification and its fragments as data, not yet merged; for a comparison with the real class.

    Raises:
        NotModelled: as `spec_of`.
    """
    return _literals(name, script.text, _fragment_sources(name, script, scripts))


def _fragment_sources(
    name: str, script: Script, scripts: Mapping[str, Script]
) -> tuple[tuple[str, str], ...]:
    match = _CREATE.search(script.text)
    sources = []
    for function in re.findall(r"[\w-]+", match["fragments"] or "") if match else []:
        util = scripts.get(_FRAGMENT_FUNCTIONS.get(function, ""))
        if util is None:
            raise NotModelled(f"option fragment {function} of {name}", "See winlab/arguments/specs.py.")
        sources.append((function, util.text))
    return tuple(sources)


@functools.lru_cache(maxsize=256)
def _read_spec(name: str, source: str, fragments: tuple[tuple[str, str], ...]) -> Spec:
    data, parts = _literals(name, source, fragments)
    for part in parts:
        _merge(data, part)
    return _spec(name, data)


def _literals(
    name: str, source: str, fragments: tuple[tuple[str, str], ...]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match = _CREATE.search(source)
    if match is None:
        raise NotModelled(
            f"the option specification of {name}", "No AnsibleModule::Create($args, $spec) was found."
        )
    data = _literal(name, source, rf"^\s*\${match['spec']}\s*=\s*(?=@\{{)")
    # The literal is what the function's body returns; the comment above it holds an example.
    parts = [
        _literal(name, text, rf"^Function {function} \{{.*?#>\s*^\s*(?=@\{{)") for function, text in fragments
    ]
    return _resolved_all(name, data, source), [_resolved_all(name, part, "") for part in parts]


def _literal(name: str, source: str, pattern: str) -> dict[str, Any]:
    match = re.search(pattern, source, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    if match is None:
        raise NotModelled(f"the option specification of {name}", f"Nothing matches {pattern}.")
    try:
        value, _ = read(source, match.end())
    except DataError as error:
        raise NotModelled(f"the option specification of {name}", f"{error}.") from error
    if not isinstance(value, dict):
        raise NotModelled(f"the option specification of {name}", "It is no hashtable.")
    return value


def _merge(into: dict[str, Any], fragment: Mapping[str, Any]) -> None:
    """MergeFragmentSpec: keys are added, lists appended, values that are there stay."""
    for key, value in fragment.items():
        if key not in into:
            into[key] = value
        elif isinstance(value, dict):
            _merge(into[key], value)
        elif isinstance(value, list):
            into[key] = [*_as_list(into[key]), *value]


def _spec(name: str, data: Mapping[str, Any]) -> Spec:
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in _KNOWN_KEYS:
            raise NotModelled(
                f"specification key {key} of {name}", "Ansible.Basic.cs of ansible-core 2.19 has none."
            )
        if key == "options":
            values[key] = {option: _spec(name, spec) for option, spec in value.items()}
        elif key == "required_by":
            values[key] = {option: tuple(_as_list(others)) for option, others in value.items()}
        elif key in _LISTS:
            values[key] = tuple(tuple(_as_list(item)) for item in _as_list(value))
        elif key == "required_if":
            values[key] = tuple(tuple(item) for item in _as_list(value))
        elif key in ("choices", "aliases", "deprecated_aliases"):
            values[key] = tuple(_as_list(value))
        elif key != "removed_at_date":
            values[key] = value
    return Spec(**values)


def _resolved_all(name: str, value: Any, source: str) -> Any:
    """The same with every known expression replaced by its value."""
    if isinstance(value, dict):
        return {key: _resolved_all(name, item, source) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved_all(name, item, source) for item in value]
    if not isinstance(value, Expression):
        return value
    if source and _SUM.fullmatch(value.text):
        return _sum(name, value.text, source)
    try:
        return _KNOWN_EXPRESSIONS[name, value.text]
    except KeyError:
        raise NotModelled(
            f"the value {value.text} in the option specification of {name}",
            "Add it to _KNOWN_EXPRESSIONS of winlab/arguments/specs.py.",
        ) from None


def _sum(name: str, text: str, source: str) -> dict[str, Any]:
    """Hashtables that are literals of their own, added: win_pssession_configuration.ps1 line 91."""
    total: dict[str, Any] = {}
    for variable in re.findall(r"\w+", text):
        part = _literal(name, source, rf"^\s*\${variable}\s*=\s*(?=@\{{)")
        if twice := sorted(set(part) & set(total)):
            # PowerShell refuses the sum: "Item has already been added".
            raise NotModelled(f"the option specification of {name}", f"{text} has {', '.join(twice)} twice.")
        total |= _resolved_all(name, part, source)
    return total


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
