"""The networks that are measured, the plain StyleGANs they are measured against, and the bare convolutions."""

import importlib

import numpy as np
import pytest
import torch

from explorer.latent.sampling import sample


@pytest.fixture
def networks(benchmarks):
    return importlib.import_module(f"{benchmarks.__name__}.networks")


@pytest.fixture
def floor(benchmarks):
    return importlib.import_module(f"{benchmarks.__name__}.floor")


@pytest.fixture
def small(networks, monkeypatch):
    """Return a function that builds a small network of a kind."""
    sizes = {"most": 12, "mapping": 2, "w_dim": 16}
    config = networks.stylegan2_config(32, 256, **sizes)
    makers = {
        "stylegan2": lambda name: networks.stylegan2(name, config),
        "stylegan3": lambda name: networks.stylegan3(name, 32, 256, layers=6, **sizes),
    }
    monkeypatch.setattr(networks, "LATENT", networks.LATENT | makers)
    return networks.build


@pytest.mark.parametrize("kind", ["stylegan2", "stylegan3"])
def test_the_plain_way_draws_the_same_pictures(benchmarks, small, kind):
    plain = importlib.import_module(f"{benchmarks.__name__}.plain_style")
    model = small(kind)
    codes = torch.from_numpy(sample(model.spaces["z"], 3, 0))
    with torch.inference_mode():
        wanted = plain.pictures(model.network, codes)
        drawn = model.decode_raw(codes)
        alone = model.decode_raw(codes[:1])
    assert drawn.shape == (3, 3, 32, 32)
    assert float((drawn - wanted).abs().max()) < 1e-3
    assert float((alone - wanted[:1]).abs().max()) < 1e-3
    assert float(wanted.std()) > 0.05
    assert float((wanted[0] - wanted[1]).abs().mean()) > 0.05


@pytest.mark.parametrize("name", ["dcgan-64", "gdl-vae-128", "stylegan2"])
def test_pictures_have_contrast_and_do_not_saturate(small, name):
    model = small(name)
    with torch.inference_mode():
        pictures = model.decode(torch.from_numpy(sample(model.spaces["z"], 4, 0))).numpy()
    assert 0.3 < pictures.mean() < 0.7
    assert 0.08 < pictures.std() < 0.35
    assert ((pictures <= 0) | (pictures >= 1)).mean() < 0.1
    again = small(name)
    assert all(map(torch.equal, model.network.state_dict().values(), again.network.state_dict().values()))


def test_the_stage_of_real_size_keeps_the_size(networks):
    stage = networks.build("cyclegan-256")
    with torch.inference_mode():
        pictures = stage.apply(torch.rand(1, 3, 32, 48))
    assert pictures.shape == (1, 3, 32, 48)
    assert float(pictures.std()) > 0.1


def test_the_bare_convolutions_are_those_of_the_network(floor, small):
    network = small("stylegan2").network
    seen = []

    def watched(module, given):
        if module.config.kernel == 3:
            seen.append(
                (module.config.inputs, module.config.outputs, module.config.up, tuple(given[0].shape[2:]))
            )

    for name, module in network.synthesis.named_modules():
        if name.endswith(("conv0", "conv1")):
            module.register_forward_pre_hook(watched)
    with torch.inference_mode():
        network.synthesis(torch.randn(1, network.num_ws, network.w_dim))
    layers = floor.convolutions(network.config)
    assert [(layer.inputs, layer.outputs, layer.up, layer.size) for layer in layers] == seen
    assert len(seen) == 7
    assert layers[-1].products == 9 * layers[-1].inputs * layers[-1].outputs * 32 * 32
    made = floor.runner(layers, torch.bfloat16)()
    assert made.shape == (1, layers[-1].outputs, 32, 32)
    assert made.dtype == torch.bfloat16
    assert bool(made.isfinite().all())


def test_a_stylegan3_of_the_papers_sizes(benchmarks):
    alias_free = importlib.import_module(f"{benchmarks.__name__}.alias_free")
    config, filters = alias_free.config(256, 32768)
    assert len(config.layers) == 15
    assert config.layers[-1].name == "L14_256_3"
    assert (config.input.channels, config.input.size) == (512, (36, 36))
    for layer in config.layers[:-1]:
        assert len(filters[layer.name]["up_filter"]) == 6 * layer.up
        for taps in filters[layer.name].values():
            assert taps.sum() == pytest.approx(1, abs=1e-6)
            assert np.allclose(taps, taps[::-1])


def test_a_frame_of_the_map_is_painted_beside_a_plain_one(benchmarks):
    maps = importlib.import_module(f"{benchmarks.__name__}.maps")
    figure = maps.frame("map/frame/1000")
    assert "1000 points" in figure.note
    assert figure.median > 0
    assert figure.baseline > 0
