"""`train conv-vae`, `latent2d-vae` and `gdl-vae` on few made-up pictures, through `training.train`."""

import csv
import json

import numpy as np
import pytest
import torch

from explorer import training
from explorer.errors import UsageError
from explorer.formats import open_latent

SMALL = {
    "conv-vae": {"lr": "0.01", "warm_up": "2"},
    "latent2d-vae": {
        "side": "12",
        "hidden": "8",
        "lr": "0.01",
        "warm_up": "0",
        "average": "0",
        "moments": "0",
    },
    "gdl-vae": {"side": "12", "widths": "8,12", "strides": "1,2", "channels": "3", "lr": "0.01"},
}
SIDE = {"conv-vae": 30, "latent2d-vae": 12, "gdl-vae": 12}


def blobs(count, side):
    """Grey pictures of two factors: where a bright spot is."""
    draw = np.random.default_rng(0)
    across, down = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    x, y = draw.uniform(-0.6, 0.6, (2, count, 1, 1))
    return (255 * np.exp(-8 * ((across - x) ** 2 + (down - y) ** 2))).astype(np.uint8)[..., None]


def _train(recipe, folder, precision="32", count=64, **changed):
    channels = 3 if recipe == "gdl-vae" else 1
    np.savez(folder / f"{recipe}.npz", images=np.repeat(blobs(count, SIDE[recipe]), channels, -1))
    base = {"hold_out": "16", "near_copy": "0", "batch_size": "12", "epochs": "6"}
    settings = base | SMALL[recipe] | {name: str(value) for name, value in changed.items()}
    out = folder / "run"
    return training.train(
        recipe, folder / f"{recipe}.npz", out=out, settings=settings, device="cpu", precision=precision
    )


def _rows(result):
    return list(csv.DictReader((result.checkpoint.parent / "metrics.csv").read_text().splitlines()))


@pytest.mark.parametrize("recipe", SMALL)
def test_a_run_lowers_its_loss_and_opens(tmp_path, recipe):
    result = _train(recipe, tmp_path)
    rows = _rows(result)
    assert float(rows[-1]["reconstruction"]) < 0.9 * float(rows[0]["reconstruction"])
    assert np.isfinite(float(rows[-1]["kept_out_loss"]))
    model = open_latent(result.checkpoint).model
    assert model.architecture == recipe
    assert model.has_encoder
    assert model.image.height == SIDE[recipe]
    assert (tmp_path / "run" / "samples" / "epoch-0006.png").stat().st_size > 0
    assert result.figures["kept_out"]["pictures"] == 16


@pytest.mark.slow
@pytest.mark.parametrize("recipe", SMALL)
def test_more_pictures_over_two_epochs(tmp_path, recipe):
    rows = _rows(_train(recipe, tmp_path, count=256, epochs=2, hold_out=32))
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])


def test_the_loss_of_digits_is_that_of_the_paper_in_nats(tmp_path):
    result = _train("latent2d-vae", tmp_path, epochs=3)
    model = open_latent(result.checkpoint).model
    kept_out = torch.from_numpy(blobs(64, 12)[48:]).permute(0, 3, 1, 2).float() / 255
    torch.manual_seed(0)
    with torch.no_grad():
        codes = model.encode(kept_out)
        kl = 0.5 * (codes.mean**2 + codes.logvar.exp() - 1 - codes.logvar).sum(1).mean()
        normal = torch.distributions.Normal(codes.mean, (0.5 * codes.logvar).exp())
        cross = [
            torch.nn.functional.binary_cross_entropy(model.decode(normal.sample()), kept_out, reduction="sum")
            for _ in range(64)
        ]
    expected = float(kl) + float(torch.stack(cross).mean()) / 16
    assert result.figures["kept_out"]["negative_elbo"] == pytest.approx(expected, rel=0.01)
    assert float(_rows(result)[-1]["kept_out_loss"]) == pytest.approx(expected, rel=0.05)


