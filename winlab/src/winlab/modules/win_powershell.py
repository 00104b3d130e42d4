"""win_powershell.ps1 of ansible.windows 3.3.0. Which scripts there are is said in `winlab.scripts`."""

from __future__ import annotations

import itertools
import ntpath
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from winlab import command_lines, scripts
from winlab.errors import ModuleFailure, NotModelled, Win32Error
from winlab.host import certificate_store
from winlab.host.clock import to_filetime
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk, DotNetError, invocation_text
from winlab.modules._powershell_objects import convert, error
from winlab.modules._processes import resolve_executable, working_folder
from winlab.scripts import (
    Credential,
    ErrorRecord,
    ScriptCall,
    ScriptError,
    ScriptResult,
    SecureText,
)

ERROR_FILE_NOT_FOUND = 2
STOP = "stop"
# The drive of certificates; `*` for any store.
_CERTIFICATE_PATH = re.compile(
    r"(?i)cert:\\(?P<location>LocalMachine|CurrentUser)(?:\\(?P<store>[^\\]+))?(?P<rest>\\.*)?"
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
    cwd = _location(call, errors)
    environment = _start_executable(call)
    tmpdir = _temporary_folder(call)
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
                environment=environment,
                tmpdir=tmpdir,
                error_action=params["error_action"],
            )
        )
        if ran.errors and params["error_action"] == STOP:
            errors, failed = [ran.errors[0]], True
        else:
            errors += ran.errors
    except ScriptError as stopped:
        ran, failed = stopped.so_far or ScriptResult(), True
        errors += [*ran.errors, stopped.record]
    except Win32Error as refused:
        ran, failed = ScriptResult(), True
        errors.append(ErrorRecord(refused.message, "System.ComponentModel.Win32Exception", refused.message))
    finally:
        # Ansible.Basic removes the module's own folder when it ends.
        if call.host.files.is_dir(tmpdir):
            call.host.files.delete(tmpdir, recursive=True)
    return _result(call, ran, errors, failed)


def supports_should_process(text: str) -> bool:
    """Whether the script's own CmdletBinding says `SupportsShouldProcess` (lines 576-598)."""
    plain = _LINE_COMMENT.sub("", _BLOCK_COMMENT.sub("", text.removeprefix("\ufeff")))
    binding = _BINDING.match(plain)
    if binding is None:
        return False
    named = _SHOULD_PROCESS.search(binding["named"])
    return named is not None and (named["value"] is None or named["value"].lower() == "$true")


def _skipped(call: Call) -> str:
    creates, removes = call.params["creates"], call.params["removes"]
    if creates and _test(call, creates):
        return f"skipped, since {creates} exists"
    if removes and not _test(call, removes):
        return f"skipped, since {removes} does not exist"
    return ""


def _location(call: Call, errors: list[ErrorRecord]) -> str:
    """Line 758: `Set-Location`; a place that is not there is an error, which does not end the script."""
    chdir = call.params["chdir"]
    if not chdir:
        return working_folder(call, None)
    if _CERTIFICATE_PATH.fullmatch(chdir) and _test(call, chdir):
        return str(chdir)
    if Disk(call).is_container(chdir):
        return Disk(call).full(chdir)
    errors.append(_no_such_location(chdir))
    return working_folder(call, None)


def _test(call: Call, path: str) -> bool:
    """Test-AnsiblePath (lines 447-472): what .NET does not take for a file goes to `Test-Path`."""
    match = _CERTIFICATE_PATH.fullmatch(path)
    if match is None:
        return Disk(call).test(path)
    if match["location"].lower() != "localmachine" or match["rest"]:
        raise NotModelled(f"{call.host.name}: the path {path}", r"winlab tests stores of Cert:\LocalMachine.")
    # A drive always has stores: `certificate_store.PREDEFINED`.
    store = match["store"] or "*"
    return store == "*" or certificate_store.exists(call.host, store, certificate_store.STORES_KEY)


def _temporary_folder(call: Call) -> str:
    """`$module.Tmpdir` (Ansible.Basic.cs line 155); it comes into being when the script uses it."""
    host = call.host
    name = f"ansible-moduletmp-{to_filetime(host.clock.now())}-{len(host.processes.history())}"
    return ntpath.join(call.expand("%TEMP%"), name)


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


def _start_executable(call: Call) -> dict[str, str]:
    """With `executable` the script runs in a process of its own, which ends with it (lines 613-642).

    Returns:
        The variables of the process that runs the script. `powershell.exe -ExecutionPolicy` keeps the policy
        in one of them (about_PowerShell_exe).
    """
    wanted = call.params["executable"]
    variables = dict(call.variables)
    if not wanted:
        return variables
    image = resolve_executable(call, wanted, None)
    if not call.host.files.is_file(image):
        reason = "The system cannot find the file specified, Win32ErrorCode 2 - 0x00000002"
        text = f"CreateProcessW() failed ({reason})"
        raise DotNetError(ERROR_FILE_NOT_FOUND, "", invocation_text("NativeCreateProcess", 9, text))
    line = command_lines.join([wanted, *(call.params["arguments"] or [])])
    process = call.host.processes.start(image, line, call.session.account, call.session.logon_id)
    call.host.processes.end(process.pid, 0)
    words = [str(word) for word in call.params["arguments"] or []]
    for option, value in itertools.pairwise(words):
        if option.lower() in ("-executionpolicy", "-ep"):
            variables["PSExecutionPolicyPreference"] = value
    return variables


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


def _result(call: Call, ran: ScriptResult, errors: list[ErrorRecord], failed: bool) -> dict[str, Any]:
    depth, remote = call.params["depth"], bool(call.params["executable"])
    result = {
        **_streams(),
        "changed": ran.changed,
        "failed": failed or ran.failed,
        "result": convert(ran.result, depth, remote=remote),
        "output": convert(ran.output, depth, remote=remote),
        "host_out": ran.host_out,
        "host_err": ran.host_err,
        "error": [error(record, depth, remote=remote) for record in errors],
        "warning": list(ran.warning),
        "verbose": list(ran.verbose),
        "debug": list(ran.debug),
        "information": [_information(item, depth) for item in ran.information],
    }
    if ran.diff:
        result["diff"] = {key: convert(value, depth, remote=remote) for key, value in ran.diff.items()}
    return result


def _information(item: Any, depth: int) -> dict[str, Any]:
    if isinstance(item, Mapping) and "message_data" in item:
        return dict(item)
    return {
        "message_data": convert(item, depth),
        "source": "",
        "time_generated": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
        "tags": [],
    }
