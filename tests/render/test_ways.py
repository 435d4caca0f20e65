"""How networks are run: exact pictures have the same bits in any batch, fast ones are measured and compared first."""

import copy

import numpy as np
import pytest
import torch
from style_fakes import tiny_style
from torch import nn

from explorer.errors import DeviceError
from explorer.models import architecture
from explorer.models.base import ImageSpec, LatentModel, Space
from explorer.render.renderer import Renderer
from explorer.render.requests import ActivityRequest, RenderRequest, frozen_codes

CODES = np.random.default_rng(0).normal(size=(11, 6)).astype(np.float32)


class Shared(list):
    """A list of which copies of a network share one."""

    def __deepcopy__(self, memo):
        return self


class Drawer(nn.Module):
    """A small network of many kinds of layers; `gain` makes its pictures depend on the last digits of what it adds."""

    def __init__(self, gain=1.0, most=99):
        super().__init__()
        self.gain, self.most = gain, most
        self.batches = Shared()
        self.told = ({},)  # cannot be hashed
        self.layers = nn.Sequential(
            nn.Linear(6, 128),
            nn.BatchNorm1d(128),
            nn.ReLU(),
            nn.Unflatten(1, (32, 2, 2)),
            nn.ConvTranspose2d(32, 16, 3, 2, 1, 1),
            nn.BatchNorm2d(16),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(16, 3, 3, padding=1),
        )
        generator = torch.Generator().manual_seed(3)
        for name, tensor in self.state_dict().items():
            if tensor.is_floating_point():
                drawn = torch.rand(tensor.shape, generator=generator)
                tensor.copy_(drawn + 0.5 if name.endswith(("running_var", "1.weight")) else drawn - 0.5)

    def decode(self, codes):
        if len(codes) > self.most:
            raise RuntimeError(
                "DefaultCPUAllocator: not enough memory: you tried to allocate 4000000000 bytes."
            )
        self.batches.append(len(codes))
        return torch.sin(self.gain * self.layers(codes)) / 2 + 0.5


def model_of(network):
    spec, space = ImageSpec(3, 8, 8), Space("z", (6,))
    return LatentModel(network.eval(), name="drawer", architecture="test", image=spec, spaces=[space])


def psnr(one, other):
    return -10 * np.log10(np.mean((one - other) ** 2) + 1e-20)


@pytest.fixture
def always_fast(monkeypatch):
    monkeypatch.setattr("explorer.render.ways.GAIN", 0.0)


def test_exact_pictures_have_the_same_bits_alone_and_in_every_batch():
    renderer, model = Renderer("cpu"), model_of(Drawer())
    alone = np.concatenate([renderer.decode(model, code[None]) for code in CODES])
    assert alone.std() > 0.1
    for _ in range(2):  # a size is tried the first time and trusted the second
        for size in (2, 3, 5, 8, 11):
            assert np.array_equal(renderer.decode(model, CODES[:size]), alone[:size])
    with torch.inference_mode():
        plain = model.network.decode(torch.tensor(CODES)).numpy()
    assert np.abs(plain - alone).max() < 1e-5


def test_what_was_tried_with_one_epoch_of_a_network_is_known_of_the_next(monkeypatch):
    monkeypatch.setattr("explorer.render.pace.PIECE_SECONDS", 1e9)
    renderer, first = Renderer("cpu"), Drawer()
    second = copy.deepcopy(first)
    second.told = first.told
    second.layers[0].weight.data.mul_(2)
    other = copy.deepcopy(first)
    other.told = first.told
    other.gain = 2.0  # it may compute in another way
    counts = []
    for network in (first, second, other):
        before = len(first.batches)
        renderer.decode(model_of(network), CODES[:1])
        renderer.decode(model_of(network), CODES[:8])
        counts.append(sorted(first.batches[before:]))
    assert counts == [[1] * 9 + [8], [1, 8], [1] * 9 + [8]]


def test_fast_pictures_look_the_same_and_the_network_keeps_its_weights(always_fast):
    model = model_of(Drawer())
    before = {key: tensor.clone() for key, tensor in model.network.state_dict().items()}
    exact, renderer = Renderer("cpu").decode(model, CODES), Renderer("cpu", "fast")
    fast = renderer.decode(model, CODES)
    if renderer.number_type(model) == "float32":
        pytest.skip("this processor computes in no shorter numbers")
    assert renderer.number_type(model) == "bfloat16"
    assert renderer.precision_note(model) == ""
    assert 40 < psnr(exact, fast) < 90
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.network.state_dict().items())


def test_a_network_that_short_numbers_would_spoil_runs_exactly_and_it_is_said(always_fast):
    model, renderer = model_of(Drawer(gain=3000.0)), Renderer("cpu", "fast")
    fast = renderer.decode(model, CODES)
    assert psnr(Renderer("cpu").decode(model, CODES[:1]), fast[:1]) > 40
    if torch.cpu._is_avx512_bf16_supported():
        assert renderer.number_type(model) == "float32"
        assert "would change its pictures" in renderer.precision_note(model)


