"""A quiet field for one number: signed and rounded to look at, two decimals more to edit, exact to type."""

from __future__ import annotations

import math

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from explorer.gui import theme

MINUS = "−"
_WIDEST = 1e4  # from here on in powers of ten
_EDGE = 4  # px between the number and the field's right side


def signed(value: float, decimals: int = 2) -> str:
    """Return a number to look at: `+0.46`, `−1.18`; large ones as `+1.2e+05`."""
    text = f"{value:+.{decimals}f}" if abs(value) < _WIDEST else f"{value:+.1e}"
    if not text.strip("+-0."):
        text = text.replace("-", "+")  # no minus zero
    return text.replace("-", MINUS)


def editable(value: float, decimals: int) -> str:
    """Return a number to edit: `-1.2346`, `5.0`; large ones as `1.2346e+05`."""
    if abs(value) >= _WIDEST:
        return f"{value:.{decimals}e}"
    text = f"{value:.{decimals}f}".rstrip("0")
    text += "0" if text.endswith(".") else ""
    return text if text.strip("-0.") else "0.0"


def parse(text: str) -> float | None:
    """Return the finite number that was typed, with point or comma, or None."""
    try:
        value = float(text.strip().replace(MINUS, "-").replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


class NumberField(QLineEdit):
    """Shows a number that is kept elsewhere, exactly; only what was typed here is told, so looking rounds nothing."""

    entered = Signal(float)
    left = Signal(int)  # to the field above (-1) or below (+1)
    focused = Signal(bool)  # by the mouse

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "bare")
        self.setAcceptDrops(False)  # a file that is dropped here is for the window
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setFont(theme.numbers_font())
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._value = 0.0
        self._shown = ""
        self._decimals = 2
        self.show_value(0.0)
        self.textEdited.connect(self._on_text_edited)

    def show_value(self, value: float, decimals: int = 2) -> None:
        """Show a value; what a person is typing now is left alone."""
        self._value, self._decimals = value, decimals
        shown = signed(value, decimals)
        if self.hasFocus():
            self._shown = shown
            if not self.isModified():
                self._set_text(self._digits())
        elif shown != self._shown:
            self._shown = shown
            self._set_text(shown)

    def _set_text(self, text: str) -> None:
        if text != self.text():
            self.setText(text)
            self.setCursorPosition(0)

    def _digits(self) -> str:
        return editable(self._value, self._decimals + 2)

    def _select(self) -> None:
        """Select the text, the cursor at its start: where it has no room its end is what is not seen."""
        self.end(False)
        self.home(True)

    def enter(self) -> bool:
        """Take what was typed; return False, and say so, where it is no number."""
        if not self.isModified():
            return True
        value = parse(self.text())
        self._mark(invalid=value is None)
        if value is None:
            return False
        self.setModified(False)
        self.entered.emit(value)
        self._set_text(self._digits())
        self.setCursorPosition(0)
        return True

    def _mark(self, *, invalid: bool) -> None:
        if bool(self.property("invalid")) != invalid:
            self.setProperty("invalid", invalid)
            self.style().unpolish(self)
            self.style().polish(self)

    def _on_text_edited(self, _text: str) -> None:
        self._mark(invalid=False)

    # ---- Qt ----

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.enter():
                self._select()
        elif key == Qt.Key.Key_Escape and self.isModified():
            self._mark(invalid=False)
            self.setText(self._digits())
            self._select()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self.enter():
            self.left.emit(-1 if key == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.setText(self._digits())
        self.setCursorPosition(0)
        by_mouse = event.reason() == Qt.FocusReason.MouseFocusReason
        if not by_mouse:
            self._select()
        self.focused.emit(by_mouse)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.enter()
            self._mark(invalid=False)
            self._shown = signed(self._value, self._decimals)
            self.setText(self._shown)
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.hasFocus() or self.underMouse():
            super().paintEvent(event)
            return
        painter = QPainter(self)  # a number at rest, some times faster than a styled field
        painter.setFont(self.font())
        painter.setPen(theme.current().text)
        place = QRect(0, 0, self.width() - _EDGE, self.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._shown)


def decimals_for(spread: float) -> int:
    """Return how many decimals tell a hundredth of a spread apart: 2, more for very small spreads."""
    return min(max(2, math.ceil(-math.log10(spread)) + 1), 6) if 0 < spread < math.inf else 2
