"""Whether what arrives is what was recorded: the same after redaction, with one number for one value."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from winlab.transcripts import records
from winlab.transcripts.format import Recorded, Transcript
from winlab.transcripts.observation import HELPER, Observed
from winlab.transcripts.redaction import KEY_MARK, MARK, MemoryNumbers, Redactor, is_placeholder
from winlab.transcripts.values import Values

# Fields that say what a call is; the rest of a call is compared piece by piece.
_IDENTITY = ("kind", "name", "sha256", "check_mode", "diff_mode", "asynchronous", "no_log")
_COMPARED = ("arguments", "become", "environment")


@dataclass(frozen=True)
class Bindings:
    """Which number of what arrives belongs to which recorded one.

    Attributes:
        known: bound by what the client sent.
        made: bound by an answer with a value that was made up. The client may know the real value from
            elsewhere (a drive's name that the facts told too); what it sends then counts.
    """

    known: dict[int, int] = field(default_factory=dict)
    made: dict[int, int] = field(default_factory=dict)

    def bind(self, recorded: int, actual: int) -> bool:
        """Whether the two may stand for one value; they do from then on."""
        if recorded not in self.known and self.made.get(recorded) == actual:
            return True
        return self.known.setdefault(recorded, actual) == actual

    def copy(self) -> Bindings:
        """A copy to try something with."""
        return Bindings(dict(self.known), dict(self.made))


class Tape:
    """A transcript that is played: calls in their order, each first time from the first that fits.

    A call that comes more often than it was recorded gets the last answer that fits, as polling needs.

    Args:
        transcript: the transcript.
    """

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self.values = Values.of(transcript)
        self._numbers = MemoryNumbers(secrets.token_bytes(32))
        self._redactor = Redactor(self._numbers)
        self._bindings = Bindings()
        self._played: set[int] = set()

    @property
    def unplayed(self) -> list[Recorded]:
        """The calls that were not asked for."""
        return [call for call in self._transcript.calls if call.number not in self._played]

    def find(self, observed: Observed) -> Recorded | None:
        """The recorded call that fits, None for one that was not recorded."""
        actual = records.call(observed, self._redactor)
        raw = {part: getattr(observed, part) for part in _COMPARED}
        repeated: tuple[Recorded, Bindings] | None = None
        for call in self._transcript.calls:
            bindings = self._unify(call.call, actual)
            if bindings is None:
                continue
            if call.number not in self._played:
                return self._take(call, bindings, raw)
            repeated = call, bindings
        return self._take(*repeated, raw) if repeated is not None else None

    def explain(self, observed: Observed) -> str:
        """What of a call that does not fit is nearest to one that was recorded."""
        actual = records.call(observed, self._redactor)
        wanted = actual["kind"], actual["name"]
        same = [call for call in self._transcript.calls if (call.call["kind"], call.call["name"]) == wanted]
        if not same:
            return "no call of that name was recorded"
        shas = {str(call.call.get("sha256", "")) for call in same}
        if actual.get("sha256", "") not in shas:
            return (
                f"recorded with another version: SHA-256 {', '.join(sorted(shas))}, here {actual['sha256']}"
            )
        names = ", ".join(sorted(map(str, actual["arguments"])))
        return f"recorded {len(same)} times, never with these arguments ({names}) and flags"

    def answer(self, call: Recorded) -> dict[str, Any]:
        """The answer with values in place of placeholders; the client may send them back."""
        answer = {key: value for key, value in call.answer.items() if key != "content"}
        made: dict[str, Any] = self.values.value(answer)
        self._bind_all(answer, made)
        return made

    def _take(self, call: Recorded, bindings: Bindings, raw: Mapping[str, Any]) -> Recorded:
        self._played.add(call.number)
        self._bindings = bindings
        for part in _COMPARED:
            learn(self.values, call.call.get(part), raw.get(part))
        return call

    def _bind_all(self, recorded: Any, value: Any) -> None:
        if is_placeholder(recorded):
            if "n" in recorded:
                kind = type(value).__name__
                shown = self._redactor.value(value, None)
                if kind == recorded[MARK] and is_placeholder(shown):
                    self._bindings.made.setdefault(int(recorded["n"]), int(shown["n"]))
        elif isinstance(recorded, dict):
            for item, other in zip(recorded.values(), value.values(), strict=True):
                self._bind_all(item, other)
        elif isinstance(recorded, list):
            for item, other in zip(recorded, value, strict=True):
                self._bind_all(item, other)

    def _unify(self, recorded: Mapping[str, Any], actual: Mapping[str, Any]) -> Bindings | None:
        if any(recorded.get(name) != actual.get(name) for name in _IDENTITY):
            return None
        bindings = self._bindings.copy()
        if recorded["kind"] == HELPER:
            return bindings  # their arguments are random names of a run
        fits = all(_fits(recorded.get(part), actual.get(part), bindings) for part in _COMPARED)
        return bindings if fits else None


def _fits(recorded: Any, actual: Any, bindings: Bindings) -> bool:
    if is_placeholder(recorded) or is_placeholder(actual):
        return is_placeholder(recorded) and is_placeholder(actual) and _same(recorded, actual, bindings)
    if isinstance(recorded, dict) and isinstance(actual, dict):
        return _same_keys(recorded, actual, bindings)
    if isinstance(recorded, list) and isinstance(actual, list):
        return len(recorded) == len(actual) and all(
            _fits(one, other, bindings) for one, other in zip(recorded, actual, strict=True)
        )
    return type(recorded) is type(actual) and bool(recorded == actual)


def _same(recorded: Mapping[str, Any], actual: Mapping[str, Any], bindings: Bindings) -> bool:
    for name in (MARK, "secret", "length", "form"):
        if recorded.get(name) != actual.get(name):
            return False
    return "n" not in recorded or bindings.bind(int(recorded["n"]), int(actual["n"]))


def _same_keys(recorded: Mapping[str, Any], actual: Mapping[str, Any], bindings: Bindings) -> bool:
    """Keys that are kept are the same; the redacted ones go together in the order they were sent in."""
    hidden = [key for key in recorded if key.startswith(KEY_MARK)]
    others = [key for key in actual if key.startswith(KEY_MARK)]
    if len(hidden) != len(others) or set(recorded) - set(hidden) != set(actual) - set(others):
        return False
    pairs = [(key, key) for key in recorded if key not in hidden] + list(zip(hidden, others, strict=True))
    for one, other in zip(hidden, others, strict=True):
        if not bindings.bind(int(one.removeprefix(KEY_MARK)), int(other.removeprefix(KEY_MARK))):
            return False
    return all(_fits(recorded[one], actual[other], bindings) for one, other in pairs)


def learn(values: Values, recorded: Any, raw: Any, *, certain: bool = True) -> None:
    """Take the values of placeholders from where the same structure holds them (see `Values.learn`)."""
    if is_placeholder(recorded):
        if "n" in recorded and isinstance(raw, (str, int, float)) and type(raw).__name__ == recorded[MARK]:
            values.learn(int(recorded["n"]), raw, certain=certain)
    elif isinstance(recorded, dict) and isinstance(raw, Mapping):
        for key, item in recorded.items():
            if key in raw:
                learn(values, item, raw[key], certain=certain)
    elif isinstance(recorded, list) and isinstance(raw, list):
        for item, other in zip(recorded, raw, strict=False):
            learn(values, item, other, certain=certain)
