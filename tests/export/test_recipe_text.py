"""Recipes as text: exact, plain, and read with suspicion."""

import contextlib
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from recipe_examples import CODES, EXAMPLES, MODEL, SPACE, pictures

from explorer.errors import ExplorerError, RecipeError
from explorer.export import making, recipe_text
from explorer.export.recipe import MOST_SEED, Network
from explorer.export.recipe_text import recipe_from, to_json

RANDOM = np.random.default_rng(0)


def changed(name="strip with sources", **entries):
    """The text of an example with other entries; `None` takes one away."""
    value = json.loads(to_json(EXAMPLES[name])) | entries
    return json.dumps({key: entry for key, entry in value.items() if entry is not None})


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_recipe_comes_back_as_it_was(name):
    text = to_json(EXAMPLES[name])
    assert text.isascii()
    assert "\n" not in text
    assert not {"NaN", "Infinity"} & set(text.replace(",", " ").split())
    assert to_json(recipe_from(text)) == text


def test_every_float32_is_exact_and_short():
    bits = RANDOM.integers(0, 2**32, 100_000, np.uint32).view(np.float32)
    small = bits[np.abs(bits) < 1e30]
    made = making.samples(MODEL, SPACE, 1, 0)
    made = replace(made, codes=np.append(small[: len(small) // 4 * 4], [0, -0.0, 0.1, 1e-45]).reshape(-1, 4))
    made = replace(made, codes=made.codes.astype(np.float32), settings={"count": len(made.codes), "seed": 0})
    text = to_json(made)
    assert recipe_from(text).codes.tobytes() == made.codes.tobytes()
    assert "0.1, " in text
    assert len(text) < 17 * made.codes.size


def test_codes_that_are_no_numbers_make_no_recipe():
    with pytest.raises(RecipeError, match="not numbers"):
        to_json(making.picture(MODEL, SPACE, np.full(4, np.nan)))


def test_what_is_too_large_is_left_out_and_missed_only_when_it_is_needed(monkeypatch):
    for limit in ("MOST_SOURCES", "MOST_NUMBERS", "MOST_POINTS"):
        monkeypatch.setattr(recipe_text, limit, 1)
    for name in ("strip with sources", "reconstructions", "map of numbers"):
        found = recipe_from(to_json(EXAMPLES[name]))
        with pytest.raises(RecipeError, match="not carry"):
            making.page(found, pictures(len(making.codes_of(found))))
    monkeypatch.setattr(recipe_text, "_MOST_COLUMN", 1)
    assert "points" not in recipe_from(to_json(EXAMPLES["map of texts"])).settings


def test_labels_for_the_decoder_that_are_too_many_are_told(monkeypatch):
    options = making.DecodeOptions(labels=np.zeros(40, np.int64))
    made = making.picture(MODEL, SPACE, CODES[0], options=options)
    assert recipe_from(to_json(made)).options["labels"] == [0] * 40
    monkeypatch.setattr(recipe_text, "MOST_SAMPLES", 39)
    with pytest.raises(RecipeError, match="too many to be carried"):
        recipe_from(to_json(made))


def test_names_that_are_no_text_and_long_ones_are_carried():
    made = replace(EXAMPLES["picture"], model=replace(MODEL, name="a\udcff"), labels=("x" * 10_000,))
    found = recipe_from(to_json(made))
    assert found.model.name == "a?"
    assert found.labels == ("x" * 1000,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "damaged .it is no JSON"),
        ("[1]", "it is no object"),
        ("{}", "There is no recipe"),
        ('{"latent-explorer": "session"}', "There is no recipe"),
        ("[" * 100_000, "it is no JSON"),
        ("[" * 3_000_000, "it is too long"),
        ("1" * 5000, "it is no JSON"),
        (changed(codes=None), "codes is not made of NxN|codes is not made of Nx4"),
        (changed().replace("0.1", "NaN"), "NaN is no number"),
        (changed(schema=2, program="7.0"), r"newer Latent Explorer \(7\.0\); update"),
        (changed(schema=True), "schema is no whole number"),
        (changed(kind="film"), "kind is none of picture, strip"),
        (changed(codes=[[1, 2, 3, 4]]), "1 codes where 2 belong"),
        (changed(codes=[[1, 2, 3, "4"], [1, 2, 3, 4]]), "codes is not made of Nx4 numbers"),
        (changed(codes=[[1, 2, 3, True], [1, 2, 3, 4]]), "codes is not made of Nx4 numbers"),
        (changed(codes=[[1, 2, 3, 1e39], [1, 2, 3, 4]]), "too large"),
        (changed(codes=[[1, 2, 3, 10**400], [1, 2, 3, 4]]), "codes is not made"),
        (changed().replace("5, ", "1e999, "), "too large|no whole"),
        (changed(dim=10**9), "dim is no whole number"),
        (changed(settings={"steps": 10**9}), "settings steps is no whole number from 2 to 1000"),
        (changed(settings={"steps": 2, "path": "walk"}), "settings path is none of lerp, slerp"),
        (changed(style={"scale": 1000}), "style scale is no whole"),
        (changed(style={"background": "red"}), "background red is no colour"),
        (changed(style={"margin": -1}), "style margin"),
        (changed(model={"name": 3}), "model name is no text"),
        (changed(model={"name": "x", "sha256": "../.."}), "model sha256 is no hash"),
        (changed(labels=["x" * 1001, ""]), "a label is no text of at most 1000"),
        (changed(labels=["\ud800"]), "half a letter"),
        (changed(sources=["?", None]), "no base64"),
        (changed(sources=["aGVsbG8=", None]), "no PNG"),
        (changed(sources=[None] * 3), "more sources"),
        (changed("picture", options={"psi": math.inf}), "Infinity is no number"),
        (changed("picture", options={"labels": [0.5]}), "labels are neither"),
        (changed("picture", options={"labels": [[1, 2], [1]]}), "labels is not made of NxN"),
        (changed("picture", options={"labels": [[1, 2, 3], [1]]}), "labels is not made of NxN"),
        (changed("picture", options={"head": "x" * 101}), "options head is no word"),
        (changed(space="\x1b[31mz"), "space is no word of at most 100 letters"),
        (changed("picture", options={"noise": "loud"}), "noise is none of"),
    ],
)
def test_what_is_wrong_is_named_in_one_sentence(text, why):
    with pytest.raises(RecipeError, match=why) as raised:
        recipe_from(text)
    assert str(raised.value).endswith(".")
    assert len(str(raised.value)) < 300


def test_a_map_has_a_value_for_each_point():
    value = json.loads(to_json(EXAMPLES["map of texts"]))
    value["settings"]["values"].pop()
    with pytest.raises(RecipeError, match="values are not one for each point"):
        recipe_from(json.dumps(value))


def test_a_source_with_too_many_pixels_is_not_unpacked():
    value = json.loads(to_json(EXAMPLES["strip with sources"]))
    png = bytearray(recipe_text._png(value["sources"][0]))
    png[16:24] = b"\0\1\0\0" * 2
    value["sources"][0] = recipe_text.base64.b64encode(png).decode()
    with pytest.raises(RecipeError, match="sources are too large"):
        recipe_from(json.dumps(value))


ODD = (
    None, True, False, 0, -1, 1, 3, 2**31, 10**30, 10**400, 0.5, -1e300, 1e308, "", "z", "lerp", "none", "x" * 5000,
    "\ud800", "\0", [], {}, [[]], [[], []], [None], [0.5], ["a"], [[1.0]], {"name": "x"}, [{}], [[1e308] * 4] * 2,
)  # fmt: skip


def mutated(value, random):
    """A copy of plain JSON with one thing deleted, doubled, moved or of another kind."""
    value = json.loads(json.dumps(value))
    places = []

    def collect(entry):
        keys = (
            list(entry) if isinstance(entry, dict) else range(len(entry)) if isinstance(entry, list) else ()
        )
        for key in keys:
            places.append((entry, key))
            collect(entry[key])

    collect(value)
    holder, key = places[random.integers(len(places))]
    match random.integers(4):
        case 0:
            del holder[key]
        case 1:
            other, at = places[random.integers(len(places))]
            holder[key] = json.loads(json.dumps(other[at]))
        case 2 if isinstance(holder[key], list):
            holder[key] = holder[key] * int(random.integers(2, 4))
        case _:
            holder[key] = ODD[random.integers(len(ODD))]
    return value


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_changed_recipe_is_refused_or_makes_a_page(name):
    random = np.random.default_rng(sorted(EXAMPLES).index(name))
    original = json.loads(to_json(EXAMPLES[name]))
    refused = made = 0
    for _ in range(250):
        value = mutated(original, random)
        if random.random() < 0.3:
            value = mutated(value, random) if isinstance(value, dict) and value else value
        try:
            recipe = recipe_from(json.dumps(value))
        except RecipeError:
            refused += 1
            continue
        with contextlib.suppress(ExplorerError):
            codes = making.codes_of(recipe)
            assert codes.dtype == np.float32
            if len(codes) < 200 and (recipe.style.scale or 0) < 10:
                making.page(recipe, pictures(len(codes)))
                made += 1
    assert refused > 40
    assert made > 10


def test_a_text_changed_anywhere_is_refused_or_read():
    text = to_json(EXAMPLES["sheet"])
    for _ in range(2000):
        start = RANDOM.integers(len(text))
        piece = "".join(RANDOM.choice(list('{}[]",:0129eE-. \\ux\ud800é'), RANDOM.integers(0, 5)))
        with contextlib.suppress(RecipeError):
            recipe_from(text[:start] + piece + text[start + RANDOM.integers(0, 9) :])


def test_hints_and_precision_come_back_and_need_not_be_there():
    network = Network("faces", "ab" * 32, {"range": "-300..900", "image": "1x30x30"})
    made = replace(EXAMPLES["picture"], model=network, stages=(network, Network("x")), precision="fast")
    found = recipe_from(to_json(made))
    assert (found.model, found.stages, found.precision) == (network, made.stages, "fast")
    none = replace(made, model=Network("faces", "ab" * 32, {}))
    assert recipe_from(to_json(none)).model.hints == {}  # read without any, which says more than nothing
    value = json.loads(to_json(made))
    del value["precision"], value["model"]["hints"]
    old = recipe_from(json.dumps(value))
    assert (old.model.hints, old.precision) == (None, "exact")


@pytest.mark.parametrize(
    "hints", [3, [], {"range": 3}, {"range": "1..0"}, {"colour": "red"}, {"image": "x" * 200}]
)
def test_hints_that_make_no_sense_are_damage(hints):
    model = {"name": "x", "sha256": "ab" * 32, "hints": hints}
    with pytest.raises(RecipeError, match=r"is damaged \(model hints.*\); export the picture anew\.$"):
        recipe_from(changed(model=model))


@pytest.mark.parametrize("precision", ["faster", 3, ["fast"]])
def test_a_precision_that_is_none_is_damage(precision):
    with pytest.raises(RecipeError, match="precision is none of exact, fast"):
        recipe_from(changed(precision=precision))


def test_the_largest_seed_that_is_taken_comes_back():
    made = making.samples(MODEL, SPACE, 1, MOST_SEED)
    assert recipe_from(to_json(made)).settings["seed"] == MOST_SEED
    with pytest.raises(RecipeError, match="seed"):
        recipe_from(to_json(making.samples(MODEL, SPACE, 1, MOST_SEED + 1)))


def test_labels_come_back_as_lines_that_upset_no_screen():
    made = replace(EXAMPLES["picture"], labels=("a\0b\x1b[31m\tc\nsecond\x7f",))
    assert recipe_from(to_json(made)).labels == ("ab[31m c\nsecond",)
