"""The service control manager, reboots, packages, programs: the host below the modules."""

from __future__ import annotations

import pytest
from winlab.errors import NotModelled, Win32Error, WinlabError
from winlab.host import images
from winlab.host.model import Host
from winlab.host.packages import Product
from winlab.host.registry import Value
from winlab.host.services import Service, register_service_behaviour

from winlab import command_lines, programs, scripts

IMAGE = r"C:\Program Files\Lab\svc.exe"
events: list[str] = []


@pytest.fixture
def now():
    return [1_700_000_000.0]


@pytest.fixture
def host(tmp_path, now) -> Host:
    events.clear()
    register_service_behaviour(
        "lab-svc",
        start=lambda run: events.append(f"start {run.service.name} as {run.session.user}"),
        stop=lambda run: events.append(f"stop {run.service.name}"),
    )
    host = Host("win01", {}, tmp_path, clock_source=lambda: now[0])
    programs.install(host, IMAGE, "lab-svc")
    for name, needs in (("A", ()), ("B", ("A",)), ("C", ("B", "+Group"))):
        group = "Group" if name == "A" else ""
        host.services.create(Service(name, image_path=IMAGE, depends_on=needs, load_order_group=group))
    return host


def code(call) -> int:
    with pytest.raises(Win32Error) as caught:
        call()
    return caught.value.code


def test_dependencies_start_first_and_stop_last(host):
    host.services.start("C")
    assert events == ["start A as SYSTEM", "start B as SYSTEM", "start C as SYSTEM"]
    assert code(lambda: host.services.stop("A")) == 1051
    events.clear()
    host.services.stop("A", force=True)
    assert events == ["stop C", "stop B", "stop A"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"start_mode": "disabled"}, 1058),
        ({"image_path": r"C:\none.exe"}, 2),
        ({"depends_on": ("Missing",)}, 1075),
        ({"depends_on": ("C",)}, 1068),
        ({"account": r".\ada", "password": "x"}, 1069),
        ({"image_path": r"C:\Windows\System32\tool.exe"}, 1053),
    ],
)
def test_a_start_fails_with_the_codes_of_the_scm(host, change, expected):
    programs.install(host, r"C:\Windows\System32\tool.exe", "whoami")
    host.accounts.create_user("ada", "Corr3ct-horse")
    host.services.configure("C", depends_on=("Missing",))
    host.services.configure("A", **change)
    assert code(lambda: host.services.start("A")) == expected
    assert host.services.get("A").state == "stopped"


@pytest.mark.parametrize("needed", ["C", "a"])
def test_services_cannot_be_made_to_need_each_other_or_themselves(host, needed):
    before = host.services.get("A")
    assert code(lambda: host.services.configure("A", depends_on=(needed,))) == 1059
    assert host.services.get("A") == before
    assert code(lambda: host.services.create(Service("X", depends_on=("Y", "x")))) == 1059
    host.services.create(Service("Y", depends_on=("X",)))
    assert code(lambda: host.services.create(Service("X", depends_on=("Y",)))) == 1059


def test_services_that_wait_for_each_other_by_their_group_do_not_start(host):
    host.services.configure("A", depends_on=("+group",))
    host.services.configure("C", load_order_group="group")
    assert code(lambda: host.services.start("A")) == 1068


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda s: s.create(Service("a")), 1073),
        (lambda s: s.create(Service("X", display_name="A")), 1078),
        (lambda s: s.configure("A", display_name="b"), 1078),
        (lambda s: s.create(Service("X", account="nobody")), 1057),
        (lambda s: s.start("none"), 1060),
        (lambda s: s.stop("A"), 1062),
        (lambda s: s.pause("A"), 1062),
        (lambda s: s.delete("none"), 1060),
    ],
)
def test_the_scm_refuses_with_its_codes(host, call, expected):
    assert code(lambda: call(host.services)) == expected


def test_a_service_that_is_told_not_to_obey_does_not_stop_until_the_reboot(host):
    host.services.start("A")
    host.services.stubborn.add("a")
    assert code(lambda: host.services.stop("A")) == 1053
    host.reboot()
    assert host.services.get("A").state == "stopped"


def test_the_ports_of_winrm_close_with_its_service_and_are_open_again_after_a_reboot(host):
    programs.install(host, r"C:\Windows\System32\svchost.exe", "svchost")
    host.services.create(
        Service("WinRM", image_path=r"C:\Windows\System32\svchost.exe -k x", start_mode="auto")
    )
    host.services.start("WinRM")
    host.services.stop("WinRM")
    assert not host.ports.is_open(5985)
    host.reboot()
    assert host.ports.is_open(5985)


