r"""What a lab definition may say: names, keys, types and ranges, each refused in one sentence.

Every check takes the file, the place in it and what stands there. Keys that a template of somebody
else reads (`package.module:function`) are its own affair; those that the host itself reads are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from winlab.errors import WinlabError
from winlab.host import audit, neighbours
from winlab.host.drives import DEFAULT_SIZE, GIB

Check = Callable[[Path, str, Any], None]

TOP_KEYS = frozenset({"secrets", "hosts", "scripts"})
# It becomes the name of folders, of a certificate and of an inventory host.
_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]|[._](?=[A-Za-z0-9-])){0,62}")
# Microsoft's page "Naming conventions in Active Directory for computers, domains, sites, and OUs".
_COMPUTER_NAME = re.compile(r"(?!\d+\Z)(?!-)[A-Za-z0-9-]{1,15}(?<!-)")
_LETTER = re.compile(r"[A-Za-z](?::\\?)?")
_UNC = re.compile(r'\\\\[^\\/:*?"<>|\s]+\\[^\\/:*?"<>|]+\\?')
_HOST_PATH = re.compile(r"[A-Za-z]:\\[^\\].*", re.DOTALL)
_BEHAVIOUR = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_LABEL_LIMIT = 32  # of NTFS, Microsoft's page "label"
# What a set-up can be told to end with: as it would, a fatal error, a restart that is wanted.
_SETUP_EXIT_CODES = (0, 1603, 3010)
_MAX_NUMBER = 2**31 - 1


def check(path: Path, content: Mapping[str, Any]) -> None:
    """Check a whole definition; `hosts` is known to be a mapping that is not empty.

    Raises:
        WinlabError: the first thing that means nothing.
    """
    refuse_unknown(path, "top level", content, TOP_KEYS)
    _each(_text)(path, "secrets", content.get("secrets"))
    seen: set[str] = set()
    for name in content.get("secrets") or ():
        if name in seen:
            raise wrong(path, "secrets", f"{name} twice", "each name once")
        seen.add(name)
    for name, entry in content["hosts"].items():
        if not _HOST_NAME.fullmatch(str(name)):
            expected = "a name of up to 63 letters, digits, '-', '.' and '_'"
            raise WinlabError(f"{path}: hosts: {str(name)!r}; expected {expected}. Rename the host.")
        if not isinstance(entry, dict):
            raise wrong(path, f"hosts.{name}", type(entry).__name__, "a mapping")
        _check_host(path, f"hosts.{name}", entry)
    _each(_script)(path, "scripts", content.get("scripts"))


def refuse_unknown(path: Path, where: str, entry: Mapping[Any, Any], known: frozenset[str]) -> None:
    """Refuse keys that mean nothing.

    Raises:
        WinlabError: there are some.
    """
    unknown = sorted(str(key) for key in set(entry) - known)
    if unknown:
        raise WinlabError(
            f"{path}: {where}: unknown key {', '.join(unknown)}; expected {', '.join(sorted(known))}. "
            "Correct the name."
        )


def wrong(path: Path, where: str, found: str, expected: str) -> WinlabError:
    """The refusal of something in a definition."""
    return WinlabError(f"{path}: {where}: {found}; expected {expected}. Correct it.")


def _check_host(path: Path, where: str, entry: dict[str, Any]) -> None:
    template = entry.get("template")
    if template is not None:
        _text(path, f"{where}.template", template)
    foreign = ":" in str(template or "")
    if not foreign:
        refuse_unknown(path, where, entry, frozenset(_HOST_KEYS) | _TEMPLATE_KEYS.keys() | {"template"})
    for key, known in _HOST_KEYS.items():
        if entry.get(key) is not None:
            known(path, f"{where}.{key}", entry[key])
    for key, known in _TEMPLATE_KEYS.items():
        if not foreign and entry.get(key) is not None:
            known(path, f"{where}.{key}", entry[key])


# Kinds of values -------------------------------------------------------------------------------------


def _text(path: Path, where: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise wrong(path, where, _shown(value), "a text")


def _any_text(path: Path, where: str, value: Any) -> None:
    if not isinstance(value, str):
        raise wrong(path, where, _shown(value), "a text")


def _boolean(path: Path, where: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise wrong(path, where, _shown(value), "true or false")


def _matching(pattern: re.Pattern[str], expected: str) -> Check:
    def matches(path: Path, where: str, value: Any) -> None:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise wrong(path, where, _shown(value), expected)

    return matches


def _number(least: float, expected: str, *, whole: bool = False) -> Check:
    kinds = (int,) if whole else (int, float)

    def fits(path: Path, where: str, value: Any) -> None:
        # NaN is neither below nor above anything.
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= _MAX_NUMBER:
            raise wrong(path, where, _shown(value), expected)

    return fits


def _each(inner: Check) -> Check:
    def fits(path: Path, where: str, value: Any) -> None:
        if value is not None and not isinstance(value, list):
            raise wrong(path, where, _shown(value), "a list")
        for position, item in enumerate(value or ()):
            inner(path, f"{where}[{position}]", item)

    return fits


def _values(inner: Check, key: Check | None = None) -> Check:
    def fits(path: Path, where: str, value: Any) -> None:
        for name, item in _mapping(path, where, value).items():
            if key is not None:
                key(path, where, name)
            inner(path, f"{where}.{name}", item)

    return fits


def _record(known: Mapping[str, Check]) -> Check:
    def fits(path: Path, where: str, value: Any) -> None:
        entry = _mapping(path, where, value)
        refuse_unknown(path, where, entry, frozenset(known))
        for key, item in entry.items():
            known[key](path, f"{where}.{key}", item)

    return fits


def _mapping(path: Path, where: str, value: Any) -> dict[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong(path, where, type(value).__name__, "a mapping")
    return value


def _shown(value: Any) -> str:
    return type(value).__name__ if isinstance(value, dict | list) else repr(value)


# The keys --------------------------------------------------------------------------------------------


def _audit_policy(path: Path, where: str, value: Any) -> None:
    policy = _mapping(path, where, value)
    refuse_unknown(path, where, policy, frozenset(audit.DEFAULTS))
    for subcategory, setting in policy.items():
        if setting not in audit.SETTINGS:
            raise wrong(path, f"{where}.{subcategory}", repr(setting), f"one of {', '.join(audit.SETTINGS)}")


def _exit_code(path: Path, where: str, value: Any) -> None:
    if isinstance(value, bool) or value not in _SETUP_EXIT_CODES:
        raise wrong(path, where, repr(value), f"one of {', '.join(map(str, _SETUP_EXIT_CODES))}")


def _drives(path: Path, where: str, value: Any) -> None:
    seen: set[str] = set()
    for letter, options in _mapping(path, where, value).items():
        _matching(_LETTER, "the letter of a drive")(path, where, letter)
        if letter[0].upper() in seen:
            raise wrong(path, where, f"{letter[0].upper()} twice", "each drive once")
        seen.add(letter[0].upper())
        inside = f"{where}.{letter}"
        _DRIVE(path, inside, options)
        settings = options or {}
        size = settings.get("size_gib", DEFAULT_SIZE / GIB)
        if settings.get("free_gib", 0) > size:
            raise wrong(
                path,
                f"{inside}.free_gib",
                repr(settings["free_gib"]),
                f"at most the size of the drive, {size:g}",
            )


def _label(path: Path, where: str, value: Any) -> None:
    if not isinstance(value, str) or len(value) > _LABEL_LIMIT:
        raise wrong(path, where, _shown(value), f"a text of up to {_LABEL_LIMIT} characters")


def _listener(path: Path, where: str, value: Any) -> None:
    if not isinstance(value, bool):
        _LISTENER(path, where, value)


def _web(path: Path, where: str, value: Any) -> None:
    neighbours.checked(path, where, value)


def _script(path: Path, where: str, value: Any) -> None:
    _SCRIPT(path, where, value)
    entry = _mapping(path, where, value)
    if "behaviour" not in entry or not {"path", "sha256"} & set(entry):
        found = ", ".join(sorted(entry)) or "nothing"
        raise wrong(path, where, found, "behaviour, and path or sha256 or both")


_GIB = _number(0, "a number of GiB, 0 or more")
_DRIVE = _record({"label": _label, "size_gib": _number(1 / 1024, "a number of GiB"), "free_gib": _GIB})
_LISTENER = _record(dict.fromkeys(("enabled", "basic", "ntlm", "allow_unencrypted"), _boolean))
_SCRIPT = _record(
    {
        "behaviour": _matching(_BEHAVIOUR, "'package.module:function'"),
        "path": _text,
        "sha256": _matching(_SHA256, "64 hexadecimal digits"),
    }
)
_COUNT = _number(1, "a whole number, 1 or more", whole=True)

# What the host model, the listeners and the products read.
_HOST_KEYS: Mapping[str, Check] = {
    "audit_policy": _audit_policy,
    "computer_name": _matching(
        _COMPUTER_NAME, "up to 15 letters, digits and '-', not digits alone and no '-' at an end"
    ),
    "drives": _drives,
    "ecma_cache_needs_debug": _boolean,
    "reboot": _record({"fast": _boolean, "outage": _number(0, "a number of seconds, 0 or more")}),
    "setup_exit_codes": _values(_exit_code, _text),
    "shares": _each(_matching(_UNC, r"a share of another machine such as \\server\share")),
    "sql_servers": _values(
        _record(
            {
                "databases": _each(_text),
                "instance": _any_text,
                "reachable": _boolean,
                "sysadmins": _each(_text),
                "version": _text,
            }
        ),
        _text,
    ),
    "web": _web,
    "windows_update": _boolean,
    "winrm": _record(
        {
            "http": _listener,
            "https": _listener,
            "max_envelope_kb": _COUNT,
            "max_operations_per_user": _COUNT,
            "max_shells_per_user": _COUNT,
        }
    ),
}
# What winlab's own templates read besides.
_TEMPLATE_KEYS: Mapping[str, Check] = {
    "administrator": _record({"name": _text, "password": _text}),
    "files": _values(_text, _matching(_HOST_PATH, r"a path on the host such as C:\folder\file")),
    "management_agents": _each(_text),
    "roles": _each(_text),
}
