"""The quiet line over sliders that say little yet: where their ranges come from, or what they move, and what helps."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.formats import ranges
from explorer.gui.session import Session
from explorer.models.base import LatentModel, Space

_PICTURES = "Drop a picture to begin with it; encode many, and the sliders follow the directions in which they differ."
_BOOK = "A code book (NAME.codes.npz) beside the checkpoint gives sliders along the directions in which codes differ."


class RangeNotice(QWidget):
    """Seen while neither a prior nor encoded pictures tell how far codes of the shown space reach, or which ways."""

    folder_wanted = Signal()  # the person wants to encode the pictures of a folder
    file_wanted = Signal()  # of a zip or an array

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._text = QLabel(self)
        self._text.setObjectName("quiet")
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._folder = self._button("Encode a folder…", "Choose a folder of pictures that the model knows")
        self._file = self._button("Encode a file…", "Choose a zip, npz or idx file of pictures")
        self._folder.clicked.connect(self.folder_wanted)
        self._file.clicked.connect(self.file_wanted)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._folder)
        row.addWidget(self._file)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 8)
        layout.setSpacing(6)
        layout.addWidget(self._text)
        layout.addLayout(row)
        session.model_changed.connect(self._refresh)
        session.space_changed.connect(self._refresh)
        self._refresh()

    @property
    def text(self) -> str:
        """What is said, empty where nothing is."""
        return "" if self.isHidden() else self._text.text()

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setAutoDefault(False)
        button.setProperty("kind", "outlined")
        button.setToolTip(tip)
        button.setAccessibleName(text.rstrip("…"))
        return button

    def _refresh(self) -> None:
        model, space = self._session.model, self._session.space
        text = told(model, space) if model is not None and space is not None else ""
        if model is None or space is None or not text:
            self.hide()
            return
        self._text.setText(text)
        can_encode = model.has_encoder and space.name == model.default_space
        for button in (self._folder, self._file):
            button.setVisible(can_encode)
        self.show()


def told(model: LatentModel, space: Space) -> str:
    """Return what is to be said of the sliders of a space, and what helps; empty where they need no word."""
    if space.is_map and space.name == model.default_space == model.explored_space:
        size = " × ".join(str(side) for side in space.shape)
        return f"A slider here is one number of a map, {size}. {_PICTURES if model.has_encoder else _BOOK}"
    return ranges.unknown_prior(model) if ranges.is_provisional(space) else ""
