"""Requests that take a proxy: the option's, the user's, with and without credentials, in clear and through a tunnel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from winlab.host.registry import Value

from ..served import PASSWORD
from .conftest import FOLDER_NAME, MODIFIED, NAME, WRONG_NAME, Case, Web

pytestmark = pytest.mark.lab
KNOWN = {"proxy_username": "ann", "proxy_password": "s3cret-word"}


@pytest.fixture
def host(make_web: Callable[..., Web]) -> Web:
    return make_web()


def test_the_default_proxy_of_the_user_is_asked(host: Web) -> None:
    settings = r"HKCU\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings"
    proxy = {"ansible.windows.win_inet_proxy": {"proxy": f"{NAME}:8080", "bypass": [FOLDER_NAME]}}
    asked, direct, explicit, refused, secured, local, script = host.play(
        [
            {**proxy, "ignore_errors": False},
            *(
                {"ansible.windows.win_uri": {"url": url, "return_content": True, **options}}
                for url, options in (
                    ("http://anywhere.example/a", {}),
                    (f"http://{FOLDER_NAME}/none", {"status_code": 404}),
                    ("http://anywhere.example/b", {"proxy_url": f"http://{NAME}:8080"}),
                    ("http://anywhere.example/c", {"use_proxy": False}),
                    (
                        "http://anywhere.example/secured",
                        {
                            "proxy_url": f"{NAME}:8080",
                            "proxy_username": "ann",
                            "proxy_password": "s3cret-word",
                        },
                    ),
                )
            ),
            {"ansible.windows.win_inet_proxy": {"auto_config_url": "http://x/p.pac"}},
        ]
    )[:7]
    assert asked["changed"] is True
    assert direct["content"] == "by proxy"
    assert explicit["status_code"] == 404
    assert refused["content"] == "by proxy"
    assert secured["failed"] is True
    assert local["content"] == "by proxy"
    assert script["changed"] is True
    assert host.plain.seen[-3:] == [
        "GET http://anywhere.example/b",
        "GET http://anywhere.example/secured",
        "GET http://anywhere.example/secured",
    ]
    url = {"url": "http://anywhere.example/a"}
    host.table(
        "win_uri",
        [
            Case(
                url,
                {"failed": True},
                contains={"msg": "the proxy configuration script http://x/p.pac is not modelled"},
            ),
            Case(
                {**url, "proxy_url": "http://nowhere.example:1"},
                {"failed": True},
                contains={"msg": "The proxy name could not be resolved: 'nowhere.example'"},
            ),
            Case(
                {"url": "https://anywhere.example", "proxy_url": f"http://{NAME}:8080"},
                {"failed": True, "status_code": 407},
            ),
            Case(
                {**url, "proxy_url": f"https://{NAME}"}, {"failed": True}, contains={"msg": "is not modelled"}
            ),
        ],
    )
    value = host.host.registry.get(
        settings, "AutoConfigURL", host.host.accounts.logon("Administrator", PASSWORD, "network")
    )
    assert value == Value("string", "http://x/p.pac")


def test_tls_goes_through_a_tunnel_and_is_judged_at_its_end(host: Web) -> None:
    proxy = {"proxy_url": f"http://{NAME}:8080"}
    host.table(
        "win_uri",
        [
            Case(
                {"url": f"https://{NAME}/text", **proxy, **KNOWN},
                {"status_code": 200, "last_modified": MODIFIED},
            ),
            Case(
                {"url": f"https://{NAME}/text", **proxy, **KNOWN, "proxy_password": "unknown-word"},
                {"failed": True, "status_code": 407},
            ),
            Case(
                {"url": f"https://{NAME}/text", **proxy, **KNOWN, "proxy_use_default_credential": True},
                {"failed": True, "status_code": 407},
            ),
            Case(
                {"url": f"https://{WRONG_NAME}/text", **proxy, **KNOWN},
                {"failed": True},
                contains={"msg": "trust relationship"},
            ),
        ],
    )
    tunnels = [line for line in host.plain.seen if line.startswith("CONNECT")]
    assert tunnels == [*[f"CONNECT {NAME}:443"] * 5, *[f"CONNECT {WRONG_NAME}:443"] * 2]
    assert host.secure.seen == ["GET /text"]


def test_a_server_that_takes_its_time_does_not_hold_the_host(host: Web) -> None:
    task = {"ansible.windows.win_uri": {"url": f"http://{NAME}/slow/4", "timeout": 20}}
    play = threading.Thread(target=host.play, args=([task],))
    play.start()
    while "GET /slow/4" not in host.plain.seen and play.is_alive():
        time.sleep(0.05)
    assert host.host.lock.acquire(timeout=2)
    host.host.lock.release()
    assert play.is_alive()
    play.join()
