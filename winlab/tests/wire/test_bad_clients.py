"""What bad clients send leaves the server up, and good clients unharmed."""

from __future__ import annotations

import base64
import socket
import ssl
from typing import Any

import pytest
from winlab.errors import WinlabError
from winlab.server import http
from winlab.server.http import Listener
from winlab.server.service import WinrmService

from .conftest import PASSWORD, Served

GOOD = base64.b64encode(f"Administrator:{PASSWORD}".encode()).decode()
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>&b;</s:Header><s:Body/></s:Envelope>'
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
        (b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
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
