"""StyleGAN2 of rosinality's kind: known by its keys wherever it lies, drawn as the port draws."""

import argparse
import math
import random
import re

import numpy as np
import pytest
import torch
from checkpoints_read import refused
from torch.nn import functional

from explorer.errors import CheckpointError
from explorer.formats import open_latent
from explorer.models.base import DecodeOptions

pytestmark = pytest.mark.usefixtures("in_process")


def state_dict(seed=0, wide=6, doublings=2, channels=(5, 4, 3), layers=3, first=4, noises=True, colours=3):
    """Return random tensors by the port's names."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = torch.outer(taps, taps) / 16
    found = {}
    for index in range(layers):
        found[f"style.{index + 1}.weight"] = 100 * draw(wide, wide)
        found[f"style.{index + 1}.bias"] = 10 * draw(wide)
    found["input.input"] = draw(1, channels[0], first, first)

    def styled(name, inputs, outputs, up=False):
        found[f"{name}.conv.weight"] = draw(1, outputs, inputs, 3, 3)
        if up:
            found[f"{name}.conv.blur.kernel"] = kernel
        found[f"{name}.conv.modulation.weight"] = draw(inputs, wide)
        found[f"{name}.conv.modulation.bias"] = draw(inputs)
        found[f"{name}.noise.weight"] = draw(1)
        found[f"{name}.activate.bias"] = draw(outputs)

    def drawing(name, inputs, up=False):
        found[f"{name}.bias"] = draw(1, colours, 1, 1)
        if up:
            found[f"{name}.upsample.kernel"] = kernel
        found[f"{name}.conv.weight"] = draw(1, colours, inputs, 1, 1)
        found[f"{name}.conv.modulation.weight"] = draw(inputs, wide)
        found[f"{name}.conv.modulation.bias"] = draw(inputs)

    styled("conv1", channels[0], channels[0])
    drawing("to_rgb1", channels[0])
    for level in range(doublings):
        inputs, outputs = channels[level : level + 2]
        styled(f"convs.{2 * level}", inputs, outputs, up=True)
        styled(f"convs.{2 * level + 1}", outputs, outputs)
        drawing(f"to_rgbs.{level}", outputs, up=True)
    if noises:
        for index in range(2 * doublings + 1):
            side = first << (index + 1) // 2
            found[f"noises.noise_{index}"] = draw(1, 1, side, side)
    return found


def mapped(held, z):
    """Return w of codes."""
    values = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for name in sorted(key for key in held if re.fullmatch(r"style\.\d+\.weight", key)):
        weight, bias = held[name], held[name.replace("weight", "bias")]
        values = values @ (weight * 0.01 / math.sqrt(weight.shape[1])).T + 0.01 * bias
        values = torch.where(values > 0, values, 0.2 * values) * math.sqrt(2)
    return values


def pictures(held, w, noise=True):
    """Return what w draws, one picture at a time: `(N, C, H, W)`."""
    return torch.cat([_picture(held, one[None], noise) for one in w])


def _picture(held, w, noise):
    def modulated(x, name, demodulate=True):
        weight = held[f"{name}.weight"][0]
        style = (
            w @ held[f"{name}.modulation.weight"].T / math.sqrt(w.shape[1]) + held[f"{name}.modulation.bias"]
        )
        weight = weight / math.sqrt(weight[0].numel()) * style[0][:, None, None]
        if demodulate:
            weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if f"{name}.blur.kernel" in held:
            x = functional.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
            return filtered(x, held[f"{name}.blur.kernel"], 1, 1)
        return functional.conv2d(x, weight, padding=weight.shape[-1] // 2)

    def filtered(x, kernel, before, behind):
        x = functional.pad(x, (before, behind) * 2)
        return functional.conv2d(x, kernel.flip(0, 1).repeat(x.shape[1], 1, 1, 1), groups=x.shape[1])

    def styled(x, name, index):
        x = modulated(x, f"{name}.conv")
        if noise:
            x = x + held[f"{name}.noise.weight"] * held[f"noises.noise_{index}"]
        x = x + held[f"{name}.activate.bias"][:, None, None]
        return torch.where(x > 0, x, 0.2 * x) * math.sqrt(2)

    def drawn(x, name):
        return modulated(x, f"{name}.conv", demodulate=False) + held[f"{name}.bias"]

    x = styled(held["input.input"], "conv1", 0)
    image, level = drawn(x, "to_rgb1"), 0
    while f"to_rgbs.{level}.bias" in held:
        x = styled(x, f"convs.{2 * level}", 2 * level + 1)
        x = styled(x, f"convs.{2 * level + 1}", 2 * level + 2)
        holed = image.new_zeros(1, image.shape[1], 2 * image.shape[2], 2 * image.shape[3])
        holed[:, :, ::2, ::2] = image
        image = drawn(x, f"to_rgbs.{level}") + filtered(holed, held[f"to_rgbs.{level}.upsample.kernel"], 2, 1)
        level += 1
    return image


def saved(path, content):
    torch.save(content, path)
    return path


def compare(path, held, noise=True, **hints):
    """Open a file and compare what its model draws with what the tensors say."""
    model = open_latent(path, hints=hints or None).model
    z = torch.randn(3, model.spaces["z"].dim, generator=torch.Generator().manual_seed(7))
    w = mapped(held, z)
    assert torch.allclose(model.spaces["z"].to(z, "w"), w, atol=1e-5)
    images = pictures(held, w, noise)
    options = DecodeOptions() if noise else DecodeOptions(noise="none")
    found = model.decode_raw(z, "z", options)
    assert found.shape == images.shape
    assert (found - images).abs().max() < 1e-4 * (images.max() - images.min())
    assert model.architecture == "stylegan2"
    return model


@pytest.mark.parametrize(
    "sizes",
    [{}, {"doublings": 1}, {"first": 16, "doublings": 1}, {"colours": 4}, {"layers": 8}],
    ids=["usual", "small", "begins at 16x16", "four channels", "deep"],
)
@pytest.mark.parametrize("wrapped", [lambda held: held, lambda held: {"g_ema": held}], ids=["bare", "g_ema"])
def test_files_draw_as_the_port(tmp_path, sizes, wrapped):
    held = state_dict(**sizes)
    compare(saved(tmp_path / "a.pt", wrapped(held)), held)


def test_a_training_file_gives_the_averaged_generator_and_offers_the_raw_one(tmp_path):
    raw, averaged = state_dict(1), state_dict(2)
    judge = {"convs.0.0.weight": torch.randn(4, 3, 1, 1), "final_linear.1.weight": torch.randn(1, 4)}
    content = {
        "g": raw, "d": judge, "g_ema": averaged, "g_optim": {"state": {}}, "d_optim": {},
        "args": argparse.Namespace(size=16, latent=6), "ada_aug_p": 0.0,
    }  # fmt: skip
    path = saved(tmp_path / "a.pt", content)
    model = compare(path, averaged)
    assert any("from the entry g_ema; there are also g, d" in note for note in model.notes)
    compare(path, raw, entry="g")


@pytest.mark.parametrize("name", ["latent_avg", "mean_latent"])
@pytest.mark.parametrize("shape", [(6,), (1, 6), (6, 6)])
def test_the_average_that_is_kept_is_taken(tmp_path, name, shape):
    held, average = state_dict(), torch.randn(6)
    path = saved(tmp_path / "a.pt", {"g_ema": held, name: average.expand(shape).clone()})
    model = compare(path, held)
    assert torch.equal(model.network.w_avg, average)
    assert not any("average w" in note for note in model.notes)
    z = torch.randn(1, 6)
    expected = pictures(held, average + 0.5 * (mapped(held, z) - average))
    assert torch.allclose(model.decode_raw(z, "z", DecodeOptions(psi=0.5)), expected, atol=1e-3)


def test_without_one_the_average_is_that_of_codes_drawn_by_a_fixed_seed(tmp_path):
    held = state_dict()
    model = compare(saved(tmp_path / "a.pt", held), held)
    assert any("4096 codes drawn by a fixed seed" in note for note in model.notes)
    z = torch.randn(4096, 6, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(model.network.w_avg, mapped(held, z).mean(0), atol=1e-5)


def test_files_without_noise_get_some_by_a_fixed_seed(tmp_path):
    held = state_dict(noises=False)
    path = saved(tmp_path / "a.pt", {"g_ema": held})
    model = compare(path, held, noise=False)
    assert any("keeps no noise" in note for note in model.notes)
    z = torch.randn(1, 6)
    assert torch.equal(model.decode_raw(z), open_latent(path).model.decode_raw(z))
    assert not torch.equal(model.decode_raw(z), model.decode_raw(z, "z", DecodeOptions(noise="none")))


def test_a_generator_inside_an_encoders_network_is_found(tmp_path):
    held, average = state_dict(), torch.randn(6)
    whole = {
        "encoder.input_layer.0.weight": torch.randn(4, 3, 3, 3),
        "encoder.body.0.res_layer.1.weight": torch.randn(4),
    }
    whole |= {f"decoder.{key}": tensor for key, tensor in held.items()}
    content = {"state_dict": whole, "latent_avg": average.expand(6, 6).clone(), "opts": {"output_size": 16}}
    model = compare(saved(tmp_path / "a.pt", content), held)
    assert torch.equal(model.network.w_avg, average)
    assert any(
        "the generator alone was read; 2 tensors beside it were left out" in note for note in model.notes
    )


def basicsr(held):
    """Return the tensors by BasicSR's names."""
    names = (
        (r"^style\.", "style_mlp."), (r"^input\.input$", "constant_input.weight"),
        (r"^(conv1|convs\.\d+)\.noise\.weight$", r"\1.weight"), (r"^conv(1|s\.\d+)\.", r"style_conv\1."),
        (r"\.conv\.", ".modulated_conv."), (r"noises\.noise_", "noises.noise"),
    )  # fmt: skip
    found = {}
    for key, tensor in held.items():
        if key.endswith(".kernel"):  # it keeps none
            continue
        for pattern, name in names:
            key = re.sub(pattern, name, key)
        found[key] = tensor
    return found


