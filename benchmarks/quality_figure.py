"""What one figure of quality is, and the reference data that figures are measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.training.pictures import TrainingPictures

HELD_OUT_FACES = 2048


@dataclass(frozen=True)
class QualityFigure:
    """One figure; None where it could not be measured, `note` says why.

    Attributes:
        name: a path that begins with the model's name, `faces-wgan-gp/swd/64`.
        value, unit: what was measured.
        baseline: what it is held against, which `note` names.
        ratio: value / baseline.
    """

    name: str
    value: float | None
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    note: str = ""


Measure = Callable[[Path], list[QualityFigure]]


def figure(
    name: str, value: float, unit: str, baseline: float | None = None, note: str = ""
) -> QualityFigure:
    """Return a figure with the ratio to its baseline, where there is one."""
    return QualityFigure(name, value, unit, baseline, value / baseline if baseline else None, note)


def faces(data: Path) -> TrainingPictures:
    """Return the colour faces, 64x64, split as they were for the models that learnt from them."""
    from explorer.models.base import ImageSpec
    from explorer.training.pictures import load

    path = data / "anime-faces-64" / "faces.zip"
    return load(path, ImageSpec(3, 64, 64), hold_out=HELD_OUT_FACES, near_copy=500.0)
