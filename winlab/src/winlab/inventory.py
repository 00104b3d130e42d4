"""An Ansible inventory of a lab's hosts, for projects that have none of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from winlab import lab
from winlab.errors import WinlabError
from winlab.lab import StateFolder

GROUP = "windows"


def document(folder: StateFolder) -> dict[str, Any]:
    """The inventory as data: group `windows` with every host and what a WinRM connection needs.

    Args:
        folder: the state folder of a lab that has been up.

    Raises:
        WinlabError: there are no endpoints, or a definition or a secret is gone.
    """
    endpoints = folder.read_endpoints()
    if not isinstance(endpoints.get("hosts"), dict) or not {"definition", "ca"} <= endpoints.keys():
        raise WinlabError(f"{folder.path}: inventory: no endpoints; expected a lab. Run `winlab up`.")
    secrets = lab.read_secrets(folder)
    definition = lab.load_definition(Path(str(endpoints["definition"])))
    hosts = {
        name: _variables(name, endpoint, definition.hosts.get(name) or {}, secrets)
        for name, endpoint in sorted(endpoints["hosts"].items())
    }
    common = {
        "ansible_connection": "winrm",
        "ansible_winrm_server_cert_validation": "validate",
        "ansible_winrm_ca_trust_path": str(endpoints["ca"]),
    }
    return {"all": {"children": {GROUP: {"hosts": hosts, "vars": common}}}}


def write(folder: StateFolder, path: Path) -> None:
    """Write the inventory, mode 0600: it holds the hosts' passwords.

    Raises:
        WinlabError: as `document`, or the file cannot be written.
    """
    text = yaml.safe_dump(document(folder), sort_keys=True)
    if path.is_dir():
        raise WinlabError(f"{path}: inventory: a folder; expected the name of a file. Name one in it.")
    try:
        lab.write_private(path, text.encode())
    except OSError as error:
        raise WinlabError(
            f"{path}: inventory: {error.strerror}; expected to write it. Choose another path."
        ) from error


def _variables(
    name: str, endpoint: dict[str, Any], entry: dict[str, Any], secrets: dict[str, str]
) -> dict[str, Any]:
    administrator = entry.get("administrator") or {}
    secret = str(administrator.get("password", ""))
    if secret not in secrets:
        raise WinlabError(
            f"{name}: inventory: no password of its administrator; expected a secret of the lab. "
            "Run `winlab down` and `winlab up`."
        )
    secure = endpoint.get("https_port")
    return {
        "ansible_host": endpoint["address"],
        "ansible_port": secure or endpoint["http_port"],
        "ansible_winrm_scheme": "https" if secure else "http",
        "ansible_winrm_transport": "ntlm",
        "ansible_user": str(administrator.get("name", "Administrator")),
        "ansible_password": secrets[secret],
    }
