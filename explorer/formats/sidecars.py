"""What is kept beside a checkpoint: found, and parsed and checked where it is a code book or hints; see also `notes`.

A sidecar lies beside its checkpoint, or in the user's data folder where the checkpoint's place cannot be
written or is the program's own; what lies in that folder goes before what lies beside.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.data.code_book import CodeBook
from explorer.data.wording import shown
from explorer.errors import CheckpointError, ExplorerError, LatentError, OutputError, UsageError
from explorer.models import ARCHITECTURES
from explorer.models.base import ImageSpec, LatentModel, NativeRange, PriorName
from explorer.models.layers import ACTIVATIONS, Layer, parse, parse_all
from explorer.paths import checkpoints, sidecar, user_folder

_MOST_TEXT = 1 << 20  # bytes; hints are never that long
_LARGEST_SIDE = 1 << 13
_MOST_PIXELS = 1 << 24
_MOST_NUMBERS = 1 << 20  # of a code, and of a first map


@dataclass(frozen=True)
class Hints:
    """How to read what a checkpoint does not say; None where nothing was said.

    Attributes:
        architecture: a family, such as `fc-vae`; no other is tried.
        image: channels, height and width of its pictures.
        range: the values the network uses for black and white.
        activation: between the hidden layers, in the words of `models.layers`.
        output: after the last layer; `identity` for none.
        layers: all layers of the decoder, in these words; those with weights take them in the file's order.
        latent: width of a code, without a label's part.
        classes: how many classes a conditional network knows; 0: it takes none.
        eps: of batch norm.
        upsample: `nearest`, `bilinear` or `bilinear,align`: scaling that leaves no weights.
        heads: how an encoder gives mean and variance.
        second: what its second half is.
        order: `CHW` or `HWC`, of a flat row of pixels.
        color: `RGB` or `BGR`.
        prior: what codes are drawn from.
        start: channels, height and width of the first map.
        entry: which part of the file, by the name of its entry.
        notes: sentences on what was left out.
    """

    architecture: str | None = None
    image: ImageSpec | None = None
    range: NativeRange | None = None
    activation: Layer | None = None
    output: Layer | None = None
    layers: tuple[Layer, ...] | None = None
    latent: int | None = None
    classes: int | None = None
    eps: float | None = None
    upsample: str | None = None
    heads: str | None = None
    second: str | None = None
    order: str | None = None
    color: str | None = None
    prior: PriorName | None = None
    start: tuple[int, int, int] | None = None
    entry: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def told(self) -> dict[str, str]:
        """The hints as texts, each as `--hint KEY=VALUE` takes it."""
        said = {name: getattr(self, name) for name in _PARSERS}
        return {name: _told(value) for name, value in said.items() if value is not None}


def _told(value: Any) -> str:
    """Return a hint's value as a text."""
    if isinstance(value, ImageSpec):
        return f"{value.channels}x{value.height}x{value.width}"
    if isinstance(value, NativeRange):
        return "logits" if value.logits else f"{_number(value.low)}..{_number(value.high)}"
    if isinstance(value, Layer):
        return value.text
    if isinstance(value, tuple):
        return " ".join(v.text for v in value) if isinstance(value[0], Layer) else "x".join(map(str, value))
    return _number(value) if isinstance(value, float) else str(value)


def find(checkpoint: Path, kind: str) -> Path | None:
    """Return the sidecar `NAME.kind` of a checkpoint, the user's own before a shipped one; None without any."""
    places = layers(checkpoint, kind)
    return places[-1] if places else None


def layers(checkpoint: Path, kind: str) -> list[Path]:
    """Return the sidecars `NAME.kind` that are there: the one beside the checkpoint, over it the user's own."""
    return [place for place in (sidecar(checkpoint, kind), _own_place(checkpoint, kind)) if place.is_file()]


def writable_place(checkpoint: Path, kind: str) -> Path:
    """Return where a sidecar is to be written: beside the checkpoint, or in the user's data folder.

    It goes to that folder where the place beside cannot be written, belongs to the program (bundled models
    stay as they were shipped), or would not be read, because a copy lies in that folder already. The folder
    is made where it is missing.

    Raises:
        OutputError: it cannot be made.
    """
    beside, own = sidecar(checkpoint, kind), _own_place(checkpoint, kind)
    can_write = os.access(beside.parent, os.W_OK) and (not beside.exists() or os.access(beside, os.W_OK))
    if can_write and not own.is_file() and not _is_shipped(checkpoint):
        return beside
    try:
        own.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"The folder {own.parent} cannot be made ({reason}); make it writable.") from error
    return own


def _is_shipped(checkpoint: Path) -> bool:
    """Return whether a checkpoint came with the program."""
    return checkpoint.resolve().is_relative_to(checkpoints().resolve())


