"""Why a host could not be reached over WinRM, in words that say what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mim2ecma.documents.printable import printable

_CAUSE_LENGTH = 300
"""Longest part of the client's own text that is quoted; requests nests exceptions deeply."""


@dataclass(frozen=True)
class _Cause:
    pattern: re.Pattern[str]
    found: str
    expected: str
    next_step: str


# The client's own texts, as tests/unit/rollout/test_connection_advice.py lists them.
_CAUSES = (
    _Cause(
        re.compile(
            r"kerberos library is not installed|requests-credssp is not installed|"
            r"(?:winrm|psrp|pypsrp) or requests is not installed|No module named",
            re.I,
        ),
        "the controller lacks a Python package for transport{transport}",
        "pywinrm[kerberos], pywinrm[credssp] or pypsrp[kerberos] beside Ansible, as the transport asks for",
        "Install it with pip into the Python that runs Ansible (Kerberos also wants the system's krb5 "
        "development files and a krb5.conf), or build execution-environment.yml.",
    ),
    _Cause(
        re.compile(
            r"kinit|Cannot find KDC|KDC reply|Server not found in Kerberos|SPNEGO|GSSError|Clock skew", re.I
        ),
        "Kerberos gave no ticket for {user}",
        "a realm that the controller's krb5.conf knows, the host's own DNS name as ansible_host, "
        "and clocks that agree",
        "Run kinit {user} on the controller and read what it says.",
    ),
    _Cause(
        re.compile(r"credentials were rejected|401|Unauthorized", re.I),
        "the credentials of {user} were rejected",
        "an account of this host and its password, with a transport that the host offers",
        "Check ansible_user and ansible_password (vault), whether the account is locked out, and "
        "ansible_winrm_transport{transport}.",
    ),
    _Cause(
        re.compile(r"hostname .* doesn't match|IP address mismatch|Hostname mismatch|not valid for", re.I),
        "the certificate is for another name",
        "a certificate whose subject alternative names hold {address}",
        "Use the name in the certificate as ansible_host, or give the host a certificate for this name.",
    ),
    _Cause(
        re.compile(r"certificate has expired", re.I),
        "the certificate has expired",
        "a valid certificate",
        "Renew the certificate of the WinRM listener.",
    ),
    _Cause(
        re.compile(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|self[- ]signed certificate", re.I),
        "the certificate is not trusted",
        "a certificate of an authority that the controller trusts",
        "Give the authority's certificate in ansible_winrm_ca_trust_path; do not switch validation off.",
    ),
    _Cause(
        re.compile(r"WRONG_VERSION_NUMBER|SSLError|UNEXPECTED_EOF|ssl", re.I),
        "no TLS could be agreed",
        "an HTTPS listener on port {port}",
        "Check ansible_port (5986 is HTTPS, 5985 is HTTP) and ansible_winrm_scheme.",
    ),
    _Cause(
        re.compile(r"Code 500", re.I),
        "the host refused an unencrypted message",
        "message encryption or HTTPS",
        "Set ansible_winrm_message_encryption to always with transport ntlm, or use HTTPS.",
    ),
    _Cause(
        re.compile(r"Name or service not known|getaddrinfo|NameResolution|nodename nor servname", re.I),
        "the name {address} is unknown",
        "a name that the controller can resolve, or an address",
        "Check ansible_host and the controller's DNS.",
    ),
    _Cause(
        re.compile(r"refused", re.I),
        "nothing answers on port {port} of {address}",
        "the WinRM service",
        "Check that the host runs, that WinRM listens there (winrm enumerate winrm/config/listener), "
        "and ansible_port.",
    ),
    _Cause(
        re.compile(r"timed? ?out|unreachable|no route", re.I),
        "{address} did not answer in time",
        "a host that runs and a network that lets port {port} through",
        "Check that the host runs, its firewall, and the route from the controller.",
    ),
)


_BROKEN = re.compile(r"\('Connection aborted\.'|\bRemoteDisconnected\(|\bHTTPS?ConnectionPool\(host=")
"""How requests, which both connection plugins use, tells of a connection that broke off inside of a task."""


def broken(message: str, host: str, task: str) -> str | None:
    """Say what to do when a task failed because the connection broke off; few of these count as unreachable.

    Args:
        message: What Ansible says of the failed task.
        host: Its inventory name.
        task: Name of the task.

    Returns:
        `<host>: WinRM: <found>; expected <what>. <next step>`; None when something else failed.
    """
    if not _BROKEN.search(message):
        return None
    return printable(
        f"{host}: WinRM: the connection broke off during the task '{task}'; expected an answer. Check that "
        "the host runs, and the network to it, then run again: the next run ends what this one has begun.",
        None,
    )


def advice(message: str, host: str, connection: Mapping[str, str]) -> str:
    """Turn the client's text about an unreachable host into one clear error.

    Args:
        message: What Ansible says of the unreachable host.
        host: Its inventory name.
        connection: `address`, `port`, `user`, `transport` as the inventory has them; empty ones are left out.

    Returns:
        `<host>: WinRM: <found>; expected <what>. <next step>`, followed by the client's own words, cut.
    """
    values = {
        "address": connection.get("address") or host,
        "port": connection.get("port") or "5986",
        "user": connection.get("user") or "(no ansible_user)",
        "transport": f" ({connection['transport']})" if connection.get("transport") else "",
    }
    quoted = printable(message, _CAUSE_LENGTH)
    for cause in _CAUSES:
        if cause.pattern.search(message):
            found, expected, next_step = (
                text.format_map(values) for text in (cause.found, cause.expected, cause.next_step)
            )
            return printable(f"{host}: WinRM: {found}; expected {expected}. {next_step}") + f" ({quoted})"
    next_step = f"Run ansible -m ansible.windows.win_ping {host} -vvv."
    return f"{host}: WinRM: {quoted or 'no text'}; expected an answer. {next_step}"
