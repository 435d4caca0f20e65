"""The start page: a place to drop a file, the bundled models as live cards, and what was opened last.

It opens nothing itself. A card asks for its network when it is first seen, and moves while it is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from explorer.gui import theme
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

GAP = 12
STOPS, STEPS = 5, 9  # codes that a card goes through, and pictures from one to the next
RECENT_SHOWN = 8
DROP_HEIGHT = 96
ICON = 28


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
        self._back = QPushButton("Back to the picture", self)
        self._back.setIcon(icon("undo"))
        self._back.setToolTip("Show the picture again (Esc)")
        self._back.clicked.connect(self.back_wanted)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Start page")
        self._build()
        self.set_recent(())

    def _build(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(GAP)
        column.addWidget(self._back, alignment=Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.drop)
        column.addSpacing(GAP)
        column.addWidget(_title("Comes with the program", page))
        self._cards.setSpacing(GAP)
        self._cards.setAlignment(Qt.AlignmentFlag.AlignLeft)
        column.addLayout(self._cards)
        column.addSpacing(GAP)
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

    # ---- what there is ----

    def set_models(self, models: Sequence[tuple[str, str]]) -> None:
        """Show a card for each bundled network, `(name, kind for people)`."""
        for card in self.cards.values():
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

    def show_model(self, key: str, opened: Opened) -> None:
        """Bring the card of a generator to life."""
        model = opened.model
        card = self.cards.get(key)
        if card is None or not isinstance(model, LatentModel):
            return
        space = model.spaces[model.default_space]
        card.show_facts(f"{model.architecture} · {space.dim}-D · {model.image.width}×{model.image.height}")
        self._pictures.want(f"start:{key}", _walk(opened), self._on_pictures, max_side=_SIDE, model=model)

    def show_stage(self, key: str, stage: StageModel, opened: Opened) -> None:
        """Bring the card of a stage to life, behind a generator that it fits."""
        card = self.cards.get(key)
        if card is None or not isinstance(opened.model, LatentModel):
            return
        card.show_facts(f"stage · {stage.architecture}")
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
        button.setFixedHeight(28)
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
        columns = max((self.width() - 8 + GAP) // (model_card.WIDTH + GAP), 1)
        for number, card in enumerate(self.cards.values()):
            self._cards.addWidget(card, number // columns, number % columns)

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
        self.setFixedHeight(DROP_HEIGHT)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Drop a file here, or click to choose one")
        title, hint = (
            QLabel("Drop a checkpoint, session or picture", self),
            QLabel(self),
        )
        title.setObjectName("emptyTitle")
        hint.setObjectName("quiet")
        hint.setText("or click to choose one (Ctrl+O)")
        layout = QVBoxLayout(self)
        layout.setSpacing(4)
        layout.addSpacing(ICON + 8)
        for label in (title, hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setWordWrap(True)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            layout.addWidget(label)
        layout.addStretch(1)

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
        paint_icon(painter, QRectF((self.width() - ICON) / 2, 14, ICON, ICON), "open", "quiet")


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
        stops = sampling.sample(space, STOPS, 0)
    ways = [
        interpolation.path(a, b, STEPS + 1)[:-1]
        for a, b in zip(stops, np.roll(stops, -1, axis=0), strict=True)
    ]
    return np.concatenate(ways)
