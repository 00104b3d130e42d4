"""Twin of ansible.windows.win_certificate_info 3.3.0 (plugins/modules/win_certificate_info.ps1)."""

from __future__ import annotations

import re
from typing import Any

from winlab.errors import NotModelled
from winlab.host import certificate_store
from winlab.modules import Call, twin
from winlab.modules._certificates import describe, matching

_STORE_NAME = re.compile(r"[\w .\-]+")


@twin("ansible.windows.win_certificate_info")
def win_certificate_info(call: Call) -> dict[str, Any]:
    """List the certificates of a store, or the one with a thumbprint (lines 86-115).

    The store is opened without OpenExistingOnly (line 93), so one that does not exist is an empty one.
    PowerShell calls the constructor that takes the name as text (line 92), so `CertificateAuthority`, a
    member of StoreName, is no name of the store `CA` here. Anybody may read: Users may read the stores' keys.
    """
    name = str(call.params["store_name"])
    if not _STORE_NAME.fullmatch(name):
        raise NotModelled(f"certificate store {name}", "A store is a name without signs; no physical stores.")
    root = certificate_store.STORES_KEY
    if call.params["store_location"] == "CurrentUser":
        root = certificate_store.user_root(call.host, call.session)
    found = certificate_store.opened(call.host, name, root)
    if call.params["thumbprint"] is not None:
        found = matching(found, call.params["thumbprint"])
    described = sorted((describe(item) for item in found), key=lambda item: str(item["thumbprint"]))
    return {"exists": bool(found), "certificates": described}
