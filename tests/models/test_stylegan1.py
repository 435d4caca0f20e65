"""StyleGAN's network: its own operations against sums written out, growing, noise and spaces."""

import dataclasses

import pytest
import torch

from explorer.models.base import DecodeOptions, ImageSpec
from explorer.models.style import wrap
from explorer.models.style_maps import enlarge, fused_up, normed, pixel_norm, smooth
from explorer.models.style_noise import Noise
from explorer.models.stylegan1 import (
    ARCHITECTURE,
    StyleGan1,
    StyleGan1Config,
    usual_mapping,
)

CONFIG = StyleGan1Config(usual_mapping(5, [6, 4]), widths=(4, 3, 2), fused_from=16)


def network(seed=0, **changes):
    made = StyleGan1(dataclasses.replace(CONFIG, **changes))
    torch.manual_seed(seed)
    for tensor in (*made.parameters(), *made.buffers()):
        torch.nn.init.normal_(tensor.data)
    return made.eval().requires_grad_(False)


def test_the_fused_way_up_adds_a_kernel_for_every_pixel_that_one_becomes():
    torch.manual_seed(0)
    values, weight = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 3, 3)
    expected = torch.zeros(2, 2, 8 + 2, 10 + 2)  # one pixel more around
    for y in range(8):
        for x in range(10):
            added = torch.einsum("ni,oikl->nokl", values[:, :, y // 2, x // 2], weight)
            expected[:, :, y : y + 3, x : x + 3] += added
    assert torch.allclose(fused_up(values, weight), expected[:, :, 1:-1, 1:-1], atol=1e-5)


def test_smoothing_weighs_neighbours_and_sees_zeros_beyond_the_edges():
    values = torch.zeros(1, 1, 3, 3)
    values[..., 1, 1] = 16
    expected = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])
    assert torch.allclose(smooth(values, (1, 2, 1))[0, 0], expected)
    ones = smooth(torch.ones(1, 1, 4, 4), (1, 2, 1))[0, 0]
    assert ones[1, 1] == 1
    assert ones[0, 0] == pytest.approx(9 / 16)
    assert torch.allclose(smooth(values, (1,) * 9), smooth(values, (1,) * 9).transpose(2, 3))


def test_pixels_are_repeated():
    image = torch.arange(4.0).reshape(1, 1, 2, 2)
    assert enlarge(image)[0, 0].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]
    assert enlarge(image, 1) is image


def test_every_map_is_normalised_by_itself():
    torch.manual_seed(0)
    values, scale, shift = 3 + torch.randn(2, 3, 5, 5), torch.randn(2, 3), torch.randn(2, 3)
    found = normed(values, scale, shift)
    assert torch.allclose(found.mean((2, 3)), shift, atol=1e-5)
    assert torch.allclose(found.std((2, 3), correction=0), scale.abs(), atol=1e-5)


def test_the_channels_of_a_pixel_have_a_mean_square_of_1():
    values = pixel_norm(torch.randn(2, 7, 3, 3))
    assert torch.allclose(values.square().mean(1), torch.ones(2, 3, 3), atol=1e-5)


def test_of_what_is_not_grown_nothing_is_kept_and_the_newest_fades_in():
    z, noise = torch.randn(2, 5), Noise()
    whole, faded, before = network(), network(lod=0.25), network(lod=1.0)
    faded.load_state_dict({**faded.state_dict(), **whole.state_dict()})
    kept = {key: value for key, value in whole.state_dict().items() if key in before.state_dict()}
    kept |= {
        f"synthesis.torgb.{key}": getattr(faded.synthesis.torgb_before, key) for key in ("weight", "bias")
    }
    before.load_state_dict(kept)
    assert len(before.synthesis.convs) == 3
    ws = whole.mapping(z, None)[:, None].expand(-1, 6, -1)
    one, other, third = (made.synthesis(ws, noise, None) for made in (whole, before, faded))
    assert one.shape == other.shape == (2, 3, 16, 16)
    assert torch.equal(other, enlarge(other[..., ::2, ::2]))
    assert torch.allclose(third, 0.75 * one + 0.25 * other, atol=1e-4)


def test_noise_acts_by_its_mode_and_seed():
    made = wrap(network(), name="a", architecture="stylegan1", image=ImageSpec(3, 16, 16))
    z = torch.randn(1, 5)
    drawn = {
        key: made.decode_raw(z, "z", DecodeOptions(**options))
        for key, options in {
            "const": {}, "none": {"noise": "none"}, "one": {"noise": "random", "noise_seed": 1},
            "again": {"noise": "random", "noise_seed": 1}, "two": {"noise": "random", "noise_seed": 2},
        }.items()
    }  # fmt: skip
    assert torch.equal(drawn["one"], drawn["again"])
    others = [drawn[key] for key in ("const", "none", "one", "two")]
    assert all(not torch.equal(a, b) for at, a in enumerate(others) for b in others[:at])
    silent = wrap(network(use_noise=False), name="a", architecture="stylegan1", image=ImageSpec(3, 16, 16))
    assert silent.accepts == {"psi", "psi_cutoff"}


def test_each_layer_has_a_style_of_its_own():
    made = wrap(network(), name="a", architecture="stylegan1", image=ImageSpec(3, 16, 16))
    ws = made.spaces["z"].to(torch.randn(1, 5), "w+")
    assert ws.shape == (1, 6, 4)
    for layer in range(6):
        changed = ws.clone()
        changed[:, layer] += 1
        assert not torch.allclose(made.decode_raw(changed, "w+"), made.decode_raw(ws, "w+"))


def test_a_picture_is_the_same_alone_and_among_others():
    made = network()
    ws = made.mapping(torch.randn(3, 5), None)[:, None].expand(-1, 6, -1)
    together = made.synthesis(ws, Noise(), None)
    for at in range(3):
        assert torch.allclose(
            made.synthesis(ws[at : at + 1], Noise(), None), together[at : at + 1], atol=1e-4
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"widths": (4,)}, {"widths": (4,) * 20}, {"widths": (4, 0)}, {"widths": (4, 1 << 40)}, {"channels": 0},
        {"activation": "soft"}, {"lod": -1.0}, {"lod": 7.0}, {"lod": float("nan")}, {"blur": (1, -1)},
        {"blur": (1,) * 99}, {"mapping": usual_mapping(5, [6, 4], activation="relu"), "activation": "x"},
    ],
)  # fmt: skip
def test_sizes_that_cannot_be_are_refused(changes):
    with pytest.raises(ValueError, match=r"stylegan1|layer of size"):
        dataclasses.replace(CONFIG, **changes)


def test_the_architecture_has_its_own_name_and_takes_no_plain_files():
    assert ARCHITECTURE.name == "stylegan1"
    assert ARCHITECTURE.recognise is None