def _own_place(checkpoint: Path, kind: str) -> Path:
    """Return the place in the user's data folder, told apart by the checkpoint's whole path."""
    folder = user_folder("data") / "sidecars"
    where = hashlib.sha256(os.fsencode(checkpoint.absolute())).hexdigest()[:12]
    return folder / f"{where}-{sidecar(checkpoint, kind).name}"


def read_hints(
    checkpoint: Path, given: Mapping[str, str] | None = None, *, only_given: bool = False
) -> Hints:
    """Return the hints of `NAME.hints.json`, each overridden by one that was `given`.

    Where hints are given, a file that cannot be used and entries that they replace are left out with a note.

    Args:
        checkpoint: whose.
        given: more hints, as texts.
        only_given: do without the file.

    Raises:
        CheckpointError: the file is no JSON object, or says something unknown.
        UsageError: a given hint is unknown or makes no sense.
    """
    ours = parsed_hints(given or {})
    if only_given:
        return Hints(**ours)
    said, notes = _hints_beside(checkpoint, ours)
    return Hints(**(said | ours), notes=tuple(notes))


def parsed_hints(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return hints as `Hints` holds them.

    Raises:
        UsageError: one is unknown or makes no sense.
    """
    return {key: _hint(key, value, UsageError, "") for key, value in given.items()}


def _hints_beside(checkpoint: Path, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what `NAME.hints.json` says, and notes on what of it is left out in favour of those `given`."""
    path = find(checkpoint, "hints.json")
    if path is None:
        return {}, []
    try:
        entries = read_json(path)
    except CheckpointError as error:
        if not given:
            raise
        return {}, [f"The hints beside the checkpoint were left out, since others were given: {error}"]
    said, notes = {}, []
    for key, value in entries.items():
        try:
            said[key] = _hint(key, value, CheckpointError, f"{path}: ")
        except CheckpointError as error:
            if not given or (key in _PARSERS and key not in given):
                raise
            notes.append(f"A hint beside the checkpoint was left out, since others were given: {error}")
    return said, notes


def read_code_book(checkpoint: Path, model: LatentModel) -> tuple[CodeBook | None, list[str]]:
    """Return the code book `NAME.codes.npz` where one is there and fits, and notes where one does not."""
    path = find(checkpoint, "codes.npz")
    if path is None:
        return None, []
    try:
        book = CodeBook.load(path)
    except LatentError as error:
        return None, [f"The code book was left out: {error}"]
    again = "it was left out; make it again with encode."
    space = model.spaces.get(book.space)
    if space is None:
        return None, [f"The code book {path} is of the space {book.space}, which is not here; {again}"]
    if book.dim != space.dim:
        return None, [
            f"The code book {path} has {book.dim} dimensions where the model has {space.dim}; {again}"
        ]
    if book.model_sha256 and model.origin and book.model_sha256 != model.origin.sha256:
        return None, [f"The code book {path} was made with another checkpoint; {again}"]
    if not book.was_read_as(model):
        return None, [
            f"The code book {path} was made while the checkpoint was read in another way (by other hints), so the "
            f"same pictures have other codes now; {again}"
        ]
    return book, []


def read_json(path: Path, most: int = _MOST_TEXT) -> dict[str, Any]:
    """Return the object in a JSON file of at most so many bytes.

    Raises:
        CheckpointError: it is none.
    """
    try:
        if path.stat().st_size > most:
            raise ValueError
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({(error.strerror or 'failed').lower()}).") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not valid JSON; mend or remove it.") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} should hold a JSON object in braces; mend or remove it.")
    return found


def _hint(key: str, value: Any, error: type[ExplorerError], where: str) -> Any:
    """Return the value of one hint, as `Hints` holds it."""
    if key not in _PARSERS:
        known = ", ".join(_PARSERS)
        raise error(f"{where}There is no hint called {shown(key, 40)}; the known ones are {known}.")
    if value in ("", []):
        raise error(f"{where}The hint {key} has no value; give {_EXAMPLES[key]}, or leave it out.")
    try:
        return _PARSERS[key](value)
    except (ValueError, TypeError, OverflowError) as reason:
        why = f" ({shown(reason, 120)})" if key == "layers" and str(reason) else ""
        raise error(
            f"{where}The hint {key} cannot be {shown(value, 40)}{why}; give {_EXAMPLES[key]}."
        ) from reason


def _parse_architecture(value: Any) -> str:
    if value not in ARCHITECTURES:
        raise ValueError(value)
    return value


def _parse_range(value: Any) -> NativeRange:
    """`0..255`, or `[0, 255]`, or `logits`."""
    if value == "logits":
        return NativeRange(logits=True)
    low, high = map(float, value.split("..") if isinstance(value, str) else _listed(value, int | float))
    if not -1e9 < low < high < 1e9:
        raise ValueError(value)
    return NativeRange(low, high)


