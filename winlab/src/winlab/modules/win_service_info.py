"""win_service_info.ps1 of ansible.windows 3.3.0."""

from __future__ import annotations

from typing import Any

from winlab.host import service_security, service_triggers
from winlab.host.model import Host
from winlab.host.service_types import Service
from winlab.modules import Call, twin
from winlab.modules._dotnet import DotNetError
from winlab.modules._patterns import like
from winlab.modules._services import account_shown, dependents, failure_actions, list_services, open_service

_STATES = {"running": "started"}
# Line 32.
_RIGHTS = (
    service_security.ENUMERATE_DEPENDENTS,
    service_security.QUERY_CONFIG,
    service_security.QUERY_STATUS,
)


@twin("ansible.windows.win_service_info")
def win_service_info(call: Call) -> dict[str, Any]:
    """Facts of one service, of those that a pattern matches, or of all.

    A name is compared as it is first, then as a pattern (lines 22-26). `Get-Service -Name` also takes a whole
    display name, never a pattern of one: lines 16-18 of the documentation, and the upstream target's case
    "get info of advanced service using display name". Drivers are listed only when they are asked for by
    name, never by a pattern. A service that the caller may not look at gives a warning in place of facts.
    """
    name = call.params["name"]
    host = call.host
    wanted = (name or "").lower()
    services = list_services(call)
    plain = [service for service in services if not service.is_driver]
    found = [service for service in plain if service.name.lower() == wanted]
    if not found and not name:
        found = plain
    elif not found:
        found = [
            service
            for service in services
            if (like(service.name, wanted) and not (service.is_driver and service.name.lower() != wanted))
            or service.display_name.lower() == wanted
        ]
    seen, warnings = [], []
    for service in found:
        try:
            open_service(call, service, _RIGHTS)
        except DotNetError as error:
            # Lines 38-41, with the quote that they lack.
            warnings.append(
                f"Failed to open service '{service.name} to get more info, ignoring: {error.message}"
            )
        else:
            seen.append(_facts(host, service))
    return {
        "exists": bool(seen),
        "services": seen,
        **({"warnings": warnings} if warnings else {}),
    }


def _facts(host: Host, service: Service) -> dict[str, Any]:
    """Lines 180-216."""
    running = service.state != "stopped"
    controls = ["stop"] if running and service.can_stop else []
    controls += ["pause_continue"] if running and service.can_pause else []
    controls += ["shutdown"] if running and service.can_stop else []
    return {
        "checkpoint": 0,
        "controls_accepted": controls,
        "dependencies": list(service.depends_on),
        "dependency_of": dependents(host, service.name),
        "description": service.description or None,
        "desktop_interact": service.desktop_interact,
        "display_name": service.display_name,
        "error_control": service.error_control,
        "failure_actions": failure_actions(service),
        "failure_actions_on_non_crash_failure": service.failure_actions_on_non_crash_failure,
        "failure_command": service.failure_command or None,
        "failure_reboot_msg": service.failure_reboot_msg or None,
        "failure_reset_period_sec": service.failure_reset_period_sec,
        "launch_protection": "none",
        "load_order_group": service.load_order_group,
        "name": service.name,
        "path": service.image_path,
        "pre_shutdown_timeout_ms": service.pre_shutdown_timeout_ms,
        "preferred_node": None,
        "process_id": service.pid,
        "required_privileges": list(service.required_privileges),
        "service_exit_code": service.service_exit_code,
        "service_flags": [],
        "service_type": service.service_type,
        "sid_info": service.sid_info,
        "start_mode": service.start_mode,
        "state": _STATES.get(service.state, service.state),
        "triggers": [service_triggers.shown(text) for text in service.triggers],
        "username": account_shown(service),
        "wait_hint_ms": 0,
        "win32_exit_code": service.win32_exit_code,
    }
