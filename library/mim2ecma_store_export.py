#!/usr/bin/python
# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of this name."""

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
