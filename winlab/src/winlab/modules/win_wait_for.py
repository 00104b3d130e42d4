"""win_wait_for.ps1 of ansible.windows 3.3.0, a legacy module: unknown options are ignored."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure, NotModelled
from winlab.host import neighbours
from winlab.modules import Call, _patterns, _web_places, twin
from winlab.modules._dotnet import Disk

_LONGEST_SLEEP = 2147483  # seconds; the range of Start-Sleep's parameter
_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104  (compared, never bound)


@twin("ansible.windows.win_wait_for", locked=False)
def win_wait_for(call: Call) -> dict[str, Any]:
    """Wait for a file, a text in a file, or a port; without either, just wait.

    `drained` is met at once: winlab's hosts keep no connections. A `timeout` of 0 never looks (the loops of
    lines 112, 141 and 173 test the time first). A connection stands or is refused at once, so that any
    `connect_timeout` from a second up comes to the same.
    """
    begun = time.monotonic()
    options = _Options(call)
    options.check()
    if options.delay is not None:
        _sleep(options.delay, "delay")
    attempts = 0
    if options.path is None and options.port is None and options.state != "drained":
        _sleep(options.timeout, "timeout")
    else:
        met = _condition(call, options)
        attempts, complete = _loop(call, met, options)
        if not complete:
            raise ModuleFailure(
                _timeout_text(options),
                changed=False,
                elapsed=time.monotonic() - begun,
                wait_attempts=attempts,
            )
    return {"changed": False, "elapsed": time.monotonic() - begun, "wait_attempts": attempts}


class _Options:
    """The options with the checks of lines 30-64."""

    def __init__(self, call: Call) -> None:
        self.connect_timeout = param(call, "connect_timeout", type="int", default=5)
        self.delay = param(call, "delay", type="int")
        self.exclude_hosts = param(call, "exclude_hosts", type="list")
        self.host = param(call, "host", type="str", default="127.0.0.1")
        self.path = param(call, "path", type="path")
        self.port = param(call, "port", type="int")
        self.regex = param(call, "regex", type="str", aliases=("search_regex", "regexp"))
        self.sleep = param(call, "sleep", type="int", default=1)
        states = ("present", "started", "stopped", "absent", "drained")
        self.state = param(call, "state", type="str", default="started", validateset=states).lower()
        self.timeout = param(call, "timeout", type="int", default=300)

    def check(self) -> None:
        """Refuse what does not go together, in the order of the source."""
        drained = self.state == "drained"
        for wrong, text in (
            (
                self.port is not None and self.path is not None,
                "port and path parameter can not both be passed to win_wait_for",
            ),
            (
                self.exclude_hosts is not None and not drained,
                "exclude_hosts should only be with state=drained",
            ),
            (
                self.path is not None and self.state in ("stopped", "drained"),
                f"state={self.state} should only be used for checking a port in the win_wait_for module",
            ),
            (
                self.path is not None and self.exclude_hosts is not None,
                "exclude_hosts should only be used when checking a port and state=drained in the "
                "win_wait_for module",
            ),
            (
                self.port is not None and self.regex is not None,
                "regex should by used when checking a string in a file in the win_wait_for module",
            ),
        ):
            if wrong:
                raise ModuleFailure(text, changed=False, elapsed=0)


def _condition(call: Call, options: _Options) -> Callable[[], bool]:
    wanted = options.state in ("present", "started")
    if options.path is not None:
        return lambda: _file_state(call, options.path, options.regex) is wanted
    if options.state == "drained":
        return lambda: True
    if (options.connect_timeout or 0) < 1:
        # Line 59: the wait ends before or after the connection stands; nobody can say which.
        raise NotModelled(
            f"win_wait_for with connect_timeout: {options.connect_timeout}",
            "A second or more is the same here.",
        )
    name = "localhost" if options.host in _ANY else options.host
    if not _web_places.is_own(call.host, name) and neighbours.find(call.host, name) is None:
        raise NotModelled(
            f"{call.host.name}: win_wait_for on a port of {options.host}",
            "Only its own ports and those of the machines that the definition's `web` names are known.",
        )
    return lambda: _web_places.accepts(call.host, name, options.port) is wanted


def _file_state(call: Call, path: str, regex: str | None) -> bool:
    """Whether the file is there and, if asked, its text matches (`-match`, which ignores case)."""
    disk = Disk(call)
    if not disk.test(path):
        return False
    if regex is None:
        return True
    content = call.host.files.read_bytes(disk.full(path), call.session)
    return _patterns.regex(regex).search(content.decode("utf-8-sig", "replace")) is not None


def _loop(call: Call, met: Callable[[], bool], options: _Options) -> tuple[int, bool]:
    attempts, end = 0, time.monotonic() + options.timeout
    while time.monotonic() < end:
        attempts += 1
        with call.host.lock:
            if met():
                return attempts, True
        _sleep(options.sleep, "sleep")
    return attempts, False


def _sleep(seconds: int | None, option: str) -> None:
    if seconds is None or not 0 <= seconds <= _LONGEST_SLEEP:
        raise NotModelled(
            f"win_wait_for with {option}: {seconds}",
            f"Start-Sleep refuses it in its own words; give 0 to {_LONGEST_SLEEP} seconds.",
        )
    time.sleep(seconds)


def _timeout_text(options: _Options) -> str:
    wanted = options.state in ("present", "started")
    if options.path is not None and options.regex is None:
        return f"timeout while waiting for file {options.path} to be {'present' if wanted else 'absent'}"
    if options.path is not None:
        return (
            f"timeout while waiting for string regex {options.regex} in file {options.path} to "
            f"{'match' if wanted else 'not match'}"
        )
    if options.state == "drained":
        return f"timeout while waiting for {options.host}:{options.port} to drain"
    verb = "start" if wanted else "stop"
    return f"timeout while waiting for {options.host}:{options.port} to {verb} listening"
