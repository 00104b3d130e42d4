"""win_get_url through the real connection: tables of cases (fresh, again, check, wrong arguments, missing right)."""

from __future__ import annotations

import hashlib

import pytest
from winlab.host import ftp_servers
from winlab.host.acl import Ace
from winlab.host.ftp_servers import FtpRequest
from winlab.host.model import Host
from winlab.host.service_types import ServiceRun, register_service_behaviour

from winlab import programs

from .conftest import FOLDER_NAME, NAME, SHA1, TEXT, WRONG_NAME, Case, Web

pytestmark = pytest.mark.lab
SHA256 = hashlib.sha256(TEXT).hexdigest()
URL = f"http://{NAME}/text"
TO = r"C:\got\a.txt"
DENIED = rf"Error downloading '{URL}' to 'C:\Windows\x.txt': Access to the path 'C:\Windows\x.txt' is denied."


def test_a_download_its_repetition_and_what_check_mode_leaves_out(web: Web) -> None:
    shown = {"dest": TO, "url": URL, "msg": "OK", "status_code": 200}
    web.table(
        "win_get_url",
        [
            Case(
                {"url": URL, "dest": TO},
                {**shown, "changed": True, "checksum_src": SHA1},
                check=True,
                without=("checksum_dest", "size"),
            ),
            Case(
                {"url": URL, "dest": TO}, {**shown, "changed": True, "checksum_dest": SHA1, "size": len(TEXT)}
            ),
            Case(
                {"url": URL, "dest": TO},
                {**shown, "changed": False, "checksum_src": SHA1, "checksum_dest": SHA1},
                diff=True,
                without=("diff",),
            ),
            Case({"url": URL, "dest": TO}, {**shown, "changed": False}, check=True),
        ],
    )
    assert web.host.files.read_bytes(TO) == TEXT
    assert web.plain.seen.count("GET /text") == 4


def test_where_a_file_goes(web: Web) -> None:
    web.table(
        "win_get_url",
        [
            Case({"url": URL, "dest": r"C:\got"}, {"changed": True, "dest": r"C:\got\text"}),
            Case({"url": f"{URL}?a=b", "dest": "C:\\got\\"}, {"changed": False, "dest": r"C:\got\text"}),
            Case({"url": f"http://{NAME}/", "dest": r"C:\got"}, {"failed": True, "dest": rf"C:\got\{NAME}"}),
            Case(
                {"url": URL, "dest": r"%TARGET%\env.txt"},
                {"changed": True, "dest": r"C:\got\env.txt"},
                environment={"TARGET": r"C:\got"},
            ),
            Case(
                {"url": URL, "dest": "C:\\nowhere\\"},
                {
                    "failed": True,
                    "msg": "The destination path 'C:\\nowhere\\' does not exist, or is not visible to the current "
                    "user. Ensure download destination folder exists (perhaps using win_file state=directory) "
                    "before win_get_url runs.",
                },
            ),
            Case(
                {"url": URL, "dest": r"Q:\x\y.html"},
                {"failed": True},
                contains={"msg": r"The path 'Q:\x' does not exist for destination 'Q:\x\y.html', or is not"},
            ),
            Case(
                {"url": URL, "dest": r"C:\Windows\x.txt"},
                {"failed": True, "msg": DENIED, "changed": False},
                user="ann",
            ),
            Case(
                {"url": f"http://{FOLDER_NAME}/readme.txt", "dest": r"C:\got\r.txt"}, {"checksum_dest": SHA1}
            ),
            Case({"url": f"http://{FOLDER_NAME}/../win01.pem", "dest": r"C:\got\k"}, {"status_code": 404}),
            Case(
                {"url": f"http://{FOLDER_NAME}/%2e%2e/win01.pem", "dest": r"C:\got\k"}, {"status_code": 404}
            ),
        ],
    )
    assert not web.host.files.exists(r"C:\got\k")


