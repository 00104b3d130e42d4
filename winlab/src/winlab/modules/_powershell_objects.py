"""How win_powershell shows objects and error records.

Source: win_powershell.ps1 of ansible.windows 3.3.0, `Convert-OutputObject` (lines 286-408),
`Format-Exception` (lines 410-445) and lines 909-935.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from winlab.ps_objects import EnumValue, PSObject, TypeInfo
from winlab.scripts import ErrorRecord
from winlab.shell_text import error_text

# System.Management.Automation.ErrorCategory, by value.
_CATEGORIES = (
    "NotSpecified",
    "OpenError",
    "CloseError",
    "DeviceError",
    "DeadlockDetected",
    "InvalidArgument",
    "InvalidData",
    "InvalidOperation",
    "InvalidResult",
    "InvalidType",
    "MetadataError",
    "NotImplemented",
    "NotInstalled",
    "ObjectNotFound",
    "OperationStopped",
    "OperationTimeout",
    "SyntaxError",
    "ParserError",
    "PermissionDenied",
    "ResourceBusy",
    "ResourceExists",
    "ResourceUnavailable",
    "ReadError",
    "WriteError",
    "FromStdErr",
    "SecurityError",
    "ProtocolError",
    "ConnectionError",
    "AuthenticationError",
    "LimitsExceeded",
    "QuotaExceeded",
    "NotEnabled",
)


def convert(value: Any, depth: int, *, remote: bool = False) -> Any:
    """Convert-OutputObject.

    Args:
        value: what a behaviour has written.
        depth: how many levels are still shown as they are.
        remote: whether another process wrote it: lists come back from there as ArrayList.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, EnumValue | TypeInfo):
        return _enum(value, depth) if isinstance(value, EnumValue) else _type(value, depth)
    if depth < 0:
        return as_text(value, remote=remote)
    inner = value.properties if isinstance(value, PSObject) else value
    if isinstance(inner, Mapping):
        return {str(key): convert(item, depth - 1, remote=remote) for key, item in inner.items()}
    if isinstance(inner, Sequence):
        return [convert(item, depth - 1, remote=remote) for item in inner]
    return str(inner)


def as_text(value: Any, *, remote: bool = False) -> str:
    """`[string]$value`: a list's items with blanks between them, of lists in it their type's name."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        inner = "System.Collections.ArrayList" if remote else "System.Object[]"
        items = (
            inner if isinstance(item, Sequence) and not isinstance(item, str) else as_text(item)
            for item in value
        )
        return " ".join(items)
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "System.Collections.Hashtable"
    if isinstance(value, EnumValue | PSObject):
        return value.text
    return value.full_name if isinstance(value, TypeInfo) else str(value)


def _enum(value: EnumValue, depth: int) -> Any:
    """Lines 328-336; deeper down it is a value like others (line 383)."""
    return {"Type": value.type, "String": value.text, "Value": value.value} if depth >= 0 else value.value


def _type(value: TypeInfo, depth: int) -> Any:
    """Lines 351-370."""
    if depth < 0:
        return value.full_name
    return {
        "Name": value.name,
        "FullName": value.full_name,
        "AssemblyQualifiedName": f"{value.full_name}, {value.assembly}",
        "BaseType": _type(value.base, depth - 1) if value.base else None,
    }


def _type_name(value: Any) -> str:
    """The name that an error record gives the type of its target."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "Hashtable"
    return "String" if isinstance(value, str) else type(value).__name__


def error(record: ErrorRecord, depth: int, *, remote: bool = False) -> dict[str, Any]:
    """An entry of `error` (lines 909-935)."""
    shown = {
        "output": error_text(record),
        "error_details": None,
        "exception": {
            "message": record.message,
            "type": record.exception_type,
            "help_link": None,
            "source": None,
            "hresult": record.hresult,
            "inner_exception": None,
        },
        "target_object": convert(record.target, depth, remote=remote),
        "category_info": {
            "category": record.category,
            "category_id": _CATEGORIES.index(record.category),
            "activity": record.activity,
            "reason": record.reason or record.exception_type.rpartition(".")[2],
            "target_name": record.target_name or as_text(record.target),
            "target_type": record.target_type or _type_name(record.target),
        },
        "fully_qualified_error_id": record.fully_qualified_error_id or record.message,
        "script_stack_trace": record.stack,
        "pipeline_iteration_info": list(record.iteration),
    }
    if record.details is not None:
        message, action = record.details
        shown["error_details"] = {"message": message, "recommended_action": action}
    return shown
