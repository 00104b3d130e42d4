"""Scripts with which win_shell, win_command, win_wait_for and setup are tested: streams, waiting, facts."""

from __future__ import annotations

import base64
import hashlib
import random
import threading

from upstream_forms import form, set_content, unchanged, write_text
from winlab.errors import NotModelled
from winlab.scripts import ErrorRecord, ScriptCall, ScriptError, ScriptResult

WAIT_SECONDS = 5.0
# SHA-256 of win_wait_for/files/http-server.ps1, and the port that its caller names.
_HTTP_SERVER, _HTTP_SERVER_PORT = "bfae73060d93026fea4020ad98c51aad4d06d0da0d778b95948ce2f99583c760", 1234
_LONGEST_LOOKS = 30  # the task ends it after as many seconds (async: 30)
_WRITE_ERROR = "Microsoft.PowerShell.Commands.WriteErrorException"


def _variable(call: ScriptCall, name: str) -> str:
    return next((value for key, value in call.environment.items() if key.upper() == name.upper()), "")


def _written_error(call: ScriptCall, message: str) -> ErrorRecord:
    """An entry of Write-Error at the top level of a text.

    The record has the invocation of the script that called Write-Error (WriteErrorCommand.ProcessRecord of
    PowerShell); for one that is text and no file, the view of errors writes the whole text before the message
    (`PowerShellCore.format.ps1xml`, CommandType `Script`).
    """
    return ErrorRecord(
        message, _WRITE_ERROR, _WRITE_ERROR, activity="Write-Error", origin=call.typed or call.text.strip()
    )


