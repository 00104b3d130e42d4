"""What Ansible would send for a recorded call, built by the installed ansible-core itself.

`_create_powershell_wrapper` (executor/powershell/module_manifest.py) is private to ansible-core; winlab is
bound to one minor version of it anyway, whose manifest it reads.
"""

from __future__ import annotations

import base64
import functools
import json
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from winlab.errors import WinlabError
from winlab.manifest import DELIMITER
from winlab.transcripts.format import Recorded


def _bootstrap() -> str:
    text = (
        "$codeJson = foreach ($input in $input) {}"  # what execution looks for; the whole text is never read
    )
    return f"-EncodedCommand {base64.b64encode(text.encode('utf-16-le')).decode('ascii')}"


BOOTSTRAP = _bootstrap()


def module(call: Recorded, arguments: Mapping[str, Any], environment: Mapping[str, Any]) -> bytes:
    """Standard input for a module.

    Args:
        call: the recorded call.
        arguments: with real or made-up values.
        environment: the task's environment.

    Raises:
        WinlabError: the module is not installed here.
    """
    from ansible.executor.powershell import module_manifest  # noqa: PLC0415  (Ansible takes long to import)

    _prepare_loader()
    name = str(call.call["name"])
    path = _source(name)
    given = {
        **arguments,
        "_ansible_check_mode": bool(call.call.get("check_mode")),
        "_ansible_diff": bool(call.call.get("diff_mode")),
        "_ansible_module_name": name,
        "_ansible_no_log": False,
        "_ansible_verbosity": 0,
        "_ansible_remote_tmp": "%TEMP%",
        "_ansible_tmpdir": None,
    }
    namespace, collection, short = name.split(".", 2)
    data: bytes = module_manifest._create_powershell_wrapper(
        name=f"ansible_collections.{namespace}.{collection}.plugins.modules.{short}",
        module_data=path.read_bytes(),
        module_path=str(path),
        module_args=given,
        environment={str(key): str(value) for key, value in environment.items()},
        async_timeout=0,
        become_plugin=None,
        substyle="powershell",
        task_vars={},
        profile="legacy",
    )
    become = call.call.get("become")
    return data if become is None else _with_become(data, become)


@functools.cache
def _prepare_loader() -> None:
    from ansible.plugins.loader import init_plugin_loader  # noqa: PLC0415

    package = sys.modules.get("ansible_collections")
    if package is not None and not type(package.__loader__).__module__.startswith("ansible."):
        # Imported plainly before Ansible's own finder was there: without the collections' metadata.
        for name in [name for name in sys.modules if name.partition(".")[0] == "ansible_collections"]:
            del sys.modules[name]
    with warnings.catch_warnings():
        # Whoever uses Ansible in the same process may have done it already, which is all the warning says.
        warnings.simplefilter("ignore", UserWarning)
        init_plugin_loader()


def _with_become(data: bytes, become: Mapping[str, Any]) -> bytes:
    wrapper, _, body = data.partition(DELIMITER)
    manifest = json.loads(body)
    params = {
        "BecomeUser": become["user"],
        "LogonType": become.get("logon_type") or None,
        "LogonFlags": become.get("logon_flags") or None,
    }
    manifest["actions"].insert(0, {"name": "become_wrapper.ps1", "params": params, "secure_params": {}})
    return wrapper + DELIMITER + json.dumps(manifest).encode()


def _source(name: str) -> Path:
    namespace, collection, short = name.split(".", 2)
    for entry in filter(None, sys.path):
        path = Path(entry, "ansible_collections", namespace, collection, "plugins", "modules", f"{short}.ps1")
        if path.is_file():
            return path
    raise WinlabError(f"{name}: module: not found on sys.path; expected its collection. Install it.")
