"""What every rule looks at: the export, the options, and what follows from both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from mim2ecma.documents.findings import Finding, Severity
from mim2ecma.documents.limits import MAX_LISTED_NAMES
from mim2ecma.management_agent.configuration import ENCRYPTED_TYPE
from mim2ecma.management_agent.model import Export, ManagementAgent, ObjectType, Parameter
from mim2ecma.management_agent.needs import Need, NeedKind, find_needs, is_searched_in_parts
from mim2ecma.management_agent.secrets import SecretSearch
from mim2ecma.management_agent.vocabulary import Vocabulary
from mim2ecma.readiness.options import DEFAULT_OBJECT_TYPES, Options

DELIVERED: Final = frozenset(
    {
        "microsoft.iam.connector.genericsql.dll",
        "microsoft.iam.connector.genericldap.dll",
        "microsoft.iam.connector.powershell.dll",
        "microsoft.identitymanagement.ma.webservices.dll",
    }
)
"""Names confirmed by Microsoft's documentation as present after the installation (ecma_host.md 3.2)."""

_NAME_LENGTH: Final = (
    140  # a script in a folder of MIM's Extensions fits; else the end says more than the middle
)


@dataclass(frozen=True)
class Subject:
    """An ECMA2 management agent under judgement.

    Attributes:
        export: The whole file.
        agent: The management agent in it.
        options: What it is judged by.
    """

    export: Export
    agent: ManagementAgent
    options: Options

    @cached_property
    def named(self) -> tuple[ObjectType, ...]:
        """Object types of a name that stands for people: those in the options, otherwise the default ones."""
        for names in (self.options.object_types, DEFAULT_OBJECT_TYPES):
            wanted = {name.strip().lower() for name in names}
            found = tuple(item for item in self.agent.schema.object_types if item.name.lower() in wanted)
            if found:
                return found
        return ()

    @cached_property
    def candidates(self) -> tuple[ObjectType, ...]:
        """Object types that may be the target: the named ones; without any, all if R7 was accepted.

        Whoever accepts R7 says that one of them is for people, not that what the others ask for is there.
        """
        return self.named or (self.agent.schema.object_types if "R7" in self.options.accept else ())

    @cached_property
    def selected_object_types(self) -> tuple[str, ...]:
        """Object types selected in selected partitions, each once, in the file's order."""
        names: dict[str, str] = {}
        for partition in self.agent.partitions:
            if partition.selected:
                for name in partition.object_types:
                    names.setdefault(name.lower(), name)
        return tuple(names.values())

    @cached_property
    def targets(self) -> tuple[ObjectType, ...]:
        """The candidates that are selected, or all candidates when none is."""
        selected = {name.lower() for name in self.selected_object_types}
        return tuple(item for item in self.candidates if item.name.lower() in selected) or self.candidates

    @cached_property
    def parameters(self) -> tuple[tuple[str, Parameter], ...]:
        """Every value with its place: configuration, partitions, run steps."""
        found = [("parameter-values", item) for item in self.agent.configuration.parameters]
        for partition in self.agent.partitions:
            found += [(f"partition '{partition.name}'", item) for item in partition.parameters]
        for profile in self.agent.run_profiles:
            for step in profile.steps:
                found += [(f"run profile '{profile.name}'", item) for item in step.parameters]
        return tuple(found)

    @cached_property
    def suspicious(self) -> dict[Parameter, str]:
        """Values that look like clear-text secrets, with what they look like."""
        return self._secrets[0]

    @cached_property
    def secret_places(self) -> tuple[str, ...]:
        """Every place that looks like it holds a clear-text secret (ma_xml.md 9), without any value."""
        return self._secrets[1]

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        """Of every text that is searched."""
        agent = self.agent
        return Vocabulary(
            [
                *(parameter.text for _, parameter in self.parameters),
                *(definition.default for definition in agent.configuration.definitions),
                *(constant.text for constant in agent.rules.constants),
                agent.description or "",
            ]
        )

    @cached_property
    def _secrets(self) -> tuple[dict[Parameter, str], tuple[str, ...]]:
        agent = self.agent
        search = SecretSearch(self._vocabulary)
        suspicious: dict[Parameter, str] = {}
        places = []
        for place, parameter in self.parameters:
            if parameter.encrypted:
                reason = "an encrypted parameter that holds text" if parameter.text else None
            else:
                reason = search.reveals(parameter.name, parameter.type, parameter.text)
            if reason is not None:
                suspicious[parameter] = reason
                places.append(f"{place}, parameter '{_shortened(parameter.name)}' ({reason})")
        for definition in agent.configuration.definitions:
            reason = search.reveals(definition.name, definition.type, definition.default)
            if definition.type.lower() == ENCRYPTED_TYPE and definition.default:
                reason = "a default of an encrypted parameter"
            if reason is not None:
                places.append(f"parameter-definitions, default of '{_shortened(definition.name)}' ({reason})")
        for constant in agent.rules.constants:
            if constant.text and (search.reveals(constant.attribute, "constant", constant.text)):
                places.append(f"export-attribute-flow, constant for '{constant.attribute}'")
        if agent.description and search.holds(agent.description):
            places.append("description")
        return suspicious, tuple(dict.fromkeys(places))

    @cached_property
    def needs(self) -> tuple[Need, ...]:
        """What values and scripts refer to; suspicious values are not searched."""
        return find_needs(
            (parameter for _, parameter in self.parameters),
            self.agent.configuration.extension.filename,
            suspicious=self.suspicious,
            vocabulary=self._vocabulary,
        )

    @cached_property
    def unsearched(self) -> tuple[str, ...]:
        """Names of scripts and other long values that would have been searched, were they not suspicious."""
        return tuple(
            dict.fromkeys(
                parameter.name
                for parameter in self.suspicious
                if not parameter.encrypted and is_searched_in_parts(parameter.text)
            )
        )

    @cached_property
    def referenced_files(self) -> tuple[str, ...]:
        """Files that values name (domain/ma_xml.md 7.4), sorted, each in one spelling; never complete."""
        return once(need.text for need in self.needs if need.kind is NeedKind.FILE)

    @cached_property
    def secrets_to_reenter(self) -> tuple[str, ...]:
        """Names of encrypted parameters; from the definitions too, as empty ones are missing (7.3)."""
        definitions = [
            item.name for item in self.agent.configuration.definitions if item.type.lower() == ENCRYPTED_TYPE
        ]
        values = [parameter.name for _, parameter in self.parameters if parameter.encrypted]
        return tuple(dict.fromkeys(name for name in (*definitions, *values) if name))


