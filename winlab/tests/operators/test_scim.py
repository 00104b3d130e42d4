"""The SCIM endpoint after the wizard: when it listens, whom it answers, and what."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from winlab.errors import Win32Error
from winlab.host import certificate_store
from winlab.lab import StateFolder
from winlab.products import ecma_host, ecma_scim
from winlab.server.scim import ScimService

from winlab import network, views

from .conftest import TOKEN, Desk

BASE = "/ecma2host_Badges/scim"
HOLDER = "service:ecma2host"


def ask(desk: Desk, path: str, token: str = TOKEN, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    header = f"Bearer {token}" if token else ""
    reply = ecma_scim.answer(
        desk.host, method, path, header, b"" if body is None else json.dumps(body).encode()
    )
    return reply.status.value, reply.document


def user(number: Any, **more: Any) -> dict[str, Any]:
    return {"schemas": [ecma_scim.USER_SCHEMA], ecma_scim.EXTENSION: {"badgeNumber": number, **more}}


@pytest.fixture
def running(desk: Desk) -> Desk:
    desk.wizard(restart=True)
    return desk


def test_endpoint_listens_from_the_next_start_of_the_service_to_its_stop(desk: Desk) -> None:
    desk.host.services.start(ecma_host.SERVICE)
    desk.wizard()
    assert ecma_scim.listening(desk.host, HOLDER) is None
    desk.host.services.stop(ecma_host.SERVICE)
    desk.host.services.start(ecma_host.SERVICE)
    assert ecma_scim.listening(desk.host, HOLDER).port == 8585
    desk.host.services.crash(ecma_host.SERVICE)
    assert ecma_scim.listening(desk.host, HOLDER) is None


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        (f"{BASE}/Users", TOKEN, 200),
        (f"{BASE}/Users/7", TOKEN, 404),
        (f"{BASE}/cache", TOKEN, 200),
        (f"{BASE}/Schemas", TOKEN, 200),
        (f"{BASE}/Users", TOKEN[:-1], 401),
        (f"{BASE}/Users", "", 401),
        (f"{BASE}/cache", "wrong", 401),
        ("/ecma2host_badges/scim/Users", TOKEN, 404),
        ("/", TOKEN, 404),
        (f"{BASE}/Groups", TOKEN, 501),
        (f"{BASE}/Users?filter=a%20co%20%22b%22", TOKEN, 400),
    ],
)
def test_answers_depend_on_path_and_token(running: Desk, path: str, token: str, status: int) -> None:
    assert ask(running, path, token)[0] == status


def test_authorization_of_another_kind_is_refused(running: Desk) -> None:
    reply = ecma_scim.answer(running.host, "GET", f"{BASE}/Users", f"Basic {TOKEN}", b"")
    assert reply.status.value == 401


def test_a_user_is_created_found_by_filter_and_refused_twice(running: Desk) -> None:
    status, made = ask(running, f"{BASE}/Users", method="POST", body=user("7", firstName='Ann "A"'))
    assert (status, made["id"]) == (201, "7")
    assert ask(running, f"{BASE}/Users/7") == (200, made)
    query = "filter=urn%3Aietf%3Aparams%3Ascim%3Aschemas%3Aextension%3AECMA2Host%3A2.0%3AUser%3AfirstName"
    assert ask(running, f"{BASE}/Users?{query}%20eq%20%22Ann%20%5C%22A%5C%22%22")[1]["Resources"] == [made]
    assert ask(running, f"{BASE}/Users?{query}%20eq%20%22Bob%22")[1]["totalResults"] == 0
    assert ask(running, f"{BASE}/Users", method="POST", body=user("7"))[0] == 409


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ([], "invalidSyntax"),
        ({}, "invalidValue"),
        (user("7", shoe="42"), "invalidPath"),
        (user({"a": 1}), "invalidValue"),
        (user(["x"]), "invalidValue"),
        (user(True), "invalidValue"),
        (user(None), "invalidValue"),
        (user(1.5), "invalidValue"),
        (user(""), "invalidValue"),
        (user("7", firstName=["x"]), "invalidValue"),
        (user(float("nan")), "invalidSyntax"),
        (user("\ud800"), "invalidSyntax"),
        ({ecma_scim.EXTENSION: {"badgeNumber": "7"}}, "invalidValue"),
        ({**user("7"), "schemas": []}, "invalidValue"),
        ({**user("7"), "schemas": ecma_scim.USER_SCHEMA}, "invalidValue"),
        ({**user("7"), "schemas": [{}]}, "invalidValue"),
        ({**user("7"), "schemas": [ecma_scim.USER_SCHEMA] * 2}, "invalidValue"),
        ({**user("7"), "schemas": ["urn:other"]}, "invalidValue"),
    ],
)
def test_a_user_that_the_target_cannot_hold_is_refused(running: Desk, body: Any, kind: str) -> None:
    status, document = ask(running, f"{BASE}/Users", method="POST", body=body)
    assert (status, document["scimType"]) == (400, kind)
    assert ask(running, f"{BASE}/cache") == (200, [])


def test_a_number_is_an_anchor_too(running: Desk) -> None:
    status, made = ask(running, f"{BASE}/Users", method="POST", body=user(7))
    assert (status, made["id"]) == (201, "7")


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 200_000, b"\xff", b"", b'{"a": "\\ud800"}'])
def test_a_body_that_is_no_json_is_refused(running: Desk, body: bytes) -> None:
    reply = ecma_scim.answer(running.host, "POST", f"{BASE}/Users", f"Bearer {TOKEN}", body)
    assert (reply.status.value, reply.document["scimType"]) == (400, "invalidSyntax")


def test_a_target_that_is_no_url_is_refused(running: Desk) -> None:
    assert ask(running, "http://[::1/x")[0] == 400


@pytest.mark.parametrize(("full_import", "seen"), [(True, 1), (False, 0)])
def test_after_a_restart_the_cache_holds_what_a_full_import_reads(
    desk: Desk, full_import: bool, seen: int
) -> None:
    desk.put("Run profiles", "Full import", full_import)
    desk.wizard(restart=True)
    assert ask(desk, f"{BASE}/cache") == (200, [])
    assert ask(desk, f"{BASE}/Users", method="POST", body=user("7"))[0] == 201
    desk.host.services.stop(ecma_host.SERVICE)
    desk.host.services.start(ecma_host.SERVICE)
    assert len(ask(desk, f"{BASE}/cache")[1]) == seen
    # The target has it either way: without an import the host tries to create it again.
    assert ask(desk, f"{BASE}/Users", method="POST", body=user("7"))[0] == 409


def test_debug_switches_authentication_off_from_the_next_start_on(running: Desk) -> None:
    text = running.host.files.read_bytes(ecma_host.SWITCHES)
    running.host.files.write_bytes(
        ecma_host.SWITCHES, text.replace(b'"Debug" value="false"', b'"Debug" value="true"')
    )
    assert ask(running, f"{BASE}/Users", "")[0] == 401
    running.host.services.stop(ecma_host.SERVICE)
    running.host.services.start(ecma_host.SERVICE)
    assert ask(running, f"{BASE}/Users", "")[0] == 200


def test_the_other_reading_of_the_documents_shows_the_cache_with_debug_only(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(ecma_cache_needs_debug=True)
    desk.wizard(restart=True)
    assert ask(desk, f"{BASE}/cache")[0] == 404
    assert ask(desk, f"{BASE}/Users")[0] == 200


def test_endpoint_answers_again_after_a_reload_and_a_reboot(running: Desk) -> None:
    again = running.again()
    assert ask(again, f"{BASE}/Users")[0] == 200
    again.host.reboot()
    assert ask(again, f"{BASE}/Users")[0] == 200


def spoil_certificate(desk: Desk) -> None:
    (found,) = certificate_store.all_of(desk.host, certificate_store.MY)
    certificate_store.remove(desk.host, certificate_store.MY, found.thumbprint)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_certificate, r"is not in LocalMachine\My"),
        (lambda desk: desk.host.ports.listen(8585, "service:other"), "Port 8585 is in use by service:other."),
        (lambda desk: desk.host.files.write_bytes(ecma_host.CONFIGURATION, b"<a"), "not well-formed XML"),
    ],
)
def test_service_that_cannot_listen_says_so_in_its_log(
    desk: Desk, spoil: Callable[[Desk], object], said: str
) -> None:
    desk.wizard()
    spoil(desk)
    desk.host.services.start(ecma_host.SERVICE)
    assert ecma_scim.listening(desk.host, HOLDER) is None
    assert [e for e in desk.host.events.read(ecma_scim.LOG) if e.level == "error" and said in e.message]


def test_token_is_in_the_configuration_file_and_nowhere_else(running: Desk, tmp_path: Path) -> None:
    ask(running, f"{BASE}/Users", "wrong-" + TOKEN)
    running.host.save()
    state = (running.host.state_dir / "state.json").read_text()
    assert TOKEN not in state
    holding = [e.path for e in running.host.files.walk("C:\\") if not e.is_dir
               and e.size < 100_000 and TOKEN.encode() in running.host.files.read_bytes(e.path)]  # fmt: skip
    assert holding == [ecma_host.CONFIGURATION]
    folder = StateFolder(tmp_path)
    (tmp_path / "hosts").mkdir()
    (tmp_path / "hosts" / "ecma01").symlink_to(running.host.state_dir)
    shown = views.public_state(folder, "ecma01", {})
    connector = shown["host"]["products"][ecma_scim.STATE]["connectors"]["Badges"]
    assert connector["token_secret"] == views.HIDDEN


def test_locked_copies_stay_until_the_service_stops(running: Desk) -> None:
    copy = rf"{ecma_host.ECMA_FOLDER}\Cache\Badges\AutosyncService\Fabrikam.Badge.Connector.dll"
    with pytest.raises(Win32Error) as caught:
        running.host.files.write_bytes(copy, b"MZ")
    assert caught.value.code == 32


# Over the wire ------------------------------------------------------------------------------------------------


@pytest.fixture
def served(desk: Desk, tmp_path: Path) -> Iterator[tuple[Desk, ScimService, str]]:
    net = network.claim(tmp_path, None, 1)
    service = ScimService(desk.host, net.address(0))
    yield desk, service, net.address(0)
    service.close()
    net.close()


def fetch(desk: Desk, address: str, path: str, token: str) -> tuple[int, Any]:
    """Ask as a client that trusts the host's own Root store and knows the host by its name."""
    (root,) = certificate_store.all_of(desk.host, certificate_store.ROOT)
    context = ssl.create_default_context(cadata=certificate_store.pem(root).decode())
    with (
        socket.create_connection((address, 8585), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=desk.host.computer_name) as secure,
    ):
        secure.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        response = http.client.HTTPResponse(secure)
        response.begin()
        return response.status, json.loads(response.read())


