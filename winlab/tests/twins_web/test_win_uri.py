"""win_uri through the real connection: tables of cases (fresh, again, check, wrong arguments, missing right)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import FOLDER_NAME, MODIFIED, NAME, TEXT, WRONG_NAME, Case, Web

pytestmark = pytest.mark.lab
ECHO = f"https://{NAME}/echo"
UNHANDLED = "Unhandled exception occurred when sending web request. Exception: "


def echoed(web: Web, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
    """What the server saw, for each request."""
    given = [{"ansible.windows.win_uri": {"url": ECHO, "return_content": True, **task}} for task in tasks]
    return [{**result["json"], "result": result} for result in web.play(given)]


def test_a_response_is_shown_by_its_properties_and_headers(web: Web) -> None:
    [result] = web.play([{"ansible.windows.win_uri": {"url": f"https://{NAME}/text#x"}}])
    shown = {
        "changed": False,
        "url": f"https://{NAME}/text#x",
        "response_uri": f"https://{NAME}/text#x",
        "method": "GET",
        "status_code": 200,
        "status_description": "OK",
        "msg": "OK",
        "content_type": "text/plain; charset=utf-8",
        "character_set": "utf-8",
        "content_length": str(len(TEXT)),  # the header's text
        "last_modified": MODIFIED,
        "is_from_cache": False,
        "cookies": [],
        "protocol_version": {
            "Major": 1,
            "Minor": 1,
            "Build": -1,
            "Revision": -1,
            "MajorRevision": -1,
            "MinorRevision": -1,
        },
    }
    assert {key: result.get(key) for key in shown} == shown
    assert "Last-Modified" in result["headers"]
    assert result["server"].startswith("BaseHTTP")
    assert "content" not in result
    assert result["elapsed"] > 0


def test_status_codes(web: Web) -> None:
    web.table(
        "win_uri",
        [
            Case(
                {"url": f"http://{NAME}/missing", "return_content": True},
                {
                    "failed": True,
                    "status_code": 404,
                    "status_description": "NOT HERE",
                    "content": "nothing here",
                    "msg": "Status code of request '404' is not in list of valid status codes 200 : NotFound'.",
                },
            ),
            Case(
                {"url": f"http://{NAME}/missing", "status_code": "404, 200"},
                {"changed": False, "msg": "NOT HERE"},
            ),
            Case(
                {"url": f"http://{NAME}/status/418", "status_code": [200, 201]},
                {
                    "failed": True,
                    "msg": "Status code of request '418' is not in list of valid status codes 200 201 : 418'.",
                },
            ),
            Case(
                {"url": f"http://{NAME}/text", "status_code": ["ok"]},
                {"failed": True},
                contains={"msg": "unable to convert to int"},
            ),
        ],
    )


def test_files_are_written_once_and_never_in_check_mode(web: Web) -> None:
    url, dest = f"http://{NAME}/text", r"C:\got\uri.txt"
    web.table(
        "win_uri",
        [
            Case({"url": url, "dest": dest}, {"changed": True}, check=True),
            Case({"url": url, "removes": dest}, {"skipped": True, "changed": False}),
            Case({"url": url, "dest": dest}, {"changed": True}),
            Case(
                {"url": url, "dest": dest, "return_content": True},
                {"changed": False, "content": TEXT.decode()},
            ),
            Case(
                {"url": url, "creates": dest},
                {"skipped": True, "msg": f"The 'creates' file or directory ({dest}) already exists."},
            ),
            Case({"url": url, "removes": dest}, {"changed": False, "status_code": 200}),
            Case(
                {"url": f"http://{NAME}/missing", "dest": dest},
                {"failed": True, "changed": True, "status_code": 404},
            ),
            Case(
                {"url": url, "dest": r"C:\Windows\uri.txt"},
                {
                    "failed": True,
                    "msg": f'{UNHANDLED}Exception calling "Create" with "1" argument(s): "Access to the path '
                    "'C:\\Windows\\uri.txt' is denied.\"",
                },
                user="ann",
            ),
            Case(
                {"url": url, "dest": r"C:\none\uri.txt"},
                {"failed": True},
                contains={"msg": r"Could not find a part of the path 'C:\none\uri.txt'."},
            ),
        ],
    )
    assert web.host.files.read_bytes(dest) == b"nothing here"  # line 144: before the status is judged


def test_redirects(web: Web) -> None:
    def at(path: str, **more: Any) -> dict[str, Any]:
        return {"response_uri": f"http://{NAME}/{path}", **more}

    def asks(path: str, **options: Any) -> dict[str, Any]:
        return {"url": f"http://{NAME}/{path}", **options}

    put = {"method": "PUT", "body": "x"}
    too_many = {"maximum_redirection": 4, "status_code": 302}
    web.table(
        "win_uri",
        [
            Case(asks("redirect/302/2"), at("echo", status_code=200)),
            Case(asks("redirect/302/2", method="head"), at("echo", method="HEAD")),
            Case(asks("redirect/302/2", follow_redirects="none", status_code=302), at("redirect/302/2")),
            Case(asks("redirect/302/2", maximum_redirection=0, status_code=302), at("redirect/302/2")),
            Case(asks("redirect/302/2", status_code=302, **put), at("redirect/302/2", method="PUT")),
            Case(asks("redirect/302/2", follow_redirects="all", **put), at("echo", method="PUT")),
            Case(
                asks("redirect/307/1", follow_redirects="all", method="POST", body="x"),
                at("echo", method="POST"),
            ),
            Case(
                asks("redirect/301/1", follow_redirects="all", method="POST", body="x"),
                at("echo", method="GET"),
            ),
            Case(asks("redirect/303/1", follow_redirects="all", **put), at("echo", method="GET")),
            Case(asks("redirect/302/5", **too_many), at("redirect/302/1", status_code=302)),
            Case(asks("redirect/302/4", maximum_redirection=4), at("echo")),
            Case(asks("elsewhere", status_code=302), at("elsewhere", status_code=302)),
            Case(asks("redirect/302/1", follow_redirects="never"), {"failed": True}),
        ],
    )


def test_what_is_sent(web: Web) -> None:
    plain, posted, listed, text, number, fields, agent, header, both = echoed(
        web,
        {},
        {
            "method": "post",
            "body": {"a": [1, "it's <b>", None, True], "b": "ü"},
            "content_type": "application/json",
        },
        {"method": "PUT", "body": [{"a": 1}], "headers": {"Content-Type": "text/json"}},
        {"method": "PUT", "body": "plain=text"},
        {"method": "PUT", "body": 5},
        {
            "headers": {
                "testing": 123,
                "accept": "text/html",
                "flag": True,
                "Range": 5,
                "Host": "named.example",
            }
        },
        {"http_agent": "mine"},
        {"headers": {"User-Agent": "theirs"}},
        {"http_agent": "mine", "headers": {"User-Agent": "theirs"}},
    )
    assert plain["headers"] == {"User-Agent": "ansible-httpget", "Host": NAME, "Connection": "Keep-Alive"}
    body = '{"a":[1,"it\\u0027s \\u003cb\\u003e",null,true],"b":"ü"}'
    assert (posted["method"], posted["body"]) == ("POST", body)
    assert posted["headers"]["Content-Type"] == "application/json"
    assert posted["headers"]["Content-Length"] == str(len(body.encode()))
    assert (listed["body"], listed["headers"]["Content-Type"]) == ('[{"a":1}]', "text/json")
    assert (text["body"], number["body"]) == ("plain=text", "5")
    sent = {
        "testing": "123",
        "Accept": "text/html",
        "flag": "True",
        "Range": "bytes=5-",
        "Host": "named.example",
    }
    assert {name: fields["headers"].get(name) for name in sent} == sent
    agents = [found["headers"]["User-Agent"] for found in (agent, header, both)]
    assert agents == ["mine", "theirs", "mine"]
    assert both["result"]["warnings"] == [
        "The 'User-Agent' header and the 'http_agent' was set, using the 'http_agent' for web request"
    ]
    assert "warnings" not in agent["result"]


def test_basic_authentication(web: Web) -> None:
    known = {"url_username": "ann", "url_password": "s3cret-word"}
    asked = len(web.plain.seen)
    web.table(
        "win_uri",
        [
            Case({"url": f"http://{NAME}/basic", **known}, {"status_code": 200}),
            Case({"url": f"http://{NAME}/basic", **known, "force_basic_auth": True}, {"status_code": 200}),
            Case({"url": f"http://{NAME}/basic/hidden", **known}, {"failed": True, "status_code": 404}),
            Case(
                {"url": f"http://{NAME}/basic/hidden", **known, "force_basic_auth": True},
                {"status_code": 200},
            ),
            Case(
                {"url": f"http://{NAME}/basic", **known, "url_password": "x"},
                {"failed": True, "status_code": 401},
            ),
            # the default credential comes first, and is no answer to Basic
            Case(
                {"url": f"http://{NAME}/basic", **known, "use_default_credential": True},
                {"failed": True, "status_code": 401},
            ),
            Case(
                {"url": f"http://{NAME}/basic/NTLM", "use_default_credential": True},
                {"failed": True},
                contains={"msg": "the user's own logon for NTLM"},
            ),
            Case(
                {"url": f"http://{NAME}/basic/Digest", **known},
                {"failed": True},
                contains={"msg": "authentication by Digest"},
            ),
        ],
    )
    assert [line for line in web.plain.seen[asked:] if line == "GET /basic"] == ["GET /basic"] * 6
    assert "s3cret-word" not in "".join(web.logs[-1:])


def test_json_and_content(web: Web) -> None:
    folder = web.folder / "www"
    for name, text in (
        ("list.json", '[{"a": 1}]'),
        ("empty.json", "[]"),
        ("no.json", "{'a': "),
        ("x.png", '{"a":1}'),
    ):
        (folder / name).write_text(text)
    (folder / "binary.txt").write_bytes(b"\xff\x00a")
    # what Ansible would take for line ends, in the middle of the module's JSON
    (folder / "lines.txt").write_text("a\u2028b\x85c\u2029d\x1e")
    where = f"http://{FOLDER_NAME}"
    web.table(
        "win_uri",
        [
            Case(
                {"url": f"{where}/list.json", "return_content": True},
                {"json": [{"a": 1}], "content": '[{"a": 1}]'},
            ),
            Case(
                {"url": f"{where}/empty.json", "return_content": True}, {"content": "[]"}, without=("json",)
            ),
            Case(
                {"url": f"{where}/no.json", "return_content": True}, {"content": "{'a': "}, without=("json",)
            ),
            Case(
                {"url": f"{where}/x.png", "return_content": True}, {"content": '{"a":1}'}, without=("json",)
            ),
            Case({"url": f"{where}/binary.txt", "return_content": True}, {"content": "\ufffd\x00a"}),
            Case(
                {"url": f"{where}/lines.txt", "return_content": True}, {"content": "a\u2028b\x85c\u2029d\x1e"}
            ),
            Case({"url": f"{where}/list.json", "method": "POST", "status_code": 405}, {"allow": "GET, HEAD"}),
        ],
    )


def test_what_fails_before_there_is_an_answer(web: Web) -> None:
    unresolved = "The remote name could not be resolved: 'www.example.org'"
    stream = 'Exception calling "GetRequestStream" with "0" argument(s): '
    web.table(
        "win_uri",
        [
            Case(
                {"url": "http://www.example.org"},
                {"failed": True, "msg": UNHANDLED + unresolved, "status_code": None},
            ),
            Case(
                {"url": "http://www.example.org", "method": "POST", "body": "x"},
                {"failed": True, "msg": f'{UNHANDLED}{stream}"{unresolved}"'},
                without=("status_code",),
            ),
            Case(
                {"url": ECHO, "body": "x"},
                {
                    "failed": True,
                    "msg": f'{UNHANDLED}{stream}"Cannot send a content-body with this verb-type."',
                },
            ),
            Case(
                {"url": f"http://{NAME}/slow/3", "timeout": 1},
                {"failed": True, "msg": f"{UNHANDLED}The operation has timed out"},
            ),
            Case(
                {"url": f"https://{WRONG_NAME}/echo"},
                {"failed": True},
                contains={"msg": "trust relationship"},
            ),
            Case({"url": f"https://{WRONG_NAME}/echo", "validate_certs": False}, {"status_code": 200}),
            Case(
                {"url": ECHO, "method": "GET2"},
                {
                    "failed": True,
                    "msg": "Parameter 'method' needs to be a single word in uppercase, like GET or POST.",
                },
            ),
            Case({"url": r"C:\Windows"}, {"failed": True}, contains={"msg": "is not modelled"}),
            Case({"method": "GET"}, {"failed": True, "msg": "missing required arguments: url"}),
            Case(
                {"url": ECHO, "body_format": "json"},
                {"failed": True},
                contains={"msg": "Unsupported parameters for"},
            ),
            Case(
                {"url": ECHO, "headers": {"Proxy-Connection": "x"}},
                {"failed": True},
                contains={"msg": "must be modified using the appropriate property or method."},
            ),
            Case(
                {"url": ECHO, "headers": {"x": "a\r\nb: c"}},
                {"failed": True},
                contains={"msg": "Specified value has invalid CRLF characters."},
            ),
            Case(
                {"url": ECHO, "headers": {"Expect": "x"}},
                {"failed": True},
                contains={"msg": "is not modelled"},
            ),
            Case({"url": ECHO, "timeout": -1}, {"failed": True}, contains={"msg": "is not modelled"}),
        ],
    )


def test_secrets_of_the_options_are_masked(web: Web) -> None:
    secret = "w0rd-of-the-proxy"
    [result] = web.play([{"ansible.windows.win_uri": {"url": ECHO, "proxy_password": secret}}])
    assert result["invocation"]["module_args"]["proxy_password"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert secret not in json.dumps(result)
