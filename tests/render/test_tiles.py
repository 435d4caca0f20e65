"""Large pictures through stages: in strips, with the same result, and a sentence where memory is short."""

import numpy as np
import pytest
import torch

from explorer.errors import DeviceError
from explorer.models import architecture
from explorer.models.rows import Conv, Enlarged, Moments, Transposed, gathered, stored
from explorer.render import tiles
from explorer.render.renderer import Renderer

FAMILY = architecture("resnet-stage")
KINDS = {
    "instance": {},
    "affine": {"affine": True},
    "batch": {"norm": "batch", "bias": False, "up_bias": False},
    "none": {"norm": "none", "bias": False, "up_bias": False},
    "mirrored inside": {"inner": "reflect", "inner_up": "reflect", "up": "nearest", "stem": 9},
    "bilinear": {"up": "bilinear"},
    "replicated": {"edge": "replicate", "rim": "replicate"},
    "zeros": {"edge": "zeros", "rim": "zeros"},
    "blurred": {"down": "blur:3", "up": "blur:4"},
    "carried": {"carries": True},
}


def stage_of(**options):
    config = FAMILY.config(**{"widths": (4, 8, 16), "blocks": 2, **options})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = FAMILY.network(config).eval()
        with torch.no_grad():
            for key, tensor in network.state_dict().items():
                if tensor.ndim == 4:
                    tensor.normal_(0, 1 / tensor[0].numel() ** 0.5)
                    tensor.abs_() if key.endswith("filter") else None
                elif tensor.ndim == 1:
                    tensor.uniform_(0.5, 1.5) if key.endswith(("weight", "var")) else tensor.normal_(0, 0.2)
    return FAMILY.wrap(network.requires_grad_(False), config, name="translator")


def scene(height, width):
    """Return a picture whose statistics differ from place to place, so that a seam could be seen."""
    down, across = np.mgrid[0:height, 0:width] / max(height, width)
    noise = np.random.default_rng(1).random((3, height, width))
    return (noise * across * 0.7 + 0.3 * down)[None].astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_strips_are_the_whole_picture(kind, rows):
    stage = stage_of(**KINDS[kind])
    images = torch.tensor(scene(45, 38)) * 2 - 1
    with torch.inference_mode():
        whole = stage.network(images)
        work = stage.network.in_strips(images, rows)
        shares = []
        while True:
            try:
                shares.append(next(work))
            except StopIteration as end:
                strips = end.value
                break
    assert strips.shape == whole.shape == (1, 3, 45, 38)
    assert whole.std() > 0.02
    assert (strips - whole).abs().max() < 1e-5
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] < 1


def test_a_picture_of_512_pixels_in_forced_strips_has_no_seam(monkeypatch):
    stage, images = stage_of(), scene(512, 512)
    renderer = Renderer("cpu")
    whole = renderer.apply(stage, images, raw=True)
    monkeypatch.setattr(tiles, "AT_ONCE", 1 << 20)
    monkeypatch.setattr(tiles, "STRIP", 1 << 20)
    assert 8 <= tiles.rows_at_once(stage, images.shape[1:]) < 64
    shares = []
    strips = renderer.apply(stage, images, raw=True, on_progress=shares.append)
    assert np.abs(strips - whole).max() < 1e-4
    assert len(shares) > 50
    assert shares == sorted(shares)
    assert np.array_equal(strips, renderer.apply(stage, images, raw=True))


def test_pictures_of_one_call_keep_their_own_statistics(monkeypatch):
    stage = stage_of()
    images = np.concatenate((scene(40, 40), 1 - scene(40, 40)))
    whole = Renderer("cpu").apply(stage, images)
    monkeypatch.setattr(tiles, "AT_ONCE", 0)
    for precision in ("exact", "fast"):
        strips = Renderer("cpu", precision).apply(stage, images)
        assert np.abs(strips - whole).max() < (1e-4 if precision == "exact" else 0.1)


def test_only_large_pictures_are_cut(monkeypatch):
    stage = stage_of(widths=(64, 128, 256))
    assert tiles.rows_at_once(stage, (3, 1024, 1024)) is None
    rows = tiles.rows_at_once(stage, (3, 4000, 6000))
    assert 8 <= rows < 100
    unet = architecture("unet-stage")
    config = unet.config()
    with torch.device("meta"):
        other = unet.wrap(unet.network(config), config, name="u")
    assert tiles.rows_at_once(other, (3, 4000, 6000)) is None


@pytest.mark.parametrize("name", ["resnet-stage", "unet-stage"])
def test_what_does_not_fit_at_all_is_said_before(monkeypatch, name):
    family = architecture(name)
    config = family.config(widths=(4, 8))
    stage = family.wrap(family.network(config).eval(), config, name="translator")
    monkeypatch.setattr(tiles, "free_memory", lambda device: 100 << 20)
    monkeypatch.setattr(tiles, "STRIP", 1 << 20)
    with pytest.raises(DeviceError) as caught:
        Renderer("cpu").apply(stage, np.zeros((1, 3, 2000, 2000), np.float32))
    assert "2000 x 2000 pixels" in str(caught.value)
    assert "0.1 GB are free" in str(caught.value)


def test_free_memory_is_known_here_or_nowhere():
    free = tiles.free_memory("cpu")
    assert free is None or free > 1 << 20
    assert tiles.free_memory("mps") is None


@pytest.mark.parametrize("edge", ["zeros", "reflect", "replicate"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_any_rows_of_a_convolution(edge, stride, kernel):
    _rows_agree(Conv(2, 3, kernel, stride=stride, edge=edge), torch.randn(1, 2, 9, 8))


@pytest.mark.parametrize("layer", [Transposed(2, 3), Enlarged("nearest"), Enlarged("bilinear")])
def test_any_rows_of_what_doubles(layer):
    _rows_agree(layer, torch.randn(1, 2, 5, 4))


def _rows_agree(layer, features):
    source = stored(features)
    made = source.through(layer)
    with torch.inference_mode():
        whole = layer(features)
        assert made.shape == tuple(whole.shape[1:])
        for first in range(whole.shape[2]):
            for last in range(first + 1, whole.shape[2] + 1):
                assert torch.allclose(made.of(first, last), whole[:, :, first:last], atol=1e-5)


def test_moments_do_not_depend_on_the_parts_even_far_from_zero():
    features = torch.randn(1, 3, 100, 50) * 0.01 + 300
    norm = torch.nn.InstanceNorm2d(3)
    for rows in (1, 33, 100):
        moments = Moments()
        for _ in gathered(stored(features), rows, moments=moments, keep=False):
            pass
        assert (moments.norm(norm)(features.clone()) - norm(features.double())).abs().max() < 0.02
