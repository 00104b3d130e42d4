"""Fixtures for pytest: simulated Windows hosts for the tests of any project.

`winlab_lab` is a running lab, `winlab_inventory` the path of an Ansible inventory of its hosts. The lab is
what the file `winlab.yml` beside the project's pytest configuration says (`winlab_definition` names another
one); without a file it is one bare server `win01`. It lives in a temporary folder and ends with the session.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DEFINITION_OPTION = "winlab_definition"
DEFAULT_DEFINITION = "winlab.yml"
# A lab for who has not defined one.
BARE_SERVER = """\
secrets: [administrator_password]
hosts:
  win01:
    template: windows-server-2016
    administrator: {name: Administrator, password: administrator_password}
"""


@dataclass(frozen=True)
class RunningLab:
    """A lab that is up.

    Attributes:
        state: its state folder.
        inventory: an Ansible inventory of its hosts (group `windows`); it holds their passwords.
    """

    state: Path
    inventory: Path

    @property
    def hosts(self) -> Mapping[str, Mapping[str, Any]]:
        """Address and ports by host."""
        from winlab import control  # noqa: PLC0415  (a plugin is imported by every pytest run)

        hosts: Mapping[str, Mapping[str, Any]] = control.call(self.state, "status")["hosts"]
        return hosts

    def show(self, host: str) -> dict[str, Any]:
        """A host's state without secrets, as `winlab show HOST --json` prints it.

        Raises:
            WinlabError: no such host.
        """
        from winlab import control  # noqa: PLC0415  (as above)

        return dict(control.call(self.state, "state", host=host)["state"])

    def snapshot(self, name: str) -> None:
        """Keep the state of all hosts under a name."""
        from winlab import control  # noqa: PLC0415  (as above)

        control.call(self.state, "snapshot", name=name)

    def reset(self, name: str | None = None) -> None:
        """Make the hosts bare again, or as a snapshot has them."""
        from winlab import control  # noqa: PLC0415  (as above)

        control.call(self.state, "reset", name=name)

    def run_wizard(self, host: str, answers: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """Run the ECMA host's wizard as an operator; options are those of `winlab.operators.perform`."""
        from winlab import control  # noqa: PLC0415  (as above)

        request = {"host": host, "action": "run-wizard", "answers": dict(answers), **options}
        return dict(control.call(self.state, "operator", **request)["result"])

    def playbook(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the `ansible-playbook` of this Python on the hosts; output and exit code are the test's."""
        program = Path(sys.executable).with_name("ansible-playbook")
        return subprocess.run(  # noqa: S603  (the arguments are the test's own)
            [str(program), "-i", str(self.inventory), *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            # Loopback addresses must not go through a proxy; Ansible's own files stay out of the home folder.
            env={
                **os.environ,
                "NO_PROXY": "127.0.0.0/8,localhost",
                "ANSIBLE_HOME": str(self.state / "ansible"),
                "ANSIBLE_NOCOLOR": "1",
            },
            check=False,
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say where the lab is defined."""
    parser.addini(
        DEFINITION_OPTION, "lab definition for winlab, relative to the configuration file", type="string"
    )


@pytest.fixture(scope="session")
def winlab_lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLab]:
    """A lab that is up for the whole session; `reset()` makes its hosts bare again."""
    from winlab import daemon, inventory, lab  # noqa: PLC0415  (a plugin is imported by every pytest run)

    folder = lab.StateFolder(tmp_path_factory.mktemp("winlab") / "state")
    daemon.start(folder, _definition(request.config, folder.path.parent), parent=os.getpid())
    try:
        hosts = folder.path / "inventory.yml"
        inventory.write(folder, hosts)
        yield RunningLab(folder.path, hosts)
    finally:
        daemon.stop(folder)


@pytest.fixture(scope="session")
def winlab_inventory(winlab_lab: RunningLab) -> Path:
    """An Ansible inventory of the lab's hosts, group `windows`."""
    return winlab_lab.inventory


def _definition(config: pytest.Config, folder: Path) -> Path:
    named = str(config.getini(DEFINITION_OPTION) or "")
    base = config.inipath.parent if config.inipath else config.rootpath
    path = base / (named or DEFAULT_DEFINITION)
    if named or path.exists():
        return path
    bare = folder / DEFAULT_DEFINITION
    bare.write_text(BARE_SERVER, encoding="utf-8")
    return bare
