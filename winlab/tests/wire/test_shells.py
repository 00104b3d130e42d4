"""WinRS shells as the protocol has them: streams, faults, quotas."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from winlab.execution import CommandRequest, Streams
from winrm.exceptions import WinRMOperationTimeoutError, WSManFaultError
from winrm.protocol import Protocol

from .conftest import PASSWORD, Served


def client(served: Served, **options: Any) -> Protocol:
    return Protocol(
        served.https,
        transport="basic",
        username="Administrator",
        password=PASSWORD,
        ca_trust_path=str(served.ca),
        **options,
    )


@pytest.fixture
def behave(served: Served) -> Callable[[Callable[[CommandRequest, Streams], int]], None]:
    """Replace what commands do."""

    def install(function: Callable[[CommandRequest, Streams], int]) -> None:
        served.service.shells._runner = lambda host, session, request, streams: function(request, streams)

    return install


def test_large_output_arrives_whole_and_in_order(served: Served, behave: Any) -> None:
    data = bytes(range(256)) * 4096  # 1 MiB: many envelopes

    def command(request: CommandRequest, streams: Streams) -> int:
        streams.output.write("stdout", data)
        streams.output.write("stderr", b"note")
        return 7

    behave(command)
    talk = client(served)
    shell = talk.open_shell()
    assert talk.get_command_output(shell, talk.run_command(shell, "x")) == (data, b"note", 7)


def test_a_response_fits_the_envelope_that_the_client_names(served: Served, behave: Any) -> None:
    def command(request: CommandRequest, streams: Streams) -> int:
        streams.output.write("stdout", b"x" * 500_000)
        return 0

    behave(command)
    talk = client(served)
    sizes: list[int] = []
    send = talk.transport.send_message

    def spy(message: Any) -> bytes:
        answer = send(message)
        sizes.append(len(answer))
        return answer

    talk.transport.send_message = spy  # type: ignore[method-assign]
    shell = talk.open_shell()
    talk.get_command_output(shell, talk.run_command(shell, "x"))
    assert max(sizes) <= 153_600
    assert max(sizes) > 140_000


def test_nothing_to_report_is_a_timeout_fault_that_the_client_repeats(served: Served, behave: Any) -> None:
    go_on = threading.Event()

    def command(request: CommandRequest, streams: Streams) -> int:
        go_on.wait(20)
        return 5

    behave(command)
    talk = client(served, operation_timeout_sec=1, read_timeout_sec=10)
    shell = talk.open_shell()
    command_id = talk.run_command(shell, "x")
    with pytest.raises(WinRMOperationTimeoutError):
        talk.get_command_output_raw(shell, command_id)
    go_on.set()
    assert talk.get_command_output(shell, command_id)[2] == 5


def test_input_reaches_the_command_and_its_end_is_seen(served: Served, behave: Any) -> None:
    received: list[bytes] = []

    def command(request: CommandRequest, streams: Streams) -> int:
        while piece := streams.stdin.read():
            received.append(piece)
        return 0

    behave(command)
    talk = client(served)
    shell = talk.open_shell()
    command_id = talk.run_command(shell, "x", console_mode_stdin=False)
    talk.send_command_input(shell, command_id, b"one ")
    talk.send_command_input(shell, command_id, b"two", end=True)
    assert talk.get_command_output(shell, command_id)[2] == 0
    assert b"".join(received) == b"one two"


def test_a_command_that_was_started_without_input_reads_its_end(served: Served, behave: Any) -> None:
    behave(lambda request, streams: len(streams.stdin.read()))
    talk = client(served)
    shell = talk.open_shell()
    assert talk.get_command_output(shell, talk.run_command(shell, "x", console_mode_stdin=True))[2] == 0


def test_closing_the_shell_ends_a_command_that_waits_for_input(served: Served, behave: Any) -> None:
    from winlab.execution.streams import Cancelled

    ended = threading.Event()

    def command(request: CommandRequest, streams: Streams) -> int:
        try:
            streams.stdin.read()
        except Cancelled:
            ended.set()
        return 0

    behave(command)
    talk = client(served)
    shell = talk.open_shell()
    talk.run_command(shell, "x", console_mode_stdin=False)
    talk.close_shell(shell)
    assert ended.wait(10)


def test_an_unknown_shell_is_a_fault_with_its_code(served: Served) -> None:
    with pytest.raises(WSManFaultError) as caught:
        client(served).run_command("00000000-0000-0000-0000-000000000000", "x")
    assert caught.value.wsman_fault_code == 2150858843


def test_a_shell_is_its_owners_alone(served: Served) -> None:
    accounts = served.host.accounts
    accounts.create_user("other", "Counter-1.secret")
    accounts.add_member("Remote Management Users", accounts.resolve("other").sid)
    shell = client(served).open_shell()
    stranger = Protocol(
        served.https,
        transport="ntlm",
        username="other",
        password="Counter-1.secret",
        ca_trust_path=str(served.ca),
    )
    with pytest.raises(WSManFaultError) as caught:
        stranger.run_command(shell, "x")
    assert caught.value.wsman_fault_code == 2150858843


def test_the_shell_quota_is_a_fault(serve: Callable[..., Served]) -> None:
    served = serve(winrm={"max_shells_per_user": 2})
    talk = client(served)
    shells = [talk.open_shell() for _ in range(2)]
    with pytest.raises(WSManFaultError) as caught:
        talk.open_shell()
    assert caught.value.wsman_fault_code == 2150859173
    talk.close_shell(shells[0])
    assert talk.open_shell()


def test_a_shell_ends_after_the_idle_time_that_its_client_names(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    from winlab.server import shells

    served = serve(winrm={"max_shells_per_user": 1})
    talk = client(served)
    now = shells.time.monotonic()
    talk.open_shell(idle_timeout="PT30S")
    monkeypatch.setattr(shells.time, "monotonic", lambda: now + 20)
    with pytest.raises(WSManFaultError):
        talk.open_shell()
    monkeypatch.setattr(shells.time, "monotonic", lambda: now + 40)
    assert talk.open_shell()


def test_a_shell_outlives_its_connection_until_it_is_deleted_or_the_host_reboots(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    from winlab.server import shells

    client(served).open_shell()
    talk = client(served)
    shell = talk.open_shell()
    assert served.service.shells.count() == 2
    talk.close_shell(shell)
    assert served.service.shells.count() == 1
    with served.host.lock:
        served.host.reboot()
    now = shells.time.monotonic()
    monkeypatch.setattr(shells.time, "monotonic", lambda: now + shells.REBOOT_SECONDS + 1)
    talk.open_shell()
    assert served.service.shells.count() == 1


def test_the_operation_quota_is_the_fault_that_makes_ansible_open_a_new_shell(
    serve: Callable[..., Served],
) -> None:
    served = serve(winrm={"max_operations_per_user": 1})
    talk = client(served)
    shell = talk.open_shell()
    talk.cleanup_command(shell, talk.run_command(shell, "PowerShell", ("-Command", "exit")))
    with pytest.raises(WSManFaultError) as caught:
        talk.run_command(shell, "x")
    assert caught.value.wmierror_code == 0x803381A6


def test_a_request_beyond_the_envelope_size_is_refused(serve: Callable[..., Served]) -> None:
    served = serve(winrm={"max_envelope_kb": 150})
    talk = client(served)
    shell = talk.open_shell()
    command_id = talk.run_command(shell, "x", console_mode_stdin=False)
    with pytest.raises(WSManFaultError):
        talk.send_command_input(shell, command_id, b"x" * 200_000)
    assert talk.open_shell()


def test_a_reboot_ends_shells_and_refuses_connections_while_it_lasts(serve: Callable[..., Served]) -> None:
    import requests

    served = serve(reboot={"fast": False})
    talk = client(served)
    shell = talk.open_shell()
    before = served.host.boot_time
    with served.host.lock:
        served.host.reboot(outage=1.0)
    assert served.host.boot_time > before
    with pytest.raises((requests.exceptions.ConnectionError, WSManFaultError)):
        talk.run_command(shell, "x")
    for _ in range(100):
        try:
            assert client(served).open_shell()
            break
        except requests.exceptions.ConnectionError:
            threading.Event().wait(0.1)
    else:
        pytest.fail("the host did not come back")
    with pytest.raises(WSManFaultError):
        client(served).run_command(shell, "x")


def test_a_restart_during_a_restart_makes_it_longer(
    serve: Callable[..., Served], caplog: pytest.LogCaptureFixture
) -> None:
    import requests

    served = serve(reboot={"fast": False})
    for outage in (0.5, 1.5):
        with served.host.lock:
            served.host.reboot(outage=outage)
    until = time.monotonic() + 10
    while not served.host.reachable:
        with pytest.raises(requests.exceptions.ConnectionError):
            client(served).open_shell()
        assert time.monotonic() < until
        time.sleep(0.1)
    time.sleep(1)  # both would have listened again by now
    assert client(served).open_shell()
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_fast_reboot_changes_the_boot_time_and_drops_nothing(served: Served) -> None:
    talk = client(served)
    shell = talk.open_shell()
    before = served.host.boot_time
    with served.host.lock:
        served.host.reboot()
    assert served.host.boot_time > before
    assert talk.run_command(shell, "x")
