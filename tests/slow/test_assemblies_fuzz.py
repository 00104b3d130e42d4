"""Random damage: each file gives a result or one documented error."""

from __future__ import annotations

import random
import time
import tracemalloc
from pathlib import Path

import pytest

from mim2ecma.assemblies.assembly import AssemblyError
from mim2ecma.assemblies.image import DamagedImageError
from mim2ecma.assemblies.reader import read_embedded
from mim2ecma.assemblies.request import closure_document

pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "assemblies"
FLIPS = 100_000
CLOSURES = 3_000
FILES = (
    "embedded/Embedded.Connector.dll",
    "pinvoke/PInvoke.Connector.dll",
    "late/Late.Connector.dll",
    "pinvoke/Private.Native.dll",
)
MEMORY_LIMIT = 64 * 1024 * 1024
SECONDS = 1.0


def damaged(data: bytes, random_source: random.Random) -> bytes:
    """Change a few bytes, most of them where headers and metadata are."""
    content = bytearray(data)
    for _ in range(random_source.randint(1, 8)):
        content[random_source.randrange(len(content))] = random_source.choice(
            (0, 1, 0x7F, 0x80, 0xFF, random_source.randrange(256))
        )
    return bytes(content)


@pytest.mark.parametrize("file", FILES)
def test_flipped_bytes_give_a_result_or_one_error(file: str) -> None:
    data = (FIXTURES / file).read_bytes()
    random_source = random.Random(file)
    results = errors = 0
    slowest = 0.0
    tracemalloc.start()
    for _ in range(FLIPS // len(FILES)):
        start = time.process_time()
        try:
            read_embedded(damaged(data, random_source), "fuzz.dll")
            results += 1
        except AssemblyError:
            errors += 1
        slowest = max(slowest, time.process_time() - start)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert results > 0 and errors > 0
    assert peak < MEMORY_LIMIT
    assert slowest < SECONDS


@pytest.mark.parametrize("file", FILES[:3])
def test_the_closure_of_a_damaged_connector_is_a_document_or_one_error(file: str, tmp_path: Path) -> None:
    data = (FIXTURES / file).read_bytes()
    random_source = random.Random(file)
    path = tmp_path / "Fuzz.dll"
    documents = 0
    for _ in range(CLOSURES):
        path.write_bytes(damaged(data, random_source))
        try:
            document = closure_document(str(path))
        except AssemblyError:
            continue
        except DamagedImageError as error:  # pragma: no cover
            pytest.fail(f"not mapped: {error}")
        documents += 1
        for entry in document["stage"]:  # type: ignore[attr-defined]
            assert "/" not in entry["file"] and "\\" not in entry["file"]
    assert documents > 0
