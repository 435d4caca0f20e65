"""StyleGAN3, t and r, against a plain forward, and against what NVIDIA's own program drew."""

import dataclasses

import numpy as np
import nvidia_files
import pytest
import torch
from checkpoints_read import InProcess

from explorer.errors import CheckpointError
from explorer.formats import isolated, open_latent
from explorer.models import fir, stylegan3
from explorer.models.base import DecodeOptions

KINDS = {
    "t": {},
    "r": {"radial": True, "clamp": 0.5},
    "of classes, grey": {"classes": 3, "colours": 1},
    "wide": {"sizes": (12, 20, 36, 68, 150, 130)},
}
TURN = np.array([[0.8, -0.6, 0.1], [0.6, 0.8, -0.2], [0, 0, 1]], np.float32)


@pytest.fixture(autouse=True)
def read_here(monkeypatch):
    """Read files in this process: the child is not what is tested."""
    monkeypatch.setattr(isolated, "start", InProcess)


@pytest.fixture
def opened(tmp_path):
    def opened(content):
        path = tmp_path / "network.pkl"
        path.write_bytes(nvidia_files.pickled(content))
        return open_latent(path).model

    return opened


def codes(count=3):
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(7))


def off(found, wanted):
    """Return the largest difference in parts of the range."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    return float(np.abs(found - wanted).max() / (wanted.max() - wanted.min()))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_what_it_should(opened, kind, turned):
    generator = nvidia_files.stylegan3(**KINDS[kind])
    model, z = opened({"G_ema": generator}), codes()
    labels = [0, 1, 2] if KINDS[kind].get("classes") else None
    ws = nvidia_files.plain_w(generator, z, labels)[:, None].expand(-1, model.layers, -1)
    wanted = nvidia_files.plain_stylegan3(generator, ws, torch.from_numpy(TURN) if turned else None)
    chosen = {} if labels is None else {"labels": np.array(labels)}
    options = DecodeOptions(transform=TURN if turned else None, **chosen)
    with torch.inference_mode():
        together = model.decode_raw(z, "z", options)
        one = model.decode_raw(z[:1], "z", DecodeOptions(transform=options.transform))
    assert off(together, wanted) < 2e-5  # one of these w turns the waves by much where it changes a little
    assert off(one, wanted[:1]) < 1e-5
    assert "transform" in model.accepts
    assert "noise" not in model.accepts


@pytest.mark.parametrize("kind", ["t", "r"])
def test_maps_made_a_few_rows_at_a_time_are_the_same(opened, kind, monkeypatch):
    generator = nvidia_files.stylegan3(width=19, **KINDS[kind])
    model, ws = opened({"G_ema": generator}), codes(2)[:, None, :5].expand(-1, 5, -1)
    wanted = nvidia_files.plain_stylegan3(generator, ws)
    for rows, pixels, values in ((1, 1, 7), (5, 3, 1000)):
        monkeypatch.setattr(stylegan3, "_ROWS", rows)
        monkeypatch.setattr(fir, "_PIXELS", pixels)
        monkeypatch.setattr(fir, "_VALUES", values)
        drawn = model.decode_raw(ws, "w+")
        assert off(drawn, wanted) < 1e-5
        assert torch.equal(drawn, model.decode_raw(ws, "w+"))


def test_a_filter_may_be_kept_as_two_lines_or_as_their_product(opened):
    network = opened({"G_ema": nvidia_files.stylegan3()}).network
    tensors, layers = network.state_dict(), []
    for layer in network.config.layers:
        for way in ("up", "down"):
            shape = getattr(layer, f"{way}_filter")
            if shape is not None:
                layer = dataclasses.replace(layer, **{f"{way}_filter": shape * 2})
                line = tensors[f"synthesis.{layer.name}.{way}_filter"]
                tensors[f"synthesis.{layer.name}.{way}_filter"] = torch.outer(line, line)
        layers.append(layer)
    planes = stylegan3.StyleGan3(dataclasses.replace(network.config, layers=tuple(layers)))
    planes.load_state_dict(tensors)
    ws = torch.randn(1, network.num_ws, 5, generator=torch.Generator().manual_seed(5))
    assert off(planes.synthesis(ws).detach(), network.synthesis(ws)) < 1e-5


# ---- in half precision ----


def drawn_in(network, dtype, count=3, transform=None):
    """Return the pictures of a frozen copy, and the network's own."""
    ws = torch.randn(count, network.num_ws, 5, generator=torch.Generator().manual_seed(5))
    frozen = network.in_precision(dtype)
    with torch.inference_mode():
        return [of.synthesis(ws, transform=transform) for of in (frozen, network)]


def decibels(found, wanted):
    """Return the peak signal-to-noise ratio, the peak being the range of what is wanted."""
    found, wanted = found.double(), wanted.double()
    return float(10 * torch.log10((wanted.max() - wanted.min()).square() / (found - wanted).square().mean()))


