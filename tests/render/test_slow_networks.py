"""What the renderer does about networks that take long: samples in pieces, estimates, budgets, being overtaken."""

import threading

import numpy as np
import pytest
from style_fakes import tiny_style

from explorer.latent import sampling
from explorer.render.renderer import Renderer
from explorer.render.requests import ActivityRequest, RenderRequest, SampleRequest, frozen_codes
from explorer.render.scheduler import Scheduler

WAIT = 20.0


@pytest.fixture
def renderer():
    return Renderer("cpu")


@pytest.fixture
def model():
    return tiny_style(side=32)


def test_samples_of_a_mapped_space_come_in_pieces(renderer, model):
    steps = renderer.steps(SampleRequest("samples", 0, 1, model, 300, "w", 5))
    shares = []
    while True:
        try:
            shares.append(next(steps))
        except StopIteration as end:
            codes = end.value.codes
            break
    assert len(shares) == 5
    assert shares == sorted(shares)
    assert codes.shape == (300, 8)
    assert np.allclose(codes, sampling.sample(model.spaces["w"], 300, 5), atol=1e-5)


def test_a_family_that_knows_its_dimensions_is_not_measured(renderer, model, monkeypatch):
    monkeypatch.setattr("explorer.render.renderer.sensitivities", lambda *_: pytest.fail("it was measured"))
    request = ActivityRequest("activity", 0, 1, model, None, "w+")
    sensitivity = renderer.render(request).sensitivity
    assert sensitivity.shape == (model.spaces["w+"].dim,)
    assert (sensitivity > 0).all()


class _Clock:
    """A clock on which every look takes a second."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def test_measuring_keeps_to_its_time(renderer, tiny_model, monkeypatch):
    counts = []
    decode = Renderer.decode

    def counted(*args):
        counts.append(1)
        return decode(*args)

    monkeypatch.setattr(Renderer, "decode", counted)
    monkeypatch.setattr("explorer.render.renderer.time.perf_counter", _Clock())
    codes = frozen_codes(np.zeros((9, 4)))

    def measured(seconds):
        counts.clear()
        return renderer.render(ActivityRequest("activity", 0, 1, tiny_model, codes, seconds=seconds))

    assert measured(0.001).sensitivity is None
    assert measured(None).sensitivity.shape == (4,)
    everywhere = len(counts)
    some = measured(40.0)
    assert some.sensitivity.shape == (4,)
    assert 0 < len(counts) < everywhere


@pytest.mark.parametrize(
    ("newer", "expected"),
    [({"quality": "preview", "max_side": 8}, [2]), ({}, [1, 2])],
    ids=["for a preview", "not for another whole one, or a drag would show none"],
)
def test_a_whole_picture_is_given_up_when_a_preview_is_wanted(model, newer, expected):
    """The preview is answered without waiting for the older wish's picture."""
    begun, go_on, delivered = threading.Event(), threading.Event(), []
    done = threading.Event()

    def hold(*_):
        begun.set()
        assert go_on.wait(WAIT)

    def deliver(result):
        delivered.append(result)
        if result.id == 2:
            done.set()

    model.network.synthesis.b8.register_forward_pre_hook(hold)
    scheduler = Scheduler(lambda: Renderer("cpu"), deliver)
    try:
        codes = frozen_codes(np.ones(8))
        scheduler.submit(RenderRequest("canvas", 0, 1, model, codes=codes))
        assert begun.wait(WAIT)
        scheduler.submit(RenderRequest("canvas", 0, 2, model, codes=codes, **newer))
        go_on.set()
        assert done.wait(WAIT)
    finally:
        go_on.set()
        assert scheduler.close(WAIT)
    assert [(result.id, result.error) for result in delivered] == [(number, None) for number in expected]
    assert not any(module._forward_pre_hooks for module in model.network.synthesis.b16.modules())