def test_basicsr_has_other_names_for_the_same(tmp_path):
    held = state_dict()
    named = basicsr(held)
    assert "style_convs.0.modulated_conv.weight" in named
    assert "style_conv1.weight" in named
    compare(saved(tmp_path / "a.pth", {"params_ema": named}), held)


def test_a_swagan_is_refused(tmp_path):
    held = state_dict(colours=12) | {"to_rgbs.0.iwt.ll": torch.randn(2, 2)}
    assert "SWAGAN" in refused(saved(tmp_path / "a.pt", {"g_ema": held}))


def test_what_is_missing_or_has_another_shape_is_named(tmp_path):
    for key in state_dict(doublings=1):
        for damage in ("gone", "flat", "wider"):
            held = state_dict(doublings=1)
            if damage == "gone":
                del held[key]
            else:
                wider = (*held[key].shape[:-1], held[key].shape[-1] + 1)
                held[key] = torch.zeros(3, 3, 3) if damage == "flat" else torch.zeros(wider)
            path = tmp_path / "a.pt"
            try:
                model = open_latent(saved(path, held)).model
                model.decode_raw(torch.zeros(1, model.spaces["z"].dim))
            except CheckpointError as error:
                said = str(error)
            else:
                said = "It opened."
            assert str(path) in said or _is_allowed(key, damage), (key, damage)


