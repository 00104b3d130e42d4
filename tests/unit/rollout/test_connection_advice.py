"""The texts on the left are what pywinrm and requests say in each case (measured against simulated hosts)."""

import pytest

from mim2ecma.rollout.connection import advice, broken

CASES = [
    (
        "ntlm: the specified credentials were rejected by the server",
        "the credentials of svc were rejected",
        "ansible_password",
    ),
    (
        "ntlm: HTTPSConnectionPool(host='127.1.2.3', port=5986): Max retries exceeded (Caused by SSLError("
        "SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate')))",
        "the certificate is not trusted",
        "ansible_winrm_ca_trust_path",
    ),
    (
        "SSLCertVerificationError(1, \"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: IP address mismatch, certificate is not valid for '127.1.2.3'\")",
        "the certificate is for another name",
        "subject alternative names",
    ),
    (
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired",
        "has expired",
        "Renew",
    ),
    (
        "SSLError(SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number'))",
        "no TLS could be agreed",
        "5986 is HTTPS",
    ),
    (
        "Bad HTTP response returned from server. Code 500",
        "refused an unencrypted message",
        "ansible_winrm_message_encryption",
    ),
    ("NewConnectionError('[Errno -2] Name or service not known')", "is unknown", "DNS"),
    (
        "NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused')",
        "nothing answers on port 5986",
        "listener",
    ),
    (
        "Task failed: WinRM Kerberos authentication requested but the python kerberos library is not installed. Please install the pykerberos library, set a different authentication method with ansible_winrm_transport, or use a local user account to connect using basic authentication.",
        "the controller lacks a Python package",
        "pip",
    ),
    (
        "credssp: requests auth method is credssp, but requests-credssp is not installed",
        "the controller lacks a Python package",
        "pip",
    ),
    (
        'Kerberos auth failure for principal svc@CORP.EXAMPLE with subprocess: kinit: Cannot find KDC for realm "CORP.EXAMPLE"',
        "Kerberos gave no ticket for svc",
        "kinit svc",
    ),
    ("ReadTimeout: Read timed out. (read timeout=30)", "did not answer in time", "firewall"),
]


@pytest.mark.parametrize(("message", "found", "next_step"), CASES, ids=[case[1] for case in CASES])
def test_each_cause_gets_its_own_next_step(message, found, next_step):
    text = advice(
        message, "mim01", {"address": "127.1.2.3", "port": "5986", "user": "svc", "transport": "ntlm"}
    )
    assert text.startswith("mim01: WinRM: ")
    assert found in text
    assert "; expected " in text
    assert next_step in text


def test_an_unknown_cause_is_quoted():
    assert advice("weather", "h", {}) == (
        "h: WinRM: weather; expected an answer. Run ansible -m ansible.windows.win_ping h -vvv."
    )


def test_terminal_escapes_of_a_host_are_not_passed_on():
    assert "\x1b" not in advice("refused \x1b[2J", "h", {})


def test_braces_in_a_user_name_are_text():
    assert "the credentials of {x} were rejected" in advice("credentials were rejected", "h", {"user": "{x}"})


@pytest.mark.parametrize(
    "message",
    [
        "Task failed: ('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
        "Task failed: HTTPSConnectionPool(host='127.1.2.3', port=5986): Max retries exceeded with url: /wsman",
    ],
)
def test_a_connection_that_broke_off_inside_of_a_task_is_told(message):
    assert broken(message, "ecma01", "Bring them") == (
        "ecma01: WinRM: the connection broke off during the task 'Bring them'; expected an answer. Check that the host runs, "
        "and the network to it, then run again: the next run ends what this one has begun."
    )


def test_what_a_program_says_of_its_own_connections_is_not_taken_for_ours():
    assert broken("SQL Server: Connection aborted by peer", "mim01", "Ask SQL Server") is None
