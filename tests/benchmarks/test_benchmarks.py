"""The benches: figures by name, JSON alone on standard output, ratios; no test here looks at a time."""

import importlib
import json
import os
import subprocess
import sys

import pytest

from explorer import paths
from explorer.errors import UsageError

KEYS = ["name", "unit", "median", "p95", "p99", "baseline", "ratio", "note"]


def in_module(benchmarks, name):
    return importlib.import_module(f"{benchmarks.__name__}.{name}")


def test_a_figure_has_percentiles_and_the_ratio_of_the_medians(benchmarks):
    measure = in_module(benchmarks, "measure")
    figure = measure.figure("decode/x", "ms", list(range(1, 102)), [10.0, 20.0, 400.0], "a note")
    assert list(figure.as_json()) == KEYS
    assert (figure.median, figure.p95, figure.p99) == (51.0, 96.0, 100.0)
    assert (figure.baseline, figure.ratio) == (20.0, 51 / 20)
    alone = measure.figure("window/x", "%", [1.0])
    assert (alone.median, alone.baseline, alone.ratio) == (1.0, None, None)
    assert measure.figure("window/x", "ms", [1.0], [0.0]).ratio is None


def test_of_a_rate_the_percentiles_are_what_most_samples_reach(benchmarks):
    measure = in_module(benchmarks, "measure")
    assert measure.rates([500, 1000], 8) == [16, 8]
    figure = measure.figure("throughput/x/fast", measure.RATE, list(range(1, 102)), [25.5])
    assert (figure.median, figure.p95, figure.p99, figure.ratio) == (51.0, 6.0, 2.0, 2.0)


def test_two_ways_are_timed_in_turn(benchmarks):
    measure = in_module(benchmarks, "measure")
    calls = []
    ours, plain = measure.in_turn(lambda: calls.append("o"), lambda: calls.append("p"), rounds=3, seconds=0)
    assert len(ours) == len(plain) == 3
    assert "".join(calls[-6:]) == "opopop"


def test_each_way_is_made_ready_and_a_small_budget_still_gives_a_median(benchmarks):
    measure = in_module(benchmarks, "measure")
    calls = []
    ways = [lambda letter=letter: calls.append(letter) for letter in "opOP"]
    ours, _ = measure.in_turn(ways[0], ways[1], seconds=0, budget=0, before=(ways[2], ways[3]))
    assert len(ours) == measure.LEAST
    assert "".join(calls[-8:]) == "OoPpOoPp"


def test_every_figure_is_there(benchmarks):
    names = set(benchmarks._figures())
    real = (
        "dcgan-64",
        "gdl-vae-128",
        "stylegan2-256",
        "stylegan2-1024",
        "stylegan3t-256",
        "autoencoderkl-256",
    )
    for model in ("anime-faces", "faces-wgan-gp", *real):
        assert {f"decode/{model}/exact", f"decode/{model}/fast", f"throughput/{model}/fast"} <= names
    for model in ("anime-faces", "faces-wgan-gp", "dcgan-64", "gdl-vae-128"):
        assert {f"{kind}/{model}/{way}" for kind in ("strip", "sheet") for way in ("exact", "fast")} <= names
    assert {"decode/stylegan2-256/floor", "decode/stylegan2-1024/floor", "strip/stylegan2-256/fast"} <= names
    assert {f"apply/{stage}/fast" for stage in ("cyclegan-256", "anime-colorizer", "hair-translate")} <= names
    assert {"encode/anime-faces", "encode/gdl-vae-128", "export/film", "map/frame/1000000"} <= names
    assert "encode/faces-wgan-gp" not in names  # it has no encoder
    assert {
        "window/slider_to_pixel_ms",
        "window/gui_stall_ms",
        "window/startup_visible_s",
        "window/first_picture_s",
        "window/idle_cpu_percent",
        "window/rss_growth_mb",
        "window/switch_ms",
        "window/switch_seen_ms",
    } == {name for name in names if name.startswith("window/")}


