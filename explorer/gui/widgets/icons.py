"""Line icons of one family, drawn from `resources/icons/*.svg` in a colour of the theme.

An icon on a button or an action is drawn anew when the theme changes; nobody has to listen for that.
"""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt
from PySide6.QtGui import QAction, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication

from explorer import paths
from explorer.gui import theme

SIZE = 16
_SCALES = (1, 2, 3)
_MULTICOLOURED = frozenset({"app"})


class _Retinter(QObject):
    """Draws the icons of buttons and actions anew in the colours of another theme."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: dict[
            int, tuple[str, str, QIcon]
        ] = {}  # by QIcon.cacheKey; copies of an icon share its key
        theme.notifier.changed.connect(self.retint)

    def retint(self) -> None:
        """Replace every icon of ours that is shown somewhere."""
        application = QApplication.instance()
        if not isinstance(application, QApplication):
            return
        before, self.drawn = self.drawn, {}
        icon.cache_clear()
        for widget in application.allWidgets():
            owners: list[QAbstractButton | QAction] = list(widget.actions())
            if isinstance(widget, QAbstractButton):
                owners.append(widget)
            for owner in owners:
                known = before.get(owner.icon().cacheKey())
                if known is not None:
                    owner.setIcon(icon(known[0], known[1]))


_retinter: list[_Retinter] = []


@lru_cache(maxsize=256)
def icon(name: str, color: str = "text") -> QIcon:
    """Return the icon `name` in a colour of the theme (`text`, `quiet`, ...), dimmed where disabled.

    Raises:
        FileNotFoundError: no such icon.
    """
    made = QIcon()
    size = 64 if name in _MULTICOLOURED else SIZE
    for scale in _SCALES:
        made.addPixmap(_drawn(name, color, size, scale), QIcon.Mode.Normal)
        made.addPixmap(_drawn(name, "disabled", size, scale), QIcon.Mode.Disabled)
    if not _retinter:
        _retinter.append(_Retinter())
    if name not in _MULTICOLOURED:
        _retinter[0].drawn[made.cacheKey()] = (name, color, made)
    return made


def _drawn(name: str, color: str, size: int, scale: int) -> QPixmap:
    renderer = _renderer(name, getattr(theme.current(), color).name())  # may raise, so before painting
    pixmap = QPixmap(size * scale, size * scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(pixmap.rect()))
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap


def paint_icon(painter: QPainter, place: QRectF, name: str, color: str = "text") -> None:
    """Paint an icon into a square, for widgets that paint themselves."""
    _renderer(name, getattr(theme.current(), color).name()).render(painter, place)


@lru_cache(maxsize=256)
def _renderer(name: str, color: str) -> QSvgRenderer:
    text = (paths.resources() / "icons" / f"{name}.svg").read_text("utf-8").replace("currentColor", color)
    return QSvgRenderer(QByteArray(text.encode()))
