"""The loop, through `train`, with a recipe of one weight whose best answer is known."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from explorer import training
from explorer.errors import CheckpointError, DeviceError, OutputError, TrainingError, UsageError
from explorer.formats.run_folder import RunFolder
from explorer.models import architecture
from explorer.models.base import ImageSpec
from explorer.models.fc_vae import FcVae, FcVaeConfig
from explorer.training.lesson import Exported, Lesson, warm_cosine
from explorer.training.recipe import Recipe
from explorer.training.settings import LoopSettings, setting

CONFIG = FcVaeConfig(1, 2, 2, (2,), 1)


@dataclass(frozen=True)
class ToySettings(LoopSettings):
    """Of the toy."""

    hold_out: int = setting(0, "none", least=0)
    epochs: int = setting(4, "passes", least=1)
    batch_size: int = setting(4, "pictures per step", least=1)
    lr: float = setting(0.05, "learning rate", least=0)
    often: int = setting(1, "how often the bright half is shown", least=1)


class Toy(Lesson):
    """Finds the mean of what it is shown, with noise, and remembers what it saw."""

    seen: list = []  # noqa: RUF012
    nan_at = 10**9

    def __init__(self, materials):
        super().__init__(materials)
        self.network = self.learns("network", FcVae(CONFIG), lr=self.settings.lr)
        self.weight = self.learns("weight", nn.Linear(1, 1), lr=self.settings.lr)
        self.count = 0

    def rate(self, done, total):
        return 1.0

    def indices(self):
        every = torch.arange(len(self.pictures.images))
        bright = every[len(every) // 2 :]
        return torch.cat((every, *[bright] * (self.settings.often - 1)))

    def step(self, batch):
        Toy.seen.append((batch.number, batch.done, batch.indices.tolist()))
        self.count += 1
        noise = 0.01 * torch.randn(len(batch.indices), 1, device=self.device)
        target = batch.images.mean((1, 2, 3))[:, None] + noise
        loss = (self.weight.bias - target).square().mean()
        if batch.number >= Toy.nan_at:
            loss = loss * torch.nan
        self.descend("weight", loss)
        often = {"third": loss * 0 + 3} if batch.number % 3 == 0 else {}
        return {"loss": loss} | often

    def exported(self):
        model = architecture("fc-vae").wrap(self.network, CONFIG, name="toy")
        return {"": Exported(model, CONFIG), "back": Exported(model, CONFIG)}

    def shown(self):
        torch.randn(1000)  # must change nothing
        assert not self.network.training
        return np.zeros((1, 2, 2, 2, 1), np.float32)

    def examined(self):
        return {"kept": float(torch.randn(1).abs())}

    def figures(self):
        return {"bias": round(float(self.weight.bias), 6), "count": self.count}

    def state(self):
        return {"count": self.count}

    def restore(self, state):
        self.count = state["count"]


TOY = Recipe(
    name="toy",
    architecture="fc-vae",
    summary="toy",
    source="none",
    settings=ToySettings,
    lesson=Toy,
    spec=lambda settings, model: ImageSpec(1, 2, 2),
)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Eight pictures, half black, half white; and the recipe."""
    monkeypatch.setitem(training.RECIPES, "toy", lambda: TOY)
    Toy.seen, Toy.nan_at = [], 10**9
    images = np.zeros((8, 2, 2), np.uint8)
    images[4:] = 255
    np.savez(tmp_path / "data.npz", images=images)
    return tmp_path / "data.npz"


def _train(data, out, *, resume=False, stop=lambda: False, **changed):
    settings = {name: str(value) for name, value in changed.items()}
    return training.train(
        "toy", data, out=out, settings=settings, device="cpu", resume=resume, should_stop=stop
    )


def _after(count):
    """Return a `should_stop` that turns true before batch number `count`."""
    return lambda: len(Toy.seen) >= count


def _rows(run):
    rows = list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def _content(run):
    files = sorted(path for path in run.rglob("*") if path.suffix in (".safetensors", ".png"))
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in files}


def test_it_finds_the_mean_of_what_it_is_shown_as_often_as_it_is_shown(tmp_path, data):
    once = _train(data, tmp_path / "once", epochs=20, lr=0.1, save_every=20)
    thrice = _train(data, tmp_path / "thrice", epochs=20, lr=0.1, often=3, save_every=20)
    assert once.figures["bias"] == pytest.approx(0.5, abs=0.1)
    assert thrice.figures["bias"] == pytest.approx(0.75, abs=0.1)


