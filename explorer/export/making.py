"""Making pages of pictures: first the recipe of one, then its codes, then the page and the file.

    recipe = making.sheet(model, space, code)      one function for each kind
    codes = making.codes_of(recipe)                what a renderer must decode
    making.save(recipe, pictures, path)            or `page`, the picture alone

A recipe holds everything the page depends on besides the weights, so the same three steps make it again. How a
page looks is in `pages` and `layout`, how it becomes text in `recipe_text`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np

from explorer.export.codes import codes_of, options_of
from explorer.export.pages import paces, page, with_fitted_sources
from explorer.export.recipe import MOST_NUMBERS, PLAIN, Kind, Network, Precision, Recipe, Style
from explorer.export.recipe_text import to_json
from explorer.export.writing import FILMS, STILLS, save_pages
from explorer.latent import traversal
from explorer.latent.interpolation import PathKind
from explorer.latent.plane import Plane
from explorer.latent.sampling import sample
from explorer.latent.traversal import RangeName
from explorer.models.base import NO_OPTIONS, DecodeOptions, LatentModel, Space, StageModel

__all__ = [
    "FILMS",
    "STILLS",
    "Shared",
    "codes_of",
    "manifold",
    "map_of",
    "network",
    "options_of",
    "page",
    "picture",
    "reconstructions",
    "samples",
    "save",
    "sheet",
    "strip",
]


class Shared(TypedDict, total=False):
    """What every kind may be given by name; see `Recipe`."""

    stages: Sequence[Network]
    options: DecodeOptions
    style: Style
    labels: Sequence[str]
    precision: Precision


def network(model: LatentModel | StageModel) -> Network:
    """Return how a recipe names an open model or stage."""
    origin = model.origin
    return Network(model.name, origin.sha256, origin.hints) if origin else Network(model.name)


def picture(model: Network, space: Space, code: np.ndarray, **shared: Unpack[Shared]) -> Recipe:
    """Return the recipe of the one picture of `code (D,)`; a label is its caption."""
    return _recipe("picture", model, space, code, {}, **shared)


def strip(
    model: Network,
    space: Space,
    ends: np.ndarray,
    steps: int = 9,
    path: PathKind = "lerp",
    *,
    sources: Sequence[np.ndarray | None] = (),
    film: bool = False,
    milliseconds: int | None = None,
    back: bool = False,
    **shared: Unpack[Shared],
) -> Recipe:
    """Return the recipe of the pictures from one code to another.

    Args:
        model, space: whose codes.
        ends: `(2, D)`.
        steps: pictures, both ends included.
        path: straight, or on an arc around the origin.
        sources: two pictures, uint8 `(H, W, 1|3)` of any size or None, to show at the ends in place of the
            decoded ones.
        film: one picture after the other, where the file can hold that.
        milliseconds: of each frame; None is the usual pace. Both ends stay longer.
        back: the film runs to and fro.
        shared: see `Shared`; two labels name the ends.
    """
    shows = "source" if any(source is not None for source in sources) else "decoded"
    settings: dict[str, Any] = {"steps": int(steps), "path": path, "ends": shows, "film": bool(film)}
    if film:
        settings |= {"milliseconds": milliseconds, "back": bool(back)}
    used = tuple(sources) if shows == "source" else ()
    return _recipe("strip", model, space, ends, settings, used, **shared)


def sheet(
    model: Network,
    space: Space,
    code: np.ndarray | None = None,
    steps: int = 9,
    range: RangeName = "data",
    *,
    dims: Sequence[int] | None = None,
    **shared: Unpack[Shared],
) -> Recipe:
    """Return the recipe of one traversal per dimension, stacked.

    Args:
        model, space: whose codes.
        code: `(D,)`, what all rows go through; None is the centre.
        steps: pictures in a row.
        range: as in `latent.traversal.span`.
        dims: 0-based dimensions, one a row; None takes all in their order.
        shared: see `Shared`; a label for each row, what follows its first line is written quieter.
    """
    rows = list(_all(space.dim) if dims is None else map(int, dims))
    reaches = np.array([traversal.bounds(space, dim, range) for dim in rows]).reshape(-1, 2)
    settings = {
        "steps": int(steps),
        "dims": rows,
        "center": reaches[:, 0],
        "reach": reaches[:, 1],
        "range": range if space.prior != "none" else "data",
    }
    return _recipe("sheet", model, space, space.center if code is None else code, settings, **shared)


def manifold(
    model: Network,
    space: Space,
    steps: int = 15,
    dims: tuple[int, int] = (0, 1),
    **shared: Unpack[Shared],
) -> Recipe:
    """Return the recipe of a grid over two dimensions, as in `latent.traversal.manifold`.

    Args:
        model, space: whose codes.
        steps: pictures a side.
        dims: to the right and downwards; of a 1-D space both are 0.
        shared: see `Shared`; two labels name the dimensions.
    """
    first, second = map(int, dims)
    codes = traversal.manifold(space, steps, (first, second)).reshape(steps, steps, space.dim)
    settings = {"dims": [first, second], "across": codes[0, :, first], "down": codes[:, 0, second]}
    return _recipe("manifold", model, space, codes[0, 0], settings, **shared)


def samples(model: Network, space: Space, count: int = 64, seed: int = 0, **shared: Unpack[Shared]) -> Recipe:
    """Return the recipe of `count` pictures of codes drawn from the prior, in a square grid.

    The codes themselves are kept up to a million numbers; of more, what they are drawn from. Of a space whose samples
    are another's, mapped, that one's are kept: the same pictures.
    """
    space = space.source or space
    settings: dict[str, Any] = {"count": int(count), "seed": int(seed)}
    if count * space.dim <= MOST_NUMBERS:
        return _recipe("samples", model, space, sample(space, count, seed), settings, **shared)
    settings["prior"] = space.prior
    if space.prior == "none":
        settings |= {"center": space.center, "spread": space.spread}
        settings |= {} if space.floor is None else {"floor": np.array([space.floor], np.float32)}
    return _recipe("samples", model, space, np.zeros((0, space.dim)), settings, **shared)


def reconstructions(
    model: Network,
    space: Space,
    codes: np.ndarray,
    sources: np.ndarray,
    errors: Sequence[float] | np.ndarray,
    **shared: Unpack[Shared],
) -> Recipe:
    """Return the recipe of pictures above what is decoded from their codes.

    Args:
        model, space: whose codes.
        codes: `(N, D)`.
        sources: uint8 `(N, H, W, 1|3|4)`, as the model got them; a fourth channel is left out.
        errors: mean squared error of each, 0..255; may be empty.
        shared: see `Shared`.
    """
    settings = {"errors": np.asarray(errors, np.float64)}
    return _recipe("reconstructions", model, space, codes, settings, tuple(sources[..., :3]), **shared)


def map_of(
    model: Network,
    space: Space,
    plane: Plane,
    extent: Sequence[float] | np.ndarray,
    points: np.ndarray,
    *,
    tiles: int = 0,
    marker: Sequence[float] | np.ndarray | None = None,
    column: str = "",
    values: np.ndarray | None = None,
    **shared: Unpack[Shared],
) -> Recipe:
    """Return the recipe of points over the decoded background of a plane.

    Args:
        model, space: whose codes.
        plane: through the space.
        extent: left, right, bottom, top: the edges in the points' units.
        points: `(N, 2)`, x to the right and y upwards.
        tiles: decoded pictures a side; 0 leaves the background plain.
        marker: where "you are here" is drawn; None is nowhere.
        column: name of what colours the points, the title of the legend.
        values: N numbers or texts that colour the points; None colours all alike.
        shared: see `Shared`.
    """
    settings = {
        "origin": np.asarray(plane.origin, np.float32),
        "axes": np.asarray(plane.axes, np.float32),
        "extent": np.asarray(extent, np.float32),
        "tiles": int(tiles),
        "points": np.asarray(points, np.float32).reshape(-1, 2),
        "marker": None if marker is None else np.asarray(marker, np.float32),
        **({} if plane.floor is None else {"floor": np.array([plane.floor], np.float32)}),
        "column": column,
        "values": None if values is None or not len(values) else _told(np.asarray(values)),
    }
    return _recipe("map", model, space, np.zeros((0, space.dim)), settings, **shared)


def save(recipe: Recipe, pictures: np.ndarray, path: Path | str) -> None:
    """Write the page of `recipe` as `.png`, `.webp` (lossless) or `.gif` (256 colours), the recipe inside.

    A film becomes the still strip in a `.png`.

    Args:
        recipe: what is made.
        pictures: uint8 `(N, H, W, 1|3)`, decoded from `codes_of(recipe)`, all stages applied.
        path: where to.

    Raises:
        UsageError: another suffix, or more pixels than a page or the format takes.
        RecipeError: something of the recipe is missing, such as its sources.
        OutputError: it could not be written; the old file is untouched.
    """
    if recipe.settings.get("film") and Path(path).suffix.lower() not in FILMS:
        still = {name: recipe.settings[name] for name in ("steps", "path", "ends")}
        recipe = replace(recipe, settings=still | {"film": False})
    recipe = with_fitted_sources(recipe, pictures)
    pages = page(recipe, pictures)
    durations = paces(len(pages), recipe.settings.get("milliseconds"), bool(recipe.settings.get("back")))
    save_pages(pages, path, to_json(recipe), durations)


def _recipe(
    kind: Kind,
    model: Network,
    space: Space,
    codes: np.ndarray,
    settings: Mapping[str, Any],
    sources: tuple[np.ndarray | None, ...] = (),
    **shared: Unpack[Shared],
) -> Recipe:
    options = shared.get("options", NO_OPTIONS)
    return Recipe(
        kind=kind,
        model=model,
        space=space.name,
        codes=np.array(codes, np.float32).reshape(-1, space.dim),
        stages=tuple(shared.get("stages", ())),
        options={name: _plain(getattr(options, name)) for name in options.given()},
        settings=settings,
        style=shared.get("style", PLAIN),
        labels=tuple(shared.get("labels", ())),
        sources=sources,
        precision=shared.get("precision", "exact"),
    )


def _plain(value: object) -> object:
    """Return an option as a plain value; arrays as lists."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _told(values: np.ndarray) -> np.ndarray:
    """Return a label column as float32 numbers or as texts."""
    return values.astype(np.float32 if values.dtype.kind in "fiub" else np.str_)


_all = range  # `sheet` has an argument of that name
