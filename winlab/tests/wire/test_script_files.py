"""The action `script`: a file is transferred and run, known by its content, over winrm and psrp."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from winlab.scripts import ScriptCall, ScriptError, ScriptResult

from winlab import scripts, system_programs

from ..served import OK, Served, enable_administrator, serve

pytestmark = pytest.mark.lab
BOTH = ("https_basic", "psrp_https_basic")
KNOWN = "# says its arguments\nparam($First, $Second)\n$First; $Second\nexit 0\n"
LEAVES = "# leaves with a code\nexit 5\n"
THROWS = "# gives up\nthrow 'no more'\n"
UNKNOWN = "# nobody knows me\nGet-Date\n"


@scripts.script(KNOWN)
def says(call: ScriptCall) -> ScriptResult:
    return ScriptResult(output=list(call.arguments))


@scripts.script(LEAVES)
def leaves(call: ScriptCall) -> ScriptResult:
    return ScriptResult(rc=5)


@scripts.script(THROWS)
def throws(call: ScriptCall) -> ScriptResult:
    raise ScriptError("no more")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    def fill(host):  # type: ignore[no-untyped-def]
        enable_administrator(host)
        system_programs.install(host)

    with serve(tmp_path, fill) as found:
        yield found


def test_a_registered_script_runs_and_any_other_is_refused_with_its_digest(served: Served) -> None:
    for name, text in (
        ("known", KNOWN), ("leaves", LEAVES), ("throws", THROWS), ("unknown", UNKNOWN),
    ):  # fmt: skip
        (served.folder / f"{name}.ps1").write_text(text)
    (served.folder / "batch.cmd").write_text("echo hi\r\n")
    tasks = {
        "known": "known.ps1",
        "arguments": "known.ps1 one 'two three'",
        "leaves": "leaves.ps1",
        "throws": "throws.ps1",
        "unknown": "unknown.ps1",
        "unknown with arguments": "unknown.ps1 a b",
        "evaluated": "known.ps1 $(Get-Date)",
        "batch": "batch.cmd",
    }
    outcome = served.play(
        [
            {"name": name, "ansible.builtin.script": line, "ignore_errors": True}
            for name, line in tasks.items()
        ],
        transports=BOTH,
    )
    assert outcome.code == OK, outcome.text
    digest = scripts.digest(UNKNOWN)
    for host in BOTH:
        said = {name: by_host[host] for name, by_host in outcome.tasks}
        assert (said["known"]["rc"], said["known"]["stdout"]) == (0, ""), said
        assert said["arguments"]["stdout_lines"] == ["one", "two three"], said
        assert said["leaves"]["rc"] == 5, said
        assert said["throws"]["rc"] == 1, said
        assert "no more" in said["throws"]["stderr"], said
        for name in ("unknown", "unknown with arguments"):
            assert said[name]["failed"], said
            assert digest in said[name]["stderr"], said
            assert "unknown.ps1 that begins with '# nobody knows me'" in said[name]["stderr"], said
            assert "behaviour:" in said[name]["stderr"], said
        assert said["evaluated"]["failed"], said
        assert "known.ps1 is not modelled. Write each as a plain word" in said["evaluated"]["stderr"], said
        assert said["batch"]["failed"], said
        assert r"a file that is no .exe, started by PowerShell (C:\Users" in said["batch"]["stderr"], said
