"""Recipes: their codes are those of the maths, and a file makes the same page again."""

import numpy as np
import pytest
from PIL import Image
from recipe_examples import CODES, EXAMPLES, MODEL, SPACE, pictures, space
from style_fakes import tiny_style

from explorer.errors import UsageError
from explorer.export import making
from explorer.export.reading import recipe_in
from explorer.export.recipe import Network, Style
from explorer.latent import interpolation, plane, sampling, traversal

PRIORS = ("normal", "uniform", "sphere", "none")


def equal(codes, expected):
    assert codes.dtype == np.float32
    assert codes.tobytes() == np.asarray(expected, np.float32).tobytes()
    assert codes.shape == expected.reshape(-1, expected.shape[-1]).shape


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("dim", [1, 2, 7])
def test_codes_are_bit_for_bit_those_of_the_maths(prior, dim):
    here = space(prior, dim)
    through = np.random.default_rng(1).normal(size=dim).astype(np.float32)
    for range in ("data", "prior"):
        for code in (None, through):
            made = making.sheet(MODEL, here, code, 6, range)
            equal(making.codes_of(made), traversal.sheet(here, code, 6, range))
    dims = (0, 0) if dim == 1 else (dim - 1, 0)
    equal(making.codes_of(making.manifold(MODEL, here, 5, dims)), traversal.manifold(here, 5, dims))
    equal(making.codes_of(making.samples(MODEL, here, 9, 3)), sampling.sample(here, 9, 3))
    equal(making.codes_of(making.picture(MODEL, here, through)), through[None])


@pytest.mark.parametrize("path", ["lerp", "slerp"])
def test_codes_of_a_strip(path):
    made = making.strip(MODEL, SPACE, CODES[:2], 9, path)
    equal(making.codes_of(made), interpolation.path(CODES[0], CODES[1], 9, path))


def test_codes_of_part_of_a_sheet():
    made = making.sheet(MODEL, SPACE, CODES[0], 5, dims=[2, 0])
    equal(making.codes_of(made), traversal.sheet(SPACE, CODES[0], 5)[[2, 0]])


def test_codes_of_a_map_are_the_middles_of_its_tiles():
    ground = plane.dimensions(SPACE, 0, 1)
    made = making.map_of(MODEL, SPACE, ground, (-2, 2, -1, 1), CODES[:, :2], tiles=2)
    xy = np.array([[-1, 0.5], [1, 0.5], [-1, -0.5], [1, -0.5]])
    equal(making.codes_of(made), ground.point(xy))
    left, right, bottom, top = extent = np.array([-2.3, 1.7, -1.1, 0.9], np.float32)
    made = making.map_of(MODEL, SPACE, ground, extent, CODES[:, :2], tiles=3)
    middles = (np.arange(3) + 0.5) / 3
    across, down = np.meshgrid(left + (right - left) * middles, top - (top - bottom) * middles)
    equal(making.codes_of(made), ground.point(np.stack([across.ravel(), down.ravel()], axis=1)))
    raised = plane.Plane(ground.origin, ground.axes, "", 0.0)
    made = making.map_of(MODEL, SPACE, raised, (-2, 2, -1, 1), CODES[:, :2], tiles=2)
    equal(making.codes_of(made), np.maximum(ground.point(xy), 0))
    plain = making.map_of(MODEL, SPACE, ground, (-2, 2, -1, 1), CODES[:, :2])
    assert making.codes_of(plain).shape == (0, 4)


@pytest.mark.parametrize("prior", PRIORS)
def test_samples_too_many_to_be_carried_are_drawn_again(prior, tmp_path, monkeypatch):
    monkeypatch.setattr(making, "MOST_NUMBERS", 20)
    here = space(prior)
    made = making.samples(MODEL, here, 30, 3, style=Style(scale=1))
    assert made.codes.shape == (0, 4)
    making.save(made, pictures(30), tmp_path / "a.png")
    equal(making.codes_of(recipe_in(tmp_path / "a.png")), sampling.sample(here, 30, 3))


