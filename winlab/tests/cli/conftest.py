"""A lab definition with hosts that a function of ours builds, in a fresh state folder."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from winlab import cli, control

TEMPLATE = """
from winlab.host.services import Service

def build(host, entry, secrets, base):
    host.accounts.update_user("Administrator", disabled=False)
    host.accounts.set_password("Administrator", secrets[entry["administrator"]["password"]])
    host.files.write_bytes(r"C:\\\\fresh.txt", b"made at " + str(base).encode())
    host.services.create(Service(name="Spooler", display_name="Print Spooler", image_path=r"C:\\\\s.exe"))
"""
HOST: dict[str, Any] = {
    "template": "lab_template_of_the_tests:build",
    "administrator": {"name": "Administrator", "password": "administrator_password"},
}
DEFINITION: dict[str, Any] = {"secrets": ["administrator_password"], "hosts": {"win01": HOST, "win02": HOST}}


class Lab:
    """Runs the command in a state folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.state = folder / "state"
        self.definition = folder / "lab.yml"
        self._capsys = capsys
        self.define(DEFINITION)

    def define(self, content: Any) -> None:
        self.definition.write_text(content if isinstance(content, str) else yaml.safe_dump(content))

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and errors of `winlab --state ... ARGUMENTS`."""
        self._capsys.readouterr()
        code = cli.main(["--state", str(self.state), *arguments])
        out, err = self._capsys.readouterr()
        return code, out, err

    def up(self, *arguments: str) -> tuple[int, str, str]:
        return self.run("up", "--definition", str(self.definition), *arguments)

    def pid(self) -> int:
        return int(control.call(self.state, "status")["pid"])

    def kill(self) -> None:
        """End the process without a word of warning, and wait until the system has taken its sockets."""
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


@pytest.fixture
def make_lab(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Lab]]:
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "lab_template_of_the_tests.py").write_text(TEMPLATE)
    monkeypatch.setenv("PYTHONPATH", str(modules))
    monkeypatch.delenv("WINLAB_STATE", raising=False)
    made: list[Lab] = []

    def make(name: str) -> Lab:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Lab(folder, capsys))
        return made[-1]

    yield make
    for lab in made:
        lab.run("down")


@pytest.fixture
def lab(make_lab: Callable[[str], Lab]) -> Lab:
    return make_lab("lab")
