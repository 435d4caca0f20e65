"""The start page: a place to drop a file, the bundled models as live cards, and what was opened last.

It opens nothing itself. A card asks for its network when it is first seen, and moves while it is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpacerItem,
    QVBoxLayout,
    QWidget,
)

from explorer.gui import theme
from explorer.gui.first_state import SEED
from explorer.gui.pictures import PictureSource, to_qimage
from explorer.gui.session import Session
from explorer.gui.widgets import model_card
from explorer.gui.widgets.elided_label import ElidedLabel
from explorer.gui.widgets.icons import icon, paint_icon
from explorer.gui.widgets.model_card import ModelCard
from explorer.latent import interpolation, sampling
from explorer.models.base import LatentModel
from explorer.render.requests import RenderResult

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.models.base import StageModel

GAP, LOW_GAP = 12, 6
INSET = 4  # px, of the page
STOPS, STEPS = 5, 9  # codes that a card goes through, and pictures from one to the next
RECENT_SHOWN = 8
DROP_HEIGHT, DROP_LOW = 96, 40
ROW = 28  # px, of a file that was opened before
_HEADING = 50  # px, of the line over the cards with the room around it
ICON = 28
DROP = "Drop a checkpoint, session, run or picture"
LOW_WIDTH = 140  # px, of a low card at least


class RecentFile(NamedTuple):
    """A file that was opened before; `is_there` tells whether it still can be."""

    path: str
    name: str
    is_there: bool = True


class StartPage(QWidget):
    """Asks by signals: a file by its path or bundled name, a dialog to choose one, the network of a card."""

    open_wanted = Signal(str)
    browse_wanted = Signal()
    card_wanted = Signal(str)  # a card is seen that has no network yet: its key
    back_wanted = Signal()

    def __init__(self, session: Session, pictures: PictureSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self.cards: dict[str, ModelCard] = {}
        self.drop = _DropPlace(self)
        self.drop.clicked.connect(self.browse_wanted)
        self._cards = QGridLayout()
        self._recent = QVBoxLayout()
        self._recent_title = _title("Recent", self)
        self._back = QPushButton("Back", self)
        self._back.setIcon(icon("undo"))
        self._back.setAccessibleName("Back to the picture")
        self._back.setToolTip("Show the picture again (Esc)")
        self._back.clicked.connect(self.back_wanted)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Start page")
        self._build()
        self.set_recent(())

    def _build(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(INSET, INSET, INSET, INSET)
        column.setSpacing(GAP)
        column.addWidget(self.drop)
        heading = QHBoxLayout()
        title = ElidedLabel(page)
        title.setObjectName("dockTitle")
        title.setText("Comes with the program")
        heading.addWidget(title)
        heading.addStretch(1)
        heading.addWidget(self._back)
        self._back.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        column.addLayout(heading)
        self._cards.setSpacing(GAP)
        self._cards.setAlignment(Qt.AlignmentFlag.AlignLeft)
        column.addLayout(self._cards)
        column.addWidget(self._recent_title)
        self._recent.setSpacing(2)
        column.addLayout(self._recent)
        column.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        for widget in (page, scroll.viewport()):
            widget.setAutoFillBackground(False)  # the panel is seen through them; `setWidget` fills
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        self._bar = scroll.verticalScrollBar().sizeHint().width()

    # ---- what there is ----

    def set_models(self, models: Sequence[tuple[str, str]]) -> None:
        """Show a card for each bundled network, `(name, kind for people)`."""
        for card in self.cards.values():
            self._cards.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = {name: ModelCard(name, name, kind, self) for name, kind in models}
        for card in self.cards.values():
            card.chosen.connect(self.open_wanted)
        self._place_cards()

    def set_recent(self, files: Sequence[RecentFile]) -> None:
        """Show what was opened last, newest first; what is gone is greyed."""
        while (item := self._recent.takeAt(0)) is not None:
            if (row := item.widget()) is not None:
                row.deleteLater()
        for file in files[:RECENT_SHOWN]:
            self._recent.addWidget(self._recent_row(file))
        self._recent_title.setVisible(bool(files))
        self._place_cards()

    def show_model(self, key: str, opened: Opened) -> None:
        """Bring the card of a generator to life."""
        model = opened.model
        card = self.cards.get(key)
        if card is None or not isinstance(model, LatentModel):
            return
        space = model.spaces[model.default_space]
        sizes = f"{space.dim}-D · {model.image.width}×{model.image.height}"
        card.show_facts(f"{model.architecture} · {sizes}", sizes)
        self._pictures.want(f"start:{key}", _walk(opened), self._on_pictures, max_side=_SIDE, model=model)

    def show_stage(self, key: str, stage: StageModel, opened: Opened) -> None:
        """Bring the card of a stage to life, behind a generator that it fits."""
        card = self.cards.get(key)
        if card is None or not isinstance(opened.model, LatentModel):
            return
        card.show_facts(f"stage · {stage.architecture}", "stage")
        self._pictures.want(
            f"start:{key}",
            _walk(opened),
            self._on_pictures,
            max_side=_SIDE,
            model=opened.model,
            stages=(stage,),
        )

    def _on_pictures(self, result: RenderResult) -> None:
        card = self.cards.get(result.slot.partition(":")[2])
        if card is not None and result.pictures is not None:
            card.show_frames(tuple(to_qimage(picture) for picture in result.pictures))

    # ---- parts ----

    def _recent_row(self, file: RecentFile) -> QWidget:
        button = QPushButton(self)
        button.setProperty("kind", "bare")
        button.setAccessibleName(f"Open {file.name}")
        button.setToolTip(file.path if file.is_there else f"{file.path} is not there any more")
        button.setEnabled(file.is_there)
        button.setFixedHeight(ROW)
        button.clicked.connect(lambda: self.open_wanted.emit(file.path))
        name, folder = ElidedLabel(button), ElidedLabel(button)
        name.setText(file.name)
        folder.setObjectName("quiet")
        folder.setText(str(Path(file.path).parent))
        layout = QGridLayout(button)
        layout.setContentsMargins(8, 0, 8, 0)
        layout.setHorizontalSpacing(GAP)
        layout.addWidget(name, 0, 0)
        layout.addWidget(folder, 0, 1, Qt.AlignmentFlag.AlignLeft)
        layout.setColumnStretch(1, 1)
        for label in (name, folder):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        return button

    def _place_cards(self) -> None:
        """Give the cards the largest pictures with which all have room; low ones where no size will do."""
        room = QSize(self.width() - self._bar - 2 * INSET, self.height() - 2 * INSET - _HEADING)
        columns, width, low = _columns(room, len(self.cards))
        for number, card in enumerate(self.cards.values()):
            card.set_width(width, low=low)
            self._cards.addWidget(card, number // columns, number % columns)
        self._cards.setSpacing(LOW_GAP if low else GAP)
        below = _HEADING + self._recent.count() * ROW if self._recent.count() else 0
        self.drop.set_low(low or DROP_HEIGHT + _high(len(self.cards), columns, width) + below > room.height())

    # ---- Qt ----

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._session.model is not None:
            self.back_wanted.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_cards()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._back.setVisible(self._session.model is not None)
        for key, card in self.cards.items():
            if not card.frames:
                self.card_wanted.emit(key)


_SIDE = 2 * model_card.PICTURE  # pixels


class _DropPlace(QWidget):
    """A dashed outline that invites; a click asks for a file."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_low = False
        self.setFixedHeight(DROP_HEIGHT)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Drop a file here, or click to choose one")
        title, hint = QLabel(DROP, self), QLabel(self)
        title.setObjectName("emptyTitle")
        hint.setObjectName("quiet")
        hint.setText("or click to choose one (Ctrl+O)")
        self._title, self._hint = title, hint
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(4)
        self._icon_room = QSpacerItem(0, ICON + 8)
        layout.addStretch(1)
        layout.addItem(self._icon_room)
        for label in (title, hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setWordWrap(True)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            layout.addWidget(label)
        layout.addStretch(1)

    def set_low(self, low: bool) -> None:
        """Take less room, without the icon and the second line."""
        if low != self._is_low:
            self._is_low = low
            self._hint.setVisible(not low)
            self._title.setText("Drop a file, or click" if low else DROP)
            self.setToolTip(f"{DROP}, or click to choose one (Ctrl+O)" if low else "")
            self._icon_room.changeSize(0, 0 if low else ICON + 8)
            self.setFixedHeight(DROP_LOW if low else DROP_HEIGHT)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(theme.current().track, 1.5)
        pen.setDashPattern([4, 4])
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)
        if not self._is_low:
            paint_icon(painter, QRectF((self.width() - ICON) / 2, 14, ICON, ICON), "open", "quiet")


