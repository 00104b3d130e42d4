"""Read an export and judge it by every rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mim2ecma.documents.findings import Finding, accepted, in_order
from mim2ecma.management_agent import read
from mim2ecma.management_agent.model import Export
from mim2ecma.readiness import configuration_rules, identity_rules, schema_rules
from mim2ecma.readiness.inspection import Inspection
from mim2ecma.readiness.options import Options
from mim2ecma.readiness.subject import Subject

_OF_CONFIGURED_AGENTS = frozenset({"R7b", "R8b", "R11", "R26"})
_RULES = (
    identity_rules.connector_rules,
    schema_rules.object_type_rules,
    schema_rules.attribute_rules,
    schema_rules.kind_rules,
    schema_rules.partition_rules,
    configuration_rules.secret_rules,
    configuration_rules.reference_rules,
    configuration_rules.capability_rules,
    configuration_rules.contradiction_rules,
    configuration_rules.rest_rules,
)


def inspect(source: bytes | Path, *, options: Options | None = None, name: str | None = None) -> Inspection:
    """Say what a file is, whether the ECMA Connector Host can take it, why not, and what to do next.

    Args:
        source: The bytes of the file, or its path.
        options: What to judge by; the defaults when left out.
        name: What to call the source in the result; a path calls itself.

    Returns:
        The inspection. A file that is no export, or no XML at all, gives a verdict too: not-ready with a
        finding.

    Raises:
        InputError: When the file cannot be opened.
    """
    return judge(read(source, name=name), options or Options())


def judge(export: Export, options: Options) -> Inspection:
    """Judge what was read.

    Args:
        export: From `management_agent.read`.
        options: What to judge by.

    Returns:
        The inspection.
    """
    agent = export.agent
    if agent is None or not agent.is_ecma2:
        findings = list(export.findings)
        if not findings:
            findings += identity_rules.wrapper_rules(export)
            findings += identity_rules.agent_rules(export, agent) if agent else ()
        return Inspection(export.source, agent, in_order(accepted(findings, options.accept)))
    subject = Subject(export, agent, options)
    return Inspection(
        export.source,
        agent,
        in_order(accepted(_all_findings(subject), options.accept)),
        secrets_to_reenter=subject.secrets_to_reenter,
        referenced_files=subject.referenced_files,
        withheld=frozenset(subject.suspicious),
    )


def _all_findings(subject: Subject) -> Iterator[Finding]:
    yield from subject.export.findings
    yield from identity_rules.wrapper_rules(subject.export)
    yield from identity_rules.agent_rules(subject.export, subject.agent)
    for rule in _RULES:
        # A template never has what only a configured management agent has (domain/ma_xml.md 10).
        yield from (
            finding
            for finding in rule(subject)
            if not subject.agent.packaged or finding.id not in _OF_CONFIGURED_AGENTS
        )
