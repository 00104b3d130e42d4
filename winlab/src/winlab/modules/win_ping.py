"""win_ping.ps1 of ansible.windows 3.3.0."""

from __future__ import annotations

from typing import Any

from winlab.errors import Win32Error
from winlab.modules import Call, twin
from winlab.modules._dotnet import DotNetError

ERROR_GEN_FAILURE = 31


@twin("ansible.windows.win_ping")
def win_ping(call: Call) -> dict[str, Any]:
    """`data` back, or an unhandled exception for `crash` (lines 15-19).

    Raises:
        Win32Error: `data` is `crash`.
    """
    data = call.params["data"]
    if str(data).lower() == "crash":
        error: Win32Error = DotNetError(ERROR_GEN_FAILURE, "", "boom")
        raise error
    return {"ping": data}