def test_a_name_that_is_no_figure_lists_those_there_are(benchmarks):
    with pytest.raises(UsageError, match=r"no figure called decod; .*decode/anime-faces/exact"):
        benchmarks.run(["decod"], True)


def test_without_a_screen_the_windows_figures_say_so(benchmarks, monkeypatch, capsys):
    display = in_module(benchmarks, "display")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(display.sys, "platform", "linux")
    monkeypatch.setattr(display.shutil, "which", lambda name: None)
    benchmarks.run(["window"], True)
    figures = json.loads(capsys.readouterr().out)
    assert len(figures) == 8
    assert all(list(figure) == KEYS and figure["median"] is None for figure in figures)
    assert all("neither a display nor Xvfb" in figure["note"] for figure in figures)


def test_a_child_that_fails_is_a_note_and_the_others_are_measured(benchmarks, monkeypatch, tmp_path, capsys):
    windows = in_module(benchmarks, "windows")
    display = in_module(benchmarks, "display")
    monkeypatch.setattr(display.sys, "platform", "win32")  # no X server: the children fail at once
    (tmp_path / "drive.py").write_text("raise SystemExit(5)")
    (tmp_path / "start.py").write_text(
        'print(\'{"window/startup_visible_s": 1, "window/first_picture_s": 2}\')'
    )
    monkeypatch.setattr(windows, "_HERE", tmp_path)
    with windows.Lab(["window/gui_stall_ms", "window/first_picture_s"]) as lab:
        assert "status 5" in lab.figure("window/gui_stall_ms").note
        assert lab.figure("window/first_picture_s").median == 2.0
        assert lab.figure("window/startup_visible_s").ratio == 1.0


def test_the_command_prints_json_alone_from_anywhere(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from explorer.cli import main; main()",
            "bench",
            "--json",
            "--only",
            "decode/anime-faces/fast",
            "--only",
            "throughput/digits-2d",
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(paths.source_root()), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert [figure["name"] for figure in figures] == ["decode/anime-faces/fast", "throughput/digits-2d/fast"]
    for figure in figures:
        assert list(figure) == KEYS
        assert figure["median"] > 0
        assert figure["ratio"] == pytest.approx(figure["median"] / figure["baseline"])
    assert [figure["unit"] for figure in figures] == ["ms", "/s"]
    assert figures[1]["p95"] <= figures[1]["median"]
    assert "threads" in done.stderr.splitlines()[0]


@pytest.mark.x11
def test_the_real_window_is_driven_and_shows_the_last_code(benchmarks, monkeypatch, tmp_path):
    windows = in_module(benchmarks, "windows")
    short = (
        (windows._HERE / "drive.py")
        .read_text()
        .replace("STALL_MOVES, PLAIN_STALL_MOVES = 10_000, 3_000", "STALL_MOVES, PLAIN_STALL_MOVES = 200, 50")
    )
    assert "= 200, 50" in short
    (tmp_path / "drive.py").write_text(short)
    (tmp_path / "plain.py").write_text((windows._HERE / "plain.py").read_text())
    monkeypatch.setattr(windows, "_HERE", tmp_path)
    with windows.Lab(["window/gui_stall_ms"]) as lab:
        figure = lab.figure("window/gui_stall_ms")
    assert "the last picture equals the last code" in figure.note
    assert figure.p99 > 0


@pytest.mark.x11
def test_the_start_is_seen_before_the_first_picture(benchmarks, monkeypatch):
    windows = in_module(benchmarks, "windows")
    monkeypatch.setattr(windows, "STARTS", 1)
    with windows.Lab(["window/startup_visible_s"]) as lab:
        visible, picture = (lab.figure(f"window/{name}") for name in ("startup_visible_s", "first_picture_s"))
    assert 0 < visible.median < picture.median
    assert 0 < visible.baseline < picture.baseline
