"""One sample of a stranger's checkpoint: opened, decoded and compared with what its own network made.

Which samples there are, and what is printed, is in `wild.py`.
"""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import ExplorerError
from explorer.models.base import NO_OPTIONS, DecodeOptions

if TYPE_CHECKING:
    from explorer.models.base import LatentModel

EXACT = 1e-3  # of the range
ALIKE = 0.98  # correlation of each picture
MOST_HINTS = 3
MOST_SECONDS = 60.0  # for one file

_WHOLE_FOLDER = ("model_config.json", "specs.json", "params.pkl", "config.json")
_NOT_A_CHECKPOINT = (".json", ".npz", ".txt", ".md")
_WANTED_PARTS = ("decoder", "generator", "model")
_TRUE_CODES = ("enc_mu", "enc_mean", "enc_z")

Arrays = Mapping[str, np.ndarray]
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of one sample.

    Attributes:
        name: its folder's.
        exact, alike: whether its pictures are right; the one includes the other.
        off: largest difference in shares of the range; NaN where there is nothing to compare.
        encoder: the same of the encoder's codes; None where the reference has none, NaN where the model has none.
        seconds: to open it and decode all codes.
        reason: why it is a miss, in words; empty where it is exact.
        needed: the hints that its diagnosis asks for, likeliest first.
    """

    name: str
    exact: bool = False
    alike: bool = False
    off: float = float("nan")
    encoder: float | None = None
    seconds: float = 0.0
    reason: str = ""
    needed: tuple[str, ...] = ()


class TooSlow(BaseException):
    """The time for one file is over; not an `Exception`, so that nothing on the way swallows it."""


def samples_in(folder: Path) -> list[Path]:
    """Return the samples in a folder, by name."""
    return sorted(path.parent for path in folder.glob("*/reference.npz"))


def checkpoint_in(sample: Path) -> Path:
    """Return what a person would open of a sample: a file, or the folder where its format is one.

    Raises:
        FileNotFoundError: it holds no checkpoint.
    """
    if any((sample / name).exists() for name in _WHOLE_FOLDER):
        return sample
    files = [path for path in sorted(sample.iterdir()) if path.suffix not in _NOT_A_CHECKPOINT]
    if not files:
        raise FileNotFoundError(f"{sample} holds no checkpoint.")
    for part in _WANTED_PARTS:
        for path in files:
            if path.is_file() and part in path.name.lower():
                return path
    return files[0]


def measured(sample: Path, hints: Mapping[str, str] | None = None, limit: float = MOST_SECONDS) -> Outcome:
    """Open a sample's checkpoint with these hints alone and compare what it makes with the reference."""
    reference, facts = _reference(sample), _facts(sample)
    has_codes = any(key in reference for key in _TRUE_CODES)
    found: dict[str, Any] = {"encoder": float("nan") if has_codes else None}
    begun, diagnosis = time.perf_counter(), None
    try:
        with _time_limit(limit):
            model = _opened(checkpoint_in(sample), hints)
            diagnosis = model.diagnosis
            found |= _pictures_compared(model, reference, facts)
            found["encoder"] = _encoder_off(model, reference, facts)
    except TooSlow:
        found["reason"] = f"took longer than {limit:g} s"
    except ExplorerError as error:
        diagnosis = getattr(error, "diagnosis", diagnosis)
        found["reason"] = str(error).replace(str(sample.resolve()), "...").replace(str(sample), "...")
    except Exception as error:  # a bug is one more miss in the table, not the table's end
        found["reason"] = f"bug: {type(error).__name__}: {error}"
    seconds = time.perf_counter() - begun
    needed = () if found.get("exact") else _needed(diagnosis)
    return Outcome(sample.name, **found, seconds=seconds, needed=needed)


def _reference(sample: Path) -> Arrays:
    with np.load(sample / "reference.npz") as file:
        return {key: file[key] for key in file.files}


def _facts(sample: Path) -> Facts:
    path = sample / "facts.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _opened(checkpoint: Path, hints: Mapping[str, str] | None) -> LatentModel:
    from explorer.formats import open_latent

    return open_latent(checkpoint, hints=dict(hints or {}), only_given=True).model  # type: ignore[return-value]


# ---- compared with the reference -------------------------------------------------------------------------------