def test_checksums(web: Web) -> None:
    dest = r"C:\got\sum.txt"
    wrong = "f" * 40
    asked = len(web.plain.seen)
    web.table(
        "win_get_url",
        [
            Case(
                {"url": URL, "dest": dest, "checksum": wrong},
                {
                    "failed": True,
                    "changed": False,
                    "msg": f"The checksum for {URL} did not match '{wrong}', it was '{SHA1}'",
                },
            ),
            Case(
                {"url": URL, "dest": dest, "checksum": f" {SHA1.upper()}"},
                {"changed": True, "checksum_dest": SHA1},
            ),
            Case(
                {"url": URL, "dest": dest, "checksum": SHA1, "force": False},
                {"changed": False},
                without=("status_code",),
            ),
            # a checksum that the file has not forces a download
            Case(
                {"url": URL, "dest": dest, "checksum": wrong, "force": False},
                {"failed": True, "changed": False},
            ),
            Case(
                {"url": URL, "dest": dest, "checksum": SHA256, "checksum_algorithm": "sha256"},
                {"changed": False, "checksum_dest": SHA256},
            ),
            Case(
                {"url": URL, "dest": dest, "checksum_url": f"http://{NAME}/sums/text"},
                {"changed": False, "checksum_src": SHA1},
            ),
            Case(
                {"url": URL, "dest": dest, "checksum_url": f"http://{NAME}/sums/te.xt"},
                {
                    "failed": True,
                    "msg": "Checksum record not found for file name 'text' in file from url: "
                    f"'http://{NAME}/sums/te.xt'",
                },
            ),
            Case(
                {"url": URL, "dest": dest, "checksum_url": f"http://{NAME}/status/500"},
                {
                    "failed": True,
                    "status_code": 500,
                    "msg": f"Error when getting the remote checksum from 'http://{NAME}/status/500'. The remote "
                    "server returned an error: (500) Internal Server Error.",
                },
            ),
            Case(
                {"url": URL, "dest": dest, "checksum_url": "gopher://x/y"},
                {"failed": True, "msg": f"Unsupported 'checksum_url' value for '{dest}': 'gopher://x/y'"},
            ),
            Case(
                {"url": URL, "dest": dest, "checksum": SHA1, "checksum_url": URL},
                {"failed": True, "msg": "parameters are mutually exclusive: checksum, checksum_url"},
            ),
        ],
    )
    assert web.plain.seen[asked:].count("GET /text") == 5  # none without force where the checksum fits


def test_without_force_the_dates_decide(web: Web) -> None:
    old, new = r"C:\got\old.txt", r"C:\got\new.txt"
    web.host.files.write_bytes(old, b"before")
    web.host.files.set_times(old, modified=1_000_000_000.0)
    web.host.files.write_bytes(new, b"before")
    web.table(
        "win_get_url",
        [
            Case({"url": URL, "dest": new, "force": False}, {"changed": False, "status_code": 200}),
            Case({"url": URL, "dest": old, "force": False}, {"changed": True}, check=True),
            Case({"url": URL, "dest": old, "force": False}, {"changed": True, "checksum_dest": SHA1}),
            # no Last-Modified: now
            Case({"url": f"http://{NAME}/echo", "dest": new, "force": False}, {"changed": True}),
            Case(
                {"url": f"http://{NAME}/status/404", "dest": new, "force": False},
                {
                    "failed": True,
                    "msg": f"Error when requesting 'Last-Modified' date from 'http://{NAME}/status/404'. The remote "
                    "server returned an error: (404) Not Found.",
                },
            ),
        ],
    )
    assert web.plain.seen.count("HEAD /text") == 3


def test_files_of_the_host_itself(web: Web) -> None:
    web.host.files.write_bytes(r"C:\got\source one.txt", TEXT)
    web.host.files.write_bytes(r"C:\got\secret.txt", TEXT)
    secret = web.host.files.acl(r"C:\got\secret.txt")
    sid = web.host.accounts.resolve("ann").sid
    web.host.files.set_acl(r"C:\got\secret.txt", secret.add(Ace(sid, 0x1F01FF, allow=False)))
    web.host.files.mkdir(r"C:\Users\ann\own")
    web.table(
        "win_get_url",
        [
            Case(
                {"url": "file:///C:/got/source%20one.txt", "dest": r"C:\got\copy.txt"},
                {"changed": True, "msg": "OK", "status_code": 200, "checksum_dest": SHA1},
            ),
            Case({"url": r"C:\got\source one.txt", "dest": r"C:\got\copy.txt"}, {"changed": False}),
            Case(
                {"url": r"C:\got\source one.txt", "dest": r"C:\got\copy.txt", "force": False},
                {"failed": True},
                contains={"msg": "Could not find file 'C:\\got\\source%20one.txt'"},
            ),
            Case(
                {"url": r"C:\got\none.txt", "dest": r"C:\got\copy.txt"},
                {
                    "failed": True,
                    "status_code": None,
                    "msg": r"Error downloading 'file:///C:/got/none.txt' to 'C:\got\copy.txt': "
                    r"Could not find file 'C:\got\none.txt'.",
                },
            ),
            Case(
                {"url": r"C:\got\secret.txt", "dest": r"C:\Users\Public\s.txt"},
                {"failed": True},
                user="ann",
                contains={"msg": "does not exist for destination"},
            ),
            Case(
                {"url": r"C:\got\secret.txt", "dest": r"C:\Users\ann\s.txt"},
                {
                    "failed": True,
                    "msg": r"Error downloading 'file:///C:/got/secret.txt' to 'C:\Users\ann\s.txt': "
                    r"Access to the path 'C:\got\secret.txt' is denied.",
                },
                user="ann",
            ),
        ],
    )


