"""win_hostname.ps1 of ansible.windows 3.3.0."""

from __future__ import annotations

from typing import Any

from winlab.errors import ModuleFailure
from winlab.modules import Call, twin

_FORBIDDEN = frozenset("`~!@#$%^&*()=+_[]{}\\|;:.'\",<>/? ")
# Microsoft, "Naming conventions in Active Directory": a DNS host name has at most 63 characters, not all
# digits.
NAME_LIMIT = 63


@twin("ansible.windows.win_hostname")
def win_hostname(call: Call) -> dict[str, Any]:
    """Rename the computer; the name takes effect with the next boot, so until then each run reports a change.

    The name that runs now is compared, not the one that waits (line 17).
    """
    name, current = call.params["name"], call.host.computer_name
    result: dict[str, Any] = {
        "old_name": current,
        "reboot_required": False,
        "diff": {"before": current, "after": name},
    }
    if name.lower() == current.lower():
        return result
    reason = ""
    if not call.session.is_admin:
        reason = "Access is denied."
    elif not name or len(name) > NAME_LIMIT or name.isdigit() or set(name) & _FORBIDDEN:
        reason = "The new name is not valid."
    if reason:
        # Rename-Computer's own text (ComputerResources, FailToRenameComputer and InvalidNewName), shortened.
        text = f"Fail to rename computer '{current}' to '{name}' due to the following exception: {reason}"
        raise ModuleFailure(f"Failed to rename computer to '{name}': {text}", **result)
    if not call.check_mode:
        call.host.rename_computer(name)
    return {**result, "changed": True, "reboot_required": True}
