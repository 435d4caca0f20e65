"""What the window reads of a path or a recipe."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.export import making
from explorer.formats import open_latent, open_stage
from explorer.formats.reader import never, nothing
from explorer.gui.opening import gather
from explorer.gui.state import StageEntry, State, frozen_code
from explorer.paths import bundled

MODEL, STAGE = bundled()["anime-faces"], bundled()["anime-colorizer"]


def recipe_of(opened, *stages):
    """The recipe of one picture."""
    networks = [making.network(stage) for stage in stages]
    space = opened.model.spaces["z"]
    return making.picture(making.network(opened.model), space, space.center, stages=networks)


def state_of(opened, *stages):
    """A window that shows these."""
    entries = tuple(StageEntry(number, stage, True) for number, stage in enumerate(stages, 1))
    return State(opened, "z", frozen_code(np.zeros(10)), np.zeros(10, bool), stages=entries)


@pytest.fixture
def read():
    """A model and a stage that were read by hints."""
    return open_latent(MODEL, hints={"range": "-300..900"}), open_stage(STAGE, hints={"range": "-3..5.5"})


def test_networks_of_a_recipe_are_read_by_its_hints(read):
    recipe = recipe_of(read[0], read[1])
    found = gather(recipe, [MODEL, STAGE], state_of(None), nothing, never)
    assert found.opened.model.native_range == read[0].model.native_range
    assert found.stages[0].native_range == read[1].native_range


def test_what_is_open_is_taken_only_where_it_was_read_alike(read):
    near, recipe = [MODEL, STAGE], recipe_of(read[0], read[1])
    same = gather(recipe, near, state_of(*read), nothing, never)
    assert (same.opened, *same.stages) == read
    plain = state_of(open_latent(MODEL), open_stage(STAGE))
    other = gather(recipe, near, plain, nothing, never)
    assert other.opened is not plain.opened
    assert other.opened.model.native_range == read[0].model.native_range
    assert other.stages[0].native_range == read[1].native_range
    old = replace(recipe, model=replace(recipe.model, hints=None), stages=())
    assert gather(old, near, plain, nothing, never).opened is plain.opened


def test_the_windows_recipes_know_its_precision(running):
    running.worker.precision = "fast"
    assert running.exporter.subject().precision == "fast"
