"""Twin of ansible.windows.win_reg_stat 3.3.0 (plugins/modules/win_reg_stat.ps1, a legacy module)."""

from __future__ import annotations

from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure, Win32Error
from winlab.host.registry import Value
from winlab.modules import Call, twin
from winlab.modules._dotnet import DotNetError, invocation_text
from winlab.modules._registry import Keys, hex_bytes, is_drive_path

ERROR_ACCESS_DENIED = 5
_TYPES = {
    "binary": "REG_BINARY",
    "string": "REG_SZ",
    "dword": "REG_DWORD",
    "qword": "REG_QWORD",
    "multistring": "REG_MULTI_SZ",
    "expandstring": "REG_EXPAND_SZ",
    "none": "REG_NONE",
}


@twin("ansible.windows.win_reg_stat")
def win_reg_stat(call: Call) -> dict[str, Any]:
    """Tell what a key or a value holds (lines 76-133)."""
    keys = Keys(call)
    path: str = param(call, "path", type="str", failifempty=True, aliases=("key",))
    name = param(call, "name", type="str", aliases=("entry", "value"))
    if not is_drive_path(path):
        raise ModuleFailure(
            f"path: {path} is not a valid registry path, see module documentation for examples.",
            changed=False,
        )
    try:
        return _look(keys, path, name)
    except Win32Error as error:
        if error.code != ERROR_ACCESS_DENIED:
            raise
        # Nobody catches what OpenSubKey throws (line 91).
        text = invocation_text("OpenSubKey", 2, "Requested registry access is not allowed.")
        raise DotNetError(error.code, path, text) from error


def _look(keys: Keys, path: str, name: str | None) -> dict[str, Any]:
    result: dict[str, Any] = {"changed": False, "exists": False}
    if not keys.registry.key_exists(path, keys.session):
        return result
    if name is not None:
        value = keys.get(path, name)
        if value is not None:
            result.update({"exists": True, **_describe(keys, name, value)})
        return result
    values = keys.registry.values(path, keys.session)
    result["exists"] = True
    result["properties"] = {found: _describe(keys, found, value) for found, value in values.items()}
    result["sub_keys"] = keys.registry.subkeys(path, keys.session)
    return result


def _describe(keys: Keys, name: str, value: Value) -> dict[str, Any]:
    """Return type, value and raw value (lines 18-73); the default value counts as REG_SZ whatever it is."""
    kind = "string" if name == "" else value.type
    shown = keys.expanded(value).data
    raw: Any = value.data
    if isinstance(shown, bytes):
        raw = hex_bytes(shown) if kind in {"binary", "none"} else list(shown)
        return {"type": _TYPES[kind], "value": list(shown), "raw_value": raw}
    return {"type": _TYPES[kind], "value": shown, "raw_value": raw}
