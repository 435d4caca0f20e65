"""A run folder of tiny networks, and the whole window with it open."""

import json
from functools import partial

import pytest
import real_window

EPOCHS = 4


class Run:
    """A run folder that grows: each epoch is a real checkpoint of the same network with other weights."""

    def __init__(self, folder, total=10):
        self.folder = folder
        self.total = total
        folder.mkdir()
        self.say("running", 0)

    def say(self, state, done):
        about = {"recipe": "fc-vae", "state": state, "epochs": done, "settings": {"epochs": self.total}}
        self._whole("run.json", lambda path: path.write_text(json.dumps(about)))

    def path(self, number):
        return self.folder / f"checkpoint-{number:04d}.safetensors"

    def add(self, *numbers, save=real_window.save, **sizes):
        for number in numbers:
            self._whole(self.path(number).name, partial(save, **{"seed": number, **sizes}))
            self.say("running", number)

    def _whole(self, name, write):
        beside = self.folder.parent / f"{self.folder.name}-{name}"
        write(beside)
        beside.rename(self.folder / name)


@pytest.fixture
def young_run(tmp_path):
    """A run that has no epoch yet."""
    return Run(tmp_path / "young")


@pytest.fixture
def run(tmp_path):
    """A run of 10 epochs, 4 of which are done."""
    run = Run(tmp_path / "my-run")
    run.add(*range(1, EPOCHS + 1))
    return run


@pytest.fixture
def watched(running, qtbot, run):
    """The app with that run open, at its newest epoch."""
    real_window.open_and_wait(qtbot, running, run.folder)
    qtbot.waitUntil(lambda: running.epochs.is_open, timeout=real_window.WAIT)
    return running
