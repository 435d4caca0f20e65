"""Codes to pictures and back, without a window: the renderer against the same network run plainly.

Ours is the whole way of a request, from codes to rounded 8-bit pictures, on the CPU. Plain is the eager float32
forward of the same weights alone, without gradients: what a script would write; of StyleGANs what `plain_style` does.
Each figure makes its networks itself, twice, and leaves them: nothing that ours does to its own reaches the plain one,
and no more than one of them fills the memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

from explorer import paths
from explorer.render import devices
from explorer.render.renderer import Renderer
from explorer.render.requests import RenderRequest, frozen_codes

from . import floor as bare
from . import networks, plain_style
from .measure import RATE, Figure, Threads, Way, figure, in_turn, rates

if TYPE_CHECKING:
    from explorer.models.base import LatentModel, StageModel
    from explorer.models.stylegan2 import StyleGan2
    from explorer.render.machine import Precision

STRIP, ROWS, STEPS = 9, 10, 9
BATCH = 8
BATCHES = {"stylegan2-256": 4, "stylegan2-1024": 2, "stylegan3t-256": 2, "autoencoderkl-256": 4}
ENCODED = 90
ENCODED_OF = {"gdl-vae-128": 18, "autoencoderkl-256": 2}
_TURNS = 64  # requests made ahead, each with codes of its own, so that nothing can be remembered
_MADE_AHEAD = 1 << 24  # numbers of codes
_SIDES = {"anime-colorizer": 30, "cyclegan-256": networks.STAGE_SIDE}  # of a stage's pictures
_USUAL_SIDE = 64


def decode(name: str, model: str, precision: Precision) -> Figure:
    """One code to one picture: what a move of a slider costs the decode thread."""
    ours, plain = _both(model, precision, 1)
    return _compared(name, "ms", ours, plain, f"one code to an 8-bit picture; plain: {_plain_words(model)}")


def throughput(name: str, model: str) -> Figure:
    """Pictures a second, in batches."""
    count = BATCHES.get(model, BATCH)
    ours, plain = _both(model, "fast", count)
    note = f"batches of {count} codes to 8-bit pictures; plain: the same batches, {_plain_words(model)}"
    return _compared(name, RATE, ours, plain, note, count=count)


def floor(name: str, model: str) -> Figure:
    """One picture against the bare convolutions of the same network."""
    number_type = getattr(torch, devices.number_type("cpu", "fast"))
    config = cast("StyleGan2", _latent(model).network).config
    ours, _ = _both(model, "fast", 1)
    alone = bare.runner(bare.convolutions(config), number_type)
    note = (
        f"one code to an 8-bit picture; plain: its convolutions alone, {str(number_type)[6:]}, channels last"
    )
    return _compared(name, "ms", ours, alone, note)


def strip(name: str, model: str, precision: Precision, stage: str = "") -> Figure:
    """The pictures of a strip, through a stage where one is named."""
    ours, plain = _both(model, precision, STRIP, stage)
    behind = f" through {stage}" if stage else ""
    note = f"{STRIP} codes{behind} to 8-bit pictures; plain: one batch of all, {_plain_words(model)}"
    return _compared(name, "ms", ours, plain, note)


def sheet(name: str, model: str, precision: Precision) -> Figure:
    """The pictures of a sheet: a traversal of each of the first dimensions."""
    from explorer.export import making

    opened = _latent(model)
    space = opened.spaces[opened.default_space]
    dims = range(min(ROWS, space.dim))
    recipe = making.sheet(making.network(opened), space, steps=STEPS, dims=dims)
    codes = making.codes_of(recipe)
    ours, plain = _both(model, precision, len(codes), codes=codes)
    note = f"{len(dims)}x{STEPS} codes to 8-bit pictures; plain: one batch of all, {_plain_words(model)}"
    return _compared(name, "ms", ours, plain, note)


def apply(name: str, stage: str, precision: Precision) -> Figure:
    """One picture through a stage."""
    ours, plain = _stage(stage), _stage(stage)
    side = _SIDES.get(stage, _USUAL_SIDE)
    shape = (_TURNS, ours.input.channels, side, side)
    images = np.random.default_rng(0).random(shape, np.float32)
    renderer = Renderer("cpu", precision)
    turn, given = itertools.cycle(range(_TURNS)), torch.from_numpy(images)

    def applied() -> None:
        renderer.apply(ours, images[(at := next(turn)) : at + 1])

    def forward() -> None:
        with torch.no_grad():
            plain.apply(given[:1])

    note = f"one picture of {side}x{side}, float32 in and out; plain: eager float32 forward"
    return _compared(name, "ms", applied, forward, note)


def encode(name: str, model: str) -> Figure:
    """Pictures to codes."""
    ours, plain = _latent(model), _latent(model)
    spec = ours.image
    count = ENCODED_OF.get(model, ENCODED)
    shape = (count, spec.height or 1, spec.width or 1, spec.channels)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    renderer = Renderer("cpu")
    given = torch.tensor(images).permute(0, 3, 1, 2).float() / 255

    def forward() -> None:
        with torch.no_grad():
            plain.encode(given)

    note = f"{count} pictures to codes, exact; plain: one batch of all, eager float32 forward"
    return _compared(name, "ms", lambda: renderer.encode(ours, images), forward, note)


# ---- the two ways ----


def _both(
    model: str, precision: Precision, count: int, stage: str = "", codes: np.ndarray | None = None
) -> tuple[Way, Way]:
    """Return what answers one request of `count` codes after the other, and the plain way of doing that."""
    opened, behind = _latent(model), (_stage(stage),) if stage else ()
    every = _codes(opened, count) if codes is None else codes[None]
    renderer = Renderer("cpu", precision)
    requests = itertools.cycle(
        RenderRequest(
            "canvas" if count == 1 else "strip",
            0,
            number,
            opened,
            frozen_codes(each),
            opened.default_space,
            stages=behind,
        )
        for number, each in enumerate(every)
    )
    return (lambda: renderer.render(next(requests))), _plainly(model, stage, torch.tensor(every))


def _plainly(model: str, stage: str, every: Tensor) -> Way:
    """Return what runs the network on one batch of `every (turns, N, D)` after the other."""
    forward = _forward(_latent(model))
    behind = _stage(stage) if stage else None
    turns = itertools.cycle(every)

    def plain() -> None:
        with torch.no_grad():
            images = forward(next(turns))
            if behind is not None:
                behind.apply(images)

    return plain


def _forward(model: LatentModel) -> Callable[[Tensor], Tensor]:
    """Return what makes pictures in the network's range of codes `(N, D)`."""
    if model.layers:  # it has styles
        return lambda codes: plain_style.pictures(model.network, codes)  # type: ignore[arg-type]
    return lambda codes: model.decode_raw(codes, model.default_space)


