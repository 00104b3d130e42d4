# ruff: noqa: E402, PLC0415  (this file must not shadow `inspect`; slow imports are what is measured)
"""Ratios of `inspect` against what it cannot do without: parsing. Exit code 1 when one is beyond its limit.

Run `python benchmarks/inspect.py`. The sides of a ratio take turns in one run and the best of many rounds
counts. Time is processor time, so that other programs on the machine count as little as possible; nothing
here waits for anything, so on an idle machine it is what a clock shows. Real samples are used where they lie
beside the checkout (../shared/samples); the large export is synthetic and made in a temporary folder.
"""

from __future__ import annotations

import sys

sys.path[:] = [item for item in sys.path if not item.endswith("benchmarks")]

import argparse
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT.parent / "shared" / "samples"
sys.path.insert(0, str(ROOT / "tests" / "fixtures" / "exports"))

Measure = Callable[[Callable[[], object]], float]
LONGEST_SECONDS = 30.0
NO_BETTER = 0.99  # a time within one per cent of the best is none the better

LARGE_BYTES = 200 * 1024 * 1024
LARGE_RESIDENT_MIB = 150
FOLDER_FILES = 1000
FOLDER_GROWTH = 1.2
"""Time per file of the whole folder over that of a tenth of it: linear, with room for the clock's noise."""
FOLDER_CORES = 0.75
"""Share of the cores there are that the command keeps busy, its start left out."""

# Ratios the project has set itself: 2.0 for the 2 MB sample and the large export, 10 where the whole schema
# becomes a model, 4 for the command line.
LIMITS = {"built-in 2 MB": 2.0, "ECMA2": 10.0, "large": 2.0, "command": 4.0}


def best_of(functions: Sequence[Callable[[], object]], measure: Measure, rounds: int) -> list[float]:
    """Best time of each function in seconds; they take turns until no best gets better any more.

    Args:
        functions: What to measure.
        measure: Calls a function and gives the seconds it took.
        rounds: Rounds without a better time after which it ends.
    """
    best = [float("inf")] * len(functions)
    end, quiet = time.monotonic() + LONGEST_SECONDS, 0
    while quiet < rounds and time.monotonic() < end:
        quiet += 1
        for index, function in enumerate(functions):
            elapsed = measure(function)
            if elapsed < best[index] * NO_BETTER:
                quiet = 0
            best[index] = min(best[index], elapsed)
    return best


def here(function: Callable[[], object]) -> float:
    """Measure in this process."""
    start = time.process_time()
    function()
    return time.process_time() - start


def in_a_child(function: Callable[[], object]) -> float:
    """Measure in a child, which has imported everything and parsed nothing large yet.

    The C library puts off some of the work of freeing a large tree until memory is wanted again. Within one
    process that work would fall to whichever call comes next.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, repr(here(function)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return float(answer)


def of_commands(function: Callable[[], object]) -> float:
    """Measure the programs that a function starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    function()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def report(name: str, ours: float, bare: float, limit: float) -> bool:
    """Print one ratio; say whether it is within its limit."""
    ratio = ours / bare
    verdict = "ok" if ratio <= limit else "TOO SLOW"
    print(
        f"{name:58} {bare * 1000:10.2f} ms {ours * 1000:10.2f} ms   x{ratio:5.2f}  "
        f"(at most {limit})  {verdict}"
    )
    return ratio <= limit


def samples() -> Iterable[bool]:
    """Library call against a bare parse of the same file."""
    from lxml import etree

    from mim2ecma.readiness import inspect

    paths = [
        *(sorted((SAMPLES / "ecma2").glob("*.xml")) or [SAMPLES / "ecma2"]),
        SAMPLES / "other" / "ad-2mb.saved-ma-configuration.xml",
    ]
    for path in paths:
        if not path.is_file():
            print(f"not measured: {path} is not there")
            yield False
            continue
        large = path.stat().st_size > 1_000_000
        limit = LIMITS["built-in 2 MB" if large else "ECMA2"]
        bare, ours, whole = best_of(
            [
                partial(etree.parse, str(path)),
                partial(inspect, path),
                lambda path=path: inspect(path).to_dict(),
            ],
            in_a_child if large else here,
            rounds=15 if large else 60,
        )
        yield report(path.name, ours, bare, limit)
        yield report("  with its document and identity", whole, bare, limit)


def write_large(path: Path) -> None:
    """An export whose `mv-data` holds the flows of a very large server, on one line."""
    from export_builder import export

    flow = (
        '<import-flows mv-attribute="a{0}" type="ranked">'
        '<import-flow src-ma="{{22222222-0000-0000-0000-000000000000}}" cd-object-type="person" '
        'id="{{33333333-0000-0000-0000-000000000000}}"><direct-mapping><src-attribute>b{0}</src-attribute>'
        "</direct-mapping></import-flow></import-flows>"
    )
    head, tail = export(metaverse="@").split("@")
    with path.open("w", encoding="utf-8") as stream:
        stream.write(head)
        written = 0
        while written < LARGE_BYTES:
            block = "".join(flow.format(number) for number in range(1000))
            stream.write(block)
            written += len(block)
        stream.write(tail)


