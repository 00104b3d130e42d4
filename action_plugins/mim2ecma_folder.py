# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make a folder on the controller hold exactly the given files. library/ documents it."""

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
    from mim2ecma.rollout import failures, folders
except ImportError:
    # Another version may lack these modules; then its number says more than that it cannot be imported.
    FOUND = None if FOUND == VERSION else FOUND

OPTIONS = {
    "path": {"type": "path", "required": True},
    "files": {"type": "dict", "required": True},
    "checksums": {"type": "path"},
}


class ActionModule(ActionBase):
    """Works in Ansible's own process: nothing is sent anywhere, and no interpreter is started."""

    _requires_connection = False
    _supports_check_mode = True

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
            return {**result, **self._synchronise(given)}
        except (Mim2EcmaError, OSError, ValueError) as problem:
            raise AnsibleActionFail(failures.told(problem)) from None

    def _synchronise(self, given):
        folder = Path(given["path"])
        files = {name: Path(source) for name, source in given["files"].items()}
        changes = folders.synchronise(folder, files, dry_run=self._task.check_mode)
        changed = bool(changes)
        if given["checksums"] and not self._task.check_mode:
            sums = Path(given["checksums"])
            prefix = folder.relative_to(sums.parent).as_posix()
            text = folders.checksums(sums.parent, [f"{prefix}/{name}" for name in files])
            changed = folders.write_text(sums, text) or changed
        return {
            "changed": changed,
            "written": list(changes.written),
            "removed": list(changes.removed),
            "diff": {"before": "\n".join(changes.removed), "after": "\n".join(changes.written)},
        }
