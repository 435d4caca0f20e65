"""What is drawn under a hand: by given times, never by a clock."""

import fakes
import numpy as np
import pytest
from style_fakes import tiny_style

from explorer.gui.previews import BUDGET, Previews, every
from explorer.render.requests import RenderRequest, RenderResult


def request(model, **of):
    return RenderRequest("canvas", 0, 1, model, codes=np.zeros((1, 8), np.float32), **of)


def draw(previews, asked, decode, **stages):
    """Tell that a request was answered in so many milliseconds; return it."""
    times = {"decode": decode, **stages}
    previews.measured(RenderResult("canvas", 0, 1, milliseconds=times, request=asked))
    return asked


def sides(previews, model, takes, count=12):
    """Draw under a hand, each side in the time that `takes` gives; return the sides that were chosen."""
    chosen = []
    for _ in range(count):
        asked = previews.first(request(model), under_hand=True)
        chosen.append(asked.max_side)
        draw(previews, asked, takes[asked.max_side])
    return chosen


def test_small_networks_and_those_without_previews_are_shown_whole():
    previews = Previews()
    for model in (tiny_style(side=32), fakes.tiny_vae(side=8)):
        asked = request(model)
        assert previews.first(asked, under_hand=True) is asked
        draw(previews, asked, 500.0)
        draw(previews, asked, 500.0)
        assert previews.first(asked, under_hand=True) is asked


@pytest.mark.parametrize(
    ("takes", "settled"),
    [
        ({32: 20.0, 64: 90.0, 128: 150.0, 256: 200.0, None: 400.0}, 32),
        ({32: 8.0, 64: 20.0, 128: 60.0, 256: 90.0, None: 400.0}, 64),
        ({32: 2.0, 64: 4.0, 128: 8.0, 256: 20.0, None: 100.0}, 256),
        ({32: 60.0, 64: 90.0, 128: 150.0, 256: 200.0, None: 400.0}, 32),
    ],
)
def test_the_largest_preview_that_fits_is_found_in_a_few_frames_and_kept(takes, settled):
    chosen = sides(Previews(), tiny_style(side=512), takes)
    assert chosen[0] == 64
    assert chosen[6:] == [settled] * 6


def test_the_first_picture_of_a_size_is_not_held_against_it():
    model, previews = tiny_style(side=512), Previews()
    draw(previews, previews.first(request(model), under_hand=True), 90.0)  # memory and kernels are made
    again = previews.first(request(model), under_hand=True)
    assert again.max_side == 64
    draw(previews, again, 90.0)
    assert previews.first(request(model), under_hand=True).max_side == 32


def test_a_picture_that_was_thought_to_be_quick_makes_way_for_the_largest_preview_that_fits():
    chosen = sides(Previews(), tiny_style(side=128), {32: 8.0, 64: 20.0, None: 98.0})
    assert (chosen[:3], chosen[6:]) == ([None, None, 32], [64] * 6)


def test_the_size_does_not_flutter_with_times_that_do():
    model, previews = tiny_style(side=512), Previews()
    sides(previews, model, {64: 25.0, 128: 70.0, 32: 10.0})
    for took in (44.0, 20.0, 46.0, 22.0, 40.0, 24.0) * 3:
        asked = previews.first(request(model), under_hand=True)
        assert asked.max_side == 64
        draw(previews, asked, took)


def test_with_a_machine_that_is_free_again_pictures_grow_again():
    model, previews = tiny_style(side=512), Previews()
    alone = {32: 4.0, 64: 9.0, 128: 22.0, 256: 70.0, None: 200.0}
    assert sides(previews, model, alone)[-1] == 128
    assert sides(previews, model, {side: 3 * took for side, took in alone.items()})[-1] == 64
    assert sides(previews, model, alone)[-1] == 128


def test_a_large_picture_is_drawn_whole_once_that_was_quick():
    model, previews = tiny_style(side=256), Previews()
    assert previews.first(request(model)).quality == "preview"
    for _ in range(2):
        draw(previews, request(model), 20.0)
    draw(previews, request(model, max_side=64, quality="preview"), 5.0)
    assert previews.first(request(model)).quality == "full"
    for _ in range(5):
        draw(previews, request(model), 80.0)
    assert previews.first(request(model)).quality == "preview"


def test_stages_that_do_not_fit_are_left_out_under_the_hand_alone():
    quick, slow = fakes.misbehaving_stage(name="quick"), fakes.misbehaving_stage(name="slow")
    previews, model = Previews(), fakes.tiny_vae()
    asked = request(model, stages=(quick, slow))
    draw(previews, asked, 5.0, quick=10.0, slow=80.0)
    under_hand = previews.first(asked, under_hand=True)
    assert (under_hand.stages, under_hand.quality) == ((quick,), "preview")
    assert previews.first(asked) is asked
    draw(previews, asked, 5.0, quick=10.0, slow=10.0)
    assert previews.first(asked, under_hand=True) is asked


def test_a_stage_at_the_edge_of_the_budget_does_not_come_and_go():
    stage, model = fakes.misbehaving_stage(name="edge"), fakes.tiny_vae()
    for before, kept in ((0.1, 1), (3.0, 0)):
        previews, asked = Previews(), request(model, stages=(stage,))
        for took in (before, 1.0, 1.1, 0.9):
            draw(previews, asked, 0.0, edge=took * BUDGET)
            under_hand = previews.first(asked, under_hand=True)
        assert len(under_hand.stages) == kept


def test_a_stage_that_is_quick_beside_a_slow_decode_stays():
    stage, previews = fakes.misbehaving_stage(name="quick"), Previews()
    asked = request(fakes.tiny_vae(), stages=(stage,))
    for _ in range(2):
        draw(previews, asked, 100.0, quick=15.0)
    assert previews.first(asked, under_hand=True) is asked


def test_behind_a_slow_network_that_draws_previews_stages_wait_for_the_rest():
    asked = request(tiny_style(side=256), stages=(fakes.misbehaving_stage(),))
    under_hand = Previews().first(asked, under_hand=True)
    assert (under_hand.stages, under_hand.max_side) == ((), 64)
    assert Previews().first(asked) is asked


def test_of_many_pictures_beside_the_canvas_every_second_or_fourth_is_drawn():
    assert [every(9, each * BUDGET) for each in (0.05, 0.09, 0.15, 0.3)] == [1, 2, 4, 0]
