"""Twin of ansible.windows.win_acl 3.3.0 (plugins/modules/win_acl.ps1, a legacy module)."""

from __future__ import annotations

from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure, Win32Error
from winlab.host import acl
from winlab.host.acl import Ace, Inheritance, Propagation
from winlab.modules import Call, twin
from winlab.modules._accounts import translate
from winlab.modules._dotnet import Disk, DotNetError, text_of
from winlab.modules._links import link_info
from winlab.modules._rules import Securable, file_mask, mask_of

_INHERITANCE = {"None": 0, "ContainerInherit": 1, "ObjectInherit": 2}
_PROPAGATION = {"None": 0, "NoPropagateInherit": 1, "InheritOnly": 2}
_NO_IIS = (
    "The specified module 'WebAdministration' was not loaded because no valid module file was found in any "
    "module directory."
)


@twin("ansible.windows.win_acl")
def win_acl(call: Call) -> dict[str, Any]:
    """Add or remove one access rule of a file, folder or registry key (lines 87-300).

    A rule counts as there only when an explicit one has exactly the same rights and flags, so adding rights
    that an existing rule already includes is a change each time, as with the real module. Check mode is not
    supported.
    """
    path: str = param(call, "path", type="str", failifempty=True)
    user: str = param(call, "user", type="str", failifempty=True)
    rights: str = param(call, "rights", type="str", failifempty=True)
    kind: str = param(call, "type", type="str", failifempty=True, validateset=("allow", "deny"))
    state: str = param(call, "state", type="str", default="present", validateset=("absent", "present"))
    inherit = param(call, "inherit", type="str")
    propagation: str = param(
        call,
        "propagation",
        type="str",
        default="None",
        validateset=("InheritOnly", "None", "NoPropagateInherit"),
    )
    if param(call, "follow", type="bool", default="false"):
        path = _followed(call, path)
    target = Securable(call, path, privileged=True)
    if not target.exists():
        raise ModuleFailure(f"{path} file or directory does not exist on the host", changed=False)
    sid = _user_sid(call, user)
    if target.is_file():
        inherit = "None"
    elif inherit is None:
        inherit = "ContainerInherit, ObjectInherit"
    try:
        rule = _rule(target, sid, rights=rights, kind=kind, inherit=inherit, propagation=propagation)
        return _apply(target, rule, state.lower())
    except Win32Error as error:
        raise ModuleFailure(
            f"an error occurred when attempting to {state} {rights} permission(s) on {path} for {user} - "
            f"{text_of(error)}",
            changed=False,
        ) from error


def _followed(call: Call, path: str) -> str:
    """Lines 112-129: follow links one by one; what cannot be looked at ends the search."""
    disk = Disk(call)
    while True:
        try:
            link = link_info(disk, disk.entry(path))
        except Win32Error:
            return path
        if link is None:
            return path
        path = link.absolute_path


def _user_sid(call: Call, user: str) -> str:
    """Lines 21-49."""
    if user.upper().startswith("IIS APPPOOL\\"):
        raise DotNetError(126, user, _NO_IIS)
    try:
        return translate(call, user)
    except Win32Error as error:
        raise ModuleFailure(
            f"account_name {user} is not a valid account, cannot get SID: {text_of(error)}", changed=False
        ) from error


def _rule(target: Securable, sid: str, *, rights: str, kind: str, inherit: str, propagation: str) -> Ace:
    """Lines 158-189."""
    allow = kind.lower() == "allow"
    if target.is_key:
        mask = mask_of(rights, acl.REGISTRY_RIGHTS, "RegistryRights")
    else:
        mask = file_mask(mask_of(rights, acl.FILE_RIGHTS, "FileSystemRights"), allow)
    inheritance = Inheritance(mask_of(inherit, _INHERITANCE, "InheritanceFlags"))
    spread = Propagation(mask_of(propagation, _PROPAGATION, "PropagationFlags"))
    # `AccessRule`: without inheritance there is nothing to propagate.
    return Ace(sid, mask, allow, inheritance, spread if inheritance else Propagation.NONE)


def _apply(target: Securable, rule: Ace, state: str) -> dict[str, Any]:
    """Lines 191-285."""
    rules = target.read()
    is_there = rule in rules.explicit
    if (state == "present") == is_there:
        return {"changed": False}
    what = "adding" if state == "present" else "removing"
    try:
        target.write(rules.add(rule) if state == "present" else rules.remove(rule))
    except Win32Error as error:
        raise ModuleFailure(
            f"an exception occurred when {what} the specified rule - {text_of(error)}", changed=False
        ) from error
    return {"changed": True}
