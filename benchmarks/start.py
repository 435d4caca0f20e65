"""Child process: starts the program (or a plain one), says when it was seen, closes it.

`start.py program|plain EXEC_TIME`; prints seconds since EXEC_TIME as JSON.
"""

from __future__ import annotations

import json
import sys
import time

VISIBLE, PICTURE = "window/startup_visible_s", "window/first_picture_s"


def start_program(begun: float) -> dict[str, float]:
    """Run `latent-explorer` as a person would; note the first expose and the first painted picture."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    from explorer.cli import main
    from explorer.gui.app import App
    from explorer.gui.widgets.picture_view import PictureView

    seen: dict[str, float] = {}
    running: list[App] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Expose:
                seen.setdefault(VISIBLE, time.time() - begun)
            return False

    watch = Watch()
    start, paint = App.start, PictureView.paintEvent

    def watched_start(app: App, *arguments: object) -> None:
        running.append(app)
        app.window.winId()  # creates the native window, so that it can be watched before it is shown
        app.window.windowHandle().installEventFilter(watch)
        start(app, *arguments)

    def watched_paint(view: PictureView, event: object) -> None:
        paint(view, event)
        if PICTURE not in seen and not view.picture.isNull():
            seen[PICTURE] = time.time() - begun
            QTimer.singleShot(0, running[0].window.close)

    App.start, PictureView.paintEvent = watched_start, watched_paint  # type: ignore[method-assign]
    try:
        main([])
    except SystemExit as end:
        if end.code:
            raise
    return seen


def start_plain(begun: float) -> dict[str, float]:
    """Show an empty window; then import torch, read the same model and paint one picture, in one thread."""
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QImage, QPixmap
    from PySide6.QtWidgets import QApplication, QLabel

    seen: dict[str, float] = {}

    class Window(QLabel):
        def event(self, event: QEvent) -> bool:
            done = super().event(event)
            if event.type() == QEvent.Type.Paint:
                seen.setdefault(VISIBLE if self.pixmap().isNull() else PICTURE, time.time() - begun)
            return done

    application = QApplication([])
    window = Window()
    window.resize(1280, 800)
    window.show()
    while VISIBLE not in seen:
        application.processEvents()
    import torch

    from explorer.formats import open_latent

    model = open_latent("anime-faces").model
    with torch.no_grad():
        image = model.decode(torch.zeros(1, model.spaces[model.default_space].dim))
    picture = (255 * image).round().byte().numpy()[0, 0]
    height, width = picture.shape
    window.setPixmap(
        QPixmap.fromImage(QImage(picture.data, width, height, width, QImage.Format.Format_Grayscale8))
    )
    while PICTURE not in seen:
        application.processEvents()
    return seen


if __name__ == "__main__":
    ways = {"program": start_program, "plain": start_plain}
    print(json.dumps(ways[sys.argv[1]](float(sys.argv[2]))))