def _is_allowed(key, damage):
    """A filter may have any size, the first map any sides with noise to suit it, and all noise may be absent."""
    return key.endswith("kernel") or (key == "noises.noise_0" and damage == "gone") or key == "style.1.weight"


def test_what_belongs_to_nothing_is_named(tmp_path):
    held = state_dict() | {"attention.weight": torch.zeros(3)}
    assert "attention.weight belongs to nothing" in refused(saved(tmp_path / "a.pt", {"g_ema": held}))


def test_no_flipped_bytes_give_anything_but_a_sentence_or_a_model(tmp_path):
    path = saved(tmp_path / "a.pt", {"g_ema": state_dict(doublings=1), "latent_avg": torch.zeros(6)})
    content, chance = path.read_bytes(), random.Random(4)
    for _ in range(80):
        damaged = bytearray(content)
        for _ in range(3):
            damaged[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            open_latent(path)
        except CheckpointError as error:
            assert str(path) in str(error)  # noqa: PT017


def test_the_reference_is_met(reference_data):
    folder = reference_data / "trained-checkpoints" / "rosinality_stylegan2_64"
    model = open_latent(next(folder.glob("*.pt"))).model
    reference = np.load(folder / "reference.npz")
    z = torch.tensor(reference["z"])
    for key, options in {"images": DecodeOptions(), "images_psi05": DecodeOptions(psi=0.5)}.items():
        images = reference[key]
        off = np.abs(model.decode_raw(z, "z", options).numpy() - images).max()
        assert off < 1e-4 * (images.max() - images.min())
    assert np.abs(model.spaces["z"].to(z, "w").numpy() - reference["w"]).max() < 1e-5
