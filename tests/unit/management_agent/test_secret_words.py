"""The words that speak of a secret, found by a few stems, are those of a list; what is absent is not looked for."""

import random

import pytest

from mim2ecma.management_agent import secrets
from mim2ecma.management_agent.secret_words import absent_signs, word_places
from mim2ecma.management_agent.secrets import SecretSearch, reveals_secret

WORDS = (
    *(
        "password",
        "passwd",
        "passwort",
        "passcode",
        "pwd",
        "passphrase",
        "pass phrase",
        "pass-phrase",
        "secret",
    ),
    *(
        "token",
        "kennwort",
        "mot de passe",
        "motdepasse",
        "apikey",
        "api_key",
        "api-key",
        "accesskey",
        "access_key",
    ),
    *("access-key", "accountkey", "sharedkey", "encryptionkey", "encryption_key", "subscriptionkey"),
    *("subscription-key", "masterkey", "signingkey", "privatekey"),
)
PARTS = (
    *WORDS,
    "pass",
    "phrase",
    "key",
    "api",
    "access",
    "mot de ",
    "e",
    "pin",
    "pw",
    "-",
    "_",
    " ",
    "1",
    "é",
)


@pytest.mark.parametrize("seed", range(20))
def test_the_words_of_the_list_are_found_wherever_they_stand(seed):
    generator = random.Random(seed)
    for _ in range(100):
        text = "".join(generator.choice(PARTS) for _ in range(generator.randint(0, 9)))
        found = {text[start:end] for start, end, short in word_places(text) if not short}
        assert found == {word for word in WORDS if word in text}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dbpass = x", ["pass"]),
        ("bypass passage compass1", ["pass", "pass"]),
        ("adminpw pwx", ["pw"]),
        ("pin spin pin2 pinned _pin", ["pin", "pin", "pin"]),
    ],
)
def test_short_words_end_or_stand_alone(text, words):
    assert [text[start:end] for start, end, short in word_places(text) if short] == words


def test_a_sign_is_absent_when_a_part_of_it_is():
    texts = ["Net stop; \u0130 xUSEx", "mysqldump"]
    assert absent_signs(["net use", "net view", "mysql", "use", "curl"], texts) == {"net view", "curl"}


CASES = (
    "curl -u sa:Tr0ub4dor7 https://x",
    "net use \\\\srv\\share Tr0ub4dor7",
    "Authorization: Bearer abcdefghij0123",
    "x = AKIAABCDEFGHIJKLMNOP",
    "-----BEGIN PRIVATE KEY-----",
    "https://host/x?sig=abcdef0123",
    "mot de passe = Tr0ub4dor7",
    "encryption_key = Tr0ub4dor7",
    "nothing of the kind",
)


def test_texts_that_are_known_before_change_no_answer():
    search = SecretSearch(CASES)
    answers = [search.reveals("Script", "text", text) for text in CASES]
    assert answers == [reveals_secret("Script", "text", text) for text in CASES]
    assert answers.count(None) == 1


def test_more_text_than_is_searched_is_not_looked_through_before(monkeypatch):
    monkeypatch.setattr(secrets, "MAX_SEARCHED", 10)
    monkeypatch.setattr(secrets, "absent_signs", lambda *_: pytest.fail("it was"))
    SecretSearch(["x" * 11])
