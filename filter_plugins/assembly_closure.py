# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filters `assembly_closure` and `closure_drawing`; assembly_closure.yml and closure_drawing.yml document them."""

from __future__ import annotations

import sys

from ansible.errors import AnsibleFilterError

VERSION = "0.1.0"

FOUND = None
try:
    import mim2ecma

    FOUND = mim2ecma.__version__
    from mim2ecma.assemblies import request
    from mim2ecma.documents.errors import Mim2EcmaError
except ImportError:
    # Another version may lack these modules; then its number says more than that it cannot be imported.
    FOUND = None if FOUND == VERSION else FOUND


def guarded(function):
    def run(*args, **kwargs):
        if FOUND != VERSION:
            found = "not importable" if FOUND is None else f"version {FOUND}"
            raise AnsibleFilterError(
                f"mim2ecma: {found} by {sys.executable}; expected {VERSION}. "
                "Install it there or build execution-environment.yml."
            )
        try:
            return function(*args, **kwargs)
        except Mim2EcmaError as problem:
            raise AnsibleFilterError(str(problem)) from None  # Ansible would repeat the text of each cause

    return run


class FilterModule:
    """Registers the filters, whether or not the package is there."""

    def filters(self):
        filters = {
            "assembly_closure": lambda connector, **options: request.closure_document(connector, **options),
            "closure_drawing": lambda closure: request.drawing(closure),
        }
        return {name: guarded(function) for name, function in filters.items()}
