"""Twin of community.windows.win_lineinfile 3.1.0 (plugins/modules/win_lineinfile.ps1, a legacy module)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import Any, NoReturn

from winlab import programs
from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure, Win32Error
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk, DotNetError, method_errors, text_of
from winlab.modules._patterns import like, regex, replacement
from winlab.modules._texts import UTF8_BARE, Encoding, decode, detect, encode, encoding_by_name, lines_of
from winlab.modules.win_copy import back_up

# Line 37: `StandardOutput` of a process that was started without redirection.
_NOT_REDIRECTED = (
    'Exception getting "StandardOutput": '
    '"StandardOut has not been redirected or the process hasn\'t started yet."'
)


@twin("community.windows.win_lineinfile")
def win_lineinfile(call: Call) -> dict[str, Any]:
    """Make sure that a line is in a text file, or is not (lines 335-479)."""
    edit = _Edit(call)
    if edit.disk.is_container(edit.path):
        _fail(f"Path {edit.path} is a directory")
    edit.choose_encoding()
    return edit.absent() if edit.state.lower() == "absent" else edit.present()


@dataclass
class _Edit:
    call: Call
    disk: Disk = field(init=False)
    encoding: Encoding = UTF8_BARE

    def __post_init__(self) -> None:
        """Lines 346-357, in this order."""
        call = self.call
        self.disk = Disk(call)
        self.path: str = param(
            call, "path", type="path", failifempty=True, aliases=("dest", "destfile", "name")
        )
        self.regex = param(call, "regex", type="str", aliases=("regexp",))
        states = ("present", "absent")
        self.state: str = param(call, "state", type="str", default="present", validateset=states)
        self.line = param(call, "line", type="str")
        self.backrefs = param(call, "backrefs", type="bool", default=False)
        self.insertafter = param(call, "insertafter", type="str")
        self.insertbefore = param(call, "insertbefore", type="str")
        self.create = param(call, "create", type="bool", default=False)
        self.backup = param(call, "backup", type="bool", default=False)
        self.validate = param(call, "validate", type="str")
        self.encoding_name: str = param(call, "encoding", type="str", default="auto")
        newline = param(call, "newline", type="str", default="windows", validateset=("unix", "windows"))
        self.separator = "\n" if newline.lower() == "unix" else "\r\n"
        self.result: dict[str, Any] = {"backup": "", "changed": False, "msg": ""}

    def choose_encoding(self) -> None:
        """Lines 369-441: the one that is asked for, or that of the byte order mark, or UTF-8 without one."""
        if self.encoding_name.lower() != "auto":
            self.encoding = encoding_by_name(self.encoding_name)
        elif self.disk.test(self.path):
            self.encoding = detect(self._read()) or UTF8_BARE

    def present(self) -> dict[str, Any]:
        """Lines 66-233."""
        if self.backrefs and not self.regex:
            _fail("regexp= is required with backrefs=true")
        if not self.line:
            _fail("line= is required with state=present")
        if not self.insertbefore and not self.insertafter:
            self.insertafter = "EOF"
        ends_with_break = False
        if self.disk.test(self.path):
            text = decode(self._read(), self.encoding)
            ends_with_break = text[-1:] in ("\r", "\n") and bool(text)
        else:
            if not self.create:
                _fail(f"Path {self.path} does not exist !")
            # Line 95 writes in check mode, too: one empty line.
            self._write(self.path, encode("\r\n", self.encoding))
            text = "\r\n"
        if self.insertbefore and self.insertafter:
            self.result["warnings"] = [
                "Both insertbefore and insertafter parameters found, "
                f'ignoring "insertafter={self.insertafter}"'
            ]
        lines = lines_of(text)
        self._note_before([*lines, ""] if ends_with_break else lines)
        message = self._put(lines)
        if message:
            self.result["changed"], self.result["msg"] = True, message
            self._commit([*lines, ""] if ends_with_break else lines)
        self.result["encoding"] = self.encoding.web_name
        return self.result

    def _put(self, lines: list[str]) -> str:
        """Lines 138-213: change `lines` and say what was done, or nothing."""
        found, beside = self._search(lines)
        if found is not None:
            new = self.line
            if self.backrefs:
                new = regex(self.regex, False).sub(replacement(self.line), lines[found])
            if lines[found] == new:
                return ""
            lines[found] = new
            return "line replaced"
        if self.backrefs:
            return ""
        before, after = (self.insertbefore or "").upper(), (self.insertafter or "").upper()
        if "BOF" in (before, after):
            lines.insert(0, self.line)
        elif after == "EOF" or beside is None:
            lines.append(self.line)
        else:
            lines.insert(beside, self.line)
        return "line added"

    def _search(self, lines: list[str]) -> tuple[int | None, int | None]:
        """Return the last line that matches, and where a new one belongs (lines 128-172)."""
        wanted = regex(self.regex, False) if self.regex else None
        marker: re.Pattern[str] | None = None
        if self.insertafter and self.insertafter.upper() not in ("BOF", "EOF"):
            marker = regex(self.insertafter, False)
        elif self.insertbefore and self.insertbefore.upper() != "BOF":
            marker = regex(self.insertbefore, False)
        found = beside = None
        for number, line in enumerate(lines):
            if wanted.search(line) if wanted else line == self.line:
                found = number
            elif marker and marker.search(line):
                beside = number if self.insertbefore else number + 1
        return found, beside

    def absent(self) -> dict[str, Any]:
        """Lines 236-331."""
        if not self.regex and not self.line:
            _fail("one of line= or regexp= is required with state=absent")
        if not self.disk.test(self.path):
            _fail(f"Path {self.path} does not exist !")
        text = decode(self._read(), self.encoding)
        lines = lines_of(text)
        if text[-1:] in ("\r", "\n") and text:
            lines.append("")
        self._note_before(lines)
        wanted = regex(self.regex, False) if self.regex else None
        left = [line for line in lines if not (wanted.search(line) if wanted else line == self.line)]
        found = len(lines) - len(left)
        if found:
            self.result["changed"] = True
            self._commit(left)
        self.result["encoding"] = self.encoding.web_name
        self.result["found"] = found
        self.result["msg"] = f"{found} line(s) removed"
        return self.result

    def _note_before(self, lines: list[str]) -> None:
        if self.call.diff_mode:
            self.result["diff"] = {"before": self.separator.join(lines)}

    def _commit(self, lines: list[str]) -> None:
        """`WriteLines`, lines 8-62: a validated temporary file takes the place of the old one."""
        if self.backup:
            self.result["backup_file"] = back_up(self.disk, self.path, self.call.check_mode)
        text = self.separator.join(lines)
        if self.validate:
            self._validate(encode(text, self.encoding))
        if not self.call.check_mode:
            clean = self.path.replace("/", "\\")
            try:
                self._write(clean, encode(text, self.encoding))
            except Win32Error as error:
                _fail(f"Cannot write to: {clean} ({text_of(error)})")
        if self.call.diff_mode:
            self.result["diff"]["after"] = text

    def _validate(self, data: bytes) -> None:
        """Lines 18-42. A check that fails ends in an error of its own: nobody redirected the output."""
        if not like(self.validate, "*%s*"):
            _fail(f"validate must contain %s: {self.validate}")
        folder = self.call.expand("%TEMP%")
        temporary = f"{folder}\\tmp{secrets.token_hex(2).upper()}.tmp"
        self._write(temporary, data)
        try:
            command = self.validate.replace("%s", temporary)
            ended = programs.run(self.call.host, self.call.session, command, environment=self.call.variables)
        finally:
            self.disk.remove(temporary)
        if ended.rc:
            raise DotNetError(87, temporary, _NOT_REDIRECTED)

    def _read(self) -> bytes:
        with method_errors("ReadAllLines", 2):
            return self.disk.files.read_bytes(self.disk.full(self.path), self.disk.session)

    def _write(self, path: str, data: bytes) -> None:
        self.disk.write(path, data)


def _fail(message: str) -> NoReturn:
    raise ModuleFailure(message, changed=False)
