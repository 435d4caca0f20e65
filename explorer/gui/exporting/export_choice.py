"""What the Export dialog is set to: plain values, remembered as JSON from one start to the next; no widget."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from explorer.export.recipe import KINDS, Kind, Style

FORMATS = ("png", "webp", "gif")
TITLES: dict[Kind, str] = {
    "picture": "Picture",
    "strip": "Strip",
    "sheet": "Sheet of dimensions",
    "manifold": "Manifold grid",
    "samples": "Samples",
    "reconstructions": "Reconstructions",
    "map": "Map",
}
RANGES = {
    "scale": (0, 64),
    "margin": (0, 400),
    "gap": (0, 200),
    "milliseconds": (20, 2000),
    "sheet_steps": (2, 31),
    "manifold_steps": (2, 60),
    "count": (1, 10_000),
    "seed": (-1, 2**31 - 1),
    "pairs": (1, 500),
}
"""Smallest and largest value of each number."""

CAPTIONED: tuple[Kind, ...] = ("sheet", "reconstructions", "map")  # that have captions unless told otherwise


@dataclass(frozen=True)
class ExportChoice:
    """How a picture is exported.

    Attributes:
        kind: what.
        format: the file's suffix without the dot.
        scale: whole-number enlargement; 0 takes what small pictures need.
        margin, gap: pixels.
        captions: for the kinds with and without captions of their own, whether they are written.
        background: `#rrggbb`.
        film: a strip as an animation, `back` to and fro, `milliseconds` a frame.
        sheet_steps, manifold_steps: pictures in a row.
        active_only: a sheet of the active dimensions alone.
        count: samples.
        seed: of the samples; -1 is the one that is shown, else 0.
        pairs: reconstructions, of the pictures at the path `pictures`.
        ground: the map with its decoded background.
    """

    kind: Kind = "picture"
    format: str = "png"
    scale: int = 0
    margin: int = 0
    gap: int = 0
    captions: bool = True
    other_captions: bool = False
    background: str = "#ffffff"
    film: bool = True
    back: bool = False
    milliseconds: int = 90
    sheet_steps: int = 9
    active_only: bool = False
    manifold_steps: int = 15
    count: int = 64
    seed: int = -1
    pairs: int = 18
    pictures: str = ""
    ground: bool = True

    @property
    def is_film(self) -> bool:
        """Whether frames follow each other."""
        return self.kind == "strip" and self.film and self.format in ("gif", "webp")

    @property
    def has_captions(self) -> bool:
        """Whether texts stand beside the pictures of this kind."""
        return self.captions if self.kind in CAPTIONED else self.other_captions

    @property
    def style(self) -> Style:
        """How the page is laid out."""
        return Style(self.scale or None, self.margin, self.gap, self.has_captions, self.background)

    def file_name(self, model: str) -> str:
        """Return the name to suggest for a file, `faces strip.png`."""
        safe = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", model).strip(" .") or "picture"
        return str(Path(f"{safe[:80]} {TITLES[self.kind].split()[0].lower()}.{self.format}"))

    def to_text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))


def choice_from(text: str) -> ExportChoice:
    """Return what `to_text` wrote; whatever makes no sense is the default."""
    try:
        told = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        told = {}
    told = told if isinstance(told, dict) else {}
    usual = ExportChoice()
    sound: dict[str, Any] = {
        field.name: told[field.name]
        for field in fields(usual)
        if field.name in told and _is_sound(field.name, told[field.name], getattr(usual, field.name))
    }
    return ExportChoice(**sound)


def _is_sound(name: str, value: object, usual: object) -> bool:
    if type(value) is not type(usual):
        return False
    if name in RANGES:
        low, high = RANGES[name]
        return low <= value <= high  # type: ignore[operator]
    if name == "background":
        return re.fullmatch("#[0-9a-fA-F]{6}", str(value)) is not None
    choices: dict[str, tuple[str, ...]] = {"kind": KINDS, "format": FORMATS}
    return name not in choices or value in choices[name]
