"""A transcript served as a host over real WinRM: what was recorded is answered, all else fails by name."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import logging
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from winlab import lab, network, pki
from winlab.errors import WinlabError
from winlab.execution.helpers import MAX_LINE
from winlab.execution.steps import CommandResult
from winlab.execution.streams import Cancelled, CommandRequest, Reader, Streams
from winlab.host.model import Host
from winlab.manifest import DELIMITER, MAX_PART_BYTES, Manifest, NotAManifest, UnknownLayout, decode
from winlab.products import templates
from winlab.server.service import WinrmService
from winlab.transcripts.format import Recorded, Transcript
from winlab.transcripts.matching import Tape
from winlab.transcripts.observation import FETCH, MODULE, PUT, Observed, observe, of_manifest
from winlab.transcripts.redaction import is_placeholder
from winlab.transcripts.values import filler

if TYPE_CHECKING:
    from winlab.host.sessions import Session

log = logging.getLogger(__name__)

HOST_NAME = "replay"
USER = "Administrator"
_SECRET = "administrator"  # noqa: S105  (the name of a secret)
_FOLDER = "C:\\winlab-replay"
NEWLINE = "\r\n"


@dataclass(frozen=True)
class _Arrived:
    """A command with its input."""

    observed: Observed
    manifest: Manifest | None
    reader: Reader


class Player:
    """Answers the commands of a host from a transcript.

    Args:
        transcript: what was recorded.
    """

    def __init__(self, transcript: Transcript) -> None:
        self._name = transcript.path.name
        self.tape = Tape(transcript)
        self._lock = threading.Lock()
        self._uploads: dict[int, str] = {}
        self._fetching: dict[str, Recorded] = {}

    def run(self, host: Host, session: Session, request: CommandRequest, streams: Streams) -> int:
        """Answer one command line of a shell, as `execution.run` would."""
        try:
            result = self._answer(host, _arrive(request, streams))
        except Cancelled:
            result = CommandResult(1)
        except WinlabError as error:
            result = CommandResult(1, "", str(error))
        except Exception as error:
            log.exception("replay")
            result = CommandResult(
                1, "", f"winlab: {self._name}: {type(error).__name__}; expected an answer."
            )
        streams.output.write("stdout", result.stdout.encode("utf-8", "surrogatepass"))
        streams.output.write("stderr", result.stderr.encode("utf-8", "surrogatepass"))
        return result.rc

    def _answer(self, host: Host, arrived: _Arrived) -> CommandResult:
        observed = arrived.observed
        with self._lock:
            call = self._continued(arrived) or self.tape.find(observed)
            if call is None:
                return self._unknown(observed)
            log.info("%s: %s", self._name, call.title)
            if "error" in call.answer:
                return CommandResult(
                    1, "", f"winlab: {self._name}: {call.title}: recorded as {call.answer['error']}."
                )
            if observed.kind == PUT:
                return self._put(host, arrived.reader, call)
            if observed.kind == FETCH and arrived.manifest is not None:
                return self._fetch(host, arrived.manifest, call)
            return _result(call, self.tape.answer(call))

    def _continued(self, arrived: _Arrived) -> Recorded | None:
        """The file that is being fetched: each piece is a command of its own."""
        if arrived.observed.kind != FETCH or arrived.manifest is None:
            return None
        path = str(arrived.observed.arguments["path"])
        return self._fetching.get(path) if _offset(arrived.manifest) else None

    def _unknown(self, observed: Observed) -> CommandResult:
        what = f"{observed.kind} {observed.name}".rstrip()
        text = (
            f"winlab: {self._name}: {what}: {self.tape.explain(observed)}; expected a call of the "
            "transcript. Record it, or run what was recorded."
        )
        log.warning("%s", text)
        if observed.kind != MODULE:
            return CommandResult(1, "", text)
        return CommandResult(1, json.dumps({"changed": False, "failed": True, "msg": text}) + NEWLINE)

    def _put(self, host: Host, reader: Reader, call: Recorded) -> CommandResult:
        digest = hashlib.sha1(usedforsecurity=False)
        with host.files.new_upload() as upload:
            while (line := reader.line(MAX_LINE)) is not None:
                try:
                    data = base64.b64decode(line, validate=True)
                except binascii.Error as error:
                    raise WinlabError(
                        f"{self._name}: {call.title}: {error}; expected base64. Send it again."
                    ) from error
                digest.update(data)
                upload.write(data)
            sha256, size = upload.finish()
        number = _digest_number(call)
        if number is not None:
            path = rf"{_FOLDER}\{number}"
            with host.lock:
                host.files.adopt_blob(path, sha256, size)
            self._uploads[number] = path
        return CommandResult(0, json.dumps({"sha1": digest.hexdigest()}) + NEWLINE)

    def _fetch(self, host: Host, manifest: Manifest, call: Recorded) -> CommandResult:
        params = manifest.actions[-1].params
        if call.answer.get("directory"):
            return CommandResult(0, "[DIR]" + NEWLINE)
        self._fetching[str(params.get("Path") or "")] = call
        content, number = call.answer.get("content") or {}, _digest_number(call)
        if number in self._uploads:
            data = host.files.read_bytes(self._uploads[number])
        else:
            data = filler(int(content.get("length", 0)))
        offset, size = _offset(manifest), int(params.get("BufferSize") or 0)
        piece = data[offset : offset + size]
        return CommandResult(0, base64.b64encode(piece).decode("ascii") + NEWLINE if piece else "")


@dataclass(frozen=True)
class Served:
    """A transcript that is being served."""

    address: str
    ports: Mapping[str, int]
    ca: Path
    inventory: Path
    player: Player


@contextlib.contextmanager
def serve(transcript: Transcript, inventory: Path | None = None) -> Iterator[Served]:
    """Serve a transcript on a loopback address until the context ends.

    Args:
        transcript: what is served.
        inventory: where to write an Ansible inventory with the generated password, mode 0600; a file of the
            temporary folder when None.

    Raises:
        WinlabError: no free network, or the inventory cannot be written.
    """
    player = Player(transcript)
    with tempfile.TemporaryDirectory(prefix="winlab-replay-") as name:
        folder = Path(name)
        ca = pki.ensure_ca(folder / "ca")
        net = network.claim(folder, None, 1)
        try:
            address, certificate = net.address(0), folder / "host.pem"
            pki.issue(folder / "ca", HOST_NAME, address, certificate)
            password = lab.new_secret()
            service = WinrmService(
                _host(folder / "host", password), player.run, address, (0, 0), certificate=certificate
            )
            try:
                target = inventory or folder / "hosts.yml"
                _write_inventory(target, address, service.ports, ca, password)
                yield Served(address, service.ports, ca, target, player)
            finally:
                service.close()
        finally:
            net.close()


def _host(folder: Path, password: str) -> Host:
    """Only its accounts and its disk are used: somebody must be able to log on, and uploads lie somewhere."""
    definition = {"administrator": {"name": USER, "password": _SECRET}}
    host = Host(HOST_NAME, definition, folder)
    templates.build(host, definition, {_SECRET: password}, folder)
    host.files.mkdir(_FOLDER)
    return host


def _write_inventory(path: Path, address: str, ports: Mapping[str, int], ca: Path, password: str) -> None:
    variables = {
        "ansible_connection": "winrm",
        "ansible_host": address,
        "ansible_port": ports["https"],
        "ansible_winrm_scheme": "https",
        "ansible_winrm_transport": "ntlm",
        "ansible_winrm_ca_trust_path": str(ca),
        "ansible_user": USER,
        "ansible_password": password,
    }
    text = yaml.safe_dump({"all": {"hosts": {HOST_NAME: variables}}}, sort_keys=True)
    try:
        lab.write_private(path, text.encode())
    except OSError as error:
        raise WinlabError(
            f"{path}: inventory: {error.strerror}; expected to write it. Choose another path."
        ) from error


def _arrive(request: CommandRequest, streams: Streams) -> _Arrived:
    reader = Reader(streams.stdin)
    wrapper, _ = reader.until(DELIMITER, MAX_PART_BYTES)
    if not wrapper:
        return _Arrived(observe(request.line, None), None, reader)
    body, _ = reader.until(DELIMITER, MAX_PART_BYTES)
    try:
        manifest = decode(wrapper, body)
    except (NotAManifest, UnknownLayout):
        return _Arrived(observe(request.line, wrapper), None, reader)
    return _Arrived(of_manifest(manifest), manifest, reader)


def _result(call: Recorded, answer: Mapping[str, Any]) -> CommandResult:
    stdout = answer.get("stdout") or {}
    if "json" in stdout:
        text = json.dumps(stdout["json"], ensure_ascii=False)
        out = f"{stdout.get('before', '')}{text}{stdout.get('after', '')}{NEWLINE}"
    else:
        out = f"{stdout.get('text', '')}{stdout.get('end', '')}"
    stderr = answer.get("stderr") or {}
    return CommandResult(int(answer.get("rc", 0)), out, f"{stderr.get('text', '')}{stderr.get('end', '')}")


def _digest_number(call: Recorded) -> int | None:
    digest = (call.answer.get("content") or {}).get("sha1")
    return int(digest["n"]) if is_placeholder(digest) else None


def _offset(manifest: Manifest) -> int:
    return int(manifest.actions[-1].params.get("Offset") or 0)
