"""`train conv-colorizer` on a small synthetic collection whose colour follows from its luminance."""

import numpy as np
import pytest
import torch

from explorer import training
from explorer.errors import UsageError
from explorer.formats import open_stage
from explorer.training.conv_colorizer import palette_of

SMALL = {
    "hold_out": "10",
    "near_copy": "0",
    "widths": "8,16",
    "blocks": "1",
    "colours": "6",
    "batch_size": "16",
}


def discs(count, seed=0):
    """Colour 8x8 pictures: a bright orange disc, larger or smaller, on dark blue."""
    draw = np.random.default_rng(seed)
    across, down = np.meshgrid(np.arange(8) - 3.5, np.arange(8) - 3.5)
    inside = across**2 + down**2 < draw.uniform(2, 14, (count, 1, 1))
    colours = np.where(inside[..., None], (240, 160, 60), (30, 40, 110))
    return (colours + draw.integers(-8, 9, colours.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the pictures and a small VAE of their grey."""
    folder = tmp_path_factory.mktemp("colours")
    np.savez(folder / "discs.npz", images=discs(120))
    settings = {
        "height": 8,
        "width": 8,
        "hidden": "32,16",
        "latent_dim": 2,
        "epochs": 60,
        "batch_size": 16,
        "save_every": 60,
    }
    settings |= {"hold_out": 10, "near_copy": 0, "first_beta": 0, "warm_up": 5, "lr": 0.003}
    training.train(
        "fc-vae",
        folder / "discs.npz",
        out=folder / "vae",
        settings={name: str(value) for name, value in settings.items()},
        device="cpu",
    )
    return folder


def _train(folder, out, stop=lambda: False, **changed):
    settings = SMALL | {name: str(value) for name, value in changed.items()}
    vae = str(folder / "vae" / "model.safetensors")
    data = folder / "discs.npz"
    return training.train(
        "conv-colorizer", data, out=out, model=vae, settings=settings, device="cpu", should_stop=stop
    )


def test_a_run_learns_the_colours_and_leaves_a_stage_that_opens(tmp_path, folder):
    result = _train(folder, tmp_path / "run", epochs=10, lr=0.01, save_every=10)
    kept_out = result.figures["kept_out"]
    assert kept_out["chroma_error"] < 0.5 * kept_out["chroma_error_of_grey"]
    assert kept_out["colourfulness"] > 0.6 * kept_out["colourfulness_of_pictures"]
    assert kept_out["luminance_error"] < 0.01
    stage = open_stage(result.checkpoint)
    assert stage.trained["model"]["name"] == "model"
    assert len(stage.trained["model"]["sha256"]) == 64
    orange = torch.tensor([240 - 173, 60 - 173]) / 255  # R-Y and B-Y of the disc
    assert float((stage.network.palette - orange).norm(dim=1).min()) < 0.02  # the pictures' colours, not any
    with torch.inference_mode():
        bright, dark = stage.apply(torch.full((1, 1, 8, 8), 0.6)), stage.apply(torch.full((1, 1, 8, 8), 0.15))
    assert float(bright[0, 0].mean() - bright[0, 2].mean()) > 0.1  # orange: more red than blue
    assert float(dark[0, 2].mean() - dark[0, 0].mean()) > 0.02  # blue
    for name in ("samples/epoch-0010.png", "metrics.csv", "run.json"):
        assert (tmp_path / "run" / name).stat().st_size > 0


def test_pictures_kept_out_change_no_weight(tmp_path, folder):
    _train(folder, tmp_path / "one", epochs=1)
    other = tmp_path / "other"
    other.mkdir()
    images = discs(120)
    images[110:] = 255 - images[110:]
    np.savez(other / "discs.npz", images=images)
    (other / "vae").symlink_to(folder / "vae")
    _train(other, tmp_path / "two", epochs=1)
    one, two = (
        open_stage(tmp_path / name / "model.safetensors").network.state_dict() for name in ("one", "two")
    )
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_stopping_leaves_a_whole_stage(tmp_path, folder):
    stop = (tmp_path / "run" / "checkpoint-0002.safetensors").is_file
    result = _train(folder, tmp_path / "run", stop=stop, epochs=500)
    assert not result.finished
    assert open_stage(result.checkpoint).architecture == "conv-colorizer"


def test_the_palette_holds_the_colours_of_the_pictures():
    chroma = torch.zeros(4, 2, 8, 8)
    chroma[:2, 0] = 0.3
    chroma[2:, 1] = -0.2
    found = palette_of(chroma, 2, seed=0)
    assert torch.allclose(found[found[:, 0].argsort()], torch.tensor([[0.0, -0.2], [0.3, 0.0]]), atol=1e-6)


def test_models_and_widths_that_do_not_serve_are_refused(tmp_path, folder):
    with pytest.raises(UsageError, match="multiples of 8"):
        _train(folder, tmp_path / "run", widths="10,16")
    colour = tmp_path / "colour"
    training.train(
        "fc-vae",
        folder / "discs.npz",
        out=colour,
        settings={
            "height": "8",
            "width": "8",
            "channels": "3",
            "hidden": "8",
            "epochs": "1",
            "hold_out": "0",
        },
        device="cpu",
    )
    with pytest.raises(UsageError, match="3x8x8"):
        training.train(
            "conv-colorizer",
            folder / "discs.npz",
            out=tmp_path / "run",
            model=str(colour / "model.safetensors"),
            settings=SMALL,
            device="cpu",
        )
