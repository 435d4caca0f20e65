"""What the Export dialog is set to: remembered as text, nonsense left out."""

import json

import pytest

from explorer.gui.exporting.export_choice import ExportChoice, choice_from


def test_what_was_chosen_comes_back():
    choice = ExportChoice(
        "strip", "gif", 3, 8, 2, False, True, "#14161b", back=True, milliseconds=50, seed=7, pictures="x.zip"
    )
    assert choice_from(choice.to_text()) == choice
    assert choice.style.scale == 3
    assert choice.style.background == "#14161b"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", "null", "[" * 5000, '{"kind": "film"}', '{"scale": -1}', '{"scale": true}']
)
def test_what_makes_no_sense_is_the_default(text):
    assert choice_from(text) == ExportChoice()


def test_what_makes_sense_stays_beside_what_does_not():
    text = json.dumps({"kind": "sheet", "gap": 10**9, "background": "red", "format": "webp", "unknown": 1})
    assert choice_from(text) == ExportChoice(kind="sheet", format="webp")


def test_only_a_strip_in_a_file_that_can_move_is_a_film():
    assert ExportChoice("strip", "gif").is_film
    assert not ExportChoice("strip", "png").is_film
    assert not ExportChoice("sheet", "gif").is_film
    assert not ExportChoice("strip", "webp", film=False).is_film


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("faces", "faces strip.gif"),
        ("a/b\\c:d", "a_b_c_d strip.gif"),
        ("", "picture strip.gif"),
        ("人脸", "人脸 strip.gif"),
    ],
)
def test_the_suggested_name_can_be_a_file_everywhere(model, name):
    assert ExportChoice("strip", "gif").file_name(model) == name


def test_captions_are_kept_apart_for_kinds_that_usually_have_them():
    choice = ExportChoice("sheet", captions=False, other_captions=True)
    assert choice.style.captions is False
    assert ExportChoice("strip", captions=False, other_captions=True).style.captions is True