def test_what_cannot_be_reached_or_is_refused(web: Web) -> None:
    web.host.files.write_bytes(r"C:\got\some.pfx", b"")

    def failed(url: str, text: str, status: int | None = None, **options: object) -> Case:
        message = f"Error downloading '{url}' to 'C:\\got\\no': {text}"
        return Case(
            {"url": url, "dest": r"C:\got\no", **options},
            {"failed": True, "changed": False, "msg": message, "status_code": status},
        )

    trust = "The underlying connection was closed: Could not establish trust relationship for the SSL/TLS secure channel."
    connect = "Unable to connect to the remote server"
    web.table(
        "win_get_url",
        [
            failed("http://www.example.org/x", "The remote name could not be resolved: 'www.example.org'"),
            failed(f"http://{NAME}:81/x", connect),
            failed(f"https://{FOLDER_NAME}/readme.txt", connect),
            failed("http://10.1.2.3/x", connect),
            failed("http://localhost:8000/x", connect),
            failed(f"http://{NAME}/missing", "The remote server returned an error: (404) Not Found.", 404),
            failed(
                f"http://{NAME}/status/418", "The remote server returned an error: (418) I'm a Teapot.", 418
            ),
            failed(
                f"http://{NAME}/status/503",
                "The remote server returned an error: (503) Server Unavailable.",
                503,
            ),
            failed(f"https://{WRONG_NAME}/text", trust),
            failed(f"http://{NAME}/slow/3", "The operation has timed out", timeout=1),
            failed(f"http://{NAME}/basic", "The remote server returned an error: (401) Unauthorized.", 401),
            Case(
                {"url": f"http://{NAME}/short", "dest": r"C:\got\no"},
                {"failed": True, "changed": False, "status_code": 200},
                contains={"msg": "The connection was closed unexpectedly."},
            ),
            Case(
                {"url": "abc", "dest": r"C:\got\no"},
                {
                    "failed": True,
                    "msg": 'Unhandled exception while executing module: Exception calling "Create" with "1" '
                    'argument(s): "This operation is not supported for a relative URI."',
                },
            ),
            Case(
                {"url": "gopher://x/y", "dest": r"C:\got\no"},
                {"failed": True},
                contains={"msg": "The URI prefix is not recognized."},
            ),
            Case(
                {"url": "http://h:port/", "dest": r"C:\got\no"},
                {"failed": True},
                contains={"msg": "Invalid URI: Invalid port specified."},
            ),
            Case(
                {"url": URL, "dest": r"C:\got\no", "client_cert": r"C:\no.pfx"},
                {"failed": True},
                contains={"msg": r"Client certificate 'C:\no.pfx' does not exist"},
            ),
            Case(
                {"url": URL, "dest": r"C:\got\no", "client_cert": r"C:\got\some.pfx"},
                {"failed": True},
                contains={"msg": "with client_cert is not modelled"},
            ),
        ],
    )
    assert not web.host.files.exists(r"C:\got\no")


@programs.program("test-ftp-server")
def ftp_server(call: programs.ProcessCall) -> programs.ProcessResult:
    """An executable that is a service."""
    return programs.ProcessResult(1)


def ftp_answer(host: Host, request: FtpRequest) -> str:
    """One file, for one user."""
    if (request.user, request.password) == ("ann", "s3cret-word"):
        return r"C:\got\private.txt"
    if request.user != "anonymous":
        raise ftp_servers.FtpRefusal(ftp_servers.NOT_LOGGED_IN)
    return rf"C:\got\public{request.path.replace('/', chr(92))}"


