"""What is accepted knowingly, and which options make no sense."""

import pytest
from export_builder import (
    export,
)
from judging import judged, only

from mim2ecma.documents.errors import UsageError
from mim2ecma.readiness import Options
from mim2ecma.readiness.catalogue import NEVER_ACCEPTED


def test_an_accepted_error_becomes_a_warning_with_the_reason():
    result = judged(
        export(wrapper="saved-ma-configuration"), judge_by=Options(accept={"R2": "tried on a test host"})
    )
    item = only(result, "R2")
    assert item.severity.value == "warning"
    assert item.next_step == "Accepted knowingly (otherwise an error): tried on a test host"
    assert result.verdict.value == "ready-with-warnings"


def test_an_accepted_warning_becomes_information():
    result = judged(import_enabled="0", judge_by=Options(accept={"R6": " empty target "}))
    item = only(result, "R6")
    assert (item.severity.value, item.next_step) == (
        "information",
        "Accepted knowingly (otherwise a warning): empty target",
    )
    assert result.verdict.value == "ready"


def test_an_accepted_information_stays():
    assert only(judged(judge_by=Options(accept={"R14": "known"})), "R14").next_step.startswith(
        "Have them at hand"
    )


@pytest.mark.parametrize("rule", [*sorted(NEVER_ACCEPTED), "R0", "R99", "r2", ""])
def test_some_rules_cannot_be_accepted(rule):
    with pytest.raises(UsageError, match=f"options: accept: rule {rule}; expected one of R2, R6, "):
        Options(accept={rule: "because"})


@pytest.mark.parametrize("reason", ["", " ", "!?", "-"])
def test_accepting_needs_a_reason_of_words(reason):
    with pytest.raises(UsageError, match="options: accept R2: no reason; expected a reason"):
        Options(accept={"R2": reason})


def test_an_object_type_needs_a_name():
    with pytest.raises(UsageError, match="options: object type: an empty name"):
        Options(object_types=("",))
