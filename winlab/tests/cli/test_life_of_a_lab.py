"""`winlab up`, `down`, `status`, `show`, `snapshot`, `reset`, `modules`, `pins`."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from winlab.errors import WinlabError
from winlab.lab import load_definition

from winlab import control, modules, scripts

from .conftest import DEFINITION, Lab

pytestmark = pytest.mark.lab


def endpoints(lab: Lab) -> dict[str, Any]:
    return dict(json.loads((lab.state / "endpoints.json").read_text()))


def answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_up_prints_one_line_a_host_and_every_host_answers(lab: Lab) -> None:
    code, out, err = lab.up()
    assert (code, err) == (0, "")
    found = endpoints(lab)["hosts"]
    assert sorted(found) == ["win01", "win02"]
    lines = out.splitlines()
    assert len(lines) == 2
    for line, (name, endpoint) in zip(lines, sorted(found.items()), strict=True):
        assert line.startswith(name)
        assert f"https://{endpoint['address']}:5986" in line
        assert endpoint["address"].startswith("127.")
        assert answers(endpoint["address"], endpoint["https_port"])
        assert answers(endpoint["address"], endpoint["http_port"])


def test_up_when_it_is_up_says_so_and_changes_nothing(lab: Lab) -> None:
    lab.up()
    pid = lab.pid()
    code, out, _ = lab.up()
    assert code == 0
    assert "The lab was up already." in out
    assert "has changed since" not in out
    assert lab.pid() == pid


def test_up_says_when_the_definition_has_changed_since(lab: Lab) -> None:
    lab.up()
    lab.define({**DEFINITION, "hosts": {"win01": DEFINITION["hosts"]["win01"]}})
    _, out, _ = lab.up()
    assert "has changed since; `winlab down` and `winlab up` take it over." in out


def test_down_stops_the_hosts_and_up_has_them_back_at_their_addresses(lab: Lab) -> None:
    lab.up()
    before = endpoints(lab)
    assert lab.run("down") == (0, "The lab is down.\n", "")
    assert not answers(before["hosts"]["win01"]["address"], 5986)
    assert lab.run("down") == (0, "The lab was down already.\n", "")
    lab.up()
    assert endpoints(lab)["hosts"] == before["hosts"]


def test_status_has_exit_code_3_when_down(lab: Lab) -> None:
    assert lab.run("status") == (3, "down\n", "")
    code, out, _ = lab.run("status", "--json")
    assert (code, json.loads(out)) == (3, {"state": "down", "hosts": {}})
    lab.up()
    code, out, _ = lab.run("status", "--json")
    assert code == 0
    assert json.loads(out)["state"] == "up"
    assert json.loads(out)["hosts"] == endpoints(lab)["hosts"]


def test_two_labs_take_different_networks(make_lab: Callable[[str], Lab]) -> None:
    one, two = make_lab("one"), make_lab("two")
    one.up()
    two.up()
    assert endpoints(one)["network"] != endpoints(two)["network"]


def test_a_lab_whose_network_was_taken_moves_and_gets_new_certificates(
    make_lab: Callable[[str], Lab],
) -> None:
    one, two = make_lab("one"), make_lab("two")
    one.up()
    two.state.mkdir()
    (two.state / "endpoints.json").write_text((one.state / "endpoints.json").read_text())
    two.up()
    assert endpoints(two)["network"] != endpoints(one)["network"]
    import ssl

    endpoint = endpoints(two)["hosts"]["win01"]
    context = ssl.create_default_context(cafile=endpoints(two)["ca"])
    with socket.create_connection((endpoint["address"], endpoint["https_port"]), timeout=5) as sock:
        context.wrap_socket(sock, server_hostname=endpoint["address"]).close()


def test_a_killed_process_leaves_the_last_saved_state(lab: Lab) -> None:
    lab.up()
    before = json.loads(lab.run("show", "win01", "--json")[1])
    lab.kill()
    assert lab.run("status")[0] == 3
    assert json.loads(lab.run("show", "win01", "--json")[1]) == before
    assert lab.up()[0] == 0
    assert json.loads(lab.run("show", "win01", "--json")[1])["accounts"] == before["accounts"]


def test_a_lab_with_a_parent_ends_with_it(lab: Lab) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    lab.up("--parent", str(parent.pid))
    assert lab.run("status")[0] == 0
    parent.kill()
    parent.wait()
    assert wait_until(lambda: lab.run("status")[0] == 3)


def test_secrets_are_generated_vaulted_and_private(lab: Lab) -> None:
    lab.up()
    text = (lab.state / "secrets.yml").read_bytes()
    assert text.startswith(b"$ANSIBLE_VAULT;1.1;AES256\n")
    key = (lab.state / "vault.key").read_bytes().strip()
    import yaml

    secrets = yaml.safe_load(VaultLib([("default", VaultSecret(key))]).decrypt(text))
    password = secrets["administrator_password"]
    assert len(password) == 24
    assert password.encode() not in text
    for path in (*lab.state.rglob("*"), lab.state):
        if path.is_file() or path == lab.state:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_new_secret_of_the_definition_is_added_and_old_ones_stay(lab: Lab) -> None:
    from winlab.lab import StateFolder, read_secrets

    lab.up()
    lab.run("down")
    before = read_secrets(StateFolder(lab.state))
    lab.define({**DEFINITION, "secrets": ["administrator_password", "another"]})
    lab.up()
    after = read_secrets(StateFolder(lab.state))
    assert after["administrator_password"] == before["administrator_password"]
    assert sorted(after) == ["administrator_password", "another"]


@pytest.mark.parametrize("running", [True, False])
def test_show_prints_the_state_without_secrets(lab: Lab, running: bool) -> None:
    from winlab.lab import StateFolder, read_secrets

    lab.up()
    if not running:
        lab.run("down")
    password = read_secrets(StateFolder(lab.state))["administrator_password"]
    code, out, _ = lab.run("show", "win01", "--json")
    assert code == 0
    users = {user["name"]: user for user in json.loads(out)["accounts"]["users"]}
    assert users["Administrator"]["password"] == "<hidden>"
    assert users["Guest"]["password"] == ""
    assert password not in out
    assert password in (lab.state / "hosts" / "win01" / "state.json").read_text()
    code, out, _ = lab.run("show", "win01")
    assert out.startswith("win01  (computer name WIN01")


def test_reset_makes_the_hosts_bare_and_a_snapshot_brings_them_back(lab: Lab) -> None:
    lab.up()
    lab.run("down")
    from winlab.host.model import Host

    host = Host("win01", {}, lab.state / "hosts" / "win01")
    host.load()
    host.files.write_bytes(r"C:\mark.txt", b"here")
    host.save()
    lab.up()

    def marked() -> bool:
        return "mark.txt" in lab.run("show", "win01", "--json")[1]

    assert marked()
    assert lab.run("snapshot", "marked")[0] == 0
    pid = lab.pid()
    assert lab.run("reset") == (0, "The hosts are bare.\n", "")
    assert not marked()
    assert lab.run("reset", "marked")[0] == 0
    assert marked()
    assert lab.pid() == pid
    assert answers(endpoints(lab)["hosts"]["win01"]["address"], 5986)
    lab.run("down")
    assert lab.run("reset")[0] == 0
    assert lab.run("reset", "marked")[0] == 1  # no hosts to restore into
    lab.up()
    assert not marked()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("reset", "none"), "snapshot: not found; expected one of none: there are no snapshots"),
        (("snapshot", "../x"), "'../x': snapshot name; expected letters, digits, '-' and '_'"),
        (("show", "win99"), "win99: host: not in this lab; expected one of win01, win02"),
    ],
)
def test_a_refusal_says_what_was_found_and_expected(
    lab: Lab, arguments: tuple[str, ...], message: str
) -> None:
    lab.up()
    code, out, err = lab.run(*arguments)
    assert (code, out) == (1, "")
    assert message in err
    assert lab.run("status")[0] == 0
    assert answers(endpoints(lab)["hosts"]["win01"]["address"], 5986)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hosts: {", "expected YAML"),
        ("a: 1", "no hosts; expected a mapping `hosts:`"),
        ("hosts: {a: 1}", "hosts.a: int; expected a mapping"),
        ("hosts: {a: {}}\nhost: 1", "top level: unknown key host; expected hosts, scripts, secrets"),
        (
            "hosts: {a: {rolls: [ecma-host]}}",
            "hosts.a: unknown key rolls; expected administrator, audit_policy",
        ),
        (
            "hosts: {a: {setup_exit_codes: {Setup.exe: 5}}}",
            "hosts.a.setup_exit_codes.Setup.exe: 5; expected one of 0, 1603, 3010. Correct it.",
        ),
        ("hosts: {a: {setup_exit_codes: [3010]}}", "hosts.a.setup_exit_codes: list; expected a mapping"),
        (
            "hosts: {a: {sql_servers: {sql01: {admins: []}}}}",
            "hosts.a.sql_servers.sql01: unknown key admins; expected databases, instance, reachable, sysadmins, version",
        ),
        ("hosts: {a: {sql_servers: {sql01: 1}}}", "hosts.a.sql_servers.sql01: int; expected a mapping"),
        ("hosts: {a: {template: 'no.such:thing'}}", "template 'no.such:thing': No module named 'no'"),
        ("hosts: {a: {}}\nscripts: [{path: gone.ps1, behaviour: 'a:b'}]", "gone.ps1: lab definition"),
    ],
)
def test_a_definition_that_cannot_be_used_is_refused(lab: Lab, content: str, message: str) -> None:
    lab.define(content)
    code, _, err = lab.up()
    assert code == 1
    assert message in err
    assert "Traceback" not in err
    assert lab.run("status")[0] == 3


_HOST = "secrets: [x]\nhosts: {a: {%s}}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "hosts: {../../evil: {}}",
            "hosts: '../../evil'; expected a name of up to 63 letters, digits, '-', '.' and '_'. Rename the host.",
        ),
        ("hosts: {'a/b': {}}", "hosts: 'a/b'; expected a name"),
        ("hosts: {..: {}}", "hosts: '..'; expected a name"),
        ("hosts: {a.: {}}", "hosts: 'a.'; expected a name"),
        ("secrets: [x, y, x]\nhosts: {a: {}}", "secrets: x twice; expected each name once. Correct it."),
        ("secrets: x\nhosts: {a: {}}", "secrets: 'x'; expected a list. Correct it."),
        ("secrets: [1]\nhosts: {a: {}}", "secrets[0]: 1; expected a text. Correct it."),
        ("hosts: {a: {}}\nscripts: {path: x}", "scripts: dict; expected a list. Correct it."),
        ("hosts: {a: {}}\nscripts: [x]", "scripts[0]: str; expected a mapping. Correct it."),
        ("hosts: {a: {}}\nscripts: [{pth: x}]", "scripts[0]: unknown key pth; expected behaviour, path, sha256."),
        ("hosts: {a: {}}\nscripts: [{path: x}]", "scripts[0]: path; expected behaviour, and path or sha256 or both"),
        ("hosts: {a: {}}\nscripts: [{sha256: abc, behaviour: 'a:b'}]", "scripts[0].sha256: 'abc'; expected 64 hexadecimal"),
        (_HOST % "shares: 5", "hosts.a.shares: 5; expected a list. Correct it."),
        (_HOST % r"shares: ['C:\x']", r"hosts.a.shares[0]: 'C:\\x'; expected a share of another machine such as \\server\share"),
        (_HOST % "winrm: {htp: {}}", "hosts.a.winrm: unknown key htp; expected http, https, max_envelope_kb"),
        (_HOST % "winrm: {http: {plain: true}}", "hosts.a.winrm.http: unknown key plain; expected allow_unencrypted, basic"),
        (_HOST % "winrm: {https: {basic: 'no'}}", "hosts.a.winrm.https.basic: 'no'; expected true or false"),
        (_HOST % "winrm: {https: 5}", "hosts.a.winrm.https: int; expected a mapping"),
        (_HOST % "winrm: {max_envelope_kb: 0}", "hosts.a.winrm.max_envelope_kb: 0; expected a whole number, 1 or more"),
        (_HOST % "drives: {DD: {}}", "hosts.a.drives: 'DD'; expected the letter of a drive"),
        (_HOST % "drives: {1: {}}", "hosts.a.drives: 1; expected the letter of a drive"),
        (_HOST % "drives: {D: {}, 'd:': {}}", "hosts.a.drives: D twice; expected each drive once"),
        (_HOST % "drives: {D: {siz: 1}}", "hosts.a.drives.D: unknown key siz; expected free_gib, label, size_gib"),
        (_HOST % "drives: {D: {size_gib: 5, free_gib: 6}}", "hosts.a.drives.D.free_gib: 6; expected at most the size of the drive, 5"),
        (_HOST % "drives: {D: {size_gib: -1}}", "hosts.a.drives.D.size_gib: -1; expected a number of GiB"),
        (_HOST % "drives: {D: {size_gib: .nan}}", "hosts.a.drives.D.size_gib: nan; expected a number of GiB"),
        (_HOST % "reboot: {fats: true}", "hosts.a.reboot: unknown key fats; expected fast, outage"),
        (_HOST % "reboot: {outage: -1}", "hosts.a.reboot.outage: -1; expected a number of seconds, 0 or more"),
        (_HOST % "reboot: {fast: 1}", "hosts.a.reboot.fast: 1; expected true or false"),
        (_HOST % "computer_name: 'a b'", "hosts.a.computer_name: 'a b'; expected up to 15 letters, digits and '-'"),
        (_HOST % "computer_name: abcdefghijklmnop", "hosts.a.computer_name: 'abcdefghijklmnop'; expected up to 15"),
        (_HOST % "computer_name: 12", "hosts.a.computer_name: 12; expected up to 15"),
        (_HOST % "ecma_cache_needs_debug: 'yes'", "hosts.a.ecma_cache_needs_debug: 'yes'; expected true or false"),
        (_HOST % "management_agents: x.xml", "hosts.a.management_agents: 'x.xml'; expected a list"),
        (_HOST % "management_agents: [{a: b}]", "hosts.a.management_agents[0]: dict; expected a text"),
        (_HOST % "roles: text", "hosts.a.roles: 'text'; expected a list"),
        (_HOST % "files: {x: y}", r"hosts.a.files: 'x'; expected a path on the host such as C:\folder\file"),
        (_HOST % "administrator: {nme: x}", "hosts.a.administrator: unknown key nme; expected name, password"),
        (_HOST % "template: 5", "hosts.a.template: 5; expected a text"),
        (_HOST % "windows_update: 1", "hosts.a.windows_update: 1; expected true or false"),
        (_HOST % "sql_servers: {s: {version: 13.0}}", "hosts.a.sql_servers.s.version: 13.0; expected a text"),
        (_HOST % "template: 'mine:build', shares: 5", "hosts.a.shares: 5; expected a list"),
    ],
)  # fmt: skip
def test_what_means_nothing_in_a_definition_is_named_with_its_place(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "lab.yml"
    path.write_text(content)
    with pytest.raises(WinlabError) as caught:
        load_definition(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_every_key_that_a_definition_may_have_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "lab.yml"
    path.write_text(
        "secrets: [x]\nhosts:\n  win-01.lab_x:\n    template: windows-server-2016\n"
        "    administrator: {name: Administrator, password: x}\n    computer_name: WIN-01\n"
        "    roles: [mim-sync]\n    drives: {C: {free_gib: 1}, 'd:': , E: {label: Data, size_gib: 10, free_gib: 0.5}}\n"
        "    shares: ['\\\\server\\share', '\\\\s\\c$']\n    reboot: {fast: false, outage: 1.5}\n"
        "    winrm: {http: false, https: {enabled: true}, max_envelope_kb: 150, max_shells_per_user: 2}\n"
        "    files: {'C:\\x\\y.txt': y.txt}\n    management_agents: []\n    windows_update: true\n"
        "    sql_servers: {sql01: , s2: {instance: '', sysadmins: [a], databases: [b], version: 13.0.1}}\n"
        "    roles: \n    ecma_cache_needs_debug: false\n    web: \n"
    )
    assert list(load_definition(path).hosts) == ["win-01.lab_x"]


def test_host_keys_that_products_read_are_taken_and_a_foreign_template_has_keys_of_its_own(lab: Lab) -> None:
    lab.define(
        "hosts:\n"
        "  a: {setup_exit_codes: {Setup.exe: 3010, Contoso HR: 1603, Other: 0}, sql_servers: {sql01: , sql02: {reachable: false}}}\n"
        "  b: {template: 'other.package:build', colour: red}\n"
    )
    loaded = load_definition(lab.definition)
    assert loaded.hosts["a"]["setup_exit_codes"]["Setup.exe"] == 3010
    assert loaded.hosts["b"]["colour"] == "red"


def test_a_missing_definition_is_named(lab: Lab) -> None:
    lab.definition.unlink()
    code, _, err = lab.up()
    assert code == 1
    assert err == (
        f"{lab.definition}: lab definition: No such file or directory; expected a file. Name one with --definition.\n"
    )


def test_the_control_endpoint_refuses_nonsense_and_lives_on(lab: Lab) -> None:
    lab.up()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    here = Path.cwd()
    os.chdir(lab.state)
    try:
        sock.connect(control.SOCKET_NAME)
    finally:
        os.chdir(here)
    with sock, sock.makefile("rwb") as stream:
        for line in (b"garbage\n", b"[]\n", b'{"op": "no-such"}\n', b'{"op": "state"}\n'):
            stream.write(line)
            stream.flush()
            assert json.loads(stream.readline())["ok"] is False
    assert lab.run("status")[0] == 0


def test_modules_lists_every_twin_with_the_version_it_is_for(lab: Lab) -> None:
    code, out, _ = lab.run("modules", "--json")
    assert code == 0
    listed = json.loads(out)
    assert sorted(listed) == modules.names()
    assert "ansible.windows.win_ping" in listed
    assert all(pin and len(pin["module"]) == 64 for pin in listed.values())


def test_the_pins_fit_what_is_installed(lab: Lab) -> None:
    assert lab.run("pins", "--check") == (0, "", "")


def test_a_lab_of_another_definition_is_not_taken_for_this_one(lab: Lab) -> None:
    lab.up()
    other = lab.definition.with_name("other.yml")
    other.write_text(lab.definition.read_text())
    code, out, err = lab.run("up", "--definition", str(other))
    assert (code, out) == (1, "")
    assert err == (
        f"{lab.state}: lab: up with {lab.definition}; expected {other}. Run `winlab down` first, or name another "
        "state folder with --state.\n"
    )
    assert lab.run("status")[0] == 0


BESIDE = """
from winlab.scripts import ScriptResult

def get_date(call):
    return ScriptResult(output=["today"])

def build(host, entry, secrets, base):
    raise KeyError("colour")
"""


def test_a_behaviour_that_lies_beside_the_definition_is_found(lab: Lab) -> None:
    (lab.definition.parent / "behaviours.py").write_text(BESIDE)
    before = list(sys.path)
    content = {
        **DEFINITION,
        "scripts": [{"sha256": scripts.digest("Get-Date"), "behaviour": "behaviours:get_date"}],
    }
    lab.define(content)
    assert lab.up()[0] == 0
    lab.run("down")
    lab.define({**content, "hosts": {"win03": {"template": "behaviours:build"}}})
    code, _, err = lab.up()
    assert code == 1
    assert (
        "win03: template: behaviours:build: KeyError: 'colour'; expected a result. Correct that function"
        in err
    )
    lab.define({**DEFINITION, "scripts": [{"sha256": "0" * 64, "behaviour": "nowhere:x"}]})
    code, _, err = lab.up()
    assert "No module named 'nowhere'" in err
    assert "put the module beside the definition." in err
    assert sys.path == before