def test_every_picture_is_seen_once_an_epoch_in_an_order_of_its_own(tmp_path, data):
    _train(data, tmp_path / "run", epochs=2)
    assert [number for number, _, _ in Toy.seen] == [0, 1, 2, 3]
    assert [done for _, done, _ in Toy.seen] == [0, 0.5, 1, 1.5]
    epochs = [Toy.seen[start][2] + Toy.seen[start + 1][2] for start in (0, 2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(8))
    assert epochs[0] != epochs[1]


def test_a_run_leaves_a_folder_that_tells_it_all(tmp_path, data):
    result = _train(data, tmp_path / "run")
    run = RunFolder.read(tmp_path / "run")
    assert (run.recipe, run.state, run.total_epochs, run.name) == ("toy", "finished", 4, "run")
    assert [(epoch.number, epoch.is_whole) for epoch in run.epochs] == [(n, True) for n in (1, 2, 3, 4)]
    assert (run.path / "checkpoint-0004-back.safetensors").is_file()
    assert (run.path / "model-back.safetensors").is_file()
    assert [row["epoch"] for row in _rows(run.path)] == ["1", "2", "3", "4"]
    assert [row["step"] for row in _rows(run.path)] == ["2", "4", "6", "8"]
    assert {row["third"] for row in _rows(run.path)} == {"3.0", ""}  # mean of the steps that have it
    about = json.loads((run.path / "run.json").read_text())
    assert about["figures"] == result.figures
    assert about["data"]["learnt_from"] == 8
    events = list((run.path / "events").iterdir())
    assert len(events) == 1
    assert b"third" in events[0].read_bytes()


@pytest.mark.parametrize("batches", [1, 2, 3, 4, 7])
def test_a_run_that_was_stopped_and_goes_on_equals_one_that_was_not(tmp_path, data, batches):
    _train(data, tmp_path / "whole")
    Toy.seen = []
    stopped = _train(data, tmp_path / "parts", stop=_after(batches))
    assert not stopped.finished
    run = RunFolder.read(tmp_path / "parts")
    assert run.state == "stopped"
    assert run.epochs[-1].is_whole is (batches % 2 == 0)
    assert run.epochs[-1].number == (batches + 1) // 2
    assert _train(data, tmp_path / "parts", resume=True).finished
    assert _content(tmp_path / "parts") == _content(tmp_path / "whole")
    assert _rows(tmp_path / "parts") == _rows(tmp_path / "whole")
    figures = [
        json.loads((tmp_path / name / "run.json").read_text())["figures"] for name in ("parts", "whole")
    ]
    assert figures[0] == figures[1]
    assert len(Toy.seen) == 8


def test_a_finished_run_can_be_made_longer(tmp_path, data):
    _train(data, tmp_path / "run", epochs=2)
    assert _train(data, tmp_path / "run", resume=True, epochs=3).epochs == 3
    assert [epoch.number for epoch in RunFolder.read(tmp_path / "run").epochs] == [1, 2, 3]
    assert len(Toy.seen) == 6


def test_a_loss_that_is_no_number_ends_it_and_the_last_checkpoint_stays(tmp_path, data):
    Toy.nan_at = 5
    with pytest.raises(TrainingError, match=r"epoch 3 is no number.*epoch 2 is kept.*lower lr"):
        _train(data, tmp_path / "run")
    run = RunFolder.read(tmp_path / "run")
    assert (run.state, [epoch.number for epoch in run.epochs]) == ("failed", [1, 2])
    Toy.nan_at = 10**9
    assert _train(data, tmp_path / "run", resume=True).finished


def test_what_cannot_be_gone_on_with_is_told(tmp_path, data):
    with pytest.raises(UsageError, match="no run"):
        _train(data, tmp_path / "run", resume=True)
    _train(data, tmp_path / "run", epochs=1)
    with pytest.raises(UsageError, match="holds a run already"):
        _train(data, tmp_path / "run")
    with pytest.raises(UsageError, match=r"batch_size=4.*cannot become 2"):
        _train(data, tmp_path / "run", resume=True, batch_size=2)
    np.savez(tmp_path / "other.npz", images=np.zeros((9, 2, 2), np.uint8))
    with pytest.raises(UsageError, match="other pictures"):
        _train(tmp_path / "other.npz", tmp_path / "run", resume=True)
    (tmp_path / "run" / "resume.pt").write_bytes(b"PK\3\4 no more")
    with pytest.raises(CheckpointError, match="damaged"):
        _train(data, tmp_path / "run", resume=True)
    (tmp_path / "run" / "resume.pt").unlink()
    with pytest.raises(CheckpointError, match="nothing to go on from"):
        _train(data, tmp_path / "run", resume=True)
    (tmp_path / "run" / "run.json").write_text("{")
    with pytest.raises(CheckpointError, match="damaged"):
        _train(data, tmp_path / "run", resume=True)


def test_a_disk_that_is_full_is_told_and_what_was_saved_stays(tmp_path, data, monkeypatch):
    from explorer.training import records

    save, calls = records.save_native, []

    def full(path, *args, **named):
        calls.append(path)
        if len(calls) > 2:  # of two networks an epoch
            raise OutputError(f"{path} could not be written (no space left on device); make room.")
        save(path, *args, **named)

    monkeypatch.setattr(records, "save_native", full)
    with pytest.raises(OutputError, match="no space left"):
        _train(data, tmp_path / "run")
    assert [epoch.number for epoch in RunFolder.read(tmp_path / "run").epochs] == [1]
    monkeypatch.setattr(records, "save_native", save)
    assert _train(data, tmp_path / "run", resume=True).epochs == 4


def test_a_device_or_precision_that_is_not_there_is_told(tmp_path, data):
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="--device cpu"):
            training.train("toy", data, out=tmp_path / "run", device="cuda")
    with pytest.raises(UsageError, match="bf16-mixed"):
        training.train("toy", data, out=tmp_path / "run", device="cpu", precision="12")
    with pytest.raises(UsageError, match=r"batch_size of 4 leaves some of 8 devices.*batch_size=8 or more"):
        training.train("toy", data, out=tmp_path / "run", device="cpu", devices=8)
    assert not (tmp_path / "run").exists()


