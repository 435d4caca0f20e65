"""`train cyclegan` on small pictures: dark discs and bright ones, and what the history of made pictures does."""

import csv
import json

import numpy as np
import pytest
import torch

from explorer import training
from explorer.errors import UsageError
from explorer.formats import open_stage
from explorer.models.patch_critic import PatchCritic, least_side
from explorer.training.image_pool import ImagePool

SMALL = {
    "side": "16",
    "widths": "8,16",
    "blocks": "1",
    "critic_widths": "8,16",
    "hold_out": "4",
    "near_copy": "0",
    "batch_size": "4",
    "epochs": "1",
    "pool": "6",
}


def discs(count, colour, seed):
    """Colour 16x16 pictures: a disc somewhere, on grey."""
    draw = np.random.default_rng(seed)
    across, down = np.meshgrid(np.arange(16), np.arange(16))
    center = draw.uniform(5, 11, (2, count, 1, 1))
    inside = (across - center[0]) ** 2 + (down - center[1]) ** 2 < draw.uniform(10, 30, (count, 1, 1))
    colours = np.where(inside[..., None], colour, (128, 128, 128))
    return (colours + draw.integers(-8, 9, colours.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("discs")
    np.savez(folder / "dark.npz", images=discs(68, (30, 30, 40), 1))
    np.savez(folder / "gold.npz", images=discs(52, (240, 200, 60), 2))
    return folder


def _train(folder, out, *, stop=None, resume=False, **changed):
    """Train; `stop` is after how many steps."""

    settings, told = SMALL | {name: str(value) for name, value in changed.items()}, []
    return training.train(
        "cyclegan",
        folder / "dark.npz",
        data_b=folder / "gold.npz",
        out=out,
        settings=settings,
        device="cpu",
        resume=resume,
        on_progress=lambda share, text: told.append(text),
        should_stop=lambda: stop is not None and sum("loss" in text for text in told) >= stop,
    )


def _rows(run):
    return list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))


def _weights(run):
    names = ("model.safetensors", "model-back.safetensors")
    return [value for name in names for value in open_stage(run / name).network.state_dict().values()]


def test_a_run_learns_and_leaves_two_stages_that_translate(tmp_path, folder):
    result = _train(folder, tmp_path / "run", epochs=3, lr=0.005)
    rows = _rows(tmp_path / "run")
    assert float(rows[-1]["loss"]) < 0.7 * float(rows[0]["loss"])
    assert float(rows[-1]["cycle"]) < 0.7 * float(rows[0]["cycle"])
    assert float(rows[-1]["examined_identity"]) < 0.9 * float(rows[0]["examined_identity"])
    assert result.figures["change_there"] > 1
    dark = torch.from_numpy(discs(4, (30, 30, 40), 3)).permute(0, 3, 1, 2) / 255
    stages = [open_stage(tmp_path / "run" / f"model{end}.safetensors") for end in ("", "-back")]
    with torch.inference_mode():
        there = stages[0].apply(dark)
        again = stages[1].apply(there)
    assert there.shape == again.shape == dark.shape
    assert float((again - dark).abs().mean()) < 0.5 * float((dark - dark.mean()).abs().mean())
    assert stages[0].trained["recipe"] == "cyclegan"
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"]["second"]["kept_out"] == 4
    for name in ("checkpoint-0003.safetensors", "checkpoint-0003-back.safetensors", "samples/epoch-0003.png"):
        assert (tmp_path / "run" / name).stat().st_size > 0


@pytest.mark.slow
def test_two_epochs_of_256_pictures_turn_dark_discs_brighter(tmp_path):
    np.savez(tmp_path / "dark.npz", images=discs(256, (30, 30, 40), 1))
    np.savez(tmp_path / "gold.npz", images=discs(256, (240, 200, 60), 2))
    _train(tmp_path, tmp_path / "run", epochs=2, batch_size=1, lr=0.001)
    dark = torch.from_numpy(discs(16, (30, 30, 40), 3)).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        there = open_stage(tmp_path / "run" / "model.safetensors").apply(dark)
    inside = dark.amax(1, keepdim=True) < 0.3
    assert float((there - dark)[inside.expand_as(dark)].mean()) > 0.1


def test_a_run_goes_on_with_its_history_as_if_it_had_not_stopped(tmp_path, folder):
    _train(folder, tmp_path / "whole", epochs=2, small=0.5, average=0.9)
    assert not _train(folder, tmp_path / "cut", epochs=2, small=0.5, average=0.9, stop=20).finished
    assert _rows(tmp_path / "cut")
    _train(folder, tmp_path / "cut", epochs=2, small=0.5, average=0.9, resume=True)
    pairs = zip(_weights(tmp_path / "whole"), _weights(tmp_path / "cut"), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)


def test_what_is_saved_is_the_average_where_one_is_wished(tmp_path, folder):
    _train(folder, tmp_path / "run", average=0.9)
    networks = torch.load(tmp_path / "run" / "resume.pt", weights_only=True)["networks"]
    saved = dict(open_stage(tmp_path / "run" / "model.safetensors").network.state_dict())
    for name, weight in saved.items():
        assert torch.equal(weight, networks["average"][f"there.{name}"])
    assert not torch.equal(saved["head.weight"], networks["generators"]["there.head.weight"])
    distance = [
        float((networks["generators"]["there.head.weight"] - weight).norm())
        for weight in (
            saved["head.weight"],
            open_stage(tmp_path / "run" / "model-back.safetensors").network.head.weight,
        )
    ]
    assert distance[0] < 0.2 * distance[1]  # it follows its own generator


