# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep what was fetched from a MIM host in its run folder. library/ documents it."""

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
    from mim2ecma.rollout import exports, failures
except ImportError:
    # Another version may lack these modules; then its number says more than that it cannot be imported.
    FOUND = None if FOUND == VERSION else FOUND

OPTIONS = {
    "folder": {"type": "path", "required": True},
    "operation": {"type": "str", "required": True, "choices": ["compare", "store"]},
    "extensions": {"type": "list", "elements": "dict", "required": True},
    "extensions_root": {"type": "str", "required": True},
    "other_roots": {"type": "list", "elements": "str", "default": []},
    "archive": {"type": "path"},
    "management_agents": {"type": "list", "elements": "str", "default": []},
    "prediction": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Works in Ansible's own process: nothing is sent anywhere, and no interpreter is started."""

    _requires_connection = False
    _supports_check_mode = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(OPTIONS, required_if=[("operation", "store", ["archive"])])
        if FOUND != VERSION:
            found = "not importable" if FOUND is None else f"version {FOUND}"
            raise AnsibleActionFail(
                f"mim2ecma: {found} by {sys.executable}; expected {VERSION}. "
                "Install it there or build execution-environment.yml."
            )
        try:
            return {**result, **self._keep(given)}
        except (Mim2EcmaError, OSError) as problem:
            raise AnsibleActionFail(failures.told(problem)) from None

    def _keep(self, given):
        folder = Path(given["folder"])
        listing = exports.listing(given["extensions"], given["extensions_root"], given["other_roots"])
        if given["operation"] == "compare":
            return {"changed": False, "same": exports.same_extensions(folder, listing)}
        stored = exports.store(
            folder,
            Path(given["archive"]),
            given["management_agents"],
            listing,
            prediction=given["prediction"],
        )
        kept = [entry.to_dict() for entry in stored.exports]
        return {"changed": stored.changed, "same": True, "exports": kept}
