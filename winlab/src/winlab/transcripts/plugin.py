"""What both connection plugins share: a class that records around a real one, and its documentation."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from winlab.errors import WinlabError
from winlab.transcripts.recorder import DEFAULT_FOLDER, Exec, Recorder

FOLDER_OPTION = "transcript_dir"

if TYPE_CHECKING:

    class _Real:
        """What ansible-core's ConnectionBase offers, as far as it is used here."""

        _play_context: Any
        _display: Any
        _shell: Any
        _load_name: str

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        def get_option(self, name: str) -> Any: ...
        def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Exec: ...
        def put_file(self, in_path: str, out_path: str) -> None: ...
        def fetch_file(self, in_path: str, out_path: str) -> None: ...
else:
    _Real = object


def documentation(real: str, name: str, own: str) -> str:
    """The real plugin's documentation under another name, with the option of the recorder.

    Args:
        real: DOCUMENTATION of the real plugin.
        name: name of the real plugin.
        own: name of the recording one.
    """
    text = textwrap.dedent(real).replace(f"name: {name}\n", f"name: {own}\n", 1)
    option = textwrap.dedent(f"""\
        {FOLDER_OPTION}:
          description: Folder for transcripts, one file for each host and run, everything but known harmless fields redacted.
          type: str
          default: {DEFAULT_FOLDER}
          env: [{{name: WINLAB_TRANSCRIPTS}}]
          vars: [{{name: ansible_transcript_dir}}]
        """)  # noqa: E501
    head, mark, rest = text.partition("\noptions:\n")
    indent = " " * (len(rest) - len(rest.lstrip(" ")))
    return head + mark + textwrap.indent(option, indent) + rest


class Recording(_Real):
    """Mixed in before a real Connection: what goes in and comes out is kept, decoded, by `Recorder`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Variables such as ansible_winrm_read_timeout_sec go to the real plugin.
        self._extras_prefix = self._load_name.rpartition("_")[2]
        self._made: Recorder | None = None

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Exec:
        """Run a command and keep it."""
        real = super().exec_command
        return self._recorder().exec_command(
            cmd, in_data, lambda: real(cmd, in_data=in_data, sudoable=sudoable)
        )

    def put_file(self, in_path: str, out_path: str) -> None:
        """Send a file and keep that it was."""
        real = super().put_file
        target = self._shell._unquote(out_path)
        self._recorder().put_file(Path(in_path), target, lambda: real(in_path, out_path))

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Fetch a file and keep that it was."""
        real = super().fetch_file
        source = self._shell._unquote(in_path)
        self._recorder().fetch_file(source, Path(out_path), lambda: real(in_path, out_path))

    def _recorder(self) -> Recorder:
        if self._made is None:
            from ansible.errors import AnsibleError  # noqa: PLC0415  (Ansible is there where plugins run)

            made = Recorder(
                Path(str(self.get_option(FOLDER_OPTION))),
                f"{self.get_option('remote_addr')}-{self.get_option('port')}",
                self._extras_prefix,
                warn=self._display.warning,
            )
            try:
                made.prepare()
            except WinlabError as error:
                raise AnsibleError(str(error)) from error
            self._display.vv(f"transcript {made.path}")
            self._made = made
        return self._made


def folder() -> Path:
    """Where the connection plugins lie, for `connection_plugins` of ansible.cfg.

    Raises:
        WinlabError: they are not where this package was installed from.
    """
    here = Path(__file__).resolve()
    candidates = (here.parents[1] / "connection_plugins", here.parents[3] / "connection_plugins")
    for candidate in candidates:
        if (candidate / "recorded_winrm.py").is_file():
            return candidate
    raise WinlabError(
        f"{candidates[0]}: connection plugins: not found; expected recorded_winrm.py. Install winlab again."
    )
