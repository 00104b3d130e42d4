#!/usr/bin/python
# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep what was fetched from a MIM host in its run folder."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mim2ecma_store_export
short_description: Keep exported management agents and connectors' files in the run folder
description:
  - Runs on the controller. Unpacks the archive that was fetched from a MIM host, checks it, and keeps what is new.
  - An export whose management agent is the same as the stored one (C(ma_sha256)) leaves the stored file alone.
  - Nothing is written when anything in the archive is not as expected.
options:
  folder:
    description: Folder of the MIM host in the run folder.
    type: path
    required: true
  operation:
    description:
      - V(compare) says whether the connectors' files of the host are the ones that are kept already.
      - V(store) keeps what an archive holds.
    type: str
    choices: [compare, store]
    required: true
  extensions:
    description: Files of C(Extensions) on the host, as M(ansible.windows.win_find) lists them with SHA-256 checksums.
    type: list
    elements: dict
    required: true
  extensions_root:
    description: Path of C(Extensions) on the host.
    type: str
    required: true
  other_roots:
    description: Folders of the host whose files in O(extensions) are to be left out, since one listing served both.
    type: list
    elements: str
    default: []
  archive:
    description: The fetched archive; it holds C(ma-0.xml), C(ma-1.xml) ..., and C(Extensions) when its files were to be fetched.
    type: path
  management_agents:
    description: Names of the management agents, in the order of those files.
    type: list
    elements: str
    default: []
  prediction:
    description: Keep the exports where a check-mode run keeps them.
    type: bool
    default: false
attributes:
  check_mode: {support: none, description: Use O(prediction).}
author:
  - The mim2ecma maintainers
"""

EXAMPLES = r"""
- name: Keep what is new
  mim2ecma_store_export:
    folder: runs/lab/mim01
    archive: /tmp/export.zip
    management_agents: [HR people]
    extensions: "{{ listing.files }}"
    extensions_root: C:\Program Files\Microsoft Forefront Identity Manager\2010\Synchronization Service\Extensions
    operation: store
  delegate_to: localhost
"""

RETURN = r"""
same:
  description: Whether the connectors' files are the ones that are kept already.
  type: bool
  returned: always
exports:
  description: C(management_agent), C(folder), C(ma_sha256) and C(kept) for each export; C(kept) is true when the stored file stayed.
  type: list
  elements: dict
  returned: when operation is store
"""

import sys
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

try:
    from mim2ecma.documents.errors import Mim2EcmaError
    from mim2ecma.rollout import exports
except ImportError:
    exports = None


def main():
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "operation": {"type": "str", "required": True, "choices": ["compare", "store"]},
            "extensions": {"type": "list", "elements": "dict", "required": True},
            "extensions_root": {"type": "str", "required": True},
            "other_roots": {"type": "list", "elements": "str", "default": []},
            "archive": {"type": "path"},
            "management_agents": {"type": "list", "elements": "str", "default": []},
            "prediction": {"type": "bool", "default": False},
        },
        required_if=[("operation", "store", ["archive"])],
        supports_check_mode=False,
    )
    if exports is None:
        module.fail_json(
            msg=f"mim2ecma: not importable by {sys.executable}. Install it there or build execution-environment.yml."
        )
    folder = Path(module.params["folder"])
    try:
        listing = exports.listing(
            module.params["extensions"], module.params["extensions_root"], module.params["other_roots"]
        )
        if module.params["operation"] == "compare":
            module.exit_json(changed=False, same=exports.same_extensions(folder, listing))
        stored = exports.store(
            folder,
            Path(module.params["archive"]),
            module.params["management_agents"],
            listing,
            prediction=module.params["prediction"],
        )
    except (Mim2EcmaError, OSError) as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(changed=stored.changed, same=True, exports=[entry.to_dict() for entry in stored.exports])


if __name__ == "__main__":
    main()
