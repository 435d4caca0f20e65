"""Rules that a window's layout keeps: functions from widgets, or a grabbed picture, to a list of complaints.

Texts that Qt's own widgets show are measured; texts that our widgets paint themselves are recorded while they
paint (`PaintRecorder`). Nothing here knows this program, except that a widget may say of itself, by the
dynamic property `overlay`, that it lies over its siblings on purpose.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QFontMetricsF, QImage, QPainter, QTextDocument
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QComboBox,
    QLabel,
    QLineEdit,
    QMainWindow,
    QStyle,
    QStyleOptionComboBox,
    QToolButton,
    QWidget,
)

CONTRAST = 4.5
ALIKE = 8  # of 255, by which a pixel may differ from a colour and still have it
ELLIPSIS = "…"


def describe(widget: QWidget) -> str:
    """Return what a person needs to find a widget: its class, name or text, and where it is in the window."""
    text = widget.objectName() or widget.accessibleName()
    text = text or (widget.text() if isinstance(widget, QLabel | QAbstractButton) else "")
    place = widget.mapTo(widget.window(), QPoint(0, 0))
    size = f"{widget.width()}x{widget.height()}+{place.x()}+{place.y()}"
    return f"{type(widget).__name__} {text!r} ({size})"


def shown(window: QWidget) -> list[QWidget]:
    """Return the widgets of a window that can be seen, with something of them not clipped away.

    Windows that belong to it, such as dialogs and docks that float, are windows of their own.
    """
    return [
        widget
        for widget in window.findChildren(QWidget)
        if widget.window() is window and widget.isVisibleTo(window) and not widget.visibleRegion().isEmpty()
    ]


# ---- cut texts ----


def cut_texts(widgets: Iterable[QWidget]) -> list[str]:
    """Complain of every label, button, field and box whose text is wider or higher than the room for it."""
    found = []
    for widget in widgets:
        need, room = _need_and_room(widget)
        if need > room:
            text = f" {widget.displayText()!r}" if isinstance(widget, QLineEdit) else ""
            found.append(f"{describe(widget)} needs {need} px for its text{text} and has {room}")
        if isinstance(widget, QLabel) and widget.text().endswith(ELLIPSIS):
            found.append(f"{describe(widget)} shows a shortened text: {widget.text()!r}")
    return found


def _need_and_room(widget: QWidget) -> tuple[int, int]:
    """Return the width that the text of a widget takes, and the width there is for it."""
    metrics = widget.fontMetrics()
    if isinstance(widget, QLabel):
        return _need_and_room_of_label(widget)
    if isinstance(widget, QComboBox):
        option = QStyleOptionComboBox()
        widget.initStyleOption(option)
        field = widget.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, widget
        )
        return metrics.horizontalAdvance(widget.currentText()), field.width()
    if isinstance(widget, QToolButton) and widget.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly:
        return 0, 0
    if isinstance(widget, QAbstractButton) and widget.text():
        return min(widget.sizeHint().width(), widget.minimumSizeHint().width()), widget.width()
    if isinstance(widget, QLineEdit):
        margins = widget.textMargins()
        room = widget.contentsRect().width() - margins.left() - margins.right() - 4
        return metrics.horizontalAdvance(widget.displayText() or widget.placeholderText()), room
    return 0, 0


def _need_and_room_of_label(label: QLabel) -> tuple[int, int]:
    room = label.contentsRect().size()
    if not label.text() or hasattr(
        label, "shown_text"
    ):  # a label that shortens its text; the recorder sees it
        return 0, 0
    if label.wordWrap():
        return label.heightForWidth(label.width()), label.height()
    text = label.text()
    if "<" in text and label.textFormat() != Qt.TextFormat.PlainText:
        document = QTextDocument()
        document.setDefaultFont(label.font())
        document.setHtml(text)
        return round(document.idealWidth()), room.width()
    widest = max(label.fontMetrics().horizontalAdvance(line) for line in text.split("\n"))
    return widest, room.width() - 2 * label.margin() - max(label.indent(), 0)


# ---- overlaps ----


def overlaps(widgets: Iterable[QWidget]) -> list[str]:
    """Complain of siblings that lie over each other, and of widgets that stick out of their parent."""
    families: dict[int, list[QWidget]] = defaultdict(list)
    parents: dict[int, QWidget] = {}
    for widget in widgets:
        parent = widget.parentWidget()
        if parent is None or widget.isWindow() or _is_internal(widget) or widget.property("overlay"):
            continue
        families[id(parent)].append(widget)
        parents[id(parent)] = parent
    found = []
    for key, family in families.items():
        for number, one in enumerate(family):
            found += [
                f"{describe(one)} and {describe(other)} overlap"
                for other in family[number + 1 :]
                if one.geometry().intersects(other.geometry())
            ]
            if not _scrolls(parents[key]) and not parents[key].rect().contains(one.geometry()):
                found.append(f"{describe(one)} sticks out of {describe(parents[key])}")
    return found


def _is_internal(widget: QWidget) -> bool:
    """Return whether a widget is Qt's own machinery, such as the button of an overfull menu bar."""
    return widget.objectName().startswith("qt_") and "container" not in widget.objectName()


