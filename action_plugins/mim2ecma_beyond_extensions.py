# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep what connectors need from C(Bin) and the global assembly cache. library/ documents it."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

VERSION = "0.1.0"

FOUND = None
try:
    import mim2ecma

    FOUND = mim2ecma.__version__
    from mim2ecma.documents.errors import Mim2EcmaError
    from mim2ecma.rollout import beyond_extensions, failures
except ImportError:
    # Another version may lack these modules; then its number says more than that it cannot be imported.
    FOUND = None if FOUND == VERSION else FOUND

OPTIONS = {
    "folder": {"type": "path", "required": True},
    "exports": {"type": "list", "elements": "dict", "required": True},
    "files": {"type": "list", "elements": "dict", "required": True},
    "bin_root": {"type": "str", "required": True},
    "cache_roots": {"type": "list", "elements": "str", "required": True},
    "operation": {"type": "str", "required": True, "choices": ["compare", "store"]},
    "archive": {"type": "path"},
}


class ActionModule(ActionBase):
    """Works in Ansible's own process: nothing is sent anywhere, and no interpreter is started."""

    _requires_connection = False
    _supports_check_mode = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(OPTIONS)
        if FOUND != VERSION:
            found = "not importable" if FOUND is None else f"version {FOUND}"
            raise AnsibleActionFail(
                f"mim2ecma: {found} by {sys.executable}; expected {VERSION}. "
                "Install it there or build execution-environment.yml."
            )
        try:
            return {**result, **self._keep(given)}
        except (Mim2EcmaError, OSError, ValueError) as problem:
            raise AnsibleActionFail(failures.told(problem)) from None

    def _keep(self, given):
        folder = Path(given["folder"])
        need = beyond_extensions.need(
            folder, given["exports"], given["files"], given["bin_root"], given["cache_roots"]
        )
        changed = False
        if given["operation"] == "store":
            archive = Path(given["archive"]) if given["archive"] else None
            changed = beyond_extensions.store(folder, need, archive)
        return {
            "changed": changed,
            "patterns": list(need.patterns),
            "fetch": [path for path, _ in need.fetch],
            "stale": need.stale,
        }
