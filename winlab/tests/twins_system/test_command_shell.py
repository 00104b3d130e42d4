"""cmd.exe and Windows' own programs: what they do as the real ones, and what they refuse by name."""

from __future__ import annotations

import pytest
from winlab.errors import NotModelled
from winlab.host.services import Service, register_service_behaviour

from winlab import programs

IMAGE = r"C:\svc.exe"


def run(windows, line, **options):
    return programs.run(windows.host, windows.session, line, cwd="C:\\", **options)


@pytest.mark.parametrize(
    ("text", "rc", "stdout"),
    [
        ("echo %CD%", 0, "C:\\\r\n"),
        ("echo %ErrorLevel%", 0, "0\r\n"),
        # The line is expanded before any of it runs, so that what it sets is not seen by its own text.
        ("exit 3 & echo %ERRORLEVEL%", 3, ""),
        ('set "X=1"&& echo [%X%]', 0, "[%X%]\r\n"),
        ('set "X=1"&& set X', 0, "X=1\r\n"),
        ("set X=1&& cmd /c set x", 0, "X=1\r\n"),
        ("set X=1&& set X=&& set X", 1, ""),
        ("echo a^&b ^> c", 0, "a&b > c\r\n"),
        ('echo "a^&b"', 0, '"a^&b"\r\n'),
        ("echo 100% %COMPUTERNAME%", 0, "100% WIN01\r\n"),
        ("@echo off & @echo hi", 0, "hi\r\n"),
        ("echo", 0, "ECHO is on.\r\n"),
        ("echo.", 0, "\r\n"),
        ("echo:x", 0, "x\r\n"),
        ("none.exe & exit", 1, ""),
        ("exit /b 4", 4, ""),
        ("echo x> nul", 0, ""),
        ("md", 1, ""),
        ("hostname", 0, "WIN01\r\n"),
        # `cmd /?`: the first quote and the last one go, unless two stand around the name of a program.
        ('"echo a"', 0, "a\r\n"),
        ('"echo "a" b"', 0, '"a" b\r\n'),
        ('"echo a', 0, "a\r\n"),
        ('echo "a"', 0, '"a"\r\n'),
    ],
)
def test_a_line_of_cmd(windows, text, rc, stdout):
    result = run(windows, f"cmd.exe /c {text}")
    assert (result.rc, result.stdout) == (rc, stdout)


def test_a_program_with_a_blank_needs_quotes_around_the_whole_when_an_argument_has_some(windows):
    windows.host.files.mkdir("C:\\a b", session=None)
    windows.host.files.copy(r"C:\Windows\System32\whoami.exe", r"C:\a b\whoami.exe")
    assert run(windows, r'cmd.exe /c "C:\a b\whoami.exe"').rc == 0
    assert (
        run(windows, r'cmd.exe /c "C:\a b\whoami.exe" /groups').stdout
        == run(windows, "whoami /groups").stdout
    )
    cut = run(windows, r'cmd.exe /c "C:\a b\whoami.exe" "/groups"')
    assert (cut.rc, "'C:\\a' is not recognized" in cut.stderr) == (1, True)
    whole = run(windows, r'cmd.exe /c ""C:\a b\whoami.exe" "/groups""')
    assert whole.stdout == run(windows, "whoami /groups").stdout


@pytest.mark.parametrize(
    "text",
    [
        "if exist C:\\x echo y", "for %i in (1) do echo %i", "copy a b", "move a b", "dir", "dir/b", "start x",
        "rem nothing", "(echo a)", "@(echo a)", ":label", "cd..", "cd \\", "exit/b 3", "exit x", "set /a 1+1",
        "set /p X=", "rd/s x", "rd /x y", "md /x y", "type a b", "type *.txt", "del /q x", "echo a & if 1==1 echo b",
        "call x", "pushd C:\\", "D:", "echo %DATE%", "echo %PATH:~0,3%", "echo a | more", "dir 2>nul",
    ],
)  # fmt: skip
def test_what_cmd_can_do_and_winlab_cannot_is_named(windows, text):
    with pytest.raises(NotModelled, match=r"win01: cmd\.exe"):
        run(windows, f"cmd.exe /c {text}")


