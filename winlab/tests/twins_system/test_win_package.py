"""win_package with real packages of the lab's media, and with programs that have an Uninstall key."""

from __future__ import annotations

import pytest
from winlab.host.packages import Product
from winlab.products import media
from winlab.products.msi_package import read_package

from winlab import programs

MSI = r"C:\media\connector.msi"
PACKAGE = media.folder() / "connectors" / "ContosoHrConnector.msi"
SETUP = r"C:\media\setup tool.exe"


@programs.program("test-setup")
def setup_tool(call: programs.ProcessCall) -> programs.ProcessResult:
    """Installs with no argument, removes with /u; RC=n is its exit code."""
    rc = int(next((word[3:] for word in call.arguments if word.startswith("RC=")), "0"))
    if rc in (0, 3010):
        if "/u" in call.arguments:
            call.host.packages.remove("LabTool")
        else:
            call.host.packages.install(
                Product(
                    "LabTool",
                    "Lab Tool",
                    "1.2",
                    kind="registry",
                    uninstall_string=f"{call.image} /u",
                )
            )
    return programs.ProcessResult(rc & 0xFFFFFFFF, "out", "err")


@programs.program("test-msiexec")
def other_msiexec(call: programs.ProcessCall) -> programs.ProcessResult:
    """Ends with the code in TEST_RC after writing a log as msiexec does."""
    log = call.arguments[call.arguments.index("/L*V") + 1]
    call.host.files.write_bytes(log, "one\r\ntwo\r\n".encode("utf-16"))
    return programs.ProcessResult(int(call.environment["TEST_RC"]))


@pytest.fixture
def host(windows):
    windows.host.files.mkdir(r"C:\media")
    windows.host.files.write_bytes(MSI, PACKAGE.read_bytes())
    programs.install(windows.host, SETUP, "test-setup")
    return windows


@pytest.fixture
def ending(host):
    """A host whose msiexec.exe only ends with a code."""
    programs.install(host.host, r"C:\Windows\System32\msiexec.exe", "test-msiexec")
    return host


def last_command_line(host) -> str:
    return host.host.processes.history()[-1].command_line


@pytest.mark.parametrize(
    ("rc", "expected", "failed", "reboot"),
    [
        (0, None, False, False),
        (3010, None, False, True),
        (1641, None, True, False),  # not among the default codes
        (1641, [0, 1641, 3010], False, False),
        (1603, None, True, False),
        (1618, None, True, False),
        (1619, None, True, False),
        (3010, [0], True, False),
    ],
)
def test_exit_codes_of_msiexec(ending, rc, expected, failed, reboot):
    options = {"expected_return_code": expected} if expected else {}
    result = ending.run("win_package", path=MSI, environment={"TEST_RC": str(rc)}, **options)
    assert (result["failed"], result["rc"], result["reboot_required"]) == (failed, rc, reboot)
    assert result["changed"] is not failed
    assert result.get("log") == ("one\r\ntwo\r\n" if failed else None)


def test_a_failure_shows_the_whole_command_line_so_secrets_need_no_log(ending):
    result = ending.run(
        "win_package",
        path=MSI,
        arguments="SERVICEPASSWORD=s3cret",
        log_path=r"C:\media\x.log",
        environment={"TEST_RC": "1603"},
    )
    assert result["msg"] == (
        r"unexpected rc from 'C:\Windows\System32\msiexec.exe /i C:\media\connector.msi /L*V C:\media\x.log /qn "
        "/norestart SERVICEPASSWORD=s3cret': see rc, stdout, and stderr for more details"
    )
    assert ending.host.files.exists(r"C:\media\x.log")


def test_a_list_of_arguments_is_quoted_and_the_own_log_is_removed(ending):
    ending.run("win_package", path=MSI, arguments=["A=b c", "D"], environment={"TEST_RC": "0"})
    assert last_command_line(ending).endswith('\\msiexec.log /qn /norestart "A=b c" D')
    assert ending.host.files.listdir(r"C:\Users\Administrator\AppData\Local\Temp") == []


