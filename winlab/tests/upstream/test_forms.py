"""Scripts known by their form: literals that are free may differ, everything else is another script."""

from __future__ import annotations

import pytest
from winlab.host.model import Host
from winlab.scripts import ScriptCall, ScriptResult

from winlab import scripts

TEXT = "$ErrorActionPreference = 'Stop'\nGet-Thing -Path 'C:\\a' -Name \"b\""
FREE = (1,)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    seen: list[tuple[str, ...]] = []

    def behaviour(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
        seen.append(literals)
        return ScriptResult()

    monkeypatch.setattr(scripts, "_forms", {})
    scripts.register_form(scripts.form_of(TEXT, FREE)[0], behaviour, FREE)
    return seen


@pytest.mark.parametrize(
    ("text", "literals"),
    [
        (TEXT, ("C:\\a",)),
        (TEXT.replace("C:\\a", "D:\\it''s"), ("D:\\it's",)),
        ("  " + TEXT.replace("\n", "\r\n\r\n  "), ("C:\\a",)),
        (TEXT.replace("'C:\\a'", '"C:\\a"'), None),  # other quotes
        (TEXT.replace("Stop", "Continue"), None),  # a literal that is not free
        (TEXT.replace('"b"', '"c"'), None),
        (TEXT.replace("'C:\\a'", '"$env:TEMP"'), None),  # something to evaluate
        (TEXT.replace("'C:\\a'", "'C:\\a'; Remove-Item 'C:\\b'"), None),
        (TEXT + " -Force", None),
    ],
)
def test_a_form_takes(
    known: list[tuple[str, ...]], host: Host, text: str, literals: tuple[str, ...] | None
) -> None:
    behaviour = scripts.find(text)
    if literals is None:
        assert behaviour is None
        return
    assert behaviour is not None
    behaviour(ScriptCall(host, host.accounts.token(host.accounts.resolve("Administrator").sid), text))
    assert known == [literals]


def test_names_of_temporary_folders_do_not_matter() -> None:
    one, other = (
        scripts.form_of(f"Test-Path C:\\t\\ansible.{name}.test\\x", ())[0]
        for name in ("abcdefgh.i1k", "12345678.abc")
    )
    assert one == other
    assert one != scripts.form_of("Test-Path C:\\t\\kernel32.dll", ())[0]
