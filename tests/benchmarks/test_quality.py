"""`bench --quality`: which models, which data, and that figures come as the README gives them."""

import importlib
import json

import numpy as np
import pytest
from PIL import Image

from explorer.errors import UsageError
from explorer.formats import save_native
from explorer.models import architecture
from explorer.models.dcgan import Dcgan, DcganConfig

KEYS = ["name", "value", "unit", "baseline", "ratio", "note"]


@pytest.fixture
def quality(benchmarks):
    return importlib.import_module(f"{benchmarks.__name__}.quality")


@pytest.fixture
def measured(quality, monkeypatch, tmp_path):
    """Two models with figures, of which one is bundled, and a folder of data."""
    seen = []

    def measure(data):
        seen.append(data)
        return [
            quality.figure("anime-faces/x", 3.0, "dB", 2.0, "of y"),
            quality.figure("anime-faces/z", 1.0, "%"),
        ]

    monkeypatch.setattr(quality, "FIGURES", {"anime-faces": measure, "no-such-model": measure})
    monkeypatch.setenv(quality.DATA, str(tmp_path))
    return seen


def test_the_bundled_models_are_measured_and_nothing_but_json_is_printed(
    benchmarks, measured, capsys, tmp_path
):
    benchmarks.run_quality([], True)
    figures = json.loads(capsys.readouterr().out)
    assert [list(figure) for figure in figures] == [KEYS, KEYS]
    assert (figures[0]["value"], figures[0]["baseline"], figures[0]["ratio"]) == (3.0, 2.0, 1.5)
    assert (figures[1]["baseline"], figures[1]["ratio"]) == (None, None)
    assert measured == [tmp_path]


def test_a_table_has_value_baseline_and_ratio(benchmarks, measured, capsys):
    benchmarks.run_quality(["anime-faces"], False)
    line = next(line for line in capsys.readouterr().out.splitlines() if "anime-faces/x" in line)
    assert line.split()[1:] == ["3", "dB", "2", "1.5", "of", "y"]


@pytest.mark.parametrize(
    ("only", "text"),
    [("other", "known of other; choose from: anime"), ("no-such-model", "not among the bundled")],
)
def test_a_model_without_figures_is_told(benchmarks, measured, only, text):
    with pytest.raises(UsageError, match=text):
        benchmarks.run_quality([only], True)
    assert measured == []


@pytest.mark.parametrize(("value", "text"), [("", "is not set"), ("/no/such/folder", "which is no folder")])
def test_without_reference_data_one_sentence_says_what_to_set(
    benchmarks, quality, measured, monkeypatch, value, text
):
    monkeypatch.setenv(quality.DATA, value)
    with pytest.raises(UsageError, match=rf"EXPLORER_REFERENCE_DATA.*{text}"):
        benchmarks.run_quality([], True)


def test_faces_of_a_generator_are_measured_against_those_kept_out(quality, monkeypatch, tmp_path):
    figure_of = importlib.import_module(quality.faces.__module__)
    monkeypatch.setattr(figure_of, "HELD_OUT_FACES", 12)
    (tmp_path / "anime-faces-64" / "faces.zip").mkdir(parents=True)  # a folder does as well
    draw = np.random.default_rng(0)
    for number in range(40):
        face = Image.fromarray(draw.integers(0, 256, (8, 8, 3), np.uint8)).resize((64, 64))
        face.save(tmp_path / "anime-faces-64" / "faces.zip" / f"{number:03}.png")
    config = DcganConfig(4, (4, 4, 4, 4))
    model = architecture("dcgan").wrap(Dcgan(config), config, name="g")
    save_native(tmp_path / "g.safetensors", model, config=config)
    figures = quality.faces_wgan_gp(tmp_path, tmp_path / "g.safetensors")
    found = {figure.name.removeprefix("faces-wgan-gp/"): figure for figure in figures}
    assert list(found) == [
        "swd/64",
        "swd/32",
        "swd/16",
        "swd/mean",
        "nearest/least_5_percent",
        "nearest/median",
        "variety",
    ]
    assert found["swd/mean"].value == pytest.approx(
        np.mean([found[f"swd/{side}"].value for side in (64, 32, 16)])
    )
    assert found["swd/mean"].ratio > 1.5  # an untrained generator
    assert found["variety"].ratio < 0.5