@form("b67403a0a3805c0e30fc984188425851b1c48c61e3b02d61b7b454c084a659e8")
def three_lines(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_shell: three lines and a variable of the environment."""
    return unchanged(
        "hello from Ansible", "another line", "yet another line", f"envvar was {_variable(call, 'taskvar')}"
    )


@form("23ac9f3da78512b6ba6b1f1ad60d3bd8a45a126d56a77cfa908f72a6dcb4ef2f")
def error_and_output(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_shell: an error that ends nothing, then output."""
    return ScriptResult(output=["some output"], errors=[_written_error(call, "it broke")])


@form("6a7767059eef5b3aa6ea6640635255be79d833ea1f9a9cfeba609dcb6d968b73")
def append_nothing(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    r"""`echo $null >> c:\testfile.txt`: the file comes into being, with a mark for UTF-16."""
    if not call.host.files.exists(r"C:\testfile.txt"):
        call.host.files.write_bytes(r"C:\testfile.txt", b"\xff\xfe", call.session)
    return ScriptResult()


@form("84f0e5bb2acb7e564cd1de9e998c97865c9173a6808e58f8cc2b2c795848870e")
def remove_file(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    r"""`Remove-Item c:\testfile.txt`."""
    call.host.files.delete(r"C:\testfile.txt", session=call.session)
    return ScriptResult()


@form("56a79f3b115448072387c2480044bfa2cf8f90e4f5fddd8c943b4e051b81f80b")
def echo_hi(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`echo hi`."""
    return unchanged("hi")


@form("d960c2eba2b5400c91a09fdec42dabef3cfd2c19a92591a5b2e5437a99a5a91d")
def echo_test(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`echo test`."""
    return unchanged("test")


@form("6124a0d89ae03b6a8cf7dfa9e7635bb701b1974217bf88cde41003d4f842a7f9")
def job(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """A job that writes one word, received."""
    return unchanged("yo")


@form("8d35334bc0e618f06ee14da02ebb3c3f6e85ff71c486a0ff73f862255d5e9d2a")
def interleaved(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Large texts on both streams.

    The last statement is one Write-Output: its parameter InputObject takes all that remains of the line
    (`ValueFromRemainingArguments`), so `Write-Error` and `doneerror` are objects of the output.
    """
    # Which numbers does not matter; .NET would give others.
    text = base64.b64encode(random.Random(32).randbytes(4096)).decode()
    output = ["startout", text, text, text, "doneout", "Write-Error", "doneerror"]
    errors = [_written_error(call, message) for message in ("starterror", text, text, text)]
    return ScriptResult(output=output, errors=errors)


@form("2843f1482e996cb5ae66e7fc6ac31dea7b611ad9806dc29adbb6831139c84308")
def trimmed_input(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """What comes on standard input, trimmed."""
    return unchanged(call.stdin.decode("utf-8-sig").strip())


@form("5307f963e09562e4d834b4f914d901d41fe0557020d4d17ec37fcd3bebf4fe6c", free=(0,))
def wait_and_remove(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """After a while remove a file."""
    _wait(call)
    call.host.files.delete(literals[0], session=call.session, force=True)
    return ScriptResult()


@form("f421b759c54a6837b6f4d9d44dca920583836128c3766d5efc3a1c27524017b8", free=(0,))
def wait_and_create(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """After a while make an empty file."""
    _wait(call)
    write_text(call, literals[0], "")
    return ScriptResult()


@form("4ae06aca5a8426dc83780a690e24575e0d0a06f0e78a0c16db748382d29cb124", free=(0, 1))
def wait_and_fill(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """After a while write a file."""
    _wait(call)
    set_content(call, literals[0], literals[1])
    return ScriptResult()


def _wait(call: ScriptCall, seconds: float = WAIT_SECONDS) -> None:
    """`Start-Sleep`, while others may use the host: a condition gives its lock away."""
    with call.host.lock:
        threading.Condition(call.host.lock).wait(seconds)


@form("0d43e61cc0d9d853c4514515ed175b7a574160cf527ac283ecdf1ae5ae0dde8f")
def wait_and_listen(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_wait_for: after a while what the next one does."""
    _wait(call)
    return listen_once(call, literals)


@form("337a505c90dc3536aa90fa74479d825ef790af03021b00750c83d9c00fff176b")
def listen_once(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_wait_for: http-server.ps1, which looks each second for a first client and then stops listening."""
    path, holder = r"C:\ansible\win_wait_for\http-server.ps1", "script:http-server.ps1"
    found = hashlib.sha256(call.host.files.read_bytes(path, call.session)).hexdigest()
    if found != _HTTP_SERVER:
        raise NotModelled(f"{call.host.name}: {path} (SHA-256 {found})", "Only upstream's is known.")
    with call.host.lock:
        call.host.ports.listen(_HTTP_SERVER_PORT, holder)
        try:
            for _ in range(_LONGEST_LOOKS):
                if call.host.ports.connections(_HTTP_SERVER_PORT):
                    break
                _wait(call, 1.0)
        finally:
            call.host.ports.close_all(holder)
    return ScriptResult()


@form("a6870122cfd51aeb23a7a08d81687612bfdcf3881768f27c3de7c192dba05d89")
def fact_false(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """setup: a fact that is false."""
    return unchanged(False)


@form("f391f1d4bee94e4aff4210e283113aab899a4f7e53df665c8b0252cc4f0fb088")
def fact_true(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """setup: a fact that is true."""
    return unchanged(True)


@form("7b03181639573424c8c8335c5f3d757f83f8730545ed93374a12bde32c2de761")
def fact_table(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """setup: a hashtable."""
    return unchanged({"my_custom_fact": "value", "my_complex_custom_fact": {"hello": "world"}})


@form("1992d5d2d0ae10a3605d50d9f34605282139f48e38ba0b050095c9388a507706")
def fact_list(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """setup: two words."""
    return unchanged("abc", "def")


@form("425305e25df9df108e011164f7ca97522276cf1bc67b8aec3a7139cd60fb9a81")
@form("15d8785a28014fa6c57e6481dfa3eae03399ee07d83b7eff5ba7792641fb59fb")
def no_such_command(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """A word that names no command (win_shell; the test command of win_reboot)."""
    raise ScriptError(
        ErrorRecord(
            f"The term '{call.text.strip()}' is not recognized as the name of a cmdlet, function, script file, or "
            "operable program. Check the spelling of the name, or if a path was included, verify that the path "
            "is correct and try again.",
            "System.Management.Automation.CommandNotFoundException",
            "CommandNotFoundException",
            "ObjectNotFound",
            "",
            call.text.strip(),
        )
    )


@form("4bd1bf712980149473fca72f75e9eb9d552c60cbd8b330850c29bb7e7a8910a8")
def own_command_line(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """The command line of the process."""
    running = [
        item for item in call.host.processes.running() if item.image.lower().endswith("powershell.exe")
    ]
    return unchanged(running[-1].command_line)


@form("6b432c72c495f6500827daf20d91aae6e2870ffe69c361830ea89e93373a1c76")
def write_host(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Words for the console."""
    return ScriptResult(host_out="über den Fußgängerübergang gehen\n")