def test_a_package_counts_as_installed_by_the_product_code_it_holds(ending):
    code = read_package(PACKAGE.read_bytes()).product_code
    ending.host.packages.install(Product(code, "Connector", "1.0"))
    assert ending.run("win_package", path=MSI) == {
        "changed": False,
        "rc": 0,
        "reboot_required": False,
    }
    removed = ending.run("win_package", path=MSI, state="absent", environment={"TEST_RC": "0"})
    assert removed["changed"] is True
    assert f"msiexec.exe /x {code} /L*V" in last_command_line(ending)


def test_check_mode_starts_nothing_and_needs_no_file(ending):
    assert ending.run("win_package", path=MSI, check=True)["changed"] is True
    missing = ending.run("win_package", path=r"C:\media\none.msi", check=True)
    assert (missing["changed"], missing["rc"]) == (True, 0)
    assert ending.host.processes.history() == []


def test_a_missing_file_is_an_error_outside_check_mode(host):
    assert host.run("win_package", path=r"C:\media\none.msi") == {
        "changed": False,
        "failed": True,
        "msg": r"the file at the path 'C:\media\none.msi' cannot be reached",
        "reboot_required": False,
    }


def test_a_file_that_is_only_called_msi_cannot_be_opened(host):
    host.host.files.write_bytes(r"C:\media\broken.msi", b"text")
    assert (
        'Exception calling "OpenPackage" with "2" argument(s)'
        in host.run("win_package", path=r"C:\media\broken.msi")["msg"]
    )


def test_a_setup_program_is_known_by_its_uninstall_key(host):
    options = {"path": SETUP, "product_id": "LabTool"}
    first = host.run("win_package", arguments="/quiet", **options)
    assert (first["changed"], first["rc"], last_command_line(host)) == (True, 0, f'"{SETUP}" /quiet')
    assert host.run("win_package", **options)["changed"] is False
    gone = host.run("win_package", product_id="LabTool", state="absent")
    # the unquoted uninstall string has a blank in its program's name (lines 1239-1265)
    assert (gone["changed"], last_command_line(host)) == (True, f'"{SETUP}" /u')
    assert host.run("win_package", product_id="LabTool", state="absent")["changed"] is False


@pytest.mark.parametrize("rc", [5, -1])
def test_an_unexpected_code_of_a_setup_program_fails_with_its_output(host, rc):
    result = host.run("win_package", path=SETUP, product_id="LabTool", arguments=[f"RC={rc}"])
    assert (result["failed"], result["rc"], result["stdout"], result["stderr"]) == (True, rc, "out", "err")


@pytest.mark.parametrize(
    ("creates", "changed"),
    [
        ({"creates_path": MSI}, False),
        ({"creates_path": r"C:\none"}, True),
        ({"creates_service": "none"}, True),
        ({"creates_path": MSI, "creates_version": "1.2.3.4"}, True),
        ({"creates_path": MSI, "creates_version": "0.0.0.0"}, False),
    ],
)
def test_creates_overrules_what_is_installed(host, creates, changed):
    assert host.run("win_package", path=SETUP, check=True, **creates)["changed"] is changed


def test_the_version_of_a_folder_cannot_be_asked(host):
    result = host.run("win_package", path=SETUP, creates_path=r"C:\media", creates_version="1")
    assert "creates_path must be a file not a directory when creates_version is set" in result["msg"]


def test_a_checksum_is_compared_and_returned(host):
    digest = host.host.files.digest(SETUP, "sha1").upper()
    bad = host.run("win_package", path=SETUP, product_id="LabTool", checksum="deadbeef")
    assert bad["msg"] == f"The checksum for {SETUP} did not match 'deadbeef', it was '{digest}'"
    good = host.run("win_package", path=SETUP, product_id="LabTool", checksum=digest.lower())
    assert good["checksum"] == digest


@pytest.mark.parametrize(
    ("options", "msg"),
    [
        ({"state": "present"}, "state is present but all of the following are missing: path"),
        ({"state": "absent"}, "state is absent but any of the following are missing: path, product_id"),
        (
            {"path": SETUP, "creates_version": "1"},
            "missing parameter(s) required by 'creates_version': creates_path",
        ),
    ],
)
def test_wrong_arguments_are_refused(host, options, msg):
    assert host.run("win_package", **options)["msg"] == msg
