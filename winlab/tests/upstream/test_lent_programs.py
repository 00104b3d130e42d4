"""The programs that are lent to the host do what their source does."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest
from winlab.errors import NotModelled
from winlab.host.model import Host
from winlab.programs import ProcessResult
from winlab.scripts import ScriptCall

from winlab import console, programs


@pytest.fixture
def lent(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("upstream_programs")


@pytest.fixture
def run(lent: ModuleType, host: Host):
    host.environment.seed()
    session = host.accounts.token(host.accounts.resolve("Administrator").sid)

    def start(name: str, arguments: str = "") -> ProcessResult:
        programs.install(host, r"C:\t\x.exe", name)
        return programs.run(host, session, rf"C:\t\x.exe{arguments}", cwd="C:\\t")

    return start


def test_print_argv_escapes_as_javascriptserializer_does(run):
    result = run("upstream-print-argv", ' "it\'s" <a> b&c \\"d')
    assert json.loads(result.stdout)["args"] == ["it's", "<a>", "b&c", '"d']
    assert "it\\u0027s" in result.stdout
    assert not set("'<>&") & set(result.stdout)


def test_the_other_one_writes_bytes_of_shift_jis(run):
    text = run("upstream-shift-jis").stdout
    assert console.raw(text) == b"\x93\xfa\x96\x7b - Japan"
    assert console.decode(text, "shift_jis") == "日本 - Japan"


def test_another_source_is_not_compiled(lent: ModuleType, host: Host):
    host.files.mkdir(r"C:\t")
    host.files.write_bytes(r"C:\t\x.cs", b"class X {}")
    session = host.accounts.token(host.accounts.resolve("Administrator").sid)
    call = ScriptCall(host, session, "")
    with pytest.raises(NotModelled, match=r"x\.cs"):
        lent.compile_print_argv(call, (r"C:\t\x.cs", r"C:\t\x.exe"))
    assert not host.files.exists(r"C:\t\x.exe")