def test_weights_of_losses_that_are_zero_count_nothing(tmp_path, folder):
    _train(folder, tmp_path / "run", adversarial=0, identity=0, pool=0, flips="no")
    row = _rows(tmp_path / "run")[0]
    assert float(row["identity"]) == 0
    assert float(row["loss"]) == pytest.approx(10 * float(row["cycle"]), rel=1e-3)


def test_the_loss_is_the_weighted_sum_of_its_parts(tmp_path, folder):
    _train(folder, tmp_path / "run")
    row = {name: float(value) for name, value in _rows(tmp_path / "run")[0].items() if name != "epoch"}
    assert row["loss"] == pytest.approx(
        row["adversarial"] + 10 * row["cycle"] + 5 * row["identity"], rel=1e-3
    )
    assert row["critic"] > 0


def test_generators_that_carry_pictures_begin_with_what_came_in(tmp_path, folder):
    _train(folder, tmp_path / "run", carry="yes", lr=1e-7)
    assert float(_rows(tmp_path / "run")[0]["cycle"]) < 0.02
    dark = torch.from_numpy(discs(4, (30, 30, 40), 3)).permute(0, 3, 1, 2) / 255
    stage = open_stage(tmp_path / "run" / "model.safetensors")
    assert stage.network.config.carries
    with torch.inference_mode():
        assert float((stage.apply(dark) - dark).abs().max()) < 0.02


def test_the_rate_is_constant_and_then_falls_in_a_straight_line(folder):
    from explorer.training.cyclegan import CycleGanLesson

    lesson = CycleGanLesson.__new__(CycleGanLesson)
    lesson.settings = training.recipes()["cyclegan"].settings()
    assert [lesson.rate(done, 100) for done in (0, 50, 75, 99)] == [1, 1, 0.5, 0.02]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"widths": "16"}, "widths of cyclegan takes 2 to 6 numbers"),
        ({"critic_widths": "8,8,8,8"}, "need pictures of 24 pixels a side, and these have 16"),
    ],
)
def test_networks_that_do_not_fit_the_pictures_are_refused(tmp_path, folder, changed, said):
    with pytest.raises(UsageError, match=said):
        _train(folder, tmp_path / "run", **changed)
    assert not (tmp_path / "run").exists()


# ---- the history ----


def _numbered(*numbers):
    return torch.tensor(numbers, dtype=torch.float32)[:, None, None, None].expand(-1, 3, 2, 2)


def test_a_history_gives_back_what_comes_until_it_is_full():
    pool = ImagePool(4)
    assert torch.equal(pool.exchange(_numbered(1, 2, 3)), _numbered(1, 2, 3))
    assert torch.equal(pool.exchange(_numbered(4)), _numbered(4))
    assert torch.equal(pool.images, _numbered(1, 2, 3, 4))


def test_a_full_history_gives_back_old_pictures_half_of_the_time_and_loses_none():
    torch.manual_seed(0)
    pool, old, given = ImagePool(50), 0, []
    for number in range(1050):
        back = float(pool.exchange(_numbered(number))[0, 0, 0, 0])
        given.append(back)
        old += back != number
        assert len(pool.images) <= 50
    assert 430 < old < 570  # of the 1000 after it was full
    kept = pool.images[:, 0, 0, 0].tolist()
    # what was given back as old left the history: after the first fifty, each picture is in one place only
    assert sorted(given[50:] + kept) == sorted(set(range(50)) | set(range(50, 1050)))


def test_a_history_begins_anew_with_pictures_of_another_size():
    pool = ImagePool(2)
    pool.exchange(_numbered(1, 2))
    larger = torch.full((1, 3, 4, 4), 3.0)
    assert torch.equal(pool.exchange(larger), larger)
    assert torch.equal(pool.images, larger)


def test_a_history_of_none_and_gradients():
    pool, images = ImagePool(0), _numbered(1, 2).clone().requires_grad_()
    back = pool.exchange(images * 2)
    assert not back.requires_grad
    assert pool.images is None


# ---- the critic ----


@pytest.mark.parametrize(("widths", "side", "across"), [((4, 4, 4), 64, 34), ((4, 4, 4, 4), 128, 70)])
def test_a_critic_looks_at_patches_of_the_papers_size(widths, side, across):
    critic = PatchCritic(widths)
    images = torch.rand(1, 3, side, side, requires_grad=True)
    norms = [layer for layer in critic.main if isinstance(layer, torch.nn.InstanceNorm2d)]
    assert len(norms) == len(widths) - 1  # none behind the first convolution
    scores = critic(images)
    assert scores.shape == (1, 1, 14, 14)
    for norm in norms:
        norm.forward = lambda features: features  # a norm looks at everything
    reached = torch.autograd.grad(critic(images)[0, 0, 7, 7], images)[0].abs().sum((0, 1))
    assert int((reached.sum(0) > 0).sum()) == across


def test_the_least_side_leaves_a_score():
    for widths in ((4,), (4, 4), (4, 4, 4), (4, 4, 4, 4)):
        side = least_side(widths)
        assert PatchCritic(widths)(torch.rand(1, 3, side, side)).numel() >= 1
