"""Codes to pictures and back, without a window: the renderer against a plain loop over the same network.

Ours is the whole way of a request, from codes to rounded 8-bit pictures in `exact` precision on the CPU. Plain
is the network's eager float32 forward alone, one picture at a time, no gradients: what a script would write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer import paths

from .measure import Figure, figure, in_turn

if TYPE_CHECKING:
    from explorer.models.base import LatentModel, StageModel

STRIP = 9
ENCODED = 90


def latent_models() -> list[str]:
    """Return the names of the bundled models with codes."""
    return [name for name in paths.bundled() if _kind(name) == "latent"]


def stages() -> list[str]:
    """Return the names of the bundled stages."""
    return [name for name in paths.bundled() if _kind(name) == "stage"]


def decode(name: str) -> Figure:
    """One code to one picture: what a move of a slider costs the decode thread."""
    import torch

    model = _model(name.partition("/")[2])
    code = _codes(model, 1)
    tensor = torch.tensor(code)
    render = _rendering(model, code)

    def plain() -> None:
        with torch.no_grad():
            model.network.decode(tensor)  # type: ignore[operator]

    ours, theirs = in_turn(render, plain)
    return figure(name, "ms", ours, theirs, "code to 8-bit picture; plain: eager float32 forward alone")


def strip(name: str) -> Figure:
    """The pictures of a strip, with a stage where the name says so (`strip/MODEL+STAGE`)."""
    import torch

    model_name, _, stage_name = name.partition("/")[2].partition("+")
    model = _model(model_name)
    chain = (_stage(stage_name),) if stage_name else ()
    codes = _codes(model, STRIP)
    render = _rendering(model, codes, chain)
    tensors = [torch.tensor(code[None]) for code in codes]

    def plain() -> None:
        with torch.no_grad():
            for tensor in tensors:
                images = model.native_range.to_unit(model.network.decode(tensor))  # type: ignore[operator]
                for stage in chain:
                    images = stage.network(stage.native_range.to_native(images))

    ours, theirs = in_turn(render, plain, rounds=15 if chain else 40)
    return figure(name, "ms", ours, theirs, f"{STRIP} codes to 8-bit pictures; plain: eager float32 loop")


def encode(name: str) -> Figure:
    """Pictures to codes."""
    import torch

    from explorer.render.renderer import Renderer

    model = _model(name.partition("/")[2])
    spec = model.image
    shape = (ENCODED, spec.height or 1, spec.width or 1, spec.channels)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    renderer = Renderer("cpu")
    native = model.native_range.to_native(torch.tensor(images).permute(0, 3, 1, 2).float() / 255)

    def plain() -> None:
        with torch.no_grad():
            for image in native:
                model.network.encode(image[None])  # type: ignore[operator]

    def ours() -> None:
        renderer.encode(model, images)

    mine, theirs = in_turn(ours, plain, rounds=20)
    return figure(name, "ms", mine, theirs, f"{ENCODED} pictures to codes; plain: eager float32 loop")


def _kind(name: str) -> str:
    from explorer.formats.native import kind_of

    return kind_of(paths.bundled()[name])


def _model(name: str) -> LatentModel:
    from explorer.formats import open_latent

    return open_latent(name).model  # type: ignore[return-value]


def _stage(name: str) -> StageModel:
    from explorer.formats import open_stage

    return open_stage(name)


def _codes(model: LatentModel, count: int) -> np.ndarray:
    from explorer.latent.sampling import sample

    return sample(model.spaces[model.default_space], count, seed=0)


def _rendering(model: LatentModel, codes: np.ndarray, stages: tuple[StageModel, ...] = ()):  # type: ignore[no-untyped-def]
    """Return a function that answers one request for the pictures of codes."""
    from explorer.render.renderer import Renderer
    from explorer.render.requests import RenderRequest, frozen_codes

    renderer = Renderer("cpu")
    request = RenderRequest("canvas", 0, 0, model, frozen_codes(codes), model.default_space, stages=stages)
    return lambda: renderer.render(request)
