"""Commands without a wire: what leaves `execution.run`, and many of them at once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from winlab.execution.streams import CommandRequest, Output, Stdin, Streams
from winlab.host.model import STATE_FILE, Host
from winlab.host.sessions import Session

from winlab import execution, system_programs

THREADS, COMMANDS = 6, 20


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host("win01", {}, tmp_path / "win01")
    system_programs.install(made)
    made.accounts.update_user("Administrator", disabled=False)
    made.files.mkdir("C:\\t")
    made.save()
    return made


def logon(host: Host) -> Session:
    return host.accounts.token(host.accounts.resolve("Administrator").sid, "network")


def run(host: Host, session: Session, line: str) -> tuple[int, str]:
    stdin, output = Stdin(), Output()
    stdin.close()
    code = execution.run(host, session, CommandRequest(line, ""), Streams(stdin, output))
    output.finish(code)
    taken = output.take(1 << 20, 0)
    return code, b"".join(data for _, data in (taken or ([], True))[0]).decode()


@pytest.mark.parametrize("error", [TypeError("not JSON"), RuntimeError("odd"), PermissionError(13, "Permission denied")])  # fmt: skip
def test_whatever_saving_raises_is_the_answer_and_the_next_save_has_everything(
    host: Host, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(state: Host, text: str) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Host, "_own_state", lambda state: broken(state, ""))
        code, text = run(host, logon(host), r"cmd /c md C:\t\a")
    assert code == 1
    assert f"win01: state: {type(error).__name__}: {error}; expected it saved. " in text
    assert run(host, logon(host), "cmd /c ver")[0] == 0
    assert '"a"' in (host.state_dir / STATE_FILE).read_text()


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads that are interrupted after nearly every step."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def test_commands_at_the_same_time_do_not_disturb_each_other(host: Host, impatient: None) -> None:
    wrong: list[tuple[int, str]] = []
    sessions = [logon(host) for _ in range(THREADS)]

    def work(number: int) -> None:
        for count in range(COMMANDS):
            found = run(host, sessions[number], rf"cmd /c md C:\t\{number}-{count}")
            if found[0]:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert wrong == []
    assert len(host.files.listdir("C:\\t")) == THREADS * COMMANDS
    again = Host("win01", {}, host.state_dir)
    assert again.load()
    assert len(again.files.listdir("C:\\t")) == THREADS * COMMANDS
