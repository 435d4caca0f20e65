"""From a recipe to what a renderer must be given: its codes and its decode options."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.errors import RecipeError
from explorer.export.recipe import Recipe
from explorer.latent import interpolation, traversal
from explorer.latent.plane import Plane
from explorer.latent.sampling import sample
from explorer.models.base import DecodeOptions, Space

MOST_DECODED = 100_000_000
"""Numbers in all the codes of a page; more than that would take the memory of a whole computer."""


def codes_of(recipe: Recipe) -> np.ndarray:
    """Return the codes to decode, float32 `(N, D)`, in the order that `pages.page` wants their pictures.

    Raises:
        RecipeError: the codes were too many to be carried, or are too many to be made.
    """
    wanted = _count(recipe)
    if wanted * max(1, recipe.codes.shape[1]) > MOST_DECODED:
        raise RecipeError(
            f"The recipe wants {wanted} pictures at once, which no memory holds; ask for fewer."
        )
    make = _MAKERS.get(recipe.kind)
    codes = make(recipe) if make else recipe.codes
    return np.asarray(codes, np.float32).reshape(-1, recipe.codes.shape[1])


def options_of(recipe: Recipe) -> DecodeOptions:
    """Return the decode options of a recipe, lists as arrays."""
    options: dict[str, Any] = dict(recipe.options)
    if "labels" in options:
        labels = np.asarray(options["labels"])
        options["labels"] = labels.astype(np.float32 if labels.ndim == 2 else np.int64)
    if "transform" in options:
        options["transform"] = np.asarray(options["transform"], np.float32)
    return DecodeOptions(**options)


def _count(recipe: Recipe) -> int:
    """Return how many codes there will be, without making them."""
    settings = recipe.settings
    match recipe.kind:
        case "strip":
            return int(settings["steps"])
        case "sheet":
            return int(settings["steps"]) * len(settings["dims"])
        case "manifold":
            return len(settings["across"]) * len(settings["down"])
        case "samples":
            return int(settings["count"])
        case "map":
            return int(settings["tiles"]) ** 2
    return len(recipe.codes)


def _strip(recipe: Recipe) -> np.ndarray:
    first, last = recipe.codes
    return interpolation.path(first, last, recipe.settings["steps"], recipe.settings["path"])


def _sheet(recipe: Recipe) -> np.ndarray:
    settings = recipe.settings
    rows = [
        traversal.traverse(
            recipe.codes[0], dim, traversal.between(float(center), float(reach), settings["steps"])
        )
        for dim, center, reach in zip(settings["dims"], settings["center"], settings["reach"], strict=True)
    ]
    return np.stack(rows) if rows else np.zeros((0, recipe.codes.shape[1]))


def _manifold(recipe: Recipe) -> np.ndarray:
    settings = recipe.settings
    across, down = settings["across"], settings["down"]
    first, second = settings["dims"]
    codes = np.tile(recipe.codes[0], (len(down), len(across), 1))  # (rows, columns, D)
    codes[:, :, second] = np.asarray(down)[:, None]
    codes[:, :, first] = np.asarray(across)[None, :]
    return codes


def _samples(recipe: Recipe) -> np.ndarray:
    settings = recipe.settings
    if len(recipe.codes) or not settings["count"]:
        return recipe.codes
    prior, own = settings.get("prior"), {}
    if prior is None:
        raise RecipeError(
            "The recipe carries neither its codes nor what they were drawn from; export it anew."
        )
    if prior == "none":
        own = {"center": settings["center"], "spread": settings["spread"]}
        own |= {"floor": float(settings["floor"][0])} if "floor" in settings else {}
    space = Space(recipe.space, (recipe.codes.shape[1],), prior, **own)
    return sample(space, settings["count"], settings["seed"])


def _reconstructions(recipe: Recipe) -> np.ndarray:
    if not len(recipe.codes):
        raise RecipeError("The recipe does not carry its codes, for they are too many; export it anew.")
    return recipe.codes


def _map(recipe: Recipe) -> np.ndarray:
    """Return the middles of the tiles, row by row, the highest row first."""
    settings = recipe.settings
    tiles = settings["tiles"]
    left, right, bottom, top = np.asarray(settings["extent"], np.float32)
    middles = (np.arange(tiles) + 0.5) / max(1, tiles)
    across, down = np.meshgrid(left + (right - left) * middles, top - (top - bottom) * middles)
    floor = float(settings["floor"][0]) if "floor" in settings else None
    origin, axes = (np.asarray(settings[name], np.float32) for name in ("origin", "axes"))
    plane = Plane(origin, axes, "", floor)
    return plane.point(np.stack([across.ravel(), down.ravel()], axis=1))


_MAKERS = {
    "strip": _strip,
    "sheet": _sheet,
    "manifold": _manifold,
    "samples": _samples,
    "reconstructions": _reconstructions,
    "map": _map,
}
