#!/usr/bin/python
# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mim2ecma_claim
short_description: Claim a host for this run
description:
  - Runs on the controller. Fails where another run of this controller, with the same run folders, still works on the host.
  - A claim ends with the run, however that ends. It is kept in C(.claims) of the inventory's folder.
  - Fails as well where the run folders cannot be written.
options:
  folder:
    description: The inventory's folder in the run folders. It and its parents are made with mode 0700 when they are missing.
    type: path
    required: true
  host:
    description: Inventory name of the host.
    type: str
    required: true
attributes:
  check_mode: {support: none, description: It writes to the run folders alone.}
author:
  - The mim2ecma maintainers
"""

EXAMPLES = r"""
- name: Claim the host
  mim2ecma_claim:
    folder: runs/lab
    host: "{{ inventory_hostname }}"
  delegate_to: localhost
"""

RETURN = r"""
"""
