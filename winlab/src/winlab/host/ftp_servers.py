"""FTP servers among the services of a simulated host: which program answers, and with which file of the host.

winlab has none of its own: FTP is there for a service that somebody puts on a host, whose program registers
here what it answers. Replies are those of RFC 959.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from winlab.host import images

if TYPE_CHECKING:
    from winlab.host.model import Host

PORT = 21
NOT_LOGGED_IN, FILE_UNAVAILABLE = 530, 550
_SERVICE = "service:"


class FtpRefusal(Exception):  # noqa: N818  (named after what it says, as in errors.py)
    """A reply that ends the command: 530 or 550."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class FtpRequest:
    """What a client asks: a path on the server, under a name and a password."""

    image: str
    path: str
    user: str
    password: str


FtpServer = Callable[["Host", FtpRequest], str]
_servers: dict[str, FtpServer] = {}


def register(program: str, server: FtpServer) -> None:
    """Say what a program answers as a service.

    Args:
        program: the program's name as `images.identify` gives it.
        server: gives the path of the host's file that is asked for, or raises `FtpRefusal`.
    """
    _servers[program] = server


def behind(host: Host, port: int) -> tuple[FtpServer, str] | None:
    """The server that listens on a port of the host, and the path of its executable; None for none."""
    holder = host.ports.all().get(port, "")
    service = host.services.get(holder.removeprefix(_SERVICE)) if holder.startswith(_SERVICE) else None
    if service is None:
        return None
    image, _ = images.split_image_path(host, service.image_path)
    server = _servers.get(images.identify(host, image))
    return None if server is None else (server, image)
