"""A recipe as text and back: JSON, plain ASCII, so that it survives in any kind of file.

    {"latent-explorer": "recipe", "schema": 1, "program": "0.1.0", "kind": "strip",
     "model": {"name": "anime-faces", "sha256": "...", "hints": {"range": "0..1"}}, "space": "z", "dim": 10,
     "codes": [[0.5, ...], ...], "stages": [{"name": ..., "sha256": ..., "hints": {}}], "options": {},
     "settings": {...}, "style": {...}, "labels": [], "sources": ["PNG in base64", null], "precision": "exact"}

A float32 is written with as few digits as say it exactly; what is not a number is null. Codes, points and
sources that would make the text too long are left out. The text is a stranger's when it is read: what may stand
in it is in `recipe_check`.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, get_args

import numpy as np

from explorer import __version__
from explorer.data import safe_json
from explorer.data.picture import decode_told
from explorer.data.wording import showable, shown
from explorer.errors import ImageError, RecipeError
from explorer.export.layout import to_image
from explorer.export.recipe import KINDS, MARK, MOST_NUMBERS, MOST_POINTS, SCHEMA, Network, Precision, Recipe
from explorer.export.recipe_check import (
    LEFT_OUT,
    MOST_SAMPLES,
    checked_hints,
    checked_options,
    checked_settings,
    checked_style,
)
from explorer.export.recipe_fields import LONGEST, Damaged, Fields, text

MOST_TEXT = 64_000_000
"""Letters of a recipe; Pillow opens no PNG with more text than about this."""

MOST_SOURCES = 16_000_000
"""Letters of all sources in base64."""

_MOST_SOURCE_PIXELS = 50_000_000  # of all sources
_MOST_LETTERS = 2_000_000  # of all labels
_MOST_COLUMN = 10_000_000  # of the texts that colour a map, as JSON
_MOST_DIM = 10_000_000
# How many codes a kind has; those of samples and reconstructions may be too many to be carried.
_CODES = {"picture": 1, "strip": 2, "sheet": 1, "manifold": 1, "map": 0}


def to_json(recipe: Recipe) -> str:
    """Return a recipe as one line of ASCII.

    Raises:
        RecipeError: its codes hold something that is not a number.
    """
    if not np.isfinite(recipe.codes).all():
        raise RecipeError("The codes hold values that are not numbers, so no recipe can be made of them.")
    carries_codes = recipe.codes.size <= MOST_NUMBERS or recipe.kind in _CODES
    value = {
        MARK: "recipe",
        "schema": SCHEMA,
        "program": __version__,
        "kind": recipe.kind,
        "model": _described(recipe.model),
        "space": recipe.space,
        "dim": recipe.codes.shape[1],
        "codes": recipe.codes if carries_codes else [],
        "stages": [_described(stage) for stage in recipe.stages],
        "options": {name: LEFT_OUT if _is_huge(value) else value for name, value in recipe.options.items()},
        "settings": _carried(recipe.settings),
        "style": asdict(recipe.style),
        "labels": _shortened(recipe.labels),
        "sources": _packed(recipe.sources),
        "precision": recipe.precision,
    }
    return json.dumps(_plain(value), ensure_ascii=True, allow_nan=False, separators=(", ", ": "))


def recipe_from(written: str, where: str = "the text") -> Recipe:
    """Return the recipe that `to_json` wrote.

    Args:
        written: anything.
        where: what holds it, for messages.

    Raises:
        RecipeError: it is none, damaged, or written by a newer program; one sentence says which.
    """
    try:
        fields = Fields(_taken_apart(written))
        _check_version(fields, where)
        return _recipe(fields)
    except (Damaged, ImageError) as error:
        raise RecipeError(
            f"The recipe in {where} is damaged ({str(error).rstrip('.')}); export the picture anew."
        ) from error


def _described(network: Network) -> dict[str, Any]:
    """Return a network as JSON has it; unknown hints are left out."""
    value = {"name": network.name, "sha256": network.sha256}
    return value if network.hints is None else value | {"hints": dict(network.hints)}


def _carried(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without the points of a map where they, or the texts that colour them, are too many."""
    values = settings.get("values")
    letters = 0
    if isinstance(values, np.ndarray) and values.dtype.kind == "U":
        letters = len(json.dumps(values.tolist()))
    if len(settings.get("points", ())) <= MOST_POINTS and letters <= _MOST_COLUMN:
        return dict(settings)
    return {name: value for name, value in settings.items() if name not in ("points", "values")}


