"""The scheduler's bench."""

import pytest
from held import PATIENCE, Bench


@pytest.fixture
def make():
    benches = []

    def build(**chunks):
        benches.append(Bench(**chunks))
        return benches[-1]

    yield build
    for bench in benches:
        bench.allow(1000)
        assert bench.scheduler.close(PATIENCE)
