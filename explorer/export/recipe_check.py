"""What may stand in the text of a recipe, a stranger's: its style, its decode options, each kind's settings.

Every function returns the value as the program uses it or raises `Damaged`; how one value is taken is in
`recipe_fields`, how the text as a whole is read in `recipe_text`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from explorer.data.wording import shown
from explorer.errors import UsageError
from explorer.export.recipe import MOST_NUMBERS, MOST_POINTS, MOST_SEED, Style
from explorer.export.recipe_fields import LONGEST_WORD, Damaged, Fields, real, text
from explorer.formats.sidecars import Hints, parsed_hints

LEFT_OUT = "left out"
"""Stands in the text for an option that is too large for it."""

MOST_STEPS = 1000
MOST_SAMPLES = 100_000
MOST_TILES = 200


def checked_style(value: object) -> Style:
    """Return a style."""
    fields = Fields(value, "style")
    background = fields.text("background", "#ffffff")
    if not re.fullmatch("#[0-9a-fA-F]{6}", background):
        raise Damaged(f"the background {shown(background)} is no colour such as #ffffff")
    return Style(
        scale=fields.whole("scale", 1, 256) if fields.has("scale") else None,
        margin=fields.whole("margin", 0, 4096) if fields.has("margin") else 0,
        gap=fields.whole("gap", 0, 4096) if fields.has("gap") else 0,
        captions=fields.flag("captions") if fields.has("captions") else None,
        background=background,
    )


def checked_hints(value: object, where: str) -> dict[str, str]:
    """Return the hints by which a network was read, as texts."""
    if not isinstance(value, dict):
        raise Damaged(f"{where} is no object")
    if not all(isinstance(hint, str) and len(hint) <= LONGEST_WORD for hint in value.values()):
        raise Damaged(f"{where} has values that are no short texts")
    try:
        return Hints(**parsed_hints(value)).told
    except UsageError as error:
        raise Damaged(f"{where}: {error}") from error


def checked_options(value: object) -> dict[str, Any]:
    """Return the decode options that are given, arrays as lists."""
    fields = Fields(value, "options")
    options: dict[str, Any] = {}
    if fields.get("labels") == LEFT_OUT:
        raise Damaged("the labels given to the decoder are too many to be carried")
    if fields.has("labels"):
        labels = fields.get("labels")
        if isinstance(labels, list) and labels and isinstance(labels[0], list):
            options["labels"] = fields.numbers("labels", None, None).tolist()
        elif isinstance(labels, list) and len(labels) <= MOST_SAMPLES and all(map(_is_class, labels)):
            options["labels"] = labels
        else:
            raise Damaged("options labels are neither classes nor rows of numbers")
    if fields.has("psi"):
        options["psi"] = real(fields.get("psi"), "options psi")
    if fields.has("psi_cutoff"):
        options["psi_cutoff"] = fields.whole("psi_cutoff", 0, 1000)
    if fields.has("noise"):
        options["noise"] = fields.choice("noise", ("const", "none", "random"))
    if fields.has("noise_seed"):
        options["noise_seed"] = fields.whole("noise_seed", 0, 2**31 - 1)
    if fields.has("transform"):
        options["transform"] = fields.numbers("transform", 3, 3).tolist()
    if fields.has("head"):
        options["head"] = fields.word("head")
    return options


def _is_class(value: object) -> bool:
    return type(value) is int and -(2**31) <= value < 2**31


def _is_dimension(value: object, dim: int) -> bool:
    return type(value) is int and 0 <= value < dim


def checked_settings(kind: str, value: object, dim: int) -> dict[str, Any]:
    """Return the settings of a kind, of codes with `dim` numbers; what it does not know is left out."""
    return _SETTINGS[kind](Fields(value, "settings"), dim)


def _none(fields: Fields, dim: int) -> dict[str, Any]:
    return {}


def _strip(fields: Fields, dim: int) -> dict[str, Any]:
    settings = {
        "steps": fields.whole("steps", 2, MOST_STEPS),
        "path": fields.choice("path", ("lerp", "slerp")),
        "ends": fields.choice("ends", ("source", "decoded")),
        "film": fields.flag("film"),
    }
    if settings["film"]:
        pace = fields.whole("milliseconds", 1, 60_000) if fields.has("milliseconds") else None
        settings |= {"milliseconds": pace, "back": fields.flag("back")}
    return settings


def _sheet(fields: Fields, dim: int) -> dict[str, Any]:
    rows = fields.list("dims", MOST_NUMBERS)
    if not rows or not all(_is_dimension(row, dim) for row in rows):
        raise Damaged(f"settings dims are no dimensions from 0 to {dim - 1}")
    return {
        "steps": fields.whole("steps", 1, MOST_STEPS),
        "dims": rows,
        "center": fields.numbers("center", len(rows), dtype=np.float64),
        "reach": fields.numbers("reach", len(rows), dtype=np.float64),
        "range": fields.choice("range", ("data", "prior")),
    }


def _manifold(fields: Fields, dim: int) -> dict[str, Any]:
    dims = fields.list("dims", 2)
    if len(dims) != 2 or not all(_is_dimension(row, dim) for row in dims):
        raise Damaged(f"settings dims are no two dimensions from 0 to {dim - 1}")
    values = {name: fields.numbers(name, None, most=MOST_STEPS) for name in ("across", "down")}
    if not all(map(len, values.values())):
        raise Damaged("settings across or down are empty")
    return {"dims": dims} | values


def _samples(fields: Fields, dim: int) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "count": fields.whole("count", 1, MOST_SAMPLES),
        "seed": fields.whole("seed", 0, MOST_SEED),
    }
    if fields.has("prior"):
        settings["prior"] = fields.choice("prior", ("normal", "uniform", "sphere", "none"))
        if settings["prior"] == "none":
            settings |= {name: fields.numbers(name, dim) for name in ("center", "spread")}
            settings |= {"floor": fields.numbers("floor", 1)} if fields.has("floor") else {}
    return settings


def _reconstructions(fields: Fields, dim: int) -> dict[str, Any]:
    return {"errors": fields.numbers("errors", None, dtype=np.float64, gaps=True)}


def _map(fields: Fields, dim: int) -> dict[str, Any]:
    extent = fields.numbers("extent", 4)
    if not (extent[0] < extent[1] and extent[2] < extent[3]):
        raise Damaged("settings extent is empty")
    settings: dict[str, Any] = {
        "origin": fields.numbers("origin", dim),
        "axes": fields.numbers("axes", 2, dim),
        "extent": extent,
        "tiles": fields.whole("tiles", 0, MOST_TILES),
    }
    if fields.has("points"):  # else they were too many to be carried
        settings["points"] = fields.numbers("points", None, 2, most=2 * MOST_POINTS)
    settings["marker"] = fields.numbers("marker", 2) if fields.has("marker") else None
    settings |= {"floor": fields.numbers("floor", 1)} if fields.has("floor") else {}
    settings["column"] = fields.text("column", "")
    settings["values"] = None
    if fields.has("values"):
        settings["values"] = _column(fields, len(settings.get("points", ())))
    return settings


def _column(fields: Fields, count: int) -> np.ndarray:
    values = fields.list("values", MOST_POINTS)
    if len(values) != count:
        raise Damaged("settings values are not one for each point")
    if any(isinstance(value, str) for value in values):
        return np.array([text(value, "settings values") for value in values], np.str_)
    return fields.numbers("values", None, gaps=True)


_SETTINGS: dict[str, Callable[[Fields, int], dict[str, Any]]] = {
    "picture": _none,
    "strip": _strip,
    "sheet": _sheet,
    "manifold": _manifold,
    "samples": _samples,
    "reconstructions": _reconstructions,
    "map": _map,
}
