r"""What the service control manager writes into the registry for a service.

Source: Microsoft's page "HKLM\SYSTEM\CurrentControlSet\Services Registry Tree".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from winlab.host.service_types import Service

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.registry import Value

SERVICES_KEY = r"HKLM\SYSTEM\CurrentControlSet\Services"
# Registry form of a start mode; `delayed` is `auto` with DelayedAutostart = 1.
_START_VALUES = {"boot": 0, "system": 1, "auto": 2, "delayed": 2, "manual": 3, "disabled": 4}
_TYPE_VALUES = {
    "kernel_driver": 0x1,
    "file_system_driver": 0x2,
    "win32_own_process": 0x10,
    "win32_share_process": 0x20,
    "user_own_process": 0x50,
    "user_share_process": 0x60,
}
_ERROR_CONTROLS = {"ignore": 0, "normal": 1, "severe": 2, "critical": 3}
_INTERACTIVE_FLAG = 0x100


def mirror(host: Host, service: Service) -> None:
    """Write the registry key of a service; its subkeys are the product's own."""
    from winlab.host.registry import Value  # noqa: PLC0415  (composed lazily, see model.Host)

    key = rf"{SERVICES_KEY}\{service.name}"
    registry = host.registry
    type_value = _TYPE_VALUES[service.service_type] | (_INTERACTIVE_FLAG if service.desktop_interact else 0)
    values: dict[str, Value | None] = {
        "Type": Value("dword", type_value),
        "Start": Value("dword", _START_VALUES[service.start_mode]),
        "ErrorControl": Value("dword", _ERROR_CONTROLS[service.error_control]),
        "ImagePath": Value("expandstring", service.image_path),
        "DisplayName": Value("string", service.display_name),
        "ObjectName": None if service.is_driver else Value("string", service.account),
        "Description": Value("string", service.description) if service.description else None,
        "DependOnService": _names(name for name in service.depends_on if name[:1] != "+"),
        "DependOnGroup": _names(name[1:] for name in service.depends_on if name[:1] == "+"),
        "DelayedAutostart": Value("dword", 1) if service.start_mode == "delayed" else None,
        "DeleteFlag": Value("dword", 1) if service.delete_pending else None,
    }
    for name, value in values.items():
        if value is not None:
            registry.set(key, name, value)
        elif registry.key_exists(key) and registry.get(key, name) is not None:
            registry.delete_value(key, name)


def differ(one: Service, other: Service) -> bool:
    """Whether two states of a service differ in what the registry holds."""
    return _configuration(one) != _configuration(other)


def _names(names: Iterable[str]) -> Value | None:
    from winlab.host.registry import Value  # noqa: PLC0415  (composed lazily, see model.Host)

    found = list(names)
    return Value("multistring", found) if found else None


def _configuration(service: Service) -> Service:
    """The part of a service that the registry holds."""
    return replace(service, state="", pid=0, win32_exit_code=0, service_exit_code=0, password="")
