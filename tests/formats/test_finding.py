"""Finding a checkpoint by the hash of its file."""

import hashlib
import os
from pathlib import Path

import pytest

from explorer.errors import Cancelled
from explorer.formats import finding, open_checkpoint, recent
from explorer.formats.finding import find
from explorer.paths import bundled

HEAD = b"\2\0\0\0\0\0\0\0{}"  # as a reader knows it
CONTENT = HEAD + b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def moved(tmp_path):
    """A checkpoint that has another name and place than it had."""
    path = tmp_path / "far" / "renamed.PTH"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    (tmp_path / "far" / "faces.pth").write_bytes(HEAD + b"of the right name, but others")
    return path


def test_a_file_is_found_in_a_folder_and_as_itself(moved, tmp_path):
    assert find("faces", SHA256) is None
    assert find("faces", SHA256, [moved.parent]) == moved
    assert find("faces", SHA256.upper(), [tmp_path / "no such", moved]) == moved
    assert find("faces", SHA256, [tmp_path]) is None  # not in folders within
    assert find("faces", None, [moved]) is None


def test_only_what_is_called_like_a_checkpoint_is_looked_into(moved):
    moved.rename(moved.with_suffix(".mp4"))
    assert find("faces", SHA256, [moved.parent]) is None
    assert find("faces", SHA256, [moved.with_suffix(".mp4")]) is not None


def test_recent_ones_are_tried_whatever_their_hash_was(moved, tmp_path):
    recent.add(tmp_path / "gone.pth", "faces", SHA256, "model")
    recent.add(moved.parent / "faces.pth", "faces", SHA256, "model")  # written anew since
    assert find("faces", SHA256) is None
    recent.add(moved, "renamed", "00" * 32, "stage")
    assert find("faces", SHA256) == moved


def test_an_epoch_of_a_recent_run_is_found(moved):
    run = moved.parent
    (run / "run.json").write_text("{}")
    recent.add(run, "far", "of the newest epoch", "model")
    assert find("checkpoint-0012", SHA256) == moved


def test_a_bundled_one_is_found_with_the_hash_that_opening_it_says():
    path = bundled()["anime-faces"]
    sha256 = open_checkpoint(path).model.origin.sha256
    assert find("anime-faces", sha256) == path
    assert find("called otherwise once", sha256) == path


def test_in_a_crowded_folder_what_has_the_name_is_not_passed_over(moved):
    for number in range(finding._MOST_FILES):
        (moved.parent / f"a{number}.pth").touch()
    assert find("z", SHA256, [moved.parent]) is None
    moved.rename(moved.with_name("z.pth"))
    assert find("z", SHA256, [moved.parent]) == moved.with_name("z.pth")


def test_a_file_is_hashed_once_until_it_changes(moved, monkeypatch):
    assert finding.hash_of(moved) == SHA256
    with monkeypatch.context() as patched:
        patched.setattr(finding.hashlib, "sha256", None)
        assert finding.hash_of(moved) == SHA256
    moved.write_bytes(HEAD + b"others!")
    os.utime(moved, ns=(1, 1))
    assert finding.hash_of(moved) == hashlib.sha256(HEAD + b"others!").hexdigest()


def test_folders_pipes_and_a_wish_to_stop(moved, tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    (tmp_path / "folder.pth").mkdir()
    assert find("faces", SHA256, [tmp_path, tmp_path / "pipe.pth"]) is None
    with pytest.raises(Cancelled):
        find("faces", SHA256, [moved], should_stop=lambda: True)


def test_only_what_a_reader_recognises_is_hashed(moved, monkeypatch, tmp_path):
    vast = tmp_path / "vast.pth"
    vast.touch()
    os.truncate(vast, 300 << 30)  # zeros that no disk holds
    (tmp_path / "empty.pth").touch()
    near = [vast, tmp_path / "empty.pth", Path("/proc/kmsg"), Path("/proc/kcore")]
    hashed = []
    monkeypatch.setattr(finding, "hash_of", lambda path, should_stop: hashed.append(path))
    assert find("faces", SHA256, [*near, moved]) is None
    assert moved in hashed
    assert not {*near} & {*hashed}


def test_what_a_system_makes_up_is_never_read(tmp_path):
    for path in (Path("/proc/kmsg"), tmp_path / "empty.pth"):  # reading the first would wait for ever
        if path.parent == tmp_path:
            path.touch()
        with pytest.raises(OSError, match=r"no ordinary file|No such file"):
            finding.hash_of(path)


def test_a_wish_to_stop_is_asked_between_chunks(moved, monkeypatch):
    monkeypatch.setattr(finding, "_BLOCK", 4)
    asked = iter([False, False, False, True])
    with pytest.raises(Cancelled):
        find("faces", SHA256, [moved], should_stop=lambda: next(asked))
    assert next(asked, None) is None


@pytest.mark.parametrize("name", ["/tmp/\ud800.pth", "/tmp/" + "x" * 5000, "/tmp/a\0b.pth"])
def test_a_name_that_no_file_can_have_is_passed_over(name, moved, monkeypatch):
    entry = recent.Recent(Path(name), "faces", SHA256, "model")
    monkeypatch.setattr(recent, "entries", lambda: [entry])
    assert find("faces", SHA256, [Path(name), moved.parent]) == moved


def test_what_is_missing_is_said_in_a_sentence():
    assert finding.wanted("anime-faces", "3f2a" + "0" * 60) == (
        "It was made with anime-faces (SHA-256 3f2a…), which is not among the recent and bundled ones; "
        "open that checkpoint once, or give it by --model."
    )
    assert "from no file" in finding.wanted("faces", None)
    assert finding.wanted("x", "ab" * 32, "a.png", "open it once").startswith("a.png was made with x (")


def test_a_folder_is_found_by_the_hash_of_its_weights(reference_data, tmp_path):
    source = reference_data / "trained-checkpoints" / "disvae_VAE_mnist"
    folder = tmp_path / "far" / "VAE_mnist"
    folder.mkdir(parents=True)
    for name in ("specs.json", "model.pt"):
        (folder / name).write_bytes((source / name).read_bytes())
    sha256 = hashlib.sha256((folder / "model.pt").read_bytes()).hexdigest()
    assert finding.is_checkpoint(folder)
    assert not finding.is_checkpoint(tmp_path)
    assert find("VAE_mnist", sha256) is None
    assert find("VAE_mnist", sha256, [folder]) == folder
    assert find("VAE_mnist", "00" * 32, [folder]) is None
    recent.add(folder, "VAE_mnist", sha256, "model")
    assert find("VAE_mnist", sha256) == folder


def test_a_folder_around_one_checkpoint_is_not_taken_for_it(moved):
    (moved.parent / "faces.pth").unlink()
    assert find("faces", SHA256, [moved.parent]) == moved
