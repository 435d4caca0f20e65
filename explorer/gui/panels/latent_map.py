"""The map: the code book on a plane, decoded background, and the marker that is the current code.

Without a code book the points are samples of the prior, so that every model has a map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

import numpy as np
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from explorer.gui import theme
from explorer.gui.map_ground import TILE_PIXELS, home_region, joined_tiles, tile_centres
from explorer.gui.pictures import PictureSource, to_qimage
from explorer.gui.session import Session
from explorer.gui.state import Anchor, Side
from explorer.gui.step_run import StepRun
from explorer.gui.widgets import point_colours
from explorer.gui.widgets.dots import Dot
from explorer.gui.widgets.fitting_combo import FittingCombo
from explorer.gui.widgets.hover_card import PICTURE, HoverCard
from explorer.gui.widgets.icons import icon
from explorer.gui.widgets.legend import Legend
from explorer.gui.widgets.plane_choice import PlaneChoice
from explorer.gui.widgets.point_colours import Colouring
from explorer.gui.widgets.scatter_view import ScatterView
from explorer.latent import interpolation, plane, sampling
from explorer.latent.plane import Plane
from explorer.render.requests import RenderResult, SampleResult

if TYPE_CHECKING:
    from explorer.data.code_book import CodeBook
    from explorer.models.base import Space

SAMPLES = 400  # of the prior, where there is no code book
MAPPED = 10_000  # of a space whose samples are mapped from another one's
MAPPED_NUMBERS = 512 * MAPPED  # in all, so that a code of thousands of numbers fills no memory
STEP = 1 / 60  # of the home region: 0.1 spread, as with the sliders
ROUTE = 33  # places on the line of the strip
LEGEND_GAP = 6
NO_MODEL = "Open a model to walk its map."


class LatentMap(QWidget):
    """Shows where the current code is among others; dragging and clicking move it."""

    def __init__(self, session: Session, pictures: PictureSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self._plane: Plane | None = None
        self._planes: WeakKeyDictionary[CodeBook, Plane] = WeakKeyDictionary()  # the PCA of each book
        self._columns: WeakKeyDictionary[CodeBook, dict[str, Colouring]] = WeakKeyDictionary()
        self._codes = np.zeros((0, 0), np.float32)  # (N, dim) of the points
        self._colouring = point_colours.plain(0)
        self._mapped: tuple[object, np.ndarray | None] = (None, None)  # what codes are of, and they
        self._awaited: object = None
        self._stale = True
        self._shown: tuple[object, ...] = ()
        self._hovered = -1
        self._clicked: tuple[np.ndarray, np.ndarray] | None = None  # codes before and after the last click
        self._asked_region = QRectF()
        self._opening = ""
        self._run = StepRun(session, self)
        self.view = ScatterView(self)
        self.view.setAccessibleName("Map of the latent space")
        self.view.setToolTip(
            "Drag the marker; click a point or a place to go there; wheel: zoom; drag: move the map"
        )
        self.view.setAccessibleDescription(
            "Arrow keys move the code; plus and minus zoom; Home shows everything"
        )
        self.legend = Legend(self)
        self.card = HoverCard(self.view)
        self._choice = PlaneChoice(self)
        self._colour = FittingCombo(
            "Colour of the points", "Colour the points by a label of their pictures", self
        )
        self._background = _make_background_button(self)
        self._connect()
        self._refresh_controls()

    def title_widgets(self) -> list[QWidget]:
        """Return what belongs into the title row: the plane, the colour, the background."""
        space = QWidget(self)
        space.setProperty("fill", True)
        return [*self._choice.combos, self._colour, space, self._background]

    def show_opening(self, text: str) -> None:
        """Ask for no model while one is being opened; empty for nothing."""
        self._opening = text
        self.update()

    def reset_view(self) -> None:
        """Show the whole map again."""
        self.view.reset_view()

    def point_out(self, code: np.ndarray) -> None:
        """Show where a code of the shown space is, until the current one moves."""
        if self._plane is not None and len(code) == len(self._plane.origin):
            self.view.point_out(self._plane.project(code))

    @property
    def plane(self) -> Plane | None:
        """The plane that is shown."""
        return self._plane

    @property
    def region(self) -> QRectF:
        """The visible part of the plane: left, lowest y, width, height."""
        return self.view.region

    @property
    def points(self) -> np.ndarray:
        """Where the points are on the plane, float32 `(N, 2)`."""
        return self._plane.project(self._codes) if self._plane is not None else np.zeros((0, 2), np.float32)

    def _connect(self) -> None:
        session, view = self._session, self.view
        for signal in (session.model_changed, session.space_changed, session.map_changed):
            signal.connect(self._refresh)
        session.activity_changed.connect(self._refresh)
        session.words_changed.connect(self._refresh_controls)
        session.stages_changed.connect(self._refresh_background)
        session.options_changed.connect(self._on_options_changed)
        session.code_changed.connect(self._refresh_marker)
        session.anchors_changed.connect(self._refresh_route)
        session.strip_changed.connect(self._refresh_route)
        theme.notifier.changed.connect(self._refresh_colours)
        self._choice.chosen.connect(self._on_plane_chosen)
        self._colour.activated.connect(self._on_colour_activated)
        self._background.clicked.connect(self._on_background_clicked)
        view.grabbed.connect(self._on_grabbed)
        view.marker_dragged.connect(self._on_marker_dragged)
        view.released.connect(self._on_released)
        view.place_clicked.connect(self._on_place_clicked)
        view.point_clicked.connect(self._on_point_clicked)
        view.point_hovered.connect(self._on_point_hovered)
        view.menu_wanted.connect(self._on_menu_wanted)
        view.stepped.connect(self._on_stepped)
        view.step_ended.connect(self._run.rest)
        view.view_settled.connect(self._refresh_background)
        view.double_clicked.connect(self._on_double_clicked)
        view.place_dropped.connect(session.places.visit)

    # ---- refreshing ----

    def _refresh(self) -> None:
        """Work out points and plane; put off while nobody sees the panel."""
        session, space = self._session, self._session.space
        was_stale, self._stale = self._stale, not self.isVisible()
        chosen = self._resolved_plane()
        label = session.known_label if space is not None and space.source is not None else None
        shown = (session.generation, space and space.name, session.map, chosen, label)
        if self._stale:
            return
        if shown == self._shown:  # opening a model tells of several parts at once
            if was_stale:
                self._refresh_route()
                self._refresh_marker()
            return
        self._shown = shown
        self._refresh_controls()
        self.view.setVisible(space is not None)
        self.legend.setVisible(space is not None)
        self._hovered = -1
        self.card.hide()
        self.update()  # what is said without a model
        if space is None:
            self._plane = None
            return
        codes = self._codes_of(space)
        if codes is None:
            self._shown = ()  # they are on their way
            return
        self._codes, book = codes, _book_of(session)
        following = self._pca(book, space) if chosen == "pca" else plane.dimensions(space, *chosen)
        changed = self._plane is None or not _same_plane(self._plane, following)
        self._plane = following
        xy = following.project(self._codes)
        if changed:
            self.view.set_background(None)
            self.view.set_home(home_region(xy, following, space.center, space.spread))
        self._colouring = self._colour_points()
        self.view.set_points(xy, self._colouring.kinds, self._dots())
        self._refresh_legend()
        self._refresh_route()
        self._refresh_marker()
        self._refresh_background()

    def _pca(self, book: CodeBook | None, space: Space) -> Plane:
        """Return the plane on which the points vary most; that of a code book is kept as long as the book."""
        if book is None:
            return plane.pca(self._codes, space)
        if book not in self._planes:
            self._planes[book] = plane.pca(self._codes, space, book.logvar)
        return self._planes[book]

    def _codes_of(self, space: Space) -> np.ndarray | None:
        """Return the points' codes: of the code book, else of the prior; None while mapped ones are awaited."""
        book = _book_of(self._session)
        if book is not None:
            return np.asarray(book.mean, np.float32)
        if space.source is None:
            return sampling.sample(space, SAMPLES, 0)
        wanted = (self._session.generation, space.name, self._session.known_label)
        if self._mapped[0] == wanted:
            return self._mapped[1]
        if self._awaited != wanted:
            self._awaited = wanted
            count = min(MAPPED, MAPPED_NUMBERS // space.dim)
            self._pictures.want_samples("samples", count, self._on_samples)
        return None

    def _on_samples(self, result: SampleResult) -> None:
        wanted, self._awaited = self._awaited, None
        if result.codes is not None and wanted is not None:
            self._mapped, self._shown = (wanted, result.codes), ()
            self._refresh()

    def _resolved_plane(self) -> Literal["pca"] | tuple[int, int]:
        """Return the plane to show: without a code book PCA has no codes, and the main dimensions stand in."""
        session = self._session
        if session.map.plane == "pca" and not _has_pca(session):
            return session.main_dimensions
        return session.map.plane

    def _refresh_controls(self) -> None:
        session, space = self._session, self._session.space
        book = _book_of(session)
        names = [f"{space.letters}{i + 1}" for i in range(space.dim)] if space else []
        self._choice.set_dimensions(names, session.dimension_names, has_pca=_has_pca(session))
        self._choice.set_chosen(self._resolved_plane())
        columns = list(book.labels) if book is not None else []
        self._colour.clear()
        self._colour.addItem("one colour", None)
        for column in columns:
            title = column.replace("_", " ")
            self._colour.add(_shortened(title), column, title)
        self._colour.setCurrentIndex(max(self._colour.findData(session.map.colour), 0))
        self._colour.setVisible(bool(columns))
        self._background.setChecked(session.map.background)
        self._background.setEnabled(space is not None)

    def _refresh_marker(self) -> None:
        """Move the marker to the current code; nothing else is painted."""
        if self._plane is not None and not self._stale and self._session.dim == len(self._plane.origin):
            self.view.set_marker(self._plane.project(self._session.code))
            self.view.point_out(None)

    def _refresh_route(self) -> None:
        """Draw the anchors, and the way of the strip between them."""
        if self._plane is None or self._stale:
            return
        session = self._session
        ends = [(side, anchor.code) for side, anchor in session.anchors.items() if anchor is not None]
        ends = [(side, code) for side, code in ends if len(code) == len(self._plane.origin)]
        line = np.zeros((0, 2), np.float32)
        if len(ends) == 2:
            codes = interpolation.path(ends[0][1], ends[1][1], ROUTE, session.strip.path)
            line = self._plane.project(codes)
        self.view.set_route(line, tuple((side, self._plane.project(code)) for side, code in ends))

    def _refresh_background(self) -> None:
        """Ask for the pictures of the visible region; the present ones stay until they come."""
        if self._plane is None or self._stale:
            return
        if not self._session.map.background:
            self._pictures.cancel("map-background")
            self.view.set_background(None)
            return
        grid = tile_centres(self.view.region)
        self._asked_region = self.view.region
        self._pictures.want(
            "map-background",
            self._plane.point(grid),
            self._on_background,
            max_side=TILE_PIXELS,
        )

    def _refresh_colours(self) -> None:
        if not self._stale:
            self.view.set_points(
                self._plane.project(self._codes) if self._plane else np.zeros((0, 2)),
                self._colouring.kinds,
                self._dots(),
            )
        self.view.refresh()
        self.legend.update()
        self.update()

    def _refresh_legend(self) -> None:
        entries = self._colouring.entries
        self.legend.set_entries(entries if any(entry.text for entry in entries) else ())
        self._place()

    def _colour_points(self) -> Colouring:
        book = _book_of(self._session)
        if book is None:
            return point_colours.quiet(len(self._codes))
        column = self._session.map.colour
        if column is None or column not in book.labels:
            return point_colours.plain(len(self._codes))
        known = self._columns.setdefault(book, {})
        if column not in known:
            known[column] = point_colours.by_column(book.labels[column], column)
        return known[column]

    def _dots(self) -> tuple[Dot, ...]:
        dark = theme.current().is_dark
        return tuple(Dot(entry.tinted(dark), entry.shape) for entry in self._colouring.entries)

    # ---- answers ----

    def _on_options_changed(self) -> None:
        """Draw the ground anew; of another class the points may be others, too."""
        self._refresh()
        self._refresh_background()

    def _on_background(self, result: RenderResult) -> None:
        if result.pictures is not None and self._session.map.background:
            self.view.set_background(joined_tiles(result.pictures), self._asked_region)

    def _on_hover_picture(self, result: RenderResult) -> None:
        if result.pictures is not None and self._hovered >= 0:
            self.card.set_picture(to_qimage(result.pictures[0]))

    # ---- wishes ----

    def _go(self, code: np.ndarray) -> None:
        """Show a code, as one undo step."""
        self._session.arrive(code, "Map")

    def _code_at(self, x: float, y: float, point: int) -> np.ndarray:
        """Return a point's code, or the current one moved to a place of the plane."""
        assert self._plane is not None
        if point >= 0:
            return self._codes[point]
        return self._plane.move(self._session.code, np.array([x, y], np.float32))

    def _name(self, point: int) -> str:
        book = _book_of(self._session)
        if book is None:
            return f"sample {point + 1} of the prior"
        return str(book.names[point]) if point < len(book.names) else f"picture {point + 1}"

    def _label(self, point: int) -> str:
        """Return what the colour column says of a point."""
        book, column = _book_of(self._session), self._session.map.colour
        if book is None or column is None or column not in book.labels:
            return ""
        value = book.labels[column][point]
        text = f"{value:.3g}" if isinstance(value, (float, np.floating)) else str(value)
        return f"{column.replace('_', ' ')}: {text or 'no label'}"

    def _on_plane_chosen(self, chosen: object) -> None:
        self._session.set_map(plane=chosen)

    def _on_colour_activated(self, index: int) -> None:
        self._session.set_map(colour=self._colour.itemData(index))

    def _on_background_clicked(self, on: bool) -> None:
        self._session.set_map(background=on)

    def _on_grabbed(self) -> None:
        self._clicked = None
        self._run.end()
        self._session.commit()
        self._pictures.dragging(True)

    def _on_marker_dragged(self, x: float, y: float) -> None:
        self._session.set_code(self._code_at(x, y, -1), what="Map", merge="map")

    def _on_released(self) -> None:
        self._pictures.dragging(False)
        self._session.commit()

    def _on_place_clicked(self, x: float, y: float) -> None:
        self._click(self._code_at(x, y, -1))

    def _on_point_clicked(self, point: int) -> None:
        self._click(self._codes[point])

    def _click(self, code: np.ndarray) -> None:
        before = self._session.code
        self._go(code)
        self._clicked = before, self._session.code

    def _on_double_clicked(self) -> None:
        """Show the whole map; the first click of the two has moved the code, which was not meant."""
        before, after = self._clicked or (None, None)
        if after is self._session.code and after is not before:
            self._session.undo()
        self._clicked = None
        self.view.reset_view()

    def _on_stepped(self, right: float, up: float) -> None:
        if self._plane is None:
            return
        self._run.go_on()
        x, y = self._plane.project(self._session.code).tolist()
        home = self.view.home
        x, y = x + right * STEP * home.width(), y + up * STEP * home.height()
        self._session.set_code(self._code_at(x, y, -1), what="Map", merge="map")

    def _on_point_hovered(self, point: int) -> None:
        self._hovered = point
        if point < 0:
            self.card.hide()
            self._pictures.cancel("map-hover")
            return
        lines = tuple(line for line in (self._name(point), self._label(point)) if line)
        self.card.show_at(self.view.pixel_of(point), lines)
        self._pictures.want("map-hover", self._codes[point], self._on_hover_picture, max_side=2 * PICTURE)

    def _on_menu_wanted(self, x: float, y: float, point: int, place: QPoint) -> None:
        self._on_point_hovered(-1)  # its card would cover the menu
        menu = self.make_menu(x, y, point)
        if menu is not None:
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(place)

    def make_menu(self, x: float, y: float, point: int) -> QMenu | None:
        """Return the menu for a point, or for a place where `point` is -1; None without a model."""
        if self._plane is None:
            return None
        code = np.array(self._code_at(x, y, point))
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        label = self._name(point) if point >= 0 else "place on the map"

        def go() -> None:
            self._go(code)

        def anchor(side: Side) -> None:
            self._session.set_anchor(side, Anchor(code, None, label))

        menu.addAction("Go there").triggered.connect(go)
        menu.addSeparator()
        menu.addAction("Set as A").triggered.connect(lambda: anchor("A"))
        menu.addAction("Set as B").triggered.connect(lambda: anchor("B"))
        menu.addSeparator()
        menu.addAction("Show the whole map").triggered.connect(self.view.reset_view)
        return menu

    # ---- Qt ----

    def _place(self) -> None:
        """Give the map the largest square, level with the panels beside it, the legend the lines under it."""
        legend = self.legend.height_for(min(self.width(), self.height()))
        legend += LEGEND_GAP if legend else 0
        side = max(min(self.width(), self.height() - legend), 0)
        left = (self.width() - side) // 2
        self.view.setGeometry(left, 0, side, side)
        self.legend.setGeometry(left, side + LEGEND_GAP, side, self.legend.height_for(side))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def showEvent(self, event: QShowEvent) -> None:
        if self._stale:
            self._refresh()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._session.space is None:
            painter = QPainter(self)
            painter.setPen(theme.current().quiet)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), int(flags), "" if self._opening else NO_MODEL)


def _make_background_button(parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setIcon(icon("grid"))
    button.setCheckable(True)
    button.setProperty("kind", "bare")
    button.setToolTip("Show decoded pictures behind the points (M)")
    button.setAccessibleName("Decoded background")
    return button


def _book_of(session: Session) -> CodeBook | None:
    """Return the code book where its codes are of the space that is shown."""
    return session.shown_book


def _has_pca(session: Session) -> bool:
    """Return whether the points vary in some directions more than in others: those of a prior do not."""
    mapped = session.space is not None and session.space.source is not None
    return mapped or _book_of(session) is not None


def _shortened(text: str, limit: int = 15) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _same_plane(one: Plane, other: Plane) -> bool:
    same = np.array_equal(one.origin, other.origin) and np.array_equal(one.axes, other.axes)
    return same and one.floor == other.floor
