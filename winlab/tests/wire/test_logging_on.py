"""Who may talk to a simulated host, over which transport: seen by the real pywinrm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from winrm.exceptions import InvalidCredentialsError, WinRMTransportError
from winrm.protocol import Protocol

from .conftest import PASSWORD, Served


def protocol(served: Served, scheme: str, transport: str, **changes: Any) -> Protocol:
    options: dict[str, Any] = {
        "endpoint": served.https if scheme == "https" else served.http,
        "transport": transport,
        "username": "Administrator",
        "password": PASSWORD,
        "ca_trust_path": str(served.ca),
        **changes,
    }
    return Protocol(**options)


def run(client: Protocol, command: str = "exit 3", *, powershell: bool = True) -> tuple[bytes, bytes, int]:
    import base64

    shell = client.open_shell(codepage=65001)
    try:
        encoded = base64.b64encode(command.encode("utf-16-le")).decode()
        arguments = ("-NoProfile", "-EncodedCommand", encoded) if powershell else ()
        run_id = client.run_command(shell, "PowerShell" if powershell else command, arguments)
        try:
            return client.get_command_output(shell, run_id)
        finally:
            client.cleanup_command(shell, run_id)
    finally:
        client.close_shell(shell)


@pytest.mark.parametrize(
    ("scheme", "transport", "options"),
    [
        ("https", "basic", {}),
        ("https", "ntlm", {}),
        ("https", "ntlm", {"send_cbt": False}),
        ("https", "ntlm", {"message_encryption": "always"}),
        ("http", "ntlm", {"message_encryption": "always"}),
    ],
)
def test_a_command_runs_over_each_transport(
    served: Served, scheme: str, transport: str, options: dict[str, Any]
) -> None:
    stdout, stderr, code = run(protocol(served, scheme, transport, **options))
    assert (stdout, stderr, code) == (b"", b"", 3)


@pytest.mark.parametrize(
    "user", ["administrator", ".\\Administrator", "WIN01\\Administrator", "ELSEWHERE\\Administrator"]
)
def test_ntlm_finds_the_local_account_whatever_domain_is_written(served: Served, user: str) -> None:
    assert run(protocol(served, "https", "ntlm", username=user))[2] == 3


@pytest.mark.parametrize(
    ("scheme", "transport", "options"),
    [
        ("https", "basic", {"password": "wrong"}),
        ("https", "ntlm", {"password": "wrong"}),
        ("http", "ntlm", {"password": "wrong", "message_encryption": "always"}),
        ("https", "basic", {"username": "nobody"}),
        ("https", "ntlm", {"username": "nobody"}),
        ("https", "ntlm", {"username": "Administrator@example.com"}),
        ("http", "basic", {}),  # a listener that offers no Basic
    ],
)
def test_a_stranger_is_refused(served: Served, scheme: str, transport: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidCredentialsError):
        protocol(served, scheme, transport, **options).open_shell()


def test_a_password_change_counts_at_once(served: Served) -> None:
    served.host.accounts.set_password("Administrator", "Another-1.password")
    with pytest.raises(InvalidCredentialsError):
        protocol(served, "https", "ntlm").open_shell()
    assert run(protocol(served, "https", "ntlm", password="Another-1.password"))[2] == 3


def test_each_host_of_a_process_has_accounts_of_its_own(serve: Callable[..., Served]) -> None:
    one, two = serve("one", "First-1.password"), serve("two", "Second-2.password")
    assert run(protocol(one, "https", "ntlm", password="First-1.password"))[2] == 3
    assert run(protocol(two, "https", "ntlm", password="Second-2.password"))[2] == 3
    with pytest.raises(InvalidCredentialsError):
        protocol(two, "https", "ntlm", password="First-1.password").open_shell()


def test_wrong_passwords_over_ntlm_lock_the_account(served: Served) -> None:
    accounts = served.host.accounts
    accounts.create_user("mimsync", "Service-1.password")
    accounts.add_member("Remote Management Users", accounts.resolve("mimsync").sid)
    for _ in range(2):
        with pytest.raises(InvalidCredentialsError):
            protocol(served, "https", "ntlm", username="mimsync", password="wrong").open_shell()
    user = accounts.user("mimsync")
    assert user is not None
    assert user.bad_password_count == 2


def test_a_disabled_account_is_refused_with_the_right_password(served: Served) -> None:
    served.host.accounts.update_user("Administrator", disabled=True)
    with pytest.raises(InvalidCredentialsError):
        protocol(served, "https", "ntlm").open_shell()


def test_somebody_who_may_not_use_winrm_is_refused_like_a_stranger(served: Served) -> None:
    served.host.accounts.create_user("clerk", "Counter-1.secret")
    with pytest.raises(InvalidCredentialsError):
        protocol(served, "https", "ntlm", username="clerk", password="Counter-1.secret").open_shell()


def test_plain_text_over_http_is_refused_unless_the_host_allows_it(serve: Callable[..., Served]) -> None:
    strict = serve("strict", winrm={"http": {"basic": True}})
    with pytest.raises(WinRMTransportError) as caught:
        protocol(strict, "http", "basic").open_shell()
    assert caught.value.code == 500
    lax = serve("lax", winrm={"http": {"basic": True, "allow_unencrypted": True}})
    assert run(protocol(lax, "http", "basic"))[2] == 3


def test_a_certificate_of_another_authority_is_refused_by_the_client(served: Served, tmp_path: Any) -> None:
    from requests.exceptions import SSLError

    from winlab import pki

    other = pki.ensure_ca(tmp_path / "other")
    with pytest.raises(SSLError):
        protocol(served, "https", "basic", ca_trust_path=str(other)).open_shell()


def test_the_session_tells_how_it_was_opened(served: Served) -> None:
    seen = []
    runner = served.service.shells._runner

    def spy(host: Any, session: Any, request: Any, streams: Any) -> int:
        seen.append((session.logon_type, session.can_delegate))
        return runner(host, session, request, streams)

    served.service.shells._runner = spy
    run(protocol(served, "https", "ntlm"))
    run(protocol(served, "https", "basic"))
    assert seen == [("network", False), ("network_cleartext", True)]