def _shortened(texts: Sequence[str]) -> list[str]:
    """Return texts, so short that all of them can be carried."""
    most = min(LONGEST, max(20, _MOST_LETTERS // max(1, len(texts))))
    return [entry[:most] for entry in texts]


def _is_huge(value: object) -> bool:
    """Return whether an option, plain values, has too many entries to be carried."""
    if not isinstance(value, list):
        return False
    return sum(len(row) if isinstance(row, list) else 1 for row in value) > MOST_SAMPLES


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what is not a number becomes null."""
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray):
        return _plain_array(value)
    if isinstance(value, np.generic):
        return _plain_array(value.reshape(1))[0]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # names of files may hold half letters
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, Sequence):
        return [_plain(entry) for entry in value]
    return value


def _plain_array(array: np.ndarray) -> list[Any]:
    """Return an array as lists; float32 with as few digits as say it exactly."""
    if array.dtype.kind != "f":
        return (
            _plain([entry[:LONGEST] for entry in array.tolist()])
            if array.dtype.kind == "U"
            else array.tolist()
        )
    exact = array.astype(np.float64)
    if array.dtype == np.float32:
        short = array.astype(str).astype(np.float64)
        with np.errstate(over="ignore"):
            exact = np.where(short.astype(np.float32) == array, short, exact)
    if np.isfinite(exact).all():
        return exact.tolist()
    gaps = exact.astype(object)
    gaps[~np.isfinite(exact)] = None
    return gaps.tolist()


def _packed(sources: Sequence[np.ndarray | None]) -> list[str | None]:
    """Return pictures as PNG in base64; none at all where they are too large to be carried."""
    packed: list[str | None] = []
    room = MOST_SOURCES
    for source in sources:
        data = io.BytesIO()
        if source is not None:
            to_image(source).save(data, "png")
        packed.append(base64.b64encode(data.getvalue()).decode("ascii") if source is not None else None)
        room -= len(packed[-1] or "")
        if room < 0:
            return []
    return packed


def _taken_apart(written: str) -> object:
    """Return what JSON says, of a text that cannot take more than some hundred megabytes."""
    try:
        return safe_json.parse(written, MOST_TEXT)
    except safe_json.Refused as error:
        raise Damaged(str(error)) from error
    except ValueError as error:
        raise Damaged("it is no JSON") from error


def _check_version(fields: Fields, where: str) -> None:
    """Refuse what is no recipe, or one of another time."""
    if fields.get(MARK) != "recipe":
        if fields.has("kind") and fields.has("version"):
            raise RecipeError(
                f"The recipe in {where} was written by an early version of this program, which did not keep "
                "all that is needed; export the picture anew."
            )
        raise RecipeError(f"There is no recipe of this program in {where}; give a picture it exported.")
    schema = fields.get("schema")
    if type(schema) is int and schema > SCHEMA:
        program = shown(fields.get("program", "unknown"), 20)
        raise RecipeError(
            f"The recipe in {where} was written by a newer Latent Explorer ({program}); update this program to "
            "use it."
        )
    fields.whole("schema", 1, SCHEMA)


def _recipe(fields: Fields) -> Recipe:
    kind = fields.choice("kind", KINDS)
    dim = fields.whole("dim", 1, _MOST_DIM)
    stages = fields.list("stages", 100)
    labels = fields.list("labels", MOST_SAMPLES)
    sources = fields.list("sources", MOST_SAMPLES)
    codes = fields.numbers("codes", None, dim)
    settings = checked_settings(kind, fields.get("settings"), dim)
    _check_counts(kind, codes, settings, len(sources))
    return Recipe(
        kind=kind,
        model=_network(fields.get("model"), "model"),
        space=fields.word("space"),
        codes=codes,
        stages=tuple(_network(stage, "stage") for stage in stages),
        options=checked_options(fields.get("options", {})),
        settings=settings,
        style=checked_style(fields.get("style", {})),
        labels=tuple(_label(label) for label in labels),
        sources=_unpacked(sources),
        precision=fields.choice("precision", get_args(Precision), "exact"),
    )


def _label(value: object) -> str:
    """Return a label, of any lines, without what upsets a screen or a file."""
    return "\n".join(showable(line, LONGEST) for line in text(value, "a label").split("\n"))


def _check_counts(kind: str, codes: np.ndarray, settings: Mapping[str, Any], sources: int) -> None:
    """Check that there are as many codes and sources as the kind has; those left out are found out later."""
    wanted = {"samples": settings.get("count"), "reconstructions": sources or len(codes)} | _CODES
    left_out = kind in ("samples", "reconstructions") and not len(codes)
    if len(codes) != wanted[kind] and not left_out:
        raise Damaged(f"{len(codes)} codes where {wanted[kind]} belong")
    if sources and sources != {"strip": 2, "reconstructions": sources}.get(kind):
        raise Damaged("it has more sources than it can show")
    errors = len(settings.get("errors", ()))
    if errors not in (0, len(codes)) and not left_out:
        raise Damaged(f"{errors} errors for {len(codes)} pictures")


def _network(value: object, where: str) -> Network:
    fields = Fields(value, where)
    hints = checked_hints(fields.get("hints"), f"{where} hints") if fields.has("hints") else None
    if not fields.has("sha256"):
        return Network(fields.text("name"), None, hints)
    sha256 = fields.text("sha256")
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise Damaged(f"{where} sha256 is no hash")
    return Network(fields.text("name"), sha256, hints)


def _unpacked(sources: Sequence[object]) -> tuple[np.ndarray | None, ...]:
    """Return the pictures of a recipe, uint8 `(H, W, 1|3)`; their size is known before they are unpacked."""
    data = [None if source is None else _png(source) for source in sources]
    pixels = sum(_sides(entry)[0] * _sides(entry)[1] for entry in data if entry)
    if pixels > _MOST_SOURCE_PIXELS:
        raise Damaged("its sources are too large")
    return tuple(None if entry is None else _picture(entry) for entry in data)


def _png(source: object) -> bytes:
    if not isinstance(source, str):
        raise Damaged("a source is no text")
    try:
        data = base64.b64decode(source, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Damaged("a source is no base64") from error
    if data[:16] != b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" or len(data) < 33:
        raise Damaged("a source is no PNG")
    return data


def _sides(png: bytes) -> tuple[int, int]:
    """Return width and height as a PNG's first chunk says them."""
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def _picture(png: bytes) -> np.ndarray:
    image, _ = decode_told(png, "a source")
    return np.atleast_3d(np.asarray(image))
