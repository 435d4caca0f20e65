"""StyleGAN2 in all its kinds against a plain forward, and against what NVIDIA's own program drew."""

import numpy as np
import nvidia_files
import pytest
import torch
from checkpoints_read import InProcess

from explorer.formats import isolated, open_latent
from explorer.models.base import DecodeOptions

KINDS = {
    "skip": {},
    "resnet, grey, clamped": {"kind": "resnet", "colours": 1, "clamp": 2.0},
    "plain blocks": {"kind": "orig"},
    "tall": {"first": (4, 2)},
    "without noise": {"noise": False, "activation": "relu"},
    "of ADA's time": {"clamp": None, "old": True, "classes": 3},
    "long filter": {"fir": (0.1, -0.2, 1.0, 2.0, 2.0, 0.9, 0.1)},
    "one size": {"widths": (4,)},
}


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


@pytest.mark.parametrize("noise", ["const", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_what_it_should(opened, kind, noise):
    generator = nvidia_files.stylegan2(**KINDS[kind])
    model, z = opened({"G_ema": generator}), codes()
    labels = [0, 1, 2] if KINDS[kind].get("classes") else None
    w = nvidia_files.plain_w(generator, z, labels)
    wanted = nvidia_files.plain_stylegan2(
        generator, w[:, None].expand(-1, model.layers, -1), noise == "const"
    )
    chosen = {} if labels is None else {"labels": np.array(labels)}
    options = DecodeOptions(noise=noise if "noise" in model.accepts else None, **chosen)
    with torch.inference_mode():
        together = model.decode_raw(z, "z", options)
        one = model.decode_raw(z[:1], "z", DecodeOptions(noise=options.noise))
    assert off(together, wanted) < 1e-5
    assert off(one, wanted[:1]) < 1e-5
    assert ("noise" in model.accepts) == KINDS[kind].get("noise", True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_in_another_precision_draws_the_same_and_leaves_its_origin_alone(opened, kind):
    network, z = opened({"G_ema": nvidia_files.stylegan2(**KINDS[kind])}).network, codes()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    with torch.inference_mode():
        ws = network.mapping(z).unsqueeze(1).expand(-1, network.num_ws, -1)
        exact, half = network.in_precision(torch.float32), network.in_precision(torch.bfloat16)
        for styles in (ws, ws[:1]):
            wanted = network.synthesis(styles)
            assert off(exact.synthesis(styles), wanted) < 1e-5
            drawn = half.synthesis(styles)
            assert drawn.dtype == torch.float32
            assert 1e-6 < off(drawn, wanted) < 0.04
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())


def test_every_layer_takes_its_own_style(opened):
    generator = nvidia_files.stylegan2()
    model = opened({"G_ema": generator})
    ws = torch.randn(2, model.layers, 5, generator=torch.Generator().manual_seed(3))
    assert off(model.decode_raw(ws, "w+"), nvidia_files.plain_stylegan2(generator, ws)) < 1e-5


def test_pictures_can_be_followed_back_to_their_codes(opened):
    model = opened({"G_ema": nvidia_files.stylegan2(kind="resnet")})
    z = codes(1).requires_grad_()
    model.decode_raw(z).square().sum().backward()
    assert z.grad.abs().sum() > 0


def test_a_smaller_picture_is_what_the_first_blocks_draw(opened):
    model = opened({"G_ema": nvidia_files.stylegan2()})
    assert model.preview(codes(2), max_side=8).shape == (2, 3, 8, 8)
    assert torch.equal(model.preview(codes(1), max_side=99), model.decode(codes(1)))


@pytest.fixture(scope="module")
def reference(reference_data):
    folder = reference_data / "trained-checkpoints" / "nv_stylegan2_64"
    return next(folder.glob("*.pkl")), dict(np.load(folder / "reference.npz"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("images", {}),
        ("images_psi05", {"psi": 0.5}),
        ("images_psi07_cut4", {"psi": 0.7, "psi_cutoff": 4}),
        ("images_nonoise", {"noise": "none"}),
    ],
)
def test_nvidias_own_pictures(reference, name, options):
    path, said = reference
    model = open_latent(path).model
    with torch.inference_mode():
        drawn = model.decode_raw(torch.from_numpy(said["z"]).float(), "z", DecodeOptions(**options))
    assert off(drawn, said[name]) < 1e-4


def test_nvidias_own_w(reference):
    path, said = reference
    spaces = open_latent(path).model.spaces
    found = spaces["z"].mapped(said["z"], "w")
    assert off(found, said["w"].reshape(len(found), -1)[:, : spaces["w"].dim]) < 1e-4