def test_an_ftp_server_that_is_a_service_of_the_host(web: Web) -> None:
    def listen(run: ServiceRun) -> None:
        run.host.ports.listen(ftp_servers.PORT, run.holder)

    register_service_behaviour("test-ftp-server", start=listen)
    ftp_servers.register("test-ftp-server", ftp_answer)
    programs.install(web.host, r"C:\got\ftpd.exe", "test-ftp-server")
    web.host.files.mkdir(r"C:\got\public")
    web.host.files.write_bytes(r"C:\got\public\a b.txt", TEXT)
    web.host.files.write_bytes(r"C:\got\private.txt", b"private")
    url, dest = "ftp://localhost/a%20b.txt", r"C:\got\ftp.txt"
    service = {
        "ansible.windows.win_service": {"name": "ftpd", "path": r"C:\got\ftpd.exe", "state": "started"}
    }
    refused = "Error downloading 'ftp://localhost/none' to 'C:\\got\\ftp.txt': The remote server returned an error: "
    web.table(
        "win_get_url",
        [
            Case(
                {"url": url, "dest": dest},
                {"failed": True},
                contains={"msg": "Unable to connect to the remote server"},
            )
        ],
    )
    assert web.play([{**service, "ignore_errors": False}])[0]["changed"] is True
    web.table(
        "win_get_url",
        [
            Case({"url": url, "dest": dest}, {"changed": True, "status_code": 150}, check=True),
            Case({"url": url, "dest": dest}, {"changed": True, "checksum_dest": SHA1}),
            Case({"url": url, "dest": dest}, {"changed": False}),
            Case({"url": url, "dest": dest, "force": False}, {"changed": False, "status_code": 213}),
            Case(
                {"url": "ftp://localhost/none", "dest": dest},
                {
                    "failed": True,
                    "status_code": 550,
                    "msg": f"{refused}(550) File unavailable (e.g., file not found, no access).",
                },
            ),
            Case(
                {
                    "url": "ftp://localhost/none",
                    "dest": dest,
                    "url_username": "eve",
                    "url_password": "unknown-word",
                },
                {"failed": True, "status_code": 530, "msg": f"{refused}(530) Not logged in."},
            ),
            Case(
                {"url": url, "dest": r"C:\got\p.txt", "url_username": "ann", "url_password": "s3cret-word"},
                {"changed": True, "size": len("private")},
            ),
            Case(
                {
                    "url": url,
                    "dest": dest,
                    "url_username": "ann",
                    "url_password": "s3cret-word",
                    "force_basic_auth": True,
                },
                {"changed": False},  # a header means nothing to FTP: anonymous
            ),
            Case(
                {"url": "ftp://www.example.org/x", "dest": dest},
                {"failed": True},
                contains={"msg": "The remote name could not be resolved: 'www.example.org'"},
            ),
            Case(
                {"url": f"ftp://{NAME}/x", "dest": dest},
                {"failed": True},
                contains={"msg": "is not modelled"},
            ),
            Case(
                {"url": url, "dest": dest, "url_method": "LIST"},
                {"failed": True},
                contains={"msg": "is not modelled"},
            ),
            Case(
                {"url": "ftp://localhost:5986/x", "dest": dest},
                {"failed": True},
                contains={"msg": "is not modelled"},
            ),
        ],
    )


def test_tls_is_judged_by_the_hosts_own_root_store_and_clock(web: Web) -> None:
    url = f"https://{NAME}/text"
    web.table("win_get_url", [Case({"url": url, "dest": r"C:\got\tls.txt"}, {"changed": True})])
    web.host.clock.jump(-3 * 86_400.0)  # the certificate is not valid yet
    try:
        web.table(
            "win_get_url",
            [
                Case(
                    {"url": url, "dest": r"C:\got\t"},
                    {"failed": True},
                    contains={"msg": "trust relationship"},
                ),
                Case({"url": url, "dest": r"C:\got\t", "validate_certs": False}, {"changed": True}),
            ],
        )
    finally:
        web.host.clock.jump(3 * 86_400.0)


def test_arguments_are_refused_as_ansible_basic_does(web: Web) -> None:
    asked = len(web.plain.seen)
    web.table(
        "win_get_url",
        [
            Case({"dest": TO}, {"failed": True, "msg": "missing required arguments: url"}),
            Case({"url": URL}, {"failed": True, "msg": "missing required arguments: dest"}),
            Case(
                {"url": URL, "dest": TO, "follow_redirects": "some"},
                {
                    "failed": True,
                    "msg": "value of follow_redirects must be one of: all, none, safe. Got no match for: some",
                },
            ),
            Case(
                {"url": URL, "dest": TO, "timeout": "soon"},
                {"failed": True},
                contains={
                    "msg": "argument for url_timeout is of type System.String and we were unable to convert to int"
                },
            ),
            Case(
                {"url": URL, "dest": TO, "backup": True},
                {"failed": True},
                contains={"msg": "Unsupported parameters"},
            ),
            Case(
                {"url": URL, "dest": TO, "headers": "x"},
                {"failed": True},
                contains={
                    "msg": "argument for headers is of type System.String and we were unable to convert to dict"
                },
            ),
        ],
    )
    assert len(web.plain.seen) == asked


def test_a_file_that_a_service_holds_open_stays(web: Web) -> None:
    dest = r"C:\got\held.dll"
    web.host.files.write_bytes(dest, b"old")
    web.host.files.lock(dest, "service:x")
    web.table(
        "win_get_url",
        [
            Case(
                {"url": URL, "dest": dest},
                {
                    "failed": True,
                    "changed": False,
                    "checksum_src": SHA1,
                    "msg": f"Error downloading '{URL}' to '{dest}': The process cannot access the file '{dest}' because "
                    "it is being used by another process.",
                },
            )
        ],
    )
    assert web.host.files.read_bytes(dest) == b"old"
