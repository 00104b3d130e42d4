"""What each option of each twin rests on, and what upstream's integration targets say: two tables.

Evidence of an option is, from weak to strong: an assumption; the line of the module's source that the twin
was written from; a task of upstream's integration targets that gives the option and passes; a transcript of
a real build (none yet). The tables are `docs/evidence.md` and `docs/upstream-targets.md`; `winlab evidence
--check` fails when they are stale. Results of the targets come from `upstream.json`, which
`tools/run_upstream_targets.py` writes.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.resources
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from winlab import modules, pins
from winlab.arguments.specs import Spec, is_basic, spec_of
from winlab.behaviours import BEHAVIOURS
from winlab.errors import WinlabError
from winlab.manifest import Script
from winlab.upstream_results import NONE, RESULTS_FILE, cell, results, status_of, targets_table

EVIDENCE_FILE = "evidence.md"
TARGETS_FILE = "upstream-targets.md"
__all__ = ["RESULTS_FILE", "check", "of_module", "results", "status_of", "write"]
KINDS = ("transcript", "upstream test", "source line", "assumption")
# What is assumed of an option that a twin does not read: that it changes nothing here, and why.
_NO_CERTIFICATE = (
    "read together with client_cert alone (WebRequest.psm1 lines 258-279), which is refused by name"
)
ASSUMED: dict[tuple[str, str], str] = {
    ("ansible.windows.setup", "gather_timeout"): "facts of a simulated host take no time",
    (
        "ansible.windows.win_package",
        "wait_for_children",
    ): "programs here start no processes that outlive them",
    ("ansible.windows.win_get_url", "client_cert_password"): _NO_CERTIFICATE,
    ("ansible.windows.win_package", "client_cert_password"): _NO_CERTIFICATE,
    ("ansible.windows.win_uri", "client_cert_password"): _NO_CERTIFICATE,
}
_PARAM = re.compile(r"""Get-AnsibleParam\b[^\n]*?(?:-name\s+)?["'](?P<name>\w+)["']""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OptionEvidence:
    """One row.

    Attributes:
        option: its name, nested ones with a dot.
        source: file and line of the module that declares or reads it, empty when none was found.
        read: whether the twin names it.
        upstream: target and task that give it and pass, empty when none does.
        transcript: a transcript of a real build that shows it, empty when none does.
    """

    option: str
    source: str
    read: bool
    upstream: str = ""
    transcript: str = ""

    @property
    def kind(self) -> str:
        """The strongest evidence there is."""
        if self.transcript:
            return "transcript"
        if self.upstream:
            return "upstream test"
        return "source line" if self.source and self.read else "assumption"


def of_module(name: str) -> list[OptionEvidence]:
    """The evidence of each option of a twin, in the order of the module's source.

    Raises:
        WinlabError: the module is not installed.
    """
    path = pins.module_path(name)
    script = Script(path.name, str(path), path.read_bytes())
    named = _names_in_twin(name)
    passed = _passed_options(name)
    rows = []
    for option, source, aliases in _options(name, script, path):
        tested = next((passed[key] for key in (option, *aliases) if key in passed), "")
        read = option.rpartition(".")[2].casefold() in named
        rows.append(OptionEvidence(option, source, read, tested))
    return rows


def _options(name: str, script: Script, path: Path) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if not is_basic(script.text):
        seen: set[str] = set()
        for number, line in enumerate(script.text.splitlines(), 1):
            for match in _PARAM.finditer(line):
                option = match["name"]
                if not option.startswith("_ansible") and option.casefold() not in seen:
                    seen.add(option.casefold())
                    yield option, f"{path.name}:{number}", ()
        return
    utils = pins.util_scripts(name)
    spec = spec_of(name, script, utils)
    sources = [(path.name, script.text)]
    sources += [
        (util.name, util.text) for key, util in sorted(utils.items()) if key.endswith((".psm1", ".cs"))
    ]
    yield from _spec_options(spec, sources, "")


def _spec_options(
    spec: Spec, sources: list[tuple[str, str]], prefix: str
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for option, inner in spec.options.items():
        aliases = tuple(f"{prefix}{alias}" for alias in inner.aliases)
        yield f"{prefix}{option}", _declared(option, sources), aliases
        yield from _spec_options(inner, sources, f"{prefix}{option}.")


def _declared(option: str, sources: list[tuple[str, str]]) -> str:
    """The first line that gives the option a specification."""
    pattern = re.compile(rf"(?im)^[^#\n]*?(?<![\w$.])[\"']?{re.escape(option)}[\"']?\s*=\s*@\{{")
    for file, text in sources:
        if match := pattern.search(text):
            return f"{file}:{text.count(chr(10), 0, match.end()) + 1}"
    return ""


@functools.cache
def _names_in_twin(name: str) -> frozenset[str]:
    """The texts that the twin's file, and the files of this package's modules that it imports, contain."""
    function = inspect.unwrap(modules.lookup(name).function)
    pending, seen, found = [function.__module__], set(), set()
    while pending:
        module = pending.pop()
        if module in seen:
            continue
        seen.add(module)
        tree = ast.parse(inspect.getsource(importlib.import_module(module)))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value.casefold())
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("winlab.modules._"):
                pending.append(str(node.module))
    return frozenset(found)


def _passed_options(name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for target, entry in sorted(results().items()):
        for option, task in entry.get("options", {}).get(name, {}).items():
            found.setdefault(option, f"{target}: {task}")
    return found


def evidence_table() -> str:
    """The table of all options as Markdown."""
    twins = {name: of_module(name) for name in sorted(set(modules.names()) & set(pins.pinned()))}
    rows = [row for found in twins.values() for row in found]
    counts = {kind: sum(row.kind == kind for row in rows) for kind in KINDS}
    lines = [
        "<!-- Generated by `winlab evidence --write`; do not edit. -->",
        "# What each option of each twin rests on",
        "",
        f"{len(twins)} twins, {len(rows)} options. Strongest evidence: "
        + ", ".join(f"{kind} {count}" for kind, count in counts.items())
        + ".",
        "",
        "* *transcript*: a recorded conversation with a real Windows build shows it. There is none yet.",
        "* *upstream test*: a task of the collection's integration targets gives the option, and passes.",
        "* *source line*: the twin was written from the line of the module's source that declares it.",
        "* *assumption*: no line was found, or the twin does not name the option: do not rely on it.",
        "",
        "## Options that rest on assumption",
        "",
        "| Module | Option | Assumed |",
        "|---|---|---|",
        *(
            f"| {name} | `{row.option}` | no effect: {ASSUMED.get((name, row.option), NONE)} |"
            for name, found in twins.items()
            for row in found
            if row.kind == "assumption"
        ),
        "",
        "## Behaviours that upstream's targets show and no line of source",
        "",
        "| Behaviour | Where | Target | Microsoft's documents |",
        "|---|---|---|---|",
    ]
    lines += [f"| {row.what} | {row.file} | {row.target} | {row.documented or NONE} |" for row in BEHAVIOURS]
    for name, found in twins.items():
        lines += ["", f"## {name}", ""]
        if not found:
            lines.append("No options.")
            continue
        lines += [
            "| Option | Source | Upstream's test that passes | Transcript | Evidence |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| `{row.option}` | {row.source or NONE} | {cell(row.upstream)} | {row.transcript or NONE} "
            f"| {row.kind} |"
            for row in found
        ]
    return "\n".join(lines) + "\n"


def tables() -> dict[str, str]:
    """Both tables by file name."""
    return {EVIDENCE_FILE: evidence_table(), TARGETS_FILE: targets_table()}


def write(folder: Path) -> list[Path]:
    """Write both tables into a folder of documents. Returns the files that changed."""
    changed = []
    for name, text in tables().items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def check(folder: Path) -> list[str]:
    """One line for each table that is stale, empty when none is."""
    lines = []
    for name, text in tables().items():
        path = folder / name
        found = path.read_text(encoding="utf-8") if path.is_file() else ""
        if found != text:
            what = "stale" if found else "missing"
            lines.append(f"{path}: {what}; expected what the sources say now. Run `winlab evidence --write`.")
    return lines


def default_folder() -> Path:
    """`docs/` of the source tree.

    Raises:
        WinlabError: this winlab was installed without it.
    """
    folder = Path(str(importlib.resources.files("winlab"))).parents[1] / "docs"
    if not folder.is_dir():
        raise WinlabError(
            f"{folder}: evidence: no such folder; expected winlab's docs. Name one with --docs."
        )
    return folder
