"""The process that serves a lab's hosts: start detached, stay until told, idle, or the parent is gone."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import logging
import logging.handlers
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from winlab import control, execution, lab, network, operators, pki, views
from winlab.errors import Win32Error, WinlabError
from winlab.host.model import Host
from winlab.lab import Lab, StateFolder
from winlab.server.scim import ScimService
from winlab.server.service import WinrmService

log = logging.getLogger("winlab")

LOCK_FILE = "lock"
IDLE_SECONDS = 4 * 3600.0  # architecture.md, "Rules for simulated hosts"
START_SECONDS = 300.0
STOP_SECONDS = 30.0
_POLL_SECONDS = 0.5
_LOG_BYTES = 2_000_000


@dataclass(frozen=True)
class Started:
    """What `start` found or made."""

    status: dict[str, Any]
    already: bool


class Server:
    """All hosts of one lab, with the control endpoint.

    Args:
        the_lab: definition and state folder; the lock must be held.
        parent: a process whose end ends this one; None for the idle timeout.
    """

    def __init__(self, the_lab: Lab, parent: int | None = None) -> None:
        self._lab = the_lab
        self._folder = the_lab.folder
        self._parent = _Parent(parent) if parent is not None else None
        self._stop = threading.Event()
        self._change = threading.Lock()
        self._hosts: dict[str, Host] = {}
        self._services: dict[str, WinrmService] = {}
        self._scim: dict[str, ScimService] = {}
        self._network: network.Network | None = None
        self._control: control.ControlServer | None = None

    def start(self) -> None:
        """Build or load every host, listen, and write `endpoints.json`."""
        self._lab.prepare()
        names = list(self._lab.definition.hosts)
        ca = pki.ensure_ca(self._folder.ca)
        known = str(self._folder.read_endpoints().get("network", "")).removesuffix(".0/24") or None
        self._network = network.claim(self._folder.path, known, len(names))
        for name in names:
            self._serve(name)
        self._control = control.ControlServer(self._folder.path, self._operations())
        endpoints = {
            "hosts": {name: self._endpoint(name) for name in names},
            "ca": str(ca.resolve()),
            "network": f"{self._network.prefix}.0/24",
            "definition": str(self._lab.definition.path),
            "definition_sha256": self._lab.definition.sha256,
            "pid": os.getpid(),
        }
        text = json.dumps(endpoints, indent=1, sort_keys=True) + "\n"
        lab.write_private(self._folder.endpoints, text.encode())

    def wait(self) -> None:
        """Serve until stopped, idle for too long, or orphaned."""
        while not self._stop.wait(_POLL_SECONDS):
            if self._parent is not None:
                if not self._parent.alive:
                    log.info("parent is gone")
                    return
            elif time.monotonic() - self._last_request() > IDLE_SECONDS:
                log.info("idle for %d s", IDLE_SECONDS)
                return

    def close(self) -> None:
        """Stop serving and save."""
        if self._control is not None:
            self._control.close()
        self._close_services()
        for host in self._hosts.values():
            try:
                host.save()
            except WinlabError as error:
                log.error("%s", error)
        if self._network is not None:
            self._network.close()

    def _close_services(self) -> None:
        for endpoint in self._scim.values():
            endpoint.close()
        for service in self._services.values():
            service.close()

    def stop(self) -> None:
        """Let `wait` return."""
        self._stop.set()

    def _serve(self, name: str) -> None:
        assert self._network is not None  # noqa: S101  (start claims it first)
        address = self._network.address(list(self._lab.definition.hosts).index(name))
        certificate = self._folder.certificate(name)
        if not pki.certifies(certificate, self._folder.ca, name, address):
            pki.issue(self._folder.ca, name, address, certificate)
        host = self._lab.host(name)
        self._hosts[name] = host
        self._services[name] = WinrmService(host, execution.run, address, certificate=certificate)
        self._scim[name] = ScimService(host, address)

    def _endpoint(self, name: str) -> dict[str, Any]:
        service = self._services[name]
        return {
            "address": service.address,
            "http_port": service.ports.get("http"),
            "https_port": service.ports.get("https"),
        }

    def _last_request(self) -> float:
        return max(service.last_request for service in self._services.values())

    # The control endpoint --------------------------------------------------------------------------

    def _operations(self) -> dict[str, control.Operation]:
        return {
            "status": self._op_status,
            "state": self._op_state,
            "snapshot": self._op_snapshot,
            "reset": self._op_reset,
            "operator": self._op_operator,
            "fault": self._op_fault,
            "stop": self._op_stop,
        }

    def _op_status(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "definition": str(self._lab.definition.path),
            "definition_sha256": self._lab.definition.sha256,
            "hosts": {name: self._endpoint(name) for name in self._services},
            "shells": {name: service.shells.count() for name, service in self._services.items()},
        }

    def _op_state(self, request: dict[str, Any]) -> dict[str, Any]:
        host = self._named(request)
        with host.lock:
            host.save()
            return {"state": views.public_state(self._folder, host.name, self._lab.secrets)}

    def _op_operator(self, request: dict[str, Any]) -> dict[str, Any]:
        return operators.perform(self._named(request), request, self._lab.secrets)

    def _op_fault(self, request: dict[str, Any]) -> dict[str, Any]:
        host = self._named(request)
        faults, action = host.faults, request.get("action")
        if action == "set":
            kind = str(request.get("kind"))
            try:
                with _of_host(host):
                    return {"fault": faults.set(kind, **request.get("values", {})).to_dict()}
            except Win32Error as error:
                raise WinlabError(
                    f"{host.name}: fault {kind}: {error}; expected what is there. "
                    f"`winlab show {host.name}` shows the host."
                ) from error
        if action == "clear":
            with _of_host(host):
                return {"cleared": faults.clear(request.get("which"))}
        return {"faults": [fault.to_dict() for fault in faults.list()]}

    def _op_snapshot(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._change, contextlib.ExitStack() as held:
            for host in self._hosts.values():
                if host.faults:
                    raise WinlabError(
                        f"{host.name}: snapshot: faults are set; expected none, since their effects would be "
                        f"kept. Run `winlab fault {host.name} clear`."
                    )
                held.enter_context(host.lock)
                host.touch()
                host.save()
            path = lab.save_snapshot(self._folder, str(request.get("name", "")), list(self._hosts))
        return {"path": str(path)}

    def _op_reset(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request.get("name")
        with self._change:
            self._close_services()
            for host in self._hosts.values():
                # A command that still runs must not save over what comes now.
                if name:
                    host.save()
                host.retire()
            if name:
                try:
                    lab.restore_snapshot(self._folder, str(name), list(self._hosts))
                finally:
                    self._restart()
            else:
                try:
                    for host_name in self._hosts:
                        self._lab.forget(host_name)
                finally:
                    self._restart()
        return {"hosts": sorted(self._hosts)}

    def _restart(self) -> None:
        for host in list(self._hosts):
            self._serve(host)

    def _op_stop(self, request: dict[str, Any]) -> dict[str, Any]:
        threading.Timer(_POLL_SECONDS / 10, self.stop).start()
        return {"pid": os.getpid()}

    def _named(self, request: dict[str, Any]) -> Host:
        name = str(request.get("host", ""))
        if name not in self._hosts:
            known = ", ".join(sorted(self._hosts))
            raise WinlabError(f"{name}: host: not in this lab; expected one of {known}. Check the name.")
        return self._hosts[name]


@contextlib.contextmanager
def _of_host(host: Host) -> Iterator[None]:
    """Put the host's name before an error that does not know it."""
    try:
        yield
    except WinlabError as error:
        text = str(error)
        raise WinlabError(text if text.startswith(f"{host.name}: ") else f"{host.name}: {text}") from error


