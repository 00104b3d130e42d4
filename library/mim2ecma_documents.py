#!/usr/bin/python
# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mim2ecma_documents
short_description: Write documents of a run folder
description:
  - Writes each document whole or not at all, and only when its text differs. Runs on the controller.
options:
  folder:
    description: The folder. It and its parents are made with mode 0700 when they are missing.
    type: path
    required: true
  documents:
    description: File name to the text of the document; files get mode 0600.
    type: dict
    required: true
attributes:
  check_mode: {support: full, description: Says what would be written.}
  diff_mode: {support: none, description: Documents are long; RV(written) names them.}
author:
  - The mim2ecma maintainers
"""

EXAMPLES = r"""
- name: Write closure and plan
  mim2ecma_documents:
    folder: runs/lab/mim01/hr-44d74a23/to/ecma01
    documents:
      closure.json: "{{ closure | mim2ecma_document('closure') }}"
      plan.json: "{{ plan | mim2ecma_document('plan') }}"
  delegate_to: localhost
"""

RETURN = r"""
written:
  description: Names of the documents that were, or would be, written.
  type: list
  elements: str
  returned: always
"""
