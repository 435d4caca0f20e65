"""`train twin-autoencoder` on red and blue discs: each decoder draws in its own colour what the other set shows."""

import csv

import numpy as np
import pytest
import torch

from explorer import training
from explorer.errors import UsageError
from explorer.formats import open_latent
from explorer.models.base import DecodeOptions
from explorer.models.twin_autoencoder import luminance
from explorer.training.distortion import affine_maps, distorted, edge_error, recoloured
from explorer.training.twin_autoencoder import TwinAutoencoderSettings

SMALL = {
    "side": 16, "widths": "8,16", "ups": "24,16,8", "latent_dim": 6, "batch_size": 16, "hold_out": 8, "near_copy": 0,
    "save_every": 100, "lr": 0.005, "shift": 0, "zoom": 0, "warp": 0.02,
}  # fmt: skip
RED, BLUE, GREEN = (220, 50, 40), (60, 90, 230), (40, 130, 70)


def discs(count, colour, seed=0, upright=False):
    """Pictures `(count, 16, 16, 3)`: a disc of this colour, left or right (or above or below), on light grey."""
    draw = np.random.default_rng(seed)
    down, across = np.mgrid[:16, :16]
    if upright:
        down, across = across, down
    x = draw.choice((5, 10), count)[:, None, None]
    inside = (down - 7.5) ** 2 + (across - x) ** 2 < 12
    return np.where(inside[..., None], colour, 200).astype(np.uint8)


