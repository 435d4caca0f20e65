"""The figures of a drag: what the mean age of a picture is, and that they say why they were not measured."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def hand(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module("hand")
    for name in ("hand", "drive"):
        sys.modules.pop(name, None)


def test_the_age_of_what_is_shown_is_its_mean_over_time(hand):
    """Renders of 100 ms one after the other, each begun with a move just made: one and a half renders."""
    seen = hand.Seen.__new__(hand.Seen)
    seen.paints = [(0.1 * number, 0.1 * number - 0.1, None) for number in range(1, 12)]
    assert seen.age(0.2, 1.0) == pytest.approx(150.0)
    seen.paints = [(0.0, -1.0, None), (2.0, 1.5, None)]
    assert seen.age(1.0, 3.0) == pytest.approx((1000 * (2.5 + 1.0)) / 2)
    assert seen.between(1.0, 3.0) == [None]


def test_a_picture_is_whole_when_it_was_asked_for_so(hand):
    for quality, whole in (("full", True), ("preview", False)):
        assert hand.is_whole(SimpleNamespace(request=SimpleNamespace(quality=quality))) == whole


def test_without_a_screen_a_drag_says_so(benchmarks, monkeypatch):
    display = importlib.import_module(f"{benchmarks.__name__}.display")
    dragging = importlib.import_module(f"{benchmarks.__name__}.dragging")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(display.sys, "platform", "linux")
    monkeypatch.setattr(display.shutil, "which", lambda name: None)
    dragging._drags.cache_clear()
    figures = dragging.figures()
    assert set(figures) == {
        "drag/stylegan2-1024/age_ms",
        "drag/stylegan2-1024/previews_per_s",
        "drag/stylegan2-1024/full_after_ms",
        "drag/stylegan2-1024/stall_ms",
        "drag/slow-100ms/age_ms",
    }
    said = figures["drag/slow-100ms/age_ms"]()
    assert (said.median, said.unit) == (None, "ms")
    assert "neither a display nor Xvfb" in said.note
    dragging._drags.cache_clear()
