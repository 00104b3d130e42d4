"""Long fuzzing: 10^5 mutations of real and synthetic exports give a document each, and nothing is raised."""

import random
from pathlib import Path

import pytest
from export_builder import export
from mutations import mutate

from mim2ecma.readiness import inspect

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
MUTATIONS = 100_000
LARGEST = 100_000  # bytes of a sample that is mutated whole; of larger ones the beginning is

pytestmark = pytest.mark.slow


def bases():
    contents = [export().encode(), export(wrapper="ma-data", category="AD").encode()]
    contents += [path.read_bytes()[:LARGEST] for path in sorted(SAMPLES.rglob("*.xml"))]
    return contents


@pytest.mark.timeout(3600)
def test_mutations_never_raise_anything():
    contents = bases()
    verdicts = set()
    for seed in range(MUTATIONS):
        generator = random.Random(seed)
        content = mutate(generator.choice(contents), generator)
        try:
            document = inspect(content).to_dict()
        except Exception as error:
            raise AssertionError(f"seed {seed} raises {error!r}") from error
        verdicts.add((document["verdict"], document["source"]["wrapper"]))
    assert len(verdicts) > 5