@pytest.mark.parametrize("switches", ["/v:on /c", "/u /c", "/k", "/a /c"])
def test_a_switch_of_cmd_that_changes_what_it_does_is_named(windows, switches):
    with pytest.raises(NotModelled, match=r"cmd\.exe is imitated with /c COMMAND"):
        run(windows, f"cmd.exe {switches} echo !X!")


@pytest.mark.parametrize(
    "line",
    [
        r"shutdown /r /m \\other", "shutdown /r /zz", "shutdown /s", "shutdown /r /s", "shutdown /a /r", "shutdown",
        "shutdown /r /t 315360001", "shutdown /r /t x", "shutdown /r now", "hostname /x", "net stop A /zz", "net start A B",
    ],
)  # fmt: skip
def test_an_option_that_a_program_is_not_imitated_with_is_named(windows, line):
    with pytest.raises(NotModelled, match="win01: "):
        run(windows, line)
    assert not windows.host.shutdown_due


@pytest.fixture
def service(windows):
    register_service_behaviour("shown-svc")
    programs.install(windows.host, IMAGE, "shown-svc")
    windows.host.services.create(Service("Shown", image_path=IMAGE))
    return windows


def test_sc_shows_the_states_that_the_real_program_shows(service):
    controls = "                                (%s)\r\n"
    accepted = controls % "STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN"
    stopped = run(service, "sc query shown").stdout
    assert stopped.startswith(
        "\r\nSERVICE_NAME: shown \r\n        TYPE               : 10  WIN32_OWN_PROCESS  \r\n"
    )
    assert "STATE              : 1  STOPPED \r\n        WIN32_EXIT_CODE" in stopped
    started = run(service, "sc start shown").stdout
    assert (
        f"STATE              : 2  START_PENDING \r\n{controls % 'NOT_STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN'}"
        in started
    )
    pid = service.host.services.require("Shown").pid
    assert started.endswith(f"        PID                : {pid}\r\n        FLAGS              : \r\n")
    assert f"STATE              : 4  RUNNING \r\n{accepted}" in run(service, "sc query shown").stdout
    assert f"STATE              : 3  STOP_PENDING \r\n{accepted}" in run(service, "sc stop shown").stdout
    assert service.host.services.require("Shown").state == "stopped"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("query none", "[SC] EnumQueryServicesStatus:OpenService FAILED 1060:"),
        ("start none", "[SC] StartService: OpenService FAILED 1060:"),
        ("stop none", "[SC] OpenService FAILED 1060:"),
        ("stop shown", "[SC] ControlService FAILED 1062:"),
    ],
)
def test_sc_names_the_call_that_failed(service, line, said):
    assert run(service, f"sc {line}").stdout.startswith(f"{said}\r\n\r\n")


@pytest.mark.parametrize(("switches", "rc"), [("/c", 0), ("/s /c", 1)])
def test_quotes_around_a_program_with_a_blank_stay_unless_asked_otherwise(windows, switches, rc):
    programs.install(windows.host, r"C:\Tools With Blank\name.exe", "hostname")
    assert run(windows, rf'cmd.exe {switches} "C:\Tools With Blank\name.exe"').rc == rc


def test_a_symbolic_link_needs_its_privilege(windows):
    accounts = windows.host.accounts
    sid = accounts.create_user("ada", "Passw0rd!x").sid
    accounts.add_member("Users", sid)
    line = r"cmd.exe /c mklink /D C:\link C:\Windows"
    result = programs.run(windows.host, accounts.token(sid, "network"), line, cwd="C:\\")
    assert (result.rc, result.stderr) == (
        1,
        "You do not have sufficient privilege to perform this operation.\r\n",
    )
    assert not windows.host.files.exists(r"C:\link")