def _scrolls(parent: QWidget) -> bool:
    above = parent.parentWidget()
    return isinstance(parent, QMainWindow) or (
        isinstance(above, QAbstractScrollArea) and above.viewport() is parent
    )


# ---- rows ----


def uneven_rows(rows: Iterable[QWidget]) -> list[str]:
    """Complain of rows that differ in pitch (top to top) although the upper ones are equally high."""
    ordered = sorted(rows, key=lambda row: row.mapTo(row.window(), QPoint(0, 0)).y())
    pitches: dict[int, set[int]] = defaultdict(set)
    lefts = {(row.mapTo(row.window(), QPoint(0, 0)).x(), row.width()) for row in ordered}
    for upper, lower in pairwise(ordered):
        pitches[upper.height()].add(lower.y() - upper.y())
    found = [
        f"rows {height} px high follow each other after {sorted(pitch)} px"
        for height, pitch in pitches.items()
        if len(pitch) > 1
    ]
    return found + ([f"rows differ in left edge and width: {sorted(lefts)}"] if len(lefts) > 1 else [])


# ---- contrast ----


def contrast(one: QColor, other: QColor) -> float:
    """Return the contrast ratio of two opaque colours, 1..21 (WCAG 2.2)."""
    return _ratio(*_luminances(np.array([one.getRgbF()[:3], other.getRgbF()[:3]])))


