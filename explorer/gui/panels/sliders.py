"""The latent panel: one row a dimension, bound to the session.

Widgets exist for visible rows alone (`RowList`), so 512 dimensions cost what ten do. A moved slider touches
its own row; thumbnails of other rows are asked for once the hand is off.
"""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QLineEdit,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from explorer.gui import row_order
from explorer.gui.dimension_editor import DimensionEditor
from explorer.gui.dimension_notes import DimensionNotes
from explorer.gui.pictures import PictureSource
from explorer.gui.range_notice import RangeNotice
from explorer.gui.row_order import FOLD
from explorer.gui.session import Session
from explorer.gui.style_section import StyleSection
from explorer.gui.traversals import Traversals
from explorer.gui.widgets import fold_button
from explorer.gui.widgets.center_slider import CenterSlider
from explorer.gui.widgets.dimension_row import DimensionRow, RowFacts, name_width, row_height
from explorer.gui.widgets.empty_state import EmptyState
from explorer.gui.widgets.find_field import FindField
from explorer.gui.widgets.fitting_combo import FittingCombo
from explorer.gui.widgets.fold_button import FoldButton
from explorer.gui.widgets.icons import icon
from explorer.gui.widgets.row_list import BAR_WIDTH, RowList

ORDERS = ("influence", "number")
NO_MODEL = ("No model is open", "Open a checkpoint to see its dimensions.")
_REST_MILLISECONDS = 60  # before rows that came into view ask for pictures