def start(folder: StateFolder, definition: Path, parent: int | None = None) -> Started:
    """Bring a lab up in a process of its own, unless it is up.

    Raises:
        WinlabError: it did not come up, with its own words, or a lab of another definition is up.
    """
    folder.make()
    with _starting(folder):
        with contextlib.suppress(control.NotRunning):
            status = control.call(folder.path, "status")
            if Path(str(status["definition"])) != definition.resolve():
                raise WinlabError(
                    f"{folder.path}: lab: up with {status['definition']}; expected {definition.resolve()}. "
                    "Run `winlab down` first, or name another state folder with --state."
                )
            return Started(status, already=True)
        if parent is not None and not _Parent(parent).alive:
            raise WinlabError(
                f"{folder.path}: lab: --parent {parent}: no such process; expected one that runs, since the "
                "hosts end with it. Correct the number, or leave the option out."
            )
        read, write = os.pipe()
        command = [
            sys.executable, "-m", "winlab.daemon", "--state", str(folder.path.resolve()),
            "--definition", str(definition.resolve()), "--ready", str(write),
        ]  # fmt: skip
        if parent is not None:
            command += ["--parent", str(parent)]
        with folder.log.open("ab") as output:
            folder.log.chmod(0o600)
            process = subprocess.Popen(  # noqa: S603  (our own module and paths)
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=(write,),
                cwd="/",
            )
        os.close(write)
        with os.fdopen(read, "r", encoding="utf-8") as pipe:
            answer = pipe.read().strip()
        if answer != "ready":
            process.wait(STOP_SECONDS)
            raise WinlabError(
                answer or f"{folder.log}: lab: the process ended; expected it up. Read its last lines."
            )
        return Started(control.call(folder.path, "status"), already=False)


