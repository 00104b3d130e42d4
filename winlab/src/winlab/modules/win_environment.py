"""Twin of ansible.windows.win_environment 3.3.0 (plugins/modules/win_environment.ps1)."""

from __future__ import annotations

from typing import Any

from winlab.errors import ModuleFailure, NotModelled, Win32Error
from winlab.host.environment import MACHINE_KEY
from winlab.host.registry import Value
from winlab.modules import Call, twin
from winlab.modules._dotnet import DotNetError, invocation_text
from winlab.modules._registry import Keys

_ERROR_ACCESS_DENIED = 5
_NO_VALUE = (
    "When state=present, value must be defined and not an empty string, if you wish to remove the envvar, "
    "set state=absent"
)


@twin("ansible.windows.win_environment")
def win_environment(call: Call) -> dict[str, Any]:
    """Set or remove variables of the machine, the user or (without effect) the process (lines 152-205).

    Values are compared without regard to case (line 71, ``-ne``), and an empty value removes (lines 52-59).
    """
    level = str(call.params["level"]).lower()
    state = call.params["state"]
    variables: dict[str, Any] | None = call.params["variables"]
    if variables is None:  # an empty dictionary is true to PowerShell (line 160): nothing is done
        if call.params["name"] is None:
            raise NotModelled("win_environment with name: null", "Name the variable.")
        variables = {call.params["name"]: call.params["value"]}
    result: dict[str, Any] = {"changed": False, "values": {}, "env_values": {}}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, typed in variables.items():
        value = "" if typed is None else str(typed)
        if state == "absent" and value:
            result.setdefault("warnings", []).append(
                f"When removing environment variable '{name}' it should not have a value '{value}' set"
            )
            # Line 182 empties a copy; line 188 passes the pair itself on, so the value is still shown.
        elif state == "present" and not value:
            raise ModuleFailure(_NO_VALUE, **result)
        status = _set(call, level, name, value, state)
        if status["before"]:
            before[name] = status["before"]
        if status["after"]:
            after[name] = status["after"]
        result["values"][name] = status
        result["env_values"][name] = status
        result["changed"] = result["changed"] or status["changed"]
        result["before_value"] = status["before"]
        result["value"] = status["after"]
    if call.diff_mode:
        result["diff"] = {"before": {level: before}, "after": {level: after}}
    return result


def _set(call: Call, level: str, name: str, value: str, state: str | None) -> dict[str, Any]:
    wanted = state or ("present" if value else "absent")
    before = _read(call, level, name)
    if wanted == "present":
        changed = before is None or before.casefold() != value.casefold()
    else:
        changed = before is not None
    if changed and not call.check_mode:
        _write(call, level, name, value if wanted == "present" else None)
    return {"changed": changed, "after": value, "before": before}


def _read(call: Call, level: str, name: str) -> str | None:
    """`Environment.GetEnvironmentVariable(name, level)`: references in the stored value are replaced."""
    if level == "process":
        folded = {known.upper(): value for known, value in call.variables.items()}
        return folded.get(name.upper())
    keys = Keys(call)
    found = keys.get(_key(call, level), name)
    if found is None and level == "user" and not keys.registry.key_exists(_key(call, level)):
        stored = call.host.environment.user(call.session.sid).get(name)
        found = None if stored is None else Value("expandstring", stored)
    if found is None or not isinstance(found.data, str):
        return None
    return str(keys.expanded(found).data)


def _write(call: Call, level: str, name: str, value: str | None) -> None:
    """`Environment.SetEnvironmentVariable`: always REG_SZ; a process variable dies with the process."""
    if level == "process":
        return
    registry = call.host.registry
    key = _key(call, level)
    if level == "user":
        # The host keeps a user's variables there once one has been written.
        call.host.environment.set_user(call.session.sid, name, value)
    try:
        if value is not None:
            registry.set(key, name, Value("string", value), call.session)
        elif registry.get(key, name) is not None:
            registry.delete_value(key, name, call.session)
    except Win32Error as error:
        if error.code != _ERROR_ACCESS_DENIED:
            raise
        text = invocation_text("SetEnvironmentVariable", 3, "Requested registry access is not allowed.")
        raise DotNetError(error.code, key, text) from error


def _key(call: Call, level: str) -> str:
    return MACHINE_KEY if level == "machine" else f"HKU\\{call.session.sid}\\Environment"
