"""win_uri asks the SCIM endpoint of its own host: no socket, the same answers, TLS by the host's Root store."""

from __future__ import annotations

from typing import Any

import pytest
from winlab.errors import ModuleFailure, NotModelled
from winlab.host import certificate_store
from winlab.manifest import Script
from winlab.products import ecma_host

from winlab import arguments, modules, pins

from .conftest import TOKEN, Desk

NAME = "ansible.windows.win_uri"
BASE = "https://ecma01:8585/ecma2host_Badges/scim"
TRUST = "Could not establish trust relationship for the SSL/TLS secure channel."


class Resolver:
    def expand(self, text: str) -> str:
        return text

    def sid(self, name: str) -> str:
        return name


@pytest.fixture
def running(desk: Desk) -> Desk:
    desk.wizard(restart=True)
    return desk


def ask(desk: Desk, url: str, **options: Any) -> dict[str, Any]:
    """The twin's result, a failure's too."""
    path = pins.module_path(NAME)
    script = Script(path.name, str(path), path.read_bytes())
    given = {"url": url, "headers": {"Authorization": f"Bearer {TOKEN}"}, "return_content": True, **options}
    params = arguments.check(NAME, script, pins.util_scripts(NAME), given, Resolver()).params
    session = desk.host.accounts.token(desk.host.accounts.resolve("Administrator").sid, "network")
    try:
        return modules.lookup(NAME).function(modules.Call(desk.host, session, NAME, params, given))
    except ModuleFailure as error:
        return {**error.result, "failed": True, "msg": error.msg}


def test_the_cache_and_a_new_user(running: Desk) -> None:
    assert ask(running, f"{BASE}/cache")["content"] == "[]"
    user = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User": {"badgeNumber": "7"},
    }
    created = ask(running, f"{BASE}/Users", method="POST", body=user, status_code=[201])
    assert (created["status_code"], created["status_description"]) == (201, "Created")
    assert created["json"]["id"] == "7"
    found = ask(running, f'{BASE}/Users?filter=badgeNumber eq "7"')
    assert found["json"]["totalResults"] == 1


def test_a_wrong_token_is_unauthorized(running: Desk) -> None:
    result = ask(running, f"{BASE}/Users", headers={"Authorization": "Bearer wrong"})
    assert result["status_code"] == 401
    assert result["msg"] == (
        "Status code of request '401' is not in list of valid status codes 200 : Unauthorized'."
    )


def test_nobody_listens_once_the_service_has_stopped(running: Desk) -> None:
    running.host.services.stop(ecma_host.SERVICE)
    assert "Unable to connect to the remote server" in ask(running, f"{BASE}/cache")["msg"]


def test_the_certificate_is_judged_by_the_root_store_the_name_and_the_hosts_clock(running: Desk) -> None:
    host = running.host
    own = f"{BASE}/cache"
    assert ask(running, own)["status_code"] == 200
    # the wizard's certificate names the machine
    assert TRUST in ask(running, own.replace("ecma01", "localhost"))["msg"]
    host.clock.jump(3 * 365 * 86_400.0)
    assert TRUST in ask(running, own)["msg"]
    host.clock.jump(-3 * 365 * 86_400.0)
    [trusted] = [
        found.thumbprint
        for found in certificate_store.all_of(host, certificate_store.ROOT)
        if certificate_store.get(host, certificate_store.MY, found.thumbprint)
    ]
    certificate_store.remove(host, certificate_store.ROOT, trusted)
    assert TRUST in ask(running, own)["msg"]
    assert ask(running, own, validate_certs=False)["status_code"] == 200


@pytest.mark.parametrize("url", ["https://localhost:5986/wsman", "http://localhost:8585/x"])
def test_other_endpoints_of_the_host_are_not_modelled(running: Desk, url: str) -> None:
    with pytest.raises(NotModelled, match="Of its own endpoints, the SCIM endpoint"):
        ask(running, url)
