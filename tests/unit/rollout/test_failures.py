import pytest

from mim2ecma.rollout.failures import failure_text, told


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"msg": "There is not  enough\nspace"}, "There is not enough space"),
        (
            {
                "msg": "All items completed",
                "results": [{"msg": "fine"}, {"failed": True, "msg": "a"}, {"failed": True, "msg": "a"}],
            },
            "a",
        ),
        (
            {"msg": "One or more errors", "error": [{"exception": {"message": " Access is denied. "}}]},
            "Access is denied.",
        ),
        ({}, "no text"),
        ({"msg": "x\u202ey"}, "x\\u202ey"),
    ],
)
def test_the_words_of_what_failed_are_kept(result, text):
    assert failure_text(result) == text


def test_a_long_text_is_cut():
    assert len(failure_text({"msg": "x" * 5000})) < 700


def test_of_a_file_that_cannot_be_written_only_name_and_reason_are_told():
    assert told(OSError(28, "No space left on device", "/runs/x")) == (
        "/runs/x: controller: No space left on device; expected a place that the account of this run may read and "
        "write, with room. Check mim2ecma_runs_dir, the rights on it and the free space, then run again."
    )
    assert told(ValueError("as it is")) == "as it is"
