"""The words that speak of a secret, found by a few stems, are those of a list."""

import random

import pytest

from mim2ecma.management_agent.secret_words import word_places

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
