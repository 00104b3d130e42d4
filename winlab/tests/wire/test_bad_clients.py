"""What bad clients send leaves the server up, and good clients unharmed."""

from __future__ import annotations

import base64
import contextlib
import functools
import os
import socket
import ssl
import struct
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
import spnego
from winlab.errors import WinlabError
from winlab.server import http
from winlab.server.http import Listener
from winlab.server.service import WinrmService

from .conftest import PASSWORD, Served

SEAL = spnego.ContextReq.integrity | spnego.ContextReq.confidentiality
GOOD = base64.b64encode(f"Administrator:{PASSWORD}".encode()).decode()
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>&b;</s:Header><s:Body/></s:Envelope>'
)
ATTRIBUTE_BOMB = (
    b'<!DOCTYPE x [<!ENTITY a0 "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b']><x y="&a9;"/>'
)
FILE = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>&f;</s:Header><s:Body/></s:Envelope>'
)


def talk(served: Served, data: bytes, scheme: str = "http") -> bytes:
    with served.connect(scheme) as raw:
        sock: socket.socket = raw
        if scheme == "https":
            context = ssl.create_default_context(cafile=str(served.ca))
            sock = context.wrap_socket(raw, server_hostname="win01")
        sock.sendall(data)
        answer = b""
        sock.settimeout(10)
        while piece := sock.recv(65536):
            answer += piece
            if b"\r\n\r\n" in answer and b"Connection: close" not in answer:
                break
        return answer


def post(body: bytes, *headers: str) -> bytes:
    lines = ["POST /wsman HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def assert_well(served: Served) -> None:
    from winrm.protocol import Protocol

    client = Protocol(
        served.https,
        transport="ntlm",
        username="Administrator",
        password=PASSWORD,
        ca_trust_path=str(served.ca),
    )
    client.close_shell(client.open_shell())


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\0\1\2\3garbage\r\n\r\n", 400),
        (b"GET /wsman\r\n\r\n", 400),
        (b"GET /wsman HTTP/1.1\r\n\r\n", 405),
        (b"POST /other HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 404),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", 413),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\nx", 400),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: +1\r\n\r\nx", 400),
        (b"POST /wsman HTTP/1.1\r\nContent-Length : 1\r\n\r\nx", 400),
        (b"POST /wsman HTTP/1.1\r\nA: b\nContent-Length: 9\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nA: b\r\n Content-Length: 9\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nA: b\0c\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nAuthorization: Basic eA==\r\nAuthorization: NTLM eA==\r\n\r\n", 400),
        (b"POST /ws man HTTP/1.1\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1x\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx", 501),
        (b"POST /wsman HTTP/1.1\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(10_000)) + b"\r\n", 431),
        (b"POST /wsman HTTP/1.1\r\nA: " + b"a" * 200_000 + b"\r\n\r\n", 431),
        (b"POST /wsman HTTP/1.1\r\nA" + b"a" * 40_000, 431),
        (post(b"x", "Authorization: Basic %%%"), 401),
        (post(b"x", "Authorization: Basic " + base64.b64encode(b"no colon").decode()), 401),
        (post(b"x", "Authorization: NTLM not-base64!"), 401),
        (post(b"x", "Authorization: NTLM " + base64.b64encode(b"NTLMSSP\0\1\0\0\0short").decode()), 401),
        (post(b"x", "Authorization: Negotiate " + base64.b64encode(b"\x60\x10spnego?").decode()), 401),
        (post(b"x", "Authorization: Kerberos YII="), 401),
    ],
)
def test_a_request_that_is_none_gets_its_status(served: Served, request_bytes: bytes, status: int) -> None:
    assert talk(served, request_bytes).startswith(f"HTTP/1.1 {status} ".encode())
    assert_well(served)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<a/>",
        b"<" * 300_000,
        BOMB,
        FILE,
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body/></s:Envelope>',
        b"<a>" * 5_000 + b"</a>" * 5_000,
        b"<a>" * 60_000,
        b"<a>" + b"<b/>" * 120_000 + b"</a>",
        ATTRIBUTE_BOMB,
        b"\xff\xfe" + "<a/>".encode("utf-16-le"),
    ],
)
def test_a_body_that_is_no_message_is_a_bad_request(served: Served, body: bytes) -> None:
    answer = talk(served, post(body, f"Authorization: Basic {GOOD}"), "https")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"root:" not in answer
    assert_well(served)