def error(rule: str, where: str, found: str, expected: str, next_step: str) -> Finding:
    """A finding that makes the verdict not-ready."""
    return Finding(rule, Severity.ERROR, where, found, expected, next_step)


def warning(rule: str, where: str, found: str, expected: str, next_step: str) -> Finding:
    """A finding that a person must know before the migration."""
    return Finding(rule, Severity.WARNING, where, found, expected, next_step)


def information(rule: str, where: str, found: str, expected: str, next_step: str) -> Finding:
    """A finding that helps a person later on."""
    return Finding(rule, Severity.INFORMATION, where, found, expected, next_step)


def once(names: Iterable[str]) -> tuple[str, ...]:
    """Names in order, each in the first of its spellings, as Windows ignores case."""
    found: dict[str, str] = {}
    for name in sorted(names):
        found.setdefault(name.lower(), name)
    return tuple(found.values())


def listing(names: Iterable[str]) -> str:
    """Names for a sentence: the first ones, long ones without their middle, and how many more."""
    every = list(names)
    more = f" and {len(every) - MAX_LISTED_NAMES} more" if len(every) > MAX_LISTED_NAMES else ""
    return ", ".join(_shortened(name) for name in every[:MAX_LISTED_NAMES]) + more


def _shortened(name: str) -> str:
    half = _NAME_LENGTH // 2
    return name if len(name) <= _NAME_LENGTH else f"{name[:half]}…{name[-half:]}"