def test_a_network_that_is_no_quicker_so_runs_exactly(monkeypatch):
    monkeypatch.setattr("explorer.render.ways.GAIN", 1e9)
    model, renderer = model_of(Drawer()), Renderer("cpu", "fast")
    assert np.array_equal(renderer.decode(model, CODES[:1]), Renderer("cpu").decode(model, CODES[:1]))
    assert "no quicker" in renderer.precision_note(model)


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_where_memory_does_not_suffice_for_many_they_come_in_halves(precision, monkeypatch):
    monkeypatch.setattr("explorer.render.pace.PIECE_SECONDS", 1e9)  # as many at once as there are
    network = Drawer(most=2)
    renderer, model = Renderer("cpu", precision), model_of(network)
    for _ in range(2):
        pictures = renderer.decode(model, CODES)
    assert pictures.shape == (11, 3, 8, 8)
    assert np.abs(pictures - Renderer("cpu").decode(model_of(Drawer()), CODES)).max() < 0.1
    assert set(network.batches) == ({1, 2} if precision == "fast" else {1})
    with pytest.raises(DeviceError, match="not enough for drawer"):
        renderer.decode(model_of(Drawer(most=0)), CODES)


def test_a_picture_under_a_hand_is_fast_once_the_network_is_known_to_be(always_fast):
    renderer, model = Renderer("cpu"), model_of(Drawer())

    def drawn(passing):
        request = RenderRequest("canvas", 0, 1, model, frozen_codes(CODES[:1]), passing=passing)
        return renderer.render(request)

    whole = drawn(False)
    assert np.array_equal(drawn(True).pictures, whole.pictures)
    assert not drawn(True).is_lesser
    renderer.render(ActivityRequest("activity", 0, 2, model, frozen_codes(CODES[:2])))
    assert np.array_equal(drawn(False).pictures, whole.pictures)
    seen = drawn(True)
    assert seen.is_lesser
    assert not drawn(False).is_lesser
    assert (seen.numbers == "float32") == (not torch.cpu._is_avx512_bf16_supported())
    assert np.abs(seen.pictures.astype(int) - whole.pictures).max() <= 8


def test_a_chain_of_dense_layers_has_the_same_bits_in_any_batch():
    family = architecture("fc-vae")
    torch.manual_seed(0)
    config = family.config()
    model = family.wrap(family.network(config).eval(), config, name="dense")
    codes = np.random.default_rng(1).normal(size=(9, model.spaces["z"].dim)).astype(np.float32)
    renderer = Renderer("cpu")
    alone = np.concatenate([renderer.decode(model, code[None]) for code in codes])
    assert len(np.unique(alone)) > 100
    for _ in range(2):
        assert np.array_equal(renderer.decode(model, codes), alone)


class Greedy(Drawer):
    """Finds no memory on a GPU."""

    def decode(self, codes):
        if codes.is_cuda:
            raise RuntimeError("CUDA out of memory. Tried to allocate 80.00 GiB.")
        return super().decode(codes)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU")
def test_the_processor_takes_over_from_a_gpu_without_memory_and_it_is_said():
    renderer, told = Renderer("cuda"), []
    renderer.tell_fallback(told.append)
    pictures = renderer.decode(model_of(Greedy()), CODES)
    assert np.array_equal(pictures, Renderer("cpu").decode(model_of(Greedy()), CODES))
    assert renderer.device == "cpu"
    assert [sentence.split(",")[0] for sentence in told] == [
        "The memory of this machine's CUDA is not enough for drawer"
    ]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU")
@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_a_gpu_draws_what_the_processor_draws_again_and_again(precision, always_fast):
    model = tiny_style(side=32)
    codes = np.random.default_rng(2).normal(size=(6, 8)).astype(np.float32)
    wanted = Renderer("cpu").decode(model, codes)
    renderer = Renderer("cuda", precision)
    for code, picture in zip(codes, wanted, strict=True):  # from the third on it is a recording
        assert psnr(renderer.decode(model, code[None])[0], picture) > 40


def test_what_is_no_number_inside_a_network_is_seen_in_its_picture():
    network = Drawer()
    with torch.no_grad():
        network.layers[0].weight[0] = torch.nan  # a rectifier comes behind it
    for precision in ("exact", "fast"):
        assert np.isnan(Renderer("cpu", precision).decode(model_of(network), CODES[:2])).any()


def test_codes_of_every_space_have_the_same_bits_in_any_order_of_asking():
    model, renderer = tiny_style(side=16), Renderer("cpu")
    codes = np.random.default_rng(3).normal(size=(9, 8)).astype(np.float32)
    for space in ("w", "z", "w"):
        alone = np.concatenate([renderer.decode(model, code[None], space) for code in codes])
        for _ in range(2):
            assert np.array_equal(renderer.decode(model, codes, space), alone)


def test_a_flat_first_picture_decides_nothing(always_fast):
    network = Drawer(gain=3000.0)
    for name, tensor in network.named_parameters():
        if name.endswith("bias"):
            tensor.data.zero_()
    for layer in network.layers:
        if hasattr(layer, "running_mean"):
            layer.running_mean.zero_()
    model, renderer = model_of(network), Renderer("cpu", "fast")
    assert renderer.decode(model, np.zeros((1, 6))).std() == 0
    assert renderer.number_type(model) == "float32"
