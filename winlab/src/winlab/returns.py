"""A result held against the RETURN section of the module's documentation.

The section says when a key is returned in free text; what is said of `always` and `success` is taken at its
word, the rest may be there or not. Where a module's source does otherwise than its documentation says,
`DEVIATIONS` names the line. Opt-in: with `WINLAB_CHECK_RETURNS` in the environment every twin that is called
is checked, in tests as in a running lab.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from winlab.errors import WinlabError

if TYPE_CHECKING:
    from winlab.modules import Call

SWITCH = "WINLAB_CHECK_RETURNS"
# Keys of every module: "Common Return Values" of Ansible's documentation, and what Ansible.Basic adds.
COMMON = frozenset(
    {
        "ansible_facts",
        "backup_file",
        "changed",
        "deprecations",
        "diff",
        "exception",
        "failed",
        "invocation",
        "msg",
        "rc",
        "reboot_required",
        "skipped",
        "stderr",
        "stderr_lines",
        "stdout",
        "stdout_lines",
        "warnings",
    }
)
# `stdout_lines` and `stderr_lines` are made on the controller (ansible-core, plugins/action/__init__.py).
_MADE_BY_CONTROLLER = frozenset({"stdout_lines", "stderr_lines"})
# async_status.ps1 lines 48-57: the result is that of the job's module, which was checked when it ran.
_PASS_ON = frozenset({"ansible.windows.async_status"})
_MUST = frozenset({"always", "success"})
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "string": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (float, int),
    "list": (list, tuple),
    "dict": (dict,),
    "complex": (dict, list, tuple),
    "raw": (object,),
}
# Key (nested ones with a dot) of a module -> the line of its source that differs from its documentation.
_WINDOWS, _COMMUNITY = "ansible.windows", "community.windows"
DEVIATIONS: dict[tuple[str, str], str] = {
    (f"{_WINDOWS}.slurp", "source"): "slurp.ps1 lines 14-18 set content and encoding alone",
    (f"{_WINDOWS}.win_command", "msg"): "win_command.ps1 line 144: only a failure has a message, a text",
    (f"{_WINDOWS}.win_shell", "msg"): "win_shell.ps1 line 145: only a failure has a message, a text",
    (
        f"{_WINDOWS}.win_copy",
        "operation",
    ): "win_copy.ps1 lines 364, 388: the mode remote alone",
    (f"{_WINDOWS}.win_copy", "files"): "win_copy.ps1 line 321: the mode query, for the action plugin",
    (f"{_WINDOWS}.win_copy", "directories"): "win_copy.ps1 line 322: the mode query, for the action plugin",
    (f"{_WINDOWS}.win_copy", "symlinks"): "win_copy.ps1 line 323: the mode query, for the action plugin",
    (f"{_WINDOWS}.win_certificate_info", "certificates.raw"): "win_certificate_info.ps1 line 40",
    (f"{_WINDOWS}.win_certificate_store", "key_exported"): "win_certificate_store.ps1 line 253: pkcs12 alone",
    (
        f"{_WINDOWS}.win_certificate_store",
        "key_exportable",
    ): "win_certificate_store.ps1 line 255: pkcs12 alone",
    (f"{_WINDOWS}.win_environment", "values"): "win_environment.ps1 line 157: the older name of env_values",
    (f"{_WINDOWS}.win_environment", "before_value"): "win_environment.ps1 line 201: none without variables",
    (f"{_WINDOWS}.win_environment", "value"): "win_environment.ps1 line 202: none without variables",
    (f"{_WINDOWS}.win_eventlog", "entries"): "win_eventlog.ps1 Get-EventLogDetail: a log that exists alone",
    (f"{_WINDOWS}.win_eventlog", "maximum_size_kb"): "win_eventlog.ps1 Get-EventLogDetail: as entries",
    (f"{_WINDOWS}.win_eventlog", "overflow_action"): "win_eventlog.ps1 Get-EventLogDetail: as entries",
    (f"{_WINDOWS}.win_eventlog", "retention_days"): "win_eventlog.ps1 Get-EventLogDetail: as entries",
    (f"{_WINDOWS}.win_eventlog", "sources"): "win_eventlog.ps1 Get-EventLogDetail: as entries",
    (f"{_WINDOWS}.win_feature", "success"): "win_feature.ps1 line 109",
    (f"{_WINDOWS}.win_get_url", "msg"): "win_get_url.ps1 line 271: none where nothing is asked",
    (f"{_WINDOWS}.win_get_url", "size"): "win_get_url.ps1 line 296: of a file that is there at the end",
    (f"{_WINDOWS}.win_get_url", "status_code"): "win_get_url.ps1 line 271: none where nothing is asked",
    (
        f"{_WINDOWS}.win_group_membership",
        "members",
    ): "win_group_membership.ps1 line 205: one that is left in check mode is a text",
    (f"{_WINDOWS}.win_package", "elapsed"): "win_package.ps1 line 452: after a download",
    (f"{_WINDOWS}.win_package", "status_code"): "win_package.ps1 line 452: after a download",
    (f"{_WINDOWS}.win_powershell", "information.message_data"): "win_powershell.ps1 line 946: any object",
    (f"{_WINDOWS}.win_reg_stat", "raw_value"): "win_reg_stat.ps1 lines 30-71: of the registry value's type",
    (f"{_WINDOWS}.win_reg_stat", "value"): "win_reg_stat.ps1 lines 30-71: of the registry value's type",
    (
        f"{_WINDOWS}.win_service_info",
        "services.triggers.data_items.data",
    ): "win_service_info.ps1 lines 161-178: text, texts or a number, by type",
    (f"{_WINDOWS}.win_stat", "stat.sharename"): "win_stat.ps1 line 137: all names of a folder with several",
    (f"{_WINDOWS}.win_tempfile", "state"): "win_tempfile.ps1 line 70",
    (f"{_WINDOWS}.win_uri", "content_length"): "win_uri.ps1 line 121: the header's text takes its place",
    (f"{_WINDOWS}.win_uri", "json"): "win_uri.ps1 line 139: whatever the text holds",
    (f"{_WINDOWS}.win_user", "state"): "win_user.ps1 lines 486, 503, 509",
    (f"{_WINDOWS}.win_whoami", "user_flags"): "win_whoami.ps1 line 41: a list of flags",
    (f"{_COMMUNITY}.win_lineinfile", "backup"): "win_lineinfile.ps1 lines 100 and 255",
    (f"{_COMMUNITY}.win_lineinfile", "encoding"): "win_lineinfile.ps1 lines 239 and 332",
    (f"{_COMMUNITY}.win_lineinfile", "found"): "win_lineinfile.ps1 line 333",
    (
        f"{_COMMUNITY}.win_xml",
        "msg",
    ): "win_xml.ps1 lines 137-152: a mere count ends before it",
}

# Modules whose result has keys that nobody can list -> the line of the source that makes them.
OPEN: dict[str, str] = {
    f"{_WINDOWS}.win_uri": "win_uri.ps1 lines 107-123: each property and each header of the response",
}


class ReturnError(WinlabError):
    """A twin's result is not what the documentation says."""