def _train(folder, count=64, same_names=False, resume=False, **changed):
    first, second = folder / "red.npz", folder / ("b/red.npz" if same_names else "blue.npz")
    second.parent.mkdir(exist_ok=True)
    np.savez(first, images=discs(count, RED))
    np.savez(second, images=discs(count // 2, BLUE, seed=1))
    return training.train(
        "twin-autoencoder",
        first,
        data_b=second,
        out=folder / "run",
        settings={name: str(value) for name, value in (SMALL | changed).items()},
        device="cpu",
        resume=resume,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    np.savez(folder / "green.npz", images=discs(64, GREEN, seed=3, upright=True))
    return folder, _train(folder, count=128, epochs=16, hue=0.5, extra=folder / "green.npz")


def _drawn(result, pictures):
    """Return what both decoders draw: mean colours of the dark disc and of the rest, `(16, 3)` each."""
    model = open_latent(result.checkpoint).model
    pictures = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        codes = model.encode(pictures).mean
        drawn = [model.decode(codes, options=DecodeOptions(head=name)) for name in model.heads]
    inside = (luminance(pictures) < 0.6).float()
    return [[(each * mask).sum((2, 3)) / mask.sum((2, 3)) for mask in (inside, 1 - inside)] for each in drawn]


def test_the_loss_falls_and_the_other_decoder_draws_in_its_own_colour(trained):
    folder, result = trained
    rows = list(csv.DictReader((folder / "run" / "metrics.csv").read_text().splitlines()))
    assert float(rows[-1]["loss"]) < 0.5 * float(rows[0]["loss"])
    assert float(rows[-1]["kept_out_second"]) < 0.8 * float(rows[0]["kept_out_second"])
    assert result.figures["kept_out_first"] < 0.06
    assert open_latent(result.checkpoint).model.heads == ("red", "blue")
    (own, _), (other, _) = _drawn(result, discs(16, RED, seed=2))
    assert (own[:, 0] - own[:, 2]).min() > 0.3
    assert (other[:, 2] - other[:, 0]).min() > 0.3


def test_extra_pictures_teach_places_and_no_colours(trained):
    """Neither set has discs above or below; both decoders draw them, darker than the ground, in their own colour."""
    (red, ground), (blue, blue_ground) = _drawn(trained[1], discs(16, GREEN, seed=2, upright=True))
    assert (ground - red)[:, 1].min() > 0.1
    assert (blue_ground - blue)[:, 1].min() > 0.1
    assert (red[:, 0] - red[:, 2]).min() > 0.1
    assert (blue[:, 2] - blue[:, 0]).min() > 0.1


def test_the_grid_shows_pictures_and_both_decoders(trained):
    from PIL import Image

    with Image.open(trained[0] / "run" / "samples" / "epoch-0016.png") as picture:
        sheet = np.asarray(picture)
    zoom = sheet.shape[0] // (6 * 16)
    assert sheet.shape == (6 * 16 * zoom, 8 * 16 * zoom, 3)
    own, other = sheet[16 * zoom : 32 * zoom], sheet[32 * zoom : 48 * zoom]
    assert np.abs(own.astype(int) - other).mean() > 5


def test_a_run_that_goes_on_equals_one_that_was_not_stopped(tmp_path):
    weights = []
    for name, parts in (("whole", (2,)), ("parts", (1, 2))):
        (tmp_path / name).mkdir()
        for number, epochs in enumerate(parts):
            result = _train(
                tmp_path / name, count=32, resume=number > 0, epochs=epochs, hue=0.5, lr=0.001, save_every=1
            )
        weights.append(open_latent(result.checkpoint).model.network.state_dict())
    whole, parts = weights
    assert all(torch.equal(weight, parts[key]) for key, weight in whole.items())


def test_collections_of_one_name_and_sizes_that_do_not_fit(tmp_path):
    result = _train(tmp_path, count=48, same_names=True, epochs=1)
    assert open_latent(result.checkpoint).model.heads == ("red-a", "red-b")
    with pytest.raises(UsageError, match=r"one more entry in ups than in widths.*correct them\.$"):
        _train(tmp_path, epochs=1, ups="8,8")
    with pytest.raises(UsageError, match="hue, saturation, lightness, grey and extra"):
        _train(tmp_path, epochs=1, channels=1, hue=0.2)


def test_without_any_distortion_pictures_stay_as_they_are():
    images = torch.rand(3, 3, 16, 16)
    still = TwinAutoencoderSettings(rotation=0, zoom=0, shift=0, flip=0, warp=0)
    for moved in distorted(images, still):
        assert torch.allclose(moved, images, atol=1e-5)
    mirrored = TwinAutoencoderSettings(rotation=0, zoom=0, shift=0, flip=1, warp=0)
    assert torch.allclose(distorted(images, mirrored)[1], images.flip(3), atol=1e-5)


def test_the_input_is_warped_and_the_target_only_moved():
    torch.manual_seed(0)
    ramp = torch.linspace(0.25, 0.75, 32).expand(
        8, 1, 32, 32
    )  # one straight slope, which an affine map keeps
    inputs, targets = distorted(
        ramp, TwinAutoencoderSettings(channels=1, shift=0, zoom=0, flip=0, rotation=5)
    )
    inner = (slice(None), slice(None), slice(8, 24), slice(8, 24))
    bend = [images[inner].diff(dim=-1).diff(dim=-1).abs().max() for images in (inputs, targets)]
    assert bend[0] > 10 * bend[1]
    maps = affine_maps(500, TwinAutoencoderSettings())
    sizes = torch.linalg.det(maps[:, :, :2])
    assert 0.4 < (sizes < 0).float().mean() < 0.6
    assert 0.9 < sizes.abs().min() < sizes.abs().max() < 1.11
    assert maps[:, :, 2].abs().max() <= 0.1


def test_colours_change_and_greys_stay():
    torch.manual_seed(0)
    images = 0.4 + 0.2 * torch.rand(64, 3, 4, 4)
    greys = torch.rand(64, 1, 4, 4).expand(-1, 3, -1, -1)
    mean = images.mean(1)
    for changed, keeps_mean in (({"hue": 0.5}, True), ({"saturation": 1}, True), ({"lightness": 1}, False)):
        how = TwinAutoencoderSettings(**changed)
        other = recoloured(images, how)
        assert (other - images).abs().mean() > 0.01
        assert torch.allclose(other.mean(1), mean, atol=1e-5) is keeps_mean
        assert torch.allclose(recoloured(greys, how), greys, atol=1e-5)
    chroma = recoloured(images, TwinAutoencoderSettings(hue=0.5)) - mean[:, None]
    assert torch.allclose(chroma.norm(dim=1), (images - mean[:, None]).norm(dim=1), atol=1e-5)
    assert not TwinAutoencoderSettings().recolours


def test_edges_are_compared_apart_from_brightness():
    images = torch.rand(2, 3, 8, 8)
    assert edge_error(images + 0.2, images) < 1e-6
    assert edge_error(images.flip(3), images) > 0.1


@pytest.mark.slow
def test_a_run_of_its_own_size(tmp_path):
    result = _train(
        tmp_path, count=256, epochs=2, side=64, widths="32,64,128,128", ups="192,128,64,48,16", lr=0.001
    )
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").read_text().splitlines()))
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert result.finished
