"""win_get_url.ps1 of ansible.windows 3.3.0: a file from a web server, or from a path, to the host."""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import dataclass
from typing import IO, Any, cast

from winlab.errors import ModuleFailure, Win32Error
from winlab.modules import Call, twin
from winlab.modules._dotnet import (
    Disk,
    DotNetError,
    dotnet_errors,
    join_path,
    leaf,
    method_errors,
    parent_text,
)
from winlab.modules._ftp import MODIFIED
from winlab.modules._uri import Uri
from winlab.modules._web import failure, get_request, invoke, to_uri
from winlab.modules._web_conversation import Response
from winlab.modules._web_wire import WebError

_SCHEMES = frozenset({"file", "ftp", "http", "https"})
_MISSING = (
    "is not visible to the current user. Ensure download destination folder exists (perhaps using win_file "
    "state=directory) before win_get_url runs."
)
# Regex.Escape: what has a meaning in a pattern, and white space.
_ESCAPED = re.compile(r"[\\*+?|{\[()^$.# \t\n\r\f]")
_IN_MEMORY_BYTES = 4 * 1024 * 1024
_ERROR_INVALID_PARAMETER = 87


@twin("ansible.windows.win_get_url", locked=False)
def win_get_url(call: Call) -> dict[str, Any]:
    """Download, compare, copy.

    Check mode asks the server all the same and leaves out the copy (line 202). A checksum that the file has
    already spares the request only without `force` (line 271); one that it has not forces it (line 267).
    """
    return _Download(call).run()


@dataclass(frozen=True)
class _Content:
    """A body that has arrived, in a temporary file of the controller."""

    file: IO[bytes]
    digest: str


