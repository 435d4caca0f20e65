"""What decoding commands share: progress on a terminal, recipes."""

import json
import sys

import numpy as np
from PIL import Image

from explorer.cli import work
from explorer.cli.options import Decoding
from explorer.models.base import DecodeOptions


def test_progress_is_shown_on_a_terminal_once_work_takes_long(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with work.share_done("Decoding") as told:
        told(0.5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(work, "PATIENCE", -1.0)
    with work.share_done("Decoding") as told:
        told(0.25)
        told(0.5)
    shown = capsys.readouterr()
    assert "Decoding" in shown.err
    assert "50%" in shown.err
    assert shown.out == ""


def test_no_progress_without_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(work, "PATIENCE", -1.0)
    with work.share_done("Decoding") as told:
        told(0.5)
    assert capsys.readouterr().err == ""


def test_a_recipe_says_the_options_that_were_given():
    with work.Work("anime-faces", Decoding()) as open_work:
        codes = np.zeros((1, open_work.space.dim))
        assert "options" not in open_work.recipe("samples", codes)
        open_work.options = DecodeOptions(labels=np.array([3]), psi=0.5)
        assert open_work.recipe("samples", codes)["options"] == {"labels": [3], "psi": 0.5}


def test_a_strips_recipe_says_what_its_ends_show(done, native, reference, two_faces, tmp_path):
    np.save(tmp_path / "pair.npy", reference["strip_codes"][[0, -1]])
    for given, ends in (
        (("--images", *two_faces), "source"),
        (("--images", *two_faces, "--ends", "decoded"), "decoded"),
        (("--codes", tmp_path / "pair.npy"), "decoded"),
    ):
        done("export", "strip", native, *given, "--out", tmp_path / "a.png")
        with Image.open(tmp_path / "a.png") as image:
            assert json.loads(image.text["latent-explorer"])["ends"] == ends
