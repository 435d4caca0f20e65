"""The child process: limits of memory and time, being stopped, dying; and nothing of it is left."""

import os
import tempfile

import fakes
import pytest
import torch

from explorer.errors import Cancelled, CheckpointError
from explorer.formats import isolated, open_checkpoint, open_latent


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """A folder of its own for what the child hands over, empty again at the end."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain.pth"
    torch.save(fakes.tiny_vae().network.state_dict(), path)
    return path


def test_what_the_child_read_comes_back_whole(plain, tiny_model, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "torch.py").write_text("raise SystemExit('a file of the working folder was run')")
    model = open_latent("plain.pth").model
    codes = torch.randn(3, 4)
    assert torch.equal(model.decode_raw(codes), tiny_model.decode_raw(codes))


def test_a_file_that_asks_for_too_much_memory(tmp_path):
    path = tmp_path / "huge.pth"
    torch.save({"w": torch.zeros(12345)}, path, _use_new_zipfile_serialization=False)
    count = b"M" + (12345).to_bytes(2, "little")
    content = path.read_bytes()
    assert count in content
    path.write_bytes(content.replace(count, b"J" + (2**31 - 1).to_bytes(4, "little")))  # 8 GB of float32
    with pytest.raises(CheckpointError, match=r"memory.*\.$"):
        open_checkpoint(path)


def test_a_file_that_takes_too_long(plain, monkeypatch):
    monkeypatch.setattr(isolated, "READ_SECONDS", -1.0)
    with pytest.raises(CheckpointError, match=r"could not be read within .*\.$"):
        open_checkpoint(plain)


def test_being_stopped_ends_the_reading_at_once(plain):
    told = []
    with pytest.raises(Cancelled):
        open_checkpoint(plain, should_stop=lambda: True, on_progress=lambda *said: told.append(said))
    assert len(told) == 1


def test_a_child_that_hangs_is_ended(plain, monkeypatch, tmp_path):
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    script.chmod(0o755)
    monkeypatch.setattr(isolated.sys, "executable", str(script))
    monkeypatch.setattr(isolated, "START_SECONDS", 0.5)
    with pytest.raises(CheckpointError, match="could not be read within"):
        open_checkpoint(plain)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_tensors_come_in_the_files_order(plain):
    with isolated.start(plain) as child:
        handed = child.result(lambda fraction, text: None, lambda: False)
    assert list(handed.tensors) == list(fakes.tiny_vae().network.state_dict())
    assert "encoder.1" in handed.modules


def test_a_child_that_dies_is_told(plain, monkeypatch):
    monkeypatch.setattr(isolated.sys, "executable", "/bin/false")
    with pytest.raises(CheckpointError, match=r"made the reading process stop.*\.$"):
        open_checkpoint(plain)


def test_a_child_that_cannot_start_is_told(plain, monkeypatch):
    monkeypatch.setattr(isolated.sys, "executable", "/no/such/python")
    with pytest.raises(CheckpointError, match=r"cannot be read.*\.$"):
        open_checkpoint(plain)
