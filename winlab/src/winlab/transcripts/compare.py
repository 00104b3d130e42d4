"""A transcript held against the twins: its calls run on a fresh simulated host, differences are named.

A call whose arguments are redacted is run with values of the recorded form. Where a value that stayed then
differs (whether a file exists, whether something changed), or where both have failed, the cause may be the
made-up argument: such a call is undecided, and said to be, until `--values` names the real one. What a twin
says of made-up arguments is made up as well.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from winlab import execution, lab, modules, pins, pki
from winlab.errors import WinlabError
from winlab.execution.streams import CommandRequest, Output, Stdin, Streams
from winlab.host.model import Host
from winlab.host.sessions import Session
from winlab.lab import Lab, StateFolder
from winlab.products import templates
from winlab.transcripts import payload, records
from winlab.transcripts.differences import VALUE, Difference, between
from winlab.transcripts.format import Recorded, Transcript
from winlab.transcripts.matching import learn
from winlab.transcripts.observation import HELPER, MODULE, PUT, observe
from winlab.transcripts.redaction import MemoryNumbers, Redactor, is_placeholder
from winlab.transcripts.values import Scalar, Values, filler

SAME, DIFFERENT, UNDECIDED, NOT_COMPARED = "same", "different", "undecided", "not compared"
# The build of each template, third number of the version in `setup`.
TEMPLATE_BUILDS = {"14393": "windows-server-2016"}
_SECRET = "administrator"  # noqa: S105  (the name of a secret)
_USER = "Administrator"
_CERTIFICATE_FACT = "ansible_win_rm_certificate_thumbprint"
_ADDRESS = "127.0.0.1"  # nothing is served


@dataclass(frozen=True)
class Outcome:
    """What came of one call.

    Attributes:
        call: the recorded call.
        verdict: `same`, `different`, `undecided` or `not compared`.
        differences: every difference of a call that was compared.
        reason: why it is undecided or was not compared.
    """

    call: Recorded
    verdict: str
    differences: tuple[Difference, ...] = ()
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "call": self.call.number,
            "name": f"{self.call.call['kind']} {self.call.call['name']}".rstrip(),
            "verdict": self.verdict,
            "reason": self.reason,
            "differences": [vars(item) for item in self.differences],
        }


@dataclass
class Comparison:
    """Runs the calls of a transcript, one after the other, on one host.

    Args:
        transcript: what was recorded.
        host: a fresh host.
        session: who runs the calls.
        known: real values by their number in the transcript.
    """

    transcript: Transcript
    host: Host
    session: Session
    known: Mapping[int, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._values = Values.of(self.transcript, self.known)
        self._redactor = Redactor(MemoryNumbers(secrets.token_bytes(32)))

    def outcomes(self) -> Iterator[Outcome]:
        """One outcome a call, in their order."""
        for call in self.transcript.calls:
            kind = call.call["kind"]
            if kind == MODULE:
                yield self._module(call)
                continue
            if kind == PUT:
                self._put(call)
            elif kind == HELPER and call.call["name"] == "powershell_mkdtemp.ps1":
                self._folder(call)
            yield Outcome(call, NOT_COMPARED, reason="no module")

    def _module(self, call: Recorded) -> Outcome:
        if reason := self._hindrance(call):
            return Outcome(call, NOT_COMPARED, reason=reason)
        used = [*numbers(call.call.get("arguments")), *numbers(call.call.get("environment"))]
        exact = all(self._values.is_known(number) for number in used)
        arguments = self._values.value(call.call.get("arguments") or {})
        stdin = payload.module(call, arguments, self._values.value(call.call.get("environment") or {}))
        rc, stdout, stderr = run(self.host, self.session, stdin)
        answer = records.answer(observe("", stdin), self._redactor, rc, stdout, stderr)
        return self._judge(call, answer, stdout, exact)

    def _hindrance(self, call: Recorded) -> str:  # noqa: PLR0911  (a table of reasons)
        name = call.call["name"]
        if call.call.get("no_log"):
            return "no_log: nothing of it was recorded"
        if call.call.get("asynchronous") or name == records.ASYNC_STATUS:
            return "a job in the background"
        if call.result is None:
            return f"recorded without a result ({call.answer.get('error') or 'no JSON'})"
        become = call.call.get("become")
        if become is not None and become.get("user") != "SYSTEM":
            return "become with a user whose password is not in the transcript"
        if name not in modules.names():
            return "no twin"
        installed = pins.installed(name).module
        if call.call.get("sha256") != installed:
            return f"recorded with another version: SHA-256 {call.call.get('sha256')}, here {installed}"
        return ""

    def _judge(self, call: Recorded, answer: dict[str, Any], stdout: bytes, exact: bool) -> Outcome:
        recorded = call.result or {}
        twin = (answer.get("stdout") or {}).get("json")
        if not isinstance(twin, dict):
            raise WinlabError(
                f"{self.transcript.path}: {call.title}: the twin printed no JSON; expected a result. "
                "Run that module alone against a lab and read winlab.log."
            )
        found = list(between(recorded, twin))
        if recorded.get("failed") == twin.get("failed"):
            split = records.split_json(stdout.decode("utf-8", "replace"))
            if split is not None:
                learn(self._values, recorded, split[1], certain=exact)
        if call.answer.get("rc") != answer["rc"]:
            found.append(Difference(VALUE, "rc", repr(call.answer.get("rc")), repr(answer["rc"])))
        if not found:
            return Outcome(call, SAME)
        # Two failures may have different reasons; the text that tells them is redacted.
        both_failed = bool(recorded.get("failed") and twin.get("failed"))
        if not exact and (both_failed or any(_depends_on_state(item) for item in found)):
            return Outcome(call, UNDECIDED, tuple(found), "arguments are redacted; name them with --values")
        return Outcome(call, DIFFERENT, tuple(found))

    def _put(self, call: Recorded) -> None:
        content = call.answer.get("content")
        path = self._values.value(call.call["arguments"]).get("path")
        if isinstance(content, dict) and path:
            with self.host.lock:
                self.host.files.mkdir(str(path).rpartition("\\")[0])
                self.host.files.write_bytes(str(path), filler(int(content["length"])))

    def _folder(self, call: Recorded) -> None:
        stdout = self._values.value(call.answer.get("stdout") or {})
        if text := stdout.get("text"):
            with self.host.lock:
                self.host.files.mkdir(str(text))


def fresh_host(
    transcript: Transcript, folder: Path, definition: Path | None, name: str, template: str
) -> tuple[Host, Session]:
    """A new host to run the calls on, and its administrator.

    Args:
        transcript: tells the build.
        folder: for the host's state.
        definition: a lab definition whose host is built; None for a template alone.
        name: the host in it; may be empty when there is only one.
        template: overrides the one that fits the recorded build.

    Raises:
        WinlabError: no template fits, or the definition has no such host.
    """
    if definition is not None:
        host, session = _of_lab(folder, definition, name)
        _certify(transcript, folder, host)
        return host, session
    chosen = template or template_for(transcript)
    entry = {"template": chosen, "administrator": {"name": _USER, "password": _SECRET}}
    host = Host("compare", entry, StateFolder(folder).hosts / "compare")
    _certify(transcript, folder, host)
    templates.build(host, entry, {_SECRET: lab.new_secret()}, folder)
    return host, host.accounts.authenticated(_USER, "network")


def _certify(transcript: Transcript, folder: Path, host: Host) -> None:
    """Give the host a certificate for HTTPS where the recorded one had one, as its facts tell."""
    facts = [
        (call.result or {}).get("ansible_facts") for call in transcript.calls if call.call["kind"] == MODULE
    ]
    if any(isinstance(found, dict) and _CERTIFICATE_FACT in found for found in facts):
        state = StateFolder(folder)
        pki.ensure_ca(state.ca)
        pki.issue(state.ca, host.name, _ADDRESS, state.certificate(host.name))


def template_for(transcript: Transcript) -> str:
    """The template of the recorded build.

    Raises:
        WinlabError: no facts were recorded, or no template has that build.
    """
    parts = transcript.build.split(".")
    build = parts[2] if len(parts) > 2 else ""
    if build not in TEMPLATE_BUILDS:
        raise WinlabError(
            f"{transcript.path}: build: {transcript.build or 'unknown, no facts were recorded'}; "
            f"expected one of {', '.join(sorted(TEMPLATE_BUILDS))}. "
            "Name a template with --template, or a lab with --definition."
        )
    return TEMPLATE_BUILDS[build]


def run(host: Host, session: Session, stdin: bytes) -> tuple[int, bytes, bytes]:
    """Run a manifest as if it had come over the wire."""
    given, output = Stdin(), Output()
    given.feed(stdin, True, 0)
    rc = execution.run(host, session, CommandRequest("PowerShell", payload.BOOTSTRAP), Streams(given, output))
    output.finish(rc)
    streams: dict[str, bytes] = {"stdout": b"", "stderr": b""}
    while taken := output.take(1 << 30, 0):
        pieces, done = taken
        for name, data in pieces:
            streams[name] += data
        if done:
            break
    return rc, streams["stdout"], streams["stderr"]


def report(outcomes: Sequence[Outcome]) -> list[str]:
    """The lines that people read: every difference, every call that proves nothing, and the counts."""
    lines = []
    for outcome in outcomes:
        if outcome.verdict != SAME:
            reason = f" ({outcome.reason})" if outcome.reason else ""
            lines.append(f"{outcome.call.title}: {outcome.verdict}{reason}")
            lines += [f"  {difference}" for difference in outcome.differences]
    counts = Counter(outcome.verdict for outcome in outcomes)
    kinds = (SAME, DIFFERENT, UNDECIDED, NOT_COMPARED)
    return [*lines, ", ".join(f"{counts[kind]} {kind}" for kind in kinds)]


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """1 for differences, and for a comparison in which nothing could be compared."""
    verdicts = {outcome.verdict for outcome in outcomes}
    return 1 if DIFFERENT in verdicts or SAME not in verdicts else 0


def read_values(path: Path) -> dict[int, Scalar]:
    """Real values by number, from a JSON object.

    Raises:
        WinlabError: no file, no JSON, or a number that is none.
    """
    try:
        content = json.loads(path.read_bytes())
        return {int(number): value for number, value in content.items()}
    except OSError as error:
        raise WinlabError(f"{path}: values: {error.strerror}; expected a file. Correct the path.") from error
    except (ValueError, AttributeError) as error:
        raise WinlabError(
            f'{path}: values: {error}; expected JSON such as {{"7": "C:\\\\Data"}}. Correct the file.'
        ) from error


def numbers(value: Any) -> Iterator[int]:
    """The numbers of all placeholders in a recorded value; 0 for one that has none."""
    if is_placeholder(value):
        yield int(value.get("n", 0))
    elif isinstance(value, dict):
        for key, item in value.items():
            if key.startswith("$key:"):
                yield int(key.removeprefix("$key:"))
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)


def _depends_on_state(difference: Difference) -> bool:
    # Where every value that stayed agrees (exists, changed, failed, rc), the two saw the same case: a key
    # that one lacks is then the twin's affair, and so is a type.
    return difference.kind == VALUE


def _of_lab(folder: Path, definition: Path, name: str) -> tuple[Host, Session]:
    the_lab = Lab(lab.load_definition(definition), StateFolder(folder))
    hosts = the_lab.definition.hosts
    if not name and len(hosts) == 1:
        name = next(iter(hosts))
    if name not in hosts:
        raise WinlabError(
            f"{definition}: host {name or 'not named'}; expected one of {', '.join(sorted(hosts))}. "
            "Name it with --host."
        )
    the_lab.prepare()
    host = the_lab.host(name)
    administrator = (hosts[name].get("administrator") or {}).get("name", _USER)
    return host, host.accounts.authenticated(str(administrator), "network")
