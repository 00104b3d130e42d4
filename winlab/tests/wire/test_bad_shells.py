"""Clients that have logged on and send what no client should: their shells fail, and nobody else's."""

from __future__ import annotations

import base64
import struct
import time
import uuid
from typing import Any

import psrpcore
import pytest
import requests
from winlab.server import psrp, wsman

from .conftest import PASSWORD, Served

OTHER = "Oth3r-password"
SOAP = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="{addressing}" xmlns:w="{wsman}" '
    'xmlns:rsp="{shell}"><s:Header><a:Action>{action}</a:Action><a:MessageID>uuid:1</a:MessageID>'
    "<w:ResourceURI>{resource}</w:ResourceURI><w:OperationTimeout>PT5S</w:OperationTimeout>"
    '<w:SelectorSet><w:Selector Name="ShellId">{id}</w:Selector></w:SelectorSet></s:Header>'
    "<s:Body>{body}</s:Body></s:Envelope>"
)
CREATE = "<rsp:Shell><rsp:InputStreams>stdin</rsp:InputStreams></rsp:Shell>"


class Client:
    """Sends single operations."""

    def __init__(self, served: Served, user: str = "Administrator", password: str = PASSWORD) -> None:
        self._url = served.https
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(served.ca)
        self._session.auth = (user.encode(), password.encode())

    def ask(
        self, action: str, body: str, shell: str = "", resource: str = wsman.CMD_SHELL
    ) -> tuple[int, str]:
        text = SOAP.format(
            addressing=wsman.ADDRESSING,
            wsman=wsman.WSMAN,
            shell=wsman.SHELL,
            action=action,
            resource=resource,
            id=shell,
            body=body,
        )
        answer = self._session.post(
            self._url, data=text.encode(), headers={"Content-Type": "application/soap+xml"}
        )
        return answer.status_code, answer.text

    def open(self) -> str:
        status, text = self.ask(wsman.CREATE, CREATE)
        assert status == 200
        return text.partition("<rsp:ShellId>")[2].partition("<")[0]

    def run(self, shell: str, command: str = "powershell") -> str:
        body = f"<rsp:CommandLine><rsp:Command>{command}</rsp:Command></rsp:CommandLine>"
        status, text = self.ask(wsman.COMMAND, body, shell)
        assert status == 200
        return text.partition("<rsp:CommandId>")[2].partition("<")[0]

    def pool(self, shell: str, creation: bytes | str | None = None) -> tuple[int, str]:
        """Open a runspace pool with that shell id."""
        if creation is None:
            core = psrpcore.ClientRunspacePool()
            core.open()
            payload = core.data_to_send()
            assert payload is not None
            creation = payload.data
        text = creation if isinstance(creation, str) else base64.b64encode(creation).decode()
        body = (
            f'<rsp:Shell ShellId="{shell}"><rsp:InputStreams>stdin pr</rsp:InputStreams>'
            f'<creationXml xmlns="{wsman.POWERSHELL}">{text}</creationXml></rsp:Shell>'
        )
        return self.ask(wsman.CREATE, body, resource=psrp.RESOURCE + psrp.CONFIGURATION)

    def send(self, shell: str, data: bytes | str, command: str = "") -> tuple[int, str]:
        text = data if isinstance(data, str) else base64.b64encode(data).decode()
        where = f' CommandId="{command}"' if command else ""
        body = f'<rsp:Send><rsp:Stream Name="stdin"{where}>{text}</rsp:Stream></rsp:Send>'
        return self.ask(wsman.SEND, body, shell)

    def receive(self, shell: str, command: str) -> tuple[int, str]:
        body = (
            f'<rsp:Receive><rsp:DesiredStream CommandId="{command}">stdout</rsp:DesiredStream></rsp:Receive>'
        )
        return self.ask(wsman.RECEIVE, body, shell)


@pytest.fixture
def admin(served: Served) -> Client:
    return Client(served)


@pytest.fixture
def other(served: Served) -> Client:
    """Another administrator of the same host."""
    sid = served.host.accounts.create_user("other", OTHER).sid
    for group in ("Administrators", "Remote Management Users"):
        served.host.accounts.add_member(group, sid)
    return Client(served, "other", OTHER)


def test_a_user_reaches_no_shell_of_another(admin: Client, other: Client) -> None:
    shell = admin.open()
    command = admin.run(shell)
    signal = f'<rsp:Signal CommandId="{command}"><rsp:Code>x/terminate</rsp:Code></rsp:Signal>'
    run = "<rsp:CommandLine><rsp:Command>powershell</rsp:Command></rsp:CommandLine>"
    for status, text in (
        other.receive(shell, command),
        other.send(shell, b"x", command),
        other.ask(wsman.COMMAND, run, shell),
        other.ask(wsman.SIGNAL, signal, shell),
        other.ask(wsman.DELETE, "", shell),
    ):
        assert status == 500
        assert str(wsman.SHELL_NOT_FOUND) in text
    assert admin.send(shell, b"x", command)[0] == 200


