# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write documents of a run folder. library/ documents it."""

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
    "folder": {"type": "path", "required": True},
    "documents": {"type": "dict", "required": True},
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
            return {**result, **self._write(given)}
        except (Mim2EcmaError, OSError, ValueError) as problem:
            raise AnsibleActionFail(failures.told(problem)) from None

    def _write(self, given):
        folder = Path(given["folder"])
        texts = {
            folder / folders.check_relative(name, str(folder)): text
            for name, text in given["documents"].items()
        }
        for path, text in texts.items():
            if not isinstance(text, str):
                raise ValueError(
                    f"{path}: content: no text; expected that of a document. Write it with mim2ecma_document."
                )
        written = [
            path.relative_to(folder).as_posix()
            for path, text in texts.items()
            if folders.write_text(path, text, dry_run=self._task.check_mode)
        ]
        return {"changed": bool(written), "written": written}
