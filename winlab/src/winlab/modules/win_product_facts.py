"""win_product_facts.ps1 of ansible.windows 3.3.0."""

from __future__ import annotations

from typing import Any

from winlab.modules import Call, twin
from winlab.modules._facts import VERSION_KEY


@twin("ansible.windows.win_product_facts")
def win_product_facts(call: Call) -> dict[str, Any]:
    """Licence facts. A simulated host has no product key and no licence: only the product id can be there."""
    value = call.host.registry.get(VERSION_KEY, "ProductId")
    return {
        "ansible_facts": {
            "ansible_os_product_id": None if value is None else str(value.data),
            "ansible_os_product_key": None,
            "ansible_os_license_edition": None,
            "ansible_os_license_channel": None,
            "ansible_os_license_status": None,
        }
    }
