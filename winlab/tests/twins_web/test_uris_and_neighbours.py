"""How URIs are read and printed, JSON is written, keys are spelt, and which neighbours a definition may name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from winlab.errors import NotModelled, WinlabError
from winlab.host import neighbours
from winlab.host.model import Host
from winlab.host.ports import Ports
from winlab.lab import load_definition
from winlab.modules._uri import UriError, parse
from winlab.modules._windows_json import to_json
from winlab.modules.win_uri import snake_case

from .conftest import FOLDER_NAME, NAME, Web


@pytest.mark.parametrize(
    ("text", "absolute", "printed", "local"),
    [
        ("https://H.Example:443/a b", "https://h.example/a%20b", "https://h.example/a b", "/a b"),
        ("http://h", "http://h/", "http://h/", "/"),
        (
            "http://h:8080/a/../b/./c?x=1 2#f",
            "http://h:8080/b/c?x=1%202#f",
            "http://h:8080/b/c?x=1 2#f",
            "/b/c",
        ),
        # the note in win_get_url's documentation; a slash, a backslash and dots
        ("http://h/a%2Fb%5Cc/%2E%2E/d", "http://h/a/b/d", "http://h/a/b/d", "/a/b/d"),
        # everything is unescaped but these three
        ("http://h/%41%23%3F%25", "http://h/%41%23%3F%25", "http://h/A%23%3F%25", "/A#?%"),
        ("http://h/100%", "http://h/100%25", "http://h/100%25", "/100%"),
        ("http://h/ü", "http://h/%C3%BC", "http://h/ü", "/ü"),
        ("http://u:p@h/x", "http://u:p@h/x", "http://u:p@h/x", "/x"),
        (r"C:\a b\..\c.txt", "file:///C:/c.txt", "file:///C:/c.txt", r"C:\c.txt"),
        (r"C:\a#b%20c", "file:///C:/a%23b%2520c", "file:///C:/a%23b%2520c", r"C:\a#b%20c"),
        ("file:///C:/a%20b", "file:///C:/a%20b", "file:///C:/a b", r"C:\a b"),
        (r"\\srv\share\a", "file://srv/share/a", "file://srv/share/a", r"\\srv\share\a"),
        ("file://srv/share/a", "file://srv/share/a", "file://srv/share/a", r"\\srv\share\a"),
        ("http://[::1]:81/x", "http://[::1]:81/x", "http://[::1]:81/x", "/x"),
    ],
)
def test_a_uri_is_read_and_printed(text: str, absolute: str, printed: str, local: str) -> None:
    found = parse(text)
    assert (found.absolute_uri, str(found), found.local_path) == (absolute, printed, local)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http://", "Invalid URI: The hostname could not be parsed."),
        ("http://a b/", "Invalid URI: The hostname could not be parsed."),
        ("http://h:x/", "Invalid URI: Invalid port specified."),
        ("http://h:70000/", "Invalid URI: Invalid port specified."),
        ("http:x", "Invalid URI: The Authority/Host could not be parsed."),
    ],
)
def test_what_is_no_uri_says_so(text: str, message: str) -> None:
    with pytest.raises(UriError) as error:
        parse(text)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/x", "http://h:81/x"),
        ("x", "http://h:81/a/x"),
        ("../x", "http://h:81/x"),
        ("?q", "http://h:81/a/b?q"),
        ("//i/x", "http://i/x"),
        ("https://i/x", "https://i/x"),
    ],
)
def test_where_a_redirect_leads(location: str, target: str) -> None:
    assert parse("http://h:81/a/b?c").join(location).absolute_uri == target


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ContentType", "content_type"),
        ("ETag", "e_tag"),
        ("XFrameOptions", "x_frame_options"),
        ("Date", "date"),
        ("WWWAuthenticate", "www_authenticate"),
        ("TargetGroupARNs", "target_group_arns"),
        ("DNSs", "dnss"),
    ],
)
def test_keys_are_spelt_as_camel_conversion_does(name: str, key: str) -> None:
    assert snake_case(name) == key


def test_json_is_written_as_windows_powershell_does() -> None:
    assert to_json({"a": ["<&>'\"\\/ü", 1, 1.5, None, False]}) == (
        '{"a":["\\u003c\\u0026\\u003e\\u0027\\"\\\\/ü",1,1.5,null,false]}'
    )
    deep: Any = 1
    for _ in range(30):
        deep = [deep]
    with pytest.raises(NotModelled):
        to_json(deep)


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ("[x]", "hosts.a.web: list; expected a mapping of names"),
        ("{n: {address: 10.0.0.1}}", "hosts.a.web.n.address: '10.0.0.1'; expected a loopback address"),
        ("{n: {address: localhost}}", "hosts.a.web.n.address: 'localhost'; expected a loopback address"),
        ("{n: {}}", "hosts.a.web.n: ; expected either files, or address"),
        (
            "{n: {files: ., address: 127.0.0.1}}",
            "hosts.a.web.n: address, files; expected either files, or address",
        ),
        ("{n: {files: nowhere}}", "hosts.a.web.n.files: "),
        ("{n: {address: 127.0.0.1, ports: {80: x}}}", "hosts.a.web.n.ports: "),
        ("{n: {address: 127.0.0.1, ports: {0: 80}}}", "hosts.a.web.n.ports: "),
        ("{n: {adress: 127.0.0.1}}", "hosts.a.web.n: adress; expected a mapping with address, files, ports"),
    ],
)
def test_a_definition_can_name_loopback_and_folders_alone(tmp_path: Path, entry: str, where: str) -> None:
    path = tmp_path / "lab.yml"
    path.write_text(f"hosts: {{a: {{web: {entry}}}}}\n")
    with pytest.raises(WinlabError) as error:
        load_definition(path)
    assert where in str(error.value)


def test_a_folder_is_meant_beside_the_definition(tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    path = tmp_path / "lab.yml"
    path.write_text("hosts: {a: {web: {n: {files: www}, m: {address: 127.0.0.1}}}}\n")
    assert load_definition(path).hosts["a"]["web"] == {
        "n": {"files": str(tmp_path / "www")},
        "m": {"address": "127.0.0.1"},
    }


def test_a_holder_of_a_port_sees_the_connections_since_it_opened_it() -> None:
    ports = Ports(lambda: None)
    assert not ports.connect(1234)
    ports.listen(1234, "script:x")
    assert ports.connections(1234) == 0
    assert ports.connect(1234)
    assert ports.connections(1234) == 1
    ports.listen(1234, "script:x")
    assert ports.connections(1234) == 0


@pytest.mark.lab
def test_win_wait_for_asks_ports_of_the_host_and_of_its_neighbours(web: Web) -> None:
    results = web.play(
        [
            {"ansible.windows.win_wait_for": {"host": name, "port": port, "state": state, "timeout": 1}}
            for name, port, state in (
                (NAME, 80, "started"),
                (NAME, 81, "stopped"),
                (NAME, 81, "started"),
                (FOLDER_NAME, 80, "started"),
                ("localhost", 5986, "started"),
                ("www.example.org", 80, "started"),
            )
        ]
    )
    assert [result.get("msg", "") for result in results] == [
        "",
        "",
        f"timeout while waiting for {NAME}:81 to start listening",
        "",
        "",
        "winlab: win01: win_wait_for on a port of www.example.org is not modelled. Only its own ports and those of "
        "the machines that the definition's `web` names are known.",
    ]


def test_nothing_leaves_loopback_whoever_made_the_host(tmp_path: Path) -> None:
    host = Host("win01", {"web": {"n": {"address": "192.0.2.1"}}}, tmp_path / "host")
    with pytest.raises(WinlabError, match=r"win01: web\.n: 192\.0\.2\.1; expected a loopback address"):
        neighbours.find(host, "N")
