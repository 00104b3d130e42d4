"""Bring together what an export says of its connector and what the connector's DLL says itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mim2ecma.documents.findings import Finding, Severity, accepted, in_order, verdict_of
from mim2ecma.readiness import compare_assembly_version


def with_connector(
    inspection: Mapping[str, Any], closure: Mapping[str, Any], accept: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Add finding R17 to an inspection when the DLL is not the build that the management agent was made with.

    Args:
        inspection: The inspection document; it stays as it is.
        closure: The closure document of the same management agent's connector.
        accept: Rules that are accepted knowingly, each with its reason. What the inspection holds already was
            judged by them.

    Returns:
        The inspection with the finding in its place and the verdict that follows; the same content when there
        is nothing to tell (domain/ma_xml.md section 12, R17).
    """
    connector = closure["connector"]
    finding = compare_assembly_version(
        inspection["management_agent"]["assembly_version"],
        str(connector["version"] or ""),
        str(connector["file"]),
    )
    if finding is None or connector.get("supplied_by_host"):
        return dict(inspection)
    told = (_finding(entry) for entry in inspection["findings"])
    findings = in_order([*told, *accepted([finding], accept or {})])
    return {
        **inspection,
        "findings": [entry.to_dict() for entry in findings],
        "verdict": verdict_of(findings).value,
    }


def _finding(entry: Mapping[str, str]) -> Finding:
    return Finding(
        id=entry["id"],
        severity=Severity(entry["severity"]),
        where=entry["where"],
        found=entry["found"],
        expected=entry["expected"],
        next_step=entry["next_step"],
    )
