"""Pictures to files: the program's export against Pillow alone.

Both get the same decoded pictures of the bundled face model and write the same pixels in the same format. Ours also
makes the recipe and its codes, lays the page, and writes the recipe into the file, whole or not at all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from explorer.export import making
from explorer.export.recipe import Recipe
from explorer.formats import open_latent
from explorer.models.base import LatentModel
from explorer.render.renderer import Renderer
from explorer.render.requests import RenderRequest, RenderResult, frozen_codes

from .measure import Figure, figure, in_turn

MODEL = "faces-64"
FRAMES = 30


def strip(name: str) -> Figure:
    """A strip of nine as a PNG."""
    return _exported(name, "strip.png", lambda model: _strip(model, 9), "a strip of 9 as a PNG")


def samples(name: str) -> Figure:
    """A grid of 64 pictures as a PNG."""

    def recipe(model: LatentModel) -> Recipe:
        return making.samples(making.network(model), model.spaces[model.default_space])

    return _exported(name, "samples.png", recipe, "a grid of 64 samples as a PNG")


def film(name: str) -> Figure:
    """A film of 30 frames."""
    return _exported(
        name, "film.webp", lambda model: _strip(model, FRAMES, True), f"{FRAMES} frames as a lossless WebP"
    )


FIGURES: dict[str, Callable[[str], Figure]] = {
    "export/strip": strip,
    "export/samples": samples,
    "export/film": film,
}


def _strip(model: LatentModel, steps: int, film: bool = False) -> Recipe:
    space = model.spaces[model.default_space]
    ends = np.stack([space.center - space.spread, space.center + space.spread])
    return making.strip(making.network(model), space, ends, steps, film=film)


def _exported(name: str, file: str, recipe_of: Callable[[LatentModel], Recipe], what: str) -> Figure:
    model = open_latent(MODEL).model
    assert isinstance(model, LatentModel)
    recipe = recipe_of(model)
    request = RenderRequest("export", 0, 0, model, frozen_codes(making.codes_of(recipe)), model.default_space)
    result = Renderer("cpu").render(request)
    assert isinstance(result, RenderResult)
    assert result.pictures is not None
    pictures = result.pictures
    page = making.page(recipe, pictures)[0]
    is_film = bool(recipe.settings.get("film"))
    columns = 1 if is_film else round(np.sqrt(len(pictures))) if recipe.kind == "samples" else len(pictures)
    scale = page.width // (columns * pictures.shape[2])
    with tempfile.TemporaryDirectory(prefix="latent-explorer-bench-") as folder:
        mine, bare = Path(folder) / file, Path(folder) / f"plain-{file}"

        def ours() -> None:
            made = recipe_of(model)
            making.codes_of(made)
            making.save(made, pictures, mine)

        def plain() -> None:
            large = pictures.repeat(scale, 1).repeat(scale, 2)  # (N, H, W, C)
            if is_film:
                first, *rest = [Image.fromarray(each) for each in large]
                first.save(
                    bare, save_all=True, append_images=rest, duration=90, loop=0, lossless=True, method=4
                )
            else:
                rows = large.reshape(-1, columns, *large.shape[1:])
                joined = rows.swapaxes(1, 2).reshape(-1, columns * large.shape[2], large.shape[3])
                Image.fromarray(joined).save(bare)

        samples = in_turn(ours, plain, rounds=20)
    note = f"{what}, of decoded pictures of {pictures.shape[2]} pixels, {scale} times as large; plain: Pillow alone"
    return figure(name, "ms", *samples, note)