def test_a_crash_ends_the_process_without_the_stop_hook(host):
    host.services.start("A")
    pid = host.services.get("A").pid
    host.services.crash("A", 5)
    assert events == ["start A as SYSTEM"]
    assert host.processes.get(pid).exit_code == 5
    assert host.events.read("System", event_id=7034)


def test_the_registry_mirrors_a_service_and_forgets_it(host):
    key = r"HKLM\SYSTEM\CurrentControlSet\Services\B"
    host.services.configure("B", start_mode="delayed", description="d")
    values = {name: value.data for name, value in host.registry.values(key).items()}
    assert (values["Start"], values["DelayedAutostart"], values["ObjectName"]) == (2, 1, "LocalSystem")
    assert (values["DependOnService"], values["ImagePath"], values["Description"]) == (["A"], IMAGE, "d")
    host.services.configure("B", start_mode="manual", description="")
    assert "Description" not in host.registry.values(key)
    host.services.delete("C")
    assert not host.registry.key_exists(key[:-1] + "C")


@pytest.mark.parametrize(
    ("image_path", "expected"),
    [
        (f'"{IMAGE}" -k x', (IMAGE, "-k x")),
        (f"{IMAGE} -k x", (IMAGE, "-k x")),  # unquoted blanks are tried word by word
        (r"%ProgramFiles%\Lab\svc.exe", (IMAGE, "")),
        (r"\SystemRoot\x.sys", (r"C:\Windows\x.sys", "")),
        (r"\??\C:\x.sys", (r"C:\x.sys", "")),
    ],
)
def test_the_executable_is_found_in_an_image_path(host, image_path, expected):
    assert images.split_image_path(host, image_path) == expected


def test_a_reboot_does_what_was_pending(host, now):
    host.files.write_bytes(r"C:\new.txt", b"new")
    host.files.write_bytes(r"C:\old.txt", b"old")
    host.files.write_bytes(r"C:\gone.txt", b"x")
    host.rename_at_boot(r"C:\new.txt", r"C:\old.txt")
    host.rename_at_boot(r"C:\gone.txt")
    host.mark_reboot_pending("windows_update")
    host.rename_computer("other")
    assert host.pending_reboot() == ["computer_rename", "file_rename_operations", "windows_update"]
    seen = []
    host.reboot_hooks.append(lambda rebooted: seen.append(rebooted.boot_count))
    before = host.boot_time
    host.reboot(outage=5)
    assert (seen, host.reachable, host.computer_name) == ([2], False, "OTHER")
    assert host.boot_time > before
    now[0] += 5
    assert host.reachable
    assert host.files.read_bytes(r"C:\old.txt") == b"new"
    assert not host.files.exists(r"C:\gone.txt")
    assert host.pending_reboot() == []


def test_a_scheduled_reboot_happens_when_its_time_comes_or_is_called_off(host, now):
    host.schedule_reboot(10)
    assert host.tick() is False
    now[0] += 10
    assert host.tick() is True
    assert host.boot_count == 2
    host.schedule_reboot(10)
    assert (host.abort_reboot(), host.abort_reboot()) == (True, False)


def test_a_product_is_on_the_list_and_in_the_registry(host):
    product = Product("{11111111-2222-3333-4444-555555555555}", "Tool", "1.2.3", upgrade_code="{AA}")
    host.packages.install(product)
    key = host.packages.uninstall_key(product)
    values = {name: value.data for name, value in host.registry.values(key).items()}
    assert (values["DisplayName"], values["Version"], values["WindowsInstaller"]) == ("Tool", 0x01020003, 1)
    assert host.packages.related("{aa}") == [product]
    host.packages.remove(product.code.lower())
    assert not host.registry.key_exists(key)
    assert code(lambda: host.packages.remove(product.code)) == 1605


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r'a "b c" d', ["a", "b c", "d"]),
        (r'"C:\Program Files\x.exe" /y', [r"C:\Program Files\x.exe", "/y"]),
        (r"a b\"c", ["a", 'b"c']),
        (r'a "b\\" c', ["a", "b\\", "c"]),
        (r"a b\\c", ["a", r"b\\c"]),
        ('a ""', ["a", ""]),
        ("", []),
    ],
)
def test_command_lines_are_cut_as_windows_cuts_them(line, words):
    assert command_lines.split(line) == words