def test_a_shell_id_that_somebody_has_is_not_taken_over(admin: Client, other: Client) -> None:
    shell = str(uuid.uuid4()).upper()
    assert admin.pool(shell)[0] == 200
    for thief in (other, admin):
        status, text = thief.pool(shell)
        assert status == 500
        assert f"A shell with the id {shell} exists." in text
    assert admin.ask(wsman.DELETE, "", shell)[0] == 200


def test_a_deleted_shell_receives_nothing(admin: Client) -> None:
    shell = admin.open()
    command = admin.run(shell)
    assert admin.ask(wsman.DELETE, "", shell)[0] == 200
    for _ in range(2):
        status, text = admin.receive(shell, command)
        assert status == 500
        assert str(wsman.SHELL_NOT_FOUND) in text
    assert admin.ask(wsman.DELETE, "", shell)[0] == 500


@pytest.mark.parametrize("data", ["%%%", "AA=A", "\u00fc", "A" * 7, "=" * 300])
def test_a_stream_that_is_no_base64_is_a_fault(admin: Client, data: str) -> None:
    shell = admin.open()
    command = admin.run(shell)
    status, text = admin.send(shell, data, command)
    assert status == 500
    assert "The stream is not valid base64." in text
    assert admin.send(shell, b"x", command)[0] == 200


@pytest.mark.parametrize(
    ("action", "body"),
    [
        (wsman.CREATE, ""),
        (wsman.COMMAND, ""),
        (wsman.COMMAND, "<x/>"),
        (wsman.SEND, "<rsp:Receive/>"),
        (wsman.RECEIVE, "<rsp:Send/>"),
        (wsman.SIGNAL, "<rsp:Send/>"),
    ],
)
def test_a_body_of_another_operation_is_a_fault(admin: Client, action: str, body: str) -> None:
    status, text = admin.ask(action, body, admin.open())
    assert status == 500
    assert str(wsman.SCHEMA_INVALID) in text


def fragment(data: bytes, number: int = 1, part: int = 0, flags: int = 3, length: int | None = None) -> bytes:
    return struct.pack(">QQBI", number, part, flags, len(data) if length is None else length) + data


def message(text: bytes, kind: int = 0x00010002) -> bytes:
    return struct.pack("<II", 2, kind) + bytes(32) + text


DEEP = b"<Obj>" * 25_000 + b"</Obj>" * 25_000
BOMB = (
    b'<!DOCTYPE x [<!ENTITY a0 "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]><S>&a9;</S>"
)


@pytest.mark.parametrize(
    "creation",
    [
        "%%%",
        b"short",
        fragment(b"x" * 40, length=2**32 - 1),
        fragment(b""),
        fragment(message(b"<")),
        fragment(message(b"", kind=0xFFFFFFFF)),
        fragment(message(BOMB)),
        fragment(message(DEEP)),
        fragment(b"x", part=7, flags=0),
    ],
    ids=["base64", "short", "length", "empty", "xml", "kind", "bomb", "deep", "order"],
)
def test_an_opening_of_a_runspace_pool_that_is_none_is_a_fault(
    served: Served, admin: Client, creation: bytes | str, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    status, text = admin.pool(str(uuid.uuid4()), creation)
    assert status == 500
    assert "The PowerShell remoting data cannot be read" in text
    assert time.monotonic() - started < 5
    assert served.service.shells.count() == 0
    assert [record for record in caplog.records if record.exc_info] == []


def test_fragments_without_an_end_are_limited(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psrp, "MAX_UNFINISHED", 500_000)
    shell = str(uuid.uuid4())
    assert admin.pool(shell)[0] == 200
    answers: list[Any] = [
        admin.send(
            shell, fragment(b"x" * 100_000, number=100 + part // 3, part=part % 3, flags=int(part % 3 == 0))
        )
        for part in range(6)
    ]
    assert [status for status, _ in answers] == [200, 200, 200, 200, 500, 500]
    assert "more than 500000 bytes without an end" in answers[4][1]


def test_many_tiny_fragments_take_no_longer_than_their_number(admin: Client) -> None:
    """psrpcore copies what is left after each fragment: all at once, 12,000 were some seconds."""
    shell = str(uuid.uuid4())
    assert admin.pool(shell)[0] == 200
    data = b"".join(fragment(b"x", number=50, part=part, flags=int(part == 0)) for part in range(12_000))
    started = time.monotonic()
    assert admin.send(shell, data)[0] == 200
    assert time.monotonic() - started < 5


def test_a_command_id_that_is_in_use_is_refused(admin: Client) -> None:
    shell, command = str(uuid.uuid4()), str(uuid.uuid4())
    assert admin.pool(shell)[0] == 200
    empty = base64.b64encode(fragment(b"x", number=9, flags=1)).decode()
    body = f'<rsp:CommandLine CommandId="{command}"><rsp:Command/><rsp:Arguments>{empty}</rsp:Arguments></rsp:CommandLine>'
    assert admin.ask(wsman.COMMAND, body, shell)[0] == 200
    status, text = admin.ask(wsman.COMMAND, body, shell)
    assert status == 500
    assert "is in use" in text
