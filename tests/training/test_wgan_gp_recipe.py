"""`train wgan-gp` on tiny pictures, through `training.train`, and its losses against other ways to them."""

import csv

import numpy as np
import pytest
import torch
from torch import nn

from explorer import training
from explorer.errors import UsageError
from explorer.formats import open_latent
from explorer.models.dcgan import Dcgan, DcganConfig
from explorer.training.averaging import follow, settle
from explorer.training.wgan_gp import gradient_penalty

SMALL = {
    "widths": "16,8",
    "critic_widths": "8,16",
    "latent_dim": "4",
    "hold_out": "0",
    "near_copy": "0",
    "batch_size": "16",
    "lr": "0.002",
    "critic_lr": "0.002",
    "critic_steps": "2",
    "ema": "0.8",
}


@pytest.fixture
def data(tmp_path):
    """Bright discs on dark ground, colour and place by chance, `(64, 16, 16, 3)`."""
    draw = np.random.default_rng(0)
    down, across = np.mgrid[:16, :16]
    y, x = draw.uniform(5, 10, (2, 64, 1, 1))
    inside = (down - y) ** 2 + (across - x) ** 2 < 16
    colours = draw.integers(120, 256, (64, 1, 1, 3))
    np.savez(tmp_path / "discs.npz", images=np.where(inside[..., None], colours, 20).astype(np.uint8))
    return tmp_path / "discs.npz"


def _train(data, out, **changed):
    how = {name: changed.pop(name) for name in ("on_progress", "should_stop", "resume") if name in changed}
    settings = SMALL | {name: str(value) for name, value in changed.items()}
    return training.train("wgan-gp", data, out=out, settings=settings, device="cpu", **how)


def _after(folder, epochs):
    """Return what stops a run once its folder has so many checkpoints."""
    return lambda: (folder / f"checkpoint-{epochs:04}.safetensors").exists()


def _rows(folder):
    return list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))


def _weights(path):
    return open_latent(path).model.network.state_dict()


def test_the_critic_learns_to_tell_and_the_generator_to_paint(tmp_path, data):
    result = _train(data, tmp_path / "run", epochs=15, hold_out=16)
    rows = _rows(tmp_path / "run")
    assert float(rows[4]["loss"]) < float(rows[0]["loss"]) - 1
    assert max(float(row["distance"]) for row in rows) > 1 > float(rows[0]["distance"])
    assert float(rows[-1]["distance"]) < max(float(row["distance"]) for row in rows)
    assert all(np.isfinite(float(row["kept_out_distance"])) for row in rows)
    assert {"generator", "penalty"} <= set(rows[0])
    model = open_latent(result.checkpoint).model
    assert (model.architecture, model.spaces["z"].dim, model.image.height) == ("dcgan", 4, 16)
    first = _weights(tmp_path / "run" / "checkpoint-0001.safetensors")
    last = _weights(result.checkpoint)
    assert not torch.equal(first["main.0.weight"], last["main.0.weight"])
    assert set(result.figures["samples"]) == {"nearest", "variety", "sliced_wasserstein"}
    learnt_from, samples = (
        result.figures[name]["sliced_wasserstein"]["16"] for name in ("learnt_from", "samples")
    )
    assert learnt_from < samples


def test_the_penalty_is_that_of_the_paper(monkeypatch):
    """One norm a picture, from both sides: of a critic whose gradients are known by hand."""
    weights = (
        torch.tensor([0.5, 2.0, 1.0])[:, None, None, None] * torch.ones(3, 1, 2, 2) / 2
    )  # norms 0.5, 2, 1
    real, made = torch.rand(3, 1, 2, 2), torch.rand(3, 1, 2, 2)
    found = gradient_penalty(lambda images: (images * weights).flatten(1).sum(1), real, made)
    assert float(found) == pytest.approx((0.25 + 1.0 + 0.0) / 3, abs=1e-6)

    shares = torch.tensor([0.0, 0.25, 1.0])[:, None, None, None]  # where between made and real, each its own
    monkeypatch.setattr(torch, "rand", lambda *shape, **more: shares)
    points = shares * real + (1 - shares) * made
    norms = (2 * points).flatten(1).norm(dim=1)
    squared = gradient_penalty(lambda images: images.square().flatten(1).sum(1), real, made)
    assert float(squared.detach()) == pytest.approx(float((norms - 1).square().mean()), rel=1e-5)


