"""Simulated hosts of this test run's own, and the real ansible-playbook against them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from winlab import control

ROOT = Path(__file__).resolve().parents[2]
BINARIES = Path(sys.executable).parent
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.M)
TIMEOUT = 600
"""Seconds; ends a hanging playbook, no test measures by it."""


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.lab)


@dataclass
class Result:
    code: int
    output: str

    @property
    def recap(self):
        return {
            host: {"ok": int(ok), "changed": int(changed), "unreachable": int(away), "failed": int(failed)}
            for host, ok, changed, away, failed in RECAP.findall(self.output)
        }

    @property
    def changed(self):
        return {host: counts["changed"] for host, counts in self.recap.items()}

    @property
    def flat(self):
        """The output on one line, since the terminal's width breaks sentences."""
        return re.sub(r"\s+", " ", self.output)


def _files(node, path):
    for child in node.get("c", []):
        inner = f"{path}\\{child['n']}".lower()
        if "b" in child:
            yield inner, child["b"]
        yield from _files(child, inner)


def _all_files(state):
    return {
        path: digest
        for volume in state["files"]["volumes"]
        for path, digest in _files(volume, volume["n"].rstrip("\\"))
    }


@dataclass
class Lab:
    folder: Path
    definition: Path = ROOT / "inventories" / "lab" / "winlab.yml"
    extra: dict = field(default_factory=dict)

    @property
    def state(self):
        return self.folder / "winlab"

    @property
    def runs(self):
        return self.folder / "runs"

    @property
    def environment(self):
        return {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_FORCE_COLOR": "0",
            "COLUMNS": "400",
            "NO_PROXY": "127.0.0.1,localhost",
            "WINLAB_STATE": str(self.state),
            "WINLAB_DEFINITION": str(self.definition),
        }

    def winlab(self, *arguments, check=True):
        done = subprocess.run(
            [str(BINARIES / "winlab"), *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def up(self):
        self.winlab("up", "--parent", str(os.getpid()))

    def down(self):
        self.winlab("down", check=False)

    def show(self, host):
        """What `winlab show HOST --json` prints, without the start of a process."""
        return control.call(self.state, "state", host=host)["state"]

    def snapshot(self, name):
        control.call(self.state, "snapshot", name=name)

    def reset(self, name):
        control.call(self.state, "reset", name=name)

    def keep(self, name):
        """Keep hosts and run folders under a name."""
        self.snapshot(name)
        kept = self.folder / f"runs-{name}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.runs, kept)

    def back_to(self, name):
        """Make hosts and run folders again what was kept under a name."""
        self.reset(name)
        shutil.rmtree(self.runs, ignore_errors=True)
        shutil.copytree(self.folder / f"runs-{name}", self.runs)

    def edit(self, host, change):
        """Change the saved state of a host while the lab is down."""
        self.down()
        path = self.state / "hosts" / host / "state.json"
        state = json.loads(path.read_text())
        change(state)
        path.write_text(json.dumps(state))
        self.up()

    def files(self, host):
        """Every file of a host: path in lower case to SHA-256."""
        return _all_files(self.show(host))

    def lasting(self, host):
        """The state of a host, without what every logon leaves: times, counters, temporary files."""
        state = self.show(host)
        return {
            "files": {path: digest for path, digest in _all_files(state).items() if "\\temp\\" not in path},
            "registry": state["registry"],
            "groups": state["accounts"]["groups"],
            "users": sorted(user["name"] for user in state["accounts"]["users"]),
            "rights": state["accounts"]["rights"],
            "packages": state["packages"],
            "services": [
                {key: service[key] for key in ("name", "account", "start_mode", "state", "image_path")}
                for service in state["services"]["services"]
            ],
        }

    def play(self, playbook, *arguments, variables=None, environment=None, inventory="inventories/lab"):
        extra = {"mim2ecma_runs_dir": str(self.runs), **(variables or {})}
        done = subprocess.run(
            [
                str(BINARIES / "ansible-playbook"),
                "-i",
                str(inventory),
                playbook,
                "-e",
                json.dumps(extra),
                *arguments,
            ],
            env={**self.environment, **(environment or {})},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
        result = Result(done.returncode, done.stdout)
        assert "Traceback" not in result.output, result.output
        return result

    def adhoc(self, host, module, arguments="", *options):
        """Change something on a host as its administrator would, over WinRM."""
        done = subprocess.run(
            [
                str(BINARIES / "ansible"),
                "-i",
                "inventories/lab",
                host,
                "-m",
                module,
                "-a",
                arguments,
                *options,
            ],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def do(self, host, *tasks):
        """Change several things on a host as its administrator would: (module, arguments) each, in one run."""
        play = {"hosts": host, "gather_facts": False, "tasks": [{module: args} for module, args in tasks]}
        path = self.folder / "do.yml"
        path.write_text(json.dumps([play]))
        result = self.play(str(path))
        assert result.code == 0, result.output

    def document(self, pattern):
        found = sorted((self.runs / "lab").glob(pattern))
        assert len(found) == 1, f"{pattern}: {found}"
        return json.loads(found[0].read_text())


@pytest.fixture(scope="session")
def lab_process(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.up()
    lab.adhoc("windows", "ansible.windows.win_ping")  # the first logon makes a profile; no test is about that
    lab.snapshot("bare")
    yield lab
    lab.down()


@pytest.fixture
def lab(lab_process):
    """Bare hosts and an empty runs folder."""
    lab_process.reset("bare")
    shutil.rmtree(lab_process.runs, ignore_errors=True)
    return lab_process


@pytest.fixture(scope="session")
def migrated_once(lab_process):
    """One whole migration, kept as a snapshot of hosts and run folders."""
    lab_process.reset("bare")
    shutil.rmtree(lab_process.runs, ignore_errors=True)
    result = lab_process.play("migrate.yml")
    assert result.code == 0, result.output
    lab_process.keep("migrated")
    return result


@pytest.fixture
def migrated(lab_process, migrated_once):
    """Hosts and run folders as one whole migration has left them."""
    lab_process.back_to("migrated")
    return lab_process
