"""win_feature.ps1 of ansible.windows 3.3.0, a legacy module: unknown options are ignored."""

from __future__ import annotations

from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk
from winlab.modules._features import FEATURES, Feature, ancestors, descendants

# The payload of .NET Framework 3.5 on an installation medium lies in a cabinet of this name (folder
# sources\sxs).
NETFX3_CABINET = "microsoft-windows-netfx3"
_NO_RIGHTS = "You do not have adequate user rights to make changes to the target computer."
_NO_SOURCE = (
    "The request to add or remove features on the specified server failed.\r\n"
    "Installation of one or more roles, role services, or features failed. \r\n"
    "The source files could not be found.\r\n"
    'Use the "Source" option to specify the location of the files that are required to restore the feature. '
    "Error: 0x800f081f"
)


@twin("ansible.windows.win_feature")
def win_feature(call: Call) -> dict[str, Any]:
    """Install or remove roles and features.

    What a feature lies below comes with it; what lies below goes with it. .NET Framework 3.5 is not on the
    disk of a fresh server: without `source`, or `windows_update: true` in the lab definition, it cannot be
    found. A change that needs a restart leaves the marker of component based servicing.
    """
    names = param(call, "name", type="list", failifempty=True)
    state = param(call, "state", type="str", default="present", validateset=("present", "absent")).lower()
    with_children = param(call, "include_sub_features", type="bool", default=False)
    with_tools = param(call, "include_management_tools", type="bool", default=False)
    source = param(call, "source", type="str")
    if state == "present" and source and not Disk(call).test(source):
        raise ModuleFailure(f"Failed to find source path {source} for feature install", changed=False)
    verb = "install" if state == "present" else "uninstall"
    wanted = [_feature(str(name), verb) for name in names]
    if not call.session.is_admin:
        raise ModuleFailure(f"Failed to {verb} Windows Feature: {_NO_RIGHTS}", changed=False)
    if state == "present":
        chosen = _to_install(call, wanted, with_children, with_tools)
        missing = [feature for feature in chosen if feature.needs_source]
        if missing and not call.check_mode and not _has_source(call, source):
            raise ModuleFailure(f"Failed to install Windows Feature: {_NO_SOURCE}", changed=False)
    else:
        chosen = _to_remove(call, wanted)
    return _apply(call, chosen, installed=state == "present")


def _feature(name: str, verb: str) -> Feature:
    feature = FEATURES.get(name.lower())
    if feature is None:
        raise ModuleFailure(
            f"Failed to {verb} Windows Feature: ArgumentNotValid: The role, role service, or feature name "
            f"is not valid: '{name}'. The name was not found.",
            changed=False,
        )
    return feature


def _installed(call: Call, feature: Feature) -> bool:
    return call.host.features.get(feature.name, False)


def _to_install(call: Call, wanted: list[Feature], children: bool, tools: bool) -> list[Feature]:
    chosen: dict[str, Feature] = {}
    for feature in wanted:
        extra = [FEATURES[name.lower()] for name in feature.tools] if tools else []
        below = descendants(feature.name) if children else []
        for found in (feature, *below, *extra):
            for needed in (*ancestors(found.name), found):
                chosen[needed.name] = needed
    return [feature for feature in chosen.values() if not _installed(call, feature)]


def _to_remove(call: Call, wanted: list[Feature]) -> list[Feature]:
    chosen = {found.name: found for feature in wanted for found in (*descendants(feature.name), feature)}
    return [feature for feature in chosen.values() if _installed(call, feature)]


def _has_source(call: Call, source: str | None) -> bool:
    if call.host.definition.get("windows_update", False):
        return True
    if not source:
        return False
    disk = Disk(call)
    return any(entry.name.lower().startswith(NETFX3_CABINET) for entry in disk.entries(source))


def _apply(call: Call, chosen: list[Feature], *, installed: bool) -> dict[str, Any]:
    restart = any(feature.restart for feature in chosen)
    if chosen and not call.check_mode:
        for feature in chosen:
            call.host.features[feature.name] = installed
        call.host.touch("host")
        if restart:
            call.host.mark_reboot_pending()
    exit_code = "NoChangeNeeded"
    if chosen:
        exit_code = "SuccessRestartRequired" if restart and not call.check_mode else "Success"
    return {
        "changed": bool(chosen),
        "feature_result": [
            {
                "id": feature.identity,
                "display_name": feature.shown,
                "message": [],
                "reboot_required": feature.restart,
                "skip_reason": "NotSkipped",
                "success": True,
            }
            for feature in chosen
        ],
        "success": True,
        "exitcode": exit_code,
        # -WhatIf answers `Maybe`, which is no `Yes`.
        "reboot_required": restart and not call.check_mode,
        "failed": False,
    }