def _parse_image(value: Any) -> ImageSpec:
    """`1x28x28`, `28x28`, or `[1, 28, 28]`."""
    sides = [*map(int, value.replace(",", "x").split("x") if isinstance(value, str) else _listed(value, int))]
    if len(sides) == 2:
        sides.insert(0, 1)
    channels, height, width = sides
    fits = 0 < height <= _LARGEST_SIDE and 0 < width <= _LARGEST_SIDE and height * width <= _MOST_PIXELS
    if channels not in (1, 3, 4) or not fits:
        raise ValueError(value)
    return ImageSpec(channels, height, width)


def _parse_start(value: Any) -> tuple[int, int, int]:
    """`128x7x7`, or `[128, 7, 7]`."""
    sides = [*map(int, value.replace(",", "x").split("x") if isinstance(value, str) else _listed(value, int))]
    channels, height, width = sides
    if min(sides) < 1 or max(sides) > 1 << 16 or math.prod(sides) > _MOST_NUMBERS:
        raise ValueError(value)
    return channels, height, width


def _parse_activation(value: Any) -> Layer:
    layer = parse(value)
    if layer.kind not in (*ACTIVATIONS, "identity"):
        raise ValueError(value)
    return layer


def _parse_layers(value: Any) -> tuple[Layer, ...]:
    if isinstance(value, list) and not all(isinstance(word, str) for word in value):
        raise TypeError("its entries are no words")
    return parse_all(value)


def _count(low: int, high: int) -> Callable[[Any], int]:
    """Return a parser of whole numbers from `low` to `high`."""

    def parsed(value: Any) -> int:
        number = int(value) if isinstance(value, str) else _listed([value], int)[0]
        if not low <= number <= high:
            raise ValueError(value)
        return number

    return parsed


def _parse_eps(value: Any) -> float:
    number = float(value)
    if not 0 < number < 100 or isinstance(value, bool):
        raise ValueError(value)
    return number


def _one_of(*words: str) -> Callable[[Any], str]:
    """Return a parser that takes these words alone."""

    def parsed(value: Any) -> str:
        if value not in words:
            raise ValueError(value)
        return value

    return parsed


def _parse_entry(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise ValueError(value)
    return value


def _listed(value: Any, kind: Any) -> list[Any]:
    """Return a list of numbers; `true` is none, and 1.9 is no number of pixels."""
    if not isinstance(value, list) or not all(
        isinstance(entry, kind) and not isinstance(entry, bool) for entry in value
    ):
        raise TypeError(value)
    return value


def _number(value: float) -> str:
    """Return a number with as few digits as say it exactly."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "architecture": _parse_architecture,
    "range": _parse_range,
    "image": _parse_image,
    "activation": _parse_activation,
    "output": _parse_activation,
    "layers": _parse_layers,
    "latent": _count(1, _MOST_NUMBERS),
    "classes": _count(0, 1 << 16),
    "eps": _parse_eps,
    "upsample": _one_of("nearest", "bilinear", "bilinear,align"),
    "heads": _one_of("separate", "halves", "interleaved", "single"),
    "second": _one_of("logvar", "logsigma", "sigma"),
    "order": _one_of("CHW", "HWC"),
    "color": _one_of("RGB", "BGR"),
    "prior": _one_of("normal", "uniform", "sphere", "none"),
    "start": _parse_start,
    "entry": _parse_entry,
}
_EXAMPLES = {
    "architecture": "one of " + ", ".join(ARCHITECTURES),
    "range": "the values of black and white, such as 0..1, -1..1 or 0..255, or logits",
    "image": "channels x height x width, such as 1x28x28 or 3x64x64",
    "activation": "an activation such as relu, leaky_relu:0.2 or tanh, or identity",
    "output": "an activation such as sigmoid, tanh or identity",
    "layers": "the decoder's layers, such as 'linear relu reshape:32,7,7 convT:s2p1 tanh'",
    "latent": "the width of a code, such as 20",
    "classes": "how many classes there are, 0 for none",
    "eps": "a small number such as 1e-5",
    "upsample": "nearest, bilinear or bilinear,align",
    "heads": "separate, halves, interleaved or single",
    "second": "logvar, logsigma or sigma",
    "order": "CHW or HWC",
    "color": "RGB or BGR",
    "prior": "normal, uniform, sphere or none",
    "start": "channels x height x width of the first map, such as 128x7x7",
    "entry": "the name of an entry of the file, such as g_ema",
}
HINTS = tuple(_PARSERS)
"""All hints by key."""


def example(hint: str) -> str:
    """Return what a hint may be, to stand behind "give"."""
    return _EXAMPLES[hint]