def _columns(room: QSize, count: int) -> tuple[int, int, bool]:
    """Return in how many columns so many cards stand in a room (px), how wide they are, and whether they are low."""
    fewest = max((room.width() + GAP) // (model_card.WIDTH + GAP), 1)
    most = max((room.width() + GAP) // (model_card.NARROWEST + GAP), 1)
    for columns in range(fewest, most + 1):
        width = min((room.width() + GAP) // columns - GAP, model_card.WIDTH)
        if DROP_LOW + _high(count, columns, width) <= room.height():
            return columns, width, False
    columns = max((room.width() + LOW_GAP) // (LOW_WIDTH + LOW_GAP), 1)
    return columns, (room.width() + LOW_GAP) // columns - LOW_GAP, True


def _high(count: int, columns: int, width: int) -> int:
    """Return how high so many cards are together, px, whose words stand under their pictures."""
    return -(-count // columns) * (model_card.height_of(width) + GAP) - GAP


def _title(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setObjectName("dockTitle")
    return label


def _walk(opened: Opened) -> np.ndarray:
    """Return codes `(N, dim)` of a round trip between a few codes of real pictures, else of the prior."""
    model = opened.model
    assert isinstance(model, LatentModel)
    space = model.spaces[model.default_space]
    book = opened.code_book
    if book is not None and book.space == space.name and len(book) >= STOPS:
        stops = book.mean[np.linspace(0, len(book) - 1, STOPS).astype(int)]
    else:
        stops = sampling.sample(space, STOPS, SEED)
    ways = [
        interpolation.path(a, b, STEPS + 1)[:-1]
        for a, b in zip(stops, np.roll(stops, -1, axis=0), strict=True)
    ]
    return np.concatenate(ways)
