"""The brush of models whose codes are maps: strokes over the picture become blends of the map there.

It keeps how the brush is set, which is no part of what undo brings back, and hands the session codes. The maths is in
`latent.brush`; ring and presses are `widgets/picture_view.py`'s, the controls `widgets/brush_row.py`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QPointF, Signal

from explorer.gui import spaces
from explorer.gui.widgets.brush_row import Source
from explorer.latent import brush as maths

if TYPE_CHECKING:
    from explorer.gui.pictures import PictureSource
    from explorer.gui.session import Session
    from explorer.gui.widgets.brush_row import BrushRow
    from explorer.gui.widgets.picture_view import PictureView
    from explorer.models.space import Space

Sides = tuple[int, int]  # height and width

SOFTNESS = 0.75  # which share of the radius fades out
STEP = 1.25  # of a key, in the radius
_FIRST = 1 / 8  # of the picture's shorter side: the first radius
_LARGEST = 1 / 2
_NO_END = "The strip has no {side} yet; Ctrl+{key} makes the current picture {side}."
_NO_ORIGINAL = "No picture was encoded yet; drop one on the window."
_NO_BOOK = "No pictures were encoded yet; Latent, Encode the pictures of a folder, does it."
_NO_WAY = "The brush paints on the map of the model, to which no way leads from this space and back."


@dataclass
class _Stroke:
    """A stroke that is being drawn."""

    number: int
    base: np.ndarray  # (C, h, w), the map before it
    target: np.ndarray  # likewise, what is painted towards
    weights: np.ndarray  # (h, w), what it has touched
    picture: Sides  # of the picture on the canvas, px
    last: tuple[float, float]


class Brush(QObject):
    """Paints the current code towards another one, where a hand goes over the picture."""

    changed = Signal()  # whether it is on or possible, and how it is set

    def __init__(
        self,
        session: Session,
        pictures: PictureSource,
        view: PictureView,
        row: BrushRow,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self._view = view
        self._row = row
        self._is_on = False
        self._wanted = "A"  # key of a source, which may not be there now
        self._radius: tuple[Sides, float] | None = None  # the picture that it was chosen on, and px
        self._strength = 1.0
        self._seen: Sides = (1, 1)  # of the picture that the controls go by
        self._stroke: _Stroke | None = None
        self._count = 0  # of strokes
        self._is_setting = False
        self._random = np.random.default_rng()
        for signal in (session.model_changed, session.space_changed):
            signal.connect(self._on_space_changed)
        session.anchors_changed.connect(self._refresh)
        session.original_changed.connect(self._refresh)
        session.code_changed.connect(self._on_code_changed)
        view.stroke_began.connect(self._on_stroke_began)
        view.stroke_moved.connect(self._on_stroke_moved)
        view.stroke_ended.connect(self._on_stroke_ended)
        view.view_changed.connect(self._on_view_changed)
        row.source_chosen.connect(self.choose)
        row.radius_moved.connect(self.set_radius)
        row.radius_held.connect(view.show_ring)
        row.strength_moved.connect(self.set_strength)
        self._refresh()

    # ---- how it is set ----

    @property
    def exists(self) -> bool:
        """Whether the codes of the open model are maps."""
        return self._first is not None

    @property
    def why_not(self) -> str:
        """Why it cannot paint now, empty where it can."""
        first, shown = self._first, self._session.space
        if first is None or shown is None:
            return "The codes of this model are no maps."
        both = shown.name == first.name or (first.name in shown.mappings and shown.name in first.mappings)
        return "" if both else _NO_WAY

    @property
    def is_on(self) -> bool:
        """Whether a press on the picture paints."""
        return self._is_on

    @property
    def source(self) -> str:
        """The key of what is painted towards; empty where nothing is there."""
        there = [source.key for source in self.sources() if not source.why_not]
        return self._wanted if self._wanted in there else next(iter(there), "")

    @property
    def radius(self) -> float:
        """How far it reaches, in pixels of the picture on the canvas."""
        sides = self._sides()
        smallest, largest = self._span()
        chosen = (
            self._radius[1] if self._radius is not None and self._radius[0] == sides else min(sides) * _FIRST
        )
        return min(max(chosen, smallest), largest)

    @property
    def strength(self) -> float:
        """How much of the way one stroke goes in its middle, 0..1."""
        return self._strength

    def sources(self) -> tuple[Source, ...]:
        """Return everything that can be painted towards, in the order of the list."""
        session, first = self._session, self._first
        ends = [
            Source(side, side, f"{side} of the strip", "" if anchor else _NO_END.format(side=side, key=key))
            for key, (side, anchor) in enumerate(session.anchors.items(), start=1)
        ]
        has_book = (
            spaces.has_place(session.code_book, session.model, first.name) if first is not None else False
        )
        is_known = first is not None and (first.measured or first.stated or first.prior != "none")
        return (
            *ends,
            Source("average", "average", "the average", "" if is_known else _NO_BOOK),
            Source(
                "original",
                "encoded picture",
                "the encoded picture",
                "" if session.original is not None else _NO_ORIGINAL,
            ),
            Source(
                "random",
                "random picture",
                "a random picture of the code book, another at each stroke",
                "" if has_book else _NO_BOOK,
            ),
        )

    def toggle(self) -> None:
        """Take the brush, or put it away."""
        self.set_on(not self._is_on)

    def set_on(self, on: bool) -> None:
        """Take the brush where it can paint, or put it away."""
        self._is_on = on and not self.why_not
        if not self._is_on:
            self._on_stroke_ended()
        self._refresh()

    def choose(self, key: str) -> None:
        """Paint towards something else from the next stroke on."""
        self._wanted = key
        self._refresh()

    def set_radius(self, radius: float) -> None:
        """Make it reach so many pixels, within what makes sense on this picture."""
        smallest, largest = self._span()
        self._radius = self._sides(), min(max(radius, smallest), largest)
        self._refresh()

    def set_strength(self, strength: float) -> None:
        """Make one stroke go so much of the way, 0..1."""
        self._strength = min(max(strength, 0.0), 1.0)
        self._refresh()

    def smaller(self) -> None:
        """Let it reach a step less far."""
        self.set_radius(self.radius / STEP)

    def larger(self) -> None:
        """Let it reach a step further."""
        self.set_radius(self.radius * STEP)

    # ---- the model ----

    @property
    def _first(self) -> Space | None:
        """The model's own space where its codes are maps."""
        model = self._session.model
        space = model.spaces[model.default_space] if model is not None else None
        return space if space is not None and space.is_map else None

    def _sides(self) -> Sides:
        """Return height and width of the picture that is painted on."""
        size = self._view.picture_size
        return (size.height(), size.width()) if not size.isEmpty() else (1, 1)

    def _span(self) -> tuple[float, float]:
        """Return the smallest radius, half a place of the map, and the largest."""
        first, sides = self._first, self._sides()
        wide = min(sides) / min(first.shape[1:]) if first is not None else 1.0
        smallest = max(wide / 2, 1.0)
        return smallest, max(min(sides) * _LARGEST, 2 * smallest)

    def _to_map(self, code: np.ndarray) -> np.ndarray:
        """Return a code of the shown space as the model's map, `(C, h, w)`."""
        shown, first = self._session.space, self._first
        assert shown is not None
        assert first is not None
        if shown.name != first.name:
            code = shown.mapped(code[None], first.name, self._session.options)[0]
        return np.asarray(code, np.float32).reshape(first.shape)

    def _from_map(self, code: np.ndarray) -> np.ndarray:
        """Return a map as a code `(dim,)` of the shown space."""
        shown, first = self._session.space, self._first
        assert shown is not None
        assert first is not None
        if shown.name == first.name:
            return code.reshape(-1)
        return first.mapped(code[None], shown.name, self._session.options)[0]

    def _target(self) -> np.ndarray | None:
        """Return the map that the next stroke paints towards; None where nothing is there."""
        session, first = self._session, self._first
        assert first is not None
        key = self.source
        if key == "average":
            return first.center.reshape(first.shape)
        if key == "random":
            book = spaces.book_in(session.code_book, session.model, first.name)  # type: ignore[arg-type]
            assert book is not None
            return np.asarray(book.mean[self._random.integers(len(book))], np.float32).reshape(first.shape)
        end = session.original if key == "original" else session.anchors.get(key)
        return self._to_map(end.code) if end is not None else None

    # ---- strokes ----

    def _on_stroke_began(self, at: QPointF) -> None:
        target = self._target() if self._is_on else None
        if target is None:
            return
        self._session.commit()
        self._pictures.dragging(True, by="brush")
        self._count += 1
        base = self._to_map(self._session.code)
        place = (at.x(), at.y())
        nothing = np.zeros(base.shape[1:], np.float32)
        self._stroke = _Stroke(self._count, base, target, nothing, self._sides(), place)
        self._go_on(place)

    def _on_stroke_moved(self, at: QPointF) -> None:
        if self._stroke is not None:
            self._go_on((at.x(), at.y()))

    def _go_on(self, at: tuple[float, float]) -> None:
        """Draw the stroke on to a place of the picture, and show what the map is then."""
        stroke = self._stroke
        assert stroke is not None
        grid = (stroke.base.shape[1], stroke.base.shape[2])
        way = [stroke.last, at] if at != stroke.last else [at]
        more = maths.stroke(grid, stroke.picture, way, self.radius, self._strength, SOFTNESS)
        stroke.last = at
        if not (more > stroke.weights).any():
            return
        stroke.weights = np.maximum(stroke.weights, more)
        code = self._from_map(maths.blend(stroke.base, stroke.target, stroke.weights))
        self._is_setting = True
        try:
            self._session.set_code(code, what="Brush", merge=("brush", stroke.number))
        finally:
            self._is_setting = False

    def _on_stroke_ended(self) -> None:
        if self._stroke is not None:
            self._let_go()
            self._session.commit()

    def _let_go(self) -> None:
        self._stroke = None
        self._pictures.dragging(False, by="brush")

    # ---- the session changed ----

    def _on_code_changed(self) -> None:
        """Leave a stroke whose map was changed by something else, such as Undo."""
        if self._stroke is not None and not self._is_setting:
            self._let_go()

    def _on_space_changed(self) -> None:
        if self._stroke is not None:
            self._let_go()
        self._is_on = self._is_on and not self.why_not
        self._refresh()

    def _on_view_changed(self) -> None:
        """Measure by another picture, where its size is another one."""
        if self._is_on and self._sides() != self._seen:
            self._refresh()

    def _refresh(self) -> None:
        self._seen = self._sides()
        self._view.set_brush(self.radius if self._is_on else None)
        self._row.setVisible(self._is_on)
        if self._is_on:
            self._row.show_sources(self.sources(), self.source)
            self._row.show_radius(self.radius, *self._span())
            self._row.show_strength(self._strength)
        self.changed.emit()
