"""setup.ps1 of ansible.windows 3.3.0: facts."""

from __future__ import annotations

from typing import Any

from winlab.modules import Call, twin
from winlab.modules._facts import COLLECTORS, Gathering

# Lines 1178-1183.
GROUPS: dict[str, frozenset[str]] = {
    "min": frozenset(
        {"date_time", "distribution", "dns", "env", "local", "platform", "powershell_version", "user"}
    ),
    "network": frozenset(
        {"all_ipv4_addresses", "all_ipv6_addresses", "interfaces", "windows_domain", "winrm"}
    ),
    "hardware": frozenset({"bios", "memory", "processor", "uptime", "virtual"}),
    "external": frozenset({"facter"}),
}
ALL = frozenset().union(*GROUPS.values())


@twin("ansible.windows.setup")
def setup(call: Call) -> dict[str, Any]:
    """Gather facts; a subset that nobody knows is a warning, an unknown one to leave out is ignored."""
    wanted = call.params["gather_subset"]
    run = Gathering(call, call.params["fact_path"])
    chosen = choose(wanted, run.warnings)
    run.facts.update(gather_subset=wanted, module_setup=True)
    if call.params["_measure_subset"]:
        run.facts["measure_info"] = {}
    for subsets, collect in COLLECTORS:
        if chosen.intersection(subsets):
            collect(run)
            if call.params["_measure_subset"]:
                run.facts["measure_info"][", ".join(subsets)] = 0.0
    result: dict[str, Any] = {"changed": False, "ansible_facts": run.facts}
    if run.warnings:
        result["warnings"] = run.warnings
    return result


def choose(wanted: list[str], warnings: list[str]) -> frozenset[str]:
    """The subsets to collect: all but the excluded ones, and the explicit ones whatever is excluded.

    Args:
        wanted: `gather_subset`.
        warnings: gets a text for each name that nobody knows.
    """
    groups = {**GROUPS, "all": ALL}
    explicit: set[str] = set()
    excluded: set[str] = set()
    for item in wanted:
        name = item.removeprefix("!")
        if item.startswith("!"):
            # `!all` leaves the minimum.
            excluded |= ALL - GROUPS["min"] if name == "all" else groups.get(name, ALL & {name})
        elif name in groups:
            explicit |= groups[name]
        elif name in ALL:
            explicit.add(name)
        else:
            warnings.append(f"invalid value {item} specified in gather_subset")
    return frozenset((ALL - excluded) | explicit)