def _compared(name: str, unit: str, ours: Way, plain: Way, note: str, count: int = 1) -> Figure:
    """Time both and return the figure; of `count` pictures a call where the unit is that of a rate."""
    threads = Threads()
    mine, theirs = in_turn(ours, plain, rounds=40, before=threads.before)
    if unit == RATE:
        mine, theirs = rates(mine, count), rates(theirs, count)
    return figure(name, unit, mine, theirs, note)


def _plain_words(model: str) -> str:
    if model.startswith("stylegan"):
        return "float32, a grouped convolution for each picture, as the papers' code does"
    return "eager float32 forward"


# ---- what is measured ----


def latent_models() -> list[str]:
    """Return the names of the bundled models with codes."""
    return [name for name in paths.bundled() if _kind(name) == "latent"]


def stages() -> list[str]:
    """Return the names of the bundled stages."""
    return [name for name in paths.bundled() if _kind(name) == "stage"]


def has_encoder(model: str) -> bool:
    """Return whether a bundled model takes pictures."""
    return _latent(model).has_encoder


def _kind(name: str) -> str | None:
    from explorer.formats.native import kind_of

    return kind_of(paths.bundled()[name])


def _latent(name: str) -> LatentModel:
    if name in networks.LATENT:
        return cast("LatentModel", networks.build(name))
    from explorer.formats import open_latent

    return cast("LatentModel", open_latent(name).model)


def _stage(name: str) -> StageModel:
    if name in networks.STAGES:
        return cast("StageModel", networks.build(name))
    from explorer.formats import open_stage

    return open_stage(name)


def _codes(model: LatentModel, count: int) -> np.ndarray:
    """Return codes `(turns, count, D)` for requests that are all different."""
    from explorer.latent.sampling import sample

    space = model.spaces[model.default_space]
    turns = max(2, min(_TURNS, _MADE_AHEAD // (count * space.dim)))
    return sample(space, turns * count, seed=0).reshape(turns, count, space.dim)
