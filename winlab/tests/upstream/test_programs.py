"""reg.exe, sort.exe, mklink and files with several names, as upstream's targets need them."""

from __future__ import annotations

from pathlib import Path

import pytest
from winlab.errors import NotModelled, Win32Error
from winlab.host.model import Host
from winlab.host.registry import Value
from winlab.programs import ProcessResult

from winlab import programs, system_programs

FILE = r"C:\t\a.reg"
HEADER = "Windows Registry Editor Version 5.00\r\n\r\n"
IMPORT = (
    HEADER + "; a remark\r\n[HKEY_LOCAL_MACHINE\\Software\\T]\r\n"
    '@="default"\r\n"text"="a \\"b\\" \\\\c"\r\n"number"=dword:0000000a\r\n"big"=hex(b):ff,ff,ff,ff,ff,ff,ff,ff\r\n'
    '"bytes"=hex:01,\\\r\n  16\r\n"many"=hex(7):61,00,00,00,62,00,00,00,00,00\r\n"none"=hex(0):\r\n'
    '"expand"=hex(2):25,00,41,00,25,00,00,00\r\n'
)
VALUES = {
    "": Value("string", "default"),
    "text": Value("string", 'a "b" \\c'),
    "number": Value("dword", 10),
    "big": Value("qword", (1 << 64) - 1),
    "bytes": Value("binary", b"\x01\x16"),
    "many": Value("multistring", ["a", "b"]),
    "none": Value("none", b""),
    "expand": Value("expandstring", "%A%"),
}


@pytest.fixture
def windows(host: Host) -> Host:
    host.environment.seed()
    system_programs.install(host)
    host.files.mkdir(r"C:\t")
    return host


