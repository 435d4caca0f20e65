"""How the doctor's window is built: choices at the left, pictures at the right, what was found below.

Widgets and where they stand; what they show, and what is done when they are used, is the dialog's.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from explorer.gui.doctor.choice_form import ChoiceForm
from explorer.gui.doctor.findings import Findings
from explorer.gui.doctor.sample_grid import SampleGrid
from explorer.gui.widgets.dock import Frame
from explorer.gui.widgets.elided_label import ElidedLabel
from explorer.gui.widgets.fold_button import FoldButton
from explorer.gui.widgets.loading import Loading

FORM_LEAST, FORM_WIDTH = 380, 424
PICTURES_LEAST = 216  # px a side
LOW = 560  # px of a window in which the lists are folded away, so that the pictures keep their room
FOUND = "layers and tensors"
SHARES = (3, 1)  # of the height, to begin with: choices and pictures, lists
SIZE = QSize(1040, 720)


class DoctorWindow(QDialog):
    """Non-modal, with everything in its place and nothing in it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Checkpoint doctor")
        self.setModal(False)
        self.title = ElidedLabel(self)
        self.title.setObjectName("modelName")
        self.facts = QLabel(self)
        self.facts.setObjectName("quiet")
        self.headline = self._line()
        self.misfits = self._line("quiet")
        self.form = ChoiceForm(self)
        self.grid = SampleGrid(self)
        self.loading = Loading(self)
        self.said = self._line()
        self.again = self._button("&New samples", "Draw other random codes")
        self.findings = Findings(self)
        self._has_findings = False
        self.found = FoldButton(self)
        self.found.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.found.toggled.connect(self._on_found_toggled)
        self.forget_button = self._button("&Forget hints", "Take away what was kept for this file")
        self.close_button = self._button("&Close", "Close this window; nothing is kept (Esc)")
        self.keep_button = self._button("&Keep", "")
        self.keep_button.setObjectName("primary")
        self._build()
        self.resize(SIZE.boundedTo(self.screen().availableSize() - QSize(40, 80)))

    def say(self, text: str, level: str = "error") -> None:
        """Say what is wrong under the pictures."""
        self.said.setText(text)
        self.said.setProperty("level", level)
        self.said.style().unpolish(self.said)
        self.said.style().polish(self.said)

    def show_loading(self, text: str, fraction: float) -> None:
        """Say in the pictures' place what is being read, and how much of it is (0..1)."""
        self.loading.set_progress(text, fraction)
        self.loading.show()
        self._pages.setCurrentIndex(1)

    def show_grid(self) -> None:
        """Show the pictures again."""
        self._pages.setCurrentIndex(0)

    def show_form(self, shown: bool) -> None:
        """Show the choices, or leave their room to the pictures."""
        self._frame.setVisible(shown)

    def show_findings(self, shown: bool) -> None:
        """Show the lists of what was found, or the button that unfolds them where the window is low."""
        self._has_findings = shown
        self._refresh_findings()

    def _refresh_findings(self) -> None:
        is_low = self.height() < LOW
        self.found.setVisible(self._has_findings and is_low)
        self.found.show_state(FOUND, is_open=self.found.isChecked())
        self.findings.setVisible(self._has_findings and (not is_low or self.found.isChecked()))
        self._upper.setVisible(not (is_low and self.findings.isVisibleTo(self)))

    def _on_found_toggled(self, _is_open: bool) -> None:
        self._refresh_findings()

    # ---- Qt ----

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._refresh_findings()

    # ---- building ----

    def _build(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.title)
        top.addWidget(self.facts)
        top.addStretch(1)
        halves = QSplitter(Qt.Orientation.Vertical, self)
        halves.setHandleWidth(8)
        halves.setChildrenCollapsible(False)
        self._upper = self._upper_half()
        halves.addWidget(self._upper)
        halves.addWidget(self.findings)
        for place, share in enumerate(SHARES):
            halves.setStretchFactor(place, share)
        halves.setSizes([100 * share for share in SHARES])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self.headline)
        layout.addWidget(self.misfits)
        layout.addWidget(halves, stretch=1)
        layout.addLayout(self._buttons())

    def _upper_half(self) -> QWidget:
        self._frame = Frame(_scrolled(self.form), self)
        self._frame.setMinimumWidth(FORM_LEAST)
        self._frame.setMaximumWidth(FORM_WIDTH)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self.grid)
        self._pages.addWidget(_middle(self.loading))
        self._pages.setMinimumSize(PICTURES_LEAST, PICTURES_LEAST)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.said.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        below = QHBoxLayout()
        below.setSpacing(8)
        below.addWidget(self.said, stretch=1)
        below.addWidget(self.again, alignment=Qt.AlignmentFlag.AlignTop)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._frame, stretch=1)
        row.addWidget(self._pages, stretch=1)
        half = QWidget(self)
        column = QVBoxLayout(half)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row, stretch=1)
        column.addLayout(below)
        return half

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.forget_button)
        row.addWidget(self.found)
        row.addStretch(1)
        row.addWidget(self.close_button)
        row.addWidget(self.keep_button)
        return row

    def _line(self, name: str = "") -> QLabel:
        label = QLabel(self)
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        return label

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setAutoDefault(False)  # Enter belongs to the fields
        button.setToolTip(tip)
        button.setAccessibleName(text.replace("&", ""))
        return button


def _scrolled(widget: QWidget) -> QScrollArea:
    """Return an area in which a widget scrolls up and down."""
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(widget)
    for seen_through in (widget, area.viewport()):
        seen_through.setAutoFillBackground(False)
    return area


def _middle(widget: QWidget) -> QWidget:
    """Return a page with a widget in its middle."""
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.addStretch(1)
    layout.addWidget(widget, alignment=Qt.AlignmentFlag.AlignHCenter)
    layout.addStretch(1)
    return page
