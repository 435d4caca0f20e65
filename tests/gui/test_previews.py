"""Which pictures are shown small first, and how large."""

import fakes
import numpy as np
from style_fakes import tiny_style

from explorer.gui.previews import Previews
from explorer.render.requests import RenderRequest, RenderResult


def request(model, **of):
    return RenderRequest("canvas", 0, 1, model, codes=np.zeros((1, 8), np.float32), **of)


def result(asked, milliseconds):
    return RenderResult("canvas", 0, 1, milliseconds={"decode": milliseconds}, request=asked)


def test_small_networks_and_those_without_previews_are_shown_whole():
    previews = Previews()
    for model in (tiny_style(side=32), fakes.tiny_vae(side=8)):
        asked = request(model)
        assert previews.first(asked) is asked


def test_a_large_picture_is_small_first_until_it_was_quick():
    model, previews = tiny_style(side=256), Previews()
    first = previews.first(request(model))
    assert (first.quality, first.max_side) == ("preview", 128)
    whole = previews.whole(first, 7)
    assert (whole.id, whole.quality, whole.max_side) == (7, "full", None)
    previews.measured(whole, result(whole, 20.0))
    assert previews.first(request(model)).quality == "full"
    previews.measured(whole, result(whole, 3000.0))
    assert previews.first(request(model)).quality == "preview"


def test_a_preview_is_as_large_as_time_allows():
    model, previews = tiny_style(side=512), Previews()
    for took, side in (
        (300.0, 64),
        (300.0, 32),
        (300.0, 32),
        (10.0, 64),
        (50.0, 64),
        (5.0, 128),
        (5.0, 256),
        (5.0, 256),
    ):
        first = previews.first(request(model))
        previews.measured(first, result(first, took))
        assert previews.first(request(model)).max_side == side


def test_behind_a_stage_there_is_no_preview():
    asked = request(tiny_style(side=256), stages=(fakes.misbehaving_stage(),))
    assert Previews().first(asked) is asked
