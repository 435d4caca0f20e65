"""The loop, on a step whose best answer is known."""

import pytest
import torch
from torch import nn

from explorer.errors import DeviceError, UsageError
from explorer.training.loop import LoopSettings, fit, pick_device

SETTINGS = LoopSettings(epochs=30, batch_size=4, lr=0.1, weight_decay=0.0, save_every=100, seed=0)


def _fit(tmp_path, step, weight, indices, saved=None):
    return fit(
        step,
        [weight],
        indices,
        SETTINGS,
        losses_csv=tmp_path / "losses.csv",
        save=(lambda epochs: None) if saved is None else saved.append,
        on_progress=lambda fraction, text: None,
        should_stop=lambda: False,
    )


def test_it_finds_the_mean_of_what_it_is_shown_as_often_as_it_is_shown(tmp_path):
    values, weight = torch.tensor([0.0, 3.0]), nn.Parameter(torch.tensor(4.0))
    indices = torch.tensor([0, 1, 1] * 8)  # the second twice as often
    history = _fit(
        tmp_path, lambda batch, done: {"loss": (values[batch] - weight).square().mean()}, weight, indices
    )
    assert float(weight.detach()) == pytest.approx(2.0, abs=0.15)
    assert history.finished
    assert len(history.rows) == 30
    assert history.rows[-1]["loss"] < history.rows[0]["loss"]


def test_every_index_is_seen_once_an_epoch_in_an_order_of_its_own(tmp_path):
    seen, weight = [], nn.Parameter(torch.tensor(0.0))

    def step(batch, done):
        seen.append((int(done), batch.tolist()))
        return {"loss": weight * 0}

    _fit(tmp_path, step, weight, torch.arange(12))
    epochs = [[index for epoch, batch in seen if epoch == number for index in batch] for number in (0, 1)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(12))
    assert epochs[0] != epochs[1]


def test_a_loss_that_is_no_number_ends_it_without_saving(tmp_path):
    weight, saved = nn.Parameter(torch.tensor(0.0)), []
    with pytest.raises(UsageError, match="lower lr"):
        _fit(tmp_path, lambda batch, done: {"loss": weight * torch.nan}, weight, torch.arange(8), saved)
    assert saved == []


def test_a_device_that_is_not_there_is_told():
    assert pick_device("cpu").type == "cpu"
    with pytest.raises(DeviceError, match="--device cpu"):
        pick_device("abacus")
