"""Draws faces anew by a model with several decoders for one code, and lays them back where they were.

That is how face swaps are made: an encoder has learnt the faces of two people, a decoder of each draws its own, and
the code of one person's face goes into the other's decoder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from explorer.data.picture import to_channels
from explorer.errors import UsageError
from explorer.faces import MARGIN
from explorer.faces.alignment import Alignment, Face, align, centre
from explorer.faces.blending import Mask, face_mask, pasted, recoloured, square_mask
from explorer.faces.finding import Finder, overlap
from explorer.models.base import DecodeOptions, LatentModel

if TYPE_CHECKING:
    from explorer.render.renderer import Renderer

Draw = Callable[[np.ndarray], np.ndarray]
"""From faces, uint8 `(N, S, S, 3)`, to others of the same shape."""

_SAME = 0.5  # of the area: a face of the frame before
_STILL, _MOVED = 0.01, 0.06  # of a face's side, between two frames: trembling of the finder, and movement
_LEAST = 0.2  # of the way that a face goes in one frame


@dataclass(frozen=True)
class Blend:
    """How a new face is laid over the old one.

    Attributes:
        margin: room around a face that the model knows, as a share of the face's side.
        colours: whether it takes the colours of the old one.
    """

    margin: float = MARGIN
    colours: bool = True


class Artist:
    """A model that draws the faces it is given by another decoder.

    Args:
        model: with an encoder and two decoders at least.
        head: which decoder draws; None: the second.
        renderer: what computes.

    Raises:
        UsageError: the model has no encoder or one decoder, no such decoder, or draws no squares.
    """

    def __init__(self, model: LatentModel, head: str | None, renderer: Renderer) -> None:
        _check(model, head)
        self.model, self._renderer = model, renderer
        self.head = head or model.heads[1]
        self.size = model.image.width or 0
        self.bad = 0
        """Pixels that were no numbers, so far."""

    @property
    def note(self) -> str:
        """What is to be said of the model, a sentence."""
        bad = f", {self.bad} of its pixels were no numbers" if self.bad else ""
        return (
            f"The decoder {self.head} of {self.model.name} drew them (of {', '.join(self.model.heads)}){bad}."
        )

    def __call__(self, faces: np.ndarray) -> np.ndarray:
        """Return faces as the other decoder draws them, uint8 `(N, S, S, 3)` both."""
        from explorer.render.pixels import to_uint8

        model = self.model
        codes, _ = self._renderer.encode(model, to_channels(faces, model.image.channels))
        images = self._renderer.decode(model, codes, options=DecodeOptions(head=self.head))
        pixels, bad = to_uint8(images)
        self.bad += bad
        return to_channels(pixels, 3)


def _check(model: LatentModel, head: str | None) -> None:
    if len(model.heads) < 2 or not model.has_encoder:
        lacks = "one decoder" if model.has_encoder else "no encoder"
        raise UsageError(
            f"{model.name} has {lacks}, and a swap needs an encoder with two; train one: train twin-autoencoder."
        )
    if head is not None and head not in model.heads:
        raise UsageError(f"{model.name} has no decoder {head[:40]}; choose one of {', '.join(model.heads)}.")
    if model.image.width != model.image.height or model.image.channels not in (1, 3):
        raise UsageError(
            f"{model.name} draws pictures of {model.image}, and a swap needs square ones, grey or RGB."
        )


@dataclass(eq=False)
class Swap:
    """Swaps the faces of one picture after the other.

    Attributes:
        draw: what draws faces of `size` pixels anew.
        finder: who finds them; None: the centre of each picture is one.
        blend: how they are laid back.
        is_film: whether pictures follow each other, so that a face moves little between two.
    """

    draw: Draw
    size: int
    finder: Finder | None
    blend: Blend
    is_film: bool = False
    _before: list[tuple[Face, Alignment]] = field(default_factory=list)

    def __call__(self, pixels: np.ndarray) -> tuple[np.ndarray, int]:
        """Return a picture, uint8 `(H, W, 3)`, with its faces drawn anew, and how many there are."""
        squares = self.squares(pixels)
        if not squares:
            return pixels, 0
        faces = np.stack([square.crop(pixels, self.size) for square in squares])
        for square, face, drawn in zip(squares, faces, self.draw(faces), strict=True):
            if self.blend.colours:
                drawn = recoloured(drawn, face, self.blend.margin)
            pixels = pasted(pixels, drawn, square, self._mask(square, pixels))
        return pixels, len(squares)

    def _mask(self, square: Alignment, pixels: np.ndarray) -> Mask:
        if self.finder is None:
            return square_mask(square, pixels.shape[1], pixels.shape[0])
        return face_mask(self.blend.margin)

    def squares(self, pixels: np.ndarray) -> list[Alignment]:
        """Return where the faces of the next picture are."""
        if self.finder is None:
            return [centre(pixels.shape[1], pixels.shape[0])]
        found = [(face, align(face, self.blend.margin)) for face in self.finder.find(pixels)]
        if self.is_film:
            found = [(face, self._steadied(face, square)) for face, square in found]
            self._before = found
        return [square for _, square in found]

    def _steadied(self, face: Face, square: Alignment) -> Alignment:
        """Return a square nearer to that of the frame before, the less it moved: eyes are found a little off."""
        near = [old for other, old in self._before if overlap(face, other) > _SAME]
        if not near:
            return square
        moved = float(np.abs(square.corners - near[0].corners).max()) / square.side
        share = min(max((moved - _STILL) / (_MOVED - _STILL), _LEAST), 1.0)
        between = (
            old + share * (new - old) for old, new in zip(astuple(near[0]), astuple(square), strict=True)
        )
        return Alignment(*between)