def is_open(address: str) -> bool:
    try:
        socket.create_connection((address, 8585), timeout=10).close()
    except OSError:
        return False
    return True


def test_listener_follows_the_service_with_the_certificate_of_the_wizard(
    served: tuple[Desk, ScimService, str],
) -> None:
    desk, _, address = served
    assert not is_open(address)
    desk.wizard(restart=True)
    status, document = fetch(desk, address, f"{BASE}/Users", TOKEN)
    assert (status, document["totalResults"]) == (200, 0)
    assert fetch(desk, address, f"{BASE}/Users", "wrong-token-123")[0] == 401
    desk.host.services.stop(ecma_host.SERVICE)
    assert not is_open(address)
    desk.host.services.start(ecma_host.SERVICE)
    assert fetch(desk, address, f"{BASE}/cache", TOKEN) == (200, [])


def test_listener_is_open_at_once_for_a_host_that_was_loaded_with_its_service_running(
    desk: Desk, tmp_path: Path
) -> None:
    desk.wizard(restart=True)
    again = desk.again()
    net = network.claim(tmp_path, None, 1)
    service = ScimService(again.host, net.address(0))
    try:
        assert fetch(again, net.address(0), f"{BASE}/Users", TOKEN)[0] == 200
    finally:
        service.close()
        net.close()
    assert again.host.ports.watchers == []
