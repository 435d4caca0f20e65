"""What is run again and again is recorded, and replayed with other values; what cannot be recorded still runs."""

import pytest
import torch

from explorer.render.graphs import Recorded, Recordings


def doubled(values):
    return 2 * values


def test_the_third_time_it_is_recorded_and_then_replayed():
    recorded, replayed = [], []

    def record(run, example):
        recorded.append(tuple(example.shape))

        def replay(values):
            replayed.append(len(values))
            return run(values)

        return replay

    recordings = Recordings(record)
    for value in range(5):
        assert recordings.run("a", doubled, torch.full((2,), value)).tolist() == [2 * value] * 2
    assert recordings.run("a", doubled, torch.ones(3)).tolist() == [2] * 3
    assert recordings.run("b", torch.neg, torch.ones(2)).tolist() == [-1] * 2
    assert (recorded, replayed) == ([(2,)], [2] * 3)


def test_what_cannot_be_recorded_runs_as_ever_and_is_not_tried_again():
    tries = []

    def record(run, example):
        tries.append(run)
        raise RuntimeError("it asks the processor")

    recordings = Recordings(record)
    assert [recordings.run("a", doubled, torch.ones(1)).item() for _ in range(6)] == [2.0] * 6
    assert len(tries) == 1


def test_the_last_used_recordings_are_kept():
    made = []

    def record(run, example):
        made.append(run)
        return run

    recordings = Recordings(record)
    for key in range(20):
        for _ in range(4):
            recordings.run(key, doubled, torch.ones(1))
    assert len(made) == 20
    recordings.run(19, doubled, torch.ones(1))
    assert len(made) == 20
    for _ in range(4):
        recordings.run(0, doubled, torch.ones(1))  # dropped meanwhile, so it is recorded anew
    assert len(made) == 21


def test_a_recording_on_a_gpu_follows_its_input():
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU")
    layer = torch.nn.Linear(4, 3).cuda()
    with torch.inference_mode():
        recorded = Recorded(layer, torch.zeros(2, 4, device="cuda"))
        for seed in range(3):
            values = torch.randn(2, 4, generator=torch.Generator().manual_seed(seed)).cuda()
            assert torch.allclose(recorded(values), layer(values), atol=1e-6)
