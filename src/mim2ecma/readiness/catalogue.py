"""The rules by number, one line each; docs/readiness-rules.md has a paragraph on each."""

from __future__ import annotations

from typing import Final

RULES: Final[dict[str, str]] = {
    "R1": "the file is one well-formed XML document without a DTD",
    "R2": "the wrapper is that of a single exported management agent",
    "R3": "it is a configured management agent, not a packaged template",
    "R4": "the category is Extensible2 (ECMA2)",
    "R5": "the connector's DLL is named by a bare file name",
    "R6": "export and import are enabled",
    "R7": "there is an object type for people",
    "R7b": "that object type is selected in a selected partition",
    "R8": "it has a usable attribute: single-valued string, both directions, not the anchor",
    "R8b": "a usable attribute is selected",
    "R9": "the object type has exactly one anchor attribute",
    "R10": "no attribute name holds '.' or '['",
    "R11": "exactly one partition is selected",
    "R12": "selected attributes of kinds that the host does not carry",
    "R13": "the schema fits together",
    "R14": "encrypted parameters must be typed again",
    "R15": "there are no secrets in clear text",
    "R16": "other DLLs and files are referred to",
    "R17": "the staged DLL is not older than the one the management agent was made with",
    "R18": "capability fields and settings agree",
    "R19": "one object type is selected",
    "R20": "what values and scripts need at run time",
    "R21": "import and export are call-based",
    "R22": "no hierarchy, no partitions, no LDAP names",
    "R23": "no password management",
    "R24": "the export type carries no references",
    "R25": "capabilities that the host does not use",
    "R26": "there is a run profile for a full import",
    "R27": "the connected system is one that Microsoft Entra provisions to through this host",
    "R28": "synchronization rules stay behind",
    "R29": "the file tells about other management agents",
    "R30": "the connector comes with the host",
    "R31": "the anchor is a single-valued string, number or binary value",
    "R32": "every syntax of a selected attribute is known",
    "R33": "the whole management agent was read",
    "R34": "selected attributes of kinds that newer hosts carry",
    "R35": "the wizard's own state agrees with the selection",
    "R36": "each element stands once, and holds a text where one belongs",
}
"""New rules continue the numbering; no number is used twice."""

NEVER_ACCEPTED: Final = frozenset({"R1", "R3", "R4", "R5"})
"""Without these there is nothing that could be migrated."""