def test_a_sealed_body_without_keys_is_a_bad_request(served: Served) -> None:
    kind = 'Content-Type: multipart/encrypted;protocol="x";boundary="Encrypted Boundary"'
    body = b"--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n\x10\0\0\0" + b"x" * 40
    answer = talk(served, post(body, f"Authorization: Basic {GOOD}", kind), "https")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_an_unknown_action_is_a_fault(served: Served) -> None:
    body = (
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        b'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><s:Header><a:Action>http://x/y</a:Action>'
        b"<a:MessageID>uuid:1</a:MessageID></s:Header><s:Body/></s:Envelope>"
    )
    answer = talk(served, post(body, f"Authorization: Basic {GOOD}"), "https")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"a:ActionNotSupported" in answer
    assert b"<a:RelatesTo>uuid:1<" in answer


def test_the_server_says_that_it_is_no_windows(served: Served) -> None:
    assert b"\r\nServer: winlab\r\n" in talk(served, b"GET /wsman HTTP/1.1\r\n\r\n")


def test_pipelined_requests_are_answered_in_their_order(served: Served) -> None:
    asked = b"GET /wsman HTTP/1.1\r\n\r\n" + b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    with served.connect() as sock:
        sock.sendall(asked * 2 + b"garbage\r\n\r\n" + b"GET /never HTTP/1.1\r\n\r\n")
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    statuses = [line.split(b" ")[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert statuses == [b"405", b"404", b"405", b"404", b"400"]


def test_what_strangers_send_is_not_kept(served: Served) -> None:
    """64 half bodies of 3 MiB: kept, they were 190 MiB."""
    piece = b"x" * 1024 * 1024
    before = resident()
    sockets = [served.connect() for _ in range(64)]
    try:
        for sock in sockets:
            sock.sendall(b"POST /wsman HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n" + piece * 3)
        assert_well(served)
        assert resident() - before < 32 * 1024 * 1024
    finally:
        for sock in sockets:
            sock.close()


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_full_listener_cuts_off_the_stranger_who_was_there_first(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 6)
    known = requests.Session()
    known.trust_env = False
    ask = functools.partial(
        known.post,
        served.https,
        data=b"<a/>",
        auth=("Administrator", PASSWORD.encode()),
        verify=str(served.ca),
    )
    silent = [served.connect("https") for _ in range(20)]
    assert_well(served)
    for sock in silent[:14]:
        sock.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(1) == b""
    assert ask().status_code == 400
    for sock in silent:
        sock.close()


def test_ntlm_messages_with_lying_offsets_are_refused(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    random = Random(7)
    for number in range(32):
        client = spnego.client("Administrator", PASSWORD, protocol="ntlm")
        with served.connect() as sock:
            answer = ask_ntlm(sock, client.step() or b"")
            token = bytearray(client.step(base64.b64decode(answer["www-authenticate"][5:])) or b"")
            # Lengths and offsets of the six fields, then what they point to (MS-NLMP 2.2.1.3).
            where = random.randrange(12, 64) if number % 2 else random.randrange(12, len(token))
            token[where : where + 4] = random.choice(
                [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\1\0\0\x80", bytes(random.randbytes(4))]
            )
            if number % 5 == 0:
                del token[random.randrange(8, len(token)) :]
            assert ask_ntlm(sock, bytes(token))["status"] in ("401", "200")
    assert [record for record in caplog.records if record.exc_info] == []
    assert_well(served)


def ask_ntlm(sock: socket.socket, token: bytes) -> dict[str, str]:
    head = f"POST /wsman HTTP/1.1\r\nAuthorization: NTLM {base64.b64encode(token).decode()}\r\n\r\n"
    sock.sendall(head.encode())
    return read_head(sock)


def read_head(sock: socket.socket) -> dict[str, str]:
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = sock.recv(65536)
        if not piece:
            return {"status": "closed"}
        answer += piece
    first, *lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    fields = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[::-1]}
    return {**fields, "status": first.split(" ")[1]}


BOUNDARY = b"--Encrypted Boundary"
KIND = b'Content-Type: multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'


def sealed(signature: bytes, data: bytes, *, declared: object, length: int) -> bytes:
    return b"".join(
        (
            BOUNDARY,
            b"\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n",
            f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={declared}\r\n".encode(),
            BOUNDARY,
            b"\r\n\tContent-Type: application/octet-stream\r\n",
            struct.pack("<i", length),
            signature,
            data,
            BOUNDARY,
            b"--\r\n",
        )
    )


@pytest.mark.parametrize(
    ("changes", "cut"),
    [
        ({"declared": 5}, 0),
        ({"declared": -5}, 0),
        ({"declared": "9" * 5_000}, 0),
        ({"declared": ""}, 0),
        ({"length": 0}, 0),
        ({"length": -16}, 0),
        ({"length": 2**31 - 1}, 0),
        ({"length": 15}, 0),
        ({"signature": bytes(16)}, 0),
        ({"data": b"x" * 400_000}, 0),
        ({}, 10),
        ({}, 60),
    ],
)
def test_a_sealed_body_with_lying_lengths_is_a_bad_request(
    served: Served, changes: dict[str, Any], cut: int
) -> None:
    client = spnego.client("Administrator", PASSWORD, protocol="ntlm", context_req=SEAL)
    with served.connect() as sock:
        answer = ask_ntlm(sock, client.step() or b"")
        token = client.step(base64.b64decode(answer["www-authenticate"][5:])) or b""
        assert ask_ntlm(sock, token)["status"] == "200"
        wrapped = client.wrap_winrm(b"<a/>")
        parts = {"signature": wrapped.header, "data": wrapped.data, "declared": 4, "length": 16, **changes}
        body = sealed(**parts)
        body = body[: len(body) - cut]
        sock.sendall(b"POST /wsman HTTP/1.1\r\n%s\r\nContent-Length: %d\r\n\r\n%s" % (KIND, len(body), body))
        assert read_head(sock)["status"] == "400"
        assert sock.recv(1) == b""
    assert_well(served)


def test_clients_that_stall_are_cut_off_and_harm_nobody(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "HANDSHAKE_SECONDS", 0.5)
    monkeypatch.setattr(http, "FIRST_REQUEST_SECONDS", 0.5)
    monkeypatch.setattr(http, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(http, "BODY_SECONDS", 0.5)
    silent = served.connect()
    half_tls = served.connect("https")
    half_tls.sendall(b"\x16\x03\x01")
    half_head = served.connect()
    half_head.sendall(b"POST /wsman HTTP/1.1\r\nHost")
    half_body = served.connect()
    half_body.sendall(b"POST /wsman HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc")
    assert_well(served)
    for sock in (silent, half_tls, half_head, half_body):
        sock.settimeout(10)
        try:
            assert sock.recv(1) == b""
        except ConnectionResetError:
            pass
        finally:
            sock.close()


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "::1", "localhost", ""])
def test_only_loopback_addresses_are_served(address: str) -> None:
    with pytest.raises(WinlabError) as caught:
        Listener(address, 0, lambda connection: pytest.fail("no connection was made"))
    assert "not a loopback address; expected one of 127.0.0.0/8" in str(caught.value)


def test_a_port_that_is_taken_is_named(served: Served, tmp_path: Any) -> None:
    port = served.service.ports["http"]
    with pytest.raises(WinlabError) as caught:
        WinrmService(served.host, lambda *_: 0, served.service.address, (port, 0))
    assert f"port {port}: Address already in use; expected it to be free." in str(caught.value)
