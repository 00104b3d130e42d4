"""`mim2ecma closure` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mim2ecma import cli
from mim2ecma.commands import closure as command

UNREADABLE = 2


def run(*arguments: str) -> int:
    return cli.main(["closure", *arguments])


def test_people_see_what_is_brought_and_by_whom_it_is_wanted(
    fixtures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(fixtures / "chain/Chain.Connector.dll")) == command.READY
    output = capsys.readouterr().out
    assert output.splitlines()[:2] == [
        "Chain.Connector.dll: complete.",
        "  connector   Chain.Connector 1.2.3.4, any CPU, .NET Framework 4.6.2",
    ]
    assert "    Chain.Leaf.dll 1.0.0.0  <- Chain.Middle.dll\n" in output
    assert "  Part of .NET Framework (1):\n    mscorlib 4.0.0.0\n" in output


def test_the_verdict_comes_first_and_then_what_to_do(
    fixtures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(str(fixtures / "missing/Missing.Connector.dll"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "Missing.Connector.dll: NOT COMPLETE: 1 error. Mend the errors before anything is staged."
    )
    assert lines[3] == "  Errors (1):"
    assert lines[4].startswith("    C1 Missing.Connector.dll: no file for 'Missing.Library, Version=1.0.0.0")
    assert lines[5].startswith("       -> Get the library from the connector's author")


def test_where_a_library_comes_from_is_said_when_it_lies_elsewhere(
    fixtures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(str(fixtures / "gac/Extensions/Gac.Connector.dll"), "--gac", str(fixtures / "gac/root"))
    output = capsys.readouterr().out
    assert output.startswith("Gac.Connector.dll: complete, but read the 1 warning.\n")
    assert "    Gac.Library.dll 1.0.0.0 from the global assembly cache  <- Gac.Connector.dll\n" in output


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("plain/Plain.Connector.dll", 0),
        ("net481/Net481.Connector.dll", 0),  # warnings only
        ("missing/Missing.Connector.dll", 1),
        ("README.md", 2),
        ("gone.dll", 2),
    ],
)
def test_the_exit_code_says_complete_incomplete_or_unreadable(fixtures: Path, file: str, code: int) -> None:
    assert run(str(fixtures / file)) == code


def test_json_is_the_document_also_when_something_is_missing(
    fixtures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(fixtures / "missing/Missing.Connector.dll"), "--json") == command.NOT_READY
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "mim2ecma.closure/1"


def test_json_is_a_document_also_when_the_file_is_unreadable(
    fixtures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(fixtures / "README.md"), "--json") == UNREADABLE
    document = json.loads(capsys.readouterr().out)
    assert document["connector"]["sha256"] is None
    assert [finding["id"] for finding in document["findings"]] == ["C27"]
    assert document["findings"][0]["where"] == "README.md: file"


def test_an_unreadable_file_is_one_line_without_traceback(
    fixtures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(str(fixtures / "README.md"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("README.md: file: ")


def test_a_copy_of_the_hosts_folder_is_taken_into_account(
    fixtures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Chain.Middle.dll").write_bytes((fixtures / "chain/Chain.Middle.dll").read_bytes())
    run(str(fixtures / "chain/Chain.Connector.dll"), "--host", str(tmp_path), "--json")
    document = json.loads(capsys.readouterr().out)
    assert [entry["file"] for entry in document["stage"]] == [
        "Chain.Connector.dll",
        "Chain.Leaf.dll",
    ]
    assert {"Chain.Middle"} <= {entry["assembly"] for entry in document["host_supplied"]}


@pytest.mark.parametrize("connector", ["chain/Chain.Connector.dll", "plain/Plain.Connector.dll"])
@pytest.mark.parametrize("option", ["--host", "--search", "--bin", "--gac", "--mim-config"])
def test_a_wrong_path_is_unreadable_input_whether_or_not_a_reference_leads_there(
    fixtures: Path, tmp_path: Path, connector: str, option: str
) -> None:
    assert run(str(fixtures / connector), option, str(tmp_path / "gone")) == UNREADABLE


def test_the_drawing_is_written(fixtures: Path, tmp_path: Path) -> None:
    target = tmp_path / "closure.svg"
    assert run(str(fixtures / "chain/Chain.Connector.dll"), "--svg", str(target)) == 0
    assert target.read_text().startswith("<svg ")
    assert run(str(fixtures / "chain/Chain.Connector.dll"), "--svg", str(tmp_path / "no" / "a.svg")) == 2


def test_a_finding_is_accepted_with_its_reason(fixtures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(fixtures / "missing/Missing.Connector.dll")
    assert run(path, "--accept", "C1=that part is never used") == command.READY
    assert "-> Accepted knowingly (otherwise an error): that part is never used" in capsys.readouterr().out
    assert run(path, "--accept", "C1=that part is never used", "--json") == command.READY
    assert json.loads(capsys.readouterr().out)["accepted"] == {"C1": "that part is never used"}


def test_an_acceptance_that_changed_nothing_is_told(
    fixtures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(fixtures / "missing/Missing.Connector.dll")
    assert run(path, "--accept", "C1=never used", "--accept", "C4=known") == command.READY
    assert capsys.readouterr().err == (
        "mim2ecma closure: --accept C4: no error or warning C4 was found; expected a rule that was. "
        "Leave it out, or correct the rule.\n"
    )


@pytest.mark.parametrize("option", ["C1", "C1= ", "C12=it is one", "C99=why", "R1=why"])
def test_what_cannot_be_accepted_is_wrong_usage(fixtures: Path, option: str) -> None:
    assert run(str(fixtures / "missing/Missing.Connector.dll"), "--accept", option) == UNREADABLE


def test_a_file_of_the_current_folder_is_the_one_that_is_meant(
    fixtures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also when a searched folder has another of that name; one that is in none of both is looked for there."""
    (tmp_path / "Chain.Connector.dll").write_bytes((fixtures / "plain/Plain.Connector.dll").read_bytes())
    monkeypatch.chdir(tmp_path)
    for name, assembly in (("Chain.Connector.dll", "Plain.Connector"), ("Chain.Middle.dll", "Chain.Middle")):
        run(name, "--search", str(fixtures / "chain"), "--json")
        assert json.loads(capsys.readouterr().out)["connector"]["assembly"] == assembly


def test_a_file_cut_anywhere_is_a_document_or_one_line(
    fixtures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = (fixtures / "embedded/Embedded.Connector.dll").read_bytes()
    codes = set()
    for length in range(0, len(data), 64):
        (tmp_path / "cut.dll").write_bytes(data[:length])
        code = run(str(tmp_path / "cut.dll"))
        output = capsys.readouterr()
        codes.add(code)
        if code == UNREADABLE:
            assert output.out == ""
            assert output.err.startswith("cut.dll: ")
            assert "; expected " in output.err
            assert output.err.count("\n") == 1
        else:
            assert output.err == ""
    assert UNREADABLE in codes
