"""Triggers of a service, as `sc.exe triggerinfo` takes them and win_service_info shows them.

Sources: Microsoft's pages "sc.exe triggerinfo" (the help of the program) and "SERVICE_TRIGGER"; identifiers
as in `module_utils/SCManager.cs` of ansible.windows 3.3.0, lines 569-578.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from typing import Any

from winlab.errors import NotModelled

# ACTION/KIND -> type and sub-type of win_service_info, and the sub-type's identifier.
_FIXED = {
    "start/networkon": (
        "ip_address_availability",
        "network_first_ip_arrival",
        "4f27f2de-14e2-430b-a549-7cd48cbc8245",
    ),
    "stop/networkoff": (
        "ip_address_availability",
        "network_last_ip_removal",
        "cc4ba62a-162e-4648-847a-b6bdf993e335",
    ),
    "start/domainjoin": ("domain_join", "domain_join", "1ce20aba-9851-4421-9430-1ddeb766e809"),
    "stop/domainleave": ("domain_join", "domain_leave", "ddaf516e-58c2-4866-9574-c3b615d42ea1"),
    "start/machinepolicy": ("group_policy", "machine_policy_present", "659fcae6-5bdb-4da9-b1ff-ca2a178d46e0"),
    "start/userpolicy": ("group_policy", "user_policy_present", "54fb46c8-f089-464c-b1fd-59d1b62c3b50"),
    "start/portopen": ("firewall_port_event", "firewall_port_open", "b7569e07-8421-4ee0-ad10-86915afdad09"),
    "stop/portclose": ("firewall_port_event", "firewall_port_close", "a144ed38-8e12-4de4-9d96-e64740b1a524"),
    "start/namedpipe": ("network_endpoint", "named_pipe_event", "1f81d131-3fac-4537-9e0c-7e7b0c2f4b55"),
    "start/rpcinterface": ("network_endpoint", "rpc_interface_event", "bc90d167-9470-4139-a9ba-be0bbbf5b74d"),
}
_CUSTOM = {"custom": "binary", "strcustom": "string"}
_WITHOUT_DATA = ("network_first", "network_last", "domain_", "machine_", "user_")
_PORT = re.compile(r"[^;]+(?:;[^;]*){0,3}")


def shown(text: str) -> dict[str, Any]:
    """One trigger as win_service_info shows it (lines 130-180 of the module).

    Args:
        text: `ACTION/KIND[/DATA...]`, as sc.exe takes it.

    Raises:
        NotModelled: a kind that winlab does not know, or data that do not fit it.
    """
    action, _, rest = text.partition("/")
    kind, _, data = rest.partition("/")
    if action in ("start", "stop") and kind in _CUSTOM:
        identifier, *items = data.split("/")
        names = ("custom", "custom", str(_identifier(text, identifier)))
        values = [_item(text, _CUSTOM[kind], item) for item in items]
    else:
        try:
            names = _FIXED[f"{action}/{kind}"]
        except KeyError:
            raise _unknown(text) from None
        values = _fixed_data(text, names[1], data)
    return {
        "action": f"{action}_service",
        "type": names[0],
        "sub_type": names[1],
        "sub_type_guid": names[2],
        "data_items": values,
    }


def _fixed_data(text: str, sub_type: str, data: str) -> list[dict[str, Any]]:
    if sub_type.startswith(_WITHOUT_DATA):
        if data:
            raise _unknown(text)
        return []
    if not data:
        raise _unknown(text)
    if sub_type.startswith("firewall_"):
        if not _PORT.fullmatch(data):
            raise _unknown(text)
        # Port, protocol, image and service are one item of several strings.
        return [{"type": "string", "data": data.split(";")}]
    return [_item(text, "string", data)]


def _item(text: str, kind: str, value: str) -> dict[str, Any]:
    if kind == "string":
        return {"type": kind, "data": value}
    try:
        # `$dataValue` is base64 for bytes (line 169).
        return {"type": kind, "data": base64.b64encode(binascii.unhexlify(value)).decode()}
    except binascii.Error:
        raise _unknown(text) from None


def _identifier(text: str, value: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError:
        raise _unknown(text) from None


def _unknown(text: str) -> NotModelled:
    return NotModelled(f"the service trigger {text!r}", f"winlab knows {', '.join(_FIXED)} and (str)custom.")