@pytest.mark.parametrize("argument", ["", "a", "a b", 'a"b', "a\\", "a b\\", 'a\\"b', "a\\\\ b"])
def test_a_quoted_argument_comes_back(argument):
    assert command_lines.split("x " + command_lines.quote(argument))[1:] == [argument]


def test_an_executable_is_known_by_its_content_never_by_its_name(host):
    host.files.write_bytes(r"C:\Windows\System32\whoami.exe", b"MZ other")
    system = host.accounts.token("S-1-5-18")
    with pytest.raises(NotModelled, match=r"whoami\.exe \(SHA-256 [0-9a-f]{64}\)"):
        programs.run(host, system, "whoami", cwd="C:\\")
    digest = host.files.digest(r"C:\Windows\System32\whoami.exe", "sha256")
    programs.register_content(digest, "hostname")
    assert programs.run(host, system, "whoami", cwd="C:\\").stdout == "WIN01\r\n"


@pytest.mark.parametrize(
    ("content", "command", "expected"),
    [(None, "none", 2), (b"text", r"C:\x.exe", 193), (b"MZ winlab program whoami\n", "x /y", 267)],
)
def test_a_program_that_cannot_start_gives_the_systems_code(host, content, command, expected):
    if content:
        host.files.write_bytes(r"C:\x.exe", content)
    cwd = r"C:\none" if expected == 267 else "C:\\"
    system = host.accounts.token("S-1-5-18")
    assert code(lambda: programs.run(host, system, command, cwd=cwd)) == expected


def test_scripts_of_the_lab_definition_are_registered_and_checked(tmp_path):
    (tmp_path / "x.ps1").write_text("Get-Lab\n")
    behaviour = "winlab.products.mim_scripts:list_management_agents"
    scripts.load_definition([{"path": "x.ps1", "behaviour": behaviour}], tmp_path)
    assert scripts.find("  Get-Lab  ") is not None
    for entry, text in (
        ({"path": "x.ps1", "sha256": "00", "behaviour": behaviour}, "expected 00"),
        ({"path": "none.ps1", "behaviour": behaviour}, "expected a script"),
        ({"sha256": "00", "behaviour": "none:x"}, "expected 'package.module:function'"),
    ):
        with pytest.raises(WinlabError, match=text):
            scripts.load_definition([entry], tmp_path)


def test_the_environment_comes_from_the_registry(host):
    host.environment.seed()
    system = host.accounts.token("S-1-5-18")
    host.environment.set_machine("LAB_HOME", r"%SystemDrive%\lab")
    assert host.environment.block(system)["LAB_HOME"] == r"C:\lab"
    host.environment.set_machine("LAB_HOME", None)
    assert "LAB_HOME" not in host.environment.block(system)
    host.registry.set(
        r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment", "X", Value("string", "1")
    )
    assert host.environment.expand("%x% %none%", system) == "1 %none%"
    user = host.accounts.create_user("ada", "Corr3ct-horse")
    session = host.accounts.token(user.sid, "network")
    host.environment.set_user(user.sid, "Path", r"C:\mine")
    block = host.environment.block(session, {"EXTRA": "y"})
    assert block["Path"].endswith(r";C:\mine")
    assert (block["USERNAME"], block["TEMP"], block["EXTRA"]) == (
        "ada",
        r"C:\Users\ada\AppData\Local\Temp",
        "y",
    )


class TestVariables:
    KEY = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"

    @pytest.fixture
    def block(self, host):
        host.environment.seed()

        def block(value: Value) -> dict[str, str]:
            host.registry.set(self.KEY, "LAB", value)
            return host.environment.block(host.accounts.token("S-1-5-18"))

        return block

    def test_only_a_value_to_expand_is_expanded(self, block):
        assert block(Value("string", r"%SystemDrive%\lab"))["LAB"] == r"%SystemDrive%\lab"
        assert block(Value("expandstring", r"%SystemDrive%\lab"))["LAB"] == r"C:\lab"

    @pytest.mark.parametrize(
        "value", [Value("binary", b"x"), Value("multistring", ["a", "b"]), Value("dword", 5)]
    )
    def test_what_is_no_text_is_no_variable(self, host, block, value):
        assert "LAB" not in block(value)
        assert "LAB" not in host.environment.machine()

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("%foo%SystemDrive%", "%fooC:"),
            ("%a%b%SystemDrive%c", "%a%bC:c"),
            ("100%", "100%"),
            ("%SystemDrive%%SystemDrive%", "C:C:"),
            ("%%", "%%"),
            ("%none%", "%none%"),
        ],
    )
    def test_what_is_no_variable_stays_and_the_next_one_is_found(self, host, text, expected):
        assert host.environment.expand(text, host.accounts.token("S-1-5-18")) == expected


