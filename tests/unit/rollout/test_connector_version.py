import pytest

from mim2ecma.rollout.connector_version import with_connector

OLD = {
    "id": "R23",
    "severity": "information",
    "where": "w",
    "found": "f",
    "expected": "e",
    "next_step": "Do it.",
}


def inspection(recorded):
    return {
        "management_agent": {"assembly_version": recorded},
        "findings": [OLD],
        "verdict": "ready",
        "source": {"path": "x"},
    }


def closure(version, **more):
    return {"connector": {"file": "Hr.dll", "version": version, **more}}


@pytest.mark.parametrize(
    ("recorded", "staged"), [("2.3.0.0", "1.9.0.0"), ("2.3.0.0", "2.2.9.0"), ("2.3.0.0", "3.0.0.0")]
)
def test_an_older_dll_or_another_major_version_is_a_warning(recorded, staged):
    result = with_connector(inspection(recorded), closure(staged))
    assert [finding["id"] for finding in result["findings"]] == ["R17", "R23"]
    assert result["findings"][0]["severity"] == "warning"
    assert result["verdict"] == "ready-with-warnings"
    assert result["source"] == {"path": "x"}


def test_an_older_dll_that_is_accepted_is_told_with_the_reason():
    accept = {"R17": "the old build is meant", "R23": "another"}
    result = with_connector(inspection("2.3.0.0"), closure("1.9.0.0"), accept)
    assert result["findings"][0]["severity"] == "information"
    assert (
        result["findings"][0]["next_step"]
        == "Accepted knowingly (otherwise a warning): the old build is meant"
    )
    assert result["findings"][1] == OLD
    assert result["verdict"] == "ready"


@pytest.mark.parametrize(
    ("recorded", "staged"),
    [("2.3.0.0", "2.3.0.0"), ("2.3.0.0", "2.4.0.0"), (None, "1.0.0.0"), ("2.3.0.0", None)],
)
def test_the_same_or_a_later_build_says_nothing(recorded, staged):
    before = inspection(recorded)
    assert with_connector(before, closure(staged)) == before


def test_a_dll_that_the_host_brings_itself_says_nothing():
    before = inspection("2.3.0.0")
    assert with_connector(before, closure("1.0.0.0", supplied_by_host=True)) == before