@functools.cache
def documented(name: str) -> Mapping[str, Any]:
    """The RETURN section of an installed module; empty when it has none or is not documented.

    Args:
        name: `<namespace>.<collection>.<module>`.
    """
    path = _sidecar(name)
    if path is None:
        return {}
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yml":
        return dict(yaml.safe_load(text).get("RETURN") or {})
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(to, ast.Name) and to.id == "RETURN" for to in node.targets
        ):
            return dict(yaml.safe_load(ast.literal_eval(node.value)) or {})
    return {}


@functools.cache
def _sidecar(name: str) -> Path | None:
    namespace, collection, module = name.split(".", 2)
    if importlib.util.find_spec("ansible_collections") is None:
        return None
    collections = importlib.import_module("ansible_collections")
    for root in collections.__path__:
        folder = Path(root, namespace, collection, "plugins", "modules")
        for path in (folder / f"{module}.py", folder / f"{module}.yml"):
            if path.is_file():
                return path
    return None


def problems(name: str, result: Mapping[str, Any]) -> list[str]:
    """What of a result contradicts the documentation, one phrase each.

    A result that failed or was skipped needs no key; the types of those that it has count all the same.
    """
    if name in _PASS_ON or _sidecar(name) is None:
        return []
    section = documented(name)
    ended_early = bool(result.get("failed") or result.get("skipped"))
    found = _compare(name, "", section, result, required=not ended_early)
    known = COMMON | set(section)
    found += [
        f"{key}: not in the RETURN section"
        for key in sorted(result)
        if key not in known and (name, key) not in DEVIATIONS and name not in OPEN
    ]
    return found


def _compare(
    name: str, prefix: str, section: Mapping[str, Any], value: Mapping[str, Any], *, required: bool
) -> list[str]:
    found: list[str] = []
    for key, about in section.items():
        path = f"{prefix}{key}"
        if (name, path) in DEVIATIONS:
            continue
        if key not in value:
            if required and about.get("returned") in _MUST and key not in _MADE_BY_CONTROLLER:
                found.append(f"{path}: missing; documented as returned: {about['returned']}")
            continue
        # PowerShell's $null becomes null whatever the documented type is.
        if value[key] is None:
            continue
        if not _is(value[key], str(about.get("type") or "raw")):
            found.append(f"{path}: {type(value[key]).__name__}; documented as {about['type']}")
            continue
        if about.get("contains"):
            for item in _items(value[key]):
                found += _compare(name, f"{path}.", about["contains"], item, required=required)
    return found


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool) and kind in ("int", "float"):
        return False
    return isinstance(value, _TYPES.get(kind, (object,)))


def _items(value: Any) -> list[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        return [value]
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, Sequence) else []


def checked(name: str, function: Callable[[Call], dict[str, Any]]) -> Callable[[Call], dict[str, Any]]:
    """The function, or with `WINLAB_CHECK_RETURNS` one that raises `ReturnError` for a wrong result."""
    if not os.environ.get(SWITCH):
        return function

    @functools.wraps(function)
    def hold(call: Call) -> dict[str, Any]:
        result = function(call)
        wrong = problems(name, {"changed": False, **result})
        if wrong:
            raise ReturnError(
                f"winlab: twin {name}: result: {'; '.join(wrong)}; expected what the RETURN section says. "
                "Mend the twin, or name the line of the module's source in winlab/returns.py."
            )
        return result

    return hold
