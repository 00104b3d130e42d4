"""win_timezone.ps1 of ansible.windows 3.3.0."""

from __future__ import annotations

from typing import Any

from winlab.errors import ModuleFailure
from winlab.host.timezones import current_zone, set_zone, zone
from winlab.modules import Call, twin


@twin("ansible.windows.win_timezone")
def win_timezone(call: Call) -> dict[str, Any]:
    """Set the time zone by its Windows name; `winlab.host.timezones` lists those that a host has."""
    wanted = call.params["timezone"]
    before = current_zone(call.host).name
    result: dict[str, Any] = {"previous_timezone": before, "timezone": wanted}
    if call.diff_mode:
        result["diff"] = {"before": f"{before}\n", "after": f"{wanted}\n"}
    if before.lower() == wanted.lower():
        return result
    if zone(wanted) is None:
        raise ModuleFailure(f"The specified timezone: {wanted} isn't supported on the machine.", **result)
    if not call.session.holds("SeTimeZonePrivilege"):
        # tzutil.exe's exit code and text for a missing privilege.
        raise ModuleFailure(
            "An error occurred when setting the specified timezone.",
            **result,
            stdout="",
            stderr="A required privilege is not held by the client.",
            rc=1,
        )
    if not call.check_mode:
        set_zone(call.host, wanted)
    return {**result, "changed": True}
