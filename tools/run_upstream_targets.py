"""Run the integration targets of ansible.windows and community.windows, unmodified, against a host.

The targets come from the source distribution of the PyPI package `ansible` of the installed version, which
holds the collections with their tests; nothing of them is kept in the repository. Each target runs as
`ansible-test windows-integration` runs it (executor.py of ansible-core 2.19: one play on the group
`windows`, no facts, the target as role), on a host that is bare again. Outcomes are counted by task of the
target's own files.

    tools/run_upstream_targets.py --list
    tools/run_upstream_targets.py win_stat win_acl          # some
    tools/run_upstream_targets.py --all                     # everything that belongs to a twin
    tools/run_upstream_targets.py --all --bare              # the same, with nothing lent to the host
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import re
import resource
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("WINLAB_UPSTREAM") or ROOT / ".winlab-upstream")
HERE = ROOT / "winlab" / "tests" / "upstream"
RESULTS = ROOT / "winlab" / "src" / "winlab" / "upstream.json"
LENT = RESULTS.with_name("upstream-lent.json")
LOCK = ROOT / "requirements" / "test.lock"
COUNTS = ("passed", "failed", "skipped", "not_reached")
HOST = "win01"
COLLECTIONS = ("ansible.windows", "community.windows")
# A target takes minutes on real Windows; one that takes longer waits for something that never comes.
TARGET_LIMIT_SECONDS = 1500
# Targets that are named otherwise than the module they test: actions and ansible-core's own modules.
TESTED: dict[str, tuple[str, ...]] = {
    "async_status": ("ansible.windows.async_status",),
    "win_async": ("ansible.windows.async_status",),
    "win_reboot": ("ansible.windows.win_command",),
    "win_setup": ("ansible.windows.setup",),
    "win_slurp": ("ansible.windows.slurp",),
    "win_template": ("ansible.windows.win_copy",),
}
# What a target needs that winlab cannot give, where its first failure does not say so.
NEEDS = {
    "win_package": "its packages lie on the internet, and it knows good.msi by its digests (msi_tests.yml "
    "line 39, failure_tests.yml line 75)"
}
# Actions that the controller carries out by itself, or that stand for other tasks.
_NO_TASK = (
    "import_tasks",
    "include_tasks",
    "import_role",
    "include_role",
    "include_vars",
    "meta",
    "set_fact",
)
# Names of temporary folders, and thumbprints of new certificates: another one in each run.
_RANDOM = re.compile(r"(?<=ansible\.)[a-z0-9]{8}\.[a-z0-9]{3}|\b[0-9A-F]{40}\b")
_BLOCKS = ("block", "rescue", "always")


@dataclass(frozen=True)
class Target:
    """A folder of upstream's `tests/integration/targets`."""

    collection: str
    name: str
    path: Path

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules that it tests, by full name."""
        return TESTED.get(self.name, (f"{self.collection}.{self.name}",))

    def tasks(self) -> dict[str, str]:
        """Its tasks: `file:line` below the target, and the name (imports, includes and facts left out)."""
        found: dict[str, str] = {}
        for folder in ("tasks", "handlers"):
            for path in sorted((self.path / folder).rglob("*.yml")):
                relative = path.relative_to(self.path).as_posix()
                root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
                found.update({f"{relative}:{line}": name for line, name in _tasks(root)})
        return found


@dataclass
class Outcome:
    """What became of one target."""

    passed: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    options: dict[str, dict[str, str]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    lent: dict[str, set[str]] = field(default_factory=dict)
    outside: str = ""


def _tasks(node: Any) -> Iterator[tuple[int, str]]:
    for item in node.value if isinstance(node, yaml.SequenceNode) else ():
        keys = {key.value: value for key, value in item.value}
        blocks = [keys[key] for key in _BLOCKS if key in keys]
        for block in blocks:
            yield from _tasks(block)
        short = {key.rpartition(".")[2] for key in keys}
        if not blocks and not short & set(_NO_TASK):
            yield item.start_mark.line + 1, keys["name"].value if "name" in keys else "(no name)"


def sources() -> Path:
    """The folder that holds `ansible_collections` of the source distribution; fetched once, by pip."""
    version = importlib.metadata.version("ansible")
    folder = CACHE / f"ansible-{version}" / "ansible_collections"
    CACHE.mkdir(parents=True, exist_ok=True)
    # Tests run in several processes; one of them fetches.
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fetch(version)
    return folder


def _fetch(version: str) -> None:
    archive = CACHE / f"ansible-{version}.tar.gz"
    if not archive.is_file():
        # pip builds the metadata too; it has no option that only fetches.
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "ansible"]
        subprocess.run([*command, "--dest", str(CACHE), f"ansible=={version}"], check=True)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if f"sha256:{digest}" not in LOCK.read_text(encoding="utf-8"):
        raise SystemExit(
            f"{archive}: SHA-256 {digest}; expected one that {LOCK.name} names. Remove it and try again."
        )
    with tarfile.open(archive) as content:
        wanted = tuple(f"/ansible_collections/{name.replace('.', '/')}/" for name in COLLECTIONS)
        members = [item for item in content if any(part in f"/{item.name}" for part in wanted)]
        content.extractall(CACHE, members, filter="data")


def targets(folder: Path) -> dict[str, Target]:
    """All targets by name; where both collections have one, it is a helper and the same."""
    found: dict[str, Target] = {}
    for collection in COLLECTIONS:
        base = folder.joinpath(*collection.split("."), "tests", "integration", "targets")
        for path in sorted(base.iterdir()):
            if path.is_dir():
                found.setdefault(path.name, Target(collection, path.name, path))
    return found


def own_targets(known: dict[str, Target]) -> list[Target]:
    """Those that belong to a twin."""
    from winlab import modules  # noqa: PLC0415  (twins are imported where they are needed)

    twins = set(modules.names())
    return [target for target in known.values() if twins & set(target.modules)]


class Lab:
    """One bare host with a state folder of its own, and the controller's files beside it."""

    def __init__(self, folder: Path, *, lend: bool = True) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.lent = folder / "lent.jsonl"
        self._lend = lend
        self._ends = contextlib.ExitStack()
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")},
            "WINLAB_STATE": str(self.state),
            "WINLAB_CHECK_RETURNS": "1",
            "WINLAB_UPSTREAM_LEND": "" if lend else "nothing",
            "WINLAB_LENT": str(self.lent),
            "PYTHONPATH": str(HERE),
            # Some targets call `python` on the controller, as it is in a virtual environment alone on Debian.
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
            "NO_PROXY": "127.0.0.0/8",
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "home" / "tmp"),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "upstream_outcomes",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_DEPRECATION_WARNINGS": "0",
        }

    def __enter__(self) -> Lab:
        from winlab import lab  # noqa: PLC0415  (imports Ansible)

        self.folder.mkdir(parents=True, exist_ok=True)
        # The parent looks for results a thousand times a second by default; a test run shares its cores.
        settings = "[defaults]\ninternal_poll_interval = 0.005\n"
        (self.folder / "ansible.cfg").write_text(settings, encoding="utf-8")
        (self.folder / "output").mkdir(exist_ok=True)
        web = self._web() if self._lend else {}
        definition = {
            "secrets": ["administrator_password"],
            "hosts": {
                HOST: {
                    "template": "upstream_host:build",
                    "administrator": {"name": "Administrator", "password": "administrator_password"},
                    **web,
                }
            },
        }
        path = self.folder / "winlab.yml"
        path.write_text(yaml.safe_dump(definition), encoding="utf-8")
        self.winlab("up", "--definition", str(path), "--parent", str(os.getpid()))
        lookup = f"lookup('ansible.builtin.file', '{self.state}/endpoints.json') | from_json"
        # No vault password reaches Ansible: the target win_copy tests what happens without one.
        known = lab.read_secrets(lab.StateFolder(self.state))
        self.environment["WINLAB_UPSTREAM_PASSWORD"] = known["administrator_password"]
        variables = {
            "ansible_connection": "winrm",
            "ansible_host": f"{{{{ ({lookup}).hosts.{HOST}.address }}}}",
            "ansible_port": f"{{{{ ({lookup}).hosts.{HOST}.https_port }}}}",
            "ansible_user": "Administrator",
            "ansible_password": "{{ lookup('ansible.builtin.env', 'WINLAB_UPSTREAM_PASSWORD') }}",
            "ansible_winrm_scheme": "https",
            "ansible_winrm_transport": "basic",
            # Without validation the machine's own authorities are read for each task: a quarter of its time.
            "ansible_winrm_ca_trust_path": str(self.state / "ca" / "ca.pem"),
        }
        inventory = {"windows": {"hosts": {HOST: variables}}}
        (self.folder / "inventory.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.winlab("down")
        finally:
            self._ends.close()

    def cpu(self) -> float:
        """CPU seconds that the simulated host has used until now (Linux alone)."""
        endpoints = json.loads((self.state / "endpoints.json").read_text(encoding="utf-8"))
        stat = Path(f"/proc/{endpoints['pid']}/stat")
        if not stat.is_file():
            return 0.0
        # After the name in parentheses: utime and stime are fields 14 and 15 (proc_pid_stat).
        fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _web(self) -> dict[str, Any]:
        """Serve the web that is lent, and say where: ansible-test's variable tells the targets of it."""
        if str(HERE) not in sys.path:
            sys.path.insert(0, str(HERE))
        import upstream_web  # noqa: PLC0415  (lies with the tests)

        self.environment[upstream_web.SWITCH] = "1"
        return self._ends.enter_context(upstream_web.serve(self.folder / "web", self.lent))

    def winlab(self, *arguments: str) -> None:
        """Run the command `winlab` in the state folder."""
        program = Path(sys.executable).with_name("winlab")
        subprocess.run(
            [str(program), *arguments], check=True, env=self.environment, stdout=subprocess.DEVNULL
        )

    def run(self, target: Target) -> Outcome:
        """Run one target on a bare host."""
        self.winlab("reset")
        # The variables are those of ansible-test's command_integration_role for Windows.
        play = {
            "hosts": "windows",
            "gather_facts": False,
            "vars": {"win_output_dir": "C:\\ansible_testing", "output_dir": str(self.folder / "output")},
            "roles": [{"role": target.name, "tags": target.name}],
        }
        # As ansible-test does: a play inside a collection has that collection's short names.
        path = target.path.parents[1] / f"winlab-{os.getpid()}-{target.name}.yml"
        path.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
        lines = self.folder / "outcomes" / f"{target.name}.jsonl"
        lines.parent.mkdir(exist_ok=True)
        lines.unlink(missing_ok=True)
        lines.touch()
        self.lent.unlink(missing_ok=True)
        environment = {
            **self.environment,
            "WINLAB_OUTCOMES": str(lines),
            "ANSIBLE_ROLES_PATH": str(target.path.parent),
            "ANSIBLE_COLLECTIONS_PATH": str(target.path.parents[5]),
        }
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        log = self.folder / "outcomes" / f"{target.name}.log"
        with log.open("w", encoding="utf-8") as stream:
            command = [program, "-v", "-i", str(self.folder / "inventory.yml"), str(path)]
            with subprocess.Popen(
                command, stdout=stream, stderr=subprocess.STDOUT, env=environment, cwd=self.folder
            ) as process:
                try:
                    process.wait(TARGET_LIMIT_SECONDS)
                except subprocess.TimeoutExpired:
                    process.terminate()
                    stream.write(f"\nstopped after {TARGET_LIMIT_SECONDS} seconds\n")
                finally:
                    path.unlink()
        outcome = read_outcome(target, lines.read_text(encoding="utf-8").splitlines())
        taken = self.lent.read_text(encoding="utf-8").splitlines() if self.lent.exists() else ()
        for kind, name in map(json.loads, taken):
            outcome.lent.setdefault(kind, set()).add(name)
        return outcome


def read_outcome(target: Target, lines: list[str]) -> Outcome:
    """Sort a run's lines by task; a task that ran several times passed only if it passed each time."""
    known = target.tasks()
    outcome = Outcome()
    base = f"{target.path}/"
    for entry in map(json.loads, lines):
        key = str(entry["path"]).removeprefix(base)
        if key not in known:
            # A role that the target depends on: without it nothing of the target is reached.
            if entry["outcome"] == "failed" and not outcome.outside:
                outcome.outside = f"{entry['name']!r}: {entry['message']}"
            continue
        if entry["outcome"] == "failed":
            outcome.failed[key] = str(entry["message"])
        elif entry["outcome"] == "skipped":
            outcome.skipped.add(key)
        else:
            outcome.passed.add(key)
            if entry["action"] in target.modules or entry["action"].rpartition(".")[2] == target.name:
                outcome.own.add(key)
            for option in entry["options"]:
                by_option = outcome.options.setdefault(str(entry["action"]), {})
                by_option.setdefault(option, str(entry["name"]).partition(" : ")[2] or str(entry["name"]))
    outcome.passed -= set(outcome.failed)
    outcome.skipped -= outcome.passed | set(outcome.failed)
    return outcome


def record(target: Target, outcome: Outcome) -> dict[str, Any]:
    """One target's entry of the results file."""
    known = target.tasks()
    missing = set(known) - outcome.passed - set(outcome.failed) - outcome.skipped
    failures = (f"{key} {known[key]!r}: {text}" for key, text in outcome.failed.items())
    first = next(failures, outcome.outside if missing or not outcome.passed else "")
    taken = dict(outcome.lent)
    if files := _files_named(target):
        taken["file"] = files
    needs = f"{NEEDS[target.name]}; " if target.name in NEEDS else ""
    return {
        "collection": target.collection,
        "modules": list(target.modules),
        "tasks": len(known),
        "passed": len(outcome.passed),
        "failed": len(outcome.failed),
        "skipped": len(outcome.skipped),
        "not_reached": len(missing),
        "own_passed": len(outcome.own & outcome.passed),
        "lent": {kind: sorted(names) for kind, names in sorted(taken.items())},
        "first_failure": _one_line(needs + first) if first else "",
        "options": {
            name: dict(sorted(found.items()))
            for name, found in sorted(outcome.options.items())
            if name in target.modules
        },
    }


def _files_named(target: Target) -> set[str]:
    """The lent files that the target's own text names: reading a file leaves no note."""
    texts = "".join(
        path.read_text(encoding="utf-8", errors="replace").lower() for path in target.path.rglob("*.yml")
    )
    return {path for path in load(LENT).get("file", {}) if path.rpartition("\\")[2].lower() in texts}


def describe_lent() -> dict[str, dict[str, str]]:
    """All that the harness lends, from its registries; in a process of its own, since they are global."""
    code = "import json, upstream_host, upstream_lent; print(json.dumps(upstream_lent.LENT))"
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


def write_json(path: Path, value: Any) -> None:
    """Write a results file, the same bytes for the same content."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


def _keep(name: str, entry: dict[str, Any], *, bare: bool) -> None:
    """Put one target's entry into the results file; two runs may do so at once, one of them bare."""
    with (CACHE / "results.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = load()
        before = kept.get(name, {})
        if bare:
            kept[name] = {**before, "bare": {key: entry[key] for key in COUNTS}}
        else:
            kept[name] = {**entry, **{key: before[key] for key in ("bare",) if key in before}}
        write_json(RESULTS, kept)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _one_line(text: str, limit: int = 220) -> str:
    line = _RANDOM.sub("<random>", " ".join(text.split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def summary(entries: dict[str, dict[str, Any]]) -> str:
    """The share of tasks that pass, skipped ones left out."""
    total = collections.Counter()
    for entry in entries.values():
        total.update({key: entry[key] for key in ("passed", "failed", "not_reached", "skipped")})
    counted = total["passed"] + total["failed"] + total["not_reached"]
    share = 100 * total["passed"] / counted if counted else 0.0
    return (
        f"{len(entries)} targets: {total['passed']} of {counted} tasks pass ({share:.1f} %), "
        f"{total['failed']} fail, {total['not_reached']} not reached; {total['skipped']} skipped"
    )


def load(path: Path = RESULTS) -> dict[str, Any]:
    """A committed file of results."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", help="names of targets")
    parser.add_argument("--all", action="store_true", help="every target that belongs to a twin")
    parser.add_argument("--list", action="store_true", help="list them with the number of their tasks")
    parser.add_argument("--bare", action="store_true", help="lend nothing; only the counts are kept")
    parser.add_argument("--dry", action="store_true", help="leave the results file alone")
    options = parser.parse_args()
    known = targets(sources())
    chosen = own_targets(known) if options.all or options.list else [known[name] for name in options.targets]
    if options.list:
        for target in chosen:
            print(f"{target.name:28} {len(target.tasks()):4}  {', '.join(target.modules)}")
        return 0
    if not options.dry:
        write_json(LENT, describe_lent())
    now: dict[str, dict[str, Any]] = {}
    with Lab(CACHE / f"lab-{os.getpid()}", lend=not options.bare) as lab:
        for target in chosen:
            start = time.monotonic()
            now[target.name] = entry = record(target, lab.run(target))
            print(
                f"{target.name:24} {entry['passed']:4} passed {entry['failed']:3} failed "
                f"{entry['not_reached']:4} not reached {entry['skipped']:3} skipped  "
                f"{time.monotonic() - start:5.0f} s  {entry['first_failure']}",
                flush=True,
            )
            if not options.dry:
                _keep(target.name, entry, bare=options.bare)
        print(
            f"CPU seconds: {_cpu_of_children():.0f} Ansible and commands, {lab.cpu():.0f} the simulated host"
        )
    print(summary(now))
    return 0


if __name__ == "__main__":
    sys.exit(main())
