"""win_http_proxy and win_inet_proxy through the real connection, and what other programs see of them."""

from __future__ import annotations

import pytest
from winlab.host import proxies

from .conftest import Case, Web

pytestmark = pytest.mark.lab
EMPTY = {"proxy": None, "bypass": None}
BOTH = {"proxy": "proxyhost:8080", "bypass": ["abc", "<local>"]}
SHOWN = {"proxy": "proxyhost:8080", "bypass": "abc;<local>"}
KEYS = "Invalid keys found in proxy: fail1, fail2. Valid keys are http, https, ftp, socks."


def test_the_proxy_of_the_machine(web: Web) -> None:
    web.table(
        "win_http_proxy",
        [
            Case({}, {"changed": False, "diff": {"before": EMPTY, "after": EMPTY}}, diff=True),
            Case(BOTH, {"changed": True, "diff": {"before": EMPTY, "after": SHOWN}}, check=True, diff=True),
            Case(
                BOTH,
                {
                    "failed": True,
                    "msg": 'Unhandled exception while executing module: Exception calling "Set" with "0" argument(s): '
                    '"WinHttpSetDefaultProxyConfiguration() failed (Access is denied, Win32ErrorCode 5)"',
                },
                user="ann",
            ),
            Case(BOTH, {"changed": True, "diff": {"before": EMPTY, "after": SHOWN}}, diff=True),
            Case({**BOTH, "proxy": "PROXYHOST:8080"}, {"changed": False}, without=("diff",)),
            Case(BOTH, {"changed": False}, user="ann"),
            Case(
                {"proxy": {"https": "p:8443", "http": "p:8080"}},
                {
                    "changed": True,
                    "diff": {"before": SHOWN, "after": {"proxy": "http=p:8080;https=p:8443", "bypass": None}},
                },
                diff=True,
            ),
            Case({"proxy": "http=p:8080;https=p:8443"}, {"changed": False}),
            Case({"proxy": ""}, {"changed": True}),
            Case(
                {"bypass": ["abc"]},
                {"failed": True, "msg": "missing parameter(s) required by 'bypass': proxy"},
            ),
            Case(
                {"bypass": ["abc"], "proxy": ""},
                {"failed": True, "msg": "missing parameter(s) required by ''bypass'': proxy"},
            ),
            Case({"proxy": {"fail2": "x", "fail1": "x"}}, {"failed": True, "msg": KEYS}),
            Case(
                {"proxy": "p", "source": "ie"},
                {"failed": True, "msg": "parameters are mutually exclusive: proxy, source"},
            ),
            Case(
                {"source": "other"},
                {"failed": True, "msg": "value of source must be one of: ie. Got no match for: other"},
            ),
            Case({"proxy": "fake=proxy"}, {"failed": True}, contains={"msg": "is not modelled"}),
            Case({"proxies": "x"}, {"failed": True}, contains={"msg": "Unsupported parameters"}),
        ],
    )
    assert proxies.winhttp(web.host) == proxies.HttpProxy()


def test_the_proxy_of_a_user_is_his_own_and_can_be_imported(web: Web) -> None:
    before = {"auto_config_url": None, "auto_detect": True, "bypass": None, "server": None}
    after = {"auto_config_url": None, "auto_detect": True, "bypass": "abc;<local>", "proxy": "proxyhost:8080"}
    web.table(
        "win_inet_proxy",
        [
            Case({}, {"changed": False}),
            Case(BOTH, {"changed": True, "diff": {"before": before, "after": after}}, check=True, diff=True),
            Case(BOTH, {"changed": True, "diff": {"before": before, "after": after}}, diff=True),
            Case(BOTH, {"changed": False}),
            Case({"auto_detect": False}, {"changed": True}, user="ann"),
            Case({"auto_detect": False}, {"changed": False}, user="ann"),
            Case(
                {"proxy": "fake=proxy"},
                {
                    "failed": True,
                    "changed": False,
                    "msg": "Unknown error when trying to set auto_config_url '', proxy 'fake=proxy', or bypass ''",
                },
            ),
            Case({"connection": "None"}, {"failed": True, "msg": "The connection 'None' does not exist."}),
            Case({"proxy": {"fail1": 1, "fail2": 1}}, {"failed": True, "msg": KEYS}),
            Case(
                {"bypass": ["a"]}, {"failed": True, "msg": "missing parameter(s) required by 'bypass': proxy"}
            ),
            Case({"auto_detect": "perhaps"}, {"failed": True}, contains={"msg": "unable to convert to bool"}),
        ],
    )
    web.host.files.mkdir(r"C:\ProgramData\Microsoft\Network\Connections\Pbk")
    web.host.files.write_bytes(proxies.phonebook(r"C:\ProgramData"), b"[Dialup]\r\nEncoding=1\r\n")
    show = {"ansible.windows.win_command": "netsh winhttp show proxy"}
    results = web.play(
        [
            show,
            {"ansible.windows.win_http_proxy": {"source": "ie"}},
            {"ansible.windows.win_http_proxy": {"source": "ie"}},
            show,
            {"ansible.windows.win_inet_proxy": {"connection": "Dialup", "auto_config_url": "http://x/p.pac"}},
            {"ansible.windows.win_inet_proxy": {"connection": "dialup", "auto_config_url": "http://x/p.pac"}},
            {"ansible.windows.win_http_proxy": {}},
        ]
    )
    assert [result["changed"] for result in results] == [True, True, False, True, True, False, True]
    assert results[0]["stdout_lines"][3] == "    Direct access (no proxy server)."
    assert results[3]["stdout_lines"][3:5] == [
        "    Proxy Server(s) :  proxyhost:8080",
        "    Bypass List     :  abc;<local>",
    ]


def test_a_policy_makes_the_settings_those_of_the_machine(web: Web) -> None:
    policy = {
        "path": r"HKLM:\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings",
        "name": "ProxySettingsPerUser",
        "data": 0,
        "type": "dword",
    }
    results = web.play(
        [
            {"ansible.windows.win_regedit": policy},
            {"ansible.windows.win_inet_proxy": {"proxy": "of-all"}},
            {"ansible.windows.win_inet_proxy": {"proxy": "of-all"}, "vars": {"ansible_user": "ann"}},
            {"ansible.windows.win_inet_proxy": {"proxy": "other"}, "vars": {"ansible_user": "ann"}},
            {"ansible.windows.win_regedit": {**policy, "state": "absent"}},
        ]
    )
    assert [result["changed"] for result in results] == [True, True, False, False, True]
    assert "failed (Access is denied, Win32ErrorCode 5)" in results[3]["msg"]


@pytest.mark.parametrize(
    ("proxy", "scheme", "server"),
    [
        ("p:1", "https", "p:1"),
        ("http=p:1;https=q:2", "https", "q:2"),
        ("http=p:1", "https", None),
        ("HTTP=p:1;q:2", "http", "p:1"),
        ("HTTP=p:1;q:2", "ftp", "q:2"),
    ],
)
def test_the_server_of_a_scheme(proxy: str, scheme: str, server: str | None) -> None:
    assert proxies.server_for(proxy, scheme) == server
