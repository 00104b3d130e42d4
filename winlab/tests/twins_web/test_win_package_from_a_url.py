"""win_package from a URL, through the real connection: fetched for its product code, into a folder that goes again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from winlab.host.packages import Product

from winlab import programs

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
