"""From a recipe and its decoded pictures to the page, by kind: what stands where, and what is written beside it.

How cells and texts become pixels is in `layout`, the map in `maps`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from explorer.data.images import fit
from explorer.errors import RecipeError
from explorer.export.layout import Texts, check_all, fitting, lay, scale_for, to_image
from explorer.export.lettering import shortened, signed
from explorer.export.maps import column_of, map_picture
from explorer.export.recipe import Recipe
from explorer.latent.traversal import SPREADS, between
from explorer.models.base import ImageSpec

RECONSTRUCTIONS_IN_A_ROW = 9
ROOM_FOR_UNIT = 80  # pixels
FRAME = 90  # milliseconds
END = 700


def page(recipe: Recipe, pictures: np.ndarray) -> list[Image.Image]:
    """Return the page; several, the frames, for the film of a strip.

    Args:
        recipe: what is made.
        pictures: uint8 `(N, H, W, 1|3)`, decoded from `codes_of(recipe)`, all stages applied.

    Raises:
        RecipeError: something of the recipe is missing, such as its sources.
        UsageError: it would have more than `layout.MOST_PIXELS`; of a film, all frames together.
    """
    if recipe.kind == "strip" and recipe.settings.get("film"):
        return _film(recipe, with_sources(pictures, *_ends(recipe)))
    return [_PAGES[recipe.kind](recipe, pictures)]


def paces(frames: int, milliseconds: int | None = None, back: bool = False) -> list[int]:
    """Return how long each frame of a film stays, milliseconds: both ends longer than the others.

    Args:
        frames: how many there are in all.
        milliseconds: of a frame; None is the usual.
        back: they run to and fro, so that the far end stands in their middle.
    """
    usual = milliseconds or FRAME
    stays = [usual] * frames
    stays[0] = stays[frames // 2 if back else -1] = max(END, usual)
    return stays


def with_sources(pictures: np.ndarray, first: np.ndarray | None, last: np.ndarray | None) -> list[np.ndarray]:
    """Return the pictures of a strip with the source pictures at its ends, as the face article shows them.

    Args:
        pictures: uint8 `(N, H, W, 1|3)`, both ends included.
        first, last: uint8 `(H', W', 1|3)`, what the ends were encoded from, in their own colours; None
            leaves that end as it is. Another size is brought to `(H, W)` by a centre crop and Lanczos.
    """
    shown = list(pictures)
    for place, source in ((0, first), (-1, last)):
        if source is not None:
            shown[place] = _fitted(source, *pictures.shape[1:3])
    return shown


def with_fitted_sources(recipe: Recipe, pictures: np.ndarray) -> Recipe:
    """Return a recipe whose ends are carried as large as they are shown; the page stays what it is."""
    if recipe.kind != "strip" or not recipe.sources:
        return recipe
    size = pictures.shape[1:3]
    return replace(
        recipe, sources=tuple(None if end is None else _fitted(end, *size) for end in recipe.sources)
    )


def _fitted(source: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return `source` as uint8 `(height, width, 1|3)`; its own pixels where the size agrees."""
    if source.shape[:2] == (height, width):
        return source
    return fit(to_image(source), ImageSpec(source.shape[-1], height, width))


def _picture(recipe: Recipe, pictures: np.ndarray) -> Image.Image:
    return lay(pictures, 1, recipe.style, Texts(foot=_label(recipe, 0) if recipe.style.captions else ""))


def _strip(recipe: Recipe, pictures: np.ndarray) -> Image.Image:
    shown = with_sources(pictures, *_ends(recipe))
    scale = recipe.style.scale or _scale(pictures, len(shown), 1)
    step = pictures.shape[2] * scale + recipe.style.gap
    captions = [shortened(text, step) for text in _moments(recipe, len(shown))]
    texts = Texts(below={0: fitting(captions, step)} if recipe.style.captions else {})
    return lay(shown, len(shown), recipe.style, texts, scale)


def _film(recipe: Recipe, pictures: Sequence[np.ndarray]) -> list[Image.Image]:
    """Return one page a picture; to and fro where the recipe says so."""
    captions = _moments(recipe, len(pictures)) if recipe.style.captions else [""] * len(pictures)
    coloured = any(picture.shape[-1] == 3 for picture in pictures)
    frames: list[Image.Image] = []
    for picture, caption in zip(pictures, captions, strict=True):
        shown = picture.repeat(3, -1) if coloured and picture.shape[-1] == 1 else picture
        frames.append(lay([shown], 1, recipe.style, Texts(foot=caption)))
        check_all(len(pictures), *frames[0].size)  # all are alike, and the others not yet laid
    return frames + frames[-2:0:-1] if recipe.settings.get("back") else frames


def _moments(recipe: Recipe, count: int) -> list[str]:
    """Return what is written under the pictures of a strip: the names of its ends, between them 0..1."""
    captions = [f"{index / max(1, count - 1):.2f}" for index in range(count)]
    for place in (0, -1):
        if len(recipe.labels) == 2:
            captions[place] = recipe.labels[place] or captions[place]
    return captions


