import pytest

from mim2ecma.rollout.failures import failure_text


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
