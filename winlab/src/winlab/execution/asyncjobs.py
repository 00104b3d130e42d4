"""async_wrapper.ps1 and async_watchdog.ps1: work that outlives its command, reported through a file."""

from __future__ import annotations

import json
import logging
import ntpath
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from winlab.errors import Win32Error, WinlabError
from winlab.execution.steps import CommandResult, Run
from winlab.manifest import Action

log = logging.getLogger(__name__)

Perform = Callable[[Run, tuple[Action, ...]], CommandResult]
NEWLINE = "\r\n"


def async_wrapper(run: Run, action: Action, rest: tuple[Action, ...], perform: Perform) -> CommandResult:
    """Start the wrapped actions in the background and answer at once with the job's id."""
    if not rest or rest[0].name != "async_watchdog.ps1":
        return CommandResult.wrapper_failure(
            "winlab: async_wrapper.ps1 without async_watchdog.ps1; expected both."
        )
    watchdog, work = rest[0], rest[1:]
    folder = run.expand(str(action.params.get("AsyncDir") or ""))
    job = f"{action.params.get('AsyncJid')}.{run.pid}"
    path = ntpath.normpath(ntpath.join(folder, job))
    with run.host.lock:
        process = run.host.processes.start(
            "powershell.exe", "async_watchdog", run.session.account, run.session.logon_id, run.pid
        )
    started: dict[str, Any] = {
        "started": True,
        "finished": False,
        "results_file": path,
        "ansible_job_id": job,
        "_ansible_suppress_tmpdir_delete": True,
        "ansible_async_watchdog_pid": process.pid,
    }
    try:
        with run.host.lock:
            run.host.files.mkdir(folder, session=run.session)
            _write(run, path, started)
    except Win32Error as error:
        return CommandResult.wrapper_failure(
            f'Exception calling "WriteAllText" with "3" argument(s): "{error.message}"'
        )
    timeout = float(watchdog.params.get("Timeout") or 0)
    threading.Thread(
        target=_watch,
        args=(run, _Job(perform, work, path, started, timeout, process.pid)),
        name=f"async {job}",
        daemon=True,
    ).start()
    return CommandResult(0, json.dumps(started) + NEWLINE)


@dataclass(frozen=True)
class _Job:
    perform: Perform
    work: tuple[Action, ...]
    path: str
    started: dict[str, Any]
    timeout: float
    pid: int


def _watch(run: Run, job: _Job) -> None:
    boot = run.host.boot_count
    done: list[CommandResult] = []

    def work() -> None:
        try:
            done.append(job.perform(run, job.work))
        except (WinlabError, Win32Error) as error:
            done.append(CommandResult(1, "", str(error)))
        except Exception as error:
            log.error("%s: async job: %s", run.host.name, type(error).__name__)
            done.append(CommandResult(1, "", f"winlab: {type(error).__name__} in an async job"))

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(job.timeout)
    result = {
        **job.started,
        "finished": True,
        **(_merge(done[0]) if done else _failed("timed out waiting for module completion", None)),
    }
    with run.host.lock:
        # A reboot ended the process: nothing writes its file any more.
        if run.host.boot_count == boot:
            run.host.processes.end(job.pid, 0)
            _write(run, job.path, result)
    run.host.save()


def _merge(outcome: CommandResult) -> dict[str, Any]:
    start, end = outcome.stdout.find("{"), outcome.stdout.rfind("}")
    if start < 0:
        return _failed("No start of json char found in module result", outcome)
    try:
        value = json.loads(outcome.stdout[start : end + 1])
    except ValueError:
        return _failed("Conversion from JSON failed", outcome)
    return value if isinstance(value, dict) else _failed("Conversion from JSON failed", outcome)


def _failed(text: str, outcome: CommandResult | None) -> dict[str, Any]:
    return {
        "failed": True,
        "msg": f"failure during async watchdog: {text}",
        "exception": text,
        "stdout": outcome.stdout if outcome else None,
        "stderr": outcome.stderr if outcome else "",
    }


def _write(run: Run, path: str, result: dict[str, Any]) -> None:
    # Written by the process itself; as the host here, so that a profile's access list cannot lose a result.
    run.host.files.write_bytes(path, json.dumps(result).encode("utf-8"))
