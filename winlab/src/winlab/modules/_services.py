"""What win_service and win_service_info share.

Sources: `module_utils/SCManager.cs` of ansible.windows 3.3.0; texts of PowerShell 5.1's `ServiceResources`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from winlab.errors import Win32Error
from winlab.host import service_security, sids
from winlab.host.model import Host
from winlab.host.service_types import Service
from winlab.modules import Call
from winlab.modules._dotnet import DotNetError, invocation_text

ERROR_ACCESS_DENIED = 5
ERROR_INVALID_PARAMETER = 87
ERROR_DEPENDENT_SERVICES_RUNNING = 1051


def account_shown(service: Service) -> str | None:
    """`Service.Account` (lines 716-729): SYSTEM by its full name, others as the SCM has them."""
    if service.is_driver:
        return None
    return r"NT AUTHORITY\SYSTEM" if service.account == "LocalSystem" else service.account


def dependents(host: Host, name: str) -> list[str]:
    """`Service.DependedBy`: what depends on a service, directly or not, sorted."""
    found: dict[str, str] = {}
    queue = [name]
    while queue:
        for service in host.services.dependents(queue.pop()):
            if service.name.lower() not in found:
                found[service.name.lower()] = service.name
                queue.append(service.name)
    return [found[key] for key in sorted(found)]


def failure_actions(service: Service) -> list[dict[str, Any]]:
    """Failure actions as both modules show them."""
    return [{"type": kind, "delay_ms": delay} for kind, delay in service.failure_actions]


def list_services(call: Call) -> list[Service]:
    """What `Get-Service` goes through, drivers included.

    Who has come over the network and is no administrator may connect to the control manager and not list its
    services (Microsoft, "Service Security and Access Rights": remote authenticated users).

    Raises:
        Win32Error: 5, in the cmdlet's words.
    """
    if sids.NETWORK in call.session.groups and not call.session.is_admin:
        raise DotNetError(
            ERROR_ACCESS_DENIED,
            "",
            "Cannot open Service Control Manager on computer '.'. This operation might require other "
            "privileges.",
        )
    return call.host.services.all()


def open_service(call: Call, service: Service, rights: Iterable[str]) -> None:
    """Refuse as OpenService does when the service's descriptor does not give all of these rights.

    Raises:
        Win32Error: 5, in the words of the exception.
    """
    if not service_security.is_granted(service.security, call.session, rights):
        text = f"Failed to open service '{service.name}' (Access is denied, Win32ErrorCode 5 - 0x00000005)"
        raise DotNetError(ERROR_ACCESS_DENIED, "", invocation_text(".ctor", 2, text))


def start(call: Call, service: Service) -> None:
    """`Start-Service`; why it fails is not said, as on Windows: the System event log has it.

    Raises:
        Win32Error: in the cmdlet's words.
    """
    try:
        _require(call, service, service_security.START)
        call.host.services.start(service.name)
    except Win32Error as error:
        raise DotNetError(
            error.code,
            "",
            f"Service '{service.display_name} ({service.name})' cannot be started due to the following "
            f"error: Cannot start service {service.name} on computer '.'.",
        ) from error


def stop(call: Call, service: Service, *, force: bool) -> list[Service]:
    """`Stop-Service`; returns what was running and is stopped now, the service itself last.

    Raises:
        Win32Error: in the cmdlet's words.
    """
    host = call.host
    running = [host.services.require(name) for name in dependents(host, service.name)]
    stopped = [found for found in running if found.state != "stopped"]
    shown = f"{service.display_name} ({service.name})"
    try:
        if host.services.require(service.name).state == "stopped":
            return []
        _require(call, service, service_security.STOP)
        host.services.stop(service.name, force=force)
    except Win32Error as error:
        text = (
            f"Cannot stop service '{shown}' because it has dependent services. It can only be stopped if the "
            "Force flag is set."
            if error.code == ERROR_DEPENDENT_SERVICES_RUNNING
            else f"Service '{shown}' cannot be stopped due to the following error: Cannot stop "
            f"{service.name} service on computer '.'."
        )
        raise DotNetError(error.code, "", text) from error
    return [*stopped, service]


def _require(call: Call, service: Service, right: str) -> None:
    if not service_security.is_granted(service.security, call.session, (right,)):
        raise Win32Error(ERROR_ACCESS_DENIED, service.name)
