"""Each rule finds what it is for, with its severity, and leaves an ordinary management agent alone."""

from judging import judged, rules

from mim2ecma.readiness.catalogue import RULES


def test_an_ordinary_management_agent_is_ready():
    result = judged()
    assert result.verdict.value == "ready"
    assert rules(result) == ["R14", "R20"]
    assert not result.unreadable


def test_every_rule_of_the_catalogue_is_documented(pytestconfig):
    text = (pytestconfig.rootpath / "docs" / "readiness-rules.md").read_text("utf-8")
    for rule in RULES:
        assert f"### {rule} " in text