@pytest.mark.parametrize(("count", "turned"), [(1, False), (3, True)])
@pytest.mark.parametrize("kind", ["t", "r", "wide"])
def test_half_precision_draws_nearly_the_same(opened, kind, count, turned):
    network = opened({"G_ema": nvidia_files.stylegan3(width=16, **KINDS[kind])}).network
    transform = torch.from_numpy(TURN) if turned else None
    found, wanted = drawn_in(network, torch.bfloat16, count, transform)
    assert found.dtype == torch.float32
    assert found.shape == (count, *network.image)
    assert found.is_contiguous()
    assert decibels(found, wanted) > 50
    exactly, _ = drawn_in(network, torch.float32, count, transform)
    assert decibels(exactly, wanted) > 100


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_style_is_drawn_alike_alone_and_among_others(opened, dtype):
    network = opened({"G_ema": nvidia_files.stylegan3()}).network.in_precision(dtype)
    ws = torch.randn(3, network.num_ws, 5, generator=torch.Generator().manual_seed(5))
    assert torch.equal(network.synthesis(ws)[2:], network.synthesis(ws[2:].clone()))
    assert network.synthesis(ws[:0]).shape == (0, *network.image)


def test_rounded_filters_make_maps_neither_lighter_nor_darker():
    taps = torch.rand(24, generator=torch.Generator().manual_seed(2)) / 6
    made = fir.rounded(taps, torch.bfloat16, 4)
    assert made.dtype == torch.bfloat16
    assert torch.allclose(made.float(), taps, atol=2e-3)
    for phase in range(4):
        assert abs(made[phase::4].double().sum() - taps[phase::4].double().sum()) < 2e-4


def test_a_frozen_copy_stays_as_it_is(opened):
    network = opened({"G_ema": nvidia_files.stylegan3()}).network
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    frozen = network.in_precision(torch.bfloat16)
    ws = torch.randn(1, network.num_ws, 5, generator=torch.Generator().manual_seed(5))
    first = frozen.synthesis(ws)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)
    assert torch.equal(frozen.synthesis(ws), first)
    assert not any(parameter.requires_grad for parameter in frozen.parameters())


def test_every_layer_takes_its_own_style(opened):
    generator = nvidia_files.stylegan3()
    model = opened({"G_ema": generator})
    ws = torch.randn(2, model.layers, 5, generator=torch.Generator().manual_seed(3))
    assert off(model.decode_raw(ws, "w+"), nvidia_files.plain_stylegan3(generator, ws)) < 1e-5


def test_pictures_can_be_followed_back_to_their_codes(opened):
    model = opened({"G_ema": nvidia_files.stylegan3()})
    z = codes(1).requires_grad_()
    model.decode_raw(z).square().sum().backward()
    assert z.grad.abs().sum() > 0


@pytest.mark.parametrize("attribute", ["padding", "out_size", "up_factor"])
def test_sizes_that_do_not_fit_are_refused(opened, attribute):
    generator = nvidia_files.stylegan3()
    layer = next(iter(list(generator.modules["synthesis"].modules.values())[1:]))
    value = layer.attributes[attribute]
    layer.attributes[attribute] = 40_000 if attribute == "up_factor" else [entry + 90 for entry in value]
    with pytest.raises(CheckpointError, match="cannot be rebuilt"):
        opened({"G_ema": generator})


@pytest.fixture(scope="module")
def reference(reference_data):
    folder = reference_data / "trained-checkpoints" / "nv_stylegan3t_64"
    return next(folder.glob("*.pkl")), dict(np.load(folder / "reference.npz"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("images", {}),
        ("images_psi05", {"psi": 0.5}),
        ("images_psi07_cut4", {"psi": 0.7, "psi_cutoff": 4}),
        ("images_rot", {}),
    ],
)
def test_nvidias_own_pictures(reference, name, options):
    path, said = reference
    model = open_latent(path).model
    if name == "images_rot":
        options = {"transform": said["transform"]}
    with torch.inference_mode():
        drawn = model.decode_raw(torch.from_numpy(said["z"]).float(), "z", DecodeOptions(**options))
    assert off(drawn, said[name]) < 1e-4


def test_nvidias_own_w(reference):
    path, said = reference
    spaces = open_latent(path).model.spaces
    found = spaces["z"].mapped(said["z"], "w")
    assert off(found, said["w"].reshape(len(found), -1)[:, : spaces["w"].dim]) < 1e-4


def test_nvidias_own_pictures_in_half_precision(reference):
    path, said = reference
    network = open_latent(path).model.network.in_precision(torch.bfloat16)
    z = torch.from_numpy(said["z"][:2]).float()
    with torch.inference_mode():
        drawn = network.synthesis(network.mapping(z)[:, None].expand(-1, network.num_ws, -1))
    assert decibels(drawn, torch.from_numpy(said["images"][:2])) > 50
