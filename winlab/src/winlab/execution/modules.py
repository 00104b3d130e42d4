"""module_wrapper.ps1: arguments checked, the twin called, its result printed, each as the module does."""

from __future__ import annotations

import json
import logging
import re
import traceback
from typing import Any

from winlab import arguments, modules, pins
from winlab.arguments import Checked, Finished
from winlab.errors import ModuleFailure, NotModelled, Win32Error, WinlabError
from winlab.execution import raw
from winlab.execution.steps import CommandResult, Run
from winlab.execution.streams import Cancelled
from winlab.host import audit
from winlab.manifest import Action, Script
from winlab.modules import Call

log = logging.getLogger(__name__)

NEWLINE = "\r\n"
_INTERNAL = "_ansible_"
# JavaScriptSerializer, behind ConvertTo-Json of Windows PowerShell, escapes these; Ansible would see line
# ends in them.
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}
POWERSHELL_VERSION = (5, 1)


def failure(msg: str, **keys: Any) -> CommandResult:
    """A module that fails before it does anything."""
    return _print({**keys, "changed": False, "failed": True, "msg": msg}, 1)


def module_wrapper(run: Run, action: Action, rest: tuple[Action, ...]) -> CommandResult:
    """Run a module's twin, or a script that came as text."""
    key = str(action.params.get("Script") or "")
    script = run.manifest.scripts.get(key)
    environment = {str(name): str(value) for name, value in (action.params.get("Environment") or {}).items()}
    run = Run(**{**vars(run), "environment": environment})
    if script is None:
        return failure(
            f"winlab: unknown manifest layout: no script {key}; expected it among the manifest's scripts."
        )
    if not action.params.get("ForModule"):
        return _script(run, script)
    name = modules.module_name(key)
    if name is None:
        return failure(f"winlab: module script {key} is of no collection; expected ansible_collections.*.")
    if refusal := _version_refusal(run):
        return failure(refusal)
    try:
        return _module(run, name, script, _complex_args(action))
    except WinlabError as error:
        return failure(str(error))


def _module(run: Run, name: str, script: Script, given: dict[str, Any]) -> CommandResult:
    entry = modules.lookup(name)
    pins.require(name, script, run.manifest.scripts)
    try:
        checked = arguments.check(name, script, run.manifest.scripts, given, _Resolver(run))
    except Finished as outcome:
        return _print(outcome.result, outcome.rc)
    call = Call(
        host=run.host,
        session=run.session,
        name=name,
        params=checked.params,
        raw={key: value for key, value in given.items() if not key.startswith(_INTERNAL)},
        check_mode=checked.check_mode,
        diff_mode=checked.diff_mode,
        verbosity=checked.verbosity,
        environment=dict(run.environment),
        tmpdir=str(given.get("_ansible_tmpdir") or ""),
        sources=run.manifest.sources(),
        internal={
            key.removeprefix(_INTERNAL): value for key, value in given.items() if key.startswith(_INTERNAL)
        },
        variables=run.variables(),
    )
    if entry.locked:
        with run.host.lock:
            return _call(call, checked, entry.function)
    return _call(call, checked, entry.function)


def _call(call: Call, checked: Checked, function: modules.TwinFunction) -> CommandResult:
    rc = 0
    try:
        with audit.acting(call.session):
            result = dict(function(call))
        result.setdefault("changed", False)
        rc = 1 if result.get("failed") else 0
    except ModuleFailure as error:
        result = {"changed": False, **error.result, "failed": True, "msg": checked.mask(error.msg)}
        rc = 1
    except Win32Error as error:
        # module_wrapper.ps1, Write-AnsibleErrorDetail: no invocation, no changed.
        text = f"{error.message}{f': {error.path}' if error.path else ''}"
        return _print(
            {"failed": True, "msg": f"Unhandled exception while executing module: {text}", "exception": text},
            1,
        )
    except (NotModelled, WinlabError) as error:
        result, rc = {"changed": False, "failed": True, "msg": checked.mask(str(error))}, 1
    except Cancelled:
        raise
    except Exception as error:
        log.error(
            "%s: twin %s: %s\n%s",
            call.host.name,
            call.name,
            type(error).__name__,
            "".join(traceback.format_tb(error.__traceback__)),
        )
        text = (
            f"winlab: {call.host.name}: twin {call.name}: {type(error).__name__}: {error}; expected a "
            "result. "
            "This is an error in winlab itself: see winlab.log."
        )
        result, rc = {"changed": False, "failed": True, "msg": checked.mask(text)}, 1
    return _print(checked.dress(result), rc)


def _complex_args(action: Action) -> dict[str, Any]:
    for variable in action.params.get("Variables") or []:
        if isinstance(variable, dict) and variable.get("Name") == "complex_args":
            value = variable.get("Value")
            return dict(value) if isinstance(value, dict) else {}
    return {}


def _version_refusal(run: Run) -> str | None:
    # exec_wrapper.ps1 refuses before the module starts.
    wanted = run.manifest.min_ps_version
    if wanted and _version(wanted) > POWERSHELL_VERSION:
        return (
            f"This module cannot run as it requires a minimum PowerShell version of {wanted}, "
            'actual was "5.1.14393.0"'
        )
    return None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


def _script(run: Run, script: Script) -> CommandResult:
    """The action `script`: the text is a command line that starts the file transferred before."""
    return raw.run_text(run.host, run.session, script.text, run.environment)


def _print(result: dict[str, Any], rc: int) -> CommandResult:
    try:
        text = json.dumps(result, ensure_ascii=False).translate(_LINE_ENDS)
    except (TypeError, ValueError) as error:
        text = json.dumps({"failed": True, "msg": f"winlab: result is not JSON ({error}). Report it."})
        rc = 1
    return CommandResult(rc, text + NEWLINE)


class _Resolver:
    """What option types need to know about the host."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def expand(self, text: str) -> str:
        """Environment variables replaced."""
        return self._run.expand(text)

    def sid(self, name: str) -> str:
        """The SID of an account."""
        with self._run.host.lock:
            return self._run.host.accounts.resolve(name).sid
