"""win_package.ps1 of ansible.windows 3.3.0: Windows Installer packages and programs with an Uninstall key."""

from __future__ import annotations

import ntpath
import tempfile
from dataclasses import replace
from typing import Any, BinaryIO, cast

from winlab import command_lines
from winlab.errors import NotModelled, Win32Error
from winlab.host.clock import to_filetime
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk, DotNetError, dotnet_errors, method_errors
from winlab.modules._packages import Status, let_system_read, provider_of, status
from winlab.modules._processes import StartError, start_process
from winlab.modules._versions import file_version
from winlab.modules._web import failure, get_request, invoke, to_uri
from winlab.modules._web_conversation import Response
from winlab.modules._web_wire import WebError

ERROR_INVALID_PARAMETER = 87
ERROR_SUCCESS_REBOOT_REQUIRED = 3010
# Line 725: with no path these are asked in turn; the last one's answer counts when none has it.
_PROVIDERS = ("msi", "msix", "msp", "registry")
_IN_MEMORY_BYTES = 4 * 1024 * 1024
_NO_PRODUCT = "Unable to find Product ID from the URL path. Please specify product_id when using state=absent"
_NEEDS_FILE = "creates_path must be a file not a directory when creates_version is set"


@twin("ansible.windows.win_package", locked=False)
def win_package(call: Call) -> dict[str, Any]:
    """Install or remove a package.

    The product code comes from the package itself; `creates_*` overrule what is installed (lines 557-583).
    3010 sets `reboot_required`; an exit code that is not expected fails with the whole command line in `msg`
    and the log in `log` (lines 630-640). A file that is missing is an error only outside check mode (line
    1368).
    """
    return _Task(call).run()


