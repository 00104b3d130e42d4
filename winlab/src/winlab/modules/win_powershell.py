"""win_powershell.ps1 of ansible.windows 3.3.0. Which scripts there are is said in `winlab.scripts`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from winlab import command_lines, scripts
from winlab.errors import ModuleFailure, Win32Error
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk, DotNetError, invocation_text
from winlab.modules._processes import resolve_executable, working_folder
from winlab.scripts import (
    Credential,
    ErrorRecord,
    ScriptCall,
    ScriptError,
    ScriptResult,
    SecureText,
)
from winlab.shell_text import error_text

ERROR_FILE_NOT_FOUND = 2
STOP = "stop"
# HRESULT of System.Management.Automation.RuntimeException (COR_E_SYSTEM).
RUNTIME_EXCEPTION = -2146233087
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
_BLOCK_COMMENT = re.compile(r"<#.*?#>", re.DOTALL)
_LINE_COMMENT = re.compile(r"(?m)^\s*#.*$")
_BINDING = re.compile(
    r"\A\s*(?:using\s[^\n]*\n\s*)*(?:\[[^\]]*\]\s*)*?\[CmdletBinding\((?P<named>[^)]*)\)\]", re.IGNORECASE
)
_SHOULD_PROCESS = re.compile(
    r"\bSupportsShouldProcess\b\s*(?:=\s*(?P<value>\S+?))?\s*(?:,|\Z)", re.IGNORECASE
)


@twin("ansible.windows.win_powershell")
def win_powershell(call: Call) -> dict[str, Any]:
    """Run a script that is known by its text.

    In check mode a script runs only when its `CmdletBinding` has `SupportsShouldProcess`; another is skipped
    and reported as a change (lines 600-604). A script that throws makes the module fail without `msg` (lines
    846-853).
    """
    params = call.params
    skipped = _skipped(call)
    if skipped:
        return {**_streams(), "msg": skipped}
    text = _text(call)
    should_process = supports_should_process(text)
    if call.check_mode and not should_process:
        return {**_streams(), "changed": True, "msg": "skipped, running in check mode"}
    errors: list[ErrorRecord] = []
    cwd = working_folder(call, None)
    if params["chdir"]:
        if Disk(call).is_container(params["chdir"]):
            cwd = Disk(call).full(params["chdir"])
        else:
            errors.append(_no_such_location(params["chdir"]))
    _start_executable(call)
    failed = False
    try:
        if errors and params["error_action"] == STOP:
            raise ScriptError(errors.pop())
        ran = scripts.run(
            ScriptCall(
                host=call.host,
                session=call.session,
                text=text,
                parameters=_parameters(call, should_process),
                check_mode=call.check_mode,
                verbosity=call.verbosity,
                cwd=cwd,
                environment=call.variables,
                tmpdir=call.tmpdir,
                error_action=params["error_action"],
            )
        )
        if ran.errors and params["error_action"] == STOP:
            errors, failed = [ran.errors[0]], True
        else:
            errors += ran.errors
    except ScriptError as error:
        ran, failed = ScriptResult(), True
        errors.append(error.record)
    except Win32Error as error:
        ran, failed = ScriptResult(), True
        errors.append(ErrorRecord(error.message, "System.ComponentModel.Win32Exception", error.message))
    return _result(ran, errors, failed, params["depth"])


def supports_should_process(text: str) -> bool:
    """Whether the script's own CmdletBinding says `SupportsShouldProcess` (lines 576-598)."""
    plain = _LINE_COMMENT.sub("", _BLOCK_COMMENT.sub("", text.removeprefix("\ufeff")))
    binding = _BINDING.match(plain)
    if binding is None:
        return False
    named = _SHOULD_PROCESS.search(binding["named"])
    return named is not None and (named["value"] is None or named["value"].lower() == "$true")


