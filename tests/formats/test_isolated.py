"""The child process: limits of memory and time, being stopped, dying; and nothing of it is left."""

import json
import os
import subprocess
import sys
import tempfile

import fakes
import pytest
import torch

from explorer.errors import Cancelled, CheckpointError
from explorer.formats import child, isolated, open_checkpoint, open_latent, taking


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


def test_the_child_says_when_memory_is_not_enough(plain, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(child, "_limit_itself", lambda size: None)
    monkeypatch.setattr(child, "read", lambda path, folder: bytearray(1 << 62))
    child.main(plain, tmp_path)
    *_, last = capsys.readouterr().out.splitlines()
    assert "memory" in json.loads(last)["error"]


def test_the_child_needs_no_torch():
    code = "import sys; import explorer.formats.child; print(sorted({'torch', 'h5py', 'PIL'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_numbers_are_memory_of_their_own(plain):
    """So a tensor may become a parameter as it is, and the file may change under it."""
    with isolated.start(plain) as reading:
        content = reading.result(lambda fraction, text: None, lambda: False).content
    before = {key: tensor.clone() for key, tensor in content.items()}
    plain.write_bytes(bytes(plain.stat().st_size))
    assert all(torch.equal(content[key], tensor) for key, tensor in before.items())


def test_a_file_that_shrinks_before_it_is_taken_over(plain, tmp_path):
    child.read(plain, tmp_path)
    plain.write_bytes(plain.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"could not be taken over .*\.$"):
        taking.take_over(plain, tmp_path, lambda fraction, text: None, lambda: False)


def test_being_stopped_while_numbers_are_taken_over(plain, tmp_path):
    child.read(plain, tmp_path)
    with pytest.raises(Cancelled):
        taking.take_over(plain, tmp_path, lambda fraction, text: None, lambda: True)


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
    with isolated.start(plain) as reading:
        handed = reading.result(lambda fraction, text: None, lambda: False)
    assert list(handed.content) == list(fakes.tiny_vae().network.state_dict())
    assert "encoder.1" in handed.content.attributes["_metadata"]
    assert handed.kind == "zip"


def test_a_child_that_dies_is_told(plain, monkeypatch):
    monkeypatch.setattr(isolated.sys, "executable", "/bin/false")
    with pytest.raises(CheckpointError, match=r"made the reading process stop.*\.$"):
        open_checkpoint(plain)


def test_a_child_that_cannot_start_is_told(plain, monkeypatch):
    monkeypatch.setattr(isolated.sys, "executable", "/no/such/python")
    with pytest.raises(CheckpointError, match=r"cannot be read.*\.$"):
        open_checkpoint(plain)
