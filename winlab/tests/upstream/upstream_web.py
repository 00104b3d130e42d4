"""The web that upstream's targets ask, lent to the host: httpbin for httptester, and what they download.

ansible-test puts a container in front of them (httptester: nginx before httpbin, with certificates of a CA of its own,
which the role setup_http_tests fetches and installs). Here the PyPI package httpbin stands for it, on loopback, under the
names that setup_http_tests/vars/httptester.yml gives; and a folder of programs for ansible-ci-files.s3.amazonaws.com, with
a certificate of another CA that the host trusts from the beginning, as every Windows trusts Amazon's.
"""

from __future__ import annotations

import contextlib
import email.utils
import logging
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import upstream_lent
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from winlab.host import certificate_store, images
from winlab.host.model import Host

from winlab import pki

ADDRESS = "127.0.0.1"
TESTER, SNI, WRONG = "ansible.http.tests", "sni1.ansible.http.tests", "fail.ansible.http.tests"
DOWNLOADS = "ansible-ci-files.s3.amazonaws.com"
# What the lookup of setup_http_tests/tasks/main.yml looks for.
SWITCH = "HTTPTESTER"
# Key of the host's entry in the definition: file of the CA that it trusts from the beginning.
TRUSTED = "upstream_trusted_ca"
# When the downloads were last changed; any time before a target runs will do.
_MODIFIED = email.utils.formatdate(1_577_836_800.0, usegmt=True)
_GREETING = b"The HTTP Client Testing Service of winlab's harness"

for _name, _text in {
    TESTER: "the PyPI package httpbin, and cacert.pem, client.pem and client.key as httptester serves them",
    SNI: "a greeting, with a certificate of its own",
    WRONG: f"a greeting, with the certificate of {TESTER}",
    DOWNLOADS: "the downloads above, with a certificate that the host trusts",
}.items():
    upstream_lent.declare(upstream_lent.WEB, _name, _text)

Start = Callable[..., Any]
Application = Callable[[Mapping[str, Any], Start], Iterable[bytes]]


def trust(host: Host, file: str) -> None:
    """Put the CA of the downloads into the host's Root store."""
    found = x509.load_pem_x509_certificate(Path(file).read_bytes())
    certificate_store.add(host, certificate_store.ROOT, found.public_bytes(Encoding.DER))


@contextlib.contextmanager
def serve(folder: Path, notes: Path) -> Iterator[dict[str, Any]]:
    """Serve everything above until the end of the block.

    Args:
        folder: for certificates.
        notes: the file that says what a target took.

    Yields:
        Keys of the host's entry in a lab definition.
    """
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    contexts = _contexts(folder)
    application = _application(folder, notes)
    servers = [
        make_server(ADDRESS, 0, application, threaded=True, ssl_context=context)
        for context in (None, contexts[TESTER])
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = {80: servers[0].server_port, 443: servers[1].server_port}
    names = (TESTER, SNI, WRONG, DOWNLOADS)
    try:
        yield {
            "web": {name: {"address": ADDRESS, "ports": ports} for name in names},
            TRUSTED: str(folder / "public" / "ca.pem"),
        }
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _contexts(folder: Path) -> dict[str, ssl.SSLContext]:
    """TLS of each name; a client that names another gets the one of httptester."""
    contexts = {}
    for ca, names in (("tester", (TESTER, SNI)), ("public", (DOWNLOADS,))):
        pki.ensure_ca(folder / ca)
        for name in names:
            pki.issue(folder / ca, name, ADDRESS, folder / f"{name}.pem")
            contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            contexts[name].load_cert_chain(folder / f"{name}.pem")
    pki.issue(folder / "tester", "client", ADDRESS, folder / "client.pem")

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name in contexts:
            connection.context = contexts[name]

    contexts[TESTER].sni_callback = choose
    return contexts


def _application(folder: Path, notes: Path) -> Application:
    from httpbin import app as httpbin

    client = (folder / "client.pem").read_bytes()
    own = {
        "/cacert.pem": (folder / "tester" / "ca.pem").read_bytes(),
        "/client.pem": client,
        "/client.key": client,
    }

    def application(environment: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        name = str(environment.get("HTTP_HOST", "")).partition(":")[0]
        path = str(environment.get("PATH_INFO", ""))
        upstream_lent.note(upstream_lent.WEB, name, notes)
        if name == DOWNLOADS:
            content = downloads().get(path)
            if content is not None:
                upstream_lent.note(upstream_lent.DOWNLOAD, path, notes)
        elif name == TESTER and path not in own:
            answer: Iterable[bytes] = httpbin(environment, start)
            return answer
        else:
            content = own[path] if name == TESTER else _GREETING
        headers = [("Content-Length", str(len(content or b""))), ("Last-Modified", _MODIFIED)]
        start("404 NOT FOUND" if content is None else "200 OK", headers)
        return [content or b""]

    return application


def downloads() -> dict[str, bytes]:
    """What is downloaded, by the path of its URL: the programs that upstream_programs has."""
    from upstream_programs import FETCHED

    return {path: images.content_for(program) for path, program in FETCHED.items()}
