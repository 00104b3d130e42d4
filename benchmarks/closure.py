#!/usr/bin/env python3
"""What reading assemblies costs, as ratios of one run on one machine.

    python -P benchmarks/closure.py [FOLDER_WITH_DLLS]

`-P` keeps this folder out of the search path: `inspect.py` beside this file would hide Python's own.

Without a folder the package `dotnetcore2` (165 DLLs) is downloaded; the limits are for it. Figures:

* reading all, against reading and SHA-256-hashing the same files: at most 2.0
* reading all, against dnfile in its default mode (a tenth of the files, scaled by bytes): at most 1/30
* the closure of a connector among 2,000 libraries: opens only what it reaches
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from mim2ecma.assemblies import walk
from mim2ecma.assemblies.reader import read_assembly
from mim2ecma.assemblies.request import closure_document

FIXTURES = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "assemblies"
PACKAGE = "dotnetcore2==3.1.23"
ROUNDS = 7
HASH_FACTOR, DNFILE_FACTOR = 2.0, 1 / 30
DNFILE_STEP = 10
LIBRARIES = 2000


def main() -> int:
    """Find the DLLs and measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else download(Path(name))
        if folder is None:
            print(f"{PACKAGE} cannot be downloaded here; give a folder with DLLs", file=sys.stderr)
            return 2
        return measure(sorted(folder.rglob("*.dll")))


def measure(paths: list[Path]) -> int:
    """Measure, print, and return 1 when a ratio is missed."""
    size = sum(path.stat().st_size for path in paths)
    print(f"{len(paths)} DLLs, {size} bytes; best of {ROUNDS} rounds")

    hashing = best(lambda: [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])
    reading = best(lambda: [read_assembly(path) for path in paths])
    both = best(lambda: [read_assembly(path, digest=True) for path in paths])
    good = report("read / (read bytes + SHA-256)", reading / hashing, HASH_FACTOR)
    report("read with SHA-256 / (read bytes + SHA-256)", both / hashing, HASH_FACTOR)

    sample = paths[::DNFILE_STEP]
    share = sum(path.stat().st_size for path in sample) / size
    good &= report("read / dnfile", reading / (dnfile_time(sample) / share), DNFILE_FACTOR)
    good &= reached()
    return 0 if good else 1


def download(folder: Path) -> Path | None:
    """Unpack the DLLs of the package into a folder; None when it cannot be had."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run([*command, "--dest", str(folder), PACKAGE], capture_output=True, check=False)
    if done.returncode != 0:
        return None
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".dll")])
    return folder


def best(work: Callable[[], object]) -> float:
    """Shortest of several rounds: the others measure the neighbours on the machine."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def dnfile_time(paths: list[Path]) -> float:
    """One round of dnfile in its default mode."""
    import dnfile  # noqa: PLC0415  (only this figure needs it)

    logging.getLogger("dnfile").setLevel(logging.CRITICAL)  # it reports each oddity of ready-to-run images
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in paths:
            dnfile.dnPE(str(path))
    return time.perf_counter() - start


def reached() -> bool:
    """Count the files that the closure opens among many."""
    opened = []
    original = walk.read_assembly

    def counting(path: Path, **options: bool) -> object:
        opened.append(path.name)
        return original(path, **options)  # type: ignore[arg-type]

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in (FIXTURES / "chain").iterdir():
            shutil.copy(path, folder)
        for number in range(LIBRARIES - len(list(folder.iterdir()))):
            shutil.copy(FIXTURES / "chain" / "Unrelated.dll", folder / f"Unrelated{number}.dll")
        walk.read_assembly = counting  # type: ignore[assignment]
        try:
            document = closure_document(str(folder / "Chain.Connector.dll"))
        finally:
            walk.read_assembly = original
        duration = best(lambda: closure_document(str(folder / "Chain.Connector.dll")))
    staged = document["stage"]
    assert isinstance(staged, list)
    print(
        f"closure among {LIBRARIES} libraries: {len(opened)} opened, {len(staged)} staged, "
        f"{duration * 1000:.1f} ms"
    )
    return len(opened) == len(staged)


def report(name: str, ratio: float, limit: float) -> bool:
    """Print one ratio beside its limit."""
    verdict = "ok" if ratio <= limit else "MISSED"
    print(f"{name}: {ratio:.3f} (at most {limit:.3f}) {verdict}")
    return ratio <= limit


if __name__ == "__main__":
    sys.exit(main())
