"""What no text of a management agent holds is known by their words; a sign that one holds is never denied."""

import random

import pytest

from mim2ecma.management_agent import vocabulary
from mim2ecma.management_agent.secret_shapes import SHAPES
from mim2ecma.management_agent.secret_words import STEMS
from mim2ecma.management_agent.vocabulary import Vocabulary, lowered

SIGNS = [
    *STEMS,
    *(sign for shape in SHAPES for sign in shape.signs),
    ":\\",
    "\\\\",
    "#requires",
    "using module",
]
PARTS = [*SIGNS, " ", "\n", "\t", "(", '"', ";", "x", "\u0130", "\u212a", "é", "\ud800", "K", "\0"]


def test_a_sign_is_absent_when_a_part_of_it_is():
    words = Vocabulary(["Net stop; \u0130 xUSEx", "mysqldump", "'curl'"])
    signs = ("net use", "net view", "mysql", "use", "curl", "xusex;mysql", "sqlcmd")
    assert words.present(signs) == ("net use", "mysql", "use", "curl", "xusex;mysql")


@pytest.mark.parametrize("seed", range(20))
def test_a_sign_that_a_text_holds_is_never_absent(seed):
    generator = random.Random(seed)
    absent = 0
    for _ in range(50):
        texts = ["".join(generator.choices(PARTS, k=generator.randint(0, 6))) for _ in range(3)]
        texts = [generator.choice((text, text.upper())) for text in texts]
        held = {sign for sign in SIGNS if any(sign in lowered(text) for text in texts)}
        present = Vocabulary(texts).present(SIGNS)
        assert held <= set(present)
        absent += len(SIGNS) - len(present)
    assert absent > 0


def test_of_no_text_and_of_too_much_nothing_is_known(monkeypatch):
    monkeypatch.setattr(vocabulary, "MAX_WORDS_OF", 10)
    assert Vocabulary().may_hold("curl")
    assert Vocabulary(["x" * 11]).may_hold("curl")
    assert not Vocabulary(["x" * 10]).may_hold("curl")
