# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the record of a run, and says what to do about a host that cannot be reached."""

from __future__ import annotations

DOCUMENTATION = """
name: mim2ecma_record
type: aggregate
short_description: Write the record of each run beside what it was about
description:
  - Collects what the phases did to which host, and writes C(record.json) and one file in C(records/) for each ECMA host
    of each management agent, when the run ends.
  - A run that ends before a management agent is known writes its record to C(records/) of the inventory's folder.
  - Never counts as a change.
options:
  ticket:
    description: Number of the change that this run belongs to.
    env:
      - name: MIM2ECMA_TICKET
    ini:
      - section: mim2ecma
        key: ticket
"""

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

from ansible import context
from ansible.errors import AnsibleError
from ansible.plugins.callback import CallbackBase
from ansible.template import Templar

try:
    from mim2ecma.documents.errors import Mim2EcmaError
    from mim2ecma.rollout import connection, failures, record
except ImportError as problem:
    IMPORT_PROBLEM = problem
else:
    IMPORT_PROBLEM = None

PHASES = ("preflight", "prepare", "export", "assess", "stage", "verify", "rollback", "status", "cleanup")
GATHERS_FACTS = {"ansible.builtin.setup", "ansible.builtin.gather_facts", "setup", "gather_facts"}
REFUSALS = {
    "Check that the ECMA Connector Host can take it",
    "Check that nothing is missing",
    "Check that each management agent is ready",
    "Check that its libraries will bind on this host",
    "Check that nothing in the plans is refused",
}
"""Tasks of roles that judge; a test holds the names together."""


def now() -> str:
    """UTC in ISO 8601, to the second."""
    return datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _narrowed(arguments) -> bool:
    """Whether the command line leaves hosts or tasks out."""
    return bool(
        arguments.get("subset")
        or set(arguments.get("tags") or ("all",)) != {"all"}
        or arguments.get("skip_tags")
        or arguments.get("start_at_task")
    )


class CallbackModule(CallbackBase):
    """Collects counts of each phase and writes the record at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "mim2ecma_record"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.disabled = IMPORT_PROBLEM is not None
        self._phase = "preflight"
        self._play = None
        self._unreachable = set()
        if not self.disabled:
            self._run = record.Run(
                run_id=os.environ.get("MIM2ECMA_RUN_ID") or uuid.uuid4().hex[:12],
                started=now(),
                check_mode=bool(context.CLIARGS.get("check", False)),
                narrowed=_narrowed(context.CLIARGS),
            )

    def set_options(self, task_keys=None, var_options=None, direct=None):
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        if not self.disabled:
            self._run.ticket = self.get_option("ticket") or None

    def v2_playbook_on_play_start(self, play):
        self._play = play
        name = play.get_name().split()[0].lower() if play.get_name() else ""
        self._phase = name if name in PHASES else self._phase
        self._run.phase(self._phase)

    def v2_runner_on_ok(self, result):
        phase = self._run.phase(self._phase)
        phase.tasks += 1
        phase.changed += bool(result._result.get("changed"))
        if result._task.resolved_action in GATHERS_FACTS:
            self._run.learn(result._host.get_name(), result._result.get("ansible_facts", {}))

    def v2_runner_on_failed(self, result, ignore_errors=False):
        phase = self._run.phase(self._phase)
        phase.tasks += 1
        if not ignore_errors:
            phase.failed += 1
            self._run.refused |= result._task.get_name().split(" : ")[-1] in REFUSALS
            self._explain_broken_connection(result)

    def v2_runner_on_unreachable(self, result):
        phase = self._run.phase(self._phase)
        phase.tasks += 1
        phase.failed += 1
        host = result._host.get_name()
        if host in self._unreachable:
            return
        self._unreachable.add(host)
        variables = self._connection_variables(result._host)
        self._display.error(
            connection.advice(
                str(result._result.get("msg", "")),
                host,
                variables,
            ),
            wrap_text=False,
        )

    def v2_playbook_on_stats(self, stats):
        custom = stats.custom.get("_run", {})
        folders = custom.get("mim2ecma_record") or {}
        root = Path(custom["mim2ecma_root"]) if custom.get("mim2ecma_root") else None
        if root is None:
            return
        self._run.inventory = root.name
        self._run.accepted = {
            str(rule): str(why) for rule, why in (custom.get("mim2ecma_accepted") or {}).items()
        }
        finished = now()
        try:
            if not folders:
                paths = [record.write_unplaced(self._run, root, finished)]
            else:
                paths = [
                    record.write(self._run, Path(folder), set(about.values()), finished)
                    for folder, about in sorted(folders.items())
                ]
        except (Mim2EcmaError, OSError) as problem:
            self._display.error(f"record: {failures.told(problem)}", wrap_text=False)
        else:
            for path in paths:
                self._display.display(f"record: {path}")

    def _explain_broken_connection(self, result):
        host = result._host.get_name()
        task = result._task.get_name().split(" : ")[-1]
        text = connection.broken(str(result._result.get("msg", "")), host, task)
        if text and host not in self._unreachable:
            self._unreachable.add(host)
            self._display.error(text, wrap_text=False)

    def _connection_variables(self, host):
        """What the inventory says of the way to a host, as far as it can be resolved."""
        manager = self._play.get_variable_manager()
        variables = manager.get_vars(play=self._play, host=host)
        templar = Templar(loader=manager._loader, variables=variables)

        def value(name):
            try:
                return str(templar.template(variables.get(name, "")))
            except AnsibleError:
                return ""  # an inventory that cannot be resolved has its own error

        psrp = value("ansible_connection") == "psrp"
        return {
            "address": value("ansible_host"),
            "port": value("ansible_port"),
            "user": value("ansible_user"),
            "transport": value("ansible_psrp_auth" if psrp else "ansible_winrm_transport"),
        }
