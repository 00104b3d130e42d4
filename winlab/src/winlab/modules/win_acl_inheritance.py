"""Twin of ansible.windows.win_acl_inheritance 3.3.0 (plugins/modules/win_acl_inheritance.ps1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from winlab.errors import ModuleFailure, Win32Error
from winlab.host.acl import Acl
from winlab.modules import Call, twin
from winlab.modules._dotnet import text_of
from winlab.modules._rules import Securable


@twin("ansible.windows.win_acl_inheritance")
def win_acl_inheritance(call: Call) -> dict[str, Any]:
    """Let a file, folder or key inherit rules, or stop it from doing so (lines 78-160).

    `reorganize` keeps the inherited rules as own ones when inheritance ends. When it starts, nothing is
    removed: lines 129-134 look for duplicates in the rules that were read before, in which nothing is
    inherited yet (had they found any, the output of RemoveAccessRule would break line 134; the upstream tests
    pass).
    """
    path = str(call.params["path"])
    if not path.startswith("\\\\?\\"):
        path = call.expand(path)
    target = Securable(call, path, privileged=False)
    result: dict[str, Any] = {"changed": False}
    if not target.exists():
        raise ModuleFailure(f"{path} does not exist", **result)
    try:
        rules = target.read()
    except Win32Error as error:
        raise ModuleFailure(f"Failed to find '{path}': {text_of(error)}", **result) from error
    wanted = str(call.params["state"]).lower()
    before = _state(rules)
    if before != wanted:
        if wanted == "present":
            rules = Acl(rules.explicit, protected=False)
        else:
            kept = rules.aces if call.params["reorganize"] else rules.explicit
            rules = Acl(tuple(replace(ace, inherited=False) for ace in kept), protected=True)
        if not call.check_mode:
            target.write(rules)
        result["changed"] = True
    if call.diff_mode:
        result["diff"] = {"before": {"state": before}, "after": {"state": _state(rules)}}
    return result


def _state(rules: Acl) -> str:
    return "absent" if rules.protected else "present"
