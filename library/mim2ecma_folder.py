#!/usr/bin/python
# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of this name."""

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