def test_the_tutorials_scaling_takes_its_means(tmp_path):
    rows = {}
    for scaling in ("sum", "tutorial"):
        (tmp_path / scaling).mkdir()
        rows[scaling] = _rows(_train("latent2d-vae", tmp_path / scaling, epochs=1, scaling=scaling, lr=1e-8))[
            0
        ]
    first, second = ({name: float(value) for name, value in row.items()} for row in rows.values())
    assert second["reconstruction"] == pytest.approx(first["reconstruction"] / 144, rel=1e-3)
    assert second["kl"] == pytest.approx(first["kl"], rel=1e-3)
    assert second["loss"] - second["reconstruction"] == pytest.approx(5e-4 * second["kl"], abs=1e-6)


def test_the_books_loss_is_its_factor_times_the_error_and_the_kl(tmp_path):
    result = _train("gdl-vae", tmp_path, epochs=1, lr=1e-8, r_loss_factor=700)
    row = {name: float(value) for name, value in _rows(result)[0].items()}
    model = open_latent(result.checkpoint).model
    images = torch.from_numpy(np.repeat(blobs(64, 12), 3, -1)[48:]).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        error = (model.decode(model.encode(images).mean) - images).square().mean()
    assert row["kept_out_reconstruction"] == pytest.approx(700 * float(error), rel=0.02)
    assert row["loss"] == pytest.approx(row["reconstruction"] + row["kl"], rel=1e-5)
    assert result.figures["kept_out"]["psnr"] == pytest.approx(-10 * np.log10(float(error)), abs=0.01)
    assert model.trained["r_loss_factor"] == 700


def test_the_kl_s_weight_rises_over_the_warm_up(tmp_path):
    rows = _rows(_train("conv-vae", tmp_path, epochs=3, warm_up=2, beta=3))
    weights = [(float(row["loss"]) - float(row["reconstruction"])) / float(row["kl"]) for row in rows]
    assert 0 < weights[0] < weights[1] < 3
    assert weights[2] == pytest.approx(3, rel=1e-3)


def test_the_article_s_network_takes_and_gives_its_own_values(tmp_path):
    result = _train("conv-vae", tmp_path, average=0.3)
    network = open_latent(result.checkpoint).model.network
    kept_out = torch.from_numpy(blobs(64, 30)[48:]).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        again = network.decode(network.encode(kept_out)[0]).clamp(0, 255)
    error = float((again - kept_out).square().mean())
    assert result.figures["kept_out"]["mse"] == pytest.approx(error, abs=0.02)
    assert error < 1.5 * float(kept_out.var())


def test_the_penalty_on_moments_keeps_the_codes_those_of_the_prior(tmp_path):
    far = {}
    for weight in (0, 50):
        (tmp_path / str(weight)).mkdir()
        result = _train("gdl-vae", tmp_path / str(weight), epochs=10, moments=weight, beta=0)
        spread, center = (np.array(result.figures[f"posterior_{name}"]) for name in ("spread", "mean"))
        far[weight] = np.abs(np.log(spread)).max() + np.abs(center).max()
    assert far[50] < 0.6 < far[0]


def test_presets_give_the_sizes_that_are_not_set():
    from explorer.training.gdl_vae import RECIPE, config_of
    from explorer.training.settings import parse

    def config(**given):
        return config_of(parse(RECIPE.settings, given, "gdl-vae"))

    digits, faces = config(), config(preset="faces")
    assert (digits.channels, digits.side, digits.widths, digits.strides) == (
        1,
        28,
        (32, 64, 64, 64),
        (1, 2, 2, 1),
    )
    assert (faces.channels, faces.side, faces.strides, faces.norm) == (3, 64, (2, 2, 2, 2), True)
    assert faces.latent_dim >= 32
    changed = config(preset="faces", widths="8,8", strides="4,2", norm="no", latent_dim="5")
    assert (changed.widths, changed.norm, changed.latent_dim, changed.side) == ((8, 8), False, 5, 64)


