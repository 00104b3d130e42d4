"""Findings order, weigh and speak the same way in every run."""

import pickle

import pytest

from mim2ecma.documents.errors import InputError, Mim2EcmaError, UsageError
from mim2ecma.documents.findings import Finding, Severity, Verdict, in_order, rule_number, verdict_of


def finding(rule="R1", severity=Severity.WARNING, where="here", found="this"):
    return Finding(rule, severity, where, found, "that", "Do something.")


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        ([], Verdict.READY),
        ([Severity.INFORMATION], Verdict.READY),
        ([Severity.INFORMATION, Severity.WARNING], Verdict.READY_WITH_WARNINGS),
        ([Severity.WARNING, Severity.ERROR], Verdict.NOT_READY),
    ],
)
def test_the_heaviest_finding_decides_the_verdict(severities, verdict):
    assert verdict_of(finding(severity=item) for item in severities) is verdict


def test_errors_come_first_then_rules_by_number_and_letter():
    items = [
        finding("R10", Severity.ERROR),
        finding("R2"),
        finding("R8b", Severity.ERROR),
        finding("R8", Severity.ERROR),
        finding("R2", where="a place before"),
    ]
    assert [(item.id, item.where) for item in in_order(items)] == [
        ("R8", "here"),
        ("R8b", "here"),
        ("R10", "here"),
        ("R2", "a place before"),
        ("R2", "here"),
    ]


def test_an_unknown_kind_of_rule_comes_last():
    assert rule_number("X1") > rule_number("R999z")


def test_a_finding_is_one_sentence_with_a_next_step():
    assert finding().text == "here: this; expected that. Do something."


def test_a_finding_quotes_nothing_that_acts_on_a_terminal():
    item = finding(found="a\x1b[2Jb\u202ec")
    assert item.found == "a\\x1b[2Jb\\u202ec"
    assert item.to_dict()["found"] == item.found


def test_a_finding_cuts_long_quotations():
    assert len(finding(found="x" * 5000).found) == 1000


def test_another_severity_makes_another_finding():
    item = finding()
    assert item.with_severity(Severity.ERROR).severity is Severity.ERROR
    assert item.severity is Severity.WARNING


def test_an_error_says_where_what_and_what_next():
    error = InputError(source="a.xml", where="file", found="none", expected="one", next_step="Look.")
    assert str(error) == "a.xml: file: none; expected one. Look."
    assert isinstance(error, Mim2EcmaError)


def test_an_error_survives_the_way_from_another_process():
    error = UsageError(source="\x1b", where="w", found="f", expected="e", next_step="n")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "\\x1b: w: f; expected e. n"
    assert type(copy) is UsageError