CHILD = """
import sys, time
kind, path = sys.argv[1:]
from lxml import etree
if kind == "ours":
    from pathlib import Path
    from mim2ecma.readiness import inspect
start = time.process_time()
if kind == "ours":
    assert inspect(Path(path)).to_dict()["verdict"] != "not-ready"
else:
    for _, element in etree.iterparse(path):
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
elapsed = time.process_time() - start
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(elapsed, int(peak.split()[1]) // 1024)
"""


def large(rounds: int) -> Iterable[bool]:
    """Library call against a bare clearing `iterparse`, each in a process of its own for the memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.xml"
        write_large(path)
        times: dict[str, list[float]] = {"bare": [], "ours": []}
        resident = 0
        for _ in range(rounds):
            for kind, measured in times.items():
                output = subprocess.run(
                    [sys.executable, "-c", CHILD, kind, str(path)], check=True, capture_output=True, text=True
                ).stdout.split()
                measured.append(float(output[0]))
                if kind == "ours":
                    resident = max(resident, int(output[1]))
    yield report("synthetic 200 MB export", min(times["ours"]), min(times["bare"]), LIMITS["large"])
    print(f"{'':58} resident {resident} MiB (at most {LARGE_RESIDENT_MIB})")
    yield resident <= LARGE_RESIDENT_MIB


def command(rounds: int) -> Iterable[bool]:
    """The command line on a 20 KB export against importing the parser."""
    from export_builder import Attribute, export

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.xml"
        path.write_text(export(attributes=[Attribute(f"attribute{number}") for number in range(50)]))
        size = path.stat().st_size
        script = Path(sys.executable).with_name("mim2ecma")
        bare, ours = best_of(
            [
                lambda: subprocess.run([sys.executable, "-c", "import lxml.etree"], check=True),
                lambda: subprocess.run(
                    [str(script), "inspect", str(path)], check=True, stdout=subprocess.DEVNULL
                ),
            ],
            of_commands,
            rounds,
        )
    yield report(f"mim2ecma inspect of {size // 1000} KB", ours, bare, LIMITS["command"])


def folder() -> Iterable[bool]:
    """How a folder scales: time per file for a tenth of it and for all of it, and the busy cores."""
    from export_builder import Attribute, export

    script = Path(sys.executable).with_name("mim2ecma")
    text = export(attributes=[Attribute(f"attribute{number}") for number in range(50)])
    per_file: list[float] = []
    totals: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        for count in (FOLDER_FILES // 10, FOLDER_FILES):
            target = Path(name) / str(count)
            target.mkdir()
            for number in range(count):
                (target / f"MA-{number:04}.xml").write_text(text)
            before, start = os.times(), time.perf_counter()
            subprocess.run([str(script), "inspect", str(target)], check=True, stdout=subprocess.DEVNULL)
            elapsed, after = time.perf_counter() - start, os.times()
            busy = after.children_user + after.children_system - before.children_user - before.children_system
            per_file.append(elapsed / count)
            totals.append((busy, elapsed))
            print(
                f"folder of {count:5} files: {elapsed:6.2f} s, {count / elapsed:7.0f} files/s, "
                f"{busy / elapsed:4.2f} cores"
            )
    # The start of the command weighs on the small folder: a linear folder is under 1. The cores are those of
    # the files that the large folder has more: there the start does not count.
    growth, wanted = per_file[-1] / per_file[0], FOLDER_CORES * (os.cpu_count() or 1)
    cores = (totals[-1][0] - totals[0][0]) / (totals[-1][1] - totals[0][1])
    for name, found, limit, within in (
        ("  time per file, all over a tenth", growth, f"at most {FOLDER_GROWTH}", growth <= FOLDER_GROWTH),
        ("  busy cores", cores, f"at least {wanted:.2f}", cores >= wanted),
    ):
        print(f"{name:58} {'':13} {'':13}   x{found:5.2f}  ({limit})  {'ok' if within else 'MISSED'}")
        yield within


def main() -> int:
    """Run all, or those asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=["samples", "command", "folder", "large"])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{'':58} {'bare':>13} {'inspect':>13}")
    results: list[bool] = []
    if "samples" in arguments.parts:
        results += samples()
    if "command" in arguments.parts:
        results += command(5 * arguments.rounds)
    if "folder" in arguments.parts:
        results += folder()
    if "large" in arguments.parts:
        results += large(arguments.rounds)
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
