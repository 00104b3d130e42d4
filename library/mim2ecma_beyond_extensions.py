#!/usr/bin/python
# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mim2ecma_beyond_extensions
short_description: Keep what connectors need from Bin and the global assembly cache of their MIM host
description:
  - Runs on the controller. Walks the references of the exported connectors over what was fetched, and says which files of the
    host's listing belong beside it.
  - Keeps exactly those files. A reference that C(Extensions) settles leads to none.
options:
  folder:
    description: Folder of the MIM host in the run folder.
    type: path
    required: true
  exports:
    description: C(management_agent) and C(folder) of each export, as M(mim2ecma_store_export) returns them.
    type: list
    elements: dict
    required: true
  files:
    description:
      - Files of C(Bin) and, once O(look_further) was followed, of the assembly cache, as M(ansible.windows.win_find) lists them
        with SHA-256 checksums.
    type: list
    elements: dict
    required: true
  bin_root:
    description: Path of C(Bin) on the host.
    type: str
    required: true
  cache_roots:
    description: Paths of the roots of the global assembly cache on the host, the one of CLR 4 first.
    type: list
    elements: str
    required: true
  operation:
    description:
      - V(compare) says what to look for and what to fetch.
      - V(store) keeps what an archive holds, and removes what is not needed any more.
    type: str
    choices: [compare, store]
    required: true
  archive:
    description: The fetched archive; it holds each file of RV(fetch) in a folder of its number. Left out where nothing is to be fetched.
    type: path
attributes:
  check_mode: {support: none, description: It writes to the run folder alone.}
author:
  - The mim2ecma maintainers
"""

EXAMPLES = r"""
- name: Ask what else the connectors need
  mim2ecma_beyond_extensions:
    folder: runs/lab/mim01
    exports: "{{ stored.exports }}"
    files: "{{ listing.files }}"
    bin_root: C:\Program Files\Microsoft Forefront Identity Manager\2010\Synchronization Service\Bin
    cache_roots: ['C:\Windows\Microsoft.NET\assembly', 'C:\Windows\assembly']
    operation: compare
  delegate_to: localhost
"""

RETURN = r"""
patterns:
  description: Regular expressions of the names to look for in the assembly cache.
  type: list
  elements: str
  returned: always
fetch:
  description: Paths on the host of the files that are needed and not kept yet; their order is that of the numbers in the archive.
  type: list
  elements: str
  returned: always
stale:
  description: Whether something is kept that is not needed any more.
  type: bool
  returned: always
"""
