"""`train stack-colorizer` on faces whose colour follows from their grey."""

import csv

import numpy as np
import pytest
import torch

from explorer import training
from explorer.data.images import grey as grey_of
from explorer.formats import open_stage
from explorer.models.stack_colorizer import StackColorizer, StackColorizerConfig
from explorer.training.stack_colorizer import begun, errors


def discs(count):
    """Colour 30x30 pictures: an orange disc, larger or smaller, on dark blue."""
    draw = np.random.default_rng(0)
    down, across = np.mgrid[:30, :30] - 14.5
    inside = across**2 + down**2 < draw.uniform(20, 160, (count, 1, 1))
    colours = np.where(inside[..., None], (240, 160, 60), (30, 40, 110))
    return (colours + draw.integers(-8, 9, colours.shape)).clip(0, 255).astype(np.uint8)


def _train(folder, count=64, **changed):
    np.savez(folder / "discs.npz", images=discs(count))
    settings = {"hidden": 8, "hold_out": 8, "near_copy": 0, "batch_size": 8, "lr": 0.003} | changed
    return training.train(
        "stack-colorizer",
        folder / "discs.npz",
        out=folder / "run",
        settings={name: str(value) for name, value in settings.items()},
        device="cpu",
    )


def _rows(folder):
    return list(csv.DictReader((folder / "run" / "metrics.csv").read_text().splitlines()))


def test_a_run_learns_colours_and_leaves_a_stage_for_grey_in_255(tmp_path):
    result = _train(tmp_path, epochs=5, noise=40)
    rows = _rows(tmp_path)
    assert float(rows[-1]["loss"]) < 0.7 * float(rows[0]["loss"])
    assert float(rows[-1]["kept_out_colour"]) < 0.7 * float(rows[0]["kept_out_colour"])
    kept_out = result.figures["kept_out"]
    assert kept_out["of_no_colour"] > 40
    model = open_stage(result.checkpoint)
    true = discs(64)[-8:]
    shades = torch.from_numpy(grey_of(true))[:, None] / 255
    with torch.inference_mode():
        shown = model.apply(shades)
        assert torch.equal(shown, model.apply(shades))  # no noise
    error = 255 * (shown - torch.from_numpy(true).permute(0, 3, 1, 2) / 255).square().mean().sqrt()
    assert float(error) == pytest.approx(kept_out["colour"], abs=0.02)


def test_noise_is_for_learning(tmp_path):
    losses = []
    for noise in (0, 200):
        folder = tmp_path / str(noise)
        folder.mkdir()
        _train(folder, count=40, epochs=1, noise=noise)
        losses.append(float(_rows(folder)[0]["loss"]))
    assert losses[0] != losses[1]


def test_it_begins_with_the_mean_picture_and_live_maps():
    mean, shades = torch.rand(3, 30, 30), torch.from_numpy(grey_of(discs(16)))[:, None] / 255
    network = begun(StackColorizer(StackColorizerConfig(8)), shades, mean)
    assert torch.equal(network(shades), mean.expand(16, -1, -1, -1))
    features = network.features(shades).reshape(16, 5, -1)
    assert (features > 0).float().mean((0, 2)).min() > 0.5
    assert torch.allclose(network.features[:3](shades).mean((0, 2, 3)), torch.tensor(0.3), atol=1e-3)


def test_the_loss_asks_for_colour_and_for_the_luminance_that_came_in():
    true = torch.rand(2, 3, 4, 4)
    grey = 0.3 * true[:, :1] + 0.59 * true[:, 1:2] + 0.11 * true[:, 2:]
    colour, luminance = errors(true, true, grey)
    assert colour == 0
    assert luminance < 1e-12
    shifted = true + torch.tensor([0.59, -0.3, 0.0])[:, None, None]  # another hue of the same luminance
    colour, luminance = errors(shifted, true, grey)
    assert colour > 0.1
    assert luminance < 1e-12
    assert errors(true + 0.1, true, grey)[1] == pytest.approx(0.01, rel=1e-4)


@pytest.mark.slow
def test_the_articles_size_is_stored_with_one_linear_layer(tmp_path):
    result = _train(tmp_path, count=256, epochs=2, hidden=2400, batch_size=64, lr=1e-4)
    assert float(_rows(tmp_path)[-1]["loss"]) < float(_rows(tmp_path)[0]["loss"])
    model = open_stage(result.checkpoint)
    assert [tuple(layer.weight.shape) for layer in model.network.linears] == [(2700, 17405)]
    shades = torch.from_numpy(grey_of(discs(256)[-8:]))[:, None] / 255
    true = torch.from_numpy(discs(256)[-8:]).permute(0, 3, 1, 2) / 255
    error = 255 * (model.apply(shades) - true).square().mean().sqrt()
    assert float(error) == pytest.approx(result.figures["kept_out"]["colour"], abs=0.02)
