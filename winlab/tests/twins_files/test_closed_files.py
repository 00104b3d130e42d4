"""Files that a process has open without sharing them: hives of the registry, the page file, databases."""

from __future__ import annotations

import pytest
from winlab.errors import Win32Error
from winlab.host.model import Host
from winlab.host.registry import Value
from winlab.products import sql_server, windows_server

from winlab import programs

FILE = "C:\\data\\closed.bin"
BUSY = f"The process cannot access the file '{FILE}' because it is being used by another process."
ERROR_SHARING_VIOLATION = 32


@pytest.fixture
def closed(windows):
    windows.write(FILE, b"secret")
    windows.host.files.lock(FILE, "holder", exclusive=True)
    return windows


def refusal(function, *arguments, **options):
    with pytest.raises(Win32Error) as caught:
        function(*arguments, **options)
    return caught.value.code


def test_only_the_content_is_refused(closed):
    files, admin = closed.host.files, closed.admin
    assert refusal(files.open, FILE, admin) == ERROR_SHARING_VIOLATION
    assert refusal(files.digest, FILE, session=admin) == ERROR_SHARING_VIOLATION
    assert refusal(files.copy, FILE, "C:\\data\\copy", admin) == ERROR_SHARING_VIOLATION
    assert refusal(files.write_bytes, FILE, b"", admin) == ERROR_SHARING_VIOLATION
    assert refusal(files.delete, FILE, session=admin) == ERROR_SHARING_VIOLATION
    assert files.entry(FILE, admin).size == len(b"secret")
    assert files.owner(FILE, admin)
    assert files.read_bytes(FILE) == b"secret"  # the holder's own doing


def test_it_is_open_again_when_its_holder_lets_go_and_stays_closed_over_a_restart(closed):
    files, admin = closed.host.files, closed.admin
    closed.host.save()
    again = Host("win01", {}, closed.host.state_dir)
    again.load()
    assert refusal(again.files.open, FILE, admin) == ERROR_SHARING_VIOLATION
    files.lock(FILE, "reader")
    files.unlock_all("holder")
    assert files.read_bytes(FILE, admin) == b"secret"
    assert refusal(files.delete, FILE, session=admin) == ERROR_SHARING_VIOLATION


@pytest.mark.parametrize(
    ("module", "options", "msg"),
    [
        (
            "win_stat",
            {"path": FILE},
            "Failed to get hash of file, set get_checksum to False to ignore this error: "
            f'Exception calling "Open" with "4" argument(s): "{BUSY}"',
        ),
        (
            "slurp",
            {"src": FILE},
            f'Unhandled exception while executing module: Exception calling "ReadAllBytes" with "1" argument(s): "{BUSY}"',
        ),
        (
            "win_copy",
            {"src": FILE, "dest": "C:\\data\\copy", "_copy_mode": "remote"},
            f"Unhandled exception while executing module: The file '{FILE}' cannot be read: {BUSY}.",
        ),
        (
            "win_copy",
            {"src": FILE, "dest": "C:\\data\\copy", "_copy_mode": "remote", "force": False},
            f"Unhandled exception while executing module: {BUSY}",
        ),
        (
            "community.windows.win_lineinfile",
            {"path": FILE, "line": "x"},
            f'Unhandled exception while executing module: Exception calling "ReadAllLines" with "2" argument(s): "{BUSY}"',
        ),
    ],
)
def test_what_a_module_says(closed, module, options, msg):
    result = closed.run(module, **options)
    assert (result["failed"], result["msg"]) == (True, msg)
    assert not closed.host.files.exists("C:\\data\\copy")


def test_what_needs_no_content_works(closed):
    stat = closed.run("win_stat", path=FILE, get_checksum=False)["stat"]
    assert (stat["size"], stat["exists"]) == (6, True)
    (found,) = closed.run("win_find", paths=["C:\\data"])["files"]
    assert (found["path"], found["size"], found["checksum"]) == (FILE, 6, None)


@pytest.fixture
def server(windows):
    windows_server.install(windows.host)
    windows_server.enable_administrator(windows.host, "Administrator", "Lab-Adm1n!")
    return windows


@pytest.mark.parametrize(
    "path",
    [
        *(
            rf"C:\Windows\System32\config\{name}"
            for name in ("SAM", "SECURITY", "SOFTWARE", "SYSTEM", "DEFAULT")
        ),
        r"C:\Windows\ServiceProfiles\NetworkService\NTUSER.DAT",
        r"C:\Users\Administrator\NTUSER.DAT",
        r"C:\pagefile.sys",
    ],
)
def test_what_the_kernel_has_open_on_every_server(server, path):
    assert "being used by another process" in server.run("win_stat", path=path)["msg"]
    stat = server.run("win_stat", path=path, get_checksum=False)["stat"]
    assert (stat["exists"], stat["ishidden"]) == (True, True)
    assert (
        refusal(server.host.files.delete, path, session=server.admin, force=True) == ERROR_SHARING_VIOLATION
    )


def test_the_hive_of_somebody_who_is_not_logged_on_is_a_file_like_others(server):
    ada = server.user("ada")
    path = r"C:\Users\ada\NTUSER.DAT"
    server.write(path, b"regf")
    assert server.run("win_stat", path=path)["stat"]["checksum"]
    assert server.run("win_stat", path=r"C:\Users\Default\NTUSER.DAT")["stat"]["checksum"]
    assert refusal(server.host.files.open, path, ada) == ERROR_SHARING_VIOLATION


def test_a_service_keeps_the_hive_of_its_account_open_while_it_runs(server):
    path = r"C:\Users\svc-backup\NTUSER.DAT"
    services = server.host.services
    services.stop("TailspinBackup")
    server.write(path, b"regf")
    services.start("TailspinBackup")
    assert "being used by another process" in server.run("win_stat", path=path)["msg"]
    services.stop("TailspinBackup")
    assert server.run("win_stat", path=path)["stat"]["checksum"]


def test_databases_are_open_to_others_while_their_server_does_not_run(server):
    sql_server.install(server.host)
    sql_server.create_database(server.host, "localhost", "FIMSync", server.admin.sid)
    for name in ("master.mdf", "FIMSync.mdf", "FIMSync_log.ldf"):
        path = rf"{sql_server.ROOT}\DATA\{name}"
        assert "being used by another process" in server.run("slurp", src=path)["msg"]
    server.host.services.stop("MSSQLSERVER")
    assert server.run("slurp", src=path)["content"]


def test_a_hive_that_reg_has_loaded_is_closed_until_it_is_unloaded(server):
    path = r"C:\Users\Default\NTUSER.DAT"

    def reg(*arguments):
        return programs.run(server.host, server.admin, ["reg.exe", *arguments]).rc

    assert reg("load", r"HKLM\other", path) == 0
    assert "being used by another process" in server.run("win_stat", path=path)["msg"]
    server.host.registry.set(r"HKLM\other\New", "x", Value("dword", 1))
    assert reg("unload", r"HKLM\other") == 0
    assert server.run("win_stat", path=path)["stat"]["checksum"]