def test_an_average_in_half_precision_is_what_is_saved(tmp_path):
    result = _train(
        "gdl-vae", tmp_path, precision="bf16", epochs=2, average=0.9, half="yes", norm="yes", flip=0.5
    )
    from safetensors.torch import load_file

    saved = load_file(result.checkpoint)
    assert saved["mean.weight"].dtype == torch.float16
    state = torch.load(tmp_path / "run" / "resume.pt", weights_only=True)["networks"]
    assert torch.equal(saved["mean.weight"], state["average"]["module.mean.weight"].half())
    assert not torch.equal(saved["mean.weight"], state["network"]["mean.weight"].half())
    model = open_latent(result.checkpoint).model
    assert torch.equal(model.network.state_dict()["mean.weight"], saved["mean.weight"].float())
    assert model.notes == ()  # it was meant to be half


def test_the_batch_norms_of_an_average_are_measured_on_its_own_features(tmp_path):
    result = _train("gdl-vae", tmp_path, epochs=4, average=0.99, norm="yes")
    network = open_latent(result.checkpoint).model.network
    learnt = torch.from_numpy(np.repeat(blobs(64, 12), 3, -1)[:48]).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        features = network.encoder[0](learnt)
    norm = network.encoder[1]
    assert torch.allclose(norm.running_mean, features.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(norm.running_var, features.var((0, 2, 3)), rtol=1e-4)


def test_a_resumed_run_equals_one_that_was_not_stopped(tmp_path):
    varied = {
        "average": 0.5,
        "turn": 5,
        "shift": 0.05,
        "zoom": 0.05,
        "flip": 0.5,
        "dropout": 0.2,
        "norm": "yes",
    }
    for place in ("whole", "halves"):
        (tmp_path / place).mkdir()
    whole = _train("gdl-vae", tmp_path / "whole", epochs=4, **varied)
    reached = [0.0]
    data, out = tmp_path / "whole" / "gdl-vae.npz", tmp_path / "halves" / "run"
    about = json.loads((tmp_path / "whole" / "run" / "run.json").read_text())
    settings = {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in about["settings"].items()
        if value not in ("", [])
    }
    for resume in (False, True):
        again = training.train(
            "gdl-vae",
            data,
            out=out,
            settings=settings,
            device="cpu",
            resume=resume,
            on_progress=lambda share, text: reached.append(share * text.startswith("epoch")),
            should_stop=lambda resume=resume: not resume and reached[-1] > 0.4,
        )
        assert again.finished == resume
        assert resume or again.epochs == 1  # and stopped within the second
    one, two = (open_latent(each.checkpoint).model.network.state_dict() for each in (whole, again))
    assert all(torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize(
    ("recipe", "changed", "told"),
    [
        ("latent2d-vae", {"scaling": "mean"}, "sum, tutorial"),
        ("latent2d-vae", {"side": 13}, "even"),
        ("gdl-vae", {"preset": "cats"}, "digits or faces"),
        ("gdl-vae", {"norm": "maybe"}, "yes or no"),
        ("gdl-vae", {"strides": "2,2,2"}, "one number for each"),
        ("gdl-vae", {"side": 13}, "does not divide"),
        ("conv-vae", {"widths": "4,5,6"}, "two numbers"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_read(tmp_path, recipe, changed, told):
    with pytest.raises(UsageError, match=told) as caught:
        _train(recipe, tmp_path, **changed)
    assert str(caught.value).endswith(".")
    assert not (tmp_path / "run").exists()


def test_the_digits_network_begins_at_the_mean_brightness():
    from explorer.models.latent2d_vae import Latent2dVae, Latent2dVaeConfig
    from explorer.training.latent2d_vae import begin

    torch.manual_seed(0)
    network = Latent2dVae(Latent2dVaeConfig(side=12))
    begin(network, 0.1)
    with torch.no_grad():
        drawn = network.decode(torch.randn(50, 2))
        features = network.encoder(torch.rand(50, 1, 12, 12))
    assert float(drawn.mean()) == pytest.approx(0.1, abs=0.03)
    assert float((features.max(0).values > 0).float().mean()) > 0.5


def test_an_average_forgets_its_beginning_soon_and_later_by_its_decay():
    from explorer.training.vae_lesson import followed

    average = torch.zeros(1)
    for count in range(1, 200):
        average = followed(0.999, average, torch.ones(1), count)
    assert float(average) > 0.999
    assert float(followed(0.999, torch.zeros(1), torch.ones(1), 10_000)) == pytest.approx(0.001)