def _ratio(one: float, other: float) -> float:
    darker, lighter = sorted((float(one), float(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminances(colors: np.ndarray) -> np.ndarray:
    """Return how bright colours `(N, 3)` in 0..1 are, `(N,)`."""
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def pixels(image: QImage) -> np.ndarray:
    """Return a grabbed picture as uint8 `(H, W, 3)`."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def ink_contrast(crop: np.ndarray) -> float:
    """Return the contrast of the ink in a picture of text, `(H, W, 3)`, against its commonest colour."""
    colors, counts = _colors(crop)
    bright = _luminances(colors / 255)
    paper = bright[counts.argmax()]
    # Strokes are thin, so only some of their pixels carry the full colour: the strongest ones tell it.
    return max(_ratio(paper, bright.min()), _ratio(paper, bright.max()))


def _ground(crop: np.ndarray, ink: QColor) -> QColor:
    """Return the colour under a text, which may be a picture: a middle one of what is not ink.

    The soft edges of small letters lie between both and may be half of all pixels; so of the others, ordered by
    how different from the ink they are, the one at three quarters counts.
    """
    found = crop.reshape(-1, 3).astype(int)
    far = np.abs(found - np.array(ink.getRgb()[:3])).max(axis=1)
    order = np.argsort(far, kind="stable")[np.count_nonzero(far <= ALIKE) :]
    return QColor(*map(int, found[order[3 * len(order) // 4]])) if len(order) else ink


def _commonest(crop: np.ndarray) -> QColor:
    colors, counts = _colors(crop)
    return QColor(*map(int, colors[counts.argmax()]))


def _colors(crop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the colours of a picture, `(N, 3)`, and how many pixels have each; as whole numbers they sort fast."""
    numbers, counts = np.unique(crop.reshape(-1, 3) @ np.array([1 << 16, 1 << 8, 1]), return_counts=True)
    return np.stack([numbers >> 16, numbers >> 8 & 255, numbers & 255], axis=-1), counts


def _crop(picture: np.ndarray, scale: float, widget: QWidget, rect: QRect) -> np.ndarray:
    """Return the part of a grabbed window that shows a rectangle of a widget."""
    corner = widget.mapTo(widget.window(), rect.topLeft())
    left, top = round(max(corner.x(), 0) * scale), round(max(corner.y(), 0) * scale)
    return picture[top : top + round(rect.height() * scale), left : left + round(rect.width() * scale)]


def faint_texts(widgets: Iterable[QWidget], grabbed: QImage) -> list[str]:
    """Complain of enabled labels, buttons and boxes with a text fainter than 4.5:1 in the grabbed window."""
    picture, scale = pixels(grabbed), grabbed.devicePixelRatio()
    found = []
    widgets = list(widgets)
    overlays = [widget for widget in widgets if widget.property("overlay")]
    for widget in widgets:
        rect = text_rect(widget)
        if rect is None or not widget.isEnabled() or _is_covered(widget, rect, overlays):
            continue
        if not widget.visibleRegion().boundingRect().contains(rect):
            continue  # scrolled away in part, maybe to where no stroke of a letter is left
        crop = _crop(picture, scale, widget, rect)
        ratio = ink_contrast(crop) if crop.size else CONTRAST
        if ratio < CONTRAST:
            found.append(f"{describe(widget)} has a contrast of {ratio:.2f}")
    return found


def _is_covered(widget: QWidget, rect: QRect, overlays: Iterable[QWidget]) -> bool:
    """Return whether something that lies over its siblings on purpose hides a part of a widget."""
    place = QRect(widget.mapTo(widget.window(), rect.topLeft()), rect.size())
    return any(
        QRect(over.mapTo(over.window(), QPoint(0, 0)), over.size()).intersects(place)
        for over in overlays
        if over is not widget and not over.isAncestorOf(widget) and not widget.isAncestorOf(over)
    )


def text_rect(widget: QWidget) -> QRect | None:
    """Return where a widget shows its text, in its own coordinates; None if it shows none."""
    has_text = (
        (isinstance(widget, QLabel) and widget.text() and widget.pixmap().isNull())
        or (isinstance(widget, QAbstractButton) and widget.text() and _shows_text(widget))
        or (isinstance(widget, QComboBox) and widget.currentText())
        or (isinstance(widget, QLineEdit) and (widget.text() or widget.placeholderText()))
    )
    return widget.contentsRect().adjusted(4, 3, -4, -3) if has_text else None


def _shows_text(button: QAbstractButton) -> bool:
    style = button.toolButtonStyle() if isinstance(button, QToolButton) else None
    return style != Qt.ToolButtonStyle.ToolButtonIconOnly


# ---- what widgets paint themselves ----


@dataclass
class Painted:
    """A text that one of our own widgets drew; `place` is where, in the widget's coordinates."""

    text: str
    color: QColor
    widget: QWidget | None
    place: QRect


class PaintRecorder:
    """While on, keeps what Python code draws with QPainter.drawText and shortens with elidedText."""

    def __init__(self) -> None:
        self.texts: list[Painted] = []
        self.shortened: list[str] = []
        self._originals: list[tuple[type, str, Callable[..., Any]]] = []

    def __enter__(self) -> PaintRecorder:
        self._wrap(QPainter, "drawText", self._on_draw)
        for metrics in (QFontMetrics, QFontMetricsF):
            self._wrap(metrics, "elidedText", self._on_elide)
        return self

    def __exit__(self, *_error: object) -> None:
        for owner, name, original in self._originals:
            setattr(owner, name, original)
        self._originals.clear()

    def faint(self, grabbed: QImage) -> list[str]:
        """Complain of drawn texts fainter than 4.5:1 on what lies under them in the grabbed window.

        Texts of disabled widgets are left out, and those that were drawn into pixmaps.
        """
        picture, scale = pixels(grabbed), grabbed.devicePixelRatio()
        found = []
        for drawn in self.texts:
            if drawn.widget is None or not drawn.widget.isEnabled():
                continue
            seen = drawn.widget.visibleRegion().boundingRect()
            if drawn.widget.isVisible() and not seen.contains(drawn.place.intersected(drawn.widget.rect())):
                continue  # scrolled away in part
            crop = _crop(picture, scale, drawn.widget, drawn.place)
            ratio = contrast(drawn.color, _ground(crop, drawn.color)) if crop.size else CONTRAST
            if ratio < CONTRAST:
                found.append(
                    f"{drawn.text!r}, drawn by {describe(drawn.widget)}, has a contrast of {ratio:.2f}"
                )
        return found

    def _wrap(self, owner: type, name: str, after: Callable[..., None]) -> None:
        original = getattr(owner, name)

        def wrapped(self_: Any, *args: Any) -> Any:
            result = original(self_, *args)
            after(self_, args, result)
            return result

        self._originals.append((owner, name, original))
        setattr(owner, name, wrapped)

    def _on_draw(self, painter: QPainter, args: tuple[Any, ...], _result: Any) -> None:
        text = next((value for value in args if isinstance(value, str)), "")
        device = painter.device()
        if text.strip():
            place = painter.worldTransform().mapRect(_text_box(painter, args, text)).toAlignedRect()
            widget = device if isinstance(device, QWidget) else None
            self.texts.append(Painted(text, painter.pen().color(), widget, place))

    def _on_elide(self, _metrics: Any, args: tuple[Any, ...], result: str) -> None:
        if args and result != args[0]:
            self.shortened.append(f"{args[0]!r} was shortened to {result!r}")


def _text_box(painter: QPainter, args: tuple[Any, ...], text: str) -> QRectF:
    """Return where a call of drawText draws: the ink's box, or the rectangle it was given."""
    metrics = QFontMetricsF(painter.font())
    if isinstance(args[0], QRect | QRectF):
        flags = next((value for value in args[1:] if isinstance(value, int | Qt.AlignmentFlag)), 0)
        box = metrics.boundingRect(QRectF(args[0]), int(flags), text)
        return box.intersected(QRectF(args[0]))
    start = args[0] if isinstance(args[0], QPoint | QPointF) else QPointF(args[0], args[1])
    return metrics.boundingRect(text).translated(QPointF(start))
