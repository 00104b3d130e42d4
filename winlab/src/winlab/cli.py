"""The command `winlab`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from winlab import __version__, fault_command
from winlab.errors import WinlabError

DOWN = 3  # exit code of `status` when the lab is not up, as systemctl's
USAGE = 2
_LOOK_UP_SECONDS = 0.5
DEFAULT_STATE = ".winlab"
DEFAULT_DEFINITION = "inventories/lab/winlab.yml"


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns its exit code: 0 done, 1 refused, 2 wrong usage, 3 (`status`) down."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except WinlabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="winlab", description="Simulated Windows hosts over real WinRM.")
    parser.add_argument("--version", action="version", version=f"winlab {__version__}")
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(os.environ.get("WINLAB_STATE") or DEFAULT_STATE),
        help="state folder (WINLAB_STATE, else .winlab)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = _add(commands, "up", _up, "start the hosts, or say that they are up")
    up.add_argument(
        "--definition",
        type=Path,
        default=Path(os.environ.get("WINLAB_DEFINITION") or DEFAULT_DEFINITION),
        help="lab definition (WINLAB_DEFINITION, else inventories/lab/winlab.yml)",
    )
    up.add_argument(
        "--parent", type=int, metavar="PID", help="end with this process instead of after 4 idle hours"
    )
    _add(commands, "down", _down, "stop the hosts; their state stays")
    _json(_add(commands, "status", _status, "say whether the hosts are up (exit code 3 when not)"))
    show = _json(_add(commands, "show", _show, "print a host's state, without secrets"))
    show.add_argument("host")
    _json(_add(commands, "modules", _modules, "list the twins and the versions they were written for"))
    snapshot = _add(commands, "snapshot", _snapshot, "keep the present state of all hosts under a name")
    snapshot.add_argument("name")
    reset = _add(
        commands, "reset", _reset, "make the hosts as the definition says, or as a snapshot has them"
    )
    reset.add_argument("name", nargs="?")
    _operator_options(_add(commands, "operator", _operator, "do what a person does at a host's screen"))
    fault_command.add_options(_add(commands, "fault", fault_command.run, "let something go wrong on a host"))
    inventory = _add(commands, "inventory", _inventory, "write an Ansible inventory of the hosts (mode 0600)")
    inventory.add_argument("--output", type=Path, required=True, metavar="FILE", help="it holds passwords")
    _transcript_commands(commands)
    pins = _add(commands, "pins", _pins, "compare the twins' pins with what is installed, or renew them")
    action = pins.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="exit 1 and say what differs")
    action.add_argument(
        "--update", nargs="+", metavar="NAME", help="pin the installed version of these modules"
    )
    evidence = _add(commands, "evidence", _evidence, "say what each option of each twin rests on")
    wanted = evidence.add_mutually_exclusive_group()
    wanted.add_argument("--write", action="store_true", help="write the tables into winlab's docs")
    wanted.add_argument("--check", action="store_true", help="exit 1 when a table in the docs is stale")
    evidence.add_argument("--docs", type=Path, help="folder of the tables (docs of the source tree)")
    return parser


def _transcript_commands(commands: Any) -> None:
    replay = _add(
        commands, "replay", _replay, "serve a host that answers what a transcript holds, until Ctrl-C"
    )
    replay.add_argument("transcript", type=Path)
    replay.add_argument(
        "--inventory",
        type=Path,
        metavar="FILE",
        help="write an inventory there (mode 0600): it holds a password",
    )
    compare = _json(
        _add(commands, "compare", _compare, "hold a transcript against the twins (exit 1: they differ)")
    )
    compare.add_argument("transcript", type=Path)
    compare.add_argument("--definition", type=Path, help="build the host of this lab instead of a template")
    compare.add_argument("--host", default="", help="the host in the definition")
    compare.add_argument(
        "--template", default="", help="the template, instead of the one of the recorded build"
    )
    compare.add_argument("--values", type=Path, metavar="FILE", help="real values by number, JSON")
    _add(commands, "plugins", _plugins, "print the folder of the connection plugins that record")


def _operator_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("host")
    parser.add_argument("action", choices=["run-wizard"], help="run the wizard of the ECMA Connector Host")
    parser.add_argument("--answers", type=Path, required=True, metavar="FILE", help="the answer sheet, JSON")
    parser.add_argument(
        "--xml", default="", metavar="PATH", help="the exported management agent, on the host"
    )
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="PAGE/FIELD=NAME",
        help="what the operator types there: the lab's secret of that name",
    )
    parser.add_argument("--user", default="", help="the operator's account (the host's administrator)")
    parser.add_argument("--not-elevated", action="store_true", help="run the wizard without elevation")
    parser.add_argument("--restart", action="store_true", help="restart the ECMA host's service afterwards")
    _json(parser)


def _add(
    commands: Any, name: str, function: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=function)
    return parser


def _json(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    return parser


def _up(options: argparse.Namespace) -> int:
    from winlab import daemon, lab  # noqa: PLC0415  (each command imports what it needs)

    definition = lab.load_definition(options.definition)
    started = daemon.start(lab.StateFolder(options.state), options.definition, options.parent)
    for name, endpoint in started.status["hosts"].items():
        _say(_host_line(name, endpoint))
    if started.already:
        _say("The lab was up already.")
        if started.status["definition_sha256"] != definition.sha256:
            _say(f"{options.definition} has changed since; `winlab down` and `winlab up` take it over.")
    return 0


def _down(options: argparse.Namespace) -> int:
    from winlab import daemon, lab  # noqa: PLC0415  (each command imports what it needs)

    was_up = daemon.stop(lab.StateFolder(options.state))
    _say("The lab is down." if was_up else "The lab was down already.")
    return 0


def _status(options: argparse.Namespace) -> int:
    from winlab import control  # noqa: PLC0415  (each command imports what it needs)

    try:
        status = control.call(options.state, "status")
    except control.NotRunning:
        if options.json:
            _print_json({"state": "down", "hosts": {}})
        else:
            _say("down")
        return DOWN
    if options.json:
        _print_json({"state": "up", **status})
    else:
        _say(f"up (process {status['pid']})")
        for name, endpoint in status["hosts"].items():
            _say(_host_line(name, endpoint))
    return 0


def _show(options: argparse.Namespace) -> int:
    from winlab import control, lab, views  # noqa: PLC0415  (each command imports what it needs)

    folder = lab.StateFolder(options.state)
    try:
        state = control.call(options.state, "state", host=options.host)["state"]
    except control.NotRunning:
        state = views.public_state(folder, options.host, lab.read_secrets(folder))
    if options.json:
        _print_json(state)
        return 0
    for line in _summary(state):
        _say(line)
    return 0


def _modules(options: argparse.Namespace) -> int:
    from winlab import modules, pins  # noqa: PLC0415  (each command imports what it needs)

    known = pins.pinned()
    names = modules.names()
    if options.json:
        _print_json({name: known[name].to_dict() if name in known else None for name in names})
        return 0
    for name in names:
        _say(f"{name}  {known[name].module[:12] if name in known else 'no pin'}")
    return 0


def _snapshot(options: argparse.Namespace) -> int:
    from winlab import control, daemon, lab  # noqa: PLC0415  (each command imports what it needs)

    folder = lab.StateFolder(options.state)
    try:
        path = control.call(options.state, "snapshot", name=options.name)["path"]
    except control.NotRunning:
        daemon.require_down(folder)
        path = lab.save_snapshot(folder, options.name, _known_hosts(folder))
    _say(f"Snapshot {path}")
    return 0


def _reset(options: argparse.Namespace) -> int:
    from winlab import control, daemon, lab  # noqa: PLC0415  (each command imports what it needs)

    folder = lab.StateFolder(options.state)
    try:
        control.call(options.state, "reset", name=options.name)
    except control.NotRunning:
        daemon.require_down(folder)
        if options.name:
            lab.restore_snapshot(folder, options.name, _known_hosts(folder))
        else:
            lab.remove(folder.hosts)
    _say(f"The hosts are as in snapshot {options.name}." if options.name else "The hosts are bare.")
    return 0


def _operator(options: argparse.Namespace) -> int:
    from winlab import control  # noqa: PLC0415  (each command imports what it needs)

    for item in options.secret:
        if "/" not in item.rpartition("=")[0]:
            raise WinlabError(
                f"{options.host}: --secret {item}; expected PAGE/FIELD=NAME. See `winlab operator --help`."
            )
    secrets = dict(item.rpartition("=")[::2] for item in options.secret)
    answer = control.call(
        options.state,
        "operator",
        host=options.host,
        action=options.action,
        answers=_read_json(options.answers),
        source=str(options.answers),
        secrets=secrets,
        xml=options.xml,
        user=options.user,
        elevated=not options.not_elevated,
        restart=options.restart,
    )["result"]
    if options.json:
        _print_json(answer)
        return 0
    _say(f"Connector {answer['name']}: {answer['url']}")
    kind = "generated" if answer["generated"] else "chosen"
    _say(f"Certificate {answer['thumbprint']} ({kind}), {len(answer['files'])} files written.")
    for item in answer["ignored"]:
        _say(f"Not a field of the wizard: {item}")
    if answer["restart_needed"]:
        _say("It answers after the next start of the service Microsoft ECMA2Host.")
    return 0


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise WinlabError(f"{path}: answers: {error.strerror}; expected a file. Correct the path.") from error
    except ValueError as error:
        raise WinlabError(f"{path}: answers: {error}; expected JSON. Write the sheet again.") from error


def _inventory(options: argparse.Namespace) -> int:
    from winlab import inventory, lab  # noqa: PLC0415  (each command imports what it needs)

    inventory.write(lab.StateFolder(options.state), options.output)
    _say(str(options.output))
    return 0


def _replay(options: argparse.Namespace) -> int:
    from winlab.transcripts import format as files  # noqa: PLC0415  (each command imports what it needs)
    from winlab.transcripts import replay  # noqa: PLC0415

    transcript = files.read(options.transcript)
    # Whoever ends it ends it as Ctrl-C does, so that nothing with a password stays behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with replay.serve(transcript, options.inventory) as served:
        try:
            for scheme, port in sorted(served.ports.items()):
                _say(f"{scheme}://{served.address}:{port}/wsman")
            _say(f"inventory {served.inventory}")
            sys.stdout.flush()
            # Not for ever at once: an interruption that comes just before a wait begins is seen after it.
            while not threading.Event().wait(_LOOK_UP_SECONDS):
                pass
        except KeyboardInterrupt:
            for call in served.player.tape.unplayed:
                _say(f"not asked for: {call.title}")
    return 0


def _compare(options: argparse.Namespace) -> int:
    from winlab.transcripts import compare  # noqa: PLC0415  (each command imports what it needs)
    from winlab.transcripts import format as files  # noqa: PLC0415

    if options.host and options.definition is None:
        raise WinlabError(
            f"--host {options.host}: no lab; expected --definition with it. Name the lab, or leave it out."
        )
    transcript = files.read(options.transcript)
    known = compare.read_values(options.values) if options.values else {}
    with tempfile.TemporaryDirectory(prefix="winlab-compare-") as name:
        host, session = compare.fresh_host(
            transcript, Path(name), options.definition, options.host, options.template
        )
        outcomes = list(compare.Comparison(transcript, host, session, known).outcomes())
    if options.json:
        _print_json([outcome.to_dict() for outcome in outcomes])
    else:
        for text in compare.report(outcomes):
            _say(text)
    return compare.exit_code(outcomes)


def _plugins(options: argparse.Namespace) -> int:
    from winlab.transcripts import plugin  # noqa: PLC0415  (each command imports what it needs)

    _say(str(plugin.folder()))
    return 0


def _pins(options: argparse.Namespace) -> int:
    from winlab import modules, pins  # noqa: PLC0415  (each command imports what it needs)

    if options.update:
        _say(str(pins.update(options.update, modules.names())))
        return 0
    lines = pins.check(modules.names())
    for line in lines:
        _say(line)
    return 1 if lines else 0


def _evidence(options: argparse.Namespace) -> int:
    from winlab import evidence  # noqa: PLC0415  (each command imports what it needs)

    if not options.write and not options.check:
        sys.stdout.write(evidence.evidence_table())
        return 0
    folder = options.docs or evidence.default_folder()
    if options.write:
        for path in evidence.write(folder):
            _say(str(path))
        return 0
    lines = evidence.check(folder)
    for line in lines:
        _say(line)
    return 1 if lines else 0


def _known_hosts(folder: Any) -> list[str]:
    names = sorted(path.name for path in folder.hosts.glob("*") if path.is_dir())
    if not names:
        raise WinlabError(f"{folder.path}: lab: no hosts yet; expected some. Run `winlab up`.")
    return names


def _summary(state: dict[str, Any]) -> list[str]:
    own = state.get("host", {})
    running = [item for item in _list(state, "services", "services") if item.get("state") == "running"]
    users = ", ".join(str(item.get("name")) for item in _list(state, "accounts", "users"))
    return [
        f"{own.get('name')}  (computer name {own.get('computer_name')}, boot {own.get('boot_count')})",
        f"users: {users}",
        f"running services: {len(running)}",
        f"products: {', '.join(sorted(own.get('products', {}))) or 'none'}",
        "Everything else: --json",
    ]


def _list(state: dict[str, Any], component: str, key: str) -> list[dict[str, Any]]:
    value = state.get(component, {}).get(key, [])
    items = list(value.values()) if isinstance(value, dict) else value
    return [item for item in items if isinstance(item, dict)]


def _host_line(name: str, endpoint: dict[str, Any]) -> str:
    ports = [f"{scheme}://{endpoint['address']}:{endpoint[f'{scheme}_port']}" for scheme in ("https", "http")
             if endpoint.get(f"{scheme}_port")]  # fmt: skip
    return f"{name:<12} {'  '.join(ports)}"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    sys.exit(main())
