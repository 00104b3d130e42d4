# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Claim a host for this run. library/ documents it."""

from __future__ import annotations

import os
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
    from mim2ecma.rollout import claims, failures
except ImportError:
    # Another version may lack these modules; then its number says more than that it cannot be imported.
    FOUND = None if FOUND == VERSION else FOUND

OPTIONS = {
    "folder": {"type": "path", "required": True},
    "host": {"type": "str", "required": True},
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
            # Each task has a process of its own; the one above it is the run.
            claims.claim(Path(given["folder"]), given["host"], os.getppid())
        except (Mim2EcmaError, OSError) as problem:
            raise AnsibleActionFail(failures.told(problem)) from None
        return {**result, "changed": False}