class SlidersPanel(QWidget):
    """Rows by influence or number, inactive ones folded; reads the session, calls its setters."""

    def __init__(self, session: Session, pictures: PictureSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self._editor = DimensionEditor(session, pictures, self)
        self._notes = DimensionNotes(session, self)
        self._traversals = Traversals(session, pictures, self)
        self._items: list[int] = []  # a dimension, or FOLD, by place
        self._places: dict[int, int] = {}
        self._expanded = -1  # the dimension whose row has thumbnails; follows the focus when the hand is off
        self._must_rebuild = False
        self._opening = ""
        self._name_width = 0  # px, of the widest name
        self._make_title()
        self._make_body()
        self._expand_timer = self._timer(QApplication.doubleClickInterval(), self._expand)
        self._ask_timer = self._timer(_REST_MILLISECONDS, self._ask)
        self._connect()
        self._on_model_changed()

    def _timer(self, milliseconds: int, slot: object) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    def _make_title(self) -> None:
        self._choice = FittingCombo(
            "Space and order of the rows", "Which latent space, and how its dimensions are ordered", self
        )
        self._find = FindField(self)
        self._find.setAccessibleName("Find a dimension")
        self._find.setToolTip("Find dimensions by number, name or note (Ctrl+F); Escape shows all")
        self._thumbnails = QToolButton(self)
        self._thumbnails.setIcon(icon("thumbnails", "quiet"))
        self._thumbnails.setAutoRaise(True)
        self._thumbnails.setCheckable(True)
        self._thumbnails.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._thumbnails.setAccessibleName("Pictures under every row")
        self._thumbnails.setToolTip("Show seven pictures under every row (T)")

    def _make_body(self) -> None:
        self._rows = RowList(self._make_row, self._bind_row, self)
        self.style_section = StyleSection(self._session, self._pictures, self)
        self.range_notice = RangeNotice(self._session, self)
        self._empty = EmptyState("sliders", *NO_MODEL, self)
        self._stack = QStackedLayout()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._rows)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.style_section)
        layout.addWidget(self.range_notice)
        layout.addLayout(self._stack)

    def _connect(self) -> None:
        session = self._session
        session.model_changed.connect(self._on_model_changed)
        session.space_changed.connect(self._on_space_changed)
        session.code_changed.connect(self._on_code_changed)
        session.code_committed.connect(self._ask_timer.start)
        session.locks_changed.connect(self._on_locks_changed)
        session.stages_changed.connect(self._on_stages_changed)
        session.options_changed.connect(self._on_stages_changed)
        session.focus_changed.connect(self._on_focus_changed)
        session.rows_changed.connect(self._on_rows_changed)
        session.activity_changed.connect(self._on_activity_changed)
        session.words_changed.connect(self._on_words_changed)
        self._choice.activated.connect(self._on_choice_activated)
        self._find.textChanged.connect(self._rebuild)
        self._find.returnPressed.connect(self._on_find_entered)
        self._thumbnails.clicked.connect(self._on_thumbnails_clicked)
        self._rows.rows_changed.connect(self._ask_timer.start)
        self._editor.taken.connect(self._on_taken)
        self._editor.released.connect(self._on_released)
        self._editor.naming_asked.connect(self.edit_words)
        self._notes.finished.connect(self._on_words_edited)
        self._traversals.arrived.connect(self._on_pictures_arrived)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self.focus_find)

    # ---- for the window and the bench ----

    def title_widgets(self) -> list[QWidget]:
        """Return the controls for the dock's title row."""
        return [self._choice, self._find, self._thumbnails]

    def slider_for(self, index: int) -> CenterSlider:
        """Bring the row of a dimension into view, unfolded, and return its slider."""
        return self._row_for(index).slider

    def row_for(self, index: int) -> DimensionRow | None:
        """Return the row of a dimension where it is in view (or just beside)."""
        place = self._places.get(index)
        return cast("DimensionRow | None", self._rows.shown().get(place)) if place is not None else None

    def dimensions(self) -> list[int]:
        """Return the dimensions that have a row, from top to bottom."""
        return [item for item in self._items if item != FOLD]

    def show_opening(self, text: str) -> None:
        """Say what is being opened, while there is no model; empty for nothing."""
        self._opening = text
        if self._session.model is None:
            self._say_no_model()

    def focus_find(self) -> None:
        """Put the cursor into the find field."""
        self._find.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._find.selectAll()

    def edit_words(self, index: int) -> None:
        """Ask for the name of a dimension and the note on it, beside its row."""
        self._session.focus(index)
        self._row_for(index)
        self._expand()  # now, so that the row does not move under the editor
        self._notes.open(index, self._row_for(index))

    def _row_for(self, index: int) -> DimensionRow:
        if index not in self._places:
            self._find.clear()
            if index not in self._places:
                self._session.set_rows(inactive_open=True)
        return cast(DimensionRow, self._rows.show_place(self._places[index]))

    # ---- which rows ----

    def _rebuild(self) -> None:
        """Decide which rows there are and in which order; waits while a slider is held."""
        self._must_rebuild = self._editor.is_holding
        if self._must_rebuild:
            return
        session = self._session
        self._name_width = name_width(session.space.letters, session.dim) if session.space is not None else 0
        self._items = row_order.items(session, self._find.text()) if session.model is not None else []
        self._places = {item: place for place, item in enumerate(self._items)}
        self._expanded = session.focused
        if session.model is not None and not self._items:
            self._empty.set_texts(f"Nothing is called “{self._find.text()}”", "Escape shows every dimension.")
        elif session.model is None:
            self._say_no_model()
        self._stack.setCurrentIndex(1 if self._items else 0)
        held = self._take_keyboard()
        self._rows.set_rows(["fold" if item == FOLD else "row" for item in self._items], self._heights())
        self._give_keyboard(*held)
        self._ask_timer.start()

    def _say_no_model(self) -> None:
        self._empty.set_texts(*((f"{self._opening}…", "") if self._opening else NO_MODEL))

    def _heights(self) -> list[int]:
        width = self.width() - BAR_WIDTH  # so that a scroll bar changes no height
        plain, tall = row_height(width, thumbnails=False), row_height(width, thumbnails=True)
        everywhere = self._session.rows.thumbnails_all
        return [
            fold_button.HEIGHT if item == FOLD else tall if everywhere or item == self._expanded else plain
            for item in self._items
        ]

    def _expand(self) -> None:
        """Show the thumbnails of the focused row, and hide those of the one before."""
        self._expand_timer.stop()
        if self._expanded == self._session.focused or self._editor.is_holding:
            return
        self._expanded = self._session.focused
        place = self._places.get(self._expanded)
        has_focus = self._row_has_focus(self._expanded) or self._notes.index == self._expanded
        self._rows.set_heights(self._heights(), keep=place if has_focus else None)  # stays under the hand
        for row in self._shown_rows():
            self._show_thumbnails(row)
        if place is not None and has_focus:
            self._rows.show_place(place)
        self._ask_timer.start()

    def _take_keyboard(self) -> tuple[int | None, bool]:
        """Take the keyboard from its row; return the row's item and whether it was in the value field."""
        widget = QApplication.focusWidget()
        for row in self._rows.shown().values():
            if widget is not None and (row is widget or row.isAncestorOf(widget)):
                widget.clearFocus()  # else hiding the row would hand it to any other one
                return row.facts.index if isinstance(row, DimensionRow) else FOLD, isinstance(
                    widget, QLineEdit
                )
        return None, False

    def _give_keyboard(self, item: int | None, in_field: bool) -> None:
        row = self._rows.shown().get(self._places[item]) if item in self._places else None
        if isinstance(row, DimensionRow):
            row = row.field if in_field else row.slider
        if row is not None:
            row.setFocus(Qt.FocusReason.OtherFocusReason)

    def _row_has_focus(self, index: int) -> bool:
        row, widget = self.row_for(index), QApplication.focusWidget()
        return row is not None and widget is not None and row.isAncestorOf(widget)

    # ---- rows ----

    def _make_row(self, kind: str) -> QWidget:
        if kind == "fold":
            fold = FoldButton()
            fold.clicked.connect(self._on_fold_clicked)
            fold.left.connect(self._on_fold_left)
            return fold
        row = DimensionRow()
        self._editor.listen(row)
        row.left.connect(self._on_row_left)
        row.focused.connect(self._on_row_focused)
        row.menu_asked.connect(self._on_menu_asked)
        return row

    def _bind_row(self, widget: QWidget, place: int) -> None:
        session, item = self._session, self._items[place]
        if isinstance(widget, FoldButton):
            assert session.activity is not None
            count = int((~session.activity.active).sum())
            text = f"{count} inactive dimension{'s' if count != 1 else ''}"
            widget.show_state(text, is_open=session.rows.inactive_open)
            return
        row = cast(DimensionRow, widget)
        row.show_facts(self._facts(item))
        row.show_value(float(session.code[item]))
        row.show_locked(bool(session.locked[item]))
        row.show_chosen(item == session.focused)
        self._show_thumbnails(row)

    def _facts(self, index: int) -> RowFacts:
        session = self._session
        assert session.space is not None
        name, title = session.name_of(index), session.title_of(index) or row_order.place_of(session, index)
        tip, influence = f"{name} {title}".rstrip(), None
        if session.activity is not None:
            influence = float(session.activity.influence[index])
            tip += f" · influence {influence:.0%}"
            if session.activity.kl is not None:
                tip += f" · KL {session.activity.kl[index]:.3g} nats"
        width = self._name_width
        center, spread = float(session.space.center[index]), float(session.space.spread[index])
        remark = session.remark_of(index)
        return RowFacts(index, name, title, center, spread, influence, tip, width, remark)

    def _shown_rows(self) -> list[DimensionRow]:
        return [row for row in self._rows.shown().values() if isinstance(row, DimensionRow)]

    # ---- thumbnails ----

    def _has_thumbnails(self, index: int) -> bool:
        return self._session.rows.thumbnails_all or index == self._expanded

    def _show_thumbnails(self, row: DimensionRow) -> None:
        index = row.facts.index
        row.show_thumbnails(self._traversals.images(index) if self._has_thumbnails(index) else None)

    def _ask(self) -> None:
        """Ask for the pictures of the rows in view; while a slider is held, later."""
        if not self._editor.is_holding:
            self._traversals.ask(
                [row.facts.index for row in self._shown_rows() if self._has_thumbnails(row.facts.index)],
                side=64,
            )

    def _on_pictures_arrived(self, index: int) -> None:
        row = self.row_for(index)
        if row is not None:
            self._show_thumbnails(row)

    # ---- the session changed ----

    def _on_model_changed(self) -> None:
        self._editor.is_holding = False  # what was held is gone
        self._traversals.forget()
        self._find.clear()
        self._fill_choice()
        has_model = self._session.model is not None
        for widget in self.title_widgets():
            widget.setEnabled(has_model)
        self._rebuild()

    def _on_space_changed(self) -> None:
        self._editor.is_holding = False
        self._traversals.forget()
        self._fill_choice()
        self._rebuild()

    def _on_code_changed(self) -> None:
        code = self._session.code
        for row in self._shown_rows():
            if row.facts.index < len(code):
                row.show_value(float(code[row.facts.index]))
        if not self._ask_timer.isActive():
            self._ask_timer.start()

    def _on_locks_changed(self) -> None:
        for row in self._shown_rows():
            row.show_locked(bool(self._session.locked[row.facts.index]))

    def _on_stages_changed(self) -> None:
        self._traversals.expire()
        self._ask_timer.start()

    def _on_focus_changed(self) -> None:
        for row in self._shown_rows():
            row.show_chosen(row.facts.index == self._session.focused)
        if not self._expand_timer.isActive():
            self._expand()

    def _on_rows_changed(self) -> None:
        rows = self._session.rows
        self._thumbnails.setChecked(rows.thumbnails_all)
        self._fill_choice()
        self._rebuild()

    def _on_activity_changed(self) -> None:
        self._rebuild()
        dims = self.dimensions()
        if dims and (not self._session.is_focus_chosen or self._session.focused not in self._places):
            self._session.focus(dims[0], chosen=False)

    def _on_words_changed(self) -> None:
        """Show other names and notes; no row moves, not even one that is no longer called what was looked for."""
        for place in list(self._rows.shown()):
            self._bind_row(self._rows.shown()[place], place)

    def _fill_choice(self) -> None:
        session = self._session
        self._choice.clear()
        letters = (
            {name: space.letters for name, space in session.model.spaces.items()} if session.model else {}
        )
        for space, shown in (letters or {"z": "z"}).items():
            for order in ORDERS:
                self._choice.addItem(f"{shown} · by {order}", (space, order))
                if session.space is not None and (space, order) == (session.space.name, session.rows.order):
                    self._choice.setCurrentIndex(self._choice.count() - 1)

    # ---- a person did something ----

    def _on_choice_activated(self, place: int) -> None:
        space, order = self._choice.itemData(place)
        self._session.set_space(space)
        self._session.set_rows(order=order)

    def _on_thumbnails_clicked(self, on: bool) -> None:
        self._session.set_rows(thumbnails_all=on)

    def _on_find_entered(self) -> None:
        dims = self.dimensions()
        if dims:
            self._row_for(dims[0]).slider.setFocus(Qt.FocusReason.TabFocusReason)

    def _on_fold_clicked(self, is_open: bool) -> None:
        self._session.set_rows(inactive_open=is_open)

    def _on_row_focused(self, index: int, by_mouse: bool) -> None:
        if by_mouse:
            self._expand_timer.start()  # the row must not run from under a double click
        self._session.focus(index)

    def _on_menu_asked(self, index: int, place: QPoint) -> None:
        self._editor.menu(index, self).popup(place)

    def _on_words_edited(self, index: int) -> None:
        if index in self._places:
            self._row_for(index).slider.setFocus(Qt.FocusReason.TabFocusReason)

    def _on_taken(self) -> None:
        self._expand_timer.stop()

    def _on_released(self) -> None:
        if self._must_rebuild:
            self._rebuild()
        self._expand_timer.start()
        self._ask_timer.start()

    def _on_row_left(self, index: int, direction: int, in_field: bool) -> None:
        self._go_to(self._places[index] + direction, in_field)

    def _on_fold_left(self, direction: int) -> None:
        self._go_to(self._places[FOLD] + direction, in_field=False)

    def _go_to(self, place: int, in_field: bool) -> None:
        """Move the keyboard to another row, into its value or onto its slider."""
        if not 0 <= place < len(self._items):
            return
        widget = self._rows.show_place(place)
        if isinstance(widget, DimensionRow):
            widget = widget.field if in_field else widget.slider
        widget.setFocus(Qt.FocusReason.TabFocusReason)

    # ---- Qt ----

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._items:
            self._rows.set_heights(self._heights())
