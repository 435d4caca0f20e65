"""The plain program that the window is measured against: slider, thread, one-slot mailbox, picture."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import torch
from PySide6.QtCore import QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSlider, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from explorer.models.base import LatentModel


class PlainPicture(QWidget):
    """Paints one image, scaled; tells when it has painted."""

    painted = Signal()

    def __init__(self, size: QSize) -> None:
        super().__init__()
        self.setFixedSize(size)
        self._image = QImage()

    def show_image(self, image: QImage) -> None:
        """Paint this one from now on."""
        self._image = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            side = min(self.width(), self.height())
            painter.drawImage(QRect(0, 0, side, side), self._image)
        self.painted.emit()


class PlainProgram(QObject):
    """A slider for the first dimension of a model, and its picture, `size` large."""

    decoded = Signal(object)

    def __init__(self, model: LatentModel, code: np.ndarray, size: QSize) -> None:
        super().__init__()
        self._model = model
        self._code = np.array(code, np.float32)
        self._wake = threading.Condition()
        self._mail: np.ndarray | None = None
        self._closed = False
        self.window = QWidget()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(-3000, 3000)
        self.picture = PlainPicture(size)
        layout = QVBoxLayout(self.window)
        layout.addWidget(self.picture)
        layout.addWidget(self.slider)
        self.slider.valueChanged.connect(self._on_value_changed)
        self.decoded.connect(self._on_decoded)
        self._thread = threading.Thread(target=self._run, name="plain")
        self._thread.start()
        self.window.show()

    def close(self) -> None:
        """Join the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()
        self.window.close()

    def _on_value_changed(self, value: int) -> None:
        self._code[0] = value / 1000
        with self._wake:
            self._mail = self._code.copy()
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while self._mail is None and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                code, self._mail = self._mail, None
            with torch.no_grad():
                image = self._model.decode(torch.from_numpy(code[None]))
            self.decoded.emit((255 * image[0, 0]).round().byte().numpy())

    def _on_decoded(self, picture: np.ndarray) -> None:
        height, width = picture.shape
        kind = QImage.Format.Format_Grayscale8
        self.picture.show_image(QImage(picture.data, width, height, width, kind).copy())
