"""Long fuzzing: 10^5 mutations of real and synthetic exports give a document each, and nothing is raised."""

import random
from pathlib import Path

import pytest
from export_builder import export
from mutations import mutate

from mim2ecma.readiness import inspect

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
MUTATIONS = 100_000
LARGEST = 200_000  # bytes of a sample that is mutated whole; of larger ones mostly the beginning is
RARELY = 500  # one mutation of so many takes a larger one whole, since each costs a second

pytestmark = pytest.mark.slow


def bases():
    contents = [export().encode(), export(wrapper="ma-data", category="AD").encode()]
    samples = [path.read_bytes() for path in sorted(SAMPLES.rglob("*.xml"))]
    contents += [sample[:LARGEST] for sample in samples]
    return contents, [sample for sample in samples if len(sample) > LARGEST]


@pytest.mark.timeout(3600)
def test_mutations_never_raise_anything():
    contents, large = bases()
    verdicts = set()
    for seed in range(MUTATIONS):
        generator = random.Random(seed)
        chosen = large if large and seed % RARELY == 0 else contents
        content = mutate(generator.choice(chosen), generator)
        try:
            document = inspect(content).to_dict()
        except Exception as error:
            raise AssertionError(f"seed {seed} raises {error!r}") from error
        verdicts.add((document["verdict"], document["source"]["wrapper"]))
    assert len(verdicts) > 5