def test_it_trains_in_a_thread_that_is_not_the_main_one(tmp_path, data):
    found = []
    thread = threading.Thread(target=lambda: found.append(_train(data, tmp_path / "run")))
    thread.start()
    thread.join()
    assert found[0].finished


def test_the_rate_rises_and_then_falls_to_zero():
    rates = [warm_cosine(done, 200) for done in range(200)]
    assert rates[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert max(rates) == 1
    assert rates[-1] < 0.001
    assert all(a >= b for a, b in pairwise(rates[10:]))


def _program(recipe, data, out, *more, **settings):
    command = [
        sys.executable,
        "main.py",
        "train",
        recipe,
        "--device",
        "cpu",
        "--data",
        data,
        "--out",
        out,
        *more,
    ]
    sets = [text for name, value in settings.items() for text in ("--set", f"{name}={value}")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen([*map(str, command), *sets], stderr=subprocess.PIPE, text=True, env=environment)


def test_ctrl_c_in_the_running_program_keeps_what_was_reached(tmp_path, data):
    sizes = {"height": 2, "width": 2, "hidden": 2, "latent_dim": 1, "hold_out": 0, "batch_size": 4}
    program = _program("fc-vae", data, tmp_path / "run", epochs=100000, **sizes)
    for line in program.stderr:
        if line.startswith("epoch 2 "):
            program.send_signal(signal.SIGINT)
            break
    told = program.communicate(timeout=120)[1]
    assert program.returncode == 0, told
    assert "--resume goes on" in told
    assert RunFolder.read(tmp_path / "run").state == "stopped"


@pytest.mark.slow
def test_two_processes_train_one_network_and_one_of_them_tells(tmp_path):
    """Now and then only one of them has a picture that teaches the third decoder."""
    images = np.random.default_rng(0).integers(0, 255, (43, 8, 8, 3), dtype=np.uint8)
    for name, some in (("a", images[:40]), ("b", images[:40] // 2), ("extra", images[40:])):
        np.savez(tmp_path / f"{name}.npz", images=some)
    second = ("--data-b", tmp_path / "b.npz", "--devices", "2")
    sizes = {
        "side": 8,
        "widths": 8,
        "ups": "8,8",
        "latent_dim": 4,
        "epochs": 3,
        "batch_size": 8,
        "near_copy": 0,
    }
    where = tmp_path / "a.npz", tmp_path / "run"
    program = _program("twin-autoencoder", *where, *second, extra=tmp_path / "extra.npz", **sizes)
    told = program.communicate(timeout=300)[1]
    assert program.returncode == 0, told
    assert RunFolder.read(tmp_path / "run").state == "finished"
    assert [told.count(f"epoch {number} of 3") for number in (1, 2, 3)] == [1, 1, 1]
    assert told.count("finished after 3 epochs") == 1
