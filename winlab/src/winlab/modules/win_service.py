"""win_service.ps1 of ansible.windows 3.3.0."""

from __future__ import annotations

from typing import Any

from winlab.arguments.powershell import is_true
from winlab.errors import ModuleFailure, Win32Error
from winlab.host import service_security, sids
from winlab.host.service_types import Service
from winlab.modules import Call, twin
from winlab.modules._dotnet import DotNetError
from winlab.modules._sam import TRANSLATE_FAILED, except_from, intersect, translate
from winlab.modules._services import (
    ERROR_INVALID_PARAMETER,
    account_shown,
    dependents,
    failure_actions,
    list_services,
    open_service,
    start,
    stop,
)

# Lines 946-969: with none of these and no service the module only says that there is none.
_DETECTING = (
    "description",
    "display_name",
    "dependencies",
    "error_control",
    "failure_actions",
    "failure_actions_on_non_crash_failure",
    "failure_command",
    "failure_reboot_msg",
    "failure_reset_period_sec",
    "load_order_group",
    "path",
    "pre_shutdown_timeout_ms",
    "required_privileges",
    "service_type",
    "sid_info",
    "start_mode",
    "state",
    "username",
    "password",
)
_ONLY_SYSTEM = "Can only set 'desktop_interact' to true when 'username' equals 'SYSTEM'"
_NO_ACTIONS = (
    'Exception setting "FailureActions": "Cannot set FailureAction ResetPeriod without explicit Actions and '
    'no existing Actions"'
)
_STARTED = {"running": "started"}
HIDDEN = "REDACTED"
ALWAYS = "always"


@twin("ansible.windows.win_service")
def win_service(call: Call) -> dict[str, Any]:
    """Install, change, start, stop or remove a service.

    The result is what the diff says afterwards (lines 1056-1115): in check mode that is the wish. A start
    that fails gives PowerShell's text, which names no cause. A password cannot be compared: it is set when
    the account changes, for a new service, or with `update_password: always`.
    """
    return _Task(call).run()


