"""`prepare faces` and `swap` as they are called: what is written, said and refused."""

import csv

import numpy as np
import pytest
from drawn_faces import read_film, scene, twin, write_film
from PIL import Image

pytest.importorskip("cv2", reason='faces are found by OpenCV: pip install "latent-explorer[faces]"')


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    scene().save(folder / "anna.png")
    Image.new("RGB", (60, 40), (9, 9, 9)).save(folder / "wall.png")
    return folder


@pytest.fixture
def twins(monkeypatch):
    """The name of a model that opens as a twin autoencoder."""
    from types import SimpleNamespace

    from explorer.cli import work

    monkeypatch.setattr(work, "open_model", lambda file, engine: SimpleNamespace(model=twin()))
    return "twins.safetensors"


def test_faces_are_prepared_and_told(done, photos, tmp_path):
    outcome = done("prepare", "faces", photos, "--out", tmp_path / "out", "--size", 32)
    assert not outcome.out
    said = outcome.err.strip().splitlines()
    assert said[0] == (
        f"{tmp_path / 'out'}: 2 pictures of 32x32: 1 aligned by the eyes, 0 by the face alone, 1 by the centre."
    )
    assert said[1] == "No face was found in 1 (wall.png); cropped to the centre."
    with (tmp_path / "out" / "faces.csv").open(newline="") as file:
        assert [row["how"] for row in csv.DictReader(file)] == ["aligned", "centre crop"]


def test_the_same_as_json(done, photos, tmp_path):
    told = done("prepare", "faces", photos, "--out", tmp_path / "out", "--faceless", "skip", "--json").json
    assert told["pictures"] == 1
    assert told["ways"] == {"aligned": 1, "face without eyes": 0, "centre crop": 0}
    assert told["faceless"] == ["wall.png"]


def test_centres_need_no_extra(done, call, photos, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    assert call("prepare", "faces", photos, "--out", tmp_path / "a").refused(
        "latent-explorer[faces]", status=2
    )
    assert not (tmp_path / "a").exists()
    done("prepare", "faces", photos, "--out", tmp_path / "a", "--centre")
    assert len(list((tmp_path / "a").glob("*.png"))) == 2


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["--margin", "nan"], 2, "--margin"),
        (["--every", "inf"], 2, "--every"),
        (["--centre", "--faceless", "skip"], 2, "--centre"),
        (["--out", "photos"], 2, "holds files already"),
    ],
)
def test_a_wrong_call_is_one_sentence(call, photos, monkeypatch, words, status, reason):
    monkeypatch.chdir(photos.parent)
    out = [] if "--out" in words else ["--out", "out"]
    assert call("prepare", "faces", photos, *out, *words).status == status
    assert reason in call("prepare", "faces", photos, *out, *words).err


@pytest.mark.parametrize("name", ["nothing", "empty", "text.mp4"])
def test_what_holds_no_picture_is_one_sentence(call, tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("hello")
    assert call("prepare", "faces", tmp_path / name, "--out", tmp_path / "out").refused(name)
    assert not (tmp_path / "out").exists()


def test_a_film_is_swapped_frame_by_frame(done, twins, tmp_path):
    film = write_film(tmp_path / "film.mp4", [scene((240, 200), [(30 + 2 * step, 20)]) for step in range(6)])
    outcome = done("swap", film, "--model", twins, "--out", tmp_path / "out.mp4", "--colours", "none")
    assert "6 frames, 6 faces drawn anew." in outcome.err
    assert "The decoder negative of twins drew them (of same, negative)." in outcome.err
    old, new = read_film(film), read_film(tmp_path / "out.mp4")
    assert (new["times"], new["sound"], new["size"], new["rate"]) == (
        old["times"], old["sound"], old["size"], old["rate"],
    )  # fmt: skip
    changed = np.abs(new["pixels"].astype(int) - old["pixels"])
    assert changed[:, 95:105, 110:120].mean() > 40
    assert changed[:, :8].mean() < 4


def test_drawings_are_swapped_whole(done, twins, photos, tmp_path):
    done("swap", photos, "--model", twins, "--out", tmp_path / "out", "--whole", "--head", "negative")
    with Image.open(tmp_path / "out" / "wall.png") as image:
        assert tuple(np.asarray(image)[20, 30]) == (246, 246, 246)


def test_a_swap_that_cannot_be_is_one_sentence(call, twins, photos, tmp_path):
    swap = ["swap", photos, "--model", twins, "--out", tmp_path / "out"]
    assert call(*swap, "--head", "third").refused("no decoder third", "same, negative", status=2)
    assert call("swap", tmp_path / "none", *swap[2:]).refused("none")
    assert call("swap", photos, "--model", twins, "--out", photos).refused("holds files already", status=2)
    assert not (tmp_path / "out").exists()


def test_a_model_with_one_decoder_is_refused(call, photos, tmp_path):
    outcome = call("swap", photos, "--model", "anime-faces", "--out", tmp_path / "out")
    assert outcome.refused("one decoder", status=2)


def test_stopped_by_hand_nothing_half_is_left(call, twins, tmp_path, monkeypatch):
    film = write_film(tmp_path / "film.mp4", [scene()] * 4)
    from explorer.faces.swapping import Swap

    def stop(self, pixels):
        raise KeyboardInterrupt

    monkeypatch.setattr(Swap, "__call__", stop)
    assert call("swap", film, "--model", twins, "--out", tmp_path / "out.mp4").status == 130
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_a_real_twin_autoencoder(done, photos, tmp_path):
    import torch

    from explorer.formats import save_native
    from explorer.models import architecture

    family = architecture("twin-autoencoder")
    config = family.config(side=16, widths=(4, 4), ups=(6, 6, 4), latent_dim=8, heads=("anna", "bert"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = family.network(config).eval()
    save_native(tmp_path / "t.safetensors", family.wrap(network, config, name="t"), config=config, trained={})
    outcome = done(
        "swap", photos / "anna.png", "--model", tmp_path / "t.safetensors", "--out", tmp_path / "new.png"
    )
    assert "1 picture, 1 face drawn anew." in outcome.err
    assert "decoder bert of t drew them" in outcome.err
    with Image.open(photos / "anna.png") as old, Image.open(tmp_path / "new.png") as new:
        changed = (np.asarray(old) != np.asarray(new)).any(-1)
    assert changed[90:130, 90:150].mean() > 0.9
    assert not changed[:5].any()