class _Task:
    def __init__(self, call: Call) -> None:
        self.call = call
        self.params = call.params
        self.disk = Disk(call)
        self.is_url = str(call.params["path"] or "").lower().startswith("http")
        self.folder = ""  # `$module.Tmpdir` once it is there
        self.result: dict[str, Any] = {"reboot_required": False}
        given = call.params["arguments"]
        # Lines 1328-1333: a list is quoted word by word, text is taken as it is.
        self.arguments = command_lines.join(map(str, given)) if isinstance(given, list) else given

    def run(self) -> dict[str, Any]:
        """The module from line 1338 on; its temporary folder goes in any case."""
        try:
            path = self._local_path()
            with self.call.host.lock:
                return self._judge(path)
        finally:
            if self.folder:
                with self.call.host.lock:
                    self.call.host.files.delete(self.folder, recursive=True)

    def _local_path(self) -> str | None:
        """Lines 1350-1373: a URL is fetched unless its product is known to be installed (None then).

        The later fetch (lines 1382-1388) is never reached: what is not fetched here needs no change.
        """
        path, present = self.params["path"] or None, self.params["state"] == "present"
        if path and self.is_url:
            if self.params["product_id"] and present:
                with self.call.host.lock:
                    if self._status(None).installed:
                        return None
            return self._fetch(path)
        with self.call.host.lock:
            if path and not self.disk.test(path) and not self.call.check_mode:
                raise failure(f"the file at the path '{path}' cannot be reached", self.result, [])
        return path

    def _fetch(self, url: str) -> str:
        """Get-UrlFile, lines 439-467; an error is caught by nobody."""
        warnings: list[str] = []
        request = get_request(self.call, to_uri(url), warnings)

        def keep(response: Response) -> str:
            path = ntpath.join(self._temporary_folder(), response.uri.last_segment)
            with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as spool:
                response.copy_to(spool.write)
                spool.seek(0)
                with self.call.host.lock, method_errors("Create", 1), dotnet_errors(path):
                    self.call.host.files.write_stream(path, cast("BinaryIO", spool), self.call.session)
            return path

        try:
            return invoke(request, self.result, keep)
        except WebError as error:
            raise DotNetError(0, "", error.message) from error
        finally:
            if warnings:
                self.result["warnings"] = warnings

    def _judge(self, path: str | None) -> dict[str, Any]:
        """The module from line 1374 on."""
        state = self.params["state"]
        found = self._status(path)
        changed = (state == "present") != found.installed
        self.result["rc"] = 0
        if changed and not path and state == "present" and not self.is_url:
            raise NotModelled("win_package with an empty path", "Name a file or a URL.")
        if changed and not self.call.check_mode:
            self._check_file(path, state)
            self._apply(found, path, state)
        if state == "absent" and self.params["product_id"] is None and self.is_url:
            raise failure(_NO_PRODUCT, self.result, [])
        return {**self.result, "changed": changed}

    def _status(self, path: str | None) -> Status:
        """Get-InstalledStatus, lines 504-585."""
        call, product_id, wanted = self.call, self.params["product_id"], self.params["provider"]
        if path:
            found = status(call, provider_of(call, path) if wanted == "auto" else wanted, path, product_id)
        else:
            for provider in _PROVIDERS if wanted == "auto" else (wanted,):
                found = status(call, provider, None, product_id)
                if found.installed:
                    break
        creates = self.params["creates_path"]
        if creates:
            found = replace(found, installed=self._created(creates))
        service = self.params["creates_service"]
        if service:
            found = replace(found, installed=call.host.services.get(service) is not None)
        return found

    def _created(self, path: str) -> bool:
        exists = self.disk.test(path)
        version = self.params["creates_version"]
        if not exists or not version:
            return exists
        if not self.disk.is_leaf(path):
            raise DotNetError(ERROR_INVALID_PARAMETER, "", _NEEDS_FILE)
        files = self.call.host.files
        parts = file_version(files.blobs.path(str(files.entry(self.disk.full(path)).sha256))).parts
        # Text against a System.Version: all four numbers count (line 569).
        return bool(version == ".".join(map(str, parts)))

    def _check_file(self, path: str | None, state: str) -> None:
        """Lines 1391-1399."""
        if state != "present" or not path:
            return
        algorithm = self.params["checksum_algorithm"]
        actual = self.call.host.files.digest(self.disk.full(path), algorithm).upper()
        self.result["checksum"] = actual
        wanted = self.params["checksum"]
        if wanted and wanted.upper() != actual:
            raise failure(
                f"The checksum for {path} did not match '{wanted}', it was '{actual}'", self.result, []
            )

    def _apply(self, found: Status, path: str | None, state: str) -> None:
        if found.provider == "msi":
            self._msiexec(found, path or "", state)
        elif found.provider == "registry":
            self._execute(self._registry_command(found, path))
        else:
            raise NotModelled(
                f"{self.call.host.name}: win_package with provider {found.provider}",
                "winlab knows msi and registry.",
            )

    def _msiexec(self, found: Status, path: str, state: str) -> None:
        """Invoke-Msiexec, lines 650-714."""
        if state == "present":
            actions = ["/i", path]
            let_system_read(self.call, path)
        else:
            actions = ["/x", found.product_id or ""]
        log = self.params["log_path"] or ntpath.join(self._temporary_folder(), "msiexec.log")
        program = ntpath.join(self.call.expand("%SystemRoot%"), "System32", "msiexec.exe")
        line = command_lines.join([program, *actions, "/L*V", log, "/qn", "/norestart"])
        self._execute(f"{line} {self.arguments}" if self.arguments else line, log)

    def _temporary_folder(self) -> str:
        """`$module.Tmpdir`: a folder of the module's own under %TEMP% (Ansible.Basic.cs, line 155)."""
        host = self.call.host
        with host.lock:
            if not self.folder:
                name = f"ansible-moduletmp-{to_filetime(host.clock.now())}-{len(host.processes.history())}"
                folder = ntpath.join(self.call.expand("%TEMP%"), name)
                host.files.mkdir(folder, session=self.call.session)
                self.folder = folder
        return self.folder

    def _registry_command(self, found: Status, path: str | None) -> str:
        """Lines 1199-1269."""
        command = command_lines.quote(path) if path else self._uninstall_command(found.extra["registry_path"])
        return f"{command} {self.arguments}" if self.arguments else command

    def _uninstall_command(self, key: str) -> str:
        values = {
            name.lower(): value
            for name, value in self.call.host.registry.values(key, self.call.session).items()
        }
        found = values.get("quietuninstallstring") or values.get("uninstallstring")
        if found is None:
            raise failure(
                f"Failed to find registry uninstall string at registry path '{key}'", self.result, []
            )
        command = str(found.data)
        # Get-ItemProperty expands what is stored as REG_EXPAND_SZ; lines 1235-1237 the rest.
        if found.type == "expandstring" or command.startswith(("%", '"%')):
            command = self.call.expand(command)
        if command.startswith('"') or " " not in command:
            return command
        return self._quoted(command)

    def _quoted(self, command: str) -> str:
        """Lines 1239-1265: blanks in an unquoted program's name."""
        program, rest = "", list[str]()
        for word in command_lines.split(f"a {command}")[1:]:
            if rest:
                rest.append(word)
                continue
            program += word
            if self.disk.is_leaf(program):
                rest.append(program)
            else:
                program += " "
        return command_lines.join(rest) if rest else command

    def _execute(self, line: str, log: str = "") -> None:
        """Invoke-Executable, lines 587-648."""
        try:
            ended = start_process(self.call, line, chdir=self.params["chdir"])
        except StartError as error:
            raise DotNetError(error.code or 0, "", error.message) from error
        rc = ended.rc - (1 << 32) if ended.rc >= 1 << 31 else ended.rc
        self.result["rc"] = rc
        if rc not in self.params["expected_return_code"]:
            self.result.update(stdout=ended.stdout, stderr=ended.stderr)
            if log and self.disk.test(log):
                self.result["log"] = self._read_log(log)
            raise failure(
                f"unexpected rc from '{line}': see rc, stdout, and stderr for more details", self.result, []
            )
        self.result["failed"] = False
        if rc == ERROR_SUCCESS_REBOOT_REQUIRED:
            self.result["reboot_required"] = True

    def _read_log(self, path: str) -> str:
        """`Get-Content | Out-String`; msiexec writes UTF-16 with a mark."""
        try:
            content = self.call.host.files.read_bytes(self.disk.full(path), self.call.session)
        except Win32Error as error:
            return error.message
        coding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
        return "".join(f"{text}\r\n" for text in content.decode(coding, "replace").splitlines())
