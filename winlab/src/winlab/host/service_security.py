"""Who may do what with a service: its security descriptor, as `sc.exe sdset` takes it.

Sources: Microsoft's page "Service Security and Access Rights"; letters and abbreviations of [MS-DTYP]
2.5.1.1; rules are evaluated in their order ([MS-DTYP] 2.5.3.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from winlab.errors import NotModelled
from winlab.host import sids

if TYPE_CHECKING:
    from winlab.host.sessions import Session

QUERY_CONFIG, CHANGE_CONFIG, QUERY_STATUS, ENUMERATE_DEPENDENTS = "CC", "DC", "LC", "SW"
START, STOP, PAUSE_CONTINUE, INTERROGATE, USER_CONTROL = "RP", "WP", "DT", "LO", "CR"
DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER = "SD", "RC", "WD", "WO"
_LETTERS = frozenset(
    (
        QUERY_CONFIG,
        CHANGE_CONFIG,
        QUERY_STATUS,
        ENUMERATE_DEPENDENTS,
        START,
        STOP,
        PAUSE_CONTINUE,
        INTERROGATE,
    )
) | {USER_CONTROL, DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER}
# What a service gets that nobody has given another one: "Service Security and Access Rights".
DEFAULT = (
    "D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)"
    "(A;;CCLCSWLOCRRC;;;IU)(A;;CCLCSWLOCRRC;;;SU)"
)
_WHO = {
    "AU": "S-1-5-11",
    "BA": sids.ADMINISTRATORS,
    "BU": "S-1-5-32-545",
    "IU": "S-1-5-4",
    "LS": sids.LOCAL_SERVICE,
    "NS": sids.NETWORK_SERVICE,
    "NU": "S-1-5-2",
    "SU": "S-1-5-6",
    "SY": sids.SYSTEM,
    "WD": sids.EVERYONE,
}
_DACL = re.compile(r"D:(?P<rules>(?:\([^()]*\))*)(?:S:(?:\([^()]*\))*)?")
_RULE = re.compile(r"\((?P<kind>[AD]);;(?P<rights>(?:[A-Z]{2})+);;;(?P<who>[A-Z]{2}|S-1-[\d-]+)\)")


class InvalidDescriptorError(ValueError):
    """ConvertStringSecurityDescriptorToSecurityDescriptor refuses the text."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the list."""

    allow: bool
    rights: frozenset[str]
    sid: str


def parse(descriptor: str) -> tuple[Rule, ...]:
    """The rules of a descriptor's discretionary list.

    Raises:
        InvalidDescriptorError: it is no descriptor.
        NotModelled: a rule with flags, object types, rights in hexadecimal or another abbreviation.
    """
    match = _DACL.fullmatch(descriptor)
    if match is None:
        raise InvalidDescriptorError(descriptor)
    found = []
    for text in re.findall(r"\([^()]*\)", match["rules"]):
        rule = _RULE.fullmatch(text)
        letters = frozenset(re.findall("..", rule["rights"])) if rule else frozenset()
        who = _WHO.get(rule["who"], rule["who"]) if rule else ""
        if rule is None or not letters <= _LETTERS or not who.startswith("S-"):
            raise NotModelled(
                f"the rule {text} of a service", "Use (A;;LETTERS;;;WHO) or (D;;LETTERS;;;WHO)."
            )
        found.append(Rule(rule["kind"] == "A", letters, who))
    return tuple(found)


def is_granted(descriptor: str, session: Session, wanted: Iterable[str]) -> bool:
    """Whether a logon gets all of these rights; rules count until one refuses or nothing is left."""
    left = set(wanted)
    for rule in parse(descriptor or DEFAULT):
        holds = rule.sid == session.sid or rule.sid in session.groups
        if rule.allow and holds:
            left -= rule.rights
        elif not rule.allow and (holds or rule.sid in session.deny_only) and left & rule.rights:
            return False
        if not left:
            return True
    return not left