class _Task:
    def __init__(self, call: Call) -> None:
        self.call = call
        self.host = call.host
        self.params = call.params
        self.changed = False
        self.before: Any = ""
        self.after: Any = ""
        self.changes: dict[str, Any] = {}
        self.service = self._find(call.params["name"])
        self.path = call.expand(call.params["path"]) if call.params["path"] is not None else None

    def run(self) -> dict[str, Any]:
        """The module from line 913 on."""
        if self.service is not None:
            open_service(self.call, self.service, self._rights())
        self.before = before = _diff(self.service)
        if self.params["state"] == "absent":
            self._remove()
            return {"exists": False, "changed": self.changed, "diff": {"before": before, "after": ""}}
        if self.service is None and not self._wants_something():
            return {"exists": False, "changed": False, "diff": {"before": "", "after": ""}}
        is_new = self.service is None
        if is_new:
            self._create()
        self.after = {"name": self.service.name if self.service else self.params["name"]}
        self._configure(is_new)
        self._set_state()
        return {**self._shown(), "changed": self.changed, "diff": {"before": before, "after": self.after}}

    def _rights(self) -> set[str]:
        """Lines 938-950: what the service is opened for."""
        wanted = {
            service_security.QUERY_CONFIG,
            service_security.QUERY_STATUS,
            service_security.ENUMERATE_DEPENDENTS,
        }
        if self.params["failure_actions"]:
            wanted.add(service_security.START)
        absent = self.params["state"] == "absent"
        return wanted | {service_security.DELETE if absent else service_security.CHANGE_CONFIG}

    def _find(self, name: str) -> Service | None:
        """Get-ServiceFromName, lines 228-249: drivers are found by their own name alone."""
        list_services(self.call)
        found = self.host.services.find(name)
        if found is not None and found.is_driver and found.name.lower() != name.lower():
            return None
        return found

    def _wants_something(self) -> bool:
        return (
            any(self.params[option] is not None for option in _DETECTING)
            or self.params["dependency_action"] != "set"
            or self.params["desktop_interact"] is True
        )

    def _remove(self) -> None:
        if self.service is None:
            return
        self.changed = True
        if self.call.check_mode:
            return
        stop(self.call, self.service, force=self.params["force_dependent_services"])
        self.host.services.delete(self.service.name)

    def _create(self) -> None:
        name = self.params["name"]
        if self.path is None:
            raise self._fail(f"Service '{name}' is not installed, need to set 'path' to create a new service")
        self.changed = True
        if self.call.check_mode:
            return
        try:
            if not self.call.session.is_admin:
                raise Win32Error(5, name)
            # New-Service starts with the machine unless it is told otherwise.
            created = Service(name, image_path=self.path, start_mode="auto")
            self.service = self.host.services.create(created)
        except Win32Error as error:
            raise DotNetError(
                error.code,
                "",
                f"Service '{name} ({name})' cannot be created due to the following error: {error.message}",
            ) from error

    def _configure(self, is_new: bool) -> None:
        """All settings in the order of lines 1007-1042; what was set before a failure stays set."""
        if self.service is not None and not self.service.is_driver:
            self._set_account(self.service, is_new)
            self._apply("Account")
        self._set_dependencies()
        self._apply("DependentOn")
        self._set_text("description", "description", empty_is_none=True)
        self._apply("Description")
        self._set_optional("display_name", "display_name")
        self._apply("DisplayName")
        self._set_optional("error_control", "error_control")
        self._apply("ErrorControl")
        self._set_failure_actions()
        self._set_text("load_order_group", "load_order_group", empty_is_none=False)
        self._apply("LoadOrderGroup")
        self._set_path()
        self._apply("Path")
        self._set_number("pre_shutdown_timeout_ms")
        self._apply("PreShutdownTimeout")
        self._set_privileges()
        self._apply("RequiredPrivileges")
        self._set_optional("sid_info", "sid_info")
        self._apply("ServiceSidInfo")
        self._set_optional("start_mode", "start_mode")
        self._apply("StartType")
        self._set_type()
        self._apply("ServiceType")

    def _apply(self, name: str) -> None:
        """Write what a step has found out, as the property of `Service` in SCManager.cs does at once."""
        changes, self.changes = self.changes, {}
        if not changes:
            return
        self.changed = True
        if self.service is None or self.call.check_mode:
            return
        try:
            self.service = self.host.services.configure(self.service.name, **changes)
        except Win32Error as error:
            code = error.code
            text = f"Failed to change service config ({error.message}, Win32ErrorCode {code} - 0x{code:08X})"
            raise DotNetError(code, "", f'Exception setting "{name}": "{text}"') from error

    def _fail(self, message: str) -> ModuleFailure:
        """FailJson prints what has been done until then."""
        diff = {"before": self.before, "after": self.after}
        return ModuleFailure(message, exists=False, changed=self.changed, diff=diff)

    def _set_account(self, service: Service, is_new: bool) -> None:
        """Set-ServiceAccount, lines 251-303."""
        username, password = self.params["username"], self.params["password"]
        update = is_new or self.params["update_password"] == ALWAYS
        self.after["username"] = account_shown(service)
        self.after["password"] = HIDDEN
        if username:
            wanted = self._sid(username)
            self.after["username"] = self.host.accounts.display(wanted)
            if wanted != self._sid(service.account):
                if wanted != sids.SYSTEM and service.desktop_interact:
                    self.changes["desktop_interact"] = False
                self.changes["account"] = self.after["username"]
                if wanted in sids.SERVICE_ACCOUNTS or self.after["username"].endswith("$"):
                    # SCManager.cs, lines 746-750; the password of another account stays.
                    self.changes["password"] = ""
                update = True
        if update and password:
            self.after["password"] = f"CHANGED {HIDDEN}"
            self.changes["password"] = password

    def _sid(self, name: str) -> str:
        """ConvertTo-SecurityIdentifier, lines 84-126."""
        if name.lower() == "localsystem":
            return sids.SYSTEM
        try:
            return translate(self.call, name)
        except Win32Error as error:
            raise DotNetError(error.code, "", TRANSLATE_FAILED) from error

    def _set_dependencies(self) -> None:
        wanted = self.params["dependencies"]
        if self.service is None:
            self.after["dependencies"] = wanted
            return
        current = list(self.service.depends_on)
        self.after["dependencies"] = current
        if wanted is None:
            return
        action = self.params["dependency_action"]
        added = except_from(wanted, current) if action in ("add", "set") else []
        removed = intersect(wanted, current) if action == "remove" else []
        if action == "set":
            removed = except_from(current, wanted)
        if is_true(added) or is_true(removed):
            changed = [name for name in current if name not in removed] + added
            self.after["dependencies"] = changed
            self.changed = True
            if changed:
                # SCManager.cs, lines 1296-1298: an empty list is no list, and leaves all as it was. One that
                # holds an empty text removes them.
                self.changes["depends_on"] = tuple(name for name in changed if name)

    def _set_text(self, option: str, field: str, *, empty_is_none: bool) -> None:
        """An option whose empty text is a value of its own (lines 388-419, 605-634)."""
        wanted = self.params[option]
        self.after[option] = wanted
        if self.service is None:
            return
        current = getattr(self.service, field)
        if wanted is None:
            self.after[option] = current or (None if empty_is_none else current)
        elif wanted != current:
            self.changes[field] = wanted

    def _set_optional(self, option: str, field: str) -> None:
        """An option whose empty text means nothing (lines 421-470, 727-757, 759-803)."""
        wanted = self.params[option]
        self.after[option] = wanted or ""
        if self.service is None:
            return
        current = getattr(self.service, field)
        if not wanted:
            self.after[option] = current
        elif wanted != current:
            self.changes[field] = wanted

    def _set_path(self) -> None:
        self.after["path"] = self.path or ""
        if self.service is None:
            return
        if not self.path:
            self.after["path"] = self.service.image_path
        elif self.path != self.service.image_path:
            self.changes["image_path"] = self.path

    def _set_number(self, option: str) -> None:
        wanted = self.params[option]
        self.after[option] = wanted
        if self.service is None:
            return
        current = getattr(self.service, option)
        if wanted is None:
            self.after[option] = current
        elif int(wanted) != current:
            self.changes[option] = int(wanted)

    def _set_privileges(self) -> None:
        wanted = self.params["required_privileges"]
        self.after["required_privileges"] = wanted
        if self.service is None:
            return
        current = list(self.service.required_privileges)
        if wanted is None:
            self.after["required_privileges"] = current
        elif set(wanted) != set(current):
            self.changes["required_privileges"] = tuple(wanted)

    def _set_failure_actions(self) -> None:
        """Set-ServiceFailureAction, lines 472-603."""
        service, params = self.service, self.params
        self.after.update(
            failure_actions=params["failure_actions"],
            # Line 500 reads a variable that does not exist.
            failure_actions_on_non_crash_failure=None,
            failure_command=params["failure_command"],
            failure_reboot_msg=params["failure_reboot_msg"],
            failure_reset_period_sec=params["failure_reset_period_sec"],
        )
        if service is None:
            return
        flag = params["failure_actions_on_non_crash_failure"]
        if flag is None:
            self.after["failure_actions_on_non_crash_failure"] = service.failure_actions_on_non_crash_failure
        elif flag != service.failure_actions_on_non_crash_failure:
            self.changes["failure_actions_on_non_crash_failure"] = flag
            self._apply("FailureActionsOnNonCrashFailures")
        wanted = params["failure_actions"]
        if wanted is None:
            self.after["failure_actions"] = failure_actions(service)
        else:
            actions = tuple((item["type"], int(item["delay_ms"])) for item in wanted)
            if actions != service.failure_actions:
                self.changes["failure_actions"] = actions
        for option in ("failure_command", "failure_reboot_msg"):
            self._set_text(option, option, empty_is_none=True)
        period = params["failure_reset_period_sec"]
        if period is None:
            self.after["failure_reset_period_sec"] = service.failure_reset_period_sec
        elif int(period) != service.failure_reset_period_sec:
            if not (service.failure_actions or "failure_actions" in self.changes or self.call.check_mode):
                raise DotNetError(ERROR_INVALID_PARAMETER, "", _NO_ACTIONS)
            self.changes["failure_reset_period_sec"] = int(period)
        if self.changes.get("failure_actions") == ():
            # ChangeServiceConfig2 deletes the period with the actions (SERVICE_FAILURE_ACTIONS).
            self.changes["failure_reset_period_sec"] = 0
        self._apply("FailureActions")

    def _set_type(self) -> None:
        """Set-ServiceType, lines 861-911."""
        wanted, interact = self.params["service_type"], self.params["desktop_interact"]
        self.after["desktop_interact"] = interact
        self.after["service_type"] = wanted or ""
        if self.service is None:
            return
        kind = wanted or self.service.service_type
        self.after["service_type"] = kind
        if interact and self._sid(self.params["username"] or self.service.account) != sids.SYSTEM:
            raise self._fail(_ONLY_SYSTEM)
        if kind != self.service.service_type:
            self.changes["service_type"] = kind
        if interact != self.service.desktop_interact:
            self.changes["desktop_interact"] = interact

    def _set_state(self) -> None:
        """Set-ServiceState, lines 805-859."""
        wanted = self.params["state"]
        self.after["state"] = wanted or ""
        service = self.service
        if service is None:
            return
        if not wanted:
            self.after["state"] = _STARTED.get(service.state, service.state)
            return
        apply = {
            "started": self._start,
            "stopped": self._stop,
            "restarted": self._restart,
            "paused": self._pause,
        }[wanted]
        if apply(service):
            self.changed = True

    def _start(self, service: Service) -> bool:
        if service.state == "running":
            return False
        if not self.call.check_mode:
            if service.state == "paused":
                self.host.services.resume(service.name)
            else:
                start(self.call, service)
        return True

    def _stop(self, service: Service) -> bool:
        if service.state == "stopped":
            return False
        if not self.call.check_mode:
            stop(self.call, service, force=self.params["force_dependent_services"])
        return True

    def _restart(self, service: Service) -> bool:
        if not self.call.check_mode:
            stopped = stop(self.call, service, force=self.params["force_dependent_services"])
            # Restart-Service starts again what -Force made it stop.
            for name in [service.name, *(other.name for other in stopped if other.name != service.name)]:
                if self.host.services.require(name).state != "running":
                    start(self.call, self.host.services.require(name))
        return True

    def _pause(self, service: Service) -> bool:
        if service.state == "paused":
            return False
        if not service.can_pause or service.state == "stopped":
            raise self._fail(f"failed to pause service {service.name}: The service does not support pausing")
        if not self.call.check_mode:
            self.host.services.pause(service.name)
        return True

    def _shown(self) -> dict[str, Any]:
        """Lines 1056-1115: the result repeats the diff."""
        after = self.after
        state = after["state"].replace("_", "")
        username = after.get("username")
        current = self.host.services.get(self.service.name) if self.service else None
        return {
            "exists": True,
            **{
                key: after[key]
                for key in (
                    "dependencies",
                    "description",
                    "desktop_interact",
                    "display_name",
                    "name",
                    "path",
                    "start_mode",
                )
            },
            "username": "LocalSystem" if username and self._sid(username) == sids.SYSTEM else username,
            "state": "running" if state in ("restarted", "started") else state,
            "can_pause_and_continue": None
            if current is None
            else current.can_pause and current.state != "stopped",
            "depended_by": dependents(self.host, current.name) if current else [],
        }


def _diff(service: Service | None) -> Any:
    """Get-ServiceDiff, lines 181-226."""
    if service is None:
        return ""
    shown = {
        "dependencies": list(service.depends_on),
        "description": service.description or None,
        "desktop_interact": service.desktop_interact,
        "display_name": service.display_name,
        "error_control": service.error_control,
        "failure_actions": failure_actions(service),
        "failure_actions_on_non_crash_failure": service.failure_actions_on_non_crash_failure,
        "failure_command": service.failure_command or None,
        "failure_reboot_msg": service.failure_reboot_msg or None,
        "failure_reset_period_sec": service.failure_reset_period_sec,
        "load_order_group": service.load_order_group,
        "name": service.name,
        "path": service.image_path,
        "pre_shutdown_timeout_ms": service.pre_shutdown_timeout_ms,
        "required_privileges": list(service.required_privileges),
        "service_type": service.service_type,
        "sid_info": service.sid_info,
        "start_mode": service.start_mode,
        "state": _STARTED.get(service.state, service.state),
    }
    if not service.is_driver:
        shown.update(username=account_shown(service), password=HIDDEN)
    return shown