def convert(value: Any, depth: int) -> Any:
    """Convert-OutputObject (lines 264-397), for the kinds of value that a behaviour can return."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if depth < 0:
        return _as_text(value)
    if isinstance(value, Mapping):
        return {str(key): convert(item, depth - 1) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [convert(item, depth - 1) for item in value]
    return str(value)


def _as_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "System.Collections.Hashtable"
    if isinstance(value, Sequence):
        return " ".join("" if item is None else str(item) for item in value)
    return str(value)


def _skipped(call: Call) -> str:
    disk = Disk(call)
    creates, removes = call.params["creates"], call.params["removes"]
    if creates and disk.test(creates):
        return f"skipped, since {creates} exists"
    if removes and not disk.test(removes):
        return f"skipped, since {removes} does not exist"
    return ""


def _text(call: Call) -> str:
    path = call.params["path"]
    if call.params["script"]:
        return str(call.params["script"])
    disk = Disk(call)
    if not disk.test(path):
        raise ModuleFailure(f"Could not find or access '{path}' on Windows host", **_streams())
    return call.host.files.read_bytes(disk.full(path), call.session).decode("utf-8-sig", "replace")


def _parameters(call: Call, should_process: bool) -> dict[str, Any]:
    parameters = dict(call.params["parameters"] or {})
    for item in call.params["sensitive_parameters"] or []:
        if item["username"]:
            parameters[item["name"]] = Credential(item["username"], item["password"] or "")
        else:
            parameters[item["name"]] = SecureText(item["value"] or "")
    if should_process:
        # Lines 833-837: these win over what the user gave.
        parameters = {k: v for k, v in parameters.items() if k.lower() not in ("confirm", "whatif")}
        parameters.update(Confirm=False, WhatIf=call.check_mode)
    return parameters


def _start_executable(call: Call) -> None:
    """With `executable` the script runs in a process of its own, which ends with it (lines 625-650)."""
    wanted = call.params["executable"]
    if not wanted:
        return
    image = resolve_executable(call, wanted, None)
    if not call.host.files.is_file(image):
        reason = "The system cannot find the file specified, Win32ErrorCode 2 - 0x00000002"
        text = f"CreateProcessW() failed ({reason})"
        raise DotNetError(ERROR_FILE_NOT_FOUND, "", invocation_text("NativeCreateProcess", 9, text))
    line = command_lines.join([wanted, *(call.params["arguments"] or [])])
    process = call.host.processes.start(image, line, call.session.account, call.session.logon_id)
    call.host.processes.end(process.pid, 0)


def _no_such_location(path: str) -> ErrorRecord:
    return ErrorRecord(
        f"Cannot find path '{path}' because it does not exist.",
        "System.Management.Automation.ItemNotFoundException",
        "PathNotFound,Microsoft.PowerShell.Commands.SetLocationCommand",
        "ObjectNotFound",
        "Set-Location",
        path,
    )


def _streams() -> dict[str, Any]:
    """The result before anything has run (lines 53-62)."""
    return {
        "result": {},
        "host_out": "",
        "host_err": "",
        "output": [],
        "error": [],
        "warning": [],
        "verbose": [],
        "debug": [],
        "information": [],
    }


def _result(ran: ScriptResult, errors: list[ErrorRecord], failed: bool, depth: int) -> dict[str, Any]:
    result = {
        **_streams(),
        "changed": ran.changed,
        "failed": failed or ran.failed,
        "result": convert(ran.result, depth),
        "output": convert(ran.output, depth),
        "host_out": ran.host_out,
        "host_err": ran.host_err,
        "error": [_error(record, depth) for record in errors],
        "warning": list(ran.warning),
        "verbose": list(ran.verbose),
        "debug": list(ran.debug),
        "information": [_information(item, depth) for item in ran.information],
    }
    if ran.diff:
        result["diff"] = {key: convert(value, depth) for key, value in ran.diff.items()}
    return result


def _error(record: ErrorRecord, depth: int) -> dict[str, Any]:
    """Lines 888-916."""
    target = convert(record.target, depth)
    return {
        "output": error_text(record),
        "error_details": None,
        "exception": {
            "message": record.message,
            "type": record.exception_type,
            "help_link": None,
            "source": None,
            "hresult": RUNTIME_EXCEPTION,
            "inner_exception": None,
        },
        "target_object": target,
        "category_info": {
            "category": record.category,
            "category_id": _CATEGORIES.index(record.category),
            "activity": record.activity,
            "reason": record.exception_type.rpartition(".")[2],
            "target_name": "" if record.target is None else _as_text(record.target),
            "target_type": "" if record.target is None else "String",
        },
        "fully_qualified_error_id": record.fully_qualified_error_id or record.message,
        "script_stack_trace": "at <ScriptBlock>, <No file>: line 1",
        "pipeline_iteration_info": [],
    }


def _information(item: Any, depth: int) -> dict[str, Any]:
    if isinstance(item, Mapping) and "message_data" in item:
        return dict(item)
    return {
        "message_data": convert(item, depth),
        "source": "",
        "time_generated": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
        "tags": [],
    }
