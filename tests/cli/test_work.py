"""What decoding commands share: progress on a terminal, recipes."""

import json
import sys

import numpy as np
import pytest

from explorer.cli import work
from explorer.cli.options import Decoding, Layout, Precision
from explorer.errors import UsageError
from explorer.export import layout
from explorer.export.reading import recipe_in
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
    from explorer.export import making

    with work.Work("anime-faces", Decoding()) as open_work:
        bare = making.samples(open_work.network, open_work.space, 1, **open_work.shared(Layout()))
        assert bare.options == {}
        assert bare.model.name == "anime-faces"
        assert bare.model.sha256 == open_work.model.origin.sha256
        open_work.options = DecodeOptions(labels=np.array([3]), psi=0.5)
        given = making.samples(open_work.network, open_work.space, 1, **open_work.shared(Layout(gap=2)))
        assert given.options == {"labels": [3], "psi": 0.5}
        assert given.style.gap == 2


def test_a_strips_recipe_says_what_its_ends_show(done, native, reference, two_faces, tmp_path):
    np.save(tmp_path / "pair.npy", reference["strip_codes"][[0, -1]])
    for given, ends in (
        (("--images", *two_faces), "source"),
        (("--images", *two_faces, "--ends", "decoded"), "decoded"),
        (("--codes", tmp_path / "pair.npy"), "decoded"),
    ):
        done("export", "strip", native, *given, "--out", tmp_path / "a.png")
        recipe = recipe_in(tmp_path / "a.png")
        assert recipe.settings["ends"] == ends
        assert recipe.labels == ()
        assert len(recipe.sources) == (2 if ends == "source" else 0)


def test_the_names_of_files_are_in_a_strips_recipe_only_where_they_are_shown(
    done, native, two_faces, tmp_path
):
    done(
        "export",
        "strip",
        native,
        "--images",
        *two_faces,
        "--steps",
        3,
        "--captions",
        "--out",
        tmp_path / "a.png",
    )
    assert recipe_in(tmp_path / "a.png").labels == ("face0011", "face0501")


def test_a_sheet_names_its_rows_with_their_notes(done, native, tmp_path):
    own = tmp_path / "own.safetensors"
    own.write_bytes(native.read_bytes())
    words = {"dimensions": {"z3": "hair"}, "remarks": {"z3": "long\nand more", "z4": "nothing"}}
    (tmp_path / "own.notes.json").write_text(json.dumps(words))
    done("export", "sheet", own, "--steps", 2, "--out", tmp_path / "a.png")
    assert recipe_in(tmp_path / "a.png").labels[1:5] == ("z2", "z3 hair\nlong", "z4\nnothing", "z5")


def test_more_pictures_than_a_page_holds_are_refused_before_they_are_decoded(monkeypatch):
    monkeypatch.setattr(layout, "MOST_PIXELS", 3 * 30 * 30)
    with work.Work("anime-faces", Decoding()) as open_work:
        assert len(open_work.pictures(np.zeros((3, 10)))) == 3
        monkeypatch.setattr(open_work.renderer, "render", None)
        with pytest.raises(UsageError, match=r"4 pictures of 30x30 pixels .* ask for fewer"):
            open_work.pictures(np.zeros((4, 10)))


def test_it_is_said_why_fast_pictures_were_drawn_exactly(monkeypatch, capsys):
    monkeypatch.setattr("explorer.render.ways.GAIN", 1e9)
    with work.Work("digits-2d", Decoding(precision=Precision.fast)) as open_work:
        open_work.render(np.zeros((1, 2)))
    assert "Note: digits-2d ran in float32:" in capsys.readouterr().err
    with work.Work("digits-2d", Decoding()) as open_work:
        open_work.render(np.zeros((1, 2)))
    assert "float32" not in capsys.readouterr().err
