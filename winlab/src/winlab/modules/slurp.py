"""Twin of ansible.windows.slurp 3.3.0 (plugins/modules/slurp.ps1, a legacy module)."""

from __future__ import annotations

import base64
from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk, dotnet_errors, method_errors


@twin("ansible.windows.slurp")
def slurp(call: Call) -> dict[str, Any]:
    """Return a file's content in base64 (lines 13-25); like the real one it holds all of it in memory."""
    disk = Disk(call)
    src = param(call, "src", type="path", aliases=("path",), failifempty=True)
    if disk.is_leaf(src):
        with method_errors("ReadAllBytes", 1), dotnet_errors(src):
            data = disk.files.read_bytes(disk.full(src), disk.session)
        return {"changed": False, "content": base64.b64encode(data).decode("ascii"), "encoding": "base64"}
    if disk.is_container(src):
        raise ModuleFailure(f"Path {src} is a directory", changed=False)
    raise ModuleFailure(f"Path {src} is not found", changed=False)
