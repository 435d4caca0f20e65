"""`train fc-vae` on a small synthetic collection, through `training.train`."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from explorer import training
from explorer.errors import Cancelled, CheckpointError, ImageError, OutputError, UsageError
from explorer.formats import open_latent
from explorer.formats.run_folder import RunFolder

SMALL = {
    "near_copy": "0",
    "height": "8",
    "width": "8",
    "hidden": "32,16",
    "latent_dim": "3",
    "hold_out": "20",
    "batch_size": "16",
}


def ramps(count, seed=0):
    """Grey 8x8 pictures of two factors: how steep and which way a ramp goes."""
    draw = np.random.default_rng(seed)
    steep, turn = draw.normal(size=(2, count, 1, 1)) * 0.8
    across, down = np.meshgrid(np.linspace(-1, 1, 8), np.linspace(-1, 1, 8))
    pictures = 128 + 50 * steep * across + 50 * turn * down + draw.normal(size=(count, 8, 8)) * 4
    return pictures.clip(0, 255).astype(np.uint8)[..., None]


@pytest.fixture
def data(tmp_path):
    np.savez(tmp_path / "ramps.npz", images=ramps(200))
    return tmp_path / "ramps.npz"


def _train(data, out, **changed):
    stop = changed.pop("should_stop", lambda: False)
    settings = SMALL | {name: str(value) for name, value in changed.items()}
    return training.train("fc-vae", data, out=out, settings=settings, device="cpu", should_stop=stop)


def _tensors(path):
    return open_latent(path).model.network.state_dict()


def test_a_run_learns_and_leaves_a_checkpoint_that_opens(tmp_path, data):
    result = _train(data, tmp_path / "run", epochs=25, lr=0.003, save_every=25)
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == [str(number) for number in range(1, 26)]
    assert float(rows[-1]["nll"]) < float(rows[0]["nll"]) - 30
    assert result.finished
    assert result.checkpoint == tmp_path / "run" / "model.safetensors"
    model = open_latent(result.checkpoint).model
    assert model.architecture == "fc-vae"
    assert model.image.height == 8
    assert model.spaces["z"].dim == 3
    assert model.trained["settings"]["hidden"] == [32, 16]
    assert model.trained["data"]["kept_out"] == 20
    # two factors, so two dimensions suffice to come close to the noise
    kept_out = result.figures["kept_out"]
    assert kept_out["mse"] < 0.5 * np.var(ramps(200).astype(float))
    assert result.figures["active_dimensions"] >= 2


def test_the_figures_are_those_of_the_checkpoint(tmp_path, data):
    result = _train(data, tmp_path / "run", epochs=8)
    model = open_latent(result.checkpoint).model
    kept_out = torch.from_numpy(ramps(200)[180:]).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        decoded = model.network.decode(model.network.encode(kept_out)[0]).clamp(0, 255)
    assert float((decoded - kept_out).square().mean()) == pytest.approx(
        result.figures["kept_out"]["mse"], abs=0.02
    )
    report = json.loads((tmp_path / "run" / "run.json").read_text())
    assert report["figures"] == json.loads(json.dumps(result.figures))
    assert report["settings"]["epochs"] == 8
    assert report["state"] == "finished"
    pictures = sorted(path.name for path in (tmp_path / "run" / "samples").iterdir())
    assert pictures == [f"epoch-{number:04d}.png" for number in range(1, 9)]
    with Image.open(tmp_path / "run" / "samples" / pictures[-1]) as grid:
        assert grid.size == (12 * 8 * 12, 7 * 8 * 12)


def test_pictures_kept_out_change_no_weight(tmp_path, data):
    _train(data, tmp_path / "one", epochs=2, near_copy=0)
    others = ramps(200)
    others[180:] = 255 - others[180:]
    np.savez(tmp_path / "others.npz", images=others)
    _train(tmp_path / "others.npz", tmp_path / "two", epochs=2, near_copy=0)
    others[0] = 255 - others[0]
    np.savez(tmp_path / "learnt.npz", images=others)
    _train(tmp_path / "learnt.npz", tmp_path / "three", epochs=2, near_copy=0)
    one, two, three = (_tensors(tmp_path / name / "model.safetensors") for name in ("one", "two", "three"))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert not all(torch.equal(one[key], three[key]) for key in one)


def test_a_seed_gives_the_same_file_and_another_one_does_not(tmp_path, data):
    files = []
    for place, seed in (("one", 5), ("two", 5), ("three", 6)):
        files.append(_train(data, tmp_path / place, epochs=2, seed=seed).checkpoint.read_bytes())
    assert files[0] == files[1]
    assert files[0] != files[2]


def test_stopping_leaves_a_whole_checkpoint(tmp_path, data):
    stop = (tmp_path / "run" / "checkpoint-0005.safetensors").is_file
    result = _train(data, tmp_path / "run", epochs=500, should_stop=stop)
    assert not result.finished
    assert result.epochs == 5
    assert open_latent(result.checkpoint).model.trained["epochs"] == 5
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert about["state"] == "stopped"
    assert about["figures"] == json.loads(json.dumps(result.figures))


def test_checkpoints_are_written_on_the_way(tmp_path, data):
    _train(data, tmp_path / "run", epochs=5, save_every=2)
    run = RunFolder.read(tmp_path / "run")
    assert [epoch.number for epoch in run.epochs] == [2, 4, 5]
    assert [open_latent(epoch.path).model.trained["epochs"] for epoch in run.epochs] == [2, 4, 5]
    assert (run.path / "model.safetensors").read_bytes() == run.epochs[-1].path.read_bytes()


def test_colour_pictures_can_be_learnt(tmp_path):
    np.savez(tmp_path / "colour.npz", images=np.repeat(ramps(60), 3, axis=-1))
    result = _train(tmp_path / "colour.npz", tmp_path / "run", epochs=2, channels=3)
    assert open_latent(result.checkpoint).model.image.channels == 3


def test_too_few_pictures_for_a_pca_leave_it_out(tmp_path, data):
    result = _train(data, tmp_path / "run", epochs=1, latent_dim=64, hold_out=180)
    assert "pca_of_main" not in result.figures["main"]


@pytest.mark.parametrize("changed", [{"epoch": 3}, {"epochs": 0}, {"hidden": "8,x"}, {"beta": "nan"}])
def test_wrong_settings_are_refused_before_anything_is_read(tmp_path, changed):
    with pytest.raises(UsageError):
        _train(tmp_path / "missing.npz", tmp_path / "run", **changed)
    assert not (tmp_path / "run").exists()


def test_wrong_calls_are_refused(tmp_path, data):
    with pytest.raises(UsageError, match="choose one of fc-vae, "):
        training.train("vae", data, out=tmp_path / "run")
    with pytest.raises(UsageError, match="--model"):
        training.train("fc-vae", data, out=tmp_path / "run", model="anime-faces")
    with pytest.raises(UsageError, match="--model"):
        training.train("conv-colorizer", data, out=tmp_path / "run")
    with pytest.raises(UsageError, match="--data-b"):
        training.train("fc-vae", data, data_b=data, out=tmp_path / "run")
    with pytest.raises(ImageError):
        _train(tmp_path / "missing.npz", tmp_path / "run")
    with pytest.raises(CheckpointError):
        training.train("conv-colorizer", data, out=tmp_path / "run", model=str(tmp_path / "no.pth"))


def test_a_run_folder_that_cannot_be_made_is_told(tmp_path, data):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OutputError, match="file"):
        _train(data, tmp_path / "file" / "run")


def test_every_recipe_says_what_it_is():
    for name, recipe in training.recipes().items():
        assert recipe.name == name
        assert recipe.source
        assert all(info.help for info in recipe.described)
        assert {"hold_out", "near_copy", "extra", "seed", "epochs"} <= {
            info.name for info in recipe.described
        }


def test_a_run_that_left_nothing_leaves_no_folder(tmp_path, data):
    (tmp_path / "there").mkdir()
    for out in ("new", "there"):
        with pytest.raises(ImageError, match="too few"):
            _train(data, tmp_path / out, hold_out=10_000)
        with pytest.raises(Cancelled):
            _train(data, tmp_path / out, should_stop=lambda: True)
    assert (tmp_path / "there").is_dir()
    assert not (tmp_path / "new").exists()