class TestDeletion:
    def test_a_running_service_goes_when_it_stops(self, host):
        key = r"HKLM\SYSTEM\CurrentControlSet\Services\A"
        host.services.start("A")
        host.services.delete("A")
        assert host.services.get("A").state == "running"
        assert host.registry.get(key, "DeleteFlag") == Value("dword", 1)
        assert code(lambda: host.services.delete("A")) == 1072
        assert code(lambda: host.services.start("A")) == 1072
        assert code(lambda: host.services.configure("A", description="d")) == 1072
        assert code(lambda: host.services.create(Service("a", image_path=IMAGE))) == 1072
        assert host.services.stop("A").state == "stopped"
        assert host.services.get("A") is None
        assert not host.registry.key_exists(key)

    @pytest.mark.parametrize("end", [lambda host: host.reboot(), lambda host: host.services.crash("A")])
    def test_every_end_takes_it_away(self, host, end):
        host.services.start("A")
        host.services.delete("A")
        host.save()
        end(host)
        assert host.services.get("A") is None

    def test_nothing_that_depends_on_it_starts_any_more(self, host):
        host.services.start("A")
        host.services.delete("A")
        assert code(lambda: host.services.start("B")) == 1075


def test_a_paused_service_runs_already(host):
    host.services.create(Service("P", image_path=IMAGE, can_pause=True))
    host.services.start("P")
    host.services.pause("P")
    assert code(lambda: host.services.start("P")) == 1056
    host.services.create(Service("Q", image_path=IMAGE, depends_on=("P",)))
    assert host.services.start("Q").state == "running"


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (Service("", image_path=IMAGE), 123),
        (Service("a/b", image_path=IMAGE), 123),
        (Service("a\\b", image_path=IMAGE), 123),
        (Service("n" * 257, image_path=IMAGE), 87),
        (Service("n" * 256, image_path=IMAGE), 87),  # no key has such a name
        (Service("n", display_name="d" * 257, image_path=IMAGE), 87),
    ],
)
def test_an_impossible_name_leaves_no_service(host, service, expected):
    before = host.services.to_state(), host.registry.to_state()
    assert code(lambda: host.services.create(service)) == expected
    assert (host.services.to_state(), host.registry.to_state()) == before


class TestGroups:
    def member(self, host, name, **options):
        host.services.create(Service(name, image_path=IMAGE, load_order_group="net", **options))

    def test_a_group_without_members_is_a_dependency_that_fails(self, host):
        host.services.create(Service("D", image_path=IMAGE, depends_on=("+Net",)))
        assert code(lambda: host.services.start("D")) == 1068

    def test_one_member_that_starts_is_enough(self, host):
        self.member(host, "bad", start_mode="disabled")
        self.member(host, "good")
        host.services.create(Service("D", image_path=IMAGE, depends_on=("A", "+Net")))
        host.services.start("D")
        assert host.services.get("good").state == "running"
        values = host.registry.values(r"HKLM\SYSTEM\CurrentControlSet\Services\D")
        assert (values["DependOnService"].data, values["DependOnGroup"].data) == (["A"], ["Net"])

    def test_none_is_too_few(self, host):
        self.member(host, "bad", start_mode="disabled")
        host.services.create(Service("D", image_path=IMAGE, depends_on=("+Net",)))
        assert code(lambda: host.services.start("D")) == 1068


@pytest.mark.parametrize(("password", "right", "event"), [("x", True, 7038), ("Corr3ct-horse", False, 7041)])
def test_the_log_tells_a_wrong_password_from_a_missing_right(host, password, right, event):
    sid = host.accounts.create_user("svc", "Corr3ct-horse").sid
    if right:
        host.accounts.grant("SeServiceLogonRight", sid)
    host.services.configure("A", account="svc", password=password)
    assert code(lambda: host.services.start("A")) == 1069
    logged = host.events.read("System", "Service Control Manager")
    assert [found.event_id for found in logged][-2:] == [event, 7000]
