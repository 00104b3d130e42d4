# ruff: noqa: E402, PLC0415  (this file must not shadow `inspect`; slow imports are what is measured)
"""Ratios of `inspect` against what it cannot do without: parsing. Exit code 1 when one is beyond its limit.

Run `python benchmarks/inspect.py`. Both sides of a ratio take turns in one run, in one process where
possible, and the best of several counts, so that a busy machine disturbs both alike. Real samples are used
where they lie beside the checkout (../shared/samples); the large export is synthetic and made in a temporary
folder.
"""

from __future__ import annotations

import sys

sys.path[:] = [item for item in sys.path if not item.endswith("benchmarks")]

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT.parent / "shared" / "samples"
sys.path.insert(0, str(ROOT / "tests" / "fixtures" / "exports"))

LARGE_BYTES = 200 * 1024 * 1024
LARGE_RESIDENT_MIB = 150
FOLDER_FILES = 1000

# Ratios the project has set itself: 2.0 for the 2 MB sample and the large export, 10 where the whole schema
# becomes a model, 4 for the command line.
LIMITS = {"built-in 2 MB": 2.0, "ECMA2": 10.0, "large": 2.0, "command": 4.0}


def best_of(rounds: int, *functions: Callable[[], object]) -> list[float]:
    """Best time of each function in seconds; they take turns."""
    best = [float("inf")] * len(functions)
    for _ in range(rounds):
        for index, function in enumerate(functions):
            start = time.perf_counter()
            function()
            best[index] = min(best[index], time.perf_counter() - start)
    return best


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
        *sorted((SAMPLES / "ecma2").glob("*.xml")),
        SAMPLES / "other" / "ad-2mb.saved-ma-configuration.xml",
    ]
    for path in paths:
        if not path.is_file():
            print(f"skipped: {path} is not there")
            continue
        large = path.stat().st_size > 1_000_000
        bare, ours, whole = best_of(
            15 if large else 60,
            partial(etree.parse, str(path)),
            partial(inspect, path),
            lambda path=path: inspect(path).to_dict(),
        )
        yield report(path.name, ours, bare, LIMITS["built-in 2 MB" if large else "ECMA2"])
        print(
            f"{'  with its document and identity':58} {'':13} {whole * 1000:10.2f} ms   x{whole / bare:5.2f}"
        )


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
start = time.perf_counter()
if kind == "ours":
    assert inspect(Path(path)).verdict != "not-ready"
else:
    for _, element in etree.iterparse(path):
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
elapsed = time.perf_counter() - start
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
            rounds,
            lambda: subprocess.run([sys.executable, "-c", "import lxml.etree"], check=True),
            lambda: subprocess.run(
                [str(script), "inspect", str(path)], check=True, stdout=subprocess.DEVNULL
            ),
        )
    yield report(f"mim2ecma inspect of {size // 1000} KB", ours, bare, LIMITS["command"])


def folder() -> None:
    """How a folder scales: files a second for a tenth of it and for all of it, and the busy cores."""
    from export_builder import Attribute, export

    script = Path(sys.executable).with_name("mim2ecma")
    text = export(attributes=[Attribute(f"attribute{number}") for number in range(50)])
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
            print(
                f"folder of {count:5} files: {elapsed:6.2f} s, {count / elapsed:7.0f} files/s, "
                f"{busy / elapsed:4.2f} cores"
            )


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
        results += command(10 * arguments.rounds)
    if "folder" in arguments.parts:
        folder()
    if "large" in arguments.parts:
        results += large(arguments.rounds)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