def run(host: Host, line: str) -> ProcessResult:
    return programs.run(
        host, host.accounts.token(host.accounts.resolve("Administrator").sid), line, cwd=r"C:\t"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_registry_file_is_imported_with_its_types(windows: Host, encoding: str) -> None:
    windows.files.write_bytes(FILE, IMPORT.encode(encoding))
    assert run(windows, f"reg.exe import {FILE}").rc == 0
    assert {name: windows.registry.get(r"HKLM\Software\T", name) for name in VALUES} == VALUES


def test_a_registry_file_removes_keys_and_values(windows: Host) -> None:
    windows.files.write_bytes(FILE, IMPORT.encode())
    run(windows, f"reg.exe import {FILE}")
    text = (
        HEADER + '[HKEY_LOCAL_MACHINE\\Software\\T]\r\n"text"=-\r\n[HKEY_LOCAL_MACHINE\\Software\\Gone]\r\n'
    )
    windows.files.write_bytes(FILE, (text + "[-HKEY_LOCAL_MACHINE\\Software\\Gone]\r\n").encode())
    assert run(windows, f"reg.exe import {FILE}").rc == 0
    assert windows.registry.get(r"HKLM\Software\T", "text") is None
    assert not windows.registry.key_exists(r"HKLM\Software\Gone")


@pytest.mark.parametrize(
    ("content", "message"), [(b"nonsense", "is not a registry script"), (None, "Error opening the file")]
)
def test_what_is_no_registry_file_is_refused(windows: Host, content: bytes | None, message: str) -> None:
    if content is not None:
        windows.files.write_bytes(FILE, content)
    result = run(windows, f"reg.exe import {FILE}")
    assert result.rc == 1
    assert message in result.stderr


def test_an_unknown_line_or_verb_is_not_modelled(windows: Host) -> None:
    windows.files.write_bytes(
        FILE, (HEADER + '[HKEY_LOCAL_MACHINE\\Software\\S]\r\n"x"=str(2):1\r\n').encode()
    )
    for line in (f"reg.exe import {FILE}", "reg.exe query HKLM\\Software"):
        with pytest.raises(NotModelled):
            run(windows, line)


def test_a_loaded_hive_is_changed_and_goes_back_into_its_file(windows: Host) -> None:
    path = r"C:\Users\Default\NTUSER.dat"
    windows.files.mkdir(r"C:\Users\Default")
    if not windows.files.is_file(path):
        windows.registry.create_key("HKLM\\MADE")
        windows.files.write_bytes(path, windows.registry.unload_file("MADE"))
    assert run(windows, rf"reg load HKLM\ANSIBLE {path}").rc == 0
    assert run(windows, rf"reg load HKLM\ANSIBLE {path}").rc == 1
    windows.registry.create_key(r"HKLM\ANSIBLE\NewKey")
    assert run(windows, r"reg unload HKLM\ANSIBLE").rc == 0
    assert not windows.registry.key_exists("HKLM\\ANSIBLE")
    assert run(windows, r"reg unload HKLM\ANSIBLE").rc == 1
    run(windows, rf"reg load HKLM\ANSIBLE {path}")
    assert windows.registry.key_exists(r"HKLM\ANSIBLE\NewKey")


def test_sort_orders_the_lines_of_a_file(windows: Host) -> None:
    windows.files.write_bytes(r"C:\t\a.txt", b"b\r\nA\r\nc\r\n")
    assert run(windows, "sort.exe a.txt").stdout == "A\r\nb\r\nc\r\n"
    assert run(windows, "sort.exe missing.txt").rc == 1


@pytest.mark.parametrize(
    ("options", "kind", "target"),
    [("", "SymbolicLink", "a.txt"), ("/D", "SymbolicLink", r"C:\t"), ("/J", "JunctionPoint", r"C:\t")],
)
def test_mklink_makes_links(windows: Host, options: str, kind: str, target: str) -> None:
    assert run(windows, f'cmd.exe /c mklink {options} "my link" {target}').rc == 0
    entry = windows.files.entry(r"C:\t\my link")
    assert (entry.link_type, entry.link_target) == (kind, target)
    assert run(windows, f'cmd.exe /c mklink {options} "my link" {target}').rc == 1


class TestHardLinks:
    def test_all_names_show_one_file(self, windows: Host) -> None:
        windows.files.write_bytes(r"C:\t\a.txt", b"one")
        assert run(windows, r"cmd.exe /c mklink /H b.txt C:\t\a.txt").rc == 0
        windows.files.write_bytes(r"C:\t\b.txt", b"two, longer")
        windows.files.set_attributes(r"C:\t\a.txt", {"Hidden"})
        entry = windows.files.entry(r"C:\t\b.txt")
        assert windows.files.read_bytes(r"C:\t\a.txt") == b"two, longer"
        assert entry.attributes == {"Hidden"}
        assert entry.hard_links == ("C:\\t\\a.txt",)

    def test_the_last_name_keeps_the_content(self, windows: Host) -> None:
        windows.files.write_bytes(r"C:\t\a.txt", b"one")
        windows.files.make_link(r"C:\t\b.txt", r"C:\t\a.txt", "HardLink")
        windows.files.delete(r"C:\t\a.txt")
        windows.save()
        assert windows.files.read_bytes(r"C:\t\b.txt") == b"one"
        assert windows.files.entry(r"C:\t\b.txt").hard_links == ()

    def test_space_is_given_back(self, windows: Host) -> None:
        before = windows.files.free_bytes()
        windows.files.write_bytes(r"C:\t\a.txt", b"1" * 1000)
        windows.files.make_link(r"C:\t\b.txt", r"C:\t\a.txt", "HardLink")
        windows.files.delete(r"C:\t\a.txt")
        windows.files.delete(r"C:\t\b.txt")
        assert windows.files.free_bytes() == before

    def test_they_outlive_the_state_file(self, windows: Host, tmp_path: Path) -> None:
        windows.files.write_bytes(r"C:\t\a.txt", b"one")
        windows.files.make_link(r"C:\t\b.txt", r"C:\t\a.txt", "HardLink")
        windows.save()
        again = Host("win01", {}, windows.state_dir)
        assert again.load()
        again.files.write_bytes(r"C:\t\b.txt", b"two")
        assert again.files.read_bytes(r"C:\t\a.txt") == b"two"

    def test_folders_and_other_volumes_are_refused(self, windows: Host) -> None:
        with pytest.raises(Win32Error, match="Access is denied"):
            windows.files.make_link(r"C:\t\b", r"C:\t", "HardLink")