@pytest.mark.parametrize("suffix", ["png", "webp", "gif"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_file_is_enough_to_make_it_again(name, suffix, tmp_path):
    made = EXAMPLES[name]
    codes = making.codes_of(made)
    decoded = pictures(len(codes))
    path = tmp_path / f"a.{suffix}"
    making.save(made, decoded, path)
    found = recipe_in(path)
    assert found is not None
    assert making.codes_of(found).tobytes() == codes.tobytes()
    assert (found.kind, found.model, found.space, found.stages) == (
        made.kind,
        made.model,
        made.space,
        made.stages,
    )
    assert found.labels == made.labels
    making.save(found, decoded, tmp_path / f"b.{suffix}")
    assert (tmp_path / f"b.{suffix}").read_bytes() == path.read_bytes()


def test_options_come_back_as_they_were_given(tmp_path):
    making.save(EXAMPLES["picture"], pictures(1), tmp_path / "a.png")
    options = making.options_of(recipe_in(tmp_path / "a.png"))
    assert options.labels.dtype == np.int64
    assert options.labels.tolist() == [3]
    assert (options.psi, options.psi_cutoff, options.noise, options.head) == (0.7, None, "const", "a")
    assert options.transform.dtype == np.float32
    assert options.transform.tolist() == np.eye(3).tolist()


def test_a_film_runs_to_and_fro_at_its_pace_and_is_a_strip_in_a_png(tmp_path):
    made, decoded = EXAMPLES["film"], pictures(5)
    making.save(made, decoded, tmp_path / "a.webp")
    with Image.open(tmp_path / "a.webp") as film:
        assert film.n_frames == 8
        stays = []
        for index in range(8):
            film.seek(index)
            film.load()
            stays.append(film.info["duration"])
            shown = np.asarray(film.convert("L"))[:: film.height // 6, :: film.width // 5]
            assert np.array_equal(shown, decoded[min(index, 8 - index), ..., 0])
    assert [stay == 40 for stay in stays] == [False, True, True, True, False, True, True, True]
    making.save(made, decoded, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as still:
        assert still.width == 5 * still.height * 5 // 6
    assert recipe_in(tmp_path / "a.png").settings["film"] is False


def test_a_source_is_carried_no_larger_than_it_is_shown(tmp_path):
    large = pictures(1, 300, 200, 3)[0]
    made = making.strip(MODEL, SPACE, CODES[:2], 3, sources=[None, large])
    making.save(made, decoded := pictures(3), tmp_path / "a.png")
    found = recipe_in(tmp_path / "a.png")
    assert found.sources[0] is None
    assert found.sources[1].shape == (6, 5, 3)
    assert np.array_equal(*(np.asarray(making.page(recipe, decoded)[0]) for recipe in (made, found)))


def test_a_picture_carries_no_path_and_no_foreign_names(tiny_model, tmp_path):
    assert making.network(tiny_model) == Network(tiny_model.name, None)
    with pytest.raises(UsageError, match=r"\.png"):
        making.save(EXAMPLES["picture"], pictures(1), tmp_path / "a.bmp")


def test_samples_too_many_to_be_carried_are_drawn_again_above_their_floor():
    from explorer.export.recipe_text import recipe_from, to_json
    from explorer.models.base import Space

    space = Space("z", (20,), "none", np.full(20, 1.0), np.full(20, 2.0), floor=0.0)
    recipe = making.samples(Network("ae"), space, 60_000, 7)
    assert len(recipe.codes) == 0
    codes = making.codes_of(recipe_from(to_json(recipe)))
    assert np.array_equal(codes, sampling.sample(space, 60_000, 7))
    assert codes.min() == 0


def test_samples_of_a_mapped_space_are_those_of_its_source():
    model = tiny_style()
    recipe = making.samples(MODEL, model.spaces["w"], 5, 3)
    assert recipe.space == "z"
    equal(making.codes_of(recipe), sampling.sample(model.spaces["z"], 5, 3))
    there = model.spaces["z"].mapped(making.codes_of(recipe), "w")
    assert np.allclose(there, sampling.sample(model.spaces["w"], 5, 3))
