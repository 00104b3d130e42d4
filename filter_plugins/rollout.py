# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters around closures, plans, run folders and failures. Each has a sidecar that documents it."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible.errors import AnsibleFilterError

VERSION = "0.1.0"

FOUND = None
try:
    import mim2ecma

    FOUND = mim2ecma.__version__
    from mim2ecma.assemblies import request as assemblies
    from mim2ecma.documents.errors import Mim2EcmaError
    from mim2ecma.documents.schemas import dumps
    from mim2ecma.rollout import (
        beyond_extensions,
        connector_version,
        failures,
        host_programs,
        run_folder,
        staged_files,
        staging_changes,
        windows_installer,
    )
    from mim2ecma.staging import request as staging
except ImportError:
    # Another version may lack these modules; then its number says more than that it cannot be imported.
    FOUND = None if FOUND == VERSION else FOUND


def guarded(function):
    """Let a filter say what is missing, and map errors of the package to Ansible's."""

    def run(*args, **kwargs):
        if FOUND != VERSION:
            found = "not importable" if FOUND is None else f"version {FOUND}"
            raise AnsibleFilterError(
                f"mim2ecma: {found} by {sys.executable}; expected {VERSION}. "
                "Install it there or build execution-environment.yml."
            )
        try:
            return function(*args, **kwargs)
        except (Mim2EcmaError, OSError) as problem:
            raise AnsibleFilterError(failures.told(problem)) from None  # Ansible would repeat each cause

    return run


def finding_text(finding):
    return "{id} {severity}: {where}: {found}; expected {expected}. {next_step}".format_map(finding)


def find_run_folder(host_folder, management_agent, prediction=False):
    return run_folder.find(Path(host_folder), management_agent, prediction=prediction).to_dict()


def stored_plans(migrations, inventory_folder, host, prediction=False):
    return run_folder.plans(Path(inventory_folder), migrations, host, prediction=prediction)


class FilterModule:
    """Registers the filters, whether or not the package is there."""

    def filters(self):
        filters = {
            "finding_text": finding_text,
            "run_folder": find_run_folder,
            "stored_plans": stored_plans,
            "msi_arguments": lambda *args: windows_installer.arguments(*args),
            "msi_advice": lambda *args: windows_installer.advice(*args),
            "mim2ecma_document": lambda content, document: dumps(document, content),
            "staging_changes": lambda *args: staging_changes.changes(*args),
            "staging_differences": lambda *args: staging_changes.differences(*args),
            "staged_manifest": lambda *args: staged_files.finished(*args),
            "staged_swap": lambda *args: staged_files.begun(*args),
            "staged_state": lambda *args: staged_files.read(*args),
            "refusal_text": lambda *args: staging_changes.refusal(*args),
            "payload_folders": lambda *args: staging_changes.payload_folders(*args),
            "target_folders": lambda *args: staging_changes.target_folders(*args),
            "planned_among": lambda *args: staging_changes.planned_among(*args),
            "vendor_files": lambda *args: staging_changes.vendor_files(*args),
            "files_below": lambda *args: staging_changes.below(*args),
            "host_configurations": lambda listing, ecma_folder, kept: host_programs.configurations(
                listing, ecma_folder, Path(kept)
            ),
            "described_host": lambda *args: host_programs.describe(*args),
            "failure_text": lambda *args: failures.failure_text(*args),
            "service_folder": lambda *args: staging_changes.service_folder(*args),
            "assembly_closure": lambda connector, **options: assemblies.closure_document(
                connector, **options
            ),
            "closure_drawing": lambda closure: assemblies.drawing(closure),
            "staging_plan": lambda inspection, closure, inventory, **options: staging.plan_document(
                inspection, closure, inventory, **options
            ),
            "ma_with_connector": lambda inspection, closure, accept=None: connector_version.with_connector(
                inspection, closure, accept
            ),
            "fetched_folders": lambda host_folder: beyond_extensions.fetched(Path(host_folder)).to_dict(),
            "closure_files": lambda *args: staging_changes.closure_files(*args),
        }
        return {name: guarded(function) for name, function in filters.items()}
