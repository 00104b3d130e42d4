"""`winlab operator` and `winlab inventory` against a lab that is up."""

from __future__ import annotations

import copy
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from winlab.products import ecma_host, media

from winlab import cli, lab

from .conftest import EXPORT, SHEET, XML

pytestmark = pytest.mark.lab
FIELD = "Properties/Secret token=ecma_secret_token"


class Command:
    """Runs `winlab` in a state folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.state = folder, folder / "state"
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = cli.main(["--state", str(self.state), *arguments])
        return (code, *self._capsys.readouterr())

    def sheet(self, **values: Any) -> str:
        """An answer sheet as a tool writes it: without the token."""
        pages = copy.deepcopy(SHEET)
        properties = next(page for page in pages["pages"] if page["page"] == "Properties")
        for field in properties["fields"]:
            if field["field"] == "Secret token":
                field["value"] = None
            field["value"] = values.get(field["field"], field["value"])
        path = self.folder / "answers.json"
        path.write_text(json.dumps(pages))
        return str(path)


@pytest.fixture
def winlab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    dlls = ("Fabrikam.Badge.Connector.dll", "Fabrikam.Badge.Client.dll")
    files = {
        rf"{ecma_host.ECMA_FOLDER}\{name}": str(media.folder() / "assemblies/connectors" / name)
        for name in dlls
    }
    definition = {
        "secrets": ["administrator_password", "ecma_secret_token"],
        "hosts": {
            "ecma01": {
                "template": "windows-server-2016",
                "administrator": {"name": "Administrator", "password": "administrator_password"},
                "roles": ["ecma-host"],
                "files": {**files, XML: str(EXPORT)},
            }
        },
    }
    path = tmp_path / "winlab.yml"
    path.write_text(yaml.safe_dump(definition))
    command = Command(tmp_path, capsys)
    assert command("up", "--definition", str(path), "--parent", str(os.getpid()))[0] == 0
    yield command
    command("down")


def test_operator_runs_the_wizard_with_a_token_of_the_lab_and_the_endpoint_answers(winlab: Command) -> None:
    arguments = ("operator", "ecma01", "run-wizard", "--answers", winlab.sheet(), "--secret", FIELD)
    code, out, err = winlab(*arguments)
    assert (code, err) == (0, "")
    assert out.startswith("Connector Badges: https://localhost:8585/ecma2host_Badges/scim\n")
    assert "It answers after the next start of the service Microsoft ECMA2Host." in out
    address = json.loads(winlab("status", "--json")[1])["hosts"]["ecma01"]["address"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, 8585), timeout=5)
    code, out, _ = winlab(
        *arguments[:3], "--answers", winlab.sheet(Name="Badges2"), "--secret", FIELD, "--restart", "--json"
    )
    assert code == 0
    assert json.loads(out)["restart_needed"] is False
    socket.create_connection((address, 8585), timeout=5).close()
    code, out, _ = winlab("reset")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, 8585), timeout=5)


def test_token_stays_out_of_everything_but_the_hosts_own_files(winlab: Command) -> None:
    token = lab.read_secrets(lab.StateFolder(winlab.state))["ecma_secret_token"]
    shown = "".join(
        text
        for arguments in (
            ("operator", "ecma01", "run-wizard", "--answers", winlab.sheet(), "--secret", FIELD, "--json"),
            ("show", "ecma01", "--json"),
        )
        for text in winlab(*arguments)[1:]
    )
    assert token not in shown
    holding = [
        path for path in winlab.state.rglob("*") if path.is_file() and token.encode() in path.read_bytes()
    ]
    assert [path.parent.name for path in holding] == ["blobs"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Properties: Secret token: nothing typed; expected at least 12 ASCII characters"),
        (
            ("--secret", "Properties/Secret token=nothing"),
            "nothing; expected one of administrator_password, ecma_",
        ),
        (
            ("--secret", FIELD, "--not-elevated"),
            "without elevation; expected an elevated run. Run it as administrator.",
        ),
        (
            ("--secret", FIELD, "--xml", r"C:\gone.xml"),
            r"C:\gone.xml: The system cannot find the file specified",
        ),
    ],
)
def test_refusals_reach_the_person_in_one_sentence(
    winlab: Command, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = winlab("operator", "ecma01", "run-wizard", "--answers", winlab.sheet(), *arguments)
    assert (code, out) == (1, "")
    assert said in err
    assert err.startswith("ecma01: ")
    assert err.count("\n") == 1


def test_a_sheet_that_cannot_be_read_is_named(winlab: Command) -> None:
    gone = str(winlab.folder / "gone.json")
    assert winlab("operator", "ecma01", "run-wizard", "--answers", gone)[2].startswith(
        f"{gone}: answers: No such file"
    )
    broken = winlab.folder / "broken.json"
    broken.write_text("{")
    assert "expected JSON" in winlab("operator", "ecma01", "run-wizard", "--answers", str(broken))[2]


def test_inventory_has_what_a_connection_needs_and_is_private(winlab: Command) -> None:
    path = winlab.folder / "hosts.yml"
    assert winlab("inventory", "--output", str(path)) == (0, f"{path}\n", "")
    assert path.stat().st_mode & 0o777 == 0o600
    group = yaml.safe_load(path.read_text())["all"]["children"]["windows"]
    host = group["hosts"]["ecma01"]
    assert (
        host["ansible_password"] == lab.read_secrets(lab.StateFolder(winlab.state))["administrator_password"]
    )
    assert host["ansible_winrm_scheme"] == "https"
    assert Path(group["vars"]["ansible_winrm_ca_trust_path"]).exists()


def test_inventory_of_a_lab_that_never_was_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Command(tmp_path, capsys)
    code, _, err = command("inventory", "--output", str(tmp_path / "hosts.yml"))
    assert (code, err) == (
        1,
        f"{tmp_path}/state: inventory: no endpoints; expected a lab. Run `winlab up`.\n",
    )
