"""Each rule finds what it is for, with its severity, and leaves an ordinary management agent alone."""

import re

from judging import judged, rules

from mim2ecma.readiness.catalogue import RULES


def test_an_ordinary_management_agent_is_ready():
    result = judged()
    assert result.verdict.value == "ready"
    assert rules(result) == ["R14", "R20"]
    assert not result.unreadable


def test_the_documented_rules_are_those_of_the_catalogue(pytestconfig):
    text = (pytestconfig.rootpath / "docs" / "readiness-rules.md").read_text("utf-8")
    assert sorted(re.findall(r"^### (R[0-9]+b?) ", text, re.M)) == sorted(RULES)
