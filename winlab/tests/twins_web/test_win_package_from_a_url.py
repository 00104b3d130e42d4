"""win_package from a URL, through the real connection: fetched for its product code, into a folder that goes again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from winlab.host.packages import Product
from winlab.host.registry import Value

from winlab import programs

from ..served import PASSWORD
from .conftest import FOLDER_NAME, NAME, Case, Web

pytestmark = pytest.mark.lab
URL = f"http://{FOLDER_NAME}/lab%20setup.exe"
TEMP = r"C:\Users\Administrator\AppData\Local\Temp"


@programs.program("web-setup")
def setup_tool(call: programs.ProcessCall) -> programs.ProcessResult:
    """Installs with no argument, removes with /u; a code as argument ends it with that."""
    if "/u" in call.arguments:
        call.host.packages.remove("WebTool")
    elif call.arguments:
        return programs.ProcessResult(int(call.arguments[0]))
    else:
        tool = Product("WebTool", "Web Tool", "1", kind="registry", uninstall_string=r"C:\got\web.exe /u")
        call.host.packages.install(tool)
    return programs.ProcessResult(0)


@pytest.fixture
def host(make_web: Callable[..., Web]) -> Web:
    web = make_web()
    programs.install(web.host, r"C:\got\web.exe", "web-setup")
    (web.folder / "www" / "lab setup.exe").write_bytes(web.host.files.read_bytes(r"C:\got\web.exe"))
    return web


def test_a_package_is_fetched_installed_and_removed(host: Web) -> None:
    given = {"path": URL, "product_id": "WebTool"}
    host.table(
        "win_package",
        [
            Case(given, {"changed": True, "rc": 0, "status_code": 200, "msg": "OK"}, check=True),
            Case(
                {**given, "arguments": "1603"},
                {"failed": True, "rc": 1603},
                contains={"msg": "lab%20setup.exe"},
            ),
            Case({**given, "checksum": "f" * 40}, {"failed": True}, contains={"msg": "did not match"}),
            Case(given, {"changed": True, "rc": 0, "status_code": 200, "reboot_required": False}),
            # an installed product needs no download
            Case(given, {"changed": False, "rc": 0}, without=("status_code", "elapsed")),
            Case(given, {"changed": False}, check=True, without=("status_code",)),
            Case({"path": f"http://{NAME}/missing", "product_id": "WebTool"}, {"changed": False}),
            Case(
                {"path": f"http://{NAME}/missing", "product_id": "Other"},
                {"failed": True},
                contains={"msg": "(404) Not Found."},
            ),
            Case(
                {"path": "http://nowhere.example/x.msi"},
                {"failed": True},
                contains={"msg": "could not be resolved"},
            ),
            Case(
                {"path": URL, "state": "absent"},
                {
                    "failed": True,
                    "msg": "Unable to find Product ID from the URL path. Please specify product_id when using state=absent",
                },
            ),
            # where a path is given, it is what the module runs (lines 1217-1219)
            Case({**given, "state": "absent", "arguments": "/u"}, {"changed": True, "status_code": 200}),
            Case({**given, "state": "absent", "arguments": "/u"}, {"changed": False, "status_code": 200}),
            Case({"path": URL, "timeout": 3}, {"failed": True}, contains={"msg": "Unsupported parameters"}),
        ],
    )
    assert host.host.packages.get("WebTool") is None
    assert [name for name in host.host.files.listdir(TEMP) if name.startswith("ansible-moduletmp")] == []


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
