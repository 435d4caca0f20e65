"""The colour stage: any size, luminance kept, in gamut, small."""

import pytest
import torch

from explorer.models import architecture
from explorer.models.base import ImageSpec
from explorer.models.conv_colorizer import spiral_palette, to_rgb

FAMILY = architecture("conv-colorizer")
LUMINANCE = torch.tensor([0.3, 0.59, 0.11])[None, :, None, None]


@pytest.fixture(scope="module")
def stage():
    config = FAMILY.config()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = FAMILY.network(config).eval()
        with torch.no_grad():
            network.head[-1].weight.mul_(20)  # strong colours, as after training
    return FAMILY.wrap(network, config, name="colours")


def test_it_has_fewer_than_400_000_weights(stage):
    assert 100_000 < stage.parameter_count < 400_000


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (30, 30), (31, 17), (64, 48)])
def test_any_size_keeps_its_luminance_and_stays_in_gamut(stage, size):
    grey = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(1))
    grey[0, 0, 0, 0], grey[1, 0, 0, 0] = 0, 1
    with torch.inference_mode():
        raw = stage.apply_raw(grey)
    assert raw.shape == (2, 3, *size)
    assert raw.min() >= 0
    assert raw.max() <= 1
    assert ((raw * LUMINANCE).sum(1, keepdim=True) - grey).abs().max() < 1e-6
    if size[0] > 20:
        assert (raw.amax(1) - raw.amin(1)).mean() > 0.05  # it does colour


def test_it_says_what_it_takes_and_gives(stage):
    assert stage.input.accepts(ImageSpec(1, 30, 30))
    assert not stage.input.accepts(ImageSpec(3, 30, 30))
    assert stage.output_for(ImageSpec(1, 31, 17)) == ImageSpec(3, 31, 17)


def test_values_outside_0_to_1_do_no_harm(stage):
    with torch.inference_mode():
        out = stage.apply(torch.tensor([[[[-3.0, 0.5], [9.0, 1.0]]]]))
    assert torch.isfinite(out).all()
    assert (out[0, :, 0, 0] == 0).all()
    assert (out[0, :, 1, 0] == 1).all()


def test_chroma_is_kept_where_it_fits_and_shrinks_where_not():
    grey = torch.tensor([0.5, 0.9])[:, None, None, None]
    wished = torch.tensor([0.2, -0.1])[None, :, None, None].expand(2, 2, 1, 1)
    fits, shrunk = to_rgb(grey, wished)[:, :, 0, 0]
    torch.testing.assert_close(fits[[0, 2]], torch.tensor([0.7, 0.4]))
    assert shrunk[0] == pytest.approx(1.0)
    assert (shrunk[2] - 0.9) / (shrunk[0] - 0.9) == pytest.approx(-0.5, abs=1e-5)


def test_the_palette_is_distinct_showable_and_starts_at_grey():
    palette = spiral_palette(64)
    assert palette.shape == (64, 2)
    assert (palette[0] == 0).all()
    assert torch.pdist(palette).min() > 0.05
    middle = torch.full((64, 1, 1, 1), 0.5)
    assert palette.abs().amax(0).min() > 0.5
    red, green, blue = to_rgb(middle, palette[:, :, None, None]).unbind(1)
    assert (red > green).any()
    assert (blue > red).any()
    assert (green > blue).any()


def test_colours_can_be_learnt():
    """A sharp pattern of two colours over one grey is learnt by position within a few steps."""
    torch.manual_seed(0)
    network = FAMILY.network(FAMILY.config(widths=(16, 24), blocks=1))
    grey = torch.full((1, 1, 12, 12), 0.5)
    wished = torch.zeros(1, 2, 12, 12)
    wished[:, 0, :6], wished[:, 1, 6:] = 0.35, 0.35
    target = to_rgb(grey, wished)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    errors = []
    for _ in range(60):
        error = (network(grey) - target).abs().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < errors[0] / 4


@pytest.mark.parametrize(
    "wrong", [{"widths": (12, 20)}, {"widths": (8,)}, {"blocks": 0}, {"colours": 10**9}, {"temperature": 0.0}]
)
def test_sizes_that_make_no_network(wrong):
    with pytest.raises(ValueError, match="conv-colorizer has"):
        FAMILY.config(**wrong)
