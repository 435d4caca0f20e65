"""What a run leaves in its folder, where the disk does not take it."""

import os

import numpy as np
import pytest

from explorer import training
from explorer.errors import DeviceError, OutputError, TrainingError, UsageError
from explorer.formats.run_folder import RunFolder

SMALL = {"height": 2, "width": 2, "hidden": 2, "latent_dim": 1, "hold_out": 0, "batch_size": 4}


@pytest.fixture
def train(tmp_path):
    """Return `train(epochs, ...)` of few small pictures into `run`."""
    np.savez(tmp_path / "data.npz", images=np.arange(32, dtype=np.uint8).reshape(8, 2, 2))

    def train(epochs, recipe="fc-vae", resume=False, **changed):
        sizes = SMALL if recipe == "fc-vae" else {"batch_size": 4}
        settings = {name: str(value) for name, value in (sizes | changed | {"epochs": epochs}).items()}
        return training.train(
            recipe,
            tmp_path / "data.npz",
            out=tmp_path / "run",
            settings=settings,
            device="cpu",
            resume=resume,
        )

    return train


@pytest.mark.skipif(os.name != "posix", reason="needs limits of the system")
def test_a_disk_that_fills_while_a_run_is_saved_is_one_sentence(tmp_path, train):
    import resource

    train(1)
    most = max(path.stat().st_size for path in (tmp_path / "run").glob("*.safetensors")) + 500
    assert most < (tmp_path / "run" / "resume.pt").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"resume\.pt could not be written \(file too large\)"):
            train(2, resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert RunFolder.read(tmp_path / "run").state == "failed"
    assert train(3, resume=True).finished
    assert [epoch.number for epoch in RunFolder.read(tmp_path / "run").epochs] == [1, 2, 3]


@pytest.mark.parametrize("name", ["events", "samples"])
def test_a_folder_of_a_run_that_cannot_be_made_is_one_sentence(tmp_path, train, name):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).write_text("in the way")
    with pytest.raises(OutputError, match=rf"{name} could not be written \(file exists\)"):
        train(1)


def test_tensorboard_reads_the_events_of_a_run_that_was_resumed(tmp_path, train):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(2)
    train(3, resume=True)
    told = EventAccumulator(str(tmp_path / "run" / "events")).Reload()
    assert {"loss", "kl", "seconds"} <= set(told.Tags()["scalars"])
    assert [event.step for event in told.Scalars("loss")] == [1, 2, 3]


def test_a_run_that_ends_before_it_saved_anything_leaves_its_folder_free(tmp_path, train):
    with pytest.raises(TrainingError, match="nothing was saved yet"):
        train(1, moments=3e38, warm_up=0)
    assert not (tmp_path / "run").exists()
    assert train(1).finished


def test_memory_that_does_not_suffice_is_one_sentence(tmp_path, train):
    with pytest.raises(DeviceError, match="not enough memory to train this; give"):
        train(1, hidden=10**13)
    assert not (tmp_path / "run").exists()


def test_a_vae_that_keeps_no_picture_out_trains(train):
    assert train(1, "conv-vae", hold_out=0, near_copy=0).finished


@pytest.mark.parametrize(
    ("name", "value"), [("widths", "8"), ("widths", "12,16"), ("blocks", "0"), ("blocks", "99")]
)
def test_sizes_that_make_no_colour_stage_are_a_wrong_call(train, name, value):
    with pytest.raises(UsageError, match=f"{name}.* 16,32,64|16,32,64.* {name}"):
        train(1, "conv-colorizer", **{name: value})
