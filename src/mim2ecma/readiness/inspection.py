"""The document `inspection`: what an export is, and the verdict on it (docs/architecture.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mim2ecma.documents.findings import Finding, Verdict, verdict_of
from mim2ecma.documents.schemas import schema_name
from mim2ecma.management_agent.capabilities import Capabilities
from mim2ecma.management_agent.model import (
    ManagementAgent,
    ObjectType,
    Parameter,
    Partition,
    RunProfile,
    Source,
)
from mim2ecma.management_agent.problems import UNREADABLE_RULE


@dataclass(frozen=True, slots=True)
class Inspection:
    """The result of one inspection.

    Attributes:
        source: The file.
        management_agent: What was read from it, `None` when there is no management agent.
        findings: In their order (`findings.in_order`).
        secrets_to_reenter: Names of encrypted parameters.
        referenced_files: Files that values name.
        withheld: Values that look like secrets; the document does not hold them.
    """

    source: Source
    management_agent: ManagementAgent | None
    findings: tuple[Finding, ...]
    secrets_to_reenter: tuple[str, ...] = ()
    referenced_files: tuple[str, ...] = ()
    withheld: frozenset[Parameter] = field(default=frozenset(), repr=False)

    @property
    def verdict(self) -> Verdict:
        """What the findings mean together."""
        return verdict_of(self.findings)

    @property
    def unreadable(self) -> bool:
        """Whether the file could not be read at all (finding R1)."""
        return any(finding.id == UNREADABLE_RULE for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; no secret is in it."""
        agent = self.management_agent or ManagementAgent()
        return {
            "schema": schema_name("inspection"),
            "source": _source(self.source),
            "management_agent": _agent(agent),
            "object_types": [_object_type(item) for item in agent.schema.object_types],
            "partitions": [self._partition(item) for item in agent.partitions],
            "run_profiles": [self._run_profile(item) for item in agent.run_profiles],
            "parameters": self._parameters(agent.configuration.parameters),
            "secrets_to_reenter": list(self.secrets_to_reenter),
            "referenced_files": list(self.referenced_files),
            "verdict": self.verdict.value,
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def _parameters(self, parameters: tuple[Parameter, ...]) -> list[dict[str, Any]]:
        return [
            {
                "name": item.name,
                "use": item.use,
                "page": item.page,
                "type": item.type,
                "encrypted": item.encrypted,
                "value": None if item.encrypted or item in self.withheld else item.text,
            }
            for item in parameters
        ]

    def _partition(self, item: Partition) -> dict[str, Any]:
        return {
            "name": item.name,
            "id": item.id,
            "selected": item.selected,
            "object_types": list(item.object_types),
            "parameters": self._parameters(item.parameters),
        }

    def _run_profile(self, item: RunProfile) -> dict[str, Any]:
        return {
            "name": item.name,
            "id": item.id,
            "steps": [
                {
                    "type": step.type,
                    "subtype": step.subtype,
                    "partition": step.partition,
                    "batch_size": step.batch_size,
                    "timeout": step.timeout,
                    "parameters": self._parameters(step.parameters),
                }
                for step in item.steps
            ],
        }


def _source(source: Source) -> dict[str, Any]:
    return {
        "path": source.path,
        "sha256": source.sha256,
        "ma_sha256": source.ma_sha256,
        "bytes": source.bytes,
        "encoding": source.encoding,
        "wrapper": source.wrapper.value,
        "server": source.server,
        "export_date": source.export_date,
    }


def _agent(agent: ManagementAgent) -> dict[str, Any]:
    extension = agent.configuration.extension
    return {
        "name": agent.name,
        "id": agent.id,
        "category": agent.category,
        "subtype": agent.subtype,
        "list_name": agent.list_name,
        "company": agent.company,
        "version": agent.version,
        "connector_dll": extension.filename,
        "assembly_version": extension.assembly_version,
        "import_enabled": extension.import_enabled,
        "export_enabled": extension.export_enabled,
        "export_type": extension.export_type or agent.export_type,
        "capabilities": _capabilities(agent.capabilities),
        "rules_extension_dll": agent.rules.extension_dll,
        "password_extension_dll": agent.configuration.password_extension_dll,
    }


def _capabilities(capabilities: Capabilities) -> dict[str, Any]:
    best = capabilities.best
    return {
        "mask": f"{capabilities.mask.value:08x}" if capabilities.mask else None,
        "bits": capabilities.bits.value if capabilities.bits else None,
        "dn_style": best.dn_style.value if best and best.dn_style else None,
        "names": list(best.names) if best else [],
        "mask_names": list(capabilities.mask.names) if capabilities.mask else [],
        "unknown_bits": list(best.unknown_bits) if best else [],
    }


def _object_type(item: ObjectType) -> dict[str, Any]:
    return {
        "name": item.name,
        "anchor": list(item.anchor),
        "attributes": [
            {
                "name": attribute.name,
                "type": attribute.type.value,
                "single_valued": attribute.single_valued,
                "operations": attribute.operations.value,
                "anchor": attribute.anchor,
                "required": attribute.required,
                "selected": attribute.selected,
                "usable": attribute.usable,
            }
            for attribute in item.attributes
        ],
    }