def test_the_penalty_teaches_the_critic():
    critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False))
    gradient_penalty(
        lambda images: critic(images)[:, 0], torch.rand(5, 1, 2, 2), torch.rand(5, 1, 2, 2)
    ).backward()
    weight = critic[1].weight
    towards_one = 2 * (weight.norm() - 1) * weight / weight.norm()
    assert torch.allclose(weight.grad, towards_one, atol=1e-6)


def test_what_is_saved_is_the_average_with_statistics_of_its_own(tmp_path, data):
    result = _train(data, tmp_path / "run", epochs=3, ema=0.5)
    state = torch.load(tmp_path / "run" / "resume.pt", weights_only=True)
    saved, average = _weights(result.checkpoint), state["networks"]["average"]
    assert torch.allclose(saved["main.0.weight"], average["main.0.weight"], atol=1e-3)
    assert not torch.allclose(
        saved["main.0.weight"], state["networks"]["generator"]["main.0.weight"], atol=1e-3
    )

    network = open_latent(result.checkpoint).model.network.eval()
    codes = torch.randn(4096, 4, 1, 1, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        values = network.main[0](codes)
    assert torch.allclose(values.mean((0, 2, 3)), saved["main.1.running_mean"], atol=0.02)
    assert torch.allclose(values.var((0, 2, 3)), saved["main.1.running_var"], rtol=0.15, atol=1e-4)


def test_without_an_average_the_generator_itself_is_saved(tmp_path, data):
    _train(data, tmp_path / "run", epochs=1, ema=0)
    networks = torch.load(tmp_path / "run" / "resume.pt", weights_only=True)["networks"]
    assert torch.equal(networks["average"]["main.0.weight"], networks["generator"]["main.0.weight"])


def test_an_average_follows():
    network, average = (Dcgan(DcganConfig(2, (4,), 1)) for _ in range(2))
    before = average.main[0].weight.clone()
    follow(average, network, 0.75)
    assert torch.allclose(average.main[0].weight, 0.75 * before + 0.25 * network.main[0].weight)


def test_the_rates_fall_at_the_end_whenever_that_is(tmp_path, data):
    changed = {"cooldown": 2, "critic_steps": 1}
    _train(data, tmp_path / "long", epochs=9, **changed, should_stop=_after(tmp_path / "long", 1))
    cut_short = _train(data, tmp_path / "long", epochs=3, **changed, resume=True)
    whole = _train(data, tmp_path / "short", epochs=3, **changed)
    steady = _train(data, tmp_path / "steady", epochs=3, **changed | {"cooldown": 0})
    one, two, three = (_weights(run.checkpoint)["main.0.weight"] for run in (whole, cut_short, steady))
    assert torch.equal(one, two)
    assert not torch.equal(one, three)


def test_settling_changes_nothing_but_the_statistics():
    network = Dcgan(DcganConfig(2, (4,), 1))
    weights, momentum = [p.clone() for p in network.parameters()], network.main[1].momentum
    settle(network, network.decode, torch.randn(256, 2, 1, 1).split(64))
    assert all(torch.equal(one, other) for one, other in zip(weights, network.parameters(), strict=True))
    assert network.main[1].momentum == momentum
    assert not network.training


def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path, data):
    whole = _train(data, tmp_path / "whole", epochs=3)
    told = []
    stopped = _train(
        data,
        tmp_path / "parts",
        epochs=3,
        on_progress=lambda share, text: told.append(text),
        should_stop=lambda: len([text for text in told if "epoch 2" in text]) == 1,
    )  # in the middle of the second epoch, before a turn of the generator
    assert not stopped.finished
    resumed = _train(data, tmp_path / "parts", epochs=3, resume=True)
    one, two = _weights(whole.checkpoint), _weights(resumed.checkpoint)
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("widths", ["16,8,4", "8," * 9])
def test_widths_that_make_other_pictures_than_the_critic_takes_are_told(tmp_path, data, widths):
    with pytest.raises(UsageError, match=r"widths and critic_widths .* as many"):
        _train(data, tmp_path / "run", widths=widths)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_256_grey_pictures_for_two_epochs(tmp_path):
    np.savez(tmp_path / "grey.npz", images=np.random.default_rng(0).integers(0, 256, (256, 32, 32), np.uint8))
    result = _train(
        tmp_path / "grey.npz",
        tmp_path / "run",
        widths="32,16,8",
        critic_widths="8,16,32",
        channels=1,
        epochs=2,
    )
    assert open_latent(result.checkpoint).model.image.channels == 1