class _Download:
    def __init__(self, call: Call) -> None:
        self.call, self.params = call, call.params
        self.disk = Disk(call)
        self.algorithm: str = call.params["checksum_algorithm"].strip().lower()
        self.warnings: list[str] = []
        self.result: dict[str, Any] = {"elapsed": 0, "url": call.params["url"], "changed": False}
        self.dest = ""

    def run(self) -> dict[str, Any]:
        """The module from line 217 on."""
        call, params = self.call, self.params
        url, force = str(params["url"]), bool(params["force"])
        with call.host.lock:
            self.dest = self.result["dest"] = self._destination(url)
        checksum = (params["checksum"] or "").strip().lower()
        if params["checksum_url"]:
            checksum = self._checksum_from(params["checksum_url"].strip(), to_uri(url, "SourceUri"))
        present = self._digest()
        force = force or bool(present and checksum and present != checksum.lower())
        if present and checksum and present == checksum.lower() and not force:
            self._show(present)
        elif force or present is None or self._is_newer(to_uri(url)):
            self._fetch(to_uri(url), checksum, present)
        if "checksum_dest" not in self.result and (actual := self._digest()) is not None:
            self._show(actual)
        return {**self.result, **({"warnings": self.warnings} if self.warnings else {})}

    def _destination(self, url: str) -> str:
        """Lines 217-236: a folder gets a file named after the URL."""
        dest = str(self.params["dest"])
        if self.disk.is_container(dest):
            uri = to_uri(url)
            if not uri.scheme:
                text = "Cannot bind argument to parameter 'Path' because it is null."
                raise DotNetError(_ERROR_INVALID_PARAMETER, "", text)
            name = leaf(uri.local_path) if uri.local_path != "/" else ""
            return join_path(dest, name or uri.host)
        if dest[-1:] in ("\\", "/", ":"):
            raise self._failure(f"The destination path '{dest}' does not exist, or {_MISSING}")
        return dest

    def _failure(self, msg: str) -> ModuleFailure:
        return failure(msg, self.result, self.warnings)

    def _digest(self) -> str | None:
        """Get-Checksum of what is there, None for nothing."""
        with self.call.host.lock:
            if not self.disk.test(self.dest):
                return None
            with method_errors("Open", 4), dotnet_errors(self.dest):
                return self.disk.digest(self.dest, self.algorithm)

    def _show(self, digest: str) -> None:
        self.result["checksum_dest"] = digest
        with self.call.host.lock:
            self.result["size"] = self.disk.entry(self.dest).size

    def _checksum_from(self, url: str, source: Uri) -> str:
        """Lines 253-260 and Get-ChecksumFromUri, lines 48-82."""
        uri = to_uri(url)
        if uri.scheme not in _SCHEMES:
            raise self._failure(f"Unsupported 'checksum_url' value for '{self.dest}': '{url}'")
        name = _ESCAPED.sub(_escape, leaf(source.local_path))

        def find(response: Response) -> str:
            text = bytearray()
            response.copy_to(text.extend)
            pattern = re.compile(rf"\s+\.?/?\\?{name}\s*$", re.IGNORECASE)
            for line in re.split(r"\r?\n", text.decode("utf-8-sig", "replace")):
                if pattern.search(line):
                    return re.sub(r"\W+", "", line.split(" ", 1)[0].strip())
            raise self._failure(f"Checksum record not found for file name '{name}' in file from url: '{uri}'")

        request = get_request(self.call, uri, self.warnings)
        try:
            return invoke(request, self.result, find)
        except (WebError, Win32Error) as error:
            text = f"Error when getting the remote checksum from '{uri}'. {error.message}"
            raise self._failure(text) from error

    def _is_newer(self, uri: Uri) -> bool:
        """Compare-ModifiedFile, lines 84-121."""
        with self.call.host.lock:
            held = self.disk.entry(self.dest).modified
            if uri.is_file:
                # AbsolutePath is escaped, so that a path with a blank is not found (line 101).
                with method_errors("GetAttributes", 1), dotnet_errors():
                    return self.disk.entry(uri.absolute_path).modified > held
        request = get_request(self.call, uri, self.warnings)
        request.method = "HEAD" if uri.is_http else MODIFIED
        try:
            found = invoke(request, self.result, lambda response: response.last_modified(self.call))
        except (WebError, Win32Error) as error:
            text = f"Error when requesting 'Last-Modified' date from '{uri}'. {error.message}"
            raise self._failure(text) from error
        return found > held

    def _fetch(self, uri: Uri, checksum: str, present: str | None) -> None:
        """Invoke-DownloadFile, lines 148-214."""
        parent = parent_text(self.dest)
        if not parent:
            text = "Cannot bind argument to parameter 'LiteralPath' because it is an empty string."
            raise DotNetError(_ERROR_INVALID_PARAMETER, "", text)
        with self.call.host.lock:
            if not self.disk.is_container(parent):
                raise self._failure(
                    f"The path '{parent}' does not exist for destination '{self.dest}', or {_MISSING}"
                )
        request = get_request(self.call, uri, self.warnings)

        def keep(response: Response) -> None:
            with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as spool:
                self._keep(uri, self._receive(response, cast("IO[bytes]", spool)), checksum, present)

        try:
            invoke(request, self.result, keep)
        except (WebError, Win32Error) as error:
            raise self._failure(f"Error downloading '{uri}' to '{self.dest}': {error.message}") from error

    def _receive(self, response: Response, spool: IO[bytes]) -> _Content:
        digest = hashlib.new(self.algorithm, usedforsecurity=False)

        def write(piece: bytes) -> None:
            digest.update(piece)
            spool.write(piece)

        response.copy_to(write)
        spool.seek(0)
        return _Content(spool, digest.hexdigest())

    def _keep(self, uri: Uri, content: _Content, checksum: str, present: str | None) -> None:
        """Lines 182-205: compare, then copy."""
        self.result["checksum_src"] = content.digest
        if checksum and checksum.lower() != content.digest:
            raise self._failure(
                f"The checksum for {uri} did not match '{checksum}', it was '{content.digest}'"
            )
        with self.call.host.lock:
            if present == content.digest and self.disk.test(self.dest):
                self._show(present)
                return
            if not self.call.check_mode:
                full = self.disk.full(self.dest)
                with dotnet_errors(full):
                    self.disk.files.write_stream(
                        full, cast("Any", content.file), self.call.session, force=True
                    )
            self.result["changed"] = True


def _escape(found: re.Match[str]) -> str:
    return {"\t": r"\t", "\n": r"\n", "\r": r"\r", "\f": r"\f"}.get(found[0], rf"\{found[0]}")
