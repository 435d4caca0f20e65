"""Fixtures for tests that call the command line in this process, and the checkpoints they call it on."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from explorer.cli import main


@dataclass
class Outcome:
    """How a call ended."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        """Standard output, which must be JSON alone."""
        return json.loads(self.out)

    def refused(self, *words, status=3):
        """Whether the call ended with this status and one finished sentence that has these words."""
        lines = self.err.strip().splitlines()
        assert self.status == status, self
        assert len(lines) == 1, self.err
        assert lines[0].endswith((".", "?")), self.err
        assert "Traceback" not in self.err
        assert not self.out
        for word in words:
            assert word in self.err, (word, self.err)
        return True


@pytest.fixture
def call(capsys):
    """Run the command line in this process."""

    def run(*args):
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main([str(arg) for arg in args])
        return Outcome(leaving.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def done(call):
    """Run the command line, which must succeed."""

    def run(*args):
        outcome = call(*args)
        assert outcome.status == 0, outcome.err
        return outcome

    return run


@pytest.fixture(scope="module")
def faces(reference_data):
    """The folder of the article's faces, its model and its figures."""
    return reference_data / "seed-animeface"


@pytest.fixture(scope="module")
def vaeg(faces):
    """The article's trained model."""
    return faces / "vaeg.pth"


@pytest.fixture(scope="module")
def native(vaeg, tmp_path_factory):
    """The article's model as a native checkpoint, which opens without a process of its own."""
    from explorer.formats import open_latent, save_native
    from explorer.models import architecture

    path = tmp_path_factory.mktemp("native") / "native.safetensors"
    save_native(path, open_latent(vaeg).model, config=architecture("fc-vae").config(), trained={})
    return path


@pytest.fixture(scope="module")
def reference(faces):
    """What the article's own code made of it."""
    with np.load(faces / "reference.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def two_faces(faces, tmp_path_factory):
    """The faces 11 and 501 as files."""
    folder = tmp_path_factory.mktemp("faces")
    with zipfile.ZipFile(faces / "faces-30x30.zip") as archive:
        for name in archive.namelist():
            if Path(name).name in ("face0011.png", "face0501.png"):
                (folder / Path(name).name).write_bytes(archive.read(name))
    return folder / "face0011.png", folder / "face0501.png"


def save_random(path, name):
    """Write a native checkpoint of an architecture with random weights that show."""
    import torch

    from explorer.formats import save_native
    from explorer.models import architecture

    family = architecture(name)
    config = family.config()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = family.network(config)
        with torch.no_grad():
            for weights in network.parameters():
                weights.add_(torch.randn_like(weights) * 0.05)
    save_native(path, family.wrap(network.eval(), config, name=path.stem), config=config, trained={})
    return path


@pytest.fixture(scope="module")
def colorizer(tmp_path_factory):
    """A colour stage with random weights."""
    return save_random(tmp_path_factory.mktemp("stage") / "colours.safetensors", "conv-colorizer")