def _pictures_compared(model: LatentModel, reference: Arrays, facts: Facts) -> dict[str, Any]:
    """Return the fields of an `Outcome` that the pictures tell."""
    codes = reference["z"].reshape(len(reference["z"]), -1)
    dim = model.spaces[model.default_space].dim
    if dim != codes.shape[1]:
        return {"reason": f"takes codes of {dim} numbers, its own network {codes.shape[1]}{_taken(model)}"}
    labels = reference.get("labels")
    made = _decoded(model, codes, labels)
    true = as_pictures(reference["images"], made.shape)
    if true is None:
        shape = "x".join(map(str, reference["images"].shape[1:]))
        return {"reason": f"makes pictures of {model.image}, its own network {shape}{_taken(model)}"}
    fields = compared(made, true, _span(facts, true))
    if not fields["exact"]:
        kind = "alike" if fields["alike"] else "another picture"
        unseen = "; that it takes labels was not seen" if labels is not None and not _labelled(model) else ""
        fields["reason"] = f"{kind}, differs by {fields['off']:.2g} of the range{unseen}{_taken(model)}"
    return fields


def _labelled(model: LatentModel) -> bool:
    return "labels" in model.accepts


def _decoded(model: LatentModel, codes: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """Return the network's own values `(N, C, H, W)` of codes `(N, D)`, by the engine that the program uses."""
    from explorer.render.renderer import Renderer

    options = NO_OPTIONS
    if labels is not None and _labelled(model):
        each = labels.reshape(len(labels), -1)
        options = DecodeOptions(labels=each[:, 0] if each.shape[1] == 1 else each)
    return Renderer(device="cpu").decode(model, codes, options=options, raw=True)


def _encoder_off(model: LatentModel, reference: Arrays, facts: Facts) -> float | None:
    """Return how far codes of pictures are off, in shares of the width of the true ones; see `Outcome.encoder`."""
    import torch

    true = next((reference[key] for key in _TRUE_CODES if key in reference), None)
    if true is None:
        return None
    spec = model.image
    images = as_pictures(reference["enc_x"], (len(true), spec.channels, spec.height or 0, spec.width or 0))
    if not model.has_encoder or images is None:
        return float("nan")
    low, high = facts.get("range") or (None, None)
    unit = images if low is None else (images - low) / (high - low)
    with torch.inference_mode():
        mean = model.encode(torch.tensor(unit, dtype=torch.float32)).mean.numpy()
    true, mean = (codes.reshape(len(codes), -1) for codes in (true, mean))
    return float(np.abs(mean - true).max() / np.ptp(true)) if mean.shape == true.shape else float("inf")


def as_pictures(array: np.ndarray, shape: Sequence[int]) -> np.ndarray | None:
    """Return pictures of any layout (flat, `(N, H, W)`, NHWC, NCHW) as `(N, C, H, W)`; None if they do not fit."""
    count, channels, height, width = shape
    if len(array) != count or array[0].size != channels * height * width:
        return None
    inner = array.shape[1:]
    if inner == (height, width, channels) and inner != (channels, height, width):
        return array.transpose(0, 3, 1, 2)
    fits = array.ndim == 2 or inner in ((channels, height, width), (height, width))
    return array.reshape(shape) if fits else None


def compared(made: np.ndarray, true: np.ndarray, span: float) -> dict[str, Any]:
    """Return `exact`, `alike` and `off` of pictures `(N, C, H, W)` against the true ones."""
    if not np.isfinite(made).all():
        return {"exact": False, "alike": False, "off": float("inf")}
    off = float(np.abs(made - true).max() / span)
    same = all(_is_alike(one, other, span) for one, other in zip(made, true, strict=True))
    return {"exact": off <= EXACT, "alike": off <= EXACT or same, "off": off}


def _is_alike(made: np.ndarray, true: np.ndarray, span: float) -> bool:
    """Return whether two pictures correlate; one without contrast must be met as it is."""
    a, b = made.astype(np.float64).ravel(), true.astype(np.float64).ravel()
    if b.std() < 1e-6 * span:
        return bool(np.abs(a - b).max() < 10 * EXACT * span)
    return bool(a.std() > 1e-6 * span and np.corrcoef(a, b)[0, 1] >= ALIKE)


def _span(facts: Facts, true: np.ndarray) -> float:
    """Return the width of a network's range: as the facts state it, else that of its pictures."""
    low, high = facts.get("range") or (None, None)
    return float(np.ptp(true)) if low is None or high is None else float(high - low)


# ---- words -----------------------------------------------------------------------------------------------------


def _taken(model: LatentModel) -> str:
    """Return what was guessed, in brackets."""
    guesses = model.diagnosis.guesses if model.diagnosis else ()
    told = ", ".join(f"{guess.hint} {guess.value}" for guess in guesses)
    return f" (taken: {told})" if told else f" (taken for {model.architecture})"


def _needed(diagnosis: Any) -> tuple[str, ...]:
    """Return the hints that a diagnosis asks for, each with what else is possible."""
    if diagnosis is None:
        return ()
    asked = (diagnosis.doubtful or diagnosis.guesses)[:MOST_HINTS]
    return tuple(f"{guess.hint}={'|'.join(guess.others) or '?'}" for guess in asked)


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise `TooSlow` in a block that takes longer, where the system has such an alarm."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
