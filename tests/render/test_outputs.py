"""Networks that misbehave: each time one sentence that names who did it, and nothing else is broken by it."""

import threading

import fakes
import numpy as np
import pytest
import torch

from explorer.errors import DeviceError, NetworkError
from explorer.models.base import CodeDistribution
from explorer.render.renderer import Renderer
from explorer.render.requests import EncodeRequest, RenderRequest, frozen_codes

WRONG = {
    "raises": (ValueError("no such\nline"), "failed: ValueError: no such;"),
    "raises without a word": (KeyError(), "failed: KeyError;"),
    "ends the program": (SystemExit(3), "failed: SystemExit: 3;"),
    "a smaller picture": (lambda p: p[..., 1:, 1:], "gave pictures of 1x7x7 where 1x8x8 belong;"),
    "colour": (lambda p: p.expand(-1, 3, -1, -1), "gave pictures of 3x8x8 where 1x8x8 belong;"),
    "two pictures": (
        lambda p: p.repeat(2, 1, 1, 1),
        "gave an array of 2 x 1 x 8 x 8 where 1 x 1 x 8 x 8 belongs;",
    ),
    "a flat array": (lambda p: p.flatten(1), "gave an array of 1 x 64 where 1 x 1 x 8 x 8 belongs;"),
    "one number": (lambda p: p.sum(), "gave an array of one number where"),
    "whole numbers": (lambda p: p.long(), "gave int64 numbers where float32 belong;"),
    "complex numbers": (lambda p: p.to(torch.complex64), "gave complex64 numbers"),
    "nothing": (lambda p: None, "gave nothing where pictures belong;"),
    "an array of numpy": (lambda p: p.numpy(), "gave a ndarray where pictures belong;"),
}


@pytest.fixture
def renderer():
    return Renderer("cpu")


def request(model, count=1, **changes):
    codes = frozen_codes(np.full((count, 4), 0.5))
    return RenderRequest("canvas", 0, 1, model, codes=codes, **changes)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_decoder_that_misbehaves_is_named_and_decodes_again_when_it_behaves(renderer, wrong):
    does, said = WRONG[wrong]
    model = fakes.misbehaving_vae(does)
    with pytest.raises(NetworkError) as caught:
        renderer.render(request(model))
    assert str(caught.value).startswith(f"The decoder of wild {said}")
    assert str(caught.value).endswith(".")
    assert (
        (caught.value.__cause__ is does)
        if isinstance(does, BaseException)
        else caught.value.__cause__ is None
    )

    model.misbehaviour.does = None
    expected = renderer.render(request(fakes.tiny_vae())).pictures
    assert np.array_equal(renderer.render(request(model)).pictures, expected)


@pytest.mark.parametrize(
    "wrong", ["raises", "ends the program", "a smaller picture", "whole numbers", "nothing"]
)
def test_so_is_a_stage(renderer, tiny_model, wrong):
    does, said = WRONG[wrong]
    stage = fakes.misbehaving_stage(does)
    with pytest.raises(NetworkError) as caught:
        renderer.render(request(tiny_model, stages=(stage,)))
    assert str(caught.value).startswith(f"The stage wild stage {said.split(' where ')[0]}")
    with pytest.raises(NetworkError, match="The stage wild stage"):
        renderer.apply(stage, np.zeros((1, 1, 8, 8), np.float32))
    stage.misbehaviour.does = None
    assert renderer.render(request(tiny_model, stages=(stage,))).pictures.shape == (1, 8, 8, 1)


def test_so_is_a_preview(renderer):
    class Previewing(type(fakes.tiny_vae())):
        def preview(self, codes, space="z", options=None, max_side=None):
            return torch.zeros(len(codes), 1, 4) if self.is_flat else torch.zeros(len(codes), 1, 4, 4)

    model = fakes.tiny_vae()
    model.__class__ = Previewing
    model.is_flat = True
    with pytest.raises(
        NetworkError, match=r"The decoder of tiny gave an array of 1 x 1 x 4 where 1 x 1 x any x any"
    ):
        renderer.render(request(model, 2, max_side=4))
    model.is_flat = False
    assert renderer.render(request(model, 2, max_side=4)).pictures.shape == (2, 4, 4, 1)


def test_so_is_an_encoder(renderer, tiny_model, monkeypatch):
    wanted = EncodeRequest("encode", 0, 1, tiny_model, np.zeros((1, 8, 8, 1), np.uint8))

    def encode(images):
        raise IndexError("list index out of range")

    monkeypatch.setattr(tiny_model, "encode", encode)
    with pytest.raises(
        NetworkError, match=r"The encoder of tiny failed: IndexError: list index out of range;"
    ):
        renderer.render(wanted)
    monkeypatch.setattr(tiny_model, "encode", lambda images: CodeDistribution(torch.zeros(1, 3)))
    with pytest.raises(NetworkError, match=r"The encoder of tiny gave an array of 1 x 3 where 1 x 4 belongs"):
        renderer.render(wanted)
    monkeypatch.setattr(tiny_model, "encode", lambda images: None)
    with pytest.raises(NetworkError, match=r"The encoder of tiny failed: AttributeError"):
        renderer.render(wanted)


def test_memory_that_runs_out_is_not_blamed_on_the_network(renderer):
    model = fakes.misbehaving_vae(MemoryError())
    with pytest.raises(DeviceError, match="not enough for wild"):
        renderer.render(request(model))


def test_ctrl_c_stays_what_it_is_in_the_main_thread_alone(renderer):
    model = fakes.misbehaving_vae(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        renderer.render(request(model))
    caught = []

    def run():
        try:
            renderer.render(request(model))
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(fakes.Misbehaviour.PATIENCE)
    assert isinstance(caught[0], NetworkError)
    assert "KeyboardInterrupt" in str(caught[0])


def test_a_long_text_is_cut(renderer):
    model = fakes.misbehaving_vae(RuntimeError("x" * 5000))
    with pytest.raises(NetworkError) as caught:
        renderer.render(request(model))
    assert len(str(caught.value)) < 400


def test_blank_says_that_nothing_can_be_seen(renderer, tiny_model):
    stage = fakes.misbehaving_stage()
    model = fakes.misbehaving_vae(lambda p: p * torch.nan)
    assert renderer.render(request(model, 3)).blank
    assert renderer.render(request(model, 3, stages=(stage,))).blank
    assert renderer.render(request(model, 3, max_side=4)).blank
    model.misbehaviour.does = lambda p: torch.where(torch.arange(8) > 0, torch.nan, p)
    partly = renderer.render(request(model, 3))
    assert partly.warning
    assert not partly.blank
    firsts = iter([True, False])
    model.misbehaviour.does = lambda p: p * torch.nan if next(firsts) else p
    assert not renderer.render(request(model, 2)).blank
    stage.misbehaviour.does = lambda p: p * torch.nan
    assert renderer.render(request(tiny_model, stages=(stage,))).blank
    assert not renderer.render(request(tiny_model)).blank
    assert not renderer.render(request(tiny_model, 0)).blank