def require_down(folder: StateFolder) -> None:
    """Refuse when nobody answers at the control endpoint although a process has the lab.

    Raises:
        WinlabError: it is starting, it hangs, or its socket is gone.
    """
    if (folder.path / LOCK_FILE).exists() and _is_locked(folder):
        pid = folder.read_endpoints().get("pid", "of `winlab.daemon`")
        raise WinlabError(
            f"{folder.path}: lab: a process has it and does not answer; expected an answer, or nobody. "
            f"Wait if it is starting, else end it: `kill {pid}`."
        )


def stop(folder: StateFolder) -> bool:
    """Take a lab down. Returns False when it was not up.

    Raises:
        WinlabError: it does not end, or does not answer.
    """
    try:
        pid = int(control.call(folder.path, "stop")["pid"])
    except control.NotRunning:
        require_down(folder)
        return False
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if not _is_locked(folder):
            return True
        time.sleep(0.02)
    raise WinlabError(
        f"{folder.path}: lab: process {pid} does not end; expected it gone. End it with `kill {pid}`."
    )


def main(arguments: list[str] | None = None) -> int:
    """The detached process."""
    parser = argparse.ArgumentParser(prog="winlab.daemon")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--definition", type=Path, required=True)
    parser.add_argument("--parent", type=int)
    parser.add_argument("--ready", type=int, required=True)
    options = parser.parse_args(arguments)
    folder = StateFolder(options.state)
    _log_to(folder.log)
    with os.fdopen(options.ready, "w", encoding="utf-8") as ready:
        lock = _lock(folder)
        if lock is None:
            ready.write(f"{folder.path}: lab: another process has it; expected it free. Run `winlab down`.")
            return 1
        server = None
        error_text = "ready"
        try:
            server = Server(Lab(lab.load_definition(options.definition), folder), options.parent)
            server.start()
        except WinlabError as error:
            error_text = str(error)
        except Exception as error:
            log.exception("start")
            error_text = (
                f"{folder.log}: lab: {type(error).__name__}: {error}; expected it up. Read its last lines."
            )
        ready.write(error_text)
        if server is None or error_text != "ready":
            if server is not None:
                server.close()
            return 1
        running = server
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: running.stop())
    running.wait()
    running.close()
    return 0


class _Parent:
    """A process that its lab does not outlive; its start time tells it from a later one of its number."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._born = self._start_time()

    @property
    def alive(self) -> bool:
        return self._born is not None and self._start_time() == self._born

    def _start_time(self) -> str | None:
        try:
            # proc(5): the 22nd field, counted from behind the name in parentheses.
            fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            return None
        return fields[19] if fields[0] != "Z" else None


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("winlab")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


@contextlib.contextmanager
def _starting(folder: StateFolder) -> Iterator[None]:
    """One `up` at a time."""
    handle = os.open(folder.path / "starting.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _lock(folder: StateFolder) -> int | None:
    handle = os.open(folder.path / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _is_locked(folder: StateFolder) -> bool:
    handle = _lock(folder)
    if handle is None:
        return True
    os.close(handle)
    return False


if __name__ == "__main__":
    sys.exit(main())