def _ends(recipe: Recipe) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the source pictures of a strip's ends, as far as it shows them."""
    if recipe.settings.get("ends") != "source":
        return None, None
    if len(recipe.sources) != 2:
        raise _missing("the pictures at the ends of the strip")
    return recipe.sources[0], recipe.sources[1]


def _sheet(recipe: Recipe, pictures: np.ndarray) -> Image.Image:
    settings, style = recipe.settings, recipe.style
    steps, rows = settings["steps"], len(settings["dims"])
    below: dict[int, Sequence[str]] = {}
    foot = ""
    scale = style.scale or _scale(pictures, steps, rows)
    if style.captions:
        reach = SPREADS if settings["range"] == "data" else float(settings["reach"][0])
        values = [signed(value) for value in between(0.0, reach, steps)]
        below = {rows - 1: fitting(values, pictures.shape[2] * scale + style.gap)}
        foot = "spreads from the centre" if settings["range"] == "data" else "values"
    labels = [_label(recipe, row) for row in range(rows)] if style.captions is not False else ()
    return lay(pictures, steps, style, Texts(labels, below, foot), scale)


def _manifold(recipe: Recipe, pictures: np.ndarray) -> Image.Image:
    settings, style = recipe.settings, recipe.style
    columns, rows = len(settings["across"]), len(settings["down"])
    if not style.captions:
        return lay(pictures, columns, style)
    scale = style.scale or _scale(pictures, columns, rows)
    width = pictures.shape[2] * scale + style.gap
    across, down = ([signed(value, ".2f") for value in settings[name]] for name in ("across", "down"))
    names = [_label(recipe, place).partition("\n")[0] for place in range(2)]
    foot = f"{names[0]} to the right, {names[1]} downwards" if all(names) else ""
    return lay(pictures, columns, style, Texts(down, {rows - 1: fitting(across, width)}, foot), scale)


def _samples(recipe: Recipe, pictures: np.ndarray) -> Image.Image:
    columns = max(1, math.ceil(math.sqrt(len(pictures))))
    if not recipe.style.captions:
        return lay(pictures, columns, recipe.style)
    step = (
        pictures.shape[2] * _scale(pictures, columns, math.ceil(len(pictures) / columns)) + recipe.style.gap
    )
    labels = [shortened(label, step) for label in recipe.labels[: len(pictures)]]
    below = {row: labels[row * columns :][:columns] for row in range(math.ceil(len(labels) / columns))}
    return lay(pictures, columns, recipe.style, Texts(below=below, foot=f"seed {recipe.settings['seed']}"))


def _reconstructions(recipe: Recipe, pictures: np.ndarray) -> Image.Image:
    """Return every source above what was decoded from its code, nine pairs in a row."""
    sources, style = recipe.sources, recipe.style
    if len(sources) != len(pictures) or any(source is None for source in sources):
        raise _missing("the pictures that were reconstructed")
    if any(source.shape[:2] != pictures.shape[1:3] for source in sources if source is not None):
        raise RecipeError(
            "The decoded pictures differ in size from those they would stand under; leave out the stage that "
            "changes it."
        )
    columns = min(len(pictures), RECONSTRUCTIONS_IN_A_ROW)
    bands = math.ceil(len(pictures) / columns)
    scale = style.scale or _scale(pictures, columns, 2 * bands)
    errors = recipe.settings["errors"] if style.captions is not False else ()
    unit = "MSE " if pictures.shape[2] * scale >= ROOM_FOR_UNIT else ""
    cells: list[np.ndarray | None] = []
    below: dict[int, Sequence[str]] = {}
    for band in range(bands):
        chosen = slice(band * columns, (band + 1) * columns)
        for row in (sources[chosen], pictures[chosen]):
            cells += [*row, *[None] * (columns - len(row))]
        below[2 * band + 1] = [f"{unit}{error:.0f}" for error in errors[chosen]]
    return lay(cells, columns, style, Texts(below=below), scale)


def _map(recipe: Recipe, pictures: np.ndarray) -> Image.Image:
    if "points" not in recipe.settings:
        raise _missing("the points of the map")
    settings, values = recipe.settings, recipe.settings["values"]
    shows_legend = recipe.style.captions is not False
    return map_picture(
        pictures if settings["tiles"] else None,
        np.asarray(settings["points"], np.float32).reshape(-1, 2),
        tuple(np.asarray(settings["extent"], np.float32)),
        None if values is None else column_of(values),
        settings["column"] if shows_legend else "",
        marker=settings["marker"],
        style=recipe.style,
        shows_legend=shows_legend,
    )


def _scale(pictures: np.ndarray, columns: int, rows: int) -> int:
    """Return the usual enlargement of a page of such pictures."""
    return scale_for(pictures.shape[1], pictures.shape[2], columns, rows)


def _label(recipe: Recipe, index: int) -> str:
    """Return a label, empty where there is none."""
    return recipe.labels[index] if -len(recipe.labels) <= index < len(recipe.labels) else ""


def _missing(what: str) -> RecipeError:
    return RecipeError(
        f"The recipe does not carry {what}, because they were too large; export it anew from the originals."
    )


_PAGES = {
    "picture": _picture,
    "strip": _strip,
    "sheet": _sheet,
    "manifold": _manifold,
    "samples": _samples,
    "reconstructions": _reconstructions,
    "map": _map,
}
