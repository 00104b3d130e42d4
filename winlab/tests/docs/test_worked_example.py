"""What the pages say holds: the worked example runs, and lists are complete."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from winlab.host.model import Host
from winlab.server.service import WinrmService

from winlab import execution, modules, network, pins, pki, programs

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/simulated-hosts.md"
DOCS = ROOT / "winlab/docs"
TWIN = "community.windows.win_eventlog_entry"
PASSWORD = "Pass-word-1.docs"


def block(language: str) -> str:
    """The one indented code block of a language."""
    (found,) = re.findall(rf"^   ```{language}\n(.*?)^   ```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return textwrap.dedent(found)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example's module lies beside the twins and is pinned, as steps 2 and 3 say."""
    folder = tmp_path / "twins"
    folder.mkdir()
    (folder / "win_eventlog_entry.py").write_text(block("python"))
    monkeypatch.setattr(modules, "__path__", [*modules.__path__, str(folder)])
    known = {**pins.pinned(), TWIN: pins.installed(TWIN)}
    monkeypatch.setattr(pins, "_load", lambda: known)
    yield
    modules._twins.pop(TWIN, None)
    sys.modules.pop("winlab.modules.win_eventlog_entry", None)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Host, Path]]:
    net = network.claim(tmp_path, None, 1)
    pki.ensure_ca(tmp_path / "ca")
    certificate = tmp_path / "win01.pem"
    pki.issue(tmp_path / "ca", "win01", net.address(0), certificate)
    host = Host("win01", {}, tmp_path / "win01")
    host.accounts.update_user("Administrator", disabled=False)
    host.accounts.set_password("Administrator", PASSWORD)
    service = WinrmService(host, execution.run, net.address(0), (0, 0), certificate)
    variables = {
        "ansible_host": service.address,
        "ansible_port": service.ports["https"],
        "ansible_connection": "winrm",
        "ansible_winrm_scheme": "https",
        "ansible_winrm_transport": "basic",
        "ansible_winrm_ca_trust_path": str(tmp_path / "ca" / "ca.pem"),
        "ansible_user": "Administrator",
        "ansible_password": PASSWORD,
    }
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"win01": variables}}}))
    yield host, inventory
    service.close()
    net.close()


def play(inventory: Path, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    path = inventory.with_name("play.yml")
    path.write_text(
        yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}], sort_keys=False)
    )
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), str(path)],
        capture_output=True,
        encoding="utf-8",
        env={
            **os.environ,
            "NO_PROXY": "127.0.0.0/8",
            "ANSIBLE_CONFIG": "",
            "ANSIBLE_HOME": str(inventory.with_name("home")),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        },
        cwd=inventory.parent,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{\n") :])[0]
    return [task["hosts"]["win01"] for task in document["plays"][0]["tasks"]]


@pytest.mark.lab
def test_worked_example_runs_through_the_real_ansible_as_its_table_says(
    example: None, served: tuple[Host, Path]
) -> None:
    host, inventory = served
    cases = yaml.safe_load(block("yaml"))
    counts: list[int] = []
    tasks = [
        {
            "name": f"case {number}",
            TWIN: case["args"],
            "check_mode": case.get("check", False),
            "ignore_errors": True,
        }
        for number, case in enumerate(cases)
    ]
    write = type(host.events).write
    written: list[str] = []

    def counted(self: Any, log: str, *rest: Any) -> Any:
        written.append(log)
        return write(self, log, *rest)

    host.events.write = counted.__get__(host.events)  # type: ignore[method-assign]
    results = play(inventory, tasks)
    for case, result in zip(cases, results, strict=True):
        if "msg" in case:
            assert result["failed"]
            assert result["msg"] == case["msg"]
        else:
            assert result["changed"] is case["changed"]
        counts.append(case.get("entries", 0))
    assert written == ["Application"] * max(counts)
    entries = host.events.read("Application", "MsiInstaller", 1033)
    assert [(entry.level, entry.message) for entry in entries] == [("information", "done")] * max(counts)


def test_the_twin_of_the_example_is_not_there_already() -> None:
    assert TWIN not in modules.names(), "choose another module for the example"


def test_every_program_on_the_page_is_one_that_winlab_knows() -> None:
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith("| Programs |"))
    named = set(re.findall(r"`([\w-]+)`", row.split("|")[2]))
    assert named - set(programs.known_programs()) == set()
    assert "msiexec" in named


def test_links_of_the_pages_lead_somewhere() -> None:
    for page in (DOCS / "index.md", PAGE, ROOT / "winlab/README.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_index_lists_every_page() -> None:
    text = (DOCS / "index.md").read_text()
    missing = [path.name for path in DOCS.glob("*.md") if path.name != "index.md" and path.name not in text]
    assert missing == []


def test_the_function_that_the_page_registers_runs(tmp_path: Path) -> None:
    section = PAGE.read_text().partition("## Registering a script")[2]
    (source,) = re.findall(r"```python\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    names: dict[str, Any] = {}
    exec(source, names)
    host = Host("win01", {}, tmp_path)
    session = host.accounts.token(host.accounts.resolve("Administrator").sid, "network")
    result = names["check_disk"](names["ScriptCall"](host=host, session=session, text=""))
    assert result.output == [True]
