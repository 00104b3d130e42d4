#!/usr/bin/python
# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make a folder on the controller hold exactly the given files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mim2ecma_folder
short_description: Make a folder on the controller hold exactly the given files
description:
  - Copies what differs and removes what is not listed. Runs on the controller.
options:
  path:
    description: The folder. Its parents are made with mode 0700.
    type: path
    required: true
  files:
    description: Relative path below the folder to the file that belongs there.
    type: dict
    required: true
  checksums:
    description: A C(SHA256SUMS) file to write; its names are relative to its own folder.
    type: path
attributes:
  check_mode: {support: full, description: Says what would be done.}
  diff_mode: {support: full, description: Lists names.}
author:
  - The mim2ecma maintainers
"""

EXAMPLES = r"""
- name: Keep export and files together
  mim2ecma_folder:
    path: runs/lab/mim01/hr-44d74a23/export
    files:
      hr.xml: runs/lab/mim01/hr-44d74a23/export/hr.xml
      Extensions/Hr.dll: runs/lab/mim01/Extensions/Hr.dll
    checksums: runs/lab/mim01/hr-44d74a23/SHA256SUMS
  delegate_to: localhost
"""

RETURN = r"""
written:
  description: Files that were, or would be, written.
  type: list
  elements: str
  returned: always
removed:
  description: Files that were, or would be, removed.
  type: list
  elements: str
  returned: always
"""

import sys
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

try:
    from mim2ecma.documents.errors import Mim2EcmaError
    from mim2ecma.rollout import folders
except ImportError:
    folders = None


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "files": {"type": "dict", "required": True},
            "checksums": {"type": "path"},
        },
        supports_check_mode=True,
    )
    if folders is None:
        module.fail_json(
            msg=f"mim2ecma: not importable by {sys.executable}. Install it there or build execution-environment.yml."
        )
    folder = Path(module.params["path"])
    try:
        changes = folders.synchronise(
            folder,
            {name: Path(source) for name, source in module.params["files"].items()},
            dry_run=module.check_mode,
        )
        changed = bool(changes)
        if module.params["checksums"] and not module.check_mode:
            sums = Path(module.params["checksums"])
            prefix = folder.relative_to(sums.parent).as_posix()
            text = folders.checksums(sums.parent, [f"{prefix}/{name}" for name in module.params["files"]])
            changed = folders.write_text(sums, text) or changed
    except (Mim2EcmaError, OSError, ValueError) as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(
        changed=changed,
        written=list(changes.written),
        removed=list(changes.removed),
        diff={"before": "\n".join(changes.removed), "after": "\n".join(changes.written)},
    )


if __name__ == "__main__":
    main()
