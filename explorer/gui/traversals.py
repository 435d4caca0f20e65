"""Pictures along each dimension through the current code: asked for, kept, and known to be old."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from explorer.gui.pictures import PictureSource, to_qimage
from explorer.gui.session import Session
from explorer.gui.widgets.dimension_row import PICTURES
from explorer.latent import traversal
from explorer.render.requests import Result

KEPT = 64  # rows


class Traversals(QObject):
    """Seven pictures a dimension, -3..3 spreads around its centre, the other dimensions as in the code.

    A change of dimension i alone leaves the pictures of i as they are; all others grow old, and are shown
    until newer ones come.
    """

    arrived = Signal(int)  # dimension

    def __init__(self, session: Session, pictures: PictureSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self._images: dict[int, tuple[QImage, ...]] = {}
        self._shown_for: dict[int, np.ndarray] = {}  # the code that the pictures of a dimension were made at
        self._asked_for: dict[int, np.ndarray] = {}

    def images(self, index: int) -> tuple[QImage, ...]:
        """Return the newest pictures of a dimension, low to high, or none."""
        return self._images.get(index, ())

    def forget(self) -> None:
        """Drop everything: another model or space."""
        self._images.clear()
        self.expire()

    def expire(self) -> None:
        """Call every picture old: the stages changed."""
        self._shown_for.clear()
        self._asked_for.clear()
        self._pictures.cancel("traversal:")

    def ask(self, dims: Sequence[int], side: int) -> None:
        """Ask for the pictures of these dimensions where they are old, shown `side` px large."""
        if any(dim not in dims for dim in self._asked_for):  # rows that scrolled away
            self._asked_for.clear()
            self._pictures.cancel("traversal:")
        code, space = self._session.code, self._session.space
        for dim in dims if space is not None else ():
            if self._is_of(self._shown_for, dim, code) or self._is_of(self._asked_for, dim, code):
                continue
            self._asked_for[dim] = code
            codes = traversal.traverse(code, dim, traversal.span(space, dim, PICTURES))  # type: ignore[arg-type]
            self._pictures.want(f"traversal:{dim}", codes, self._on_rendered, max_side=2 * side)

    @staticmethod
    def _is_of(made_at: dict[int, np.ndarray], dim: int, code: np.ndarray) -> bool:
        """Return whether pictures along `dim` through both codes are the same ones."""
        other = made_at.get(dim)
        if other is None or other is code:
            return other is code
        different = np.flatnonzero(other != code) if other.shape == code.shape else np.arange(2)
        return len(different) == 0 or (len(different) == 1 and int(different[0]) == dim)

    def _on_rendered(self, result: Result) -> None:
        dim = int(result.slot.partition(":")[2])
        pictures = getattr(result, "pictures", None)
        asked = self._asked_for.pop(dim, None)
        if pictures is None or asked is None:  # the canvas tells the error
            return
        self._images.pop(dim, None)
        self._images[dim] = tuple(to_qimage(picture) for picture in pictures)
        self._shown_for[dim] = asked
        while len(self._images) > KEPT:
            oldest = next(iter(self._images))
            del self._images[oldest]
            self._shown_for.pop(oldest, None)
        self.arrived.emit(dim)
